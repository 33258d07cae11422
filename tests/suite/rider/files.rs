//! The files of a folder: those of other tools, folders that are not there, comments, ids and empty migrations.

use std::fs;

use apocryphan::{
    cli::{self, Console},
    rider::{Config, Rider},
};
use estoult::{Database, batch};
use tempfile::TempDir;

use super::{count, has_table};
use crate::support::{on_every_backend, wrap};

/// A folder with these files, and rider on it.
fn folder(db: &Database, files: &[(&str, &str)]) -> (TempDir, Rider) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let config = Config {
        source: folder.path().to_owned(),
        ..Config::default()
    };
    (folder, Rider::new(db.clone()).config(config))
}

/// The exit code, and all that was printed, without the path of the folder.
async fn run(rider: &Rider, line: &str) -> (u8, String) {
    let console = Console::captured();
    let code = cli::run(rider, line.split(' '), &console).await;
    let printed = format!("{}{}", console.stdout(), console.stderr());
    let path = rider.settings().source.display().to_string();
    (code, printed.replace(&path, "FOLDER"))
}

on_every_backend!(files_of_other_tools_are_refused, async |db| {
    batch(
        db,
        "create table users (id int); insert into users values (1), (2)",
    )
    .await?;
    let up = "create table if not exists users (id int)";
    let down = "drop table if exists users";
    for (files, tool) in [
        (
            vec![("1_users.up.sql", up), ("1_users.down.sql", down)],
            "golang-migrate",
        ),
        (
            vec![(
                "1_users.sql",
                "-- +goose Up\ncreate table a (id int);\n-- +goose Down\ndrop table users;",
            )],
            "goose",
        ),
        (
            vec![(
                "1_users.sql",
                "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table users;",
            )],
            "dbmate",
        ),
        (
            vec![("V1__users.sql", up), ("U1__users.sql", down)],
            "Flyway",
        ),
        (
            vec![("1_users/up.sql", up), ("1_users/down.sql", down)],
            "Diesel",
        ),
        (vec![("1-users.SQL", down)], "does not read"),
    ] {
        let (_folder, rider) = folder(db, &files);
        for line in ["rider migrate", "rider migrations"] {
            let (code, printed) = run(&rider, line).await;
            assert_eq!(code, 2, "{printed}");
            assert!(printed.contains(tool), "{printed}");
            assert!(printed.contains("not rider's: "), "{printed}");
        }
        assert_eq!(count(db, "select count(*) from users").await, 2);
        assert!(!has_table(db, "a").await);
    }
    Ok(())
});

on_every_backend!(a_folder_without_migrations_is_an_error, async |db| {
    let (folder, rider) = folder(db, &[("migrations/1-a.sql", "create table a (id int)")]);
    let (code, printed) = run(&rider, "rider migrate").await;
    assert_eq!(code, 2, "{printed}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrap(printed), @"
        error: the migrations cannot be read:
        FOLDER: no file of this folder ends in `.sql`, so there is no migration; name
        another one with `--source`, or make the first migration with `create`
        ");
    }
    let misspelled = Config {
        source: folder.path().join("migratons"),
        ..Config::default()
    };
    let rider = rider.config(misspelled);
    for line in ["rider migrate", "rider migrations --check"] {
        let (code, printed) = run(&rider, line).await;
        assert_eq!(code, 2, "{printed}");
        assert!(printed.contains("did you mean `migrations`?"), "{printed}");
    }
    assert!(!has_table(db, "a").await);
    Ok(())
});

on_every_backend!(comments_are_comments, async |db| {
    let licensed = "-- Copyright 2024 Ada Lovelace\n-- SPDX-License-Identifier: MIT\n\n\
        -- Step 1: the table\ncreate table a (id int);\n-- Rollback:\n-- drop table a;\n\
        create table b (id int);\n";
    let (_folder, rider) = folder(db, &[("1-a.sql", licensed)]);
    let (code, printed) = run(&rider, "rider migrate").await;
    assert_eq!(code, 0, "{printed}");
    assert!(has_table(db, "a").await && has_table(db, "b").await);
    Ok(())
});

on_every_backend!(any_file_name_is_an_id, async |db| {
    let files = [
        ("1-add email.sql", "create table a (id int)"),
        ("2-it's.sql", "create table b (id int)"),
    ];
    let (_folder, rider) = folder(db, &files);
    let created = rider.create("third").unwrap();
    let text = fs::read_to_string(&created).unwrap();
    assert!(
        text.contains("-- depends: \"1-add email\" \"2-it's\"\n"),
        "{text}"
    );
    fs::write(
        &created,
        text.replace("-- step\n", "-- step\ncreate table c (id int);\n"),
    )
    .unwrap();
    let (code, printed) = run(&rider, "rider migrate").await;
    assert_eq!(code, 0, "{printed}");
    assert!(has_table(db, "c").await);
    Ok(())
});

on_every_backend!(an_empty_migration_says_so, async |db| {
    let files = [
        ("1-a.sql", "create table a (id int)"),
        (
            "2-nothing.sql",
            "-- message: nothing to do here\n-- empty: true\n",
        ),
        ("3-b.sql", "create table b (id int)"),
    ];
    let (_folder, rider) = folder(db, &files);
    let (code, printed) = run(&rider, "rider migrate").await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("3 applied"), "{printed}");
    assert!(has_table(db, "b").await);
    let (_folder, rider) = folder(
        db,
        &[files[0], files[1], files[2], ("4-c.sql", "-- step\n")],
    );
    let (code, printed) = run(&rider, "rider migrate").await;
    assert_eq!(code, 8, "{printed}");
    assert!(printed.contains("`-- empty: true`"), "{printed}");
    Ok(())
});

//! The command line: what it writes where, and what it returns.

use std::sync::atomic::{AtomicUsize, Ordering};

use apocryphan::{
    cli::{self, Console},
    rider::{Config, Rider},
};
use estoult::Database;

use super::{CONTACTS, NAMES, rider};
use crate::support::on_every_backend;

async fn command(rider: &Rider, line: &str) -> (u8, String, String) {
    let console = Console::captured();
    let code = cli::run(rider, line.split(' '), &console).await;
    (code, console.stdout(), console.stderr())
}

/// Tells the folders of tests apart; inside of a test each backend would have one of its own.
static NEXT: AtomicUsize = AtomicUsize::new(0);

on_every_backend!(
    the_command_line_tells_results_and_errors_apart,
    async |db: &Database| {
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-names", NAMES)]);
        let (code, out, err) = command(&rider, "rider migrations --check").await;
        let list = "index | message      | applied\n\
            ------+--------------+--------\n\
            \x20   0 | Add contacts | None\n\
            \x20   1 | Add names    | None\n";
        assert_eq!((code, out.as_str(), err.as_str()), (3, list, ""));
        let (code, out, err) = command(&rider, "rider migrate").await;
        let lines =
            "Applied migration: 1-contacts\nApplied migration: 2-names\n2 applied, 0 pending\n";
        assert_eq!((code, out.as_str(), err.as_str()), (0, lines, ""));
        let (code, out, _) = command(&rider, "rider rollback -n 1").await;
        assert_eq!(
            (code, out.as_str()),
            (
                0,
                "Rolled back migration: 2-names\n1 rolled back, 1 pending\n"
            )
        );
        let (code, out, err) = command(&rider, "rider migrate 3-x").await;
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(
            err.starts_with("error: there is no migration `3-x`"),
            "{err}"
        );
        let (code, ..) = command(&rider, "rider nothing").await;
        assert_eq!(code, 2);
        Ok(())
    }
);

on_every_backend!(
    create_writes_a_migration_that_depends_on_the_heads,
    async |db: &Database| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rider-{}-{number}", std::process::id()));
        let source = folder.display().to_string();
        let config = Config {
            source: folder.clone(),
            ..Config::default()
        };
        let rider = Rider::new(db.clone()).config(config);
        let first = rider.create("Init DB, now!").unwrap();
        assert!(first.display().to_string().ends_with("-init-db-now.sql"));
        let (code, out, err) =
            command(&rider, &format!("rider create -m second --source {source}")).await;
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with("Created migration scaffold in "), "{out}");
        let list = rider.status().await.unwrap();
        assert_eq!(list[1].depends, [list[0].id.clone()]);
        std::fs::remove_dir_all(folder).unwrap();
        Ok(())
    }
);

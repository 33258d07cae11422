//! Steps: what fails, what is ignored, what is in a transaction.

use apocryphan::rider::{ErrorKind, Ignore, Migration, MigrationSet, Rider, State, Step, step};
use estoult::{Database, Dialect, Transaction, sql};

use super::{CONTACTS, count, has_table, migrate, rider, states};
use crate::support::{Backend, on_every_backend, on_every_fresh, runtime};

async fn fill(tx: &Transaction) -> estoult::Result<()> {
    sql("insert into contacts (id) values (:id)")
        .bind("id", 7)
        .execute(tx)
        .await?;
    Ok(())
}

async fn fail(tx: &Transaction) -> estoult::Result<()> {
    fill(tx).await?;
    Err(estoult::Error::custom("the numbers do not add up"))
}

on_every_backend!(
    a_failed_step_is_told_with_its_place_and_what_stays,
    async |db: &Database| {
        let bad = "create table b (id int);\n\ninsert into nowhere\nvalues (1);";
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-bad", bad)]);
        let error = migrate(&rider).await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!((failure.id(), failure.step()), ("2-bad", Some(2)));
        assert_eq!(failure.location(), Some(("2-bad.sql", 3)));
        assert_eq!(failure.completed(), ["1-contacts"]);
        let is_atomic = db.dialect().features().transactional_ddl;
        assert_eq!(has_table(db, "b").await, !is_atomic);
        assert_eq!(
            failure.committed(),
            if is_atomic {
                vec![]
            } else {
                vec!["2-bad.sql:1"]
            }
        );
        let text = error.to_string();
        assert!(
            text.contains("insert into nowhere\n    values (1)"),
            "{text}"
        );
        assert!(
            text.contains("applied by this run and kept: 1-contacts"),
            "{text}"
        );
        assert!(text.contains("then run `rider migrate` again"), "{text}");
        let expected = [
            ("1-contacts".to_owned(), State::Applied),
            ("2-bad".to_owned(), State::Pending),
        ];
        assert_eq!(states(&rider).await, expected);
        Ok(())
    }
);

on_every_backend!(
    rows_alone_are_one_transaction_everywhere,
    async |db: &Database| {
        let bad = "insert into contacts (id) values (7);\ninsert into nowhere values (1);";
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-bad", bad)]);
        let error = migrate(&rider).await.unwrap_err();
        assert!(error.failure().unwrap().committed().is_empty(), "{error}");
        assert_eq!(count(db, "select count(*) from contacts").await, 0);
        Ok(())
    }
);

on_every_backend!(
    a_select_in_parentheses_changes_rows_alone,
    async |db: &Database| {
        // SQLite has no parentheses around a statement.
        let select = match db.dialect() {
            Dialect::Sqlite => "select 1",
            _ => "(select 1)",
        };
        let bad = format!(
            "insert into contacts (id) values (7);\n{select};\ninsert into nowhere values (1);"
        );
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-bad", &bad)]);
        let error = migrate(&rider).await.unwrap_err();
        assert!(error.failure().unwrap().committed().is_empty(), "{error}");
        assert_eq!(count(db, "select count(*) from contacts").await, 0);
        Ok(())
    }
);

on_every_backend!(
    what_a_server_may_skip_is_not_promised_to_be_rolled_back,
    async |db: &Database| {
        let hidden = "/*!99999 insert into contacts (id) values (1) */ create table a (id int);\n\
                      insert into nowhere values (1);";
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-bad", hidden)]);
        let error = migrate(&rider).await.unwrap_err();
        let is_left = has_table(db, "a").await;
        assert_eq!(
            !error.failure().unwrap().committed().is_empty(),
            is_left,
            "{error}"
        );
        Ok(())
    }
);

on_every_backend!(
    an_ignored_error_is_told_and_the_run_goes_on,
    async |db: &Database| {
        let text = "-- step ignore_errors=all\ndrop table nowhere;\n-- step\ncreate table a (id int);\n\
                -- step ignore_errors=migrate\ninsert into a values (1);\ninsert into nowhere values (1);\n\
                -- step\ninsert into a values (2);";
        let rider = rider(db, &[("1-a", text)]);
        let report = migrate(&rider).await.unwrap();
        let ignored: Vec<usize> = report.ignored.iter().map(|ignored| ignored.step).collect();
        assert_eq!(ignored, [1, 3]);
        assert_eq!(report.ignored[1].location, "1-a.sql:7");
        let is_atomic = db.dialect().features().transactional_ddl;
        let rows = count(db, "select count(*) from a").await;
        assert_eq!(rows, if is_atomic { 1 } else { 2 });
        Ok(())
    }
);

on_every_backend!(a_function_works_in_a_transaction, async |db: &Database| {
    let rows = |steps: fn() -> Vec<Step>| {
        MigrationSet::new([
            Migration::sql("1-contacts", CONTACTS),
            Migration::rust("2-rows", steps).depends(["1-contacts"]),
        ])
    };
    let bad =
        Rider::new(db.clone()).migrations(rows(|| vec![step(fail).ignore_errors(Ignore::All)]));
    let error = migrate(&bad).await.unwrap_err();
    assert!(
        error.to_string().contains("the numbers do not add up"),
        "{error}"
    );
    assert!(
        error
            .failure()
            .unwrap()
            .statement()
            .unwrap()
            .ends_with("fail()")
    );
    assert_eq!(count(db, "select count(*) from contacts").await, 0);
    let good = Rider::new(db.clone()).migrations(rows(|| vec![step(fill)]));
    migrate(&good).await.unwrap();
    assert_eq!(
        count(db, "select count(*) from contacts where id = 7").await,
        1
    );
    Ok(())
});

on_every_backend!(
    wrong_migrations_are_all_told_before_anything_runs,
    async |db: &Database| {
        let rider = rider(
            db,
            &[
                ("1-contacts", CONTACTS),
                ("2-quote", "insert into contacts values ('"),
                ("3-end", "insert into contacts (id) values (1); commit;"),
                ("4-empty", "-- step"),
            ],
        );
        let error = migrate(&rider).await.unwrap_err().to_string();
        assert!(
            error.contains("2-quote.sql:1: the string that begins here is never closed"),
            "{error}"
        );
        if db.dialect().features().transactional_ddl {
            assert!(
                error.contains("3-end.sql:1: `commit` in a migration"),
                "{error}"
            );
        }
        assert!(!has_table(db, "contacts").await);
        Ok(())
    }
);

on_every_backend!(an_empty_migration_is_refused, async |db: &Database| {
    let rider = rider(
        db,
        &[
            ("1-contacts", CONTACTS),
            ("2-empty", "-- step\n\n-- rollback\n"),
        ],
    );
    let error = migrate(&rider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused), "{error}");
    assert!(!has_table(db, "contacts").await);
    Ok(())
});

on_every_backend!(
    statements_run_singly_outside_of_a_transaction_when_told,
    async |db: &Database| {
        let index = match db.dialect() {
            Dialect::Postgres => "create index concurrently contacts_id on contacts (id);",
            _ => "create index contacts_id on contacts (id);",
        };
        let text = format!(
            "-- transactional: false\n{index}\ninsert into contacts (id) values (1);\ninsert into nowhere values (1);"
        );
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-index", &text)]);
        let error = migrate(&rider).await.unwrap_err();
        assert_eq!(
            error.failure().unwrap().committed(),
            ["2-index.sql:2", "2-index.sql:3"]
        );
        assert!(
            error
                .to_string()
                .contains("undo what those statements did by hand"),
            "{error}"
        );
        assert_eq!(count(db, "select count(*) from contacts").await, 1);
        Ok(())
    }
);

on_every_backend!(
    what_a_migration_sets_for_the_session_reaches_nobody,
    async |db: &Database| {
        let text = match db.dialect() {
            Dialect::Postgres => "select set_config('search_path', '', false);",
            Dialect::Sqlite => "select 1;",
            _ => "-- transactional: false\nset session foreign_key_checks = 0;",
        };
        let rider = rider(db, &[("1-set", text), ("2-contacts", CONTACTS)]);
        assert_eq!(migrate(&rider).await.unwrap().applied.len(), 2);
        assert!(has_table(db, "contacts").await);
        Ok(())
    }
);

on_every_backend!(
    the_body_of_a_trigger_is_one_statement,
    async |db: &Database| {
        let text = match db.dialect() {
            Dialect::Postgres => {
                "create function bump() returns trigger language plpgsql as $$
            begin new.id := new.id + 1; return new; end; $$;
            create trigger bump before insert on contacts for each row execute function bump();"
            }
            Dialect::Sqlite => {
                "create trigger bump after insert on contacts begin
            update contacts set id = id + 1 where rowid = new.rowid; end;"
            }
            _ => {
                "create trigger bump before insert on contacts for each row begin set new.id = new.id + 1; end;"
            }
        };
        let rider = rider(
            db,
            &[
                ("1-contacts", CONTACTS),
                ("2-bump", text),
                ("3-row", "insert into contacts (id) values (1);"),
            ],
        );
        migrate(&rider).await.unwrap();
        assert_eq!(
            count(db, "select count(*) from contacts where id = 2").await,
            1
        );
        Ok(())
    }
);

on_every_fresh!(
    a_function_outside_of_a_transaction_needs_a_connection_of_its_own,
    |fresh| {
        // One for the statements, and on servers one for the lock.
        let enough = match fresh.backend() {
            Backend::Sqlite => 2,
            Backend::Postgres | Backend::MySql => 3,
        };
        let contacts = Migration::sql("1-contacts", CONTACTS);
        let rows = Migration::rust("2-rows", || vec![step(fill)]).transactional(false);
        let set = MigrationSet::new([contacts, rows]);
        for (limit, is_enough) in [(enough - 1, false), (enough, true)] {
            let database = Database::builder(&fresh.url).max_connections(limit);
            let rider = Rider::new(database).migrations(set.clone());
            match runtime().block_on(migrate(&rider)) {
                Ok(report) => assert!(is_enough, "{report:?}"),
                Err(error) => {
                    assert!(!is_enough, "{error}");
                    let remedy = format!("raise max_connections to {enough}");
                    assert!(error.to_string().contains(&remedy), "{error}");
                }
            }
        }
        Ok(())
    }
);

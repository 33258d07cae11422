//! Migrations: what is applied, recorded, undone and told, on every database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use apocryphan::{
    cli::{self, Console},
    rider::{
        Config, Error, ErrorKind, Event, Ignore, MigrateOptions, Migration, MigrationSet, Report,
        Rider, RollbackOptions, State, Step, migrations, step,
    },
};
use estoult::{Database, Dialect, Transaction, sql};
use tokio::sync::watch;

use crate::support::on_every_backend;

const CONTACTS: &str = "-- Add contacts\n-- step\ncreate table contacts (id int not null);\n-- rollback\ndrop table contacts;\n";
const NAMES: &str = "-- Add names\n-- depends: 1-contacts\n-- step\nalter table contacts add column name varchar(20);\ninsert into contacts (id, name) values (1, 'a;b');\n-- rollback\ndelete from contacts;\n";

fn set(texts: &[(&str, &str)]) -> MigrationSet {
    texts
        .iter()
        .map(|(id, text)| Migration::sql(*id, *text))
        .collect()
}

fn rider(db: &Database, texts: &[(&str, &str)]) -> Rider {
    Rider::new(db.clone()).migrations(set(texts))
}

fn applied(report: &Report) -> Vec<&str> {
    report.applied.iter().map(|done| done.id.as_str()).collect()
}

fn rolled_back(report: &Report) -> Vec<&str> {
    report
        .rolled_back
        .iter()
        .map(|done| done.id.as_str())
        .collect()
}

async fn migrate(rider: &Rider) -> Result<Report, Error> {
    rider.migrate(&MigrateOptions::default()).await
}

async fn states(rider: &Rider) -> Vec<(String, State)> {
    let list = rider.status().await.unwrap();
    list.into_iter()
        .map(|status| (status.id, status.state))
        .collect()
}

async fn count(db: &Database, text: &str) -> i64 {
    sql(text).one::<(i64,)>(db).await.unwrap().0
}

async fn has_table(db: &Database, table: &str) -> bool {
    sql(format!("select count(*) from {table}"))
        .one::<(i64,)>(db)
        .await
        .is_ok()
}

on_every_backend!(
    migrate_applies_what_is_pending_in_order,
    async |db: &Database| {
        let rider = rider(db, &[("2-names", NAMES), ("1-contacts", CONTACTS)]);
        let report = migrate(&rider).await.unwrap();
        assert_eq!(applied(&report), ["1-contacts", "2-names"]);
        assert_eq!(report.pending, 0);
        assert_eq!(
            count(db, "select count(*) from contacts where name = 'a;b'").await,
            1
        );
        let again = migrate(&rider).await.unwrap();
        assert!(again.applied.is_empty());
        Ok(())
    }
);

on_every_backend!(migrate_writes_history_and_log, async |db: &Database| {
    let rider = rider(db, &[("1-contacts", CONTACTS)]);
    migrate(&rider).await.unwrap();
    rider.rollback(&RollbackOptions::default()).await.unwrap();
    migrate(&rider).await.unwrap();
    let list = rider.status().await.unwrap();
    assert_eq!(list[0].message, "Add contacts");
    assert!(list[0].applied_at.unwrap().to_string().starts_with("20"));
    assert!(list[0].duration.is_some());
    let log = sql("select migration, operation, username, hostname from _rider_logs order by time");
    let log = log
        .all::<(String, String, String, String)>(db)
        .await
        .unwrap();
    let operations: Vec<&str> = log.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(operations, ["apply", "rollback", "apply"]);
    assert!(
        log.iter()
            .all(|row| row.0 == "1-contacts" && !row.2.is_empty() && !row.3.is_empty())
    );
    Ok(())
});

on_every_backend!(migrate_takes_less_when_told, async |db: &Database| {
    let rider = rider(
        db,
        &[
            ("1-contacts", CONTACTS),
            ("2-names", NAMES),
            ("3-c", "create table c (id int);"),
            ("4-d", "create table d (id int);"),
        ],
    );
    let report = rider
        .migrate(&MigrateOptions::default().only("2-names"))
        .await
        .unwrap();
    assert_eq!(applied(&report), ["1-contacts", "2-names"]);
    let report = rider
        .migrate(&MigrateOptions::default().steps(1))
        .await
        .unwrap();
    assert_eq!((applied(&report), report.pending), (vec!["3-c"], 1));
    let error = rider
        .migrate(&MigrateOptions::default().to("4-x"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no migration `4-x`; did you mean `4-d`?"
    );
    Ok(())
});

on_every_backend!(
    rollback_undoes_the_latest_and_its_dependants,
    async |db: &Database| {
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-names", NAMES)]);
        migrate(&rider).await.unwrap();
        let report = rider.rollback(&RollbackOptions::default()).await.unwrap();
        assert_eq!(rolled_back(&report), ["2-names"]);
        assert_eq!(report.pending, 1);
        assert!(has_table(db, "contacts").await);
        rider
            .rollback(&RollbackOptions::default().all())
            .await
            .unwrap();
        assert!(!has_table(db, "contacts").await);
        let report = rider.rollback(&RollbackOptions::default()).await.unwrap();
        assert!(report.rolled_back.is_empty());
        Ok(())
    }
);

on_every_backend!(
    rollback_from_an_index_undoes_that_one_too,
    async |db: &Database| {
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-names", NAMES)]);
        migrate(&rider).await.unwrap();
        let report = rider
            .rollback(&RollbackOptions::default().from_index(0))
            .await
            .unwrap();
        assert_eq!(rolled_back(&report), ["2-names", "1-contacts"]);
        Ok(())
    }
);

on_every_backend!(
    rollback_refuses_what_cannot_be_undone,
    async |db: &Database| {
        let rider = rider(db, &[("1-a", "create table a (id int);")]);
        migrate(&rider).await.unwrap();
        let error = rider
            .rollback(&RollbackOptions::default())
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Refused), "{error}");
        assert_eq!(states(&rider).await, [("1-a".to_owned(), State::Applied)]);
        let options = RollbackOptions::default().allow_irreversible();
        let report = rider.rollback(&options).await.unwrap();
        assert_eq!(report.kept.len(), 1);
        assert_eq!(states(&rider).await, [("1-a".to_owned(), State::Pending)]);
        Ok(())
    }
);

on_every_backend!(status_creates_no_table, async |db: &Database| {
    let rider = rider(db, &[("1-contacts", CONTACTS)]);
    assert_eq!(
        states(&rider).await,
        [("1-contacts".to_owned(), State::Pending)]
    );
    assert!(!has_table(db, "_rider_migrations").await);
    assert!(!has_table(db, "_rider_logs").await);
    Ok(())
});

on_every_backend!(
    a_failed_step_is_told_with_its_place_and_what_stays,
    async |db: &Database| {
        let bad = "create table b (id int);\n\ninsert into nowhere\nvalues (1);";
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-bad", bad)]);
        let error = migrate(&rider).await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!((failure.id(), failure.step()), ("2-bad", Some(2)));
        assert_eq!(failure.place(), Some(("2-bad.sql", 3)));
        assert_eq!(failure.done(), ["1-contacts"]);
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
    an_ignored_error_is_told_and_the_run_goes_on,
    async |db: &Database| {
        let text = "-- step ignore_errors=all\ndrop table nowhere;\n-- step\ncreate table a (id int);\n\
                -- step ignore_errors=migrate\ninsert into a values (1);\ninsert into nowhere values (1);\n\
                -- step\ninsert into a values (2);";
        let rider = rider(db, &[("1-a", text)]);
        let report = migrate(&rider).await.unwrap();
        let ignored: Vec<usize> = report.ignored.iter().map(|ignored| ignored.step).collect();
        assert_eq!(ignored, [1, 3]);
        assert_eq!(report.ignored[1].place, "1-a.sql:7");
        let is_atomic = db.dialect().features().transactional_ddl;
        let rows = count(db, "select count(*) from a").await;
        assert_eq!(rows, if is_atomic { 1 } else { 2 });
        Ok(())
    }
);

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
    two_runs_at_once_apply_each_migration_once,
    async |db: &Database| {
        // Whoever waited inside the database for the lock would block this index, and be blocked by it.
        let index = match db.dialect() {
            Dialect::Postgres => {
                "-- transactional: false\ncreate index concurrently i on contacts (id);"
            }
            _ => "-- transactional: false\ncreate index i on contacts (id);",
        };
        let texts = [
            ("1-contacts", CONTACTS),
            ("2-names", NAMES),
            ("3-index", index),
        ];
        let run = || {
            tokio::spawn({
                let rider = rider(db, &texts);
                async move { migrate(&rider).await }
            })
        };
        let (first, second) = tokio::join!(run(), run());
        let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
        assert_eq!(first.applied.len() + second.applied.len(), 3);
        assert_eq!(count(db, "select count(*) from _rider_logs").await, 3);
        assert_eq!(count(db, "select count(*) from contacts").await, 1);
        Ok(())
    }
);

on_every_backend!(
    a_run_that_waits_in_vain_says_for_whom,
    async |db: &Database| {
        let (entered, entry) = watch::channel(false);
        let (leave, left) = watch::channel(false);
        let slow = Migration::rust("1-slow", move || {
            let (entered, left) = (entered.clone(), left.clone());
            vec![step(move |_: &Transaction| {
                let (entered, mut left) = (entered.clone(), left.clone());
                async move {
                    entered.send_replace(true);
                    let left = left.wait_for(|left| *left).await;
                    left.map(|_| ())
                        .map_err(|error| estoult::Error::custom(error.to_string()))
                }
            })]
        });
        let slow = Rider::new(db.clone()).migrations(MigrationSet::new([slow]));
        let waits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waits);
        let hasty = rider(db, &[("1-slow", CONTACTS)])
            .lock_wait(Duration::from_millis(200))
            .observe(move |event| {
                if let Event::Waiting(_) = event {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        let other = async {
            entry.clone().wait_for(|entered| *entered).await.unwrap();
            let error = migrate(&hasty).await.unwrap_err();
            leave.send_replace(true);
            error
        };
        let (held, error) = tokio::join!(migrate(&slow), other);
        assert_eq!(held.unwrap().applied.len(), 1);
        assert!(matches!(error.kind(), ErrorKind::Lock), "{error}");
        assert!(
            error.to_string().contains("still holds the lock"),
            "{error}"
        );
        assert_eq!(waits.load(Ordering::Relaxed), 1);
        Ok(())
    }
);

on_every_backend!(
    a_run_that_is_dropped_leaves_no_lock,
    async |db: &Database| {
        let slow = Migration::rust("1-slow", || {
            vec![step(|_: &Transaction| std::future::pending())]
        });
        let slow = Rider::new(db.clone()).migrations(MigrationSet::new([slow]));
        let dropped = tokio::time::timeout(Duration::from_millis(300), migrate(&slow)).await;
        assert!(dropped.is_err());
        let report = migrate(&rider(db, &[("1-contacts", CONTACTS)]))
            .await
            .unwrap();
        assert_eq!(applied(&report), ["1-contacts"]);
        Ok(())
    }
);

on_every_backend!(
    tables_of_the_original_rider_are_adopted,
    async |db: &Database| {
        let script = "create table _rider_migrations (migration varchar(191) primary key, applied_at timestamp);
        create table _rider_logs (id varchar(191) primary key, migration varchar(191), operation varchar(56),
            username varchar(128), hostname varchar(128), time timestamp);
        insert into _rider_migrations values ('1-contacts', '2020-10-15 00:20:37.123456');
        create table contacts (id int not null);";
        estoult::batch(db, script).await.unwrap();
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-names", NAMES)]);
        let list = rider.status().await.unwrap();
        assert!(
            list[0]
                .applied_at
                .unwrap()
                .to_string()
                .starts_with("2020-10-15 00:20:37")
        );
        assert_eq!(list[0].duration, None);
        let report = migrate(&rider).await.unwrap();
        assert_eq!(applied(&report), ["2-names"]);
        assert_eq!(
            count(
                db,
                "select count(*) from _rider_logs where duration_ms is not null"
            )
            .await,
            1
        );
        Ok(())
    }
);

on_every_backend!(
    what_is_applied_and_not_at_hand_is_told,
    async |db: &Database| {
        migrate(&rider(db, &[("1-contacts", CONTACTS), ("2-names", NAMES)]))
            .await
            .unwrap();
        let older = rider(db, &[("1-contacts", CONTACTS)]);
        let report = migrate(&older).await.unwrap();
        assert_eq!(report.missing, ["2-names"]);
        let expected = [
            ("1-contacts".to_owned(), State::Applied),
            ("2-names".to_owned(), State::Missing),
        ];
        assert_eq!(states(&older).await, expected);
        let error = older
            .rollback(&RollbackOptions::default())
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::History), "{error}");
        Ok(())
    }
);

on_every_backend!(other_tables_are_used_when_named, async |db: &Database| {
    let config = Config {
        table_name: "done".into(),
        log_name: "Done By".into(),
        ..Config::default()
    };
    let rider = rider(db, &[("1-contacts", CONTACTS)]).config(config);
    migrate(&rider).await.unwrap();
    assert_eq!(count(db, "select count(*) from done").await, 1);
    assert!(!has_table(db, "_rider_logs").await);
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

on_every_backend!(embedded_migrations_are_applied, async |db: &Database| {
    let set = migrations!("./suite/rider/migrations");
    assert_eq!(
        set.ids().collect::<Vec<_>>(),
        ["1602721237-add-contacts", "1602721300-fill-contacts"]
    );
    let rider = Rider::new(db.clone()).migrations(set);
    let report = migrate(&rider).await.unwrap();
    assert_eq!(
        applied(&report),
        ["1602721237-add-contacts", "1602721300-fill-contacts"]
    );
    assert_eq!(
        rider.status().await.unwrap()[1].message,
        "Fill the contacts"
    );
    assert_eq!(count(db, "select count(*) from contacts").await, 2);
    let report = rider
        .rollback(&RollbackOptions::default().all())
        .await
        .unwrap();
    assert_eq!(report.rolled_back.len(), 2);
    assert!(!has_table(db, "contacts").await);
    Ok(())
});

async fn command(rider: &Rider, line: &str) -> (u8, String, String) {
    let console = Console::captured();
    let code = cli::run(rider, line.split(' '), &console).await;
    (code, console.stdout(), console.stderr())
}

on_every_backend!(
    the_command_line_tells_results_and_errors_apart,
    async |db: &Database| {
        let rider = rider(db, &[("1-contacts", CONTACTS), ("2-names", NAMES)]);
        let (code, out, err) = command(&rider, "rider migrations --check").await;
        let list = "index | message      | applied\n------+--------------+--------\n    0 | Add contacts | None\n    1 | Add names    | None\n";
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
        static NEXT: AtomicUsize = AtomicUsize::new(0);
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

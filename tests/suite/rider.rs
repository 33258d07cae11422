//! Migrations: what is applied, recorded, undone and told, on every database.

mod command_line;
mod files;
mod lock;
mod steps;

use apocryphan::rider::{
    Config, Error, ErrorKind, MigrateOptions, Migration, MigrationSet, Report, Rider,
    RollbackOptions, State, migrations,
};
use estoult::{Database, sql, with_schema};

use crate::support::on_every_backend;

const CONTACTS: &str = "-- Add contacts\n-- step\ncreate table contacts (id int not null);\n\
    -- rollback\ndrop table contacts;\n";
const NAMES: &str = "-- Add names\n-- depends: 1-contacts\n\
    -- step\nalter table contacts add column name varchar(20);\n\
    insert into contacts (id, name) values (1, 'a;b');\n\
    -- rollback\ndelete from contacts;\n";

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

on_every_backend!(a_scope_around_a_run_does_not_move_it, async |db| {
    let rider = rider(db, &[("1-contacts", CONTACTS)]);
    let report = with_schema("tenant_7", migrate(&rider)).await.unwrap();
    assert_eq!(applied(&report), ["1-contacts"]);
    assert!(has_table(db, "contacts").await);
    Ok(())
});

on_every_backend!(one_schema_alone_is_not_migrated, async |db| {
    let rider = rider(&db.using_schema("tenant_7")?, &[("1-contacts", CONTACTS)]);
    let error = migrate(&rider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("not its schema `tenant_7` alone"),
        "{error}"
    );
    Ok(())
});

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
        assert_eq!(report.irreversible.len(), 1);
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

fn embedded() -> MigrationSet {
    migrations!("./suite/rider/migrations")
}

on_every_backend!(embedded_migrations_are_applied, async |db: &Database| {
    let set = embedded();
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

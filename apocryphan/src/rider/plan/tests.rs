//! What is chosen, and in which order.

use estoult::{Value, value::DatumRef};

use super::{MigrateOptions, Request, RollbackOptions};
use crate::rider::{
    applied::{Applied, HistoryRow},
    error::Result,
    migration::Migration,
    migrations::Migrations,
    set::MigrationSet,
    timestamp::Timestamp,
};

/// `1`, `2` and `4` in a row, `3` alone.
fn migrations() -> Migrations {
    let texts = [
        ("1-a", "select 1;"),
        ("2-b", "-- depends: 1-a\nselect 1;"),
        ("3-c", "select 1;"),
        ("4-d", "-- depends: 2-b\nselect 1;"),
    ];
    let set: MigrationSet = texts
        .into_iter()
        .map(|(id, text)| Migration::sql(id, text))
        .collect();
    Migrations::build(&set).unwrap()
}

/// Applied in this order.
fn applied(migrations: &Migrations, ids: &[&str]) -> Applied {
    let seconds = ["01", "02", "03", "04", "05"];
    let history = ids.iter().zip(seconds).map(|(id, second)| {
        let text = format!("2026-01-01 00:00:{second}");
        HistoryRow {
            id: (*id).to_owned(),
            applied_at: Timestamp::from_datum(DatumRef::Text(&text)).ok(),
            duration: None,
        }
    });
    Applied::new(migrations, history.collect())
}

fn migrate(
    migrations: &Migrations,
    applied: &Applied,
    options: &MigrateOptions,
) -> Result<Vec<usize>> {
    Request::Migrate(options).choose(migrations, applied)
}

fn rollback(
    migrations: &Migrations,
    applied: &Applied,
    options: &RollbackOptions,
) -> Result<Vec<usize>> {
    Request::Rollback(options).choose(migrations, applied)
}

fn ids(migrations: &Migrations, indexes: Result<Vec<usize>>) -> Vec<&str> {
    let indexes = indexes.unwrap().into_iter();
    indexes
        .map(|index| migrations.entries()[index].id())
        .collect()
}

#[test]
fn migrate_takes_what_is_pending() {
    let migrations = migrations();
    let applied = applied(&migrations, &["2-b"]);
    let chosen =
        |options: MigrateOptions| ids(&migrations, migrate(&migrations, &applied, &options));
    let options = MigrateOptions::default;
    assert_eq!(chosen(options()), ["1-a", "3-c", "4-d"]);
    assert_eq!(chosen(options().steps(2)), ["1-a", "3-c"]);
    assert_eq!(chosen(options().to("3")), ["1-a", "3-c"]);
    assert_eq!(chosen(options().only("4-d")), ["1-a", "4-d"]);
    assert_eq!(chosen(options().only("-b")), ["1-a"]);
}

#[test]
fn rollback_takes_the_latest_and_what_depends_on_it() {
    let migrations = migrations();
    let applied = applied(&migrations, &["1-a", "2-b", "4-d", "3-c"]);
    let chosen =
        |options: RollbackOptions| ids(&migrations, rollback(&migrations, &applied, &options));
    let options = RollbackOptions::default;
    assert_eq!(chosen(options()), ["3-c"]);
    assert_eq!(chosen(options().steps(2)), ["3-c", "4-d"]);
    assert_eq!(chosen(options().to("2-b")), ["3-c", "4-d"]);
    assert_eq!(chosen(options().from_index(2)), ["3-c", "4-d"]);
    assert_eq!(chosen(options().from_index(1)), ["3-c", "4-d", "2-b"]);
    assert_eq!(chosen(options().all()), ["3-c", "4-d", "2-b", "1-a"]);
}

#[test]
fn rollback_undoes_dependants_first_whatever_the_clock_said() {
    let migrations = migrations();
    let applied = applied(&migrations, &["4-d", "2-b", "1-a"]);
    let options = RollbackOptions::default();
    assert_eq!(
        ids(&migrations, rollback(&migrations, &applied, &options)),
        ["4-d", "2-b", "1-a"]
    );
}

#[test]
fn rollback_refuses_when_the_latest_is_missing() {
    let migrations = migrations();
    let applied = applied(&migrations, &["1-a", "9-gone"]);
    let error = rollback(&migrations, &applied, &RollbackOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("`9-gone` was applied later"));
    let all = RollbackOptions::default().all();
    assert_eq!(
        ids(&migrations, rollback(&migrations, &applied, &all)),
        ["1-a"]
    );
}

#[test]
fn a_name_that_means_several_is_refused() {
    let migrations = migrations();
    let applied = applied(&migrations, &[]);
    let error = migrate(&migrations, &applied, &MigrateOptions::default().to("-")).unwrap_err();
    assert!(error.to_string().contains("means several migrations"));
    let error = migrate(&migrations, &applied, &MigrateOptions::default().to("2-c")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no migration `2-c`; did you mean `2-b`?"
    );
}

//! What is chosen, and in which order.

use super::{MigrateOptions, RollbackOptions, Standing, migrate, rollback};
use crate::rider::{
    Migration, MigrationSet, catalog::Catalog, error::Result, moment::Moment, report::Applied,
};

/// `1`, `2` and `4` in a row, `3` alone.
fn catalog() -> Catalog {
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
    Catalog::build(&set).unwrap()
}

/// Applied in this order.
fn standing(catalog: &Catalog, ids: &[&str]) -> Standing {
    let moments = ["01", "02", "03", "04", "05"];
    let history = ids.iter().zip(moments).map(|(id, second)| Applied {
        id: (*id).to_owned(),
        applied_at: Moment::parse(&format!("2026-01-01 00:00:{second}")),
        duration: None,
    });
    Standing::new(catalog, history.collect())
}

fn ids(catalog: &Catalog, places: Result<Vec<usize>>) -> Vec<&str> {
    let places = places.unwrap();
    places
        .into_iter()
        .map(|place| catalog.entries()[place].id())
        .collect()
}

#[test]
fn migrate_takes_what_is_pending() {
    let catalog = catalog();
    let standing = standing(&catalog, &["2-b"]);
    let chosen = |options: MigrateOptions| ids(&catalog, migrate(&catalog, &standing, &options));
    let options = MigrateOptions::default;
    assert_eq!(chosen(options()), ["1-a", "3-c", "4-d"]);
    assert_eq!(chosen(options().steps(2)), ["1-a", "3-c"]);
    assert_eq!(chosen(options().to("3")), ["1-a", "3-c"]);
    assert_eq!(chosen(options().only("4-d")), ["1-a", "4-d"]);
    assert_eq!(chosen(options().only("-b")), ["1-a"]);
}

#[test]
fn rollback_takes_the_latest_and_what_depends_on_it() {
    let catalog = catalog();
    let standing = standing(&catalog, &["1-a", "2-b", "4-d", "3-c"]);
    let chosen = |options: RollbackOptions| ids(&catalog, rollback(&catalog, &standing, &options));
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
    let catalog = catalog();
    let standing = standing(&catalog, &["4-d", "2-b", "1-a"]);
    let options = RollbackOptions::default();
    assert_eq!(
        ids(&catalog, rollback(&catalog, &standing, &options)),
        ["4-d", "2-b", "1-a"]
    );
}

#[test]
fn rollback_refuses_when_the_latest_is_not_at_hand() {
    let catalog = catalog();
    let standing = standing(&catalog, &["1-a", "9-gone"]);
    let error = rollback(&catalog, &standing, &RollbackOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("`9-gone` was applied later"));
    let all = RollbackOptions::default().all();
    assert_eq!(ids(&catalog, rollback(&catalog, &standing, &all)), ["1-a"]);
}

#[test]
fn a_name_that_means_several_is_told() {
    let catalog = catalog();
    let standing = standing(&catalog, &[]);
    let error = migrate(&catalog, &standing, &MigrateOptions::default().to("-")).unwrap_err();
    assert!(error.to_string().contains("means several migrations"));
    let error = migrate(&catalog, &standing, &MigrateOptions::default().to("2-c")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no migration `2-c`; did you mean `2-b`?"
    );
}

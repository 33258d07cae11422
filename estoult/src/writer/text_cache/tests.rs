//! With the cache and without it a statement is the same, whatever was in the cache before.

use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

use super::{
    MAKE_ROOM, MAX_TEXTS, TextCache,
    cases::{BOOKS, Case, FEES, case},
};
use crate::{
    backend::Statement,
    error::{ErrorKind, Result},
    expr::{ColumnRef, Comparison, Node},
    sql::Dialect,
    statement::{Select, Update},
    table::Table,
    value::Datum,
    writer::{
        SqlContext, Written, delete::write_delete, select::write_select, text_key::TextKey,
        update::write_update,
    },
};

const DIALECTS: [Dialect; 4] = [
    Dialect::Sqlite,
    Dialect::Postgres,
    Dialect::MySql,
    Dialect::MariaDb,
];

/// Writes the select, the update and the delete of a case, each with the cache and without it.
fn write_twice(case: &Case, cache: &TextCache, dialect: Dialect) -> [[String; 2]; 3] {
    let (rows, table) = (&case.rows, case.rows.table());
    let (chosen, default) = (case.chosen.as_ref(), case.default.as_ref());
    let context = SqlContext::new(dialect.features(), chosen, default)
        .for_tenant(case.tenant.as_ref())
        .of(&rows.route, table);
    let columns = table.columns();
    let set = case.assignments.iter();
    let set = set.map(|(index, node)| (&columns[index % columns.len()], node.clone()));
    let mut update = Update::of(table);
    update.assignments = set.collect();
    let select = || write_select(rows, context);
    let delete = || write_delete(rows, context);
    let change = || write_update(&update, rows, context);
    let select_key = TextKey::of_select(rows, context);
    let update_key = TextKey::of_update(&update, rows, context);
    let delete_key = TextKey::of_delete(rows, context);
    [
        (cache.statement(select_key, select), select()),
        (cache.statement(update_key, change), change()),
        (cache.statement(delete_key, delete), delete()),
    ]
    .map(|(cached, written)| [shown(cached), shown(without_cache(written))])
}

fn without_cache(written: Result<Written>) -> Result<Statement> {
    written.map(|written| written.statement)
}

/// All of a statement; the `Debug` of values would hide them.
fn shown(statement: Result<Statement>) -> String {
    match statement {
        Ok(statement) => {
            let values: Vec<_> = statement.values.iter().map(shown_value).collect();
            format!(
                "{} {values:?} {:?} {}",
                statement.sql, statement.schemas, statement.is_raw
            )
        }
        Err(error) => format!("{:?} {error}", error.kind()),
    }
}

fn shown_value(datum: &Datum) -> String {
    match datum {
        Datum::Null(kind) => format!("null {kind:?}"),
        Datum::Bool(truth) => format!("bool {truth}"),
        Datum::Int(number) => format!("int {number}"),
        Datum::UInt(number) => format!("uint {number}"),
        Datum::Float(number) => format!("float {number}"),
        Datum::Text(text) => format!("text {text:?}"),
        Datum::Date(days) => format!("date {days}"),
        Datum::Enum(_, label) => format!("label {label}"),
        Datum::List(kind, items) => {
            let items: Vec<_> = items.iter().map(shown_value).collect();
            format!("list {kind:?} {items:?}")
        }
        other => panic!("no case has {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_statement_is_the_same_with_the_cache(case in case()) {
        let cache = TextCache::new();
        for dialect in DIALECTS {
            // The text of the case is in the cache when those that differ in a detail are looked for.
            for other in [case.clone(), case.clone()].into_iter().chain(case.variants()) {
                for [cached, written] in write_twice(&other, &cache, dialect) {
                    prop_assert_eq!(cached, written);
                }
            }
        }
    }
}

fn column(table: &'static Table, index: usize) -> Node {
    let spec = &table.columns()[index];
    Node::Column(ColumnRef { table, spec })
}

fn equals(column: Node, value: Datum) -> Node {
    let kind = column.kind();
    let (column, value) = (Box::new(column), Box::new(Node::Value(value)));
    Node::Compare(Comparison::Equal, kind, column, value)
}

/// Books of this title whose key is in the list, at most `limit` of them.
fn books(title: &str, keys: &[i64], limit: u64) -> Select {
    let keys = keys.iter().copied().map(Datum::Int).collect();
    let mut select = Select::of(&BOOKS);
    select.filters = vec![
        equals(column(&BOOKS, 1), Datum::Text(title.to_owned())),
        column(&BOOKS, 0).among(keys),
        Node::like(column(&BOOKS, 1), format!("{title}%"), false),
    ];
    select.limit = Some(limit);
    select
}

/// The statement, and whether it was written for that.
fn cached(
    select: &Select,
    context: SqlContext<'_>,
    cache: &TextCache,
) -> (Result<Statement>, bool) {
    let mut is_written = false;
    let statement = cache.statement(TextKey::of_select(select, context), || {
        is_written = true;
        write_select(select, context)
    });
    (statement, is_written)
}

#[test]
fn a_text_is_written_once_for_all_values() {
    for dialect in DIALECTS {
        let cache = TextCache::new();
        let context = SqlContext::new(dialect.features(), None, None);
        for (number, title) in ["a", "b", "it's", ""].into_iter().enumerate() {
            // A limit is a part of the text on SQLite.
            let limit = if dialect == Dialect::Sqlite {
                5
            } else {
                u64::try_from(number).unwrap()
            };
            let select = books(title, &[7, 8, 9], limit);
            let (statement, is_written) = cached(&select, context, &cache);
            assert_eq!(is_written, number == 0, "{dialect} {number}");
            let written = without_cache(write_select(&select, context));
            assert_eq!(shown(statement), shown(written));
        }
    }
}

#[test]
fn a_value_that_can_not_be_stored_is_refused_though_the_text_is_cached() {
    let cache = TextCache::new();
    let context = SqlContext::new(Dialect::Postgres.features(), None, None);
    assert!(cached(&books("a", &[1], 1), context, &cache).1);
    let (refused, is_written) = cached(&books("\0", &[1], 1), context, &cache);
    let error = refused.unwrap_err();
    assert!(is_written);
    assert_eq!(error.kind(), &ErrorKind::Decode);
    assert!(error.to_string().contains("books.title"), "{error}");
    assert!(!cached(&books("b", &[1], 1), context, &cache).1);
}

#[test]
fn a_cached_text_has_the_tenant_of_each_statement() {
    let cache = TextCache::new();
    let context = SqlContext::new(Dialect::Postgres.features(), None, None);
    let select = Select::of(&FEES);
    for (tenant, writes) in [("north", true), ("south", false)] {
        let tenant = Datum::Text(tenant.to_owned());
        let (statement, is_written) = cached(&select, context.for_tenant(Some(&tenant)), &cache);
        assert_eq!(is_written, writes);
        assert_eq!(statement.unwrap().values, [tenant]);
    }
    let (refused, _) = cached(&select, context, &cache);
    assert_eq!(refused.unwrap_err().kind(), &ErrorKind::Configuration);
}

#[test]
fn what_makes_many_texts_is_not_cached() {
    let numbers: Vec<_> = (0..100).collect();
    for (dialect, select) in [
        (Dialect::MySql, books("a", &numbers, 1)),
        (Dialect::Sqlite, books("a", &[1], 4711)),
    ] {
        let cache = TextCache::new();
        let context = SqlContext::new(dialect.features(), None, None);
        assert!(cached(&select, context, &cache).1);
        assert!(cached(&select, context, &cache).1, "{dialect}");
    }
}

#[test]
fn the_cache_is_bounded() {
    let cache = TextCache::new();
    for number in 0..MAX_TEXTS + 10 {
        let schema = Some(format!("tenant_{number}").into());
        let context = SqlContext::new(Dialect::Postgres.features(), schema.as_ref(), None);
        assert!(cached(&books("a", &[1], 1), context, &cache).1);
        assert!(!cached(&books("b", &[2], 2), context, &cache).1);
    }
    let kept = MAX_TEXTS - MAX_TEXTS / MAKE_ROOM + 10;
    assert_eq!(cache.texts.read().unwrap().by_key.len(), kept);
}

#[test]
fn more_texts_than_the_cache_takes_are_mostly_found_again() {
    let cache = TextCache::new();
    let schemas: Vec<_> = (0..MAX_TEXTS + MAX_TEXTS / 5)
        .map(|number| Some(format!("customer_{number}").into()))
        .collect();
    let mut written = Vec::new();
    for _ in 0..6 {
        let texts = schemas.iter().filter(|schema| {
            let context = SqlContext::new(Dialect::Postgres.features(), schema.as_ref(), None);
            cached(&books("a", &[1], 1), context, &cache).1
        });
        written.push(texts.count());
    }
    assert_eq!(written[0], schemas.len());
    for written in &written[1..] {
        assert!(*written < schemas.len() / 2, "{written} were written anew");
    }
}

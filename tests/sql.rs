//! One query, and its text and values for each database side by side; no database is needed for that.
//!
//! Written anew after a change with `INSTA_UPDATE=always cargo test -p estoult-tests sql::`.

mod aggregate;
mod filter;
mod list;
mod order;
mod placeholder;
mod quoting;
mod schemas;
mod select;
mod tenant;
mod text;

use estoult::{Dialect, Query, Schema};

const DIALECTS: [Dialect; 4] = [
    Dialect::Sqlite,
    Dialect::Postgres,
    Dialect::MySql,
    Dialect::MariaDb,
];

/// The query for each database: the text, and below it the values in the order of their marks; databases with the same
/// text share it.
fn side_by_side<S: Schema, R: Send + 'static>(query: &Query<S, R>) -> String {
    let mut texts: Vec<(String, String)> = Vec::new();
    for dialect in DIALECTS {
        let text = match query.to_sql(dialect) {
            Ok(sql) if sql.values().is_empty() => sql.to_string(),
            Ok(sql) => format!("{sql}\n    {:?}", sql.values()),
            Err(error) => format!("{:?}: {error}", error.kind()),
        };
        match texts.last_mut() {
            Some((names, same)) if *same == text => names.push_str(&format!(", {dialect}")),
            _ => texts.push((dialect.to_string(), text)),
        }
    }
    let lines = texts
        .iter()
        .map(|(names, text)| format!("{names}:\n    {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A snapshot in `sql/snapshots`, named like the test.
macro_rules! assert_side_by_side {
    ($query:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(crate::sql::side_by_side(&$query));
        });
    };
}

use assert_side_by_side;

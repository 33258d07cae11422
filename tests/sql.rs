//! One query, and its text and values for each database side by side; no database is needed for that.
//!
//! Written anew after a change with `cargo insta test --accept -p estoult-tests -- sql::`.

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

/// How wide a statement may be that stands in one line.
const WIDTH: usize = 100;

const CLAUSES: [&str; 6] = [
    "FROM ",
    "WHERE ",
    "GROUP BY ",
    "HAVING ",
    "ORDER BY ",
    "LIMIT ",
];

/// The query for each database: the text, and below it the values in the order of their marks; databases with the same
/// text share it.
fn side_by_side<S: Schema, R: Send + 'static>(query: &Query<S, R>) -> String {
    let mut texts: Vec<(String, String)> = Vec::new();
    for dialect in DIALECTS {
        let text = match query.to_sql(dialect) {
            Ok(sql) if sql.values().is_empty() => folded(sql.text()),
            Ok(sql) => format!("{}\n    {:?}", folded(sql.text()), sql.values()),
            Err(error) => folded(&format!("{:?}: {error}", error.kind())),
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

/// A statement in one line where it fits, or else with a line for each of its clauses.
fn folded(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut folded = String::new();
    let (mut column, mut depth) = (0, 0_usize);
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_clause = depth == 0 && CLAUSES.iter().any(|clause| rest.starts_with(clause));
        if column > 0 && (is_clause || column + 1 + word.chars().count() > WIDTH) {
            folded.push_str("\n    ");
            column = 0;
        } else if column > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += word.chars().count();
        depth = (depth + word.matches('(').count()).saturating_sub(word.matches(')').count());
        rest = after;
    }
    folded
}

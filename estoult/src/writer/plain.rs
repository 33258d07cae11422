//! SQL that sea-query can't express, as text around its expressions. All such text about rows is here: collations,
//! casts to a type of the database, lists in one parameter, patterns, and several rows of placeholders. The statements
//! about schemas are in `ddl.rs`.

use sea_query::Expr as SqlExpr;

use crate::{backend::Features, sql};

/// A subquery without rows: `in ()` is a syntax error on PostgreSQL and MySQL.
pub(super) const NO_ROWS: &str = "select null where 1 = 0";

/// A name in the database's quotes.
pub(crate) fn quoted(name: &str, features: &Features) -> String {
    sql::quoted(name, features.quote())
}

/// Text with an expression between each two of its parts.
fn template<const N: usize, const M: usize>(
    features: &Features,
    parts: [&str; N],
    exprs: [SqlExpr; M],
) -> SqlExpr {
    // sea-query puts the expressions where it finds the placeholders of its builder.
    let mut pattern = String::new();
    for (index, part) in parts.iter().enumerate() {
        pattern.push_str(part);
        if index < M {
            pattern.push_str(&features.placeholder(index + 1));
        }
    }
    SqlExpr::cust_with_exprs(pattern, exprs)
}

/// `cast(value as "name")`.
pub(super) fn cast(features: &Features, value: SqlExpr, name: &str) -> SqlExpr {
    let end = format!(" AS {})", quoted(name, features));
    template(features, ["CAST(", &end], [value])
}

/// The expression with the collation that compares decimals stored as text as numbers.
pub(super) fn decimal_collation(features: &Features, expr: SqlExpr) -> SqlExpr {
    template(features, ["", " COLLATE estoult_decimal"], [expr])
}

/// `left = any(list)`; the list is cast where its items are labels of the named enum.
pub(super) fn any(
    features: &Features,
    left: SqlExpr,
    list: SqlExpr,
    label: Option<&str>,
) -> SqlExpr {
    match label {
        Some(name) => {
            let end = format!(" AS {}[]))", quoted(name, features));
            template(features, ["", " = any(CAST(", &end], [left, list])
        }
        None => template(features, ["", " = any(", ")"], [left, list]),
    }
}

/// `left in (select value from json_each(list))`. JSON has no bytes, so the list has them in hex.
pub(super) fn json_each(
    features: &Features,
    left: SqlExpr,
    list: SqlExpr,
    is_hex: bool,
) -> SqlExpr {
    let parts = if is_hex {
        ["hex(", ") IN (SELECT value FROM json_each(", "))"]
    } else {
        ["", " IN (SELECT value FROM json_each(", "))"]
    };
    template(features, parts, [left, list])
}

/// `select value from json_each(list)`, for the list that is the value of this number, counted from one.
pub(super) fn select_json_each(features: &Features, number: usize) -> String {
    format!(
        "select value from json_each({})",
        features.placeholder(number)
    )
}

/// `left in (select … from json_table(list …))`, with the type of the items.
pub(super) fn json_table(
    features: &Features,
    left: SqlExpr,
    list: SqlExpr,
    column: &str,
) -> SqlExpr {
    let middle = " IN (SELECT estoult_item FROM JSON_TABLE(";
    let end = format!(", '$[*]' COLUMNS (estoult_item {column} PATH '$')) AS estoult_items)");
    template(features, ["", middle, &end], [left, list])
}

/// ` returning …`: sea-query drops it without an error where it writes for MySQL, and MariaDB has it.
pub(super) fn returning(features: &Features, columns: &[&str]) -> String {
    let columns: Vec<_> = columns
        .iter()
        .map(|column| quoted(column, features))
        .collect();
    format!(" RETURNING {}", columns.join(", "))
}

/// How a text is matched with a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) enum Match {
    Like,
    ILike,
    Glob,
    /// LIKE with a backslash as the escape character, where it has none by default.
    EscapedLike,
    /// LIKE that is case-sensitive, whatever the column's collation is.
    BinaryLike,
    /// LIKE on both sides in lower case.
    LowerLike,
}

/// The expression matched with a pattern.
pub(super) fn matched(
    features: &Features,
    style: Match,
    left: SqlExpr,
    pattern: SqlExpr,
) -> SqlExpr {
    let parts = match style {
        Match::Like => ["", " LIKE ", ""],
        Match::ILike => ["", " ILIKE ", ""],
        Match::Glob => ["", " GLOB ", ""],
        Match::EscapedLike => ["", " LIKE ", " ESCAPE '\\'"],
        Match::BinaryLike => ["", " LIKE ", " COLLATE utf8mb4_bin"],
        Match::LowerLike => ["lower(", ") LIKE lower(", ")"],
    };
    template(features, parts, [left, pattern])
}

/// The source of an insert from one array per column: `select c0, … from unnest($1, …) as t(c0, …)`. `casts` has the
/// type that a column's values are cast to, if any.
pub(super) fn unnest(features: &Features, casts: &[Option<&str>]) -> String {
    let names: Vec<_> = (0..casts.len()).map(|index| format!("c{index}")).collect();
    let arrays: Vec<_> = (1..=casts.len())
        .map(|number| features.placeholder(number))
        .collect();
    let selected: Vec<_> = names
        .iter()
        .zip(casts)
        .map(|(name, cast)| match cast {
            Some(cast) => format!("CAST({name} AS {})", quoted(cast, features)),
            None => name.clone(),
        })
        .collect();
    format!(
        " SELECT {} FROM unnest({}) AS t({})",
        selected.join(", "),
        arrays.join(", "),
        names.join(", ")
    )
}

/// `values (?, …), (?, …), …`.
pub(super) fn rows(columns: usize, rows: usize) -> String {
    // sea-query allocates an expression per cell, which costs more than the insert where the database is in-process.
    // PostgreSQL, whose placeholders have numbers, inserts through `unnest` instead.
    let row = format!("({})", vec!["?"; columns].join(", "));
    let mut text = String::with_capacity(8 + rows * (row.len() + 2));
    text.push_str(" VALUES ");
    for index in 0..rows {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&row);
    }
    text
}

/// The statement that takes rows in binary form.
pub(super) fn copy_rows(table: &str, columns: &str) -> String {
    format!("copy {table} ({columns}) from stdin (format binary)")
}

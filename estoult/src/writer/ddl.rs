//! DDL: creates and drops schemas, and counts their tables. sea-query has no statement for schemas.

use std::sync::Arc;

use super::plain::quoted;
use crate::{
    backend::{Features, Statement},
    value::Datum,
};

/// The statement that creates a schema, on databases where that is a statement.
pub(crate) fn create_schema(name: &str, features: &Features) -> String {
    format!("{} {}", features.create_schema, quoted(name, features))
}

/// The statement that drops a schema, on databases where that is a statement.
pub(crate) fn drop_schema(name: &str, cascade: bool, features: &Features) -> String {
    let [drop, end] = features.drop_schema;
    let end = if cascade { end } else { "" };
    format!("{drop} {}{end}", quoted(name, features))
}

/// The statement that counts the tables of a schema.
pub(crate) fn count_tables(name: &str, features: &Features) -> Statement {
    if features.opens_schemas {
        // The name is that of an attached file; an identifier can't be bound.
        let name_in_text = quoted(name, features);
        return Statement {
            schemas: vec![Arc::from(name)],
            ..Statement::plain(format!(
                "select count(*) from {name_in_text}.sqlite_schema where type = 'table'"
            ))
        };
    }
    Statement {
        values: vec![Datum::Text(name.to_owned())],
        ..Statement::plain(features.count_tables)
    }
}

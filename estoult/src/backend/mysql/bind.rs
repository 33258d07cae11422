//! Values as MySQL takes them: numbers and bytes in binary form; times, UUIDs and JSON as text, which the server
//! converts to the column's type.

use rust_decimal::Decimal;
use sqlx::{Arguments, mysql::MySqlArguments};

use crate::{
    backend::Statement,
    error::{Error, ErrorKind, Result},
    sql::Dialect,
    value::{Datum, Kind, temporal},
};

pub(super) fn arguments(statement: &Statement, dialect: Dialect) -> Result<MySqlArguments> {
    let mut arguments = MySqlArguments::default();
    for value in &statement.values {
        add(&mut arguments, value, dialect).map_err(|error| {
            Error::new(ErrorKind::Decode, format!("bind a parameter: {error}"))
                .with_statement(&statement.sql)
        })?;
    }
    Ok(arguments)
}

fn add(
    arguments: &mut MySqlArguments,
    value: &Datum,
    dialect: Dialect,
) -> std::result::Result<(), sqlx::error::BoxDynError> {
    match value {
        Datum::Null(kind) => add_null(arguments, *kind),
        Datum::Bool(value) => arguments.add(*value),
        Datum::Int(value) => arguments.add(*value),
        Datum::UInt(value) => arguments.add(*value),
        Datum::Float(value) => arguments.add(*value),
        Datum::Text(value) | Datum::Json(value) => arguments.add(value.as_str()),
        Datum::Enum(_, label) => arguments.add(*label),
        Datum::Bytes(value) => arguments.add(value.as_slice()),
        // MariaDB has a type UUID, which takes text (since 10.7); MySQL has none, so the sixteen bytes are stored.
        Datum::Uuid(value) if dialect == Dialect::MariaDb => {
            arguments.add(uuid::Uuid::from_bytes(*value).to_string())
        }
        Datum::Uuid(value) => arguments.add(value.as_slice()),
        Datum::Decimal(value) => arguments.add(*value),
        Datum::Date(days) => arguments.add(temporal::date_text(*days)),
        Datum::Time(micros) => arguments.add(temporal::time_text(*micros)),
        Datum::DateTime(micros) | Datum::Timestamp(micros) => {
            arguments.add(temporal::date_time_text(*micros))
        }
        Datum::List(..) => Err("a list can't be bound as one parameter here".into()),
    }
}

/// NULL with the type that values of this kind have, so that one text is prepared once.
fn add_null(
    arguments: &mut MySqlArguments,
    kind: Kind,
) -> std::result::Result<(), sqlx::error::BoxDynError> {
    match kind {
        Kind::Bool => arguments.add(None::<bool>),
        Kind::Int16 | Kind::Int32 | Kind::Int64 => arguments.add(None::<i64>),
        Kind::UInt64 => arguments.add(None::<u64>),
        Kind::Float32 | Kind::Float64 => arguments.add(None::<f64>),
        Kind::Decimal => arguments.add(None::<Decimal>),
        Kind::Bytes => arguments.add(None::<Vec<u8>>),
        Kind::Text
        | Kind::Uuid
        | Kind::Date
        | Kind::Time
        | Kind::DateTime
        | Kind::Timestamp
        | Kind::Json
        | Kind::Enum(_) => arguments.add(None::<String>),
    }
}

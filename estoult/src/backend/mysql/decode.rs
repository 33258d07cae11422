//! Columns from MySQL's binary form. Source: "Binary Protocol Resultset" in the MySQL internals documentation.

use std::str::FromStr;

use rust_decimal::Decimal;
use sqlx::{Column, Decode, MySql, Row, Type, TypeInfo, ValueRef, mysql::MySqlRow};

use crate::{
    row::Cells,
    value::{
        DatumRef, Mismatch,
        temporal::{DAY_MICROS, days},
    },
};

/// How the bytes of a column are read; found once for a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    Bool,
    Int,
    UInt,
    Float,
    Double,
    Decimal,
    Text,
    Bytes,
    Date,
    Time,
    DateTime,
    Timestamp,
    Json,
    Other,
}

/// How each column of a result is read.
pub(super) fn readings(row: &MySqlRow) -> Vec<Reading> {
    row.columns()
        .iter()
        .map(|column| match reading(column.type_info().name()) {
            // Text with a binary collation has the name of bytes.
            Reading::Bytes if <str as Type<MySql>>::compatible(column.type_info()) => Reading::Text,
            reading => reading,
        })
        .collect()
}

fn reading(name: &str) -> Reading {
    match name {
        "BOOLEAN" => Reading::Bool,
        "TINYINT" | "SMALLINT" | "INT" | "MEDIUMINT" | "BIGINT" => Reading::Int,
        "FLOAT" => Reading::Float,
        "DOUBLE" => Reading::Double,
        "DECIMAL" => Reading::Decimal,
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "SET" => {
            Reading::Text
        }
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => Reading::Bytes,
        "DATE" => Reading::Date,
        "TIME" => Reading::Time,
        "DATETIME" => Reading::DateTime,
        "TIMESTAMP" => Reading::Timestamp,
        "JSON" => Reading::Json,
        "YEAR" | "BIT" => Reading::UInt,
        name if name.ends_with("UNSIGNED") => Reading::UInt,
        _ => Reading::Other,
    }
}

/// A row with the readings of its columns.
pub(super) struct MySqlCells<'r> {
    pub(super) row: &'r MySqlRow,
    pub(super) readings: &'r [Reading],
}

impl Cells for MySqlCells<'_> {
    fn len(&self) -> usize {
        self.readings.len()
    }

    fn name(&self, index: usize) -> &str {
        self.row.column(index).name()
    }

    fn get(&self, index: usize) -> Result<DatumRef<'_>, Mismatch> {
        let value = self
            .row
            .try_get_raw(index)
            .map_err(|error| Mismatch::new(error.to_string()))?;
        if value.is_null() {
            return Ok(DatumRef::Null);
        }
        let failed = |error: sqlx::error::BoxDynError| Mismatch::new(error.to_string());
        Ok(match self.readings[index] {
            Reading::Int => DatumRef::Int(Decode::<MySql>::decode(value).map_err(failed)?),
            Reading::UInt => match <u64 as Decode<MySql>>::decode(value).map_err(failed)? {
                value if i64::try_from(value).is_ok() => DatumRef::Int(value.cast_signed()),
                value => DatumRef::UInt(value),
            },
            Reading::Bool => DatumRef::Int(<i64 as Decode<MySql>>::decode(value).map_err(failed)?),
            Reading::Float => {
                let value: f32 = Decode::<MySql>::decode(value).map_err(failed)?;
                DatumRef::Float(value.into())
            }
            Reading::Double => DatumRef::Float(Decode::<MySql>::decode(value).map_err(failed)?),
            Reading::Other => DatumRef::Other(self.row.column(index).type_info().name()),
            reading => {
                let bytes: &[u8] = Decode::<MySql>::decode(value).map_err(failed)?;
                decode(reading, bytes)?
            }
        })
    }
}

fn decode(reading: Reading, bytes: &[u8]) -> Result<DatumRef<'_>, Mismatch> {
    let refused = || Mismatch::new("the bytes are no value of the column's type");
    Ok(match reading {
        Reading::Text => DatumRef::Text(text(bytes)?),
        Reading::Json => DatumRef::Json(text(bytes)?),
        Reading::Bytes => DatumRef::Bytes(bytes),
        Reading::Decimal => DatumRef::Decimal(Decimal::from_str(text(bytes)?).map_err(|_| {
            Mismatch::new("the number has more than the 28 digits that a decimal holds")
        })?),
        Reading::Date => {
            let (date, _) = date_time(bytes).ok_or_else(refused)?;
            DatumRef::Date(i32::try_from(date).map_err(|_| refused())?)
        }
        Reading::Time => DatumRef::Time(time(bytes).ok_or_else(|| {
            Mismatch::new("the time is below zero or longer than a day, so it is no time of day")
        })?),
        Reading::DateTime => {
            let (date, micros) = date_time(bytes).ok_or_else(refused)?;
            DatumRef::DateTime(date * DAY_MICROS + micros)
        }
        Reading::Timestamp => {
            let (date, micros) = date_time(bytes).ok_or_else(refused)?;
            DatumRef::Timestamp(date * DAY_MICROS + micros)
        }
        Reading::Bool
        | Reading::Int
        | Reading::UInt
        | Reading::Float
        | Reading::Double
        | Reading::Other => {
            return Err(refused());
        }
    })
}

fn text(bytes: &[u8]) -> Result<&str, Mismatch> {
    std::str::from_utf8(bytes).map_err(|_| Mismatch::new("the text is not valid UTF-8"))
}

/// Days since 1970-01-01 and microseconds of the day, from a length byte, the date, the time and the microseconds,
/// each left out when it is zero.
fn date_time(bytes: &[u8]) -> Option<(i64, i64)> {
    let (length, rest) = bytes.split_first()?;
    let rest = rest.get(..usize::from(*length))?;
    let year = u16::from_le_bytes(rest.get(..2)?.try_into().ok()?);
    let date = days(year.into(), (*rest.get(2)?).into(), (*rest.get(3)?).into())?;
    Some((date, clock(&rest[4..])?))
}

fn clock(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() {
        return Some(0);
    }
    let [hour, minute, second] = *bytes.first_chunk()?;
    let micros = match bytes.get(3..7) {
        Some(micros) => u32::from_le_bytes(micros.try_into().ok()?),
        None => 0,
    };
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(seconds * 1_000_000 + i64::from(micros))
}

fn time(bytes: &[u8]) -> Option<i64> {
    let (length, rest) = bytes.split_first()?;
    if *length == 0 {
        return Some(0);
    }
    let is_negative = *rest.first()? == 1;
    let whole_days = u32::from_le_bytes(rest.get(1..5)?.try_into().ok()?);
    // MySQL's TIME reaches beyond a day and below zero; a time of day does not.
    (!is_negative && whole_days == 0).then(|| clock(&rest[5..]))?
}

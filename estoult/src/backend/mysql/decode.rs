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

/// The form of a column's bytes; looked up once for a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WireType {
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

/// The wire type of each column of a result.
pub(super) fn wire_types(row: &MySqlRow) -> Vec<WireType> {
    row.columns()
        .iter()
        .map(|column| match wire_type(column.type_info().name()) {
            // The protocol has one type for text and bytes: only the collation of the column separates them.
            WireType::Bytes if <str as Type<MySql>>::compatible(column.type_info()) => {
                WireType::Text
            }
            wire_type => wire_type,
        })
        .collect()
}

fn wire_type(name: &str) -> WireType {
    match name {
        "BOOLEAN" => WireType::Bool,
        "TINYINT" | "SMALLINT" | "INT" | "MEDIUMINT" | "BIGINT" => WireType::Int,
        "FLOAT" => WireType::Float,
        "DOUBLE" => WireType::Double,
        "DECIMAL" => WireType::Decimal,
        "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "SET" => {
            WireType::Text
        }
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => WireType::Bytes,
        "DATE" => WireType::Date,
        "TIME" => WireType::Time,
        "DATETIME" => WireType::DateTime,
        "TIMESTAMP" => WireType::Timestamp,
        "JSON" => WireType::Json,
        "YEAR" | "BIT" => WireType::UInt,
        name if name.ends_with("UNSIGNED") => WireType::UInt,
        _ => WireType::Other,
    }
}

/// A row with the wire types of its columns.
pub(super) struct MySqlCells<'r> {
    pub(super) row: &'r MySqlRow,
    pub(super) wire_types: &'r [WireType],
}

impl Cells for MySqlCells<'_> {
    fn len(&self) -> usize {
        self.wire_types.len()
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
        Ok(match self.wire_types[index] {
            WireType::Int => DatumRef::Int(Decode::<MySql>::decode(value).map_err(failed)?),
            WireType::UInt => match <u64 as Decode<MySql>>::decode(value).map_err(failed)? {
                value if i64::try_from(value).is_ok() => DatumRef::Int(value.cast_signed()),
                value => DatumRef::UInt(value),
            },
            WireType::Bool => DatumRef::Int(<i64 as Decode<MySql>>::decode(value).map_err(failed)?),
            WireType::Float => {
                let value: f32 = Decode::<MySql>::decode(value).map_err(failed)?;
                DatumRef::Float(value.into())
            }
            WireType::Double => DatumRef::Float(Decode::<MySql>::decode(value).map_err(failed)?),
            WireType::Other => DatumRef::Other(self.row.column(index).type_info().name()),
            wire_type => {
                let bytes: &[u8] = Decode::<MySql>::decode(value).map_err(failed)?;
                decode(wire_type, bytes)?
            }
        })
    }
}

fn decode(wire_type: WireType, bytes: &[u8]) -> Result<DatumRef<'_>, Mismatch> {
    let refused = || Mismatch::new("the bytes are no value of the column's type");
    Ok(match wire_type {
        WireType::Text => DatumRef::Text(text(bytes)?),
        WireType::Json => DatumRef::Json(text(bytes)?),
        WireType::Bytes => DatumRef::Bytes(bytes),
        WireType::Decimal => {
            DatumRef::Decimal(Decimal::from_str(text(bytes)?).map_err(|_| {
                Mismatch::new("the number has more than the 28 digits of a decimal")
            })?)
        }
        WireType::Date => {
            let (date, _) = date_time(bytes).ok_or_else(refused)?;
            DatumRef::Date(i32::try_from(date).map_err(|_| refused())?)
        }
        WireType::Time => DatumRef::Time(time(bytes).ok_or_else(|| {
            Mismatch::new("the time is below zero or longer than a day, so it is no time of day")
        })?),
        WireType::DateTime => {
            let (date, micros) = date_time(bytes).ok_or_else(refused)?;
            DatumRef::DateTime(date * DAY_MICROS + micros)
        }
        WireType::Timestamp => {
            let (date, micros) = date_time(bytes).ok_or_else(refused)?;
            DatumRef::Timestamp(date * DAY_MICROS + micros)
        }
        WireType::Bool
        | WireType::Int
        | WireType::UInt
        | WireType::Float
        | WireType::Double
        | WireType::Other => {
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
    // MySQL's TIME reaches from -838 to 838 hours ("The TIME Type"); a time of day does not.
    (!is_negative && whole_days == 0).then(|| clock(&rest[5..]))?
}

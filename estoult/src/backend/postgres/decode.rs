//! Columns from PostgreSQL's binary form, by position and straight from the row's bytes.

use rust_decimal::Decimal;
use sqlx::{
    Column, Row, TypeInfo,
    postgres::{PgRow, PgTypeInfo, PgTypeKind},
};

use super::bind::{EPOCH_DAYS, EPOCH_MICROS, oid};
use crate::{
    row::Cells,
    value::{DatumRef, Mismatch},
};

/// How the bytes of a column are read; found once for a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Text,
    Bytes,
    Uuid,
    Numeric,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Json,
    Jsonb,
    Oid,
    Other,
}

/// How each column of a result is read.
pub(super) fn readings(row: &PgRow) -> Vec<Reading> {
    row.columns()
        .iter()
        .map(|column| reading(column.type_info()))
        .collect()
}

fn reading(info: &PgTypeInfo) -> Reading {
    const SAME: [(u32, Reading); 16] = [
        (oid::BOOL.0, Reading::Bool),
        (oid::INT2.0, Reading::Int2),
        (oid::INT4.0, Reading::Int4),
        (oid::INT8.0, Reading::Int8),
        (oid::FLOAT4.0, Reading::Float4),
        (oid::FLOAT8.0, Reading::Float8),
        (oid::BYTEA.0, Reading::Bytes),
        (oid::UUID.0, Reading::Uuid),
        (oid::NUMERIC.0, Reading::Numeric),
        (oid::DATE.0, Reading::Date),
        (oid::TIME.0, Reading::Time),
        (oid::TIMESTAMP.0, Reading::Timestamp),
        (oid::TIMESTAMPTZ.0, Reading::TimestampTz),
        (oid::JSON.0, Reading::Json),
        (oid::JSONB.0, Reading::Jsonb),
        (oid::OID, Reading::Oid),
    ];
    const TEXTS: [u32; 5] = [
        oid::TEXT.0,
        oid::VARCHAR,
        oid::BPCHAR,
        oid::NAME,
        oid::UNKNOWN,
    ];
    match info.kind() {
        PgTypeKind::Enum(_) => return Reading::Text,
        PgTypeKind::Domain(base) => return reading(base),
        _ => {}
    }
    let Some(id) = info.oid().map(|id| id.0) else {
        return Reading::Other;
    };
    if TEXTS.contains(&id) {
        return Reading::Text;
    }
    SAME.iter()
        .find(|(known, _)| *known == id)
        .map_or(Reading::Other, |(_, reading)| *reading)
}

/// A row with the readings of its columns.
pub(super) struct PostgresCells<'r> {
    pub(super) row: &'r PgRow,
    pub(super) readings: &'r [Reading],
}

impl Cells for PostgresCells<'_> {
    fn len(&self) -> usize {
        self.readings.len()
    }

    fn name(&self, index: usize) -> &str {
        self.row.column(index).name()
    }

    #[inline]
    fn get(&self, index: usize) -> Result<DatumRef<'_>, Mismatch> {
        let value = self
            .row
            .try_get_raw(index)
            .map_err(|error| Mismatch::new(error.to_string()))?;
        // The only failure is that there are no bytes, which is NULL.
        let Ok(bytes) = value.as_bytes() else {
            return Ok(DatumRef::Null);
        };
        match self.readings[index] {
            Reading::Other => Ok(DatumRef::Other(self.row.column(index).type_info().name())),
            reading => decode(reading, bytes).ok_or_else(|| self.refuse(index))?,
        }
    }
}

impl PostgresCells<'_> {
    #[cold]
    fn refuse(&self, index: usize) -> Mismatch {
        let name = self.row.column(index).type_info().name();
        Mismatch::new(format!("the bytes are no value of the type `{name}`"))
    }
}

#[inline(always)]
fn decode(reading: Reading, bytes: &[u8]) -> Option<Result<DatumRef<'_>, Mismatch>> {
    Some(Ok(match reading {
        Reading::Int8 => DatumRef::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
        Reading::Text | Reading::Json => return Some(text(reading, bytes)),
        Reading::Bool => DatumRef::Bool(*bytes.first()? != 0),
        Reading::Int4 => DatumRef::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Reading::Int2 => DatumRef::Int(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Reading::Oid => DatumRef::Int(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        Reading::Float8 => DatumRef::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        Reading::Float4 => DatumRef::Float(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        Reading::Bytes => DatumRef::Bytes(bytes),
        Reading::Uuid => DatumRef::Uuid(bytes.try_into().ok()?),
        Reading::Numeric => return numeric(bytes),
        Reading::Date => return Some(date(i32::from_be_bytes(bytes.try_into().ok()?))),
        Reading::Time => DatumRef::Time(i64::from_be_bytes(bytes.try_into().ok()?)),
        Reading::Timestamp => {
            return Some(instant(bytes.try_into().ok()?).map(DatumRef::DateTime));
        }
        Reading::TimestampTz => {
            return Some(instant(bytes.try_into().ok()?).map(DatumRef::Timestamp));
        }
        Reading::Jsonb => return Some(text(reading, bytes.strip_prefix(&[1])?)),
        Reading::Other => return None,
    }))
}

#[inline(always)]
fn text(reading: Reading, bytes: &[u8]) -> Result<DatumRef<'_>, Mismatch> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Mismatch::new("the text is not valid UTF-8"))?;
    Ok(if reading == Reading::Text {
        DatumRef::Text(text)
    } else {
        DatumRef::Json(text)
    })
}

/// The largest and the smallest number stand for infinity.
fn date(days: i32) -> Result<DatumRef<'static>, Mismatch> {
    match days.checked_add(EPOCH_DAYS) {
        Some(days) if days > i32::MIN + EPOCH_DAYS => Ok(DatumRef::Date(days)),
        _ => Err(Mismatch::new("the date is infinite")),
    }
}

#[inline]
fn instant(bytes: [u8; 8]) -> Result<i64, Mismatch> {
    let micros = i64::from_be_bytes(bytes);
    match micros.checked_add(EPOCH_MICROS) {
        Some(since) if micros != i64::MIN => Ok(since),
        _ => Err(Mismatch::new("the time is infinite")),
    }
}

fn numeric(bytes: &[u8]) -> Option<Result<DatumRef<'_>, Mismatch>> {
    let field = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let count = usize::from(field(0)?);
    let weight = i16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    let (sign, scale) = (field(4)?, u32::from(field(6)?));
    let is_negative = match sign {
        0 => false,
        0x4000 => true,
        _ => return Some(Err(Mismatch::new("the number is infinite or not a number"))),
    };
    let mut mantissa: i128 = 0;
    for index in 0..count {
        let digit = i128::from(field(8 + index * 2)?);
        mantissa = mantissa.checked_mul(10_000)?.checked_add(digit)?;
    }
    let digits = i32::try_from(count).ok()?;
    let exponent = (i32::from(weight) + 1 - digits) * 4 + i32::try_from(scale).ok()?;
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    let scaled = match power {
        Some(power) if exponent >= 0 => mantissa.checked_mul(power),
        Some(power) => Some(mantissa / power),
        None => None,
    };
    let value = scaled.and_then(|mantissa| {
        let mantissa = if is_negative { -mantissa } else { mantissa };
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    });
    Some(value.map(DatumRef::Decimal).ok_or_else(|| {
        Mismatch::new("the number has more than the 28 digits that a decimal holds")
    }))
}

//! Columns from PostgreSQL's binary form, by position and straight from the row's bytes. Sources: see `bind.rs`.

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

/// The form of a column's bytes; looked up once for a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WireType {
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

/// The wire type of each column of a result.
pub(super) fn wire_types(row: &PgRow) -> Vec<WireType> {
    row.columns()
        .iter()
        .map(|column| wire_type(column.type_info()))
        .collect()
}

fn wire_type(info: &PgTypeInfo) -> WireType {
    const SAME: [(u32, WireType); 16] = [
        (oid::BOOL.0, WireType::Bool),
        (oid::INT2.0, WireType::Int2),
        (oid::INT4.0, WireType::Int4),
        (oid::INT8.0, WireType::Int8),
        (oid::FLOAT4.0, WireType::Float4),
        (oid::FLOAT8.0, WireType::Float8),
        (oid::BYTEA.0, WireType::Bytes),
        (oid::UUID.0, WireType::Uuid),
        (oid::NUMERIC.0, WireType::Numeric),
        (oid::DATE.0, WireType::Date),
        (oid::TIME.0, WireType::Time),
        (oid::TIMESTAMP.0, WireType::Timestamp),
        (oid::TIMESTAMPTZ.0, WireType::TimestampTz),
        (oid::JSON.0, WireType::Json),
        (oid::JSONB.0, WireType::Jsonb),
        (oid::OID, WireType::Oid),
    ];
    const TEXTS: [u32; 5] = [
        oid::TEXT.0,
        oid::VARCHAR,
        oid::BPCHAR,
        oid::NAME,
        oid::UNKNOWN,
    ];
    match info.kind() {
        // Enums and domains have ids that the database assigns; the labels of enums are sent as text.
        PgTypeKind::Enum(_) => return WireType::Text,
        PgTypeKind::Domain(base) => return wire_type(base),
        _ => {}
    }
    let Some(id) = info.oid().map(|id| id.0) else {
        return WireType::Other;
    };
    if TEXTS.contains(&id) {
        return WireType::Text;
    }
    SAME.iter()
        .find(|(known, _)| *known == id)
        .map_or(WireType::Other, |(_, wire_type)| *wire_type)
}

/// A row with the wire types of its columns.
pub(super) struct PostgresCells<'r> {
    pub(super) row: &'r PgRow,
    pub(super) wire_types: &'r [WireType],
}

impl Cells for PostgresCells<'_> {
    fn len(&self) -> usize {
        self.wire_types.len()
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
        // It fails only where there are no bytes, which is NULL.
        let Ok(bytes) = value.as_bytes() else {
            return Ok(DatumRef::Null);
        };
        match self.wire_types[index] {
            WireType::Other => Ok(DatumRef::Other(self.row.column(index).type_info().name())),
            wire_type => decode(wire_type, bytes).ok_or_else(|| self.refuse(index))?,
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
fn decode(wire_type: WireType, bytes: &[u8]) -> Option<Result<DatumRef<'_>, Mismatch>> {
    Some(Ok(match wire_type {
        // The most frequent types first: this runs for each cell of each row.
        WireType::Int8 => DatumRef::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
        WireType::Text | WireType::Json => return Some(text(wire_type, bytes)),
        WireType::Bool => DatumRef::Bool(*bytes.first()? != 0),
        WireType::Int4 => DatumRef::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        WireType::Int2 => DatumRef::Int(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        WireType::Oid => DatumRef::Int(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        WireType::Float8 => DatumRef::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        WireType::Float4 => DatumRef::Float(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        WireType::Bytes => DatumRef::Bytes(bytes),
        WireType::Uuid => DatumRef::Uuid(bytes.try_into().ok()?),
        WireType::Numeric => return numeric(bytes),
        WireType::Date => return Some(date(i32::from_be_bytes(bytes.try_into().ok()?))),
        WireType::Time => DatumRef::Time(i64::from_be_bytes(bytes.try_into().ok()?)),
        WireType::Timestamp => {
            return Some(instant(bytes.try_into().ok()?).map(DatumRef::DateTime));
        }
        WireType::TimestampTz => {
            return Some(instant(bytes.try_into().ok()?).map(DatumRef::Timestamp));
        }
        // The first byte is the version of jsonb's binary form.
        WireType::Jsonb => return Some(text(wire_type, bytes.strip_prefix(&[1])?)),
        WireType::Other => return None,
    }))
}

#[inline(always)]
fn text(wire_type: WireType, bytes: &[u8]) -> Result<DatumRef<'_>, Mismatch> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Mismatch::new("the text is not valid UTF-8"))?;
    Ok(if wire_type == WireType::Text {
        DatumRef::Text(text)
    } else {
        DatumRef::Json(text)
    })
}

/// A date from days since PostgreSQL's epoch. The largest and the smallest number mean infinity.
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
        // 0xC000 is NaN, 0xD000 and 0xF000 are the infinities.
        _ => return Some(Err(Mismatch::new("the number is infinite or not a number"))),
    };
    let mut mantissa: i128 = 0;
    for index in 0..count {
        let digit = i128::from(field(8 + index * 2)?);
        mantissa = mantissa.checked_mul(10_000)?.checked_add(digit)?;
    }
    let digits = i32::try_from(count).ok()?;
    // The digits may end before the scale does, or reach beyond it by the padding of the last group.
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
    Some(
        value
            .map(DatumRef::Decimal)
            .ok_or_else(|| Mismatch::new("the number has more than the 28 digits of a decimal")),
    )
}

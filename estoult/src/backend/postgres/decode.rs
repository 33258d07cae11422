//! Columns from PostgreSQL's binary form, by position and in place: a row's fields are slices of what was read from the
//! socket. Sources: see `bind.rs`.

use std::{cell::Cell, sync::Arc};

use rust_decimal::Decimal;

use super::{
    bind::{EPOCH_DAYS, EPOCH_MICROS, oid},
    types::TypeCache,
};
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

/// The wire type of a built-in type; `None` for a type that the server has to be asked about.
fn built_in(id: u32) -> Option<WireType> {
    const TYPES: [(u32, WireType); 21] = [
        (oid::INT8.0, WireType::Int8),
        (oid::TEXT.0, WireType::Text),
        (oid::INT4.0, WireType::Int4),
        (oid::BOOL.0, WireType::Bool),
        (oid::VARCHAR, WireType::Text),
        (oid::INT2.0, WireType::Int2),
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
        (oid::BPCHAR, WireType::Text),
        (oid::NAME, WireType::Text),
        (oid::UNKNOWN, WireType::Text),
    ];
    let known = TYPES.iter().find(|(known, _)| *known == id);
    known.map(|(_, wire_type)| *wire_type)
}

/// The columns of a result.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    list: Vec<Column>,
    /// Whether a type is not known; asked for each row.
    has_unknown: bool,
}

#[derive(Debug, Clone)]
struct Column {
    name: Box<str>,
    type_id: u32,
    wire_type: WireType,
    /// For messages; empty for built-in types that are decoded.
    type_name: Arc<str>,
}

impl Column {
    /// Whether the server has to be asked what its type is.
    fn is_unknown(&self) -> bool {
        self.wire_type == WireType::Other && self.type_name.is_empty()
    }
}

impl Columns {
    /// Reads a RowDescription; `None` when it is cut short.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (count, mut rest) = body.split_first_chunk::<2>()?;
        let mut columns = Vec::with_capacity(usize::from(u16::from_be_bytes(*count)));
        for _ in 0..u16::from_be_bytes(*count) {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let name = String::from_utf8_lossy(&rest[..end]).into();
            // Table, number of the column, type, size, modifier, format.
            let (fields, after) = rest[end + 1..].split_first_chunk::<18>()?;
            let (_, type_id) = fields[..10].split_last_chunk::<4>()?;
            let type_id = u32::from_be_bytes(*type_id);
            columns.push(Column {
                name,
                type_id,
                wire_type: built_in(type_id).unwrap_or(WireType::Other),
                type_name: Arc::from(""),
            });
            rest = after;
        }
        Some(Self {
            has_unknown: columns.iter().any(Column::is_unknown),
            list: columns,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether all types are known.
    #[inline]
    pub(super) fn is_resolved(&self) -> bool {
        !self.has_unknown
    }

    pub(super) fn names(&self) -> Vec<String> {
        let names = self.list.iter().map(|column| column.name.to_string());
        names.collect()
    }

    /// Takes what is known of types that are not built in, and gives the ids of those that are not known yet.
    pub(super) fn resolve(&mut self, types: &TypeCache) -> Vec<u32> {
        let mut unknown = Vec::new();
        for column in self.list.iter_mut().filter(|column| column.is_unknown()) {
            match types.get(column.type_id) {
                Some(known) => {
                    column.wire_type = if known.is_text {
                        WireType::Text
                    } else {
                        WireType::Other
                    };
                    column.type_name = known.name;
                }
                None if !unknown.contains(&column.type_id) => unknown.push(column.type_id),
                None => {}
            }
        }
        self.has_unknown = !unknown.is_empty();
        unknown
    }
}

/// A row where it lies in the read buffer.
pub(super) struct PostgresCells<'r> {
    /// The body of its DataRow.
    body: &'r [u8],
    columns: &'r Columns,
    /// The column that is read next, mostly in order, and where it begins.
    next: Cell<(usize, usize)>,
}

/// A DataRow begins with the number of its fields.
const FIRST_FIELD: usize = 2;

impl<'r> PostgresCells<'r> {
    /// The row of this body; `None` when it has another number of fields than the result has columns.
    #[inline]
    pub(super) fn new(body: &'r [u8], columns: &'r Columns) -> Option<Self> {
        let count = u16::from_be_bytes(*body.first_chunk::<FIRST_FIELD>()?);
        (usize::from(count) == columns.len()).then_some(Self {
            body,
            columns,
            next: Cell::new((0, FIRST_FIELD)),
        })
    }

    /// The bytes of a field; the outer `None` for a row that is cut short, the inner one for NULL.
    #[inline(always)]
    fn field(&self, index: usize) -> Option<Option<&'r [u8]>> {
        let (mut at, mut begin) = self.next.get();
        if index < at {
            (at, begin) = (0, FIRST_FIELD);
        }
        loop {
            let (length, rest) = self.body.get(begin..)?.split_first_chunk::<4>()?;
            // A negative length stands for NULL, which has no bytes.
            let length = usize::try_from(i32::from_be_bytes(*length));
            let bytes = rest.get(..length.unwrap_or(0))?;
            begin += 4 + bytes.len();
            at += 1;
            if at > index {
                self.next.set((at, begin));
                return Some(length.is_ok().then_some(bytes));
            }
        }
    }

    #[cold]
    fn refuse(&self, index: usize) -> Mismatch {
        let column = &self.columns.list[index];
        Mismatch::new(format!(
            "the bytes are no value of their type, {:?}",
            column.wire_type
        ))
    }
}

impl Cells for PostgresCells<'_> {
    fn len(&self) -> usize {
        self.columns.len()
    }

    fn name(&self, index: usize) -> &str {
        self.columns
            .list
            .get(index)
            .map_or("?", |column| &column.name)
    }

    #[inline]
    fn get(&self, index: usize) -> Result<DatumRef<'_>, Mismatch> {
        let Some(column) = self.columns.list.get(index) else {
            return Err(Mismatch::new("the result has no such column"));
        };
        match self.field(index) {
            None => Err(Mismatch::new("the row is cut short")),
            Some(None) => Ok(DatumRef::Null),
            Some(Some(_)) if column.wire_type == WireType::Other => {
                Ok(DatumRef::Other(&column.type_name))
            }
            Some(Some(bytes)) => {
                decode(column.wire_type, bytes).ok_or_else(|| self.refuse(index))?
            }
        }
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

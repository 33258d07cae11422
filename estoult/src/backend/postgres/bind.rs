//! Values in PostgreSQL's binary form, and the types that they are declared with. Sources: the server's
//! `*send`/`*recv` functions; the form of `numeric` is described at `numeric_send` in
//! `src/backend/utils/adt/numeric.c`.
//!
//! A text is bound like a literal: without a type, so that the server takes the one that the place of the placeholder
//! asks for. So is an integer of the program's own SQL: `int4` when it fits, which casts to the wider types by itself.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres_protocol::IsNull;
use rust_decimal::Decimal;

use crate::value::{Datum, Kind, Mismatch, temporal::DAY_MICROS};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Microseconds and days from 1970-01-01 to PostgreSQL's own epoch, 2000-01-01.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = 10_957 * DAY_MICROS;

pub(super) mod oid {
    //! The object ids of the built-in types, fixed in `pg_type.dat`, each with that of its array.
    pub(crate) const BOOL: (u32, u32) = (16, 1000);
    pub(crate) const BYTEA: (u32, u32) = (17, 1001);
    pub(crate) const INT8: (u32, u32) = (20, 1016);
    pub(crate) const INT2: (u32, u32) = (21, 1005);
    pub(crate) const INT4: (u32, u32) = (23, 1007);
    pub(crate) const TEXT: (u32, u32) = (25, 1009);
    pub(crate) const JSON: (u32, u32) = (114, 199);
    pub(crate) const FLOAT4: (u32, u32) = (700, 1021);
    pub(crate) const FLOAT8: (u32, u32) = (701, 1022);
    pub(crate) const DATE: (u32, u32) = (1082, 1182);
    pub(crate) const TIME: (u32, u32) = (1083, 1183);
    pub(crate) const TIMESTAMP: (u32, u32) = (1114, 1115);
    pub(crate) const TIMESTAMPTZ: (u32, u32) = (1184, 1185);
    pub(crate) const NUMERIC: (u32, u32) = (1700, 1231);
    pub(crate) const UUID: (u32, u32) = (2950, 2951);
    pub(crate) const JSONB: (u32, u32) = (3802, 3807);
    pub(crate) const BPCHAR: u32 = 1042;
    pub(crate) const VARCHAR: u32 = 1043;
    pub(crate) const NAME: u32 = 19;
    pub(crate) const OID: u32 = 26;
    pub(crate) const UNKNOWN: u32 = 705;
}

/// The type that a kind is bound as, and its array. Integers are bound as `int8` for columns of all sizes: the server's
/// operators and assignments accept them.
fn types(kind: Kind) -> (u32, u32) {
    match kind {
        Kind::Bool => oid::BOOL,
        Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::UInt64 => oid::INT8,
        Kind::Float32 | Kind::Float64 => oid::FLOAT8,
        Kind::Text | Kind::Enum(_) => oid::TEXT,
        Kind::Bytes => oid::BYTEA,
        Kind::Uuid => oid::UUID,
        Kind::Decimal => oid::NUMERIC,
        Kind::Date => oid::DATE,
        Kind::Time => oid::TIME,
        Kind::DateTime => oid::TIMESTAMP,
        Kind::Timestamp => oid::TIMESTAMPTZ,
        Kind::Json => oid::JSONB,
    }
}

fn kind(datum: &Datum) -> Kind {
    match datum {
        Datum::Null(kind) => *kind,
        Datum::Bool(_) => Kind::Bool,
        Datum::Int(_) | Datum::UInt(_) => Kind::Int64,
        Datum::Float(_) => Kind::Float64,
        Datum::Text(_) => Kind::Text,
        Datum::Bytes(_) => Kind::Bytes,
        Datum::Uuid(_) => Kind::Uuid,
        Datum::Decimal(_) => Kind::Decimal,
        Datum::Date(_) => Kind::Date,
        Datum::Time(_) => Kind::Time,
        Datum::DateTime(_) => Kind::DateTime,
        Datum::Timestamp(_) => Kind::Timestamp,
        Datum::Json(_) => Kind::Json,
        Datum::Enum(kind, _) => Kind::Enum(kind),
        Datum::List(kind, _) => *kind,
    }
}

/// No type: the server infers it.
const UNDECLARED: u32 = 0;
/// The formats of a value ("Formats and Format Codes").
const TEXT_FORMAT: i16 = 0;
const BINARY_FORMAT: i16 = 1;

/// How the types of parameters are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// In statements of estoult: integers are `int8` for columns of all sizes, so that one text has one plan.
    ByKind,
    /// In the program's own SQL, whose text does not say what a parameter is for: as literals have them.
    AsLiterals,
    /// The same where the server could not infer a type: every parameter has one.
    Always,
}

impl Declared {
    /// The object id that a datum is bound with.
    pub(super) fn type_of(self, datum: &Datum) -> u32 {
        let (element, array) = types(kind(datum));
        match (self, datum) {
            (_, Datum::List(..)) => array,
            (Self::AsLiterals, Datum::Null(_)) => UNDECLARED,
            // NULL like the other values of its column, so that one text has one plan.
            (Self::ByKind, Datum::Null(Kind::Text | Kind::Enum(_))) => UNDECLARED,
            (Self::ByKind | Self::AsLiterals, Datum::Text(_) | Datum::Enum(..)) => UNDECLARED,
            (Self::AsLiterals | Self::Always, Datum::Int(value))
                if i32::try_from(*value).is_ok() =>
            {
                oid::INT4.0
            }
            _ => element,
        }
    }
}

/// The format in which a value of this type is written.
pub(super) fn format_of(declared: u32) -> i16 {
    if declared == UNDECLARED {
        TEXT_FORMAT
    } else {
        BINARY_FORMAT
    }
}

/// Writes a parameter in the form of its declared type.
pub(super) fn write_parameter(
    buffer: &mut BytesMut,
    datum: &Datum,
    declared: u32,
) -> Result<IsNull, BoxError> {
    match datum {
        Datum::Null(_) => return Ok(IsNull::Yes),
        Datum::List(kind, items) => write_array(buffer, types(*kind).0, items)?,
        Datum::Int(value) if declared == oid::INT4.0 => {
            buffer.extend_from_slice(&i32::try_from(*value)?.to_be_bytes());
        }
        datum => write(buffer, datum)?,
    }
    Ok(IsNull::No)
}

fn write(buffer: &mut BytesMut, datum: &Datum) -> Result<(), BoxError> {
    match datum {
        Datum::Bool(value) => buffer.extend_from_slice(&[u8::from(*value)]),
        Datum::Int(value) => buffer.extend_from_slice(&value.to_be_bytes()),
        Datum::UInt(_) => {
            return Err(Mismatch::new("an integer above the range of PostgreSQL's bigint").into());
        }
        Datum::Float(value) => buffer.extend_from_slice(&value.to_be_bytes()),
        Datum::Text(value) => buffer.extend_from_slice(value.as_bytes()),
        Datum::Enum(_, label) => buffer.extend_from_slice(label.as_bytes()),
        Datum::Bytes(value) => buffer.extend_from_slice(value),
        Datum::Uuid(value) => buffer.extend_from_slice(value),
        Datum::Decimal(value) => write_numeric(buffer, *value)?,
        Datum::Date(days) => {
            let days = days.checked_sub(EPOCH_DAYS);
            let days = days.ok_or("a date out of PostgreSQL's range")?;
            buffer.extend_from_slice(&days.to_be_bytes());
        }
        Datum::Time(micros) => buffer.extend_from_slice(&micros.to_be_bytes()),
        Datum::DateTime(micros) | Datum::Timestamp(micros) => {
            let micros = micros.checked_sub(EPOCH_MICROS);
            let micros = micros.ok_or("a time out of PostgreSQL's range")?;
            buffer.extend_from_slice(&micros.to_be_bytes());
        }
        Datum::Json(text) => {
            // The version of jsonb's binary form.
            buffer.extend_from_slice(&[1]);
            buffer.extend_from_slice(text.as_bytes());
        }
        Datum::Null(_) | Datum::List(..) => {
            return Err("a list inside a list can't be bound".into());
        }
    }
    Ok(())
}

fn write_array(buffer: &mut BytesMut, element: u32, items: &[Datum]) -> Result<(), BoxError> {
    // The header of `array_recv`: dimensions, a flag for NULLs, the type of elements; then length and first index.
    let has_null = items.iter().any(Datum::is_null);
    let dimensions = i32::from(!items.is_empty());
    buffer.extend_from_slice(&dimensions.to_be_bytes());
    buffer.extend_from_slice(&i32::from(has_null).to_be_bytes());
    buffer.extend_from_slice(&element.to_be_bytes());
    if items.is_empty() {
        return Ok(());
    }
    buffer.extend_from_slice(&i32::try_from(items.len())?.to_be_bytes());
    buffer.extend_from_slice(&1_i32.to_be_bytes());
    buffer.reserve(items.len() * EIGHT_BYTES.len());
    for item in items {
        // Fast path: the elements of most lists have one length.
        if let Some(value) = eight_bytes(item) {
            let mut element = EIGHT_BYTES;
            element[4..].copy_from_slice(&value.to_be_bytes());
            buffer.extend_from_slice(&element);
            continue;
        }
        // The length of an element is known once it is written; -1 stands for NULL.
        if item.is_null() {
            buffer.extend_from_slice(&(-1_i32).to_be_bytes());
            continue;
        }
        let start = buffer.len();
        buffer.extend_from_slice(&[0; 4]);
        write(buffer, item)?;
        let length = i32::try_from(buffer.len() - start - 4)?;
        buffer[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// An element of eight bytes behind its length.
const EIGHT_BYTES: [u8; 12] = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];

/// The number that an element of eight bytes is written as; `None` for others, and for what is out of range.
#[inline]
fn eight_bytes(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Int(value) => Some(*value),
        Datum::DateTime(micros) | Datum::Timestamp(micros) => micros.checked_sub(EPOCH_MICROS),
        _ => None,
    }
}

/// Digits to the base of 10 000, most significant first, with the weight of the first one.
fn write_numeric(buffer: &mut BytesMut, value: Decimal) -> Result<(), BoxError> {
    let scale = value.scale();
    // Groups of four digits begin at the decimal point, so the fraction is padded to whole groups.
    let padding = (4 - scale % 4) % 4;
    let mut rest = value.mantissa().unsigned_abs() * 10_u128.pow(padding);
    let mut digits = Vec::with_capacity(9);
    while rest > 0 {
        digits.push(u16::try_from(rest % 10_000)?);
        rest /= 10_000;
    }
    let fraction_groups = i16::try_from((scale + padding) / 4)?;
    let weight = i16::try_from(digits.len())? - fraction_groups - 1;
    // There is no negative zero in `numeric`.
    let sign: u16 = if value.is_sign_negative() && !value.is_zero() {
        0x4000
    } else {
        0
    };
    buffer.extend_from_slice(&u16::try_from(digits.len())?.to_be_bytes());
    buffer.extend_from_slice(&weight.to_be_bytes());
    buffer.extend_from_slice(&sign.to_be_bytes());
    buffer.extend_from_slice(&u16::try_from(scale)?.to_be_bytes());
    for digit in digits.iter().rev() {
        buffer.extend_from_slice(&digit.to_be_bytes());
    }
    Ok(())
}

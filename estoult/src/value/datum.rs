//! The neutral values: [`Datum`] is bound, [`DatumRef`] is read, [`Kind`] is the type of a column.
//!
//! Invariant: `Debug` of a datum shows its kind, never the value, so that no log and no error has it.

use std::{borrow::Cow, fmt};

use rust_decimal::Decimal;

/// The kind of a column, common to all backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A truth value.
    Bool,
    /// A signed integer of 16 bits.
    Int16,
    /// A signed integer of 32 bits.
    Int32,
    /// A signed integer of 64 bits.
    Int64,
    /// An unsigned integer of 64 bits; checked against the signed range where the database has no unsigned ones.
    UInt64,
    /// A floating point number of 32 bits.
    Float32,
    /// A floating point number of 64 bits.
    Float64,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A UUID.
    Uuid,
    /// An exact decimal number.
    Decimal,
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// A date and a time of day without a zone.
    DateTime,
    /// An instant.
    Timestamp,
    /// A JSON document.
    Json,
    /// A label of a native enum of PostgreSQL; text elsewhere.
    Enum(&'static EnumType),
}

/// A native enum type of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnumType {
    /// The type's name in the database.
    pub name: &'static str,
    /// Its labels in order.
    pub labels: &'static [&'static str],
}

/// A value to bind.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Datum {
    /// NULL, of a column of this kind.
    Null(Kind),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond the signed range.
    UInt(u64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID, most significant byte first.
    Uuid([u8; 16]),
    /// An exact decimal number.
    Decimal(Decimal),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00, without a zone.
    DateTime(i64),
    /// Microseconds since 1970-01-01 00:00 UTC.
    Timestamp(i64),
    /// The text of a JSON document.
    Json(String),
    /// A label of a native enum.
    Enum(&'static EnumType, &'static str),
    /// Several values of one kind, bound as one parameter where the database can.
    List(Kind, Vec<Datum>),
}

/// A value read from a row, borrowed from it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum DatumRef<'r> {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond the signed range.
    UInt(u64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Text(&'r str),
    /// Bytes.
    Bytes(&'r [u8]),
    /// A UUID, most significant byte first.
    Uuid([u8; 16]),
    /// An exact decimal number.
    Decimal(Decimal),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00, without a zone.
    DateTime(i64),
    /// Microseconds since 1970-01-01 00:00 UTC.
    Timestamp(i64),
    /// The text of a JSON document.
    Json(&'r str),
    /// A value of a type that estoult can't read, with the type's name.
    Other(&'r str),
}

/// Why a value did not fit a type. The message names kinds, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    message: Cow<'static, str>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mismatch {}

impl Mismatch {
    /// A mismatch with this message, in lower case and without a full stop.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// A mismatch between the expected type and the kind that was found.
    #[must_use]
    pub fn expected(what: impl Into<Cow<'static, str>>, found: DatumRef<'_>) -> Self {
        Self::new(format!(
            "expected {}, found {}",
            what.into(),
            found.describe()
        ))
    }
}

impl<'r> DatumRef<'r> {
    /// Whether it is NULL.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same value, owned; `None` for NULL, whose kind is unknown here, and for types that estoult can't read.
    #[must_use]
    pub fn to_datum(self) -> Option<Datum> {
        Some(match self {
            Self::Null | Self::Other(_) => return None,
            Self::Bool(value) => Datum::Bool(value),
            Self::Int(value) => Datum::Int(value),
            Self::UInt(value) => Datum::UInt(value),
            Self::Float(value) => Datum::Float(value),
            Self::Text(value) => Datum::Text(value.to_owned()),
            Self::Bytes(value) => Datum::Bytes(value.to_owned()),
            Self::Uuid(value) => Datum::Uuid(value),
            Self::Decimal(value) => Datum::Decimal(value),
            Self::Date(value) => Datum::Date(value),
            Self::Time(value) => Datum::Time(value),
            Self::DateTime(value) => Datum::DateTime(value),
            Self::Timestamp(value) => Datum::Timestamp(value),
            Self::Json(value) => Datum::Json(value.to_owned()),
        })
    }

    /// The kind in words, for messages.
    #[must_use]
    pub fn describe(self) -> Cow<'r, str> {
        Cow::Borrowed(match self {
            Self::Null => "NULL",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::UInt(_) => "an integer",
            Self::Float(_) => "a floating point number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "a uuid",
            Self::Decimal(_) => "a decimal number",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time",
            Self::DateTime(_) => "a date and time without a zone",
            Self::Timestamp(_) => "a timestamp",
            Self::Json(_) => "json",
            Self::Other(name) => return Cow::Owned(format!("a value of type `{name}`")),
        })
    }
}

impl fmt::Debug for DatumRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Datum {
    /// The same value, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> DatumRef<'_> {
        match self {
            // A list is only ever a parameter: no column returns one.
            Self::Null(_) | Self::List(..) => DatumRef::Null,
            Self::Bool(value) => DatumRef::Bool(*value),
            Self::Int(value) => DatumRef::Int(*value),
            Self::UInt(value) => DatumRef::UInt(*value),
            Self::Float(value) => DatumRef::Float(*value),
            Self::Text(value) => DatumRef::Text(value),
            Self::Bytes(value) => DatumRef::Bytes(value),
            Self::Uuid(value) => DatumRef::Uuid(*value),
            Self::Decimal(value) => DatumRef::Decimal(*value),
            Self::Date(value) => DatumRef::Date(*value),
            Self::Time(value) => DatumRef::Time(*value),
            Self::DateTime(value) => DatumRef::DateTime(*value),
            Self::Timestamp(value) => DatumRef::Timestamp(*value),
            Self::Json(value) => DatumRef::Json(value),
            Self::Enum(_, label) => DatumRef::Text(label),
        }
    }

    /// Whether it is NULL.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(kind, items) => write!(f, "{} values of {kind:?}", items.len()),
            datum => f.write_str(&datum.as_ref().describe()),
        }
    }
}

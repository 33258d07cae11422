//! The built-in types as values: integers, floats, truth values, text and bytes.

use crate::value::{Datum, DatumRef, Kind, Mismatch, Value};

type Read<T> = Result<T, Mismatch>;

/// The integer in a datum, or in a decimal without a fraction.
fn integer(datum: DatumRef<'_>, expected: &'static str) -> Read<i128> {
    match datum {
        DatumRef::Int(value) => Ok(value.into()),
        DatumRef::UInt(value) => Ok(value.into()),
        // SUM of integers is NUMERIC on PostgreSQL and DECIMAL on MySQL (manuals, "Aggregate Functions").
        DatumRef::Decimal(value) if value.fract().is_zero() => {
            i128::try_from(value).map_err(|_| out_of_range(expected))
        }
        other => Err(Mismatch::expected(expected, other)),
    }
}

fn out_of_range(expected: &'static str) -> Mismatch {
    Mismatch::new(format!(
        "expected {expected}, found an integer out of its range"
    ))
}

fn cast_text<T: std::str::FromStr>(input: DatumRef<'_>, expected: &'static str) -> Option<Read<T>> {
    let DatumRef::Text(text) = input else {
        return None;
    };
    let read = text.trim().parse();
    Some(read.map_err(|_| Mismatch::new(format!("expected {expected}, found other text"))))
}

macro_rules! integers {
    ($($type:ident $kind:ident,)*) => {$(
        impl Value for $type {
            const KIND: Kind = Kind::$kind;
            type Plain = Self;

            fn to_datum(&self) -> Datum {
                Datum::Int((*self).into())
            }

            #[inline]
            fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
                // Fast path: nearly every integer is an `Int`; only sums and huge values need 128 bits.
                if let DatumRef::Int(value) = datum {
                    return Self::try_from(value).map_err(|_| out_of_range(stringify!($type)));
                }
                Self::try_from(integer(datum, stringify!($type))?)
                    .map_err(|_| out_of_range(stringify!($type)))
            }

            fn cast(input: DatumRef<'_>) -> Read<Self> {
                cast_text(input, "a whole number in the range of the column").unwrap_or_else(|| Self::from_datum(input))
            }
        }
    )*};
}

integers! {
    i8 Int16,
    i16 Int16,
    i32 Int32,
    i64 Int64,
    u8 Int16,
    u16 Int32,
    u32 Int64,
}

impl Value for u64 {
    const KIND: Kind = Kind::UInt64;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        i64::try_from(*self).map_or(Datum::UInt(*self), Datum::Int)
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        Self::try_from(integer(datum, "u64")?).map_err(|_| out_of_range("u64"))
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        cast_text(input, "a whole number that is not negative")
            .unwrap_or_else(|| Self::from_datum(input))
    }
}

impl Value for f64 {
    const KIND: Kind = Kind::Float64;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Float(*self)
    }

    #[expect(
        clippy::as_conversions,
        reason = "an integer of at most 53 bits is the same number as a float"
    )]
    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        match datum {
            DatumRef::Float(value) => Ok(value),
            // An integer is exact as f64 up to 2^53. SQLite turns whole numbers of a column of NUMERIC affinity into
            // integers (datatype3, "Type Affinity").
            DatumRef::Int(value) if value.unsigned_abs() <= 1 << 53 => Ok(value as Self),
            DatumRef::Decimal(value) => {
                Self::try_from(value).map_err(|_| Mismatch::expected("f64", datum))
            }
            other => Err(Mismatch::expected("f64", other)),
        }
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        cast_text(input, "a number").unwrap_or_else(|| Self::from_datum(input))
    }
}

impl Value for f32 {
    const KIND: Kind = Kind::Float32;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Float((*self).into())
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the backend has widened a number of 32 bits, so narrowing it loses nothing"
    )]
    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        f64::from_datum(datum).map(|value| value as Self)
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        cast_text(input, "a number").unwrap_or_else(|| Self::from_datum(input))
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Bool;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Bool(*self)
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        match datum {
            DatumRef::Bool(value) => Ok(value),
            // SQLite and MySQL have no booleans: their columns have the integers 0 and 1.
            DatumRef::Int(0) => Ok(false),
            DatumRef::Int(1) => Ok(true),
            other => Err(Mismatch::expected("bool", other)),
        }
    }

    fn cast(input: DatumRef<'_>) -> Read<Self> {
        match input {
            // As HTML forms and query strings write them.
            DatumRef::Text("true" | "1" | "on" | "yes") => Ok(true),
            DatumRef::Text("false" | "0" | "off" | "no") => Ok(false),
            other => Self::from_datum(other),
        }
    }
}

impl Value for String {
    const KIND: Kind = Kind::Text;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Text(self.clone())
    }

    fn into_datum(self) -> Datum {
        Datum::Text(self)
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        match datum {
            DatumRef::Text(value) => Ok(value.to_owned()),
            other => Err(Mismatch::expected("text", other)),
        }
    }
}

impl Value for Vec<u8> {
    const KIND: Kind = Kind::Bytes;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Bytes(self.clone())
    }

    fn into_datum(self) -> Datum {
        Datum::Bytes(self)
    }

    #[inline]
    fn from_datum(datum: DatumRef<'_>) -> Read<Self> {
        match datum {
            DatumRef::Bytes(value) => Ok(value.to_owned()),
            other => Err(Mismatch::expected("bytes", other)),
        }
    }
}

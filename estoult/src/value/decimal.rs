//! `rust_decimal::Decimal` as a value. Every build uses the type inside, as the exact number of all databases.

use rust_decimal::Decimal;

use crate::value::{Datum, DatumRef, Kind, Mismatch, Number, Value};

impl Value for Decimal {
    const KIND: Kind = Kind::Decimal;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Decimal(*self)
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        match datum {
            DatumRef::Decimal(value) => Ok(value),
            DatumRef::Int(value) => Ok(value.into()),
            DatumRef::UInt(value) => Ok(value.into()),
            // SQLite stores decimals as text. `from_str_exact` fails where `parse` would round.
            DatumRef::Text(text) => Self::from_str_exact(text)
                .map_err(|_| Mismatch::new("expected a decimal number, found other text")),
            other => Err(Mismatch::expected("a decimal number", other)),
        }
    }

    fn cast(input: DatumRef<'_>) -> Result<Self, Mismatch> {
        match input {
            DatumRef::Text(text) => Self::from_datum(DatumRef::Text(text.trim())),
            // JSON input arrives as a float, whose shortest digits are those that the sender wrote.
            DatumRef::Float(value) => Self::from_datum(DatumRef::Text(&value.to_string())),
            input => Self::from_datum(input),
        }
    }
}

#[diagnostic::do_not_recommend]
impl Number for Decimal {
    type Sum = Self;
    type Average = Self;
}

#[diagnostic::do_not_recommend]
impl Number for Option<Decimal> {
    type Sum = Decimal;
    type Average = Decimal;
}

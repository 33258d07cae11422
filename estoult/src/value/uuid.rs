//! `uuid::Uuid` as a value.

use uuid::Uuid;

use crate::value::{Datum, DatumRef, Kind, Mismatch, Value};

impl Value for Uuid {
    const KIND: Kind = Kind::Uuid;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Uuid(*self.as_bytes())
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        match datum {
            DatumRef::Uuid(bytes) => Ok(Self::from_bytes(bytes)),
            DatumRef::Text(text) => Self::try_parse(text)
                .map_err(|_| Mismatch::new("expected a uuid, found other text")),
            DatumRef::Bytes(bytes) => Self::from_slice(bytes)
                .map_err(|_| Mismatch::new("expected a uuid of 16 bytes, found another length")),
            other => Err(Mismatch::expected("a uuid", other)),
        }
    }
}

//! The UUIDs that estoult generates for keys.

use uuid::Uuid;

use crate::value::Datum;

/// A random UUID (RFC 9562, version 4).
pub(crate) fn random_uuid() -> Datum {
    Datum::Uuid(Uuid::new_v4().into_bytes())
}

/// A UUID that sorts by creation time (RFC 9562, version 7).
pub(crate) fn time_ordered_uuid() -> Datum {
    Datum::Uuid(Uuid::now_v7().into_bytes())
}

//! JSON as values: any document as `serde_json::Value`, a typed one as [`Json`].

use serde::{Serialize, de::DeserializeOwned};

use crate::value::{Datum, DatumRef, Kind, Mismatch, Value};

/// A typed JSON column: `T` is written with serde and read back.
///
/// ```
/// use estoult::{Json, Value};
///
/// let tags = Json(vec!["sea".to_owned(), "island".to_owned()]);
/// assert_eq!(tags.to_datum(), estoult::value::Datum::Json(r#"["sea","island"]"#.into()));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

/// A type that serde writes as JSON and reads back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be kept as JSON",
    label = "add `#[derive(Serialize, Deserialize)]` of serde to `{Self}`"
)]
pub trait Document: Sized {
    /// Its JSON text.
    fn to_document(&self) -> Datum;

    /// Itself from JSON text.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] when the text is not JSON or not of this shape.
    fn from_document(datum: DatumRef<'_>) -> Result<Self, Mismatch>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Document for T {
    fn to_document(&self) -> Datum {
        to_json(self)
    }

    fn from_document(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        from_json(datum)
    }
}

impl<T: Document + Send + Sync + 'static> Value for Json<T> {
    const KIND: Kind = Kind::Json;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        self.0.to_document()
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        T::from_document(datum).map(Self)
    }
}

impl Value for serde_json::Value {
    const KIND: Kind = Kind::Json;
    type Plain = Self;

    fn to_datum(&self) -> Datum {
        Datum::Json(self.to_string())
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        from_json(datum)
    }
}

/// The JSON text of a value.
fn to_json<T: Serialize>(value: &T) -> Datum {
    // A conversion can't fail, so a value that serde can't write becomes text that is no JSON: PostgreSQL and MySQL
    // refuse the statement. SQLite stores any text.
    Datum::Json(serde_json::to_string(value).unwrap_or_else(|error| format!("unwritable: {error}")))
}

/// A value read from JSON text.
fn from_json<T: DeserializeOwned>(datum: DatumRef<'_>) -> Result<T, Mismatch> {
    let (DatumRef::Json(text) | DatumRef::Text(text)) = datum else {
        return Err(Mismatch::expected("json", datum));
    };
    // The message of serde may quote the document, so only the position is passed on.
    serde_json::from_str(text).map_err(|error| {
        Mismatch::new(format!(
            "expected json of another shape, at line {} column {}",
            error.line(),
            error.column()
        ))
    })
}

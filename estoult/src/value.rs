//! Column values: the [`Value`] trait, and [`Datum`], the neutral form between Rust types and databases.
//!
//! Invariant: no SQL text and no database here.

mod datum;
mod identity;
mod number;
mod primitive;
pub(crate) mod temporal;

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "decimal")]
mod decimal;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

pub use datum::{Datum, DatumRef, EnumType, Kind, Mismatch};
pub(crate) use identity::{random_uuid, time_ordered_uuid};
#[cfg(feature = "json")]
pub use json::{Document, Json};
pub use number::{Number, Text};

/// A type that can be stored in a column.
///
/// It is implemented for the built-in types, for those of the optional crates, and for `Option<T>`, whose `None` is
/// NULL. Derive it for enums and newtypes:
///
/// ```
/// use estoult::Value;
///
/// #[derive(Debug, Clone, Copy, PartialEq, Value)]
/// enum State { Draft, Published }
///
/// assert_eq!(State::Draft.to_datum(), estoult::value::Datum::Text("draft".into()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be stored in a column",
    label = "not a column type",
    note = "derive `Value` for it, or use a built-in type; \
            chrono, time, uuid, decimal and json types need the feature of that name"
)]
pub trait Value: Sized + Send + Sync + 'static {
    /// The kind of column that stores it.
    const KIND: Kind;

    /// Whether the column may be NULL.
    const NULLABLE: bool = false;

    /// The type without NULL: `T` of `Option<T>`, else the type itself.
    type Plain: Value;

    /// The value to bind.
    fn to_datum(&self) -> Datum;

    /// The value to bind, of a value that the program gives away: texts and bytes are moved into it.
    fn into_datum(self) -> Datum {
        self.to_datum()
    }

    /// Decodes a value that a database returned.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] when the datum is of another kind, out of range, or NULL where none may be.
    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch>;

    /// Reads loosely typed input: the text of a form, a line of a file, a JSON value.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] when the input can't be read as this type.
    fn cast(input: DatumRef<'_>) -> Result<Self, Mismatch> {
        Self::from_datum(input)
    }
}

/// A value for a column of type `T`: a `T`, the inner type where `T` is an `Option`, or a `&str` for text.
///
/// ```
/// use estoult::Schema;
///
/// #[derive(Debug, Clone, Schema)]
/// struct Book { id: i64, shelf: i16, year: Option<i64>, subtitle: Option<String> }
///
/// let changeset = Book::changeset().put(Book::shelf, 3).put(Book::year, 1985).put(Book::subtitle, "a novel");
/// assert_eq!(changeset.put(Book::year, None).get(Book::year), Some(None));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be written into a column of type `{T}`",
    label = "expected a `{T}`"
)]
pub trait IntoValue<T> {
    /// The value in the column's type.
    fn into_value(self) -> T;
}

// `do_not_recommend`, here and on blanket impls elsewhere: rustc would explain the missing impl by the bounds of
// this one instead of by the message above.
#[diagnostic::do_not_recommend]
impl<T: Value> IntoValue<T> for T {
    fn into_value(self) -> T {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: Value> IntoValue<Option<T>> for T {
    fn into_value(self) -> Option<T> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl IntoValue<String> for &str {
    fn into_value(self) -> String {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl IntoValue<Option<String>> for &str {
    fn into_value(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    type Plain = T::Plain;

    fn to_datum(&self) -> Datum {
        match self {
            Some(value) => value.to_datum(),
            None => Datum::Null(T::KIND),
        }
    }

    fn into_datum(self) -> Datum {
        match self {
            Some(value) => value.into_datum(),
            None => Datum::Null(T::KIND),
        }
    }

    fn from_datum(datum: DatumRef<'_>) -> Result<Self, Mismatch> {
        match datum {
            DatumRef::Null => Ok(None),
            datum => T::from_datum(datum).map(Some),
        }
    }

    fn cast(input: DatumRef<'_>) -> Result<Self, Mismatch> {
        match input {
            DatumRef::Null => Ok(None),
            input => T::cast(input).map(Some),
        }
    }
}

/// Decodes a value into a field.
///
/// # Errors
///
/// A [`Mismatch`] when the datum does not fit.
pub fn assign<T: Value>(field: &mut T, datum: DatumRef<'_>) -> Result<(), Mismatch> {
    *field = T::from_datum(datum)?;
    Ok(())
}

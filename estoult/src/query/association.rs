//! Associations between schemas: `Author::books` is a constant to filter by, to query from a row, or to preload.

use std::{fmt, marker::PhantomData};

use crate::{
    expr::{Exists, Node, Predicate},
    table::{Cardinality, Column, ColumnName, Model, SameTenant},
    value::Value,
};

/// A column that can refer to a key of type `K`: of the same type, or optional.
#[diagnostic::on_unimplemented(
    message = "a column of type `{Self}` can't hold a key of type `{K}`",
    label = "the two columns of an association have the same type; the foreign key may be optional"
)]
pub trait References<K>: Value {}

impl<K: Value> References<K> for K {}
impl<K: Value> References<K> for Option<K> {}

/// The two columns that an association compares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) own: ColumnName,
    pub(crate) other: ColumnName,
}

macro_rules! associations {
    ($($(#[$docs:meta])* $name:ident $cardinality:ident)+) => {$(
        $(#[$docs])*
        pub struct $name<P, C> {
            pub(crate) keys: Keys,
            schemas: PhantomData<fn() -> (P, C)>,
        }

        // Not derived: the derive would require `P` and `C` to be `Clone`.
        impl<P, C> Clone for $name<P, C> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<P, C> Copy for $name<P, C> {}

        impl<P: Model, C: Model> fmt::Debug for $name<P, C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (own, other) = (P::table_spec().name(), C::table_spec().name());
                write!(f, "{own}.{} -> {other}.{}", self.keys.own, self.keys.other)
            }
        }

        impl<P: Model, C: Model> $name<P, C> {
            /// How many rows it leads to.
            #[must_use]
            pub fn cardinality(self) -> Cardinality {
                Cardinality::$cardinality
            }
        }
    )+};
}

associations! {
    /// An association of `P` with any number of rows of `C` that refer to it.
    HasMany HasMany
    /// An association of `P` with at most one row of `C` that refers to it.
    HasOne HasOne
    /// An association of `P` with the row of `C` that it refers to.
    BelongsTo BelongsTo
}

/// Whether an associated row matches the condition.
fn any<P: Model, C: Model>(keys: Keys, condition: Node) -> Predicate<P> {
    Predicate::new(Node::Exists(Box::new(Exists {
        outer: P::table_spec(),
        own: Node::column(P::table_spec(), keys.own),
        table: C::table_spec(),
        other: Node::column(C::table_spec(), keys.other),
        condition,
    })))
}

impl<P, C> HasMany<P, C> {
    /// The association over these columns; the derive calls it.
    #[must_use]
    pub const fn on<K, F: References<K>>(own: Column<P, K>, other: Column<C, F>) -> Self {
        Self {
            keys: Keys {
                own: own.name(),
                other: other.name(),
            },
            schemas: PhantomData,
        }
    }
}

impl<P, C> HasOne<P, C> {
    /// The association over these columns; the derive calls it.
    #[must_use]
    pub const fn on<K, F: References<K>>(own: Column<P, K>, other: Column<C, F>) -> Self {
        Self {
            keys: Keys {
                own: own.name(),
                other: other.name(),
            },
            schemas: PhantomData,
        }
    }
}

impl<P, C> BelongsTo<P, C> {
    /// The association over these columns; the derive calls it.
    #[must_use]
    pub const fn on<K, F: References<K>>(own: Column<P, F>, other: Column<C, K>) -> Self {
        Self {
            keys: Keys {
                own: own.name(),
                other: other.name(),
            },
            schemas: PhantomData,
        }
    }
}

// Three times instead of by a macro: a compile error then points at the method and not at the macro.
impl<P: Model, C: Model> HasMany<P, C> {
    /// Whether an associated row matches the predicate.
    ///
    /// Both tables must be in one database; otherwise the statement is refused.
    #[must_use]
    pub fn any(self, predicate: Predicate<C>) -> Predicate<P>
    where
        C::Tenant: SameTenant<P::Tenant>,
    {
        any::<P, C>(self.keys, predicate.node)
    }

    /// Whether there is an associated row.
    #[must_use]
    pub fn exists(self) -> Predicate<P>
    where
        C::Tenant: SameTenant<P::Tenant>,
    {
        any::<P, C>(self.keys, Node::All(Vec::new()))
    }
}

impl<P: Model, C: Model> HasOne<P, C> {
    /// Whether an associated row matches the predicate.
    ///
    /// Both tables must be in one database; otherwise the statement is refused.
    #[must_use]
    pub fn any(self, predicate: Predicate<C>) -> Predicate<P>
    where
        C::Tenant: SameTenant<P::Tenant>,
    {
        any::<P, C>(self.keys, predicate.node)
    }

    /// Whether there is an associated row.
    #[must_use]
    pub fn exists(self) -> Predicate<P>
    where
        C::Tenant: SameTenant<P::Tenant>,
    {
        any::<P, C>(self.keys, Node::All(Vec::new()))
    }
}

impl<P: Model, C: Model> BelongsTo<P, C> {
    /// Whether an associated row matches the predicate.
    ///
    /// Both tables must be in one database; otherwise the statement is refused.
    #[must_use]
    pub fn any(self, predicate: Predicate<C>) -> Predicate<P>
    where
        C::Tenant: SameTenant<P::Tenant>,
    {
        any::<P, C>(self.keys, predicate.node)
    }

    /// Whether there is an associated row.
    #[must_use]
    pub fn exists(self) -> Predicate<P>
    where
        C::Tenant: SameTenant<P::Tenant>,
    {
        any::<P, C>(self.keys, Node::All(Vec::new()))
    }
}

//! Rows that can take associated rows: a schema, or a tuple that begins with one.

use crate::table::Model;

/// A row that begins with a schema: the schema itself, or a tuple of it and its associated rows.
#[diagnostic::on_unimplemented(
    message = "rows of type `{Self}` can't take associated rows",
    label = "preload before `select` and `rows`"
)]
pub trait HasRoot: Send + Sync + 'static {
    /// The schema whose associations are loaded.
    type Schema: Model;

    /// The schema's row.
    fn root(&self) -> &Self::Schema;
}

/// A row that further associated rows can be added to: the first preload makes a pair, each further one appends to the
/// tuple.
#[diagnostic::on_unimplemented(
    message = "rows of type `{Self}` can't take associated rows",
    label = "preload before `select` and `rows`, and at most eight associations"
)]
pub trait Extend<L>: HasRoot {
    /// The row with the associated rows.
    type With: Send + 'static;

    /// Adds the associated rows.
    fn with(self, loaded: L) -> Self::With;
}

#[diagnostic::do_not_recommend]
impl<S: Model> HasRoot for S {
    type Schema = S;

    fn root(&self) -> &S {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<S: Model, L: Send + 'static> Extend<L> for S {
    type With = (S, L);

    fn with(self, loaded: L) -> (S, L) {
        (self, loaded)
    }
}

// Each arity of a row is an impl of its own, since Rust has no variadic tuples.
macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<S: Model, $($part: Send + Sync + 'static),+> HasRoot for (S, $($part,)+) {
            type Schema = S;

            fn root(&self) -> &S {
                &self.0
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S, $($part,)+ L> Extend<L> for (S, $($part,)+)
        where
            S: Model,
            $($part: Send + Sync + 'static,)+
            L: Send + 'static,
        {
            type With = (S, $($part,)+ L);

            fn with(self, loaded: L) -> Self::With {
                #[expect(non_snake_case, reason = "the variables are named like their types")]
                let (schema, $($part,)+) = self;
                (schema, $($part,)+ loaded)
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
}

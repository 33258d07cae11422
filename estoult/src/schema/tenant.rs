//! For whom statements run: for anyone, or for the tenant that a column of the table names.

use std::{fmt, marker::PhantomData};

/// Rows that belong to no tenant: statements about them run on every handle.
#[derive(Debug, Clone, Copy)]
pub enum Anyone {}

/// Rows of which each belongs to one tenant, whose key is a `K`: statements about them run on a handle that is bound to
/// a tenant, [`database.for_tenant(7)`](crate::Database::for_tenant).
pub struct Tenant<K>(PhantomData<fn() -> K>);

impl<K> fmt::Debug for Tenant<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tenant")
    }
}

/// Whether a statement for `T` may go on to the rows of an associated schema that are for `Self`: it knows their
/// tenant.
#[diagnostic::on_unimplemented(
    message = "a statement for `{T}` does not know which rows for `{Self}` it may reach",
    label = "the associated rows belong to tenants",
    note = "give this schema a tenant column of the same type, or query the other one on a handle that is bound to a \
            tenant"
)]
pub trait Within<T> {}

#[diagnostic::do_not_recommend]
impl<T> Within<T> for Anyone {}

#[diagnostic::do_not_recommend]
impl<K> Within<Tenant<K>> for Tenant<K> {}

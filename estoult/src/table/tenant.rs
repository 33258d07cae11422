//! The tenant of a schema's rows as a type, so that the compiler knows which handles can reach them.

use std::{fmt, marker::PhantomData};

/// Rows that belong to no tenant: their statements run on every handle.
#[derive(Debug, Clone, Copy)]
pub enum Untenanted {}

/// Rows that each belong to a tenant with a key of type `K`: their statements run on a handle that is bound to a
/// tenant, [`database.for_tenant(7)`](crate::Database::for_tenant).
pub struct Tenant<K>(PhantomData<fn() -> K>);

impl<K> fmt::Debug for Tenant<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tenant")
    }
}

/// Implemented where a statement for the tenant `T` may reach associated rows of the tenant `Self`.
#[diagnostic::on_unimplemented(
    message = "a statement for `{T}` does not know which rows for `{Self}` it may reach",
    label = "the associated rows belong to tenants",
    note = "give this schema a tenant column of the same type, or query the other one on a handle that is bound to a \
            tenant"
)]
pub trait SameTenant<T> {}

#[diagnostic::do_not_recommend]
impl<T> SameTenant<T> for Untenanted {}

#[diagnostic::do_not_recommend]
impl<K> SameTenant<Tenant<K>> for Tenant<K> {}

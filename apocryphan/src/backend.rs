//! What this crate has to know about each database beyond what estoult says: one constant per database.
//! Invariant: every difference between databases that this crate makes is below this module.

mod description;
mod mysql;
mod postgres;
mod sqlite;

use estoult::Dialect;

pub(crate) use self::description::Description;
#[cfg(feature = "rider")]
pub(crate) use self::description::{LockMethod, RiderSettings, SessionLock};

impl Description {
    /// The description of a database; `None` for one that this version does not know.
    pub(crate) fn of(dialect: Dialect) -> Option<&'static Self> {
        match dialect {
            Dialect::Sqlite => Some(&sqlite::DESCRIPTION),
            Dialect::Postgres => Some(&postgres::DESCRIPTION),
            Dialect::MySql | Dialect::MariaDb => Some(&mysql::DESCRIPTION),
            _ => None,
        }
    }
}

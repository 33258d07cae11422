//! The names of databases in a registry: plain text, or a key that also says what its handle may do.

use std::{fmt, marker::PhantomData};

use crate::{
    database::{Access, Database, ReadOnly, ReadWrite},
    error::{Error, Result},
};

/// The name of a database in a registry as a constant, with what its handle may do: write, too, or only read.
///
/// ```
/// # fn main() -> estoult::Result<()> {
/// use estoult::{Database, DatabaseKey, ReadOnly, ReadOnlyDatabase, Registry};
///
/// const AUDIT: DatabaseKey = DatabaseKey::new("audit");
/// const REPLICA: DatabaseKey<ReadOnly> = DatabaseKey::read_only("replica");
///
/// let registry = Registry::builder("sqlite::memory:")
///     .extra(AUDIT, "sqlite::memory:")
///     .extra(REPLICA, Database::builder("sqlite::memory:").read_only())
///     .build()?;
/// let audit: Database = registry.using(AUDIT)?;
/// let replica: ReadOnlyDatabase = registry.using(REPLICA)?;
/// # let _ = (audit, replica);
/// # Ok(())
/// # }
/// ```
pub struct DatabaseKey<A = ReadWrite> {
    name: &'static str,
    access: PhantomData<fn() -> A>,
}

impl DatabaseKey {
    /// The key of a database that is read and written.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            access: PhantomData,
        }
    }
}

impl DatabaseKey<ReadOnly> {
    /// The key of a database that was built read only.
    #[must_use]
    pub const fn read_only(name: &'static str) -> Self {
        Self {
            name,
            access: PhantomData,
        }
    }
}

impl<A> DatabaseKey<A> {
    /// The name alone.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<A> Clone for DatabaseKey<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for DatabaseKey<A> {}

impl<A> fmt::Debug for DatabaseKey<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseKey").field(&self.name).finish()
    }
}

impl<A> fmt::Display for DatabaseKey<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What [`Registry::using`](crate::Registry::using) finds a database by: a name, or a [`DatabaseKey`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the name of a database",
    label = "neither text nor a `DatabaseKey`"
)]
pub trait DatabaseName {
    /// What is found: a [`Database`], or what the key says.
    type Handle;

    /// The name.
    fn name(&self) -> &str;

    /// Whether the handle only reads; `None` when a plain name leaves that to the database.
    fn is_read_only(&self) -> Option<bool> {
        None
    }

    /// The handle on the database of this name.
    ///
    /// # Errors
    ///
    /// `Configuration` when the database may do less or more than the key says.
    #[doc(hidden)]
    fn handle(&self, database: &Database) -> Result<Self::Handle>;
}

macro_rules! texts {
    ($($text:ty)+) => {$(
        #[diagnostic::do_not_recommend]
        impl DatabaseName for $text {
            type Handle = Database;

            fn name(&self) -> &str {
                self
            }

            fn handle(&self, database: &Database) -> Result<Database> {
                Ok(database.clone())
            }
        }
    )+};
}

texts! { &str &String String }

#[diagnostic::do_not_recommend]
impl<A: Access> DatabaseName for DatabaseKey<A> {
    type Handle = A::Database;

    fn name(&self) -> &str {
        self.name
    }

    fn is_read_only(&self) -> Option<bool> {
        Some(A::IS_READ_ONLY)
    }

    fn handle(&self, database: &Database) -> Result<A::Database> {
        match mistake(self.name, self.is_read_only(), database) {
            None => A::handle(database),
            Some(mistake) => Err(Error::configuration(format!(
                "use the database `{}`: {mistake}",
                self.name
            ))),
        }
    }
}

/// The mistake when the key of a database and its settings contradict each other.
pub(super) fn mistake(
    name: &str,
    is_read_only: Option<bool>,
    database: &Database,
) -> Option<String> {
    match (is_read_only?, database.is_read_only()) {
        (true, false) => Some(format!(
            "the key `{name}` only reads, but its database takes writes; build it with \
             `Database::builder(…).read_only()`, or make the key with `DatabaseKey::new`"
        )),
        (false, true) => Some(format!(
            "the key `{name}` writes, but its database is read only; make the key with `DatabaseKey::read_only`"
        )),
        _ => None,
    }
}

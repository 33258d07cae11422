//! [`StatementCache`]: the texts of a schema's most frequent statements, by key and insert, each rendered once.
//!
//! Invariant: no values here, and no SQL is written; the caller renders.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use once_cell::sync::OnceCell;

use crate::{error::Result, sql::Dialect, table::column::ColumnSpec};

/// The number of database schemas whose texts are cached; an application may have one per tenant.
const MAX_SCHEMAS: usize = 10_000;

/// The number of sets of columns whose updates are cached for each schema; a program changes few different ones.
const MAX_UPDATES: usize = 64;

/// The texts of a schema's fixed statements, for each dialect and each schema of the database.
#[doc(hidden)]
#[derive(Debug)]
pub struct StatementCache {
    /// Texts for the schema that the table itself names, or for none.
    unrouted: Texts,
    /// Texts for schemas that a statement, handle or scope chose.
    routed: RwLock<BTreeMap<Arc<str>, Arc<Texts>>>,
}

/// A statement whose text depends on the table, the dialect and the schema alone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FixedStatement {
    Get,
    Insert,
    Delete,
}

#[derive(Debug)]
struct Texts {
    get: ByDialect,
    insert: ByDialect,
    delete: ByDialect,
    updates: RwLock<Vec<UpdateText>>,
}

/// The update of some columns of one row.
#[derive(Debug)]
struct UpdateText {
    columns: Vec<&'static ColumnSpec>,
    dialect: Dialect,
    text: Arc<str>,
}

/// One text for each dialect.
#[derive(Debug)]
struct ByDialect {
    // Fields instead of an array, so that a new dialect fails to compile until it has its own.
    sqlite: OnceCell<Arc<str>>,
    postgres: OnceCell<Arc<str>>,
    mysql: OnceCell<Arc<str>>,
    mariadb: OnceCell<Arc<str>>,
}

impl StatementCache {
    /// An empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            unrouted: Texts::new(),
            routed: RwLock::new(BTreeMap::new()),
        }
    }

    /// The cached text, or the one that `render` writes. `schema` is the schema that the statement is routed to.
    pub(crate) fn text(
        &self,
        statement: FixedStatement,
        dialect: Dialect,
        schema: Option<&Arc<str>>,
        render: impl FnOnce() -> Result<Arc<str>>,
    ) -> Result<Arc<str>> {
        // A text that can't be rendered is not cached: the next call gets an error of its own.
        let cached = |texts: &Texts| {
            let cell = texts.of(statement).of(dialect);
            cell.get_or_try_init(render).map(Arc::clone)
        };
        match schema {
            None => cached(&self.unrouted),
            Some(schema) => cached(&self.routed(schema)),
        }
    }

    /// The cached text of an update by key, which sets these columns in this order, or the one that `render` writes.
    pub(crate) fn update(
        &self,
        columns: Vec<&'static ColumnSpec>,
        dialect: Dialect,
        schema: Option<&Arc<str>>,
        render: impl FnOnce(&[&'static ColumnSpec]) -> Result<Arc<str>>,
    ) -> Result<Arc<str>> {
        match schema {
            None => self.unrouted.update(columns, dialect, render),
            Some(schema) => self.routed(schema).update(columns, dialect, render),
        }
    }

    fn routed(&self, schema: &Arc<str>) -> Arc<Texts> {
        // Fast path: statements of known schemas share the read lock. A panic can't leave the map half changed, so a
        // poisoned lock is used like any other.
        let known = self.routed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(texts) = known.get(schema) {
            return Arc::clone(texts);
        }
        // Released before the write lock is taken, which would wait for it forever.
        drop(known);
        let mut known = self.routed.write().unwrap_or_else(PoisonError::into_inner);
        // One schema makes room for another; callers that still use its texts own a reference to them.
        if known.len() >= MAX_SCHEMAS && !known.contains_key(schema) {
            known.pop_first();
        }
        // Another thread may have added the schema between the two locks.
        Arc::clone(known.entry(Arc::clone(schema)).or_default())
    }
}

impl Texts {
    const fn new() -> Self {
        Self {
            get: ByDialect::new(),
            insert: ByDialect::new(),
            delete: ByDialect::new(),
            updates: RwLock::new(Vec::new()),
        }
    }

    fn update(
        &self,
        columns: Vec<&'static ColumnSpec>,
        dialect: Dialect,
        render: impl FnOnce(&[&'static ColumnSpec]) -> Result<Arc<str>>,
    ) -> Result<Arc<str>> {
        let known = self.updates.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|update| update.is_of(&columns, dialect));
        if let Some(found) = found {
            return Ok(Arc::clone(&found.text));
        }
        // Released before the write lock is taken, which would wait for it forever.
        drop(known);
        let text = render(&columns)?;
        let mut known = self.updates.write().unwrap_or_else(PoisonError::into_inner);
        // Two threads may add the same text: the first one is found from then on.
        if known.len() < MAX_UPDATES {
            known.push(UpdateText {
                columns,
                dialect,
                text: Arc::clone(&text),
            });
        }
        Ok(text)
    }

    fn of(&self, statement: FixedStatement) -> &ByDialect {
        match statement {
            FixedStatement::Get => &self.get,
            FixedStatement::Insert => &self.insert,
            FixedStatement::Delete => &self.delete,
        }
    }
}

impl UpdateText {
    fn is_of(&self, columns: &[&'static ColumnSpec], dialect: Dialect) -> bool {
        let mut pairs = self.columns.iter().zip(columns);
        self.dialect == dialect
            && self.columns.len() == columns.len()
            && pairs.all(|(one, other)| std::ptr::eq(*one, *other))
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::new()
    }
}

impl ByDialect {
    const fn new() -> Self {
        Self {
            sqlite: OnceCell::new(),
            postgres: OnceCell::new(),
            mysql: OnceCell::new(),
            mariadb: OnceCell::new(),
        }
    }

    fn of(&self, dialect: Dialect) -> &OnceCell<Arc<str>> {
        match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
            Dialect::MySql => &self.mysql,
            Dialect::MariaDb => &self.mariadb,
        }
    }
}

impl Default for StatementCache {
    fn default() -> Self {
        Self::new()
    }
}

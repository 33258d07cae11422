//! What was learnt about a database's types: [`TypeCache`], those that are not built in; [`TableCache`], those of the
//! columns that rows are copied into. The server is asked for each once a database.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// How many types, or tables, are remembered; a program whose types come and go starts again.
const MOST: usize = 4096;

/// The question for types by their ids: id, name, and whether their binary form is text. Enums send their labels, and
/// the types of the category of strings, such as `citext`, are text.
pub(super) const QUESTION: &str = "select oid::int8, typname::text, typtype = 'e' or typcategory = 'S' \
    from pg_catalog.pg_type where oid::int8 = any($1)";

/// What a type is.
#[derive(Debug, Clone)]
pub(super) struct KnownType {
    pub(super) name: Arc<str>,
    pub(super) is_text: bool,
}

/// The types of a database.
#[derive(Debug, Default)]
pub(super) struct TypeCache(RwLock<HashMap<u32, KnownType>>);

impl TypeCache {
    pub(super) fn get(&self, id: u32) -> Option<KnownType> {
        let types = self.0.read().unwrap_or_else(PoisonError::into_inner);
        types.get(&id).cloned()
    }

    pub(super) fn add(&self, id: u32, known: KnownType) {
        let mut types = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if types.len() >= MOST {
            types.clear();
        }
        types.insert(id, known);
    }
}

/// The types of the columns of a COPY, by its text.
#[derive(Debug, Default)]
pub(super) struct TableCache(RwLock<HashMap<Arc<str>, ColumnTypes>>);

/// The types of a table's columns; `None` for one that INSERT has to fill.
type ColumnTypes = Option<Arc<[u32]>>;

impl TableCache {
    /// The types, if the server was asked for them.
    pub(super) fn get(&self, copy: &str) -> Option<ColumnTypes> {
        let tables = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tables.get(copy).cloned()
    }

    pub(super) fn add(&self, copy: &Arc<str>, types: ColumnTypes) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tables.len() >= MOST {
            tables.clear();
        }
        tables.insert(Arc::clone(copy), types);
    }

    pub(super) fn forget(&self, copy: &str) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tables.remove(copy);
    }
}

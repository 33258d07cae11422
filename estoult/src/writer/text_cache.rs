//! The texts of statements that were written before, by their keys.
//!
//! Invariant: no values here; a text is found only by the whole key, and whether a statement may be sent is decided for
//! each statement anew.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use foldhash::fast::FixedState;

use super::{Written, text_key::TextKey};
use crate::{backend::Statement, error::Result};

/// The number of texts in the cache. A program has few different statements, unless it makes them by chance, or has a
/// schema for each customer.
const MAX_TEXTS: usize = 1024;

/// One text of this many makes room when the cache is full.
const MAKE_ROOM: usize = 8;

static TEXTS: TextCache = TextCache::new();

/// The statement of this key, with its cached text or as `write` writes it.
pub(super) fn statement(
    key: Option<TextKey<'_>>,
    write: impl FnOnce() -> Result<Written>,
) -> Result<Statement> {
    TEXTS.statement(key, write)
}

/// Texts by key, for all databases of the process.
struct TextCache {
    texts: RwLock<Texts>,
}

struct Texts {
    // The keys are the program's own, so that the hasher needs no seed, which a static could not have.
    by_key: HashMap<Box<[u8]>, Arc<CachedText>, FixedState>,
    /// How often room was made.
    turns: usize,
}

/// A text, and where its values come from.
struct CachedText {
    sql: Arc<str>,
    schemas: Vec<Arc<str>>,
    /// The place of each value among the inputs of the key.
    places: Box<[usize]>,
}

impl TextCache {
    const fn new() -> Self {
        Self {
            texts: RwLock::new(Texts {
                by_key: HashMap::with_hasher(FixedState::with_seed(0)),
                turns: 0,
            }),
        }
    }

    fn statement(
        &self,
        key: Option<TextKey<'_>>,
        write: impl FnOnce() -> Result<Written>,
    ) -> Result<Statement> {
        let Some(key) = key else {
            return Ok(write()?.statement);
        };
        // A value that the database can't store is refused by the writer, which knows its column.
        if let Some(statement) = self.find(&key) {
            return Ok(statement);
        }
        let Written { statement, origins } = write()?;
        if let Some(places) = key.places(&origins) {
            self.insert(&key, &statement, places);
        }
        Ok(statement)
    }

    fn find(&self, key: &TextKey<'_>) -> Option<Statement> {
        // A panic can't leave the map half changed, so a poisoned lock is used like any other. It is released before
        // the values are cloned.
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        let text = texts.by_key.get(key.as_slice()).map(Arc::clone);
        drop(texts);
        let text = text?;
        Some(Statement {
            values: key.values(&text.places)?,
            sql: Arc::clone(&text.sql),
            is_raw: false,
            schemas: text.schemas.clone(),
        })
    }

    fn insert(&self, key: &TextKey<'_>, statement: &Statement, places: Box<[usize]>) {
        let text = CachedText {
            sql: Arc::clone(&statement.sql),
            schemas: statement.schemas.clone(),
            places,
        };
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        texts.make_room();
        texts
            .by_key
            .insert(Box::from(key.as_slice()), Arc::new(text));
    }
}

impl Texts {
    /// Drops a part of the texts when there are too many, another one each time. An order of use would cost more: each
    /// look-up would have to write it.
    fn make_room(&mut self) {
        if self.by_key.len() < MAX_TEXTS {
            return;
        }
        let (mut number, turn) = (0, self.turns % MAKE_ROOM);
        self.by_key.retain(|_, _| {
            number += 1;
            number % MAKE_ROOM != turn
        });
        self.turns = self.turns.wrapping_add(1);
    }
}

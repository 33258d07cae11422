//! [`Statements`]: the prepared statements of a session, a bounded number of them. One that is evicted is closed on the
//! server with the next flight.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use foldhash::fast::RandomState as FastState;

use super::decode::Columns;

/// A statement that the server has prepared.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The declared types of its parameters: other types mean another plan.
    pub(super) types: Arc<[u32]>,
    /// Its name on the server.
    pub(super) name: Arc<str>,
    pub(super) columns: Arc<Columns>,
    /// Whether it may change what the next caller meets of the session.
    pub(super) changes_session: bool,
}

/// The statements that the server is asked to prepare in the present flight, each of them once.
#[derive(Default)]
pub(super) struct Preparing(HashMap<Arc<str>, Vec<TypedName>, FastState>);

/// The declared types of a statement's parameters, and its name.
type TypedName = (Box<[u32]>, Arc<str>);

impl Preparing {
    /// The name of the statement of this text with these types.
    pub(super) fn name(&self, text: &str, types: &[u32]) -> Option<Arc<str>> {
        let mut names = self.0.get(text)?.iter();
        let (_, name) = names.find(|(declared, _)| **declared == *types)?;
        Some(Arc::clone(name))
    }

    pub(super) fn add(&mut self, text: &Arc<str>, types: &[u32], name: &Arc<str>) {
        let names = self.0.entry(Arc::clone(text)).or_default();
        names.push((types.into(), Arc::clone(name)));
    }

    /// Lets go of a statement that was answered, or is not sent.
    pub(super) fn remove(&mut self, text: &str, types: &[u32]) {
        let Some(names) = self.0.get_mut(text) else {
            return;
        };
        names.retain(|(declared, _)| **declared != *types);
        if names.is_empty() {
            self.0.remove(text);
        }
    }

    /// Lets go of all, and gives their names.
    pub(super) fn remove_all(&mut self) -> Vec<Arc<str>> {
        let names = self.0.drain().flat_map(|(_, names)| names);
        names.map(|(_, name)| name).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

struct Entry {
    prepared: Prepared,
    used: u64,
}

/// The prepared statements of one session, by text and declared types.
pub(super) struct Statements {
    entries: HashMap<Arc<str>, Vec<Entry>, FastState>,
    count: usize,
    capacity: usize,
    /// Counts uses, and so tells which statement was used last.
    clock: u64,
    names: u64,
    /// A part of each name that other sessions do not have: where a pooler lends the connection of one to another, a
    /// statement is missing, and never another one.
    session: u32,
}

/// Another number each time: the standard library's hasher has a random key.
fn random() -> u32 {
    let hash = RandomState::new().hash_one(());
    u32::try_from(hash >> 32).unwrap_or_default()
}

impl Statements {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::default(),
            count: 0,
            capacity,
            clock: 0,
            names: 0,
            session: random(),
        }
    }

    /// Whether statements are prepared under a name at all.
    pub(super) fn is_enabled(&self) -> bool {
        self.capacity > 0
    }

    /// The statement of this text with these types.
    pub(super) fn get(
        &mut self,
        text: &str,
        types: impl Iterator<Item = u32> + Clone,
    ) -> Option<&Prepared> {
        self.clock += 1;
        let mut entries = self.entries.get_mut(text)?.iter_mut();
        let is_same = |entry: &&mut Entry| entry.prepared.types.iter().copied().eq(types.clone());
        let entry = entries.find(is_same)?;
        entry.used = self.clock;
        Some(&entry.prepared)
    }

    /// A name that no statement of this session has had.
    pub(super) fn new_name(&mut self) -> Arc<str> {
        self.names += 1;
        // A name that the program's own PREPARE will hardly use.
        Arc::from(format!("estoult_{:x}_{}", self.session, self.names))
    }

    /// Adds a statement that the server has prepared, and gives the name of the one to be closed in its place.
    pub(super) fn add(&mut self, text: &Arc<str>, prepared: Prepared) -> Option<Arc<str>> {
        let evicted = (self.count >= self.capacity)
            .then(|| self.evict())
            .flatten();
        self.clock += 1;
        self.count += 1;
        let entry = Entry {
            prepared,
            used: self.clock,
        };
        self.entries
            .entry(Arc::clone(text))
            .or_default()
            .push(entry);
        evicted
    }

    /// Describes the columns of a statement anew.
    pub(super) fn describe(&mut self, text: &str, types: &[u32], columns: Arc<Columns>) {
        let entries = self.entries.get_mut(text).into_iter().flatten();
        if let Some(entry) = entries
            .into_iter()
            .find(|entry| *entry.prepared.types == *types)
        {
            entry.prepared.columns = columns;
        }
    }

    /// Forgets a statement, and gives its name.
    pub(super) fn remove(&mut self, text: &str, types: &[u32]) -> Option<Arc<str>> {
        let entries = self.entries.get_mut(text)?;
        let position = entries
            .iter()
            .position(|entry| *entry.prepared.types == *types)?;
        let entry = entries.swap_remove(position);
        if entries.is_empty() {
            self.entries.remove(text);
        }
        self.count -= 1;
        Some(entry.prepared.name)
    }

    /// Forgets all statements, and gives their names.
    pub(super) fn remove_all(&mut self) -> Vec<Arc<str>> {
        self.count = 0;
        let entries = self.entries.drain().flat_map(|(_, entries)| entries);
        entries.map(|entry| entry.prepared.name).collect()
    }

    /// Forgets the statement that was not used for the longest time.
    fn evict(&mut self) -> Option<Arc<str>> {
        let entries = self
            .entries
            .iter()
            .flat_map(|(text, entries)| entries.iter().map(move |entry| (text, entry)));
        let (text, oldest) = entries.min_by_key(|(_, entry)| entry.used)?;
        let (text, types) = (Arc::clone(text), Arc::clone(&oldest.prepared.types));
        self.remove(&text, &types)
    }
}

#[cfg(test)]
mod tests {
    use super::{Prepared, Statements};
    use std::sync::Arc;

    fn add(statements: &mut Statements, text: &str, types: &[u32]) -> Option<Arc<str>> {
        let name = statements.new_name();
        let prepared = Prepared {
            types: types.into(),
            name,
            columns: Arc::default(),
            changes_session: false,
        };
        statements.add(&Arc::from(text), prepared)
    }

    #[test]
    fn the_statement_that_was_used_first_is_evicted() {
        let mut statements = Statements::new(2);
        assert_eq!(add(&mut statements, "a", &[]), None);
        assert_eq!(add(&mut statements, "b", &[]), None);
        assert!(statements.get("a", [].into_iter()).is_some());
        let evicted = add(&mut statements, "c", &[]).unwrap();
        assert!(evicted.ends_with("_2"), "{evicted}");
        assert!(statements.get("b", [].into_iter()).is_none());
        assert!(statements.get("a", [].into_iter()).is_some());
    }

    #[test]
    fn types_tell_statements_of_one_text_apart() {
        let mut statements = Statements::new(2);
        add(&mut statements, "a", &[20]);
        assert!(statements.get("a", [23].into_iter()).is_none());
        add(&mut statements, "a", &[23]);
        let removed = statements.remove("a", &[20]).unwrap();
        assert!(removed.ends_with("_1"), "{removed}");
        assert!(statements.get("a", [23].into_iter()).is_some());
        assert_eq!(statements.remove("a", &[20]), None);
    }
}

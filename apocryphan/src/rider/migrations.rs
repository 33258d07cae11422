//! The migrations of a set, checked and in the order in which they are applied.

use std::collections::BTreeSet;

use apocryphan_migration::{Graph, Header, Node, Problems};
use estoult_sql::names::did_you_mean;

use super::{
    error::{Error, Result},
    migration::Migration,
    set::MigrationSet,
};

/// A migration and its header.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) migration: Migration,
    pub(super) header: Header,
}

impl Entry {
    pub(super) fn id(&self) -> &str {
        self.migration.id()
    }

    pub(super) fn message(&self) -> &str {
        self.header.message.as_deref().unwrap_or(self.id())
    }
}

/// All migrations in order. The index of one is what the list shows and `--index` takes.
#[derive(Debug, Default)]
pub(super) struct Migrations {
    entries: Vec<Entry>,
    graph: Graph,
    /// The index of each node of the graph, which numbers its nodes as the set did.
    indexes: Vec<usize>,
}

impl Migrations {
    pub(super) fn build(set: &MigrationSet) -> Result<Self> {
        let mut problems = Problems::default();
        let mut entries = Vec::with_capacity(set.migrations.len());
        for migration in &set.migrations {
            if let Some(header) = problems.collect(migration.header()) {
                let migration = migration.clone();
                entries.push(Some(Entry { migration, header }));
            }
        }
        // The graph is built of complete headers only: a missing dependency would be a second, false problem.
        problems.into_result(()).map_err(Error::files)?;
        let graph = graph(&entries).map_err(Error::graph)?;
        let mut indexes = vec![0; entries.len()];
        let mut ordered = Vec::with_capacity(entries.len());
        for (index, node) in graph.order().iter().enumerate() {
            indexes[*node] = index;
            ordered.extend(entries[*node].take());
        }
        Ok(Self {
            entries: ordered,
            graph,
            indexes,
        })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The ids on which no other depends, in order.
    pub(super) fn heads(&self) -> Vec<&str> {
        let heads = self.indexes_of(self.graph.heads());
        heads
            .into_iter()
            .map(|index| self.entries[index].id())
            .collect()
    }

    /// All that a migration depends on, directly or not.
    pub(super) fn ancestors(&self, index: usize) -> BTreeSet<usize> {
        self.indexes_of(self.graph.ancestors(self.graph.order()[index]))
    }

    /// All that depends on a migration, directly or not.
    pub(super) fn dependants(&self, index: usize) -> BTreeSet<usize> {
        self.indexes_of(self.graph.dependants(self.graph.order()[index]))
    }

    fn indexes_of(&self, nodes: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        nodes.into_iter().map(|node| self.indexes[node]).collect()
    }

    pub(super) fn index_of(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id() == id)
    }

    /// The one migration that `name` means: its id, the beginning or a part of it.
    pub(super) fn find(&self, name: &str) -> Result<usize> {
        if let Some(index) = self.index_of(name) {
            return Ok(index);
        }
        let matching = |matches: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..self.entries.len())
                .filter(|index| matches(self.entries[*index].id()))
                .collect()
        };
        // The beginning comes first: `16` is meant as a number, and many ids contain it elsewhere.
        let mut found = matching(&|id| id.starts_with(name));
        if found.is_empty() {
            found = matching(&|id| id.contains(name));
        }
        match found.as_slice() {
            // Every id contains the empty text, so an unset variable of a script would name the only migration.
            [index] if !name.is_empty() => Ok(*index),
            [] => Err(self.unknown(name)),
            several => Err(self.ambiguous(name, several)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let hint = did_you_mean(name, self.entries.iter().map(Entry::id))
            .unwrap_or_else(|| "`rider migrations --long` lists the ids".to_owned());
        Error::usage(format!("there is no migration `{name}`; {hint}"))
    }

    fn ambiguous(&self, name: &str, found: &[usize]) -> Error {
        let ids = found.iter().map(|index| self.entries[*index].id());
        let ids: Vec<&str> = ids.collect();
        Error::usage(format!(
            "`{name}` means several migrations; write more of the id:\n  {}",
            ids.join("\n  ")
        ))
    }
}

fn graph(entries: &[Option<Entry>]) -> Result<Graph, Problems> {
    let nodes: Vec<Node<'_>> = entries
        .iter()
        .flatten()
        .map(|entry| Node {
            id: entry.id(),
            depends: &entry.header.depends,
            file: entry.migration.file_label(),
        })
        .collect();
    Graph::build(&nodes)
}

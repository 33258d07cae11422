//! The migrations at hand, checked and in the order in which they are applied.

use std::collections::BTreeSet;

use apocryphan_migration::{Graph, Header, Node, Problems, nearest};

use super::{
    error::{Error, Result},
    migration::{Migration, MigrationSet},
};

/// A migration and what its header says.
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

/// All migrations in order; a position in the catalog is the index that the list shows.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    entries: Vec<Entry>,
    graph: Graph,
    /// The catalog's position of each position of the graph.
    places: Vec<usize>,
}

impl Catalog {
    pub(super) fn build(set: &MigrationSet) -> Result<Self> {
        let mut problems = Problems::default();
        let mut entries = Vec::with_capacity(set.migrations.len());
        for migration in &set.migrations {
            if let Some(header) = problems.keep(migration.header()) {
                let migration = migration.clone();
                entries.push(Some(Entry { migration, header }));
            }
        }
        problems.or(()).map_err(Error::files)?;
        let graph = graph(&entries).map_err(Error::graph)?;
        let mut places = vec![0; entries.len()];
        let mut ordered = Vec::with_capacity(entries.len());
        for (place, node) in graph.order().iter().enumerate() {
            places[*node] = place;
            ordered.extend(entries[*node].take());
        }
        Ok(Self {
            entries: ordered,
            graph,
            places,
        })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The ids on which nothing depends, in order.
    pub(super) fn heads(&self) -> Vec<&str> {
        let heads = self.graph.heads();
        let mut places: Vec<usize> = heads.iter().map(|node| self.places[*node]).collect();
        places.sort_unstable();
        places
            .iter()
            .map(|place| self.entries[*place].id())
            .collect()
    }

    pub(super) fn ancestors(&self, place: usize) -> BTreeSet<usize> {
        self.to_places(&self.graph.ancestors(self.graph.order()[place]))
    }

    pub(super) fn dependants(&self, place: usize) -> BTreeSet<usize> {
        self.to_places(&self.graph.dependants(self.graph.order()[place]))
    }

    fn to_places(&self, nodes: &BTreeSet<usize>) -> BTreeSet<usize> {
        nodes.iter().map(|node| self.places[*node]).collect()
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id() == id)
    }

    /// The one migration that `name` means: its id, the beginning or a part of it.
    pub(super) fn find(&self, name: &str) -> Result<usize> {
        if let Some(place) = self.position(name) {
            return Ok(place);
        }
        let matching = |matches: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..self.entries.len())
                .filter(|place| matches(self.entries[*place].id()))
                .collect()
        };
        let mut found = matching(&|id| id.starts_with(name));
        if found.is_empty() {
            found = matching(&|id| id.contains(name));
        }
        match found.as_slice() {
            [place] if !name.is_empty() => Ok(*place),
            [] => Err(self.unknown(name)),
            several => Err(self.ambiguous(name, several)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let hint = match nearest(name, self.entries.iter().map(Entry::id)) {
            Some(id) => format!("did you mean `{id}`?"),
            None => "`rider migrations --long` lists the ids".to_owned(),
        };
        Error::usage(format!("there is no migration `{name}`; {hint}"))
    }

    fn ambiguous(&self, name: &str, found: &[usize]) -> Error {
        let ids: Vec<&str> = found
            .iter()
            .map(|place| self.entries[*place].id())
            .collect();
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
            file: entry.migration.label(),
        })
        .collect();
    Graph::build(&nodes)
}

//! The dependencies of migrations: their order, the heads, ancestors and dependants.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use estoult_sql::names::hint;

use crate::{
    order::natural,
    problem::{Problem, Problems},
};

/// A migration as the graph sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node<'n> {
    /// Its id.
    pub id: &'n str,
    /// The ids that it depends on.
    pub depends: &'n [String],
    /// The file that problems name.
    pub file: &'n str,
}

/// The dependencies of a set of migrations, without cycles.
///
/// A position is that of a node in the list that the graph was built from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    order: Vec<usize>,
    parents: Vec<BTreeSet<usize>>,
    children: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// Builds the graph.
    ///
    /// # Errors
    ///
    /// All duplicate ids, unknown dependencies and cycles, each with its members.
    pub fn build(nodes: &[Node<'_>]) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let positions = positions(nodes, &mut problems);
        let parents = parents(nodes, &positions, &mut problems);
        let mut children = vec![BTreeSet::new(); nodes.len()];
        for (child, parents) in parents.iter().enumerate() {
            for parent in parents {
                children[*parent].insert(child);
            }
        }
        let order = order(nodes, &parents, &children);
        // A cycle is found by what the order lacks.
        let mut graph = Self {
            order,
            parents,
            children,
        };
        graph.report_cycles(nodes, &mut problems);
        problems.into_result(graph)
    }

    /// The positions in an order in which each comes after what it depends on; otherwise in natural order.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The positions on which no other depends, in order.
    pub fn heads(&self) -> Vec<usize> {
        self.order
            .iter()
            .copied()
            .filter(|position| self.children[*position].is_empty())
            .collect()
    }

    /// All that the position depends on, directly or not, without itself.
    pub fn ancestors(&self, position: usize) -> BTreeSet<usize> {
        reach(&self.parents, position)
    }

    /// All that depends on the position, directly or not, without itself.
    pub fn dependants(&self, position: usize) -> BTreeSet<usize> {
        reach(&self.children, position)
    }

    fn report_cycles(&mut self, nodes: &[Node<'_>], problems: &mut Problems) {
        let mut left: BTreeSet<usize> = (0..nodes.len()).collect();
        left.retain(|position| !self.order.contains(position));
        loop {
            self.retain_cyclic(&mut left);
            let Some(first) = left.first().copied() else {
                return;
            };
            // A second cycle through a member of this one is reported once this one is corrected.
            let cycle = self.cycle(first, &left);
            problems.push(cycle_problem(nodes, &cycle));
            for member in cycle {
                left.remove(&member);
            }
        }
    }

    /// Drops the positions that no cycle goes through: a cycle may hang on them, or they on a cycle.
    fn retain_cyclic(&self, left: &mut BTreeSet<usize>) {
        loop {
            let outside: Vec<usize> = left
                .iter()
                .copied()
                .filter(|position| {
                    self.parents[*position].is_disjoint(left)
                        || self.children[*position].is_disjoint(left)
                })
                .collect();
            if outside.is_empty() {
                return;
            }
            left.retain(|position| !outside.contains(position));
        }
    }

    /// Follows dependencies among the positions left until one repeats. Each of them depends on another one of them, so
    /// the cycle has at least one member.
    fn cycle(&self, first: usize, left: &BTreeSet<usize>) -> Vec<usize> {
        let mut path = vec![first];
        let mut current = first;
        while let Some(parent) = self.parents[current].intersection(left).next().copied() {
            if let Some(start) = path.iter().position(|member| *member == parent) {
                return path.split_off(start);
            }
            path.push(parent);
            current = parent;
        }
        path
    }
}

fn reach(edges: &[BTreeSet<usize>], position: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = edges[position].iter().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&edges[next]);
        }
    }
    reached
}

fn positions<'n>(nodes: &[Node<'n>], problems: &mut Problems) -> HashMap<&'n str, usize> {
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for (position, node) in nodes.iter().enumerate() {
        if let Some(first) = positions.get(node.id) {
            let message = format!(
                "duplicate id `{}`: {} has it too; rename one of them",
                node.id, nodes[*first].file
            );
            problems.push(Problem::new(node.file, message));
        } else {
            positions.insert(node.id, position);
        }
    }
    positions
}

fn parents(
    nodes: &[Node<'_>],
    positions: &HashMap<&str, usize>,
    problems: &mut Problems,
) -> Vec<BTreeSet<usize>> {
    let mut all = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut parents = BTreeSet::new();
        for depends in node.depends {
            match positions.get(depends.as_str()) {
                // A set, since a file may name the same id twice.
                Some(parent) => {
                    parents.insert(*parent);
                }
                None => problems.push(unknown(node, depends, positions)),
            }
        }
        all.push(parents);
    }
    all
}

fn unknown(node: &Node<'_>, depends: &str, positions: &HashMap<&str, usize>) -> Problem {
    let mut known: Vec<&str> = positions
        .keys()
        .copied()
        .filter(|id| *id != node.id)
        .collect();
    // Of two ids as near, the first is named, and a map has no order.
    known.sort_unstable();
    let hint = hint(depends, known);
    let message = format!(
        "`{}` depends on `{depends}`, and there is no such migration{hint}",
        node.id
    );
    Problem::new(node.file, message)
}

/// Kahn's algorithm: takes the first position in natural order whose parents are all taken, again and again. Positions
/// of a cycle, and what depends on it, are never taken.
fn order(
    nodes: &[Node<'_>],
    parents: &[BTreeSet<usize>],
    children: &[BTreeSet<usize>],
) -> Vec<usize> {
    let mut natural_order: Vec<usize> = (0..nodes.len()).collect();
    natural_order.sort_by(|a, b| natural(nodes[*a].id, nodes[*b].id));
    let mut rank = vec![0; nodes.len()];
    for (index, position) in natural_order.iter().enumerate() {
        rank[*position] = index;
    }
    let mut missing: Vec<usize> = parents.iter().map(BTreeSet::len).collect();
    let mut ready: BTreeSet<usize> = (0..nodes.len())
        .filter(|position| missing[*position] == 0)
        .map(|position| rank[position])
        .collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(first) = ready.pop_first() {
        let position = natural_order[first];
        order.push(position);
        for child in &children[position] {
            missing[*child] -= 1;
            if missing[*child] == 0 {
                ready.insert(rank[*child]);
            }
        }
    }
    order
}

fn cycle_problem(nodes: &[Node<'_>], cycle: &[usize]) -> Problem {
    let mut members: Vec<String> = cycle
        .iter()
        .map(|position| format!("`{}`", nodes[*position].id))
        .collect();
    members.extend(members.first().cloned());
    let message = format!(
        "a cycle of dependencies: {}; remove one of them",
        members.join(" depends on ")
    );
    Problem::new(nodes[cycle[0]].file, message)
}

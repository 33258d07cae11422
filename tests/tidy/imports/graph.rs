//! Cycles in a graph of numbered nodes, and the order of its nodes where there are none.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Which nodes each node leads to.
pub(crate) type Graph = BTreeMap<usize, BTreeSet<usize>>;

/// Makes a graph of the pairs of its edges.
pub(crate) fn graph(pairs: impl IntoIterator<Item = (usize, usize)>) -> Graph {
    let mut graph = Graph::new();
    for (from, to) in pairs {
        graph.entry(to).or_default();
        graph.entry(from).or_default().insert(to);
    }
    graph
}

/// Cycles that share no edge, short ones first: breaking each of them is the least that has to be done.
pub(crate) fn cycles(mut graph: Graph) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    while let Some(cycle) = shortest(&graph) {
        for (at, from) in cycle.iter().enumerate() {
            let to = cycle[(at + 1) % cycle.len()];
            if let Some(targets) = graph.get_mut(from) {
                targets.remove(&to);
            }
        }
        found.push(cycle);
    }
    found
}

/// The nodes that are in a cycle, those of one ring together.
pub(crate) fn rings(graph: &Graph) -> Vec<BTreeSet<usize>> {
    let reached: BTreeMap<usize, BTreeSet<usize>> = graph
        .keys()
        .map(|node| (*node, reachable(graph, *node)))
        .collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for node in graph.keys() {
        let ring: BTreeSet<usize> = reached[node]
            .iter()
            .copied()
            .filter(|other| reached[other].contains(node))
            .collect();
        if !ring.is_empty() && !found.contains(&ring) {
            found.push(ring);
        }
    }
    found
}

/// The level of each node: one more than the highest that it leads to. The nodes of a ring have one level.
pub(crate) fn levels(graph: &Graph) -> BTreeMap<usize, usize> {
    let rings = rings(graph);
    let ring = |node: usize| rings.iter().find(|ring| ring.contains(&node));
    let mut levels: BTreeMap<usize, usize> = graph.keys().map(|node| (*node, 0)).collect();
    loop {
        let mut is_done = true;
        for (from, targets) in graph {
            for to in targets {
                let is_inside = ring(*from).is_some_and(|ring| ring.contains(to));
                let least = levels[to] + usize::from(!is_inside);
                if levels[from] < least {
                    levels.insert(*from, least);
                    is_done = false;
                }
            }
        }
        if is_done {
            return levels;
        }
    }
}

fn reachable(graph: &Graph, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next: Vec<usize> = graph[&from].iter().copied().collect();
    while let Some(node) = next.pop() {
        if found.insert(node) {
            next.extend(&graph[&node]);
        }
    }
    found
}

fn shortest(graph: &Graph) -> Option<Vec<usize>> {
    graph
        .keys()
        .filter_map(|node| way_back(graph, *node))
        .min_by_key(Vec::len)
}

/// The shortest way from a node back to it.
fn way_back(graph: &Graph, start: usize) -> Option<Vec<usize>> {
    let mut reached_from = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(node) = next.pop_front() {
        if graph[&node].contains(&start) {
            let mut way = vec![node];
            let mut last = node;
            while last != start {
                last = reached_from[&last];
                way.push(last);
            }
            way.reverse();
            return Some(way);
        }
        for other in &graph[&node] {
            if *other != start && !reached_from.contains_key(other) {
                reached_from.insert(*other, node);
                next.push_back(*other);
            }
        }
    }
    None
}

//! Imports go one way: no file uses one that uses it, and no part of a folder another part that uses it.
//!
//! There is no order of modules by hand and no list of exceptions. `cargo test -p estoult-tidy imports -- --nocapture`
//! prints the order that follows from the imports.

mod edges;
mod graph;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

use self::{edges::Edges, tree::Tree};
use crate::{
    offences::Offences,
    source::{self, Source},
};

/// The edges between files by the parts of a module, named by the numbers of their modules.
type Parts = BTreeMap<(usize, usize), Vec<(usize, usize)>>;

/// How many edges between two parts a message lists.
const EDGES_TO_SHOW: usize = 12;

/// A crate and which of its files uses which.
#[derive(Debug)]
struct Imports {
    tree: Tree,
    edges: Edges,
}

#[test]
fn imports_go_one_way_between_files() {
    let mut offences = Offences::default();
    for root in roots() {
        let imports = Imports::of(&root);
        for problem in &imports.tree.problems {
            offences.add_whole(&root, problem);
        }
        imports.print_order(&root);
        for cycle in imports.cycles_of_files() {
            offences.add_whole(&root, cycle);
        }
    }
    offences.refuse(
        "No file uses another one that uses it, directly or through others.",
        "move what both need to a file below both, or pass it in.",
    );
}

#[test]
fn imports_go_one_way_within_folders() {
    let mut offences = Offences::default();
    for root in roots() {
        let imports = Imports::of(&root);
        imports.print_folders(&root);
        for cycle in imports.cycles_of_folders() {
            offences.add_whole(&root, cycle);
        }
    }
    offences.refuse(
        "Of the parts of a module, each with its own parts, none uses another one that uses it.",
        "move what one of them needs of the other one to a part below both.",
    );
}

#[test]
fn a_crate_is_imported_by_one_use_and_std_first() {
    let mut offences = Offences::default();
    let mut files = source::rust();
    files.retain(|file| !file.path.starts_with("tests/benches/"));
    for file in &files {
        let mut seen: Vec<&str> = Vec::new();
        let mut last = 0;
        for (number, root) in private_uses(file) {
            let rank = match root {
                "std" => 0,
                "crate" | "self" | "super" => 2,
                _ => 1,
            };
            if seen.contains(&root) {
                offences.add(&file.path, number, format!("a second `use` of `{root}`"));
            } else if rank < last {
                offences.add(&file.path, number, format!("`{root}` stands too late"));
            }
            last = rank.max(last);
            seen.push(root);
        }
    }
    offences.refuse(
        "There is one `use` a crate: std, then other crates, then the crate itself.",
        "join them with braces and put them in this order.",
    );
}

/// The roots of the crates that are published.
fn roots() -> Vec<String> {
    let manifests = source::all()
        .into_iter()
        .filter(|file| file.path.ends_with("/Cargo.toml") && !file.path.starts_with("tests/"));
    let mut found = Vec::new();
    for manifest in manifests.filter(|file| !file.text.contains("publish = false")) {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        found.extend(
            [
                format!("{folder}src/lib.rs"),
                format!("{folder}src/main.rs"),
            ]
            .into_iter()
            .filter(|path| source::file(path).is_some()),
        );
    }
    assert!(
        found.len() > 4,
        "the crates are not where they are looked for"
    );
    found
}

impl Imports {
    fn of(root: &str) -> Self {
        let texts = source::crates()
            .into_iter()
            .map(|file| (file.path, file.text))
            .collect();
        Self::read(root, &texts)
    }

    fn read(root: &str, texts: &BTreeMap<String, String>) -> Self {
        let tree = Tree::read(root, texts);
        let edges = edges::edges(&tree);
        Self { tree, edges }
    }

    fn cycles_of_files(&self) -> Vec<String> {
        let cycles = graph::cycles(graph::graph(self.edges.keys().copied()));
        let step = |from, to| self.described(from, to);
        cycles.iter().map(|cycle| told(cycle, step)).collect()
    }

    /// The cycles between parts that are none between files.
    fn cycles_of_folders(&self) -> Vec<String> {
        let mut found = Vec::new();
        for module in 0..self.tree.modules.len() {
            let parts = self.parts(module);
            let cycles = graph::cycles(graph::graph(parts.keys().copied()));
            let name = self.name(module);
            let step = |from, to| {
                let edges: &Vec<(usize, usize)> = &parts[&(from, to)];
                let most = edges.iter().take(EDGES_TO_SHOW);
                let mut lines: Vec<String> =
                    most.map(|(from, to)| self.described(*from, *to)).collect();
                if edges.len() > EDGES_TO_SHOW {
                    lines.push(format!("and {} more", edges.len() - EDGES_TO_SHOW));
                }
                let (from, to) = (self.name(from), self.name(to));
                format!("{from} -> {to}\n        {}", lines.join("\n        "))
            };
            let is_of_files = |cycle: &[usize]| match cycle {
                [one, other] => {
                    let back: Vec<_> = parts[&(*other, *one)]
                        .iter()
                        .map(|(from, to)| (*to, *from))
                        .collect();
                    parts[&(*one, *other)] == back
                }
                _ => false,
            };
            found.extend(
                cycles
                    .iter()
                    .filter(|cycle| !is_of_files(cycle))
                    .map(|cycle| format!("in {name}: {}", told(cycle, step))),
            );
        }
        found
    }

    /// The edges between the parts of a module, each with those between files that it stands for; the module's own
    /// file is one of the parts.
    fn parts(&self, module: usize) -> Parts {
        let part = |file: usize| {
            let modules = &self.tree.modules;
            let owner = modules.iter().position(|module| module.file == file)?;
            let way: Vec<usize> = self.tree.ancestors(owner).collect();
            let at = way.iter().position(|ancestor| *ancestor == module)?;
            Some(way[at.saturating_sub(1)])
        };
        let mut found = Parts::new();
        for (from, to) in self.edges.keys() {
            if let (Some(first), Some(last)) = (part(*from), part(*to))
                && first != last
            {
                found.entry((first, last)).or_default().push((*from, *to));
            }
        }
        found
    }

    fn described(&self, from: usize, to: usize) -> String {
        let uses = &self.edges[&(from, to)];
        let line = uses.values().min().copied().unwrap_or(0);
        let mut names: Vec<(&usize, &String)> =
            uses.iter().map(|(name, line)| (line, name)).collect();
        names.sort_unstable();
        let names: Vec<String> = names.iter().map(|(_, name)| format!("`{name}`")).collect();
        let (from, to) = (&self.tree.files[from], &self.tree.files[to]);
        format!("{from}:{line} uses {} of {to}", names.join(", "))
    }

    fn name(&self, module: usize) -> &str {
        &self.tree.files[self.tree.modules[module].file]
    }

    fn print_order(&self, root: &str) {
        let graph = graph::graph(self.edges.keys().copied());
        let mut lines: Vec<(usize, &str)> = graph::levels(&graph)
            .into_iter()
            .map(|(file, level)| (level, self.tree.files[file].as_str()))
            .collect();
        lines.sort_unstable();
        println!(
            "{root}: {} files, {} edges",
            self.tree.files.len(),
            self.edges.len()
        );
        for (level, file) in lines {
            println!("{level:4} {file}");
        }
        for ring in graph::rings(&graph) {
            println!("a ring of {} files", ring.len());
        }
    }

    fn print_folders(&self, root: &str) {
        println!("{root}:");
        for module in 0..self.tree.modules.len() {
            let graph = graph::graph(self.parts(module).into_keys());
            let mut lines: Vec<(usize, &str)> = graph::levels(&graph)
                .into_iter()
                .map(|(part, level)| (level, self.name(part)))
                .collect();
            lines.sort_unstable();
            let order: Vec<String> = lines
                .iter()
                .map(|(level, name)| format!("{level} {name}"))
                .collect();
            if !order.is_empty() {
                println!("  {}: {}", self.name(module), order.join(", "));
            }
        }
    }
}

/// A cycle as the list of its edges.
fn told(cycle: &[usize], step: impl Fn(usize, usize) -> String) -> String {
    let edges: Vec<String> = cycle
        .iter()
        .enumerate()
        .map(|(at, from)| step(*from, cycle[(at + 1) % cycle.len()]))
        .collect();
    format!(
        "a cycle of {}\n      {}",
        cycle.len(),
        edges.join("\n      ")
    )
}

/// The crates of the private `use` lines at the top level, without those that depend on a feature.
fn private_uses(file: &Source) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut before = "";
    for (number, line) in file.bare_code() {
        if let Some(rest) = line.strip_prefix("use ")
            && !before.starts_with("#[cfg")
        {
            let root = rest.split([':', ';', ' ']).next().unwrap_or(rest);
            found.push((number, root));
        }
        before = line;
    }
    found
}

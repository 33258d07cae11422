//! Reads a folder of migrations for the macro, and checks it as a whole.

#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use apocryphan_migration::{
    Folder, Graph, Header, Node, Problems, Script, Source, SourceKind, Syntax,
};

use crate::module::Module;

/// One migration and what its file says.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    /// The path relative to the package, as messages show it.
    pub(crate) file: String,
    pub(crate) kind: EmbeddedKind,
}

#[derive(Debug)]
pub(crate) enum EmbeddedKind {
    Sql {
        companion: Option<(PathBuf, String)>,
    },
    Rust {
        module: Module,
        /// The name of the module in the expansion.
        name: String,
    },
}

/// Reads a folder below `root`; all mistakes of all files are returned at once.
pub(crate) fn read(root: &Path, folder: &str) -> Result<Vec<Embedded>, Problems> {
    let path = root.join(folder.strip_prefix("./").unwrap_or(folder));
    let Folder {
        sources,
        mut problems,
    } = Folder::read(&path)?;
    let mut embedded = Vec::with_capacity(sources.len());
    let mut depends = Vec::with_capacity(sources.len());
    let mut names = HashSet::new();
    for source in sources {
        let result = embed(root, source, &mut names);
        if let Some((migration, parents)) = problems.collect(result) {
            embedded.push(migration);
            depends.push(parents);
        }
    }
    // A file that can't be read would be missing in the graph, and be a second, false problem.
    if problems.is_empty() {
        let nodes: Vec<Node<'_>> = embedded
            .iter()
            .zip(&depends)
            .map(|(migration, depends)| Node {
                id: &migration.id,
                depends,
                file: &migration.file,
            })
            .collect();
        problems.collect(Graph::build(&nodes));
    }
    problems.into_result(embedded)
}

fn embed(
    root: &Path,
    source: Source,
    names: &mut HashSet<String>,
) -> Result<(Embedded, Vec<String>), Problems> {
    let file = label(root, &source.path);
    let (kind, depends) = match source.kind {
        SourceKind::Rust => {
            let module = Module::parse(&file, &source.text)?;
            let depends = module.depends.clone();
            let name = module_name(&source.id, names);
            (EmbeddedKind::Rust { module, name }, depends)
        }
        SourceKind::Sql(companion) => {
            let companion = companion.map(|(path, text)| (label(root, &path), path, text));
            let pair = companion
                .as_ref()
                .map(|(file, _, text)| (file.as_str(), text.as_str()));
            let depends = check(&file, &source.text, pair)?.depends;
            let companion = companion.map(|(file, path, _)| (path, file));
            (EmbeddedKind::Sql { companion }, depends)
        }
    };
    let migration = Embedded {
        id: source.id,
        path: source.path,
        file,
        kind,
    };
    Ok((migration, depends))
}

/// A file is wrong when no database could read it, since the macro does not know which one it is for. The problems are
/// those of the first syntax.
fn check(file: &str, text: &str, companion: Option<(&str, &str)>) -> Result<Header, Problems> {
    let [first, others @ ..] = &Syntax::ALL;
    let parse = |syntax| Script::parse((file, text), companion, syntax);
    let parsed = parse(first).or_else(|problems| {
        let mut parsed = others.iter().map(parse);
        parsed.find_map(Result::ok).ok_or(problems)
    });
    parsed.map(|script| script.header)
}

/// A name for the module of a migration: `1602721237-add-x` is not an identifier, `m_1602721237_add_x` is. Two ids that
/// differ in other characters alone get different names.
fn module_name(id: &str, names: &mut HashSet<String>) -> String {
    let letters = id.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    });
    let mut name: String = "m_".chars().chain(letters).collect();
    while !names.insert(name.clone()) {
        name.push('_');
    }
    name
}

fn label(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

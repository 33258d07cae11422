//! The project's files as the rules see them: read from disk, with comments and test modules told apart.
//!
//! Invariant: lines are taken as rustfmt writes them; nothing is parsed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of the project, its path written from the project's folder on.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

/// The folder of the project.
pub(super) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Every Rust file of the workspace and the benches.
pub(super) fn rust() -> Vec<Source> {
    let mut files = all();
    files.retain(|file| file.path.ends_with(".rs"));
    files
}

/// The Rust files of the crates that are published.
pub(super) fn crates() -> Vec<Source> {
    let mut files = rust();
    files.retain(|file| file.path.contains("src/") && !file.path.starts_with("benches/"));
    files
}

/// Every file that is text, apart from what programs have written.
pub(super) fn all() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(
        files.len() > 100,
        "the project is not where it is looked for"
    );
    files
}

/// The file with this path, if there is one.
pub(super) fn file(path: &str) -> Option<Source> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(Source {
        path: path.to_owned(),
        text,
    })
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && (name == ".ci" || !(name.starts_with('.') || name == "target")) {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(Source { path, text });
        }
    }
}

impl Source {
    /// Whether all of the file is of tests.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs")
    }

    /// The lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// The lines that are compiled into the crate: no comments, no blank lines, no test module at the end.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
        self.lines()
            .take_while(move |(_, line)| is_test || *line != "#[cfg(test)]")
            .filter(|(_, line)| is_code(line))
    }

    /// The code lines with a comment at their end cut off.
    pub(super) fn bare_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line)))
    }
}

/// Neither blank nor a comment.
pub(super) fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

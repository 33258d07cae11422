//! The project's files as the rules see them: read from disk, with comments and test modules told apart.
//!
//! Invariant: lines are taken as rustfmt writes them; nothing is parsed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A file of the project, its path written from the project's folder on.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The folder of the project; `ESTOULT_TIDY_ROOT` names that of another checkout.
pub(crate) fn root() -> PathBuf {
    if let Some(root) = env::var_os("ESTOULT_TIDY_ROOT") {
        return root.into();
    }
    let tidy = Path::new(env!("CARGO_MANIFEST_DIR"));
    tidy.ancestors().nth(2).unwrap_or(tidy).to_path_buf()
}

/// Every Rust file of the workspace and the benches.
pub(crate) fn rust() -> Vec<Source> {
    let mut files = all();
    files.retain(|file| file.path.ends_with(".rs"));
    files
}

/// The Rust files of the crates that are published.
pub(crate) fn crates() -> Vec<Source> {
    let mut files = rust();
    files.retain(|file| file.path.contains("src/") && !file.path.starts_with("tests/benches/"));
    files
}

/// Every file that is text, apart from what programs have written.
pub(crate) fn all() -> Vec<Source> {
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
pub(crate) fn file(path: &str) -> Option<Source> {
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
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs")
    }

    /// Whether the file is compiled into a crate that is published.
    pub(crate) fn is_library(&self) -> bool {
        self.path.contains("/src/") && !self.path.starts_with("tests/") && !self.is_test()
    }

    /// The lines with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// The lines that are compiled into the crate, comments with them: no item that only tests have.
    pub(crate) fn compiled(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
        let mut skipped = Skipped::Nothing;
        self.lines().filter(move |(_, line)| {
            let is_kept = skipped == Skipped::Nothing && (is_test || *line != "#[cfg(test)]");
            skipped = match skipped {
                _ if is_kept => Skipped::Nothing,
                Skipped::Nothing => Skipped::Head,
                // An item at the top level ends where its head does, or at the next brace that stands alone.
                Skipped::Head if line.ends_with(';') || line.ends_with('}') => Skipped::Nothing,
                Skipped::Head if line.ends_with('{') => Skipped::Body,
                Skipped::Body if *line == "}" => Skipped::Nothing,
                part => part,
            };
            is_kept
        })
    }

    /// The same without comments and blank lines.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.compiled().filter(|(_, line)| is_code(line))
    }

    /// The code lines with a comment at their end cut off.
    pub(crate) fn bare_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .map(|(number, line)| (number, line.split(" // ").next().unwrap_or(line)))
    }
}

/// How far an item of tests is read.
#[derive(Clone, Copy, PartialEq)]
enum Skipped {
    Nothing,
    Head,
    Body,
}

/// Neither blank nor a comment.
pub(crate) fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

#[test]
fn items_of_tests_are_left_out_wherever_they_stand() {
    let text = "#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(test)]\nmod more {\n    fn b() {}\n}\nfn c() {}\n";
    let file = Source {
        path: "x/src/a.rs".to_owned(),
        text: text.to_owned(),
    };
    let lines: Vec<usize> = file.code().map(|(number, _)| number).collect();
    assert_eq!(lines, [3, 8]);
}

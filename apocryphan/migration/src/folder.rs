//! The files of a folder of migrations.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    layout::{Foreign, Layout},
    problem::{Problem, Problems},
};

/// What a migration file is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A SQL file with the path and the text of its companion, if it has one.
    Sql(Option<(PathBuf, String)>),
    /// A Rust module.
    Rust,
}

/// One migration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file name without its extension.
    pub id: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Its text, without a byte order mark.
    pub text: String,
    /// What it is written in.
    pub kind: SourceKind,
}

/// The migration files of a folder, ordered by file name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// One per migration.
    pub sources: Vec<Source>,
    /// Files that cannot be read, and companions without a migration.
    pub problems: Problems,
}

impl Folder {
    /// Reads all `.sql` and `.rs` files of a folder; hidden files and other extensions are not
    /// migrations. Files of other migration tools are problems.
    ///
    /// # Errors
    ///
    /// A problem when the folder itself cannot be read.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let (files, mut foreign) = list(path).map_err(|error| unreadable(path, &error))?;
        let mut problems = Problems::default();
        let mut sources: Vec<Source> = Vec::new();
        let mut companions: Vec<(String, PathBuf, String)> = Vec::new();
        // Companions are set aside: a folder is sorted by name, and `a.rollback.sql` comes before `a.sql`.
        for file in files {
            let Some((stem, extension)) = name(&file) else {
                continue;
            };
            if let Some(layout) = Layout::of_name(stem, extension) {
                foreign.note(layout, &file);
                continue;
            }
            if !matches!(extension, "sql" | "rs") {
                continue;
            }
            let Some(text) = problems.collect(text(&file)) else {
                continue;
            };
            if let Some(layout) = Layout::of_text(&text).filter(|_| extension == "sql") {
                foreign.note(layout, &file);
                continue;
            }
            if let Some(id) = stem
                .strip_suffix(".rollback")
                .filter(|_| extension == "sql")
            {
                companions.push((id.to_owned(), file.clone(), text));
            } else {
                sources.push(source(stem, extension, &file, text));
            }
        }
        foreign
            .problems()
            .for_each(|problem| problems.push(problem));
        for (id, path, text) in companions {
            match sources.iter_mut().find(|source| source.is_sql(&id)) {
                Some(source) => source.kind = SourceKind::Sql(Some((path, text))),
                None => problems.push(without_migration(&id, &path)),
            }
        }
        Ok(Self { sources, problems })
    }
}

impl Source {
    fn is_sql(&self, id: &str) -> bool {
        self.id == id && matches!(self.kind, SourceKind::Sql(_))
    }
}

fn source(id: &str, extension: &str, path: &Path, text: String) -> Source {
    let kind = match extension {
        "sql" => SourceKind::Sql(None),
        _ => SourceKind::Rust,
    };
    Source {
        id: id.to_owned(),
        path: path.to_owned(),
        text,
        kind,
    }
}

/// The files of a folder, and the folders in it that are migrations of other tools.
fn list(path: &Path) -> io::Result<(Vec<PathBuf>, Foreign)> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        entries.push(entry?.path());
    }
    // The file system gives them in any order, and problems should not change from run to run.
    entries.sort();
    let mut foreign = Foreign::default();
    let (files, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.is_file());
    for folder in others.iter().filter(|entry| entry.is_dir()) {
        // One that can't be read is none of rider's.
        let nested = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = nested.map(|entry| entry.file_name()).collect();
        names.sort();
        let found = names.iter().find_map(|name| {
            let layout = Layout::of_nested(name.to_str()?)?;
            Some((layout, folder.join(name)))
        });
        if let Some((layout, file)) = found {
            foreign.note(layout, &file);
        }
    }
    Ok((files, foreign))
}

/// The name and the extension of a file that may be a migration.
fn name(path: &Path) -> Option<(&str, &str)> {
    let (stem, extension) = path.file_name()?.to_str()?.rsplit_once('.')?;
    // Editors leave hidden files, and `mod.rs` gathers the modules of a folder.
    let is_other = stem.is_empty() || stem.starts_with('.') || (stem, extension) == ("mod", "rs");
    (!is_other).then_some((stem, extension))
}

fn text(path: &Path) -> Result<String, Problems> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()),
        Err(error) => Err(unreadable(path, &error).into()),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(path.display().to_string(), format!("read it: {error}"))
}

fn without_migration(id: &str, path: &Path) -> Problem {
    let message = format!("it undoes `{id}.sql`, which is not beside it");
    Problem::new(path.display().to_string(), message)
}

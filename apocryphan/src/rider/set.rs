//! A set of migrations, and where it comes from: a folder that is read at run time, or the program itself.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use apocryphan_migration::{Folder, Problem, SourceKind};
use estoult_sql::names::hint;

use super::{
    error::{Error, ErrorKind, Result},
    migration::Migration,
};

/// The migrations of a program or a folder.
#[derive(Debug, Clone, Default)]
pub struct MigrationSet {
    pub(super) migrations: Vec<Migration>,
    pub(super) origin: Option<Origin>,
}

/// Where an embedded set was when the program was compiled; known to debug builds only.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) folder: PathBuf,
    /// The source file that calls `migrations!`.
    source: Option<PathBuf>,
}

impl MigrationSet {
    /// A set of these migrations.
    pub fn new(migrations: impl IntoIterator<Item = Migration>) -> Self {
        Self {
            migrations: migrations.into_iter().collect(),
            origin: None,
        }
    }

    /// The ids in the order in which they were given.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.migrations.iter().map(Migration::id)
    }

    /// Reads the `.sql` files of a folder.
    ///
    /// # Errors
    ///
    /// `Files` when there is no such folder, or no migration in it; when a file cannot be read, is one of another tool,
    /// or a migration in Rust, which only [`migrations!`](super::migrations) can compile.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let set = Self::from_new_folder(folder)?;
        match set.migrations.is_empty() {
            true => Err(Error::files(nothing_in(folder).into())),
            false => Ok(set),
        }
    }

    /// The same for a folder that may still have to be made, by the first `create`.
    pub(super) fn from_new_folder(folder: &Path) -> Result<Self> {
        let Folder {
            sources,
            mut problems,
        } = read(folder)?;
        let mut migrations = Vec::new();
        for source in sources {
            let file = relative_path(&source.path);
            match source.kind {
                // To leave it out would apply the others without what it does.
                SourceKind::Rust => problems.push(only_compiled(&file)),
                SourceKind::Sql(companion) => {
                    let migration = Migration::sql(source.id, source.text).file(file);
                    migrations.push(match companion {
                        Some((path, undo)) => migration.companion(&relative_path(&path), &undo),
                        None => migration,
                    });
                }
            }
        }
        problems
            .into_result(Self::new(migrations))
            .map_err(Error::files)
    }

    /// Adds the SQL files of a folder that the set does not have, as files that were written since the program was
    /// compiled: a new migration has to depend on them, too.
    pub(super) fn with_new_files(mut self, folder: &Path) -> Result<Self> {
        let known: BTreeSet<String> = self.ids().map(str::to_owned).collect();
        let sources = read(folder)?.sources.into_iter();
        let new = sources.filter(|source| !known.contains(&source.id));
        self.migrations
            .extend(new.filter_map(|source| match source.kind {
                SourceKind::Sql(_) => {
                    let file = relative_path(&source.path);
                    Some(Migration::sql(source.id, source.text).file(file))
                }
                // Its dependencies are known only after it is compiled in.
                SourceKind::Rust => None,
            }));
        Ok(self)
    }

    /// Refuses to go on while the folder has files that this program was compiled without: the list would show nothing
    /// as pending, and the author of the new file would believe it.
    pub(super) fn check_fresh(&self) -> Result<()> {
        let Some(origin) = &self.origin else {
            return Ok(());
        };
        let known: BTreeSet<&str> = self.ids().collect();
        let sources = read(&origin.folder)?.sources;
        let new: Vec<String> = sources
            .into_iter()
            .filter(|source| !known.contains(source.id.as_str()))
            .map(|source| format!("\n  {}", relative_path(&source.path)))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::History, stale(origin, &new.concat())))
    }
}

fn stale(origin: &Origin, new: &str) -> String {
    let source = origin.source.as_deref().map_or_else(
        || "the file with `migrations!`".to_owned(),
        |file| format!("`{}`", relative_path(file)),
    );
    let folder = origin.folder.file_name();
    let folder = folder.unwrap_or(origin.folder.as_os_str()).display();
    format!(
        "these migrations are not compiled into this program:{new}\n\
         save {source} again and build; or put \
         `println!(\"cargo:rerun-if-changed={folder}\")` into build.rs, and cargo sees new files \
         by itself"
    )
}

/// The problem of a folder without migrations: a path that is misspelled would else be a success.
fn nothing_in(folder: &Path) -> Problem {
    let file = relative_path(folder);
    if folder.exists() {
        return Problem::new(
            file,
            "no file of this folder ends in `.sql`, so there is no migration; name another one with `--source`, or \
             make the first migration with `create`",
        );
    }
    let name = folder.file_name().and_then(|name| name.to_str());
    let beside = folder.parent().map(|parent| {
        if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        }
    });
    let beside: Vec<String> = beside
        .and_then(|parent| parent.read_dir().ok())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let meant = name.map_or_else(String::new, |name| {
        hint(name, beside.iter().map(String::as_str))
    });
    let message = format!(
        "this folder does not exist, so there is no migration{meant}; name another one with `--source`, or make the \
         first migration with `create`"
    );
    Problem::new(file, message)
}

fn only_compiled(file: &str) -> Problem {
    let message = "a migration in Rust has to be compiled in: give \
                   `migrations!(\"./migrations\")` to `Rider::migrations`";
    Problem::new(file, message)
}

pub(super) fn read(folder: &Path) -> Result<Folder> {
    // A project without migrations has no folder yet, and the first `create` makes it.
    if !folder.exists() {
        return Ok(Folder::default());
    }
    Folder::read(folder).map_err(|problem| Error::files(problem.into()))
}

/// A path as messages show it: relative to the working directory, if it is below.
pub(crate) fn relative_path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative
        .unwrap_or_else(|| path.to_owned())
        .display()
        .to_string()
}

impl FromIterator<Migration> for MigrationSet {
    fn from_iter<I: IntoIterator<Item = Migration>>(migrations: I) -> Self {
        Self::new(migrations)
    }
}

impl Origin {
    pub(super) fn new(folder: &str, source: Option<&str>) -> Self {
        Self {
            folder: PathBuf::from(folder),
            source: source.map(PathBuf::from),
        }
    }

    /// Makes cargo compile the set again, which it does when the source file has a new time.
    pub(super) fn touch(&self) -> io::Result<()> {
        match &self.source {
            Some(source) => File::options()
                .append(true)
                .open(source)?
                .set_modified(SystemTime::now()),
            None => Ok(()),
        }
    }
}

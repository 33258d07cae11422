//! Where the migrations of a run come from: a folder read at run time, or the embedded set.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use apocryphan_migration::{Folder, Problem, SourceKind};

use super::{
    error::{Error, ErrorKind, Result},
    migration::{Migration, MigrationSet, Origin},
};

impl MigrationSet {
    /// Reads the `.sql` files of a folder; a folder that does not exist has none.
    ///
    /// # Errors
    ///
    /// `Files` when a file cannot be read, or is a migration in Rust, which only
    /// [`migrations!`](super::migrations) can take in.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let Folder {
            sources,
            mut problems,
        } = read(folder.as_ref())?;
        let mut migrations = Vec::new();
        for source in sources {
            let file = label(&source.path);
            match source.kind {
                SourceKind::Rust => problems.push(only_compiled(&file)),
                SourceKind::Sql(companion) => {
                    let migration = Migration::sql(source.id, source.text).file(file);
                    migrations.push(match companion {
                        Some((path, undo)) => migration.companion(&label(&path), &undo),
                        None => migration,
                    });
                }
            }
        }
        problems.or(Self::new(migrations)).map_err(Error::files)
    }

    /// Adds the SQL files of a folder that the set does not have yet.
    pub(super) fn with_new_files(mut self, folder: &Path) -> Result<Self> {
        let known: BTreeSet<String> = self.ids().map(str::to_owned).collect();
        let sources = read(folder)?.sources.into_iter();
        let new = sources.filter(|source| !known.contains(&source.id));
        self.migrations
            .extend(new.filter_map(|source| match source.kind {
                SourceKind::Sql(_) => {
                    Some(Migration::sql(source.id, source.text).file(label(&source.path)))
                }
                SourceKind::Rust => None,
            }));
        Ok(self)
    }

    /// Refuses to go on while the folder has files that this program was compiled without.
    pub(super) fn check_fresh(&self) -> Result<()> {
        let Some(origin) = &self.origin else {
            return Ok(());
        };
        let known: BTreeSet<&str> = self.ids().collect();
        let sources = read(&origin.folder)?.sources;
        let new: Vec<String> = sources
            .into_iter()
            .filter(|source| !known.contains(source.id.as_str()))
            .map(|source| format!("\n  {}", label(&source.path)))
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
        |file| format!("`{}`", label(file)),
    );
    let folder = origin.folder.file_name().unwrap_or_default().display();
    format!(
        "these migrations are not compiled into this program:{new}\n\
         save {source} again and build; or put \
         `println!(\"cargo:rerun-if-changed={folder}\")` into build.rs, and cargo sees new files \
         by itself"
    )
}

fn only_compiled(file: &str) -> Problem {
    let message = "a migration in Rust has to be compiled in: give \
                   `migrations!(\"./migrations\")` to `Rider::migrations`";
    Problem::new(file, message)
}

pub(super) fn read(folder: &Path) -> Result<Folder> {
    if !folder.exists() {
        return Ok(Folder::default());
    }
    Folder::read(folder).map_err(|problem| Error::files(problem.into()))
}

/// A path as people write it: relative to where they are, if it is below.
pub(crate) fn label(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    relative
        .unwrap_or_else(|| path.to_owned())
        .display()
        .to_string()
}

impl Origin {
    pub(super) fn new(folder: &str, source: Option<&str>) -> Self {
        Self {
            folder: PathBuf::from(folder),
            source: source.map(PathBuf::from),
        }
    }

    /// Makes cargo compile the set again: its source file counts as changed.
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

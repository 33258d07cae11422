//! Where the bookshop keeps its databases: a folder beside the program, emptied of an earlier run's files.

use std::{
    env, fmt, fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::show::say;

/// The databases of the bookshop, and the extensions of SQLite's files.
const DATABASES: [&str; 2] = ["shop", "archive"];
const ENDINGS: [&str; 3] = ["db", "db-wal", "db-shm"];

/// The folder of the databases.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder without databases. Removes only files that the bookshop itself creates.
    pub(crate) fn fresh() -> io::Result<Self> {
        let program = env::current_exe()?;
        let path = program.with_file_name("bookshop-databases");
        fs::create_dir_all(&path).map_err(|error| failed("create", &path, &error))?;
        let mut removed = 0;
        for name in DATABASES {
            for ending in ENDINGS {
                removed += remove(path.join(name).with_extension(ending))?;
            }
        }
        if removed > 0 {
            say!("{removed} files of an earlier run are removed.");
        }
        Ok(Self(path))
    }

    /// The URL of a database in the folder.
    pub(crate) fn database(&self, name: &str) -> String {
        format!(
            "sqlite:{}",
            self.0.join(name).with_extension("db").display()
        )
    }
}

fn remove(file: PathBuf) -> io::Result<usize> {
    match fs::remove_file(&file) {
        Ok(()) => Ok(1),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(failed("remove", &file, &error)),
    }
}

fn failed(tried: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{tried} {}: {error}", path.display()))
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

//! A new migration file: its id, its name, and the text that its author begins with.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{ErrorKind as IoErrorKind, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use apocryphan_migration::{number, quoted_id};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    error::{Error, Result},
    set,
};

/// The longest slug. An id has to fit a key of 191 characters, the longest that an index of MySQL could have for years.
const SLUG_LENGTH: usize = 60;

/// The message in lower-case letters, digits and dashes.
pub(super) fn slug(message: &str) -> String {
    let mut slug = String::new();
    // Decomposed, an accented letter is the plain one and an accent, which is dropped: "Ärger" becomes "arger".
    for letter in message.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        for letter in letter.to_lowercase() {
            if letter.is_ascii_alphanumeric() {
                slug.push(letter);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
    }
    slug.truncate(SLUG_LENGTH);
    match slug.trim_end_matches('-') {
        "" => "migration".to_owned(),
        slug => slug.to_owned(),
    }
}

/// The text of a new SQL migration.
pub(super) fn text(message: &str, depends: &[&str]) -> String {
    let message: Vec<&str> = message.split_whitespace().collect();
    let depends = match depends {
        [] => String::new(),
        ids => {
            let ids: Vec<_> = ids.iter().map(|id| quoted_id(id)).collect();
            format!("-- depends: {}\n", ids.join(" "))
        }
    };
    format!(
        "-- message: {}\n{depends}\n-- step\n\n\n-- rollback\n\n",
        message.join(" ")
    )
}

/// Writes a new file in `folder`. Its number is the time, or the next one that is free: two authors may have written a
/// migration in the same second.
pub(super) fn write(folder: &Path, message: &str, text: &str) -> Result<PathBuf> {
    let failed = |error| {
        Error::usage(format!(
            "create a migration in {}: {error}",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let sources = set::read(folder)?.sources;
    let taken: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| number(&source.id))
        .collect();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_err(|_| {
        Error::usage("create a migration: the clock is before 1970, and the number is the time")
    })?;
    let mut seconds = since.as_secs();
    loop {
        let name = format!("{seconds}-{}.sql", slug(message));
        if !taken.contains(seconds.to_string().as_str()) {
            let path = folder.join(name);
            // Created only if there is none: another process may take the same name in between.
            match File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == IoErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        seconds += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{slug, text};

    #[test]
    fn a_slug_is_plain() {
        assert_eq!(slug("Init DB, now!"), "init-db-now");
        assert_eq!(slug("  Ärger & Überfluß №5 "), "arger-uberflu-no5");
        assert_eq!(slug("日本"), "migration");
        assert_eq!(slug(&"long ".repeat(40)).len(), 59);
    }

    #[test]
    fn a_scaffold_reads_as_a_migration() {
        let text = text("add\nx: y", &["1-a", "2-b"]);
        let expected = "-- message: add x: y\n-- depends: 1-a 2-b\n\n-- step\n\n\n-- rollback\n\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn an_id_with_a_blank_is_quoted() {
        let text = text("add x", &["1-add email", "2-b"]);
        assert!(text.contains("-- depends: \"1-add email\" 2-b\n"), "{text}");
    }
}

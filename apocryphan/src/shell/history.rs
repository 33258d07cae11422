//! The history of what was typed: where it is kept, and what is left out.

use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};

/// Words near which passwords are written.
const SECRET: [&str; 5] = ["password", "passwd", "identified", "secret", "://"];

/// The file of the history, in the folder where programs of this user keep their state.
pub(super) fn file() -> Option<PathBuf> {
    let folders = choose_base_strategy().ok()?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(folder.join("estoult").join("shell_history"))
}

/// Whether a text may be written to the history: nothing that begins with a space, as in other shells, and nothing that
/// may hold a password.
pub(super) fn may_remember(text: &str) -> bool {
    let lower = text.to_lowercase();
    !text.starts_with(' ')
        && !text.trim().is_empty()
        && !SECRET.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::may_remember;

    #[test]
    fn statements_with_passwords_are_not_remembered() {
        for text in [
            "create user app with Password 'x';",
            "create user app identified by 'x';",
            "set passwd = 'x'",
            "select dblink('postgres://app:x@localhost/shop', '')",
            " select 1",
            "  ",
        ] {
            assert!(!may_remember(text), "{text}");
        }
        for text in ["select 1;", "\\d books", "select pass from exams"] {
            assert!(may_remember(text), "{text}");
        }
    }
}

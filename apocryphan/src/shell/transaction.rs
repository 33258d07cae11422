//! Whether a transaction is open that was typed by hand.
//! Invariant: nothing here talks to a database.

use estoult::Features;

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    /// None is open.
    None,
    /// Statements belong to it.
    Open,
    /// A statement in it failed, and the database takes no further one until it is rolled back.
    Failed,
}

impl Transaction {
    /// The mark in the prompt.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Open => "*",
            Self::Failed => "!",
        }
    }

    /// Where it is after a statement.
    pub(super) fn after(self, text: &str, has_failed: bool, features: &Features) -> Self {
        let words = first_words(text);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["rollback", "to", ..] | ["rollback", _, "to", ..] => match has_failed {
                true => self,
                false => Self::Open,
            },
            // A commit that fails has ended it, too.
            ["commit" | "end" | "rollback" | "abort", rest @ ..] => {
                if !has_failed && rest.contains(&"chain") && !rest.contains(&"no") {
                    Self::Open
                } else {
                    Self::None
                }
            }
            _ if has_failed => match self {
                Self::Open if features.error_aborts_transaction => Self::Failed,
                other => other,
            },
            ["begin", ..] | ["start", "transaction", ..] => Self::Open,
            _ if !features.transactional_ddl && defines(&words) => Self::None,
            _ => self,
        }
    }
}

/// Whether a statement changes tables or rights, which ends a transaction where that can't be rolled back.
fn defines(words: &[&str]) -> bool {
    match words {
        ["create" | "drop", "temporary", ..] => false,
        [
            "create" | "alter" | "drop" | "truncate" | "rename" | "grant" | "revoke",
            ..,
        ] => true,
        _ => false,
    }
}

/// Whether other names may be known after a statement.
pub(super) fn changes_names(text: &str) -> bool {
    let words = first_words(text);
    let first = words.first().map(String::as_str);
    matches!(
        first,
        Some("create" | "alter" | "drop" | "rename" | "attach" | "detach" | "use" | "rollback")
    )
}

/// The first words of a statement in small letters.
fn first_words(text: &str) -> Vec<String> {
    let is_end = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    let words = text.split(is_end).filter(|word| !word.is_empty());
    words.take(5).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use estoult::Dialect;

    use super::Transaction::{self, Failed, None, Open};

    fn after(dialect: Dialect, script: &[(&str, bool)]) -> Transaction {
        script.iter().fold(None, |state, (text, has_failed)| {
            state.after(text, *has_failed, dialect.features())
        })
    }

    #[test]
    fn what_is_typed_opens_and_ends_a_transaction() {
        let (ok, failed) = (false, true);
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::MariaDb] {
            let after = |script: &[(&str, bool)]| after(dialect, script);
            assert_eq!(after(&[("Begin Immediate", ok)]), Open);
            assert_eq!(after(&[("start transaction read only", ok)]), Open);
            assert_eq!(after(&[("begin", failed)]), None);
            assert_eq!(after(&[("begin", ok), ("select 1", ok)]), Open);
            assert_eq!(after(&[("begin", ok), ("commit", ok)]), None);
            assert_eq!(after(&[("begin", ok), ("commit", failed)]), None);
            assert_eq!(after(&[("begin", ok), ("rollback to a", ok)]), Open);
            assert_eq!(
                after(&[("begin", ok), ("rollback work to savepoint a", ok)]),
                Open
            );
            assert_eq!(after(&[("begin", ok), ("commit and chain", ok)]), Open);
            assert_eq!(after(&[("begin", ok), ("commit and no chain", ok)]), None);
            assert_eq!(after(&[("start replica", ok)]), None);
        }
    }

    #[test]
    fn a_failed_statement_ends_the_use_of_a_transaction_of_postgres() {
        let script = [("begin", false), ("select x", true)];
        assert_eq!(after(Dialect::Postgres, &script), Failed);
        assert_eq!(after(Dialect::Sqlite, &script), Open);
        assert_eq!(after(Dialect::MySql, &script), Open);
        let saved = [script[0], script[1], ("rollback to saved", false)];
        assert_eq!(after(Dialect::Postgres, &saved), Open);
    }

    #[test]
    fn a_definition_ends_a_transaction_of_mysql() {
        let script = [("begin", false), ("create table a (b int)", false)];
        assert_eq!(after(Dialect::MariaDb, &script), None);
        assert_eq!(after(Dialect::Sqlite, &script), Open);
        let temporary = [
            ("begin", false),
            ("create temporary table a (b int)", false),
        ];
        assert_eq!(after(Dialect::MySql, &temporary), Open);
    }
}

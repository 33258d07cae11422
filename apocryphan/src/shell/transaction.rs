//! Whether the user has a transaction open, as the statements that were typed say.
//! Invariant: nothing here talks to a database.

use estoult::backend::Features;
use estoult_sql::{
    lexer::{TokenKind, executed},
    syntax::Syntax,
    transaction::{Control, TransactionState, control},
};

/// The first words of statements after which the names of tables and columns may differ.
const CHANGES_NAMES: [&str; 8] = [
    "create", "alter", "drop", "rename", "attach", "detach", "use", "rollback",
];

/// How far the transaction is that the user began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransactionPhase {
    /// None is open.
    None,
    /// Statements run in it.
    Open,
    /// A statement in it failed, and the database refuses all others until it is rolled back.
    Failed,
    /// Autocommit is off: the next transaction begins where one ends.
    Always,
}

impl TransactionPhase {
    /// The mark in the prompt.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Open | Self::Always => "*",
            Self::Failed => "!",
        }
    }

    /// What the user can do to end it.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::None | Self::Open | Self::Failed => "commit it or roll it back first",
            Self::Always => "commit it or roll it back, and `set autocommit = 1` first",
        }
    }
}

/// The transaction of the shell's connection, as far as the statements that ran on it show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ShellTransaction {
    state: TransactionState,
    has_failed: bool,
}

impl ShellTransaction {
    pub(super) fn phase(self) -> TransactionPhase {
        match self.state {
            _ if self.has_failed => TransactionPhase::Failed,
            state if state.is_autocommit_off() => TransactionPhase::Always,
            state if state.is_open() => TransactionPhase::Open,
            _ => TransactionPhase::None,
        }
    }

    /// The same when no transaction is open; autocommit stays as it is.
    pub(super) fn ended(self) -> Self {
        Self {
            state: self.state.ended(),
            has_failed: false,
        }
    }

    /// The transaction after a statement.
    pub(super) fn after(
        self,
        text: &str,
        has_failed: bool,
        syntax: &Syntax,
        features: &Features,
    ) -> Self {
        let aborts = has_failed && features.error_aborts_transaction;
        let mut state = self.state.after(text, !has_failed, syntax);
        let has_ended = match control(text, syntax) {
            // Where an error aborts the transaction, a COMMIT that fails has ended it. SQLite keeps it open.
            Control::Commit { .. } => aborts,
            // It fails where there is no transaction, as after the release of SQLite's outermost savepoint.
            Control::Rollback { .. } => has_failed,
            _ => false,
        };
        if has_ended {
            state = state.ended();
        }
        Self {
            state,
            has_failed: aborts && state.is_open(),
        }
    }
}

/// Whether the names of tables and columns may differ after a statement.
pub(super) fn changes_names(text: &str, syntax: &Syntax) -> bool {
    executed(text, syntax)
        .next()
        .filter(|token| token.kind == TokenKind::Word)
        .is_some_and(|token| {
            let mut words = CHANGES_NAMES.iter();
            words.any(|word| token.text.eq_ignore_ascii_case(word))
        })
}

#[cfg(test)]
mod tests {
    use estoult::Dialect;
    use estoult_sql::syntax::Syntax;

    use super::{
        ShellTransaction,
        TransactionPhase::{self, Always, Failed, None, Open},
        changes_names,
    };

    fn after(dialect: Dialect, script: &[(&str, bool)]) -> TransactionPhase {
        let syntax = match dialect {
            Dialect::Sqlite => &Syntax::SQLITE,
            Dialect::Postgres => &Syntax::POSTGRES,
            _ => &Syntax::MYSQL,
        };
        let mut transaction = ShellTransaction::default();
        for (text, has_failed) in script {
            transaction = transaction.after(text, *has_failed, syntax, dialect.features());
        }
        transaction.phase()
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
    fn a_commit_that_fails_ends_the_transaction_of_postgres_only() {
        let script = [("begin", false), ("commit", true)];
        assert_eq!(after(Dialect::Postgres, &script), None);
        assert_eq!(after(Dialect::Sqlite, &script), Open);
        // The error does not say which of both, so the transaction counts as open.
        assert_eq!(after(Dialect::MySql, &script), Open);
    }

    #[test]
    fn the_first_savepoint_begins_a_transaction_of_sqlite_only() {
        let script = [("savepoint a", false)];
        assert_eq!(after(Dialect::Sqlite, &script), Open);
        assert_eq!(after(Dialect::Postgres, &script), None);
        assert_eq!(after(Dialect::MySql, &script), None);
        let ended = [script[0], ("rollback", false)];
        assert_eq!(after(Dialect::Sqlite, &ended), None);
        let released = [script[0], ("release a", false), ("rollback", true)];
        assert_eq!(after(Dialect::Sqlite, &released), None);
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

    #[test]
    fn without_autocommit_a_transaction_of_mysql_is_always_open() {
        let mut script = vec![("set autocommit = 0", false), ("begin", false)];
        script.extend([("commit", false), ("drop table a", false), ("x", true)]);
        assert_eq!(after(Dialect::MySql, &script), Always);
        script.push(("set autocommit = 1", false));
        assert_eq!(after(Dialect::MySql, &script), None);
        assert_eq!(after(Dialect::MySql, &[("set autocommit = 0", true)]), None);
    }

    #[test]
    fn the_first_word_tells_whether_names_change() {
        assert!(changes_names(
            "-- a\nCreate table a (b int)",
            &Syntax::SQLITE
        ));
        assert!(changes_names("/*!40101 use a */", &Syntax::MYSQL));
        assert!(!changes_names("select 'create'", &Syntax::SQLITE));
        assert!(!changes_names("'create'", &Syntax::SQLITE));
    }
}

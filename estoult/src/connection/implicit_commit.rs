//! Statements that commit as a side effect, where the database has such: refused inside a transaction of estoult, since
//! what follows them would be committed statement by statement.

use super::Connection;
use crate::{
    backend::Statement,
    error::{Error, Result},
    sql::{Control, control, texts},
};

impl Connection {
    /// Refuses a statement of the program's own that would commit the transaction as a side effect.
    pub(super) fn check_statement(&self, statement: &Statement) -> Result<()> {
        // Fast path: estoult's own statements have no such effect.
        if !statement.is_raw {
            return Ok(());
        }
        self.check_script(&statement.sql)
            .map_err(|error| error.with_statement(&statement.sql))
    }

    /// The same for each statement of a script.
    pub(super) fn check_script(&self, script: &str) -> Result<()> {
        let features = self.features();
        let may_write = self.transaction.as_ref().map(|open| !open.is_read_only);
        if features.transactional_ddl || may_write != Some(true) {
            return Ok(());
        }
        let syntax = features.dialect.syntax();
        let commits = |text: &str| {
            matches!(
                control(text, syntax),
                Control::ImplicitCommit | Control::Begin | Control::SetAutocommit(true)
            )
        };
        match texts(script, syntax).find(|text| commits(text)) {
            None => Ok(()),
            Some(text) => {
                let words: Vec<_> = text.split_whitespace().take(2).collect();
                Err(Error::unsupported(format!(
                    "run `{} …` in a transaction: on {} it commits the transaction as a side effect; run it on the \
                     database, outside of the transaction",
                    words.join(" "),
                    features.dialect
                )))
            }
        }
    }
}

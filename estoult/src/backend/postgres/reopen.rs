//! Beginning a transaction on another connection, when its first flight finds that the server has closed this one while
//! it was idle. Nothing of that flight can have been kept: it has no COMMIT in it.

use super::{
    flight::Failure,
    login::Login,
    part::{Part, Tag},
    session::PostgresSession,
    statements::Statements,
};
use crate::{backend::Statement, runtime::within};

impl PostgresSession {
    /// Opens another connection in place of a lost one, if a flight that failed was to begin a transaction and was not
    /// answered at all. Not where the program has set up the first one: by SQL of its own, as with a role or a lock, by
    /// its hooks or its credentials.
    pub(super) async fn reopen(
        &mut self,
        deferred: &[Statement],
        parts: &[Part],
        failure: &Failure,
    ) -> bool {
        let is_lost = match failure {
            Failure::Lost(_) => true,
            Failure::Answer(answer, 0) => answer.is_fatal(),
            Failure::Answer(..) | Failure::Own(_) => false,
        };
        let is_unanswered = parts.first().is_some_and(|part| part.tag == Tag::None);
        let begins = !deferred.is_empty() && is_lost && is_unanswered;
        if !begins || self.is_changed || self.is_prepared || self.has_credentials {
            return false;
        }
        let database = &self.database;
        let login = Login {
            address: &database.address,
            credentials: None,
            tls: database.tls.as_ref(),
            tried: &database.tried,
        };
        let Some(Ok(opened)) = within(database.connect_timeout, login.open()).await else {
            return false;
        };
        (self.wire, self.key) = (opened.wire, opened.key);
        self.statements = Statements::new(self.database.statement_cache());
        self.preparing.clear();
        self.closing.clear();
        true
    }
}

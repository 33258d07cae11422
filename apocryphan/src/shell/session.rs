//! The connection that a shell holds: it runs statements, cancels them, and is opened again when it was lost.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use estoult::{
    Database, Error, ErrorKind, Features, Lifespan, Pinned, Records, Result, batch, sql,
};
use tokio::time::timeout;

use super::{streams::Interrupts, transaction::Transaction};
use crate::backend::Introspection;

/// How long a database may take to be told that a statement is cancelled, and how long the statement may then take.
const CANCEL_WITHIN: Duration = Duration::from_secs(3);

/// One connection to one database of the registry.
pub(super) struct Session {
    database: Database,
    /// Opened with the first statement, and with the next one after it was lost.
    open: Option<Open>,
    transaction: Transaction,
    /// Whether there was a connection before.
    was_open: bool,
}

struct Open {
    pinned: Pinned,
    features: &'static Features,
    introspection: &'static Introspection,
    /// The number that others cancel it by.
    number: Option<i64>,
    lifespan: Lifespan,
}

/// What became of a statement.
pub(super) enum Ran {
    Done(Records),
    Failed(Error),
    Cancelled,
}

impl Session {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            open: None,
            transaction: Transaction::None,
            was_open: false,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn transaction(&self) -> Transaction {
        self.transaction
    }

    /// What is known of the database; by its URL alone before it is open.
    pub(super) fn introspection(&self) -> Result<&'static Introspection> {
        match &self.open {
            Some(open) => Ok(open.introspection),
            None => introspection(&self.database),
        }
    }

    /// Opens the connection, unless it is. Gives what is to be said about it.
    pub(super) async fn open(&mut self, interrupts: &Interrupts) -> Result<Option<&'static str>> {
        if self.open.is_some() {
            return Ok(None);
        }
        let opening = pin!(self.connect());
        first_of(opening, interrupts.next())
            .await
            .unwrap_or_else(|| {
                Err(Error::custom(
                    "open the connection: given up, as it was interrupted",
                ))
            })
    }

    async fn connect(&mut self) -> Result<Option<&'static str>> {
        let lifespan = self.database.connect().await?;
        let pinned = self.database.pin().await?;
        let (features, introspection) = (pinned.features().await, introspection(&self.database)?);
        let number = match introspection.session {
            Some(text) => Some(sql(text).one::<(i64,)>(&pinned).await?.0),
            None => None,
        };
        self.open = Some(Open {
            pinned,
            features,
            introspection,
            number,
            lifespan,
        });
        let is_again = std::mem::replace(&mut self.was_open, true);
        Ok(is_again.then_some("the connection has been opened again"))
    }

    /// Runs a statement until it ends or is interrupted. The connection has to be open.
    pub(super) async fn run(&mut self, text: &str, interrupts: &Interrupts) -> Ran {
        let Some(open) = &self.open else {
            return Ran::Failed(Error::custom("run a statement: the connection is not open"));
        };
        let features = open.features;
        let ran = open.run(&self.database, text, interrupts).await;
        let (ran, is_lost) = match ran {
            Some(Ok(records)) => (Ran::Done(records), false),
            Some(Err(error)) => {
                let is_lost = matches!(error.kind(), ErrorKind::Connection);
                (Ran::Failed(error), is_lost)
            }
            None => (Ran::Cancelled, true),
        };
        if is_lost {
            self.close().await;
        } else {
            let has_failed = !matches!(ran, Ran::Done(_));
            self.transaction = self.transaction.after(text, has_failed, features);
        }
        ran
    }

    /// Whether the connection is there.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The rows of a question of the shell's own.
    pub(super) async fn ask(&self, question: estoult::Sql) -> Result<Records> {
        match &self.open {
            Some(open) => question.records(&open.pinned).await,
            None => question.records(&self.database).await,
        }
    }

    /// Closes the connection, whatever was set or begun on it.
    pub(super) async fn close(&mut self) {
        self.transaction = Transaction::None;
        if let Some(open) = self.open.take() {
            open.pinned.discard();
            // It was in nobody's use but ours.
            let _ = open.lifespan.close().await;
        }
    }
}

impl Open {
    /// The outcome of a statement; `None` when it was interrupted and did not end by itself.
    async fn run(
        &self,
        database: &Database,
        text: &str,
        interrupts: &Interrupts,
    ) -> Option<Result<Records>> {
        let mut work = pin!(self.statement(&self.pinned, text));
        if let Some(outcome) = first_of(work.as_mut(), interrupts.next()).await {
            return Some(outcome);
        }
        let number = self.number?;
        let cancel = self.introspection.cancel;
        let cancel = cancel.replace("{session}", &number.to_string());
        let cancelled = async {
            let other = database.pin().await?;
            self.statement(&other, &cancel).await
        };
        timeout(CANCEL_WITHIN, cancelled).await.ok()?.ok()?;
        timeout(CANCEL_WITHIN, work).await.ok()
    }

    async fn statement(&self, on: &Pinned, text: &str) -> Result<Records> {
        match sql(text).verbatim().records(on).await {
            Err(error) if self.is_not_preparable(&error) => {
                batch(on, text).await.map(|()| Records::default())
            }
            outcome => outcome,
        }
    }

    fn is_not_preparable(&self, error: &Error) -> bool {
        let codes = self.introspection.not_preparable;
        error.code().is_some_and(|code| codes.contains(&code))
    }
}

fn introspection(database: &Database) -> Result<&'static Introspection> {
    let dialect = database.dialect();
    Introspection::of(dialect).ok_or_else(|| {
        Error::custom(format!(
            "open a shell: {dialect} is not known to this version; use its own shell"
        ))
    })
}

/// The outcome of the work, unless the other future is ready before.
async fn first_of<T>(
    mut work: std::pin::Pin<&mut impl Future<Output = T>>,
    other: impl Future<Output = ()>,
) -> Option<T> {
    let mut other = pin!(other);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}

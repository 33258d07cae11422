//! The time for which databases are connected: counted for each database, ended by the last guard.

use std::{
    fmt,
    future::poll_fn,
    panic::Location,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{
    bridge::Owner,
    database::Database,
    error::{Error, ErrorKind, Result},
};

/// How many databases are connected at the same time.
const CONNECTING_AT_ONCE: usize = 16;
/// How long closing waits for connections in use.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// How many lifespans keep a database connected.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    count: AtomicUsize,
    /// Held while the first lifespan begins, so that others wait for its attempt.
    beginning: Mutex<()>,
}

impl Lives {
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Counts one more when there is one already.
    fn join(&self) -> bool {
        let more = |count: usize| (count > 0).then(|| count + 1);
        self.count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
    }

    /// Whether this was the last one.
    fn leave(&self) -> bool {
        self.count.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// Keeps databases connected for as long as it lives. [`close`](Self::close) it to wait for the end; dropping it closes
/// what is idle at once, and what is in use when it comes back.
#[must_use = "the databases are connected only for as long as the lifespan lives"]
pub struct Lifespan {
    databases: Vec<Database>,
    _subloop: Owner,
}

impl fmt::Debug for Lifespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.databases.iter().map(Database::name))
            .finish()
    }
}

impl Lifespan {
    /// Connects all of them, or none.
    pub(crate) async fn begin(databases: Vec<Database>) -> Result<Self> {
        // Dropped on failure, and when this future is: whatever is connected by then is closed.
        let mut lifespan = Self {
            databases: Vec::with_capacity(databases.len()),
            _subloop: Owner::new(),
        };
        let mut failures = Vec::new();
        let mut waiting = databases.into_iter();
        let mut connecting: Vec<Ongoing> = Vec::new();
        loop {
            let room = CONNECTING_AT_ONCE - connecting.len();
            connecting.extend(waiting.by_ref().take(room).map(|database| -> Ongoing {
                Box::pin(async move {
                    let begun = begin_one(&database).await;
                    (database, begun)
                })
            }));
            if connecting.is_empty() {
                break;
            }
            match first_ready(&mut connecting).await {
                (database, Ok(())) => lifespan.databases.push(database),
                (database, Err(error)) => failures.push((database, error)),
            }
        }
        if failures.is_empty() {
            return Ok(lifespan);
        }
        let opened = std::mem::take(&mut lifespan.databases);
        // Their own errors would hide why the attempt failed.
        let opened = Self {
            databases: opened,
            _subloop: Owner::new(),
        };
        let _ = opened.close().await;
        Err(failed(failures))
    }

    /// Ends it: waits for connections in use, ten seconds at most, and closes all.
    ///
    /// # Errors
    ///
    /// `Timeout` when connections were still in use then; the message says by whom. They are closed when they come
    /// back.
    pub async fn close(mut self) -> Result<()> {
        // They all leave at once: a future that is dropped half way has ended every one.
        let last: Vec<_> = std::mem::take(&mut self.databases)
            .into_iter()
            .filter(|database| database.lives().leave())
            .collect();
        last.iter()
            .for_each(|database| database.source().close_idle());
        let closing = last.into_iter().map(|database| -> Ongoing {
            Box::pin(async move {
                let closed = database.source().close(CLOSE_WITHIN).await;
                (database, closed)
            })
        });
        let (mut closing, mut failures) = (closing.collect::<Vec<_>>(), Vec::new());
        while !closing.is_empty() {
            if let (database, Err(error)) = first_ready(&mut closing).await {
                failures.push((database, error));
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failed(failures))
        }
    }
}

/// A database that is being connected or closed.
type Ongoing = Pin<Box<dyn Future<Output = (Database, Result<()>)> + Send>>;

/// Drives all of them, and gives the first that is ready.
async fn first_ready(ongoing: &mut Vec<Ongoing>) -> (Database, Result<()>) {
    poll_fn(|context| {
        for index in 0..ongoing.len() {
            if let Poll::Ready(ready) = ongoing[index].as_mut().poll(context) {
                drop(ongoing.swap_remove(index));
                return Poll::Ready(ready);
            }
        }
        Poll::Pending
    })
    .await
}

async fn begin_one(database: &Database) -> Result<()> {
    let lives = database.lives();
    if lives.join() {
        return Ok(());
    }
    let _beginning = lives.beginning.lock().await;
    if lives.join() {
        return Ok(());
    }
    // The first connection shows that the database answers; it is kept for the first statement.
    let lease = database.source().acquire(Location::caller()).await?;
    drop(lease);
    lives.count.fetch_add(1, Ordering::AcqRel);
    Ok(())
}

fn failed(mut failures: Vec<(Database, Error)>) -> Error {
    failures.sort_by(|(left, _), (right, _)| left.name().cmp(right.name()));
    let lines: Vec<_> = failures
        .iter()
        .map(|(database, error)| format!("{database}: {}", error.message()))
        .collect();
    let kinds: Vec<_> = failures
        .iter()
        .map(|(_, error)| error.kind().clone())
        .collect();
    let kind = match kinds.as_slice() {
        [first, rest @ ..] if rest.iter().all(|kind| kind == first) => first.clone(),
        _ => ErrorKind::Connection,
    };
    Error::new(kind, lines.join("; "))
}

impl Drop for Lifespan {
    fn drop(&mut self) {
        for database in std::mem::take(&mut self.databases) {
            if database.lives().leave() {
                database.source().close_idle();
            }
        }
    }
}

//! The sets of connections, one for each runtime, and what they have in common: the bound on their number, the
//! borrowers, the last failure.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use deadpool::managed::{Manager, Metrics, Pool, QueueMode, RecycleError, RecycleResult};
use once_cell::sync::OnceCell;
use tokio::{
    runtime::{Handle, Id},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    borrower::{Borrower, SharedBorrower},
    released::Released,
};
use crate::{
    backend::{Backend, DatabaseOptions, Session},
    error::{Error, ErrorKind, Result},
    runtime::{self, within},
    sql::Dialect,
};

/// What the connections of one database share.
pub(super) struct Shared {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) address: String,
    pub(super) options: DatabaseOptions,
    /// One permit for each open connection, over all runtimes.
    budget: Arc<Semaphore>,
    /// How often lifespans started and ended; see `generation.rs`.
    pub(super) generation: AtomicU64,
    /// Connections of ended lifespans that are released while a caller waits for them.
    pub(super) released: Released,
    /// How many callers wait for a permit that connections of another runtime hold.
    pub(super) starving: AtomicUsize,
    pub(super) waiting: AtomicUsize,
    /// How many connections are being opened or checked.
    opening: AtomicUsize,
    /// The set of sessions that belong to no runtime.
    common: OnceCell<Pool<Connector>>,
    by_runtime: RwLock<HashMap<Id, Pool<Connector>>>,
    pub(super) borrowers: Mutex<Vec<Weak<Borrower>>>,
    last_failure: Mutex<Option<String>>,
    /// When a connection was last found to be lost: those not used since then are checked before they are handed out.
    last_loss: Mutex<Option<Instant>>,
    /// The dialect that the server turned out to have.
    pub(super) dialect: OnceCell<Dialect>,
}

/// A connection in the pool; its session is absent while it is in use.
pub(super) struct Pooled {
    pub(super) session: Option<Box<dyn Session>>,
    pub(super) opened: Instant,
    pub(super) used: Instant,
    pub(super) borrower: SharedBorrower,
    _permit: OwnedSemaphorePermit,
}

/// Opens and checks the connections of one set.
pub(super) struct Connector {
    shared: Weak<Shared>,
}

impl Manager for Connector {
    type Type = Pooled;
    type Error = Error;

    async fn create(&self) -> Result<Pooled> {
        let shared = self.shared.upgrade().ok_or_else(closed)?;
        // deadpool bounds this set; the permit bounds all sets, and with them what the server has to bear.
        let permit = shared.permit().await?;
        // Read before the connection is opened: one whose lifespan ends meanwhile is closed on release.
        let generation = shared.generation.load(Ordering::SeqCst);
        let session = shared.open().await?;
        let borrower = shared.new_borrower(generation);
        let now = Instant::now();
        Ok(Pooled {
            session: Some(session),
            opened: now,
            used: now,
            borrower,
            _permit: permit,
        })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<Error> {
        let shared = self
            .shared
            .upgrade()
            .ok_or_else(|| RecycleError::Backend(closed()))?;
        let Some(session) = &mut pooled.session else {
            return Err(RecycleError::message("its session was not released"));
        };
        // Relaxed: an outdated value hands out a connection of an ended lifespan, which is then closed on release.
        if pooled.borrower.generation() != shared.generation.load(Ordering::Relaxed) {
            return Err(RecycleError::message("its lifespan has ended"));
        }
        let now = Instant::now();
        if shared
            .options
            .max_age
            .is_some_and(|age| now - pooled.opened > age)
        {
            return Err(RecycleError::message("it is too old"));
        }
        // A connection that was used a moment ago is alive: a check would cost each statement a round trip.
        if now - pooled.used > shared.options.ping_after || shared.is_suspect(pooled.used) {
            let _opening = Counted::new(&shared.opening);
            let pinged = within(shared.options.connect_timeout, session.ping()).await;
            pinged.ok_or_else(|| RecycleError::message("it did not answer"))??;
        }
        pooled.used = now;
        Ok(())
    }
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Connection,
        "open a connection: the database handle is gone",
    )
}

impl Shared {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        address: String,
        options: DatabaseOptions,
    ) -> Self {
        Self {
            budget: Arc::new(Semaphore::new(options.max_connections)),
            backend,
            address,
            options,
            generation: AtomicU64::new(0),
            released: Released::default(),
            starving: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            opening: AtomicUsize::new(0),
            common: OnceCell::new(),
            by_runtime: RwLock::new(HashMap::new()),
            borrowers: Mutex::new(Vec::new()),
            last_failure: Mutex::new(None),
            last_loss: Mutex::new(None),
            dialect: OnceCell::new(),
        }
    }

    /// How many connections are open or being opened.
    pub(super) fn open_count(&self) -> usize {
        let free = self.budget.available_permits();
        self.options.max_connections.saturating_sub(free)
    }

    /// The permit for one more connection. When other runtimes' connections hold all permits, an idle one of theirs is
    /// closed, or else the next one that is released.
    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        // Fast path; it overtakes no waiter, since the semaphore hands a freed permit to its waiters first.
        if let Ok(permit) = Arc::clone(&self.budget).try_acquire_owned() {
            return Ok(permit);
        }
        // Counted before idle connections are searched: a release sees either the count, or leaves an idle connection
        // that this search finds. See `Slot::release`, which does the two in the reverse order.
        let _starving = Counted::new(&self.starving);
        self.evict_idle();
        Arc::clone(&self.budget)
            .acquire_owned()
            .await
            .map_err(|_| closed())
    }

    /// Closes one idle connection of a runtime, which frees its permit. Connections that belong to no runtime are one
    /// set, whose callers never wait for the permit of another.
    pub(super) fn evict_idle(&self) {
        let sets = self
            .by_runtime
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut is_found = false;
        for set in sets.values() {
            // False for the first connection only: that one is removed, the others are kept.
            set.retain(|_, _| std::mem::replace(&mut is_found, true));
            if is_found {
                return;
            }
        }
    }

    pub(super) async fn open(&self) -> Result<Box<dyn Session>> {
        let _opening = Counted::new(&self.opening);
        let limit = self.options.connect_timeout;
        let opened = within(limit, self.backend.connect()).await.unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "connect to {}: no answer within {limit:?}; the server may hang, or packets are dropped on the way",
                    self.address
                ),
            ))
        });
        let failure = opened
            .as_ref()
            .err()
            .map(|error| error.message().to_owned());
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = failure;
        let session = opened?;
        // The first connection decides between MySQL and MariaDB; later ones of the same URL answer the same.
        let _ = self.dialect.set(session.features().dialect);
        Ok(session)
    }

    pub(super) fn note_loss(&self) {
        *self
            .last_loss
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether another connection was lost since this one was used last.
    fn is_suspect(&self, used: Instant) -> bool {
        let loss = self
            .last_loss
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loss.is_some_and(|loss| loss >= used)
    }

    fn new_set(self: &Arc<Self>) -> Result<Pool<Connector>> {
        // Last in, first out: the connection used last needs no check, and those that are not needed grow old.
        Pool::builder(Connector {
            shared: Arc::downgrade(self),
        })
        .max_size(self.options.max_connections)
        .queue_mode(QueueMode::Lifo)
        .build()
        .map_err(|error| Error::configuration(format!("build a pool: {error}")))
    }

    /// The set of the current runtime, or the one that belongs to none.
    pub(super) fn set(self: &Arc<Self>) -> Result<Pool<Connector>> {
        if !self.backend.is_bound_to_runtime() {
            return self.common.get_or_try_init(|| self.new_set()).cloned();
        }
        let Ok(current) = Handle::try_current() else {
            return Err(Error::configuration(format!(
                "use {}: no tokio runtime runs here; call it from one, or inside of `with_async_env`",
                self.address
            )));
        };
        let id = current.id();
        let known = self
            .by_runtime
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some(set) = known {
            return Ok(set);
        }
        let mut sets = self
            .by_runtime
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Another thread of the same runtime may have been faster between the two locks.
        if let Some(set) = sets.get(&id) {
            return Ok(set.clone());
        }
        let set = self.new_set()?;
        sets.insert(id, set.clone());
        // A runtime that has ended drops the guard at once, and the guard takes this lock.
        drop(sets);
        let guard = RuntimeEnd {
            shared: Arc::downgrade(self),
            id,
        };
        runtime::drop_at_end(&current, guard);
        Ok(set)
    }

    pub(super) fn sets(&self) -> Vec<Pool<Connector>> {
        let sets = self
            .by_runtime
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        sets.values()
            .cloned()
            .chain(self.common.get().cloned())
            .collect()
    }

    /// Where the connections are and why none can be opened, for a caller that waited in vain.
    pub(super) fn exhausted(&self) -> Error {
        let lines = self.held_by();
        let (limit, max) = (self.options.acquire_timeout, self.options.max_connections);
        let mut message = format!(
            "no connection was free within {limit:?}: {} of {max} are in use",
            lines.len(),
        );
        if !lines.is_empty() {
            message.push_str(&format!(", held by {}", lines.join("; ")));
        }
        let opening = self.opening.load(Ordering::SeqCst);
        if opening > 0 {
            message.push_str(&format!(
                "; {opening} more being opened or checked, without an answer so far"
            ));
        }
        let failure = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &*failure {
            message.push_str(&format!("; the last attempt to open one failed: {failure}"));
        }
        message.push_str(if lines.len() < max && opening > 0 {
            "; see whether the database is slow or hangs"
        } else {
            "; release connections earlier, or raise max_connections"
        });
        Error::new(ErrorKind::Timeout, message)
    }
}

/// Forgets a runtime's connections when the runtime ends.
struct RuntimeEnd {
    shared: Weak<Shared>,
    id: Id,
}

impl Drop for RuntimeEnd {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let mut sets = shared
                .by_runtime
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            // The sockets are closed after the lock is free: other runtimes need it for each acquire.
            let set = sets.remove(&self.id);
            drop(sets);
            drop(set);
        }
    }
}

/// Counts a caller until it is dropped, so that a caller that gives up is not counted on.
pub(super) struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    pub(super) fn new(counter: &'c AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

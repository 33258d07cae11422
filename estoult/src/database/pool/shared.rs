//! The sets of connections, one for each runtime, and what they have in common: the bound on their number, the
//! holders, the last failure.

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
    time::timeout,
};

use super::drain::Returned;
use crate::{
    backend::{Backend, Dialect, Session},
    blocking,
    database::{
        DatabaseOptions,
        lease::{Holder, SharedHolder},
    },
    error::{Error, ErrorKind, Result},
};

/// What the leases of one database share.
pub(super) struct Shared {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) address: String,
    pub(super) options: DatabaseOptions,
    /// One permit for each open connection, over all runtimes.
    budget: Arc<Semaphore>,
    /// Counts how often lifespans began and ended: in an odd era one goes on. A connection that was opened in another
    /// era is not kept when it comes back, and one that was opened in an even one never.
    pub(super) era: AtomicU64,
    /// Connections of ended lifespans that come back while somebody waits for them.
    pub(super) returned: Returned,
    /// How many runtimes wait for a permit that another one's connections hold.
    pub(super) starving: AtomicUsize,
    pub(super) waiting: AtomicUsize,
    /// How many connections are being opened or asked whether they live.
    opening: AtomicUsize,
    /// The set that belongs to no runtime.
    common: OnceCell<Pool<Opener>>,
    by_runtime: RwLock<HashMap<Id, Pool<Opener>>>,
    pub(super) holders: Mutex<Vec<Weak<Holder>>>,
    last_failure: Mutex<Option<String>>,
    /// When a connection was found to be lost: those not used since then are asked before they are handed out.
    last_loss: Mutex<Option<Instant>>,
    /// What the server turned out to be.
    pub(super) dialect: OnceCell<Dialect>,
}

/// A connection in the pool; its session is away while it is leased.
pub(super) struct Kept {
    pub(super) session: Option<Box<dyn Session>>,
    pub(super) opened: Instant,
    pub(super) used: Instant,
    pub(super) holder: SharedHolder,
    _permit: OwnedSemaphorePermit,
}

/// Opens and checks the connections of one set.
pub(super) struct Opener {
    shared: Weak<Shared>,
}

impl Manager for Opener {
    type Type = Kept;
    type Error = Error;

    async fn create(&self) -> Result<Kept> {
        let shared = self.shared.upgrade().ok_or_else(closed)?;
        let permit = shared.permit().await?;
        let era = shared.era.load(Ordering::SeqCst);
        let session = shared.open().await?;
        let holder = shared.new_holder(era);
        let now = Instant::now();
        Ok(Kept {
            session: Some(session),
            opened: now,
            used: now,
            holder,
            _permit: permit,
        })
    }

    async fn recycle(&self, kept: &mut Kept, _: &Metrics) -> RecycleResult<Error> {
        let shared = self
            .shared
            .upgrade()
            .ok_or_else(|| RecycleError::Backend(closed()))?;
        let Some(session) = &mut kept.session else {
            return Err(RecycleError::message("its session did not come back"));
        };
        if kept.holder.era() != shared.era.load(Ordering::Relaxed) {
            return Err(RecycleError::message("its lifespan has ended"));
        }
        let now = Instant::now();
        if shared
            .options
            .max_age
            .is_some_and(|age| now - kept.opened > age)
        {
            return Err(RecycleError::message("it is too old"));
        }
        if now - kept.used > shared.options.ping_after || shared.is_suspect(kept.used) {
            let _opening = Counted::new(&shared.opening);
            let pinged = timeout(shared.options.connect_timeout, session.ping()).await;
            pinged.map_err(|_| RecycleError::message("it did not answer"))??;
        }
        kept.used = now;
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
            era: AtomicU64::new(0),
            returned: Returned::default(),
            starving: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            opening: AtomicUsize::new(0),
            common: OnceCell::new(),
            by_runtime: RwLock::new(HashMap::new()),
            holders: Mutex::new(Vec::new()),
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

    /// The place for one more connection. When the connections of other runtimes take all places, an idle one of
    /// theirs is closed, or the next one that comes back.
    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.budget).try_acquire_owned() {
            return Ok(permit);
        }
        let _starving = Counted::new(&self.starving);
        self.evict_idle();
        Arc::clone(&self.budget)
            .acquire_owned()
            .await
            .map_err(|_| closed())
    }

    pub(super) fn evict_idle(&self) {
        let sets = self
            .by_runtime
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut is_found = false;
        for set in sets.values() {
            set.retain(|_, _| std::mem::replace(&mut is_found, true));
            if is_found {
                return;
            }
        }
    }

    pub(super) async fn open(&self) -> Result<Box<dyn Session>> {
        let _opening = Counted::new(&self.opening);
        let connect = self.backend.connect();
        let limit = self.options.connect_timeout;
        let opened = if Handle::try_current().is_ok() {
            timeout(limit, connect).await.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!("connect to {}: no answer within {limit:?}; the server may stand still, or packets \
                         are dropped on the way", self.address),
                ))
            })
        } else {
            connect.await
        };
        let failure = opened
            .as_ref()
            .err()
            .map(|error| error.message().to_owned());
        *self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = failure;
        let session = opened?;
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

    fn new_set(self: &Arc<Self>) -> Result<Pool<Opener>> {
        Pool::builder(Opener {
            shared: Arc::downgrade(self),
        })
        .max_size(self.options.max_connections)
        .queue_mode(QueueMode::Lifo)
        .build()
        .map_err(|error| Error::configuration(format!("build a pool: {error}")))
    }

    /// The set of the current runtime, or the one that belongs to none.
    pub(super) fn set(self: &Arc<Self>) -> Result<Pool<Opener>> {
        if !self.backend.is_bound_to_runtime() {
            return self.common.get_or_try_init(|| self.new_set()).cloned();
        }
        let Ok(runtime) = Handle::try_current() else {
            return Err(Error::configuration(format!(
                "use {}: no tokio runtime runs here; call it from one, or inside of `with_async_env`",
                self.address
            )));
        };
        let id = runtime.id();
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
        if let Some(set) = sets.get(&id) {
            return Ok(set.clone());
        }
        let set = self.new_set()?;
        sets.insert(id, set.clone());
        // A runtime that has ended drops what it is given at once, and that wants the lock.
        drop(sets);
        let guard = RuntimeEnd {
            shared: Arc::downgrade(self),
            id,
        };
        blocking::keep_until_end(&runtime, guard);
        Ok(set)
    }

    pub(super) fn sets(&self) -> Vec<Pool<Opener>> {
        let sets = self
            .by_runtime
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        sets.values()
            .cloned()
            .chain(self.common.get().cloned())
            .collect()
    }

    /// Who holds the connections and why none can be opened, for a caller that waited in vain.
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
            "; see whether the database is slow or stands still"
        } else {
            "; give connections back earlier, or raise max_connections"
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
            let set = sets.remove(&self.id);
            drop(sets);
            drop(set);
        }
    }
}

/// Counts somebody for as long as it lives.
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

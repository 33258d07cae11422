//! The connections of a database: deadpool underneath, one set for each runtime, one bound over all of them.
//!
//! Release is synchronous and does no I/O; a connection is asked whether it lives only after it was idle for a while.

use std::{
    collections::HashMap,
    fmt,
    panic::Location,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use deadpool::managed::{
    Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult,
};
use futures_util::poll;
use once_cell::sync::OnceCell;
use tokio::{
    runtime::{Handle, Id},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    backend::{Backend, Dialect, Session},
    database::{
        DatabaseOptions,
        lease::{Holder, Home, Lease, LeaseSource, PoolStatus, SharedHolder, close_in_background},
    },
    error::{Error, ErrorKind, Result},
};

/// The connections of one database.
pub struct Connections(Arc<Shared>);

struct Shared {
    backend: Arc<dyn Backend>,
    address: String,
    options: DatabaseOptions,
    /// One permit for each open connection, over all runtimes.
    budget: Arc<Semaphore>,
    /// How many runtimes wait for a permit that another one's connections hold.
    starving: AtomicUsize,
    waiting: AtomicUsize,
    /// The set that belongs to no runtime.
    common: OnceCell<Pool<Opener>>,
    by_runtime: RwLock<HashMap<Id, Pool<Opener>>>,
    holders: Mutex<Vec<Weak<Holder>>>,
    last_failure: Mutex<Option<String>>,
    /// What the server turned out to be.
    dialect: OnceCell<Dialect>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("address", &self.0.address)
            .field("status", &self.status())
            .finish()
    }
}

/// A connection in the pool; its session is away while it is leased.
struct Kept {
    session: Option<Box<dyn Session>>,
    opened: Instant,
    used: Instant,
    holder: SharedHolder,
    _permit: OwnedSemaphorePermit,
}

/// Opens and checks the connections of one set.
struct Opener {
    shared: Weak<Shared>,
}

impl Manager for Opener {
    type Type = Kept;
    type Error = Error;

    async fn create(&self) -> Result<Kept> {
        let shared = self.shared.upgrade().ok_or_else(closed)?;
        let permit = shared.permit().await?;
        let session = shared.open().await?;
        let holder = shared.new_holder();
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
        let now = Instant::now();
        if shared
            .options
            .max_age
            .is_some_and(|age| now - kept.opened > age)
        {
            return Err(RecycleError::message("it is too old"));
        }
        if now - kept.used > shared.options.ping_after {
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

    fn evict_idle(&self) {
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

    async fn open(&self) -> Result<Box<dyn Session>> {
        let connect = self.backend.connect();
        let limit = self.options.connect_timeout;
        let opened = if Handle::try_current().is_ok() {
            timeout(limit, connect).await.unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!("connect to {}: no answer within {limit:?}", self.address),
                ))
            })
        } else {
            connect.await
        };
        match opened {
            Ok(session) => {
                let _ = self.dialect.set(session.features().dialect);
                Ok(session)
            }
            Err(error) => {
                *self
                    .last_failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(error.message().to_owned());
                Err(error)
            }
        }
    }

    fn new_holder(&self) -> SharedHolder {
        let holder = SharedHolder::default();
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(Arc::downgrade(&holder));
        holder
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
    fn set(self: &Arc<Self>) -> Result<Pool<Opener>> {
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
        let guard = RuntimeEnd {
            shared: Arc::downgrade(self),
            id,
        };
        // The task ends when its runtime does, and with it go the runtime's connections.
        runtime.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        Ok(set)
    }

    fn sets(&self) -> Vec<Pool<Opener>> {
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
    fn exhausted(&self) -> Error {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<_> = holders
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|holder| holder.describe())
            .collect();
        lines.sort();
        let mut message = format!(
            "no connection was free within {:?}: {} of {} are in use",
            self.options.acquire_timeout,
            lines.len(),
            self.options.max_connections
        );
        if !lines.is_empty() {
            message.push_str(&format!(", held by {}", lines.join("; ")));
        }
        let failure = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &*failure {
            message.push_str(&format!("; the last attempt to open one failed: {failure}"));
        }
        message.push_str("; give connections back earlier, or raise max_connections");
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
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn new(counter: &'c AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        address: String,
        options: DatabaseOptions,
    ) -> Self {
        Self(Arc::new(Shared {
            budget: Arc::new(Semaphore::new(options.max_connections)),
            backend,
            address,
            options,
            starving: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            common: OnceCell::new(),
            by_runtime: RwLock::new(HashMap::new()),
            holders: Mutex::new(Vec::new()),
            last_failure: Mutex::new(None),
            dialect: OnceCell::new(),
        }))
    }

    /// The URL without its secrets.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &DatabaseOptions {
        &self.0.options
    }

    /// Closes idle connections that were opened longer ago than this, and tells how many.
    pub fn close_older_than(&self, age: Duration) -> usize {
        let now = Instant::now();
        let sets = self.0.sets();
        sets.iter()
            .map(|set| set.retain(|kept, _| now - kept.opened <= age).removed.len())
            .sum()
    }

    async fn kept(&self) -> Result<Object<Opener>> {
        let set = self.0.set()?;
        let mut get = pin!(set.get());
        if let std::task::Poll::Ready(got) = poll!(get.as_mut()) {
            return got.map_err(unwrap_error);
        }
        let _waiting = Counted::new(&self.0.waiting);
        if Handle::try_current().is_err() {
            return get.await.map_err(unwrap_error);
        }
        match timeout(self.0.options.acquire_timeout, get).await {
            Ok(got) => got.map_err(unwrap_error),
            Err(_) => Err(self.0.exhausted()),
        }
    }
}

fn unwrap_error(error: PoolError<Error>) -> Error {
    match error {
        PoolError::Backend(error) => error,
        other => Error::new(ErrorKind::Connection, format!("get a connection: {other}")),
    }
}

#[async_trait]
impl LeaseSource for Connections {
    fn dialect(&self) -> Dialect {
        self.0
            .dialect
            .get()
            .copied()
            .unwrap_or_else(|| self.0.backend.dialect())
    }

    async fn acquire(&self, origin: &'static Location<'static>) -> Result<Lease> {
        loop {
            let mut kept = self.kept().await?;
            kept.holder.take(origin, kept.used);
            if let Some(session) = kept.session.take() {
                let home = Box::new(Place {
                    kept,
                    shared: Arc::clone(&self.0),
                });
                return Ok(Lease::new(session, Some(home)));
            }
            // A place whose session is gone frees itself; the next one is tried.
            drop(Object::take(kept));
        }
    }

    async fn acquire_once(&self, _: &'static Location<'static>) -> Result<Lease> {
        Ok(Lease::new(self.0.open().await?, None))
    }

    fn status(&self) -> PoolStatus {
        let sets = self.0.sets();
        let statuses: Vec<_> = sets.iter().map(Pool::status).collect();
        let open: usize = statuses.iter().map(|status| status.size).sum();
        let idle: usize = statuses
            .iter()
            .map(|status| status.available.min(status.size))
            .sum();
        PoolStatus {
            open,
            in_use: open.saturating_sub(idle),
            waiting: self.0.waiting.load(Ordering::Relaxed),
            max: self.0.options.max_connections,
        }
    }

    async fn close(&self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        loop {
            for set in self.0.sets() {
                let removed = set.retain(|_, _| false).removed;
                for mut kept in removed {
                    if let Some(session) = kept.session.take() {
                        session.close().await;
                    }
                }
            }
            let in_use = self.status().in_use;
            if in_use == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.still_in_use(within));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn close_idle(&self) {
        for set in self.0.sets() {
            set.retain(|_, _| false);
        }
    }
}

impl Connections {
    fn still_in_use(&self, within: Duration) -> Error {
        let holders = self
            .0
            .holders
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<_> = holders
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|holder| holder.describe())
            .collect();
        Error::new(
            ErrorKind::Timeout,
            format!(
                "close {}: connections were still in use after {within:?}, held by {}; they are closed when they come back",
                self.0.address,
                lines.join("; ")
            ),
        )
    }
}

/// A leased connection's place in its set.
struct Place {
    kept: Object<Opener>,
    shared: Arc<Shared>,
}

impl Home for Place {
    fn keep(mut self: Box<Self>, session: Box<dyn Session>) {
        self.kept.holder.give_back();
        if self.shared.starving.load(Ordering::Relaxed) > 0 {
            // Another runtime waits for a place: this connection makes room instead of going idle.
            drop(Object::take(self.kept));
            close_in_background(session, false);
            return;
        }
        self.kept.session = Some(session);
    }

    fn forget(self: Box<Self>) {
        self.kept.holder.give_back();
        drop(Object::take(self.kept));
    }

    fn note_transaction(&self, is_open: bool) {
        self.kept.holder.note_transaction(is_open);
    }
}

//! What the connections of one database have in common: the bound on their number, how they are opened and checked, the
//! borrowers, the last failure.

use std::{
    panic::Location,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use once_cell::sync::OnceCell;
use tokio::runtime::Handle;

use super::{
    background::close_in_background,
    borrowers::Borrowers,
    sessions::{Entry, Idle, Sessions},
    slot::{Checkout, Grant, Permit, SharedSessions, Slot, check_out, grant},
    socket_runtime::{SocketRuntime, SocketRuntimes},
};
use crate::{
    backend::{Backend, CredentialsSource, DatabaseOptions, Session},
    error::{Error, ErrorKind, Result},
    observe::{Caller, Operation},
    runtime::{check_timers, within},
    sql::Dialect,
};

/// What the connections of one database share.
pub(super) struct Shared {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) address: String,
    pub(super) options: DatabaseOptions,
    credentials: Option<CredentialsSource>,
    pub(super) sessions: SharedSessions,
    pub(super) borrowers: Borrowers,
    pub(super) waiting: AtomicUsize,
    /// How many connections are being opened or checked.
    opening: AtomicUsize,
    last_failure: Mutex<Option<String>>,
    /// The dialect that the server turned out to have.
    pub(super) dialect: OnceCell<Dialect>,
    socket_runtimes: Arc<SocketRuntimes>,
}

/// Whether an idle session may be used.
enum Check {
    Ready,
    /// Only after the database has answered a ping.
    Unknown,
    /// It has to be closed.
    Unusable,
}

/// What becomes of an idle session that a caller wants.
enum Checked {
    Ready(Box<dyn Session>, Slot),
    /// It was closed instead, and its permit is the caller's.
    Closed(Permit),
}

impl Shared {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        address: String,
        options: DatabaseOptions,
        credentials: Option<CredentialsSource>,
    ) -> Self {
        Self {
            sessions: Arc::new(Sessions::new(options.max_connections)),
            backend,
            address,
            options,
            credentials,
            borrowers: Borrowers::default(),
            waiting: AtomicUsize::new(0),
            opening: AtomicUsize::new(0),
            last_failure: Mutex::default(),
            dialect: OnceCell::new(),
            socket_runtimes: Arc::default(),
        }
    }

    fn check(&self, entry: &Entry, now: Instant) -> Check {
        let is_too_old = self
            .options
            .max_age
            .is_some_and(|limit| entry.age(now) > limit);
        if is_too_old || !entry.serves_here() || !self.sessions.is_pooled(entry) {
            return Check::Unusable;
        }
        // A connection that was used a moment ago is alive: a check would cost each statement a round trip.
        let idle = now.saturating_duration_since(entry.used);
        if idle > self.options.ping_after || self.sessions.is_suspect(entry.used) {
            return Check::Unknown;
        }
        Check::Ready
    }

    /// The idle session that was used last.
    #[inline]
    pub(super) fn take_idle(&self) -> Option<Checkout> {
        let idle = self.sessions.take_last()?;
        Some(check_out(&self.sessions, idle))
    }

    /// Hands out an idle session that needs no check; the session itself where it needs one.
    #[inline]
    pub(super) fn ready(
        &self,
        (session, mut slot): Checkout,
        origin: &'static Location<'static>,
    ) -> std::result::Result<Checkout, Checkout> {
        let now = Instant::now();
        match self.check(slot.entry(), now) {
            Check::Ready => {
                let entry = slot.entry_mut();
                entry.used = now;
                entry.borrower.take(origin, now);
                Ok((session, slot))
            }
            Check::Unknown | Check::Unusable => Err((session, slot)),
        }
    }

    /// A connection: an idle one, or one that is opened, or one that is waited for. `first` is an idle session that was
    /// taken already.
    pub(super) async fn acquire(
        &self,
        first: Option<Checkout>,
        caller: Caller<'_>,
    ) -> Result<Checkout> {
        let mut next = first;
        loop {
            let permit = match next.take() {
                Some(checkout) => match self.checked(checkout, caller.origin()).await? {
                    Checked::Ready(session, slot) => return Ok((session, slot)),
                    Checked::Closed(permit) => permit,
                },
                None => match grant(&self.sessions).await? {
                    Grant::Session(handed_over) => {
                        next = handed_over.take();
                        continue;
                    }
                    Grant::Permit(permit) => return self.open_slot(permit, caller).await,
                },
            };
            // Another idle session goes before a new one; the permit of the closed one is then given back.
            next = self.take_idle();
            if next.is_none() {
                return self.open_slot(permit, caller).await;
            }
        }
    }

    /// Checks a session as far as it needs it.
    async fn checked(
        &self,
        checkout: Checkout,
        origin: &'static Location<'static>,
    ) -> Result<Checked> {
        let (mut session, mut slot) = match self.ready(checkout, origin) {
            Ok((session, slot)) => return Ok(Checked::Ready(session, slot)),
            Err(checkout) => checkout,
        };
        if let Check::Unusable = self.check(slot.entry(), Instant::now()) {
            if !slot.entry().is_unreachable() {
                close_in_background(session);
            }
            return Ok(Checked::Closed(slot.into_permit()));
        }
        // A runtime that can't drive the socket says nothing of the connection, which others may go on using.
        if let Err(error) = session.prepare()
            && matches!(error.kind(), ErrorKind::Configuration)
        {
            slot.release(session);
            return Err(error);
        }
        let pinged = {
            let _opening = Counted::new(&self.opening);
            within(self.options.connect_timeout, session.ping()).await
        };
        if !matches!(pinged, Some(Ok(()))) {
            return Ok(Checked::Closed(slot.into_permit()));
        }
        let (entry, now) = (slot.entry_mut(), Instant::now());
        entry.used = now;
        entry.borrower.take(origin, now);
        Ok(Checked::Ready(session, slot))
    }

    /// Opens a connection with a permit.
    async fn open_slot(&self, permit: Permit, caller: Caller<'_>) -> Result<Checkout> {
        // Read before the connection is opened: one whose lifespan ends meanwhile is closed on release.
        let generation = self.sessions.generation.number();
        let (session, socket_runtime) = self.open(caller).await?;
        let (borrower, now) = (self.borrowers.add(generation), Instant::now());
        borrower.take(caller.origin(), now);
        let entry = Entry {
            opened: now,
            used: now,
            borrower,
            socket_runtime,
        };
        Ok((session, Slot::new(Box::new(entry), permit)))
    }

    /// Opens a connection that counts nowhere and is closed on release.
    pub(super) async fn open_outside(&self, caller: Caller<'_>) -> Result<Checkout> {
        let (session, socket_runtime) = self.open(caller).await?;
        let now = Instant::now();
        let entry = Entry {
            opened: now,
            used: now,
            borrower: Arc::default(),
            socket_runtime,
        };
        Ok((session, Slot::new(Box::new(entry), Permit::none())))
    }

    /// Opens a session for a caller, which it does not belong to.
    async fn open(
        &self,
        caller: Caller<'_>,
    ) -> Result<(Box<dyn Session>, Option<Arc<SocketRuntime>>)> {
        let observed = caller.observed(Operation::Connect);
        let opened = self.open_session().await;
        observed.end(opened, |_| None)
    }

    /// Opens a session, on the runtime that it belongs to from then on.
    async fn open_session(&self) -> Result<(Box<dyn Session>, Option<Arc<SocketRuntime>>)> {
        check_timers()?;
        let _opening = Counted::new(&self.opening);
        let socket_runtime = self.socket_runtime()?;
        let limit = self.options.connect_timeout;
        let connecting = async {
            let credentials = match &self.credentials {
                Some(source) => Some(source.get().await?),
                None => None,
            };
            match &socket_runtime {
                Some(runtime) => runtime.connect(&*self.backend, credentials.as_ref()).await,
                None => self.backend.connect(credentials.as_ref()).await,
            }
        };
        let opened = within(limit, connecting).await.unwrap_or_else(|| {
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
        Ok((session, socket_runtime))
    }

    /// Where a session is opened that can't change its runtime; `None` for one that belongs to no runtime.
    fn socket_runtime(&self) -> Result<Option<Arc<SocketRuntime>>> {
        if !self.backend.is_bound_to_runtime() {
            return Ok(None);
        }
        if Handle::try_current().is_err() {
            return Err(Error::configuration(format!(
                "use {}: no tokio runtime runs here; call it from one, or inside of `with_async_env`",
                self.address
            )));
        }
        let runtime = self.socket_runtimes.here(|id| {
            let sessions = Arc::downgrade(&self.sessions);
            let runtimes = Arc::downgrade(&self.socket_runtimes);
            move || {
                // Marked before the search: a release sees either the mark, or is early enough to be found here.
                if let (Some(sessions), Some(runtimes)) = (sessions.upgrade(), runtimes.upgrade()) {
                    runtimes.end(id);
                    let unreachable = sessions.take(Entry::is_unreachable);
                    drop(free_taken(&sessions, unreachable));
                }
            }
        })?;
        Ok(Some(runtime))
    }

    /// Where the connections are and why none can be opened, for a caller that waited in vain.
    pub(super) fn exhausted(&self) -> Error {
        let lines = self.borrowers.describe(None);
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

/// Frees the permits of sessions that were taken out, and gives the sessions.
pub(super) fn free_taken(sessions: &SharedSessions, taken: Vec<Idle>) -> Vec<Box<dyn Session>> {
    let sessions = taken.into_iter().map(|idle| {
        // Freed one by one: each may let another waiter open a connection.
        drop(Permit::counted(Arc::clone(sessions)));
        idle.session
    });
    sessions.collect()
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

//! [`Sessions`]: the sessions that are idle, the callers that wait for one, and how many may be open.
//!
//! Invariant: the lock is held for a look and never across an await, and no session is dropped under it. While one is
//! idle or a permit is free, no caller waits: each of the two that is given back goes to the first waiter.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot::{self, Receiver, Sender};

use super::{
    borrower::SharedBorrower, generation::Generation, released::Released,
    socket_runtime::SocketRuntime,
};
use crate::backend::Session;

/// What the pool knows of a session, in use or idle.
pub(super) struct Entry {
    pub(super) opened: Instant,
    pub(super) used: Instant,
    pub(super) borrower: SharedBorrower,
    /// The runtime of its socket; `None` for a session that belongs to none.
    pub(super) socket_runtime: Option<Arc<SocketRuntime>>,
}

impl Entry {
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.opened)
    }

    /// Whether a caller on the present thread may use it: the runtime of its socket is the caller's, or outlives it.
    #[inline]
    pub(super) fn serves_here(&self) -> bool {
        self.socket_runtime
            .as_ref()
            .is_none_or(|runtime| runtime.serves_here())
    }

    /// Whether the runtime of its socket has ended.
    pub(super) fn is_unreachable(&self) -> bool {
        self.socket_runtime
            .as_ref()
            .is_some_and(|runtime| runtime.has_ended())
    }
}

/// A session that is not in use.
pub(super) struct Idle {
    pub(super) session: Box<dyn Session>,
    pub(super) entry: Box<Entry>,
}

/// The sessions of one database. Waiters are sent a `G`.
pub(super) struct Sessions<G> {
    state: Mutex<State<G>>,
    max: usize,
    pub(super) generation: Generation,
    /// Connections of ended lifespans that are released while a caller waits for them.
    pub(super) released: Released,
    /// When a connection was last found to be lost: those not used since then are checked before they are handed out.
    last_loss: Mutex<Option<Instant>>,
}

struct State<G> {
    /// The one that was used last is taken first: it needs no check, and those that are not needed grow old.
    idle: Vec<Idle>,
    /// Served in the order in which they came.
    waiters: VecDeque<Sender<G>>,
    /// How many permits are taken: those of idle sessions, of sessions in use, and of those being opened.
    open: usize,
}

/// What a caller finds.
pub(super) enum Found<G> {
    Idle(Idle),
    /// A permit to open a session; it is counted.
    Permit,
    Waiting(Receiver<G>),
}

/// What becomes of a session that is given back.
pub(super) enum GivenBack<G> {
    Kept,
    /// It goes to this waiter.
    Wanted(Sender<G>, Idle),
    /// It is not to be used again.
    Refused(Idle),
}

impl<G> State<G> {
    /// The session that was used last among those that serve the present thread.
    #[inline]
    fn take_serving(&mut self) -> Option<Idle> {
        let serves = |idle: &Idle| idle.entry.serves_here();
        let position = self.idle.iter().rposition(serves)?;
        Some(self.idle.remove(position))
    }

    /// The first caller that still waits.
    fn next_waiter(&mut self) -> Option<Sender<G>> {
        while let Some(waiter) = self.waiters.pop_front() {
            if !waiter.is_closed() {
                return Some(waiter);
            }
        }
        None
    }
}

impl<G> Sessions<G> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            state: Mutex::new(State {
                idle: Vec::new(),
                waiters: VecDeque::new(),
                open: 0,
            }),
            max,
            generation: Generation::default(),
            released: Released::default(),
            last_loss: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<G>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many sessions are open or being opened.
    pub(super) fn open_count(&self) -> usize {
        self.state().open
    }

    /// The idle session that was used last among those that serve the present thread.
    #[inline]
    pub(super) fn take_last(&self) -> Option<Idle> {
        self.state().take_serving()
    }

    /// Takes out the idle sessions that are selected. Their permits stay counted.
    pub(super) fn take(&self, is_selected: impl Fn(&Entry) -> bool) -> Vec<Idle> {
        let mut state = self.state();
        let selected = state.idle.extract_if(.., |idle| is_selected(&idle.entry));
        selected.collect()
    }

    /// An idle session, or else a permit, or else a place in the queue.
    pub(super) fn find(&self) -> Found<G> {
        let mut state = self.state();
        if let Some(idle) = state.take_serving() {
            return Found::Idle(idle);
        }
        if state.open < self.max {
            state.open += 1;
            return Found::Permit;
        }
        // One that serves other runtimes only: the caller closes it and opens its own in its place.
        if let Some(idle) = state.idle.pop() {
            return Found::Idle(idle);
        }
        // The first in the queue give up first, so those that have given up are mostly found there.
        while state.waiters.front().is_some_and(Sender::is_closed) {
            state.waiters.pop_front();
        }
        let (waiter, grant) = oneshot::channel();
        state.waiters.push_back(waiter);
        Found::Waiting(grant)
    }

    /// Gives a session back that is no longer in use.
    pub(super) fn give_back(&self, idle: Idle) -> GivenBack<G> {
        let mut state = self.state();
        // Looked at under the lock: a lifespan or a runtime that ends later takes the lock and finds it idle.
        if !self.is_pooled(&idle.entry) {
            return GivenBack::Refused(idle);
        }
        idle.entry.borrower.release();
        match state.next_waiter() {
            Some(waiter) => GivenBack::Wanted(waiter, idle),
            None => {
                state.idle.push(idle);
                GivenBack::Kept
            }
        }
    }

    /// Gives a permit back: the waiter that gets it, or `None` when it is no longer counted.
    pub(super) fn free(&self) -> Option<Sender<G>> {
        let mut state = self.state();
        let waiter = state.next_waiter();
        if waiter.is_none() {
            state.open -= 1;
        }
        waiter
    }

    /// Whether a session is used again once it is released.
    pub(super) fn is_pooled(&self, entry: &Entry) -> bool {
        self.generation.is_current(entry.borrower.generation()) && !entry.is_unreachable()
    }

    pub(super) fn note_loss(&self) {
        let mut loss = self
            .last_loss
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *loss = Some(Instant::now());
    }

    /// Whether another connection was lost since this one was used last.
    pub(super) fn is_suspect(&self, used: Instant) -> bool {
        let loss = self
            .last_loss
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        loss.is_some_and(|loss| loss >= used)
    }
}

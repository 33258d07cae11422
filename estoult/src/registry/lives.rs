//! The lifespans of one database: the state machine behind its lock, and [`Hold`], one lifespan's part in it.
//!
//! Invariant: the lock is held for a transition only, never while something is waited for or closed.

use std::{
    fmt,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Notify, futures::Notified},
    time::timeout,
};

use super::{
    attempt::{Attempt, Waiting},
    drive::{BEAT, Drive},
    health::DatabaseState,
    life::{Departure, Entry, Life, Phase, Turn, Withdrawal},
    lifespan::CLOSE_WITHIN,
};
use crate::{
    database::{Database, LeaseSource},
    error::Result,
};

/// How many lifespans keep a database connected, and what comes before and after that.
pub(crate) struct Lives {
    source: Arc<dyn LeaseSource>,
    /// Whether statements run on connections that are kept: what each of them asks, without the lock.
    is_open: AtomicBool,
    present: Mutex<Present>,
    /// Told whenever those who wait have to look again.
    changed: Notify,
}

#[derive(Default)]
struct Present {
    life: Life,
    /// The attempt that is under way.
    attempt: Option<Arc<Attempt>>,
    /// What runs on disconnect.
    farewell: Option<Farewell>,
}

/// What runs on disconnect, and until when it may.
#[derive(Clone)]
pub(super) struct Farewell {
    drive: Arc<Drive>,
    ends: Instant,
}

impl Farewell {
    fn of(database: &Database, ends: Instant) -> Option<Self> {
        let hooks = &database.source().options().hooks;
        hooks.has_farewell().then(|| {
            let database = database.clone();
            let work = Box::pin(async move {
                let hooks = &database.source().options().hooks;
                hooks.part(&database).await
            });
            Self {
                drive: Arc::new(Drive::new(work)),
                ends,
            }
        })
    }

    /// Does it; `None` when somebody ended it.
    pub(super) async fn run(&self) -> Option<Result<()>> {
        self.drive.run().await
    }

    /// Ends it, whether it is done or not.
    fn end(&self) {
        self.drive.stop();
    }

    /// Ends it when its time is over, or nobody drives it any more; whether that was so.
    fn is_to_be_overtaken(&self) -> bool {
        (Instant::now() >= self.ends && self.drive.stop()) || self.drive.stop_if_still()
    }
}

impl fmt::Debug for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lives").field(&self.state()).finish()
    }
}

impl Lives {
    pub(crate) fn new(source: Arc<dyn LeaseSource>) -> Self {
        Self {
            source,
            is_open: AtomicBool::new(false),
            present: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Whether statements run on connections that are kept.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> DatabaseState {
        match self.present().life.phase() {
            Phase::Idle => DatabaseState::Idle,
            Phase::Connecting { .. } => DatabaseState::Connecting,
            Phase::Connected { lifespans } => DatabaseState::Connected(lifespans),
            Phase::Parting { .. } | Phase::Closing { .. } => DatabaseState::Closing,
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a transition, and tells the source of connections what it means for them.
    fn change<T>(&self, transition: impl FnOnce(&mut Present) -> T) -> T {
        let mut present = self.present();
        let was_kept = present.life.is_kept();
        let outcome = transition(&mut present);
        match (was_kept, present.life.is_kept()) {
            (false, true) => self.source.begin(),
            (true, false) => self.source.end(),
            _ => {}
        }
        let is_open = present.life.is_open();
        self.is_open.store(is_open, Ordering::Release);
        outcome
    }

    /// Tells those who wait to look again.
    pub(super) fn tell(&self) {
        self.changed.notify_waiters();
    }

    /// What tells of changes from when it is enabled on.
    pub(super) fn changes(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// An attempt has opened its connections, and what runs on connect uses them.
    pub(super) fn greet(&self, attempt: &Attempt) {
        self.change(|present| present.life.greet(attempt.turn()));
    }

    /// An attempt has ended, for everybody who waits for it.
    pub(super) fn settle(&self, attempt: &Attempt, outcome: Result<()>) {
        let has_failed = outcome.is_err();
        let is_current = self.change(|present| {
            let is_current = if has_failed {
                present.life.fail(attempt.turn())
            } else {
                present.life.succeed(attempt.turn())
            };
            if is_current {
                present.attempt = None;
                attempt.conclude(outcome);
            }
            is_current
        });
        if is_current {
            // Somebody else may have tried beside the one who was first.
            attempt.stop();
            if has_failed {
                self.source.sweep();
            }
            self.tell();
        }
    }

    /// Somebody no longer waits for an attempt.
    pub(super) fn withdraw(&self, attempt: &Attempt) -> Withdrawal {
        let withdrawal = self.change(|present| {
            let withdrawal = present.life.withdraw(attempt.turn());
            if withdrawal == Withdrawal::Abandoned {
                present.attempt = None;
            }
            withdrawal
        });
        if withdrawal == Withdrawal::Abandoned {
            attempt.stop();
            self.source.sweep();
        }
        withdrawal
    }

    fn enter(&self, limit: Duration, overtaken: Option<Turn>) -> Entered {
        self.change(|present| {
            let entry = match overtaken {
                Some(turn) => present.life.overtake(turn),
                None => present.life.enter(),
            };
            let (turn, attempt) = match entry {
                Entry::Joined => return Entered::Joined,
                Entry::AfterParting(turn) => {
                    return Entered::AfterParting(turn, present.farewell.clone());
                }
                Entry::Begun(turn) => (turn, None),
                Entry::Shared(turn) => (turn, present.attempt.take()),
            };
            let attempt = attempt.unwrap_or_else(|| Arc::new(Attempt::new(turn, limit)));
            present.attempt = Some(Arc::clone(&attempt));
            Entered::Waiting(attempt)
        })
    }
}

/// What becomes of somebody who wants a database connected.
enum Entered {
    Joined,
    Waiting(Arc<Attempt>),
    AfterParting(Turn, Option<Farewell>),
}

/// One lifespan's part in keeping a database connected. Dropping it ends the part in the background.
pub(super) struct Hold {
    database: Database,
    is_over: bool,
}

impl Hold {
    /// The part that a successful attempt has given to somebody who waited for it.
    pub(super) fn given(database: &Database) -> Self {
        Self {
            database: database.clone(),
            is_over: false,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Connects the database, or joins those that keep it connected.
    pub(super) async fn begin(database: &Database) -> Result<Self> {
        let (lives, limit) = (database.lives(), database.source().options().connect_within);
        let mut overtaken = None;
        loop {
            let mut changes = pin!(lives.changes());
            changes.as_mut().enable();
            match lives.enter(limit, overtaken) {
                Entered::Joined => return Ok(Self::given(database)),
                Entered::Waiting(attempt) => return Waiting::new(database, attempt).hold().await,
                Entered::AfterParting(turn, farewell) => {
                    if farewell.is_none_or(|farewell| farewell.is_to_be_overtaken()) {
                        say_overtaken(database);
                        overtaken = Some(turn);
                    } else {
                        pause(changes).await;
                    }
                }
            }
        }
    }

    /// Another part beside this one.
    pub(super) fn share(&self) -> Self {
        // This one keeps the database connected, so there is nothing to wait for.
        let lives = self.database.lives();
        lives.change(|present| present.life.enter());
        Self::given(&self.database)
    }

    /// Ends it. When it was the last one, disconnecting has time until then.
    pub(super) fn leave(mut self, deadline: Instant) -> Left {
        self.is_over = true;
        self.depart(deadline)
    }

    fn depart(&self, deadline: Instant) -> Left {
        let farewell = Farewell::of(&self.database, deadline);
        let departure = self.database.lives().change(|present| {
            let departure = present.life.leave(farewell.is_some());
            if matches!(departure, Departure::Last(_)) {
                present.farewell.clone_from(&farewell);
            }
            departure
        });
        match departure {
            Departure::Others(lifespans) => Left::Others(lifespans),
            Departure::Last(turn) => Left::Last(Ending {
                database: self.database.clone(),
                turn,
                deadline,
                farewell,
                is_over: false,
            }),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.is_over
            && let Left::Last(ending) = self.depart(Instant::now() + CLOSE_WITHIN)
        {
            ending.in_background();
        }
    }
}

/// What is left to do when a lifespan has ended.
pub(super) enum Left {
    /// So many others keep the database connected.
    Others(usize),
    /// The database is to be disconnected.
    Last(Ending),
}

/// A database that is to be disconnected. Dropping it does at once what takes no time.
pub(super) struct Ending {
    database: Database,
    turn: Turn,
    deadline: Instant,
    /// What runs on disconnect, as long as it has not run.
    farewell: Option<Farewell>,
    is_over: bool,
}

impl Ending {
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What runs on disconnect, as long as it has not run.
    pub(super) fn farewell(&self) -> Option<&Farewell> {
        self.farewell.as_ref()
    }

    /// What runs on disconnect has run.
    pub(super) fn has_parted(&mut self) {
        if let Some(farewell) = self.farewell.take() {
            farewell.end();
        }
    }

    /// From now on connections are not kept; whether nobody has overtaken the parting and uses them.
    pub(super) fn part(&self) -> bool {
        let lives = self.database.lives();
        let is_current = lives.change(|present| present.life.part(self.turn));
        lives.tell();
        is_current
    }

    /// Nobody waits for connections in use any more.
    pub(super) fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        self.is_over = true;
        let lives = self.database.lives();
        lives.change(|present| present.life.close(self.turn));
        lives.tell();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.is_over {
            if self.farewell.is_some() {
                tracing::warn!(
                    database = %self.database,
                    "a database was disconnected and its `on_disconnect` hook did not run to its end: the lifespan was \
                     dropped where no tokio runtime goes on; call `close().await` and wait for it"
                );
            }
            self.has_parted();
            let is_current = self.part();
            self.close();
            if is_current {
                self.database.source().sweep();
            }
        }
    }
}

fn say_overtaken(database: &Database) {
    tracing::warn!(
        %database,
        "a database is connected again before its `on_disconnect` hook has come to its end: the time of the hook is \
         over, or the runtime that drives it stands still"
    );
}

/// Waits for a change, for as long as nobody need look again.
async fn pause(changes: impl Future<Output = ()>) {
    if Handle::try_current().is_ok() {
        // Either way it is looked at again.
        let _ = timeout(BEAT, changes).await;
    } else {
        // Without a runtime there is no clock, and whatever is done blocks the thread.
        std::thread::sleep(BEAT / 10);
    }
}

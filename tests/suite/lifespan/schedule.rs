//! Ten thousand random schedules: eight threads connect, nest, overlap, fail, give up, close and drop as it comes, and
//! afterwards nothing is open, by the pool's own count and by the server's.

use std::{
    fs,
    future::Future,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use estoult::{
    Database, Error, ErrorKind, Lifespan, Registry, Result, batch, database::DatabaseState, sql,
};
use tokio::runtime::{Builder, Runtime};

use super::nowhere;
use crate::support::{
    Backend, Dice, Fresh, cut_after, eventually, on_every_fresh, runtime,
    servers::{mysql_url, postgres_url},
    within,
};

const THREADS: usize = 8;
/// How many schedules a thread runs before it waits for the others.
const IN_A_ROUND: usize = 2;

/// How many schedules there are on each database; ten thousand in all.
fn schedules(backend: Backend) -> usize {
    match backend {
        Backend::Sqlite => 8_992,
        Backend::Postgres | Backend::MySql => 512,
    }
}

/// What all threads share.
struct Table {
    db: Database,
    /// It has the database and one that can't be reached.
    broken: Registry,
    /// Lifespans that one thread has left for another to end.
    left: Mutex<Vec<Lifespan>>,
    /// How many runs of each kind there were.
    counts: [AtomicUsize; 8],
}

/// Where a thread runs its futures.
enum Place<'r> {
    Own(Runtime),
    Shared(&'r Runtime),
}

impl Place<'_> {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = within("a step ends", future);
        match self {
            Self::Own(runtime) => runtime.block_on(bounded),
            Self::Shared(runtime) => runtime.block_on(bounded),
        }
    }
}

/// Counts a hook that did not come to its end.
struct Cut(Option<Arc<AtomicUsize>>);

impl Cut {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        Self(Some(Arc::clone(count)))
    }

    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One schedule of one thread: a few steps as the dice fall.
fn run(table: &Table, place: &Place<'_>, seed: usize) -> Result<()> {
    let mut dice = Dice::new(seed);
    let mut own: Vec<Lifespan> = Vec::new();
    for _ in 0..=dice.roll(6) {
        let step = dice.roll(table.counts.len());
        step_of(table, place, &mut dice, &mut own, step)?;
        table.counts[step].fetch_add(1, Ordering::Relaxed);
    }
    // Lifespans that are left for others must not keep it connected for ever.
    let left = std::mem::take(&mut *table.left.lock().unwrap());
    drop(left);
    match dice.roll(3) {
        // Outside of the runtime.
        0 => drop(own),
        1 => place.block_on(async { drop(own) }),
        _ => own
            .into_iter()
            .try_for_each(|lifespan| place.block_on(lifespan.close()))?,
    }
    Ok(())
}

fn step_of(
    table: &Table,
    place: &Place<'_>,
    dice: &mut Dice,
    own: &mut Vec<Lifespan>,
    step: usize,
) -> Result<()> {
    let db = &table.db;
    match step {
        0 | 1 => match place.block_on(db.connect()) {
            Ok(lifespan) => own.push(lifespan),
            // Now and then what runs on connect refuses.
            Err(error) => assert!(error.message().contains("not this time"), "{error}"),
        },
        2 => {
            let error = place.block_on(table.broken.connect()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        }
        3 => {
            let polls = dice.roll(4);
            if let Some(Ok(lifespan)) = place.block_on(cut_after(polls, db.connect())) {
                own.push(lifespan);
            }
        }
        4 => {
            if let Some(lifespan) = own.pop() {
                let (first, second) = (lifespan.clone(), lifespan);
                table.left.lock().unwrap().push(first);
                own.insert(0, second);
            }
        }
        5 => {
            let found = table.left.lock().unwrap().pop();
            if let Some(lifespan) = found {
                let closed = place.block_on(lifespan.close_within(Duration::from_secs(10)));
                assert!(closed.is_complete(), "{closed}");
            }
        }
        6 => drop(own.pop()),
        _ => {
            if !own.is_empty() {
                place.block_on(batch(db, "select 1"))?;
            }
        }
    }
    Ok(())
}

on_every_fresh!(random_schedules_leave_nothing_open, |fresh| {
    let tries = Arc::new(AtomicUsize::new(0));
    let cut = Arc::new(AtomicUsize::new(0));
    let (tried, cut_on_connect, cut_on_disconnect) =
        (Arc::clone(&tries), Arc::clone(&cut), Arc::clone(&cut));
    let db = Database::builder(&fresh.url)
        .acquire_timeout(Duration::from_secs(20))
        .on_connect(move |db: Database| {
            let (number, cut) = (
                tried.fetch_add(1, Ordering::Relaxed),
                Cut::new(&cut_on_connect),
            );
            async move {
                batch(&db, "select 1").await?;
                cut.has_ended();
                match number % 7 {
                    6 => Err(Error::custom("not this time")),
                    _ => Ok(()),
                }
            }
        })
        .on_disconnect(move |db: Database| {
            let cut = Cut::new(&cut_on_disconnect);
            async move {
                batch(&db, "select 1").await?;
                cut.has_ended();
                Ok(())
            }
        })
        .build()?;
    let table = Table {
        broken: Registry::builder(db.clone())
            .extra("files", nowhere(&Fresh::new(Backend::Sqlite)))
            .build()?,
        db,
        left: Mutex::default(),
        counts: Default::default(),
    };
    let shared = runtime();
    let rounds = schedules(fresh.backend()) / THREADS / IN_A_ROUND;
    // All begin at the same moment, on a database that is not connected.
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (table, start, shared) = (&table, &start, &shared);
            scope.spawn(move || {
                let place = if number % 2 == 0 {
                    Place::Own(Builder::new_current_thread().enable_all().build().unwrap())
                } else {
                    Place::Shared(shared)
                };
                for round in 0..rounds {
                    start.wait();
                    for turn in 0..IN_A_ROUND {
                        let seed = (round * IN_A_ROUND + turn) * THREADS + number;
                        run(table, &place, seed)
                            .unwrap_or_else(|error| panic!("schedule {seed}: {error}"));
                    }
                }
            });
        }
    });
    let left = std::mem::take(&mut *table.left.lock().unwrap());
    shared.block_on(async {
        drop(left);
        let db = &table.db;
        eventually("all is closed", async || {
            (db.state(), db.status().open, db.status().in_use) == (DatabaseState::Idle, 0, 0)
        })
        .await;
        // A hook that is ended while it runs may have begun to use what is no longer connected; no other caller may.
        let (used, cut) = (db.used_unconnected(), cut.load(Ordering::Relaxed));
        assert!(
            used <= u64::try_from(cut).unwrap(),
            "used {used} times, with {cut} hooks cut short"
        );
        eventually("the server has no connection left", async || {
            open_connections(fresh).await == 0
        })
        .await;
    });
    assert!(
        table
            .counts
            .iter()
            .all(|count| count.load(Ordering::Relaxed) > 100)
    );
    let tries = tries.load(Ordering::Relaxed);
    assert!(
        tries > rounds / 2,
        "it was connected {tries} times in {rounds} rounds"
    );
    Ok(())
});

/// How many connections the server, or for a file the operating system, knows of.
async fn open_connections(fresh: &Fresh) -> usize {
    let (_, name) = fresh.url.rsplit_once('/').unwrap();
    let name = name.split('?').next().unwrap();
    let (server, text) = match fresh.backend() {
        Backend::Sqlite => return open_files(fresh.url.trim_start_matches("sqlite:")),
        Backend::Postgres => (
            postgres_url(),
            "select count(*) from pg_stat_activity where datname = :name",
        ),
        Backend::MySql => (
            mysql_url(),
            "select count(*) from information_schema.processlist where db = :name",
        ),
    };
    let observer = Database::builder(server)
        .max_connections(1)
        .build()
        .unwrap();
    let lifespan = observer.connect().await.unwrap();
    let (count,): (i64,) = sql(text).bind("name", name).one(&observer).await.unwrap();
    lifespan.close().await.unwrap();
    usize::try_from(count).unwrap()
}

/// How often this process has a file open, where the operating system lists that.
fn open_files(path: &str) -> usize {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return 0;
    };
    let targets = entries
        .flatten()
        .flat_map(|entry| fs::read_link(entry.path()));
    targets.filter(|target| target.starts_with(path)).count()
}

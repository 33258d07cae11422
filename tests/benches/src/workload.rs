//! What is measured: the workloads, what a contender must offer for them, and the answer they owe.
//! Invariant: no contender and no clock here.

use std::error::Error;
use std::future::Future;

use clap::ValueEnum;

use crate::sample::{self, Note, Post, Reading, Sample, Titled, Unit, User};

/// Whatever a driver reports; the harness adds who and what.
pub type Failure = Box<dyn Error + Send + Sync>;
pub type Result<T, E = Failure> = std::result::Result<T, E>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Workload {
    /// One user by its key.
    ByKey,
    /// The users up to a key: 1, 100, 1000 and 10 000 rows of four columns.
    #[value(name = "rows_1")]
    Rows1,
    #[value(name = "rows_100")]
    Rows100,
    #[value(name = "rows_1000")]
    Rows1000,
    #[value(name = "rows_10000")]
    Rows10000,
    /// 1000 rows of 25 columns.
    #[value(name = "wide_1000")]
    Wide1000,
    /// 100 posts, each with the name of its author.
    Join,
    /// One row with a generated key, which is returned.
    InsertOne,
    /// One column of a row that is known by its key.
    UpdateOne,
    /// A lookup, two inserts and two updates in one transaction.
    Transaction,
    /// Many rows, whose keys nobody asks for.
    #[value(name = "bulk_1000")]
    Bulk1000,
    #[value(name = "bulk_10000")]
    Bulk10000,
    /// 100 users, each with its ten posts.
    Preload,
    /// Users by key, asked for by 64 tasks that share ten connections.
    #[value(name = "tasks_64")]
    Tasks64,
    /// A connection is taken from a pool and given back.
    Acquire,
}

impl Workload {
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether the notes must be cleared before a batch.
    pub fn is_insert(self) -> bool {
        matches!(
            self,
            Self::InsertOne | Self::Transaction | Self::Bulk1000 | Self::Bulk10000
        )
    }

    /// How many rows a workload of many rows reads or writes.
    pub fn rows(self) -> usize {
        match self {
            Self::Rows1 => 1,
            Self::Rows100 => 100,
            Self::Rows1000 | Self::Bulk1000 => 1_000,
            Self::Rows10000 | Self::Bulk10000 => 10_000,
            _ => 0,
        }
    }
}

/// What a contender does for the workloads, with rows of its own types.
pub trait Operations: Send + 'static {
    type User: Into<User> + Send;
    type Post: Into<Post> + Send;
    type Reading: Into<Reading> + Send;
    /// The row that an update starts from.
    type Counter: From<sample::Counter> + Send;
    /// Something that many tasks may ask at once.
    type Shared: Clone + Send + Sync + 'static;

    /// Whether the futures are never pending, so that a batch may run on any thread.
    const BLOCKING: bool = false;

    /// Whether this contender has no way to do what a workload asks for.
    fn lacks(&self, _workload: Workload) -> bool {
        false
    }

    /// Runs a batch of a blocking contender in the surroundings that it needs.
    fn surround<T: Send>(
        _shared: &Self::Shared,
        batch: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        batch()
    }

    fn by_key(&mut self, id: i64) -> impl Future<Output = Result<Self::User>> + Send;
    fn up_to(&mut self, id: i64) -> impl Future<Output = Result<Vec<Self::User>>> + Send;
    fn readings(&mut self) -> impl Future<Output = Result<Vec<Self::Reading>>> + Send;
    fn titled(&mut self) -> impl Future<Output = Result<Vec<Titled>>> + Send;
    fn authors(&mut self) -> impl Future<Output = Result<Authors<Self::User, Self::Post>>> + Send;
    fn insert(&mut self, note: Note) -> impl Future<Output = Result<i64>> + Send;
    fn update(
        &mut self,
        counter: Self::Counter,
        value: i64,
    ) -> impl Future<Output = Result<()>> + Send;
    fn transaction(&mut self, unit: Unit) -> impl Future<Output = Result<Self::User>> + Send;
    fn bulk(&mut self, notes: Vec<Note>) -> impl Future<Output = Result<()>> + Send;
    fn shared(&self) -> Self::Shared;
    fn by_key_shared(
        shared: &Self::Shared,
        id: i64,
    ) -> impl Future<Output = Result<Self::User>> + Send;
    fn acquire(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Parents, each with its children.
pub type Authors<U, P> = Vec<(U, Vec<P>)>;

/// What a workload returned, in the types that all contenders share.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Users(Vec<User>),
    Readings(Vec<Reading>),
    Titled(Vec<Titled>),
    Authors(Authors<User, Post>),
    /// The notes that are in the table afterwards, and the values of the counters that changed.
    Written(Vec<Note>, Vec<(i64, i64)>),
    Nothing,
}

/// Runs a workload once. What it wrote is not part of the answer.
pub async fn answer<C: Operations>(
    contender: &mut C,
    workload: Workload,
    sample: &Sample,
) -> Result<Answer> {
    let user = |user: C::User| Answer::Users(vec![user.into()]);
    Ok(match workload {
        Workload::ByKey => user(contender.by_key(Sample::key(0)).await?),
        Workload::Tasks64 => user(C::by_key_shared(&contender.shared(), Sample::key(0)).await?),
        Workload::Rows1 | Workload::Rows100 | Workload::Rows1000 | Workload::Rows10000 => {
            let rows = contender.up_to(i64::try_from(workload.rows())?).await?;
            Answer::Users(rows.into_iter().map(Into::into).collect())
        }
        Workload::Wide1000 => Answer::Readings(
            contender
                .readings()
                .await?
                .into_iter()
                .map(Into::into)
                .collect(),
        ),
        Workload::Join => Answer::Titled(contender.titled().await?),
        Workload::Preload => Answer::Authors(plain::<C>(contender.authors().await?)),
        Workload::InsertOne => {
            contender.insert(sample.note(0)).await?;
            Answer::Nothing
        }
        Workload::UpdateOne => {
            contender.update(sample.counter(0).into(), UPDATED).await?;
            Answer::Nothing
        }
        Workload::Transaction => user(contender.transaction(sample.unit(0)).await?),
        Workload::Bulk1000 | Workload::Bulk10000 => {
            contender
                .bulk(sample.notes[..workload.rows()].to_vec())
                .await?;
            Answer::Nothing
        }
        Workload::Acquire => {
            contender.acquire().await?;
            Answer::Nothing
        }
    })
}

/// The value that the proof of the update writes.
pub const UPDATED: i64 = 4_711;

fn plain<C: Operations>(authors: Authors<C::User, C::Post>) -> Authors<User, Post> {
    let plain = |(user, posts): (C::User, Vec<C::Post>)| {
        (user.into(), posts.into_iter().map(Into::into).collect())
    };
    authors.into_iter().map(plain).collect()
}

/// What [`answer`] must return, and what must be in the tables afterwards.
pub fn expected(workload: Workload, sample: &Sample) -> (Answer, Option<Answer>) {
    let by_key = |turn| {
        let key = Sample::key(turn);
        Answer::Users(
            sample
                .users
                .iter()
                .filter(|user| user.id == key)
                .cloned()
                .collect(),
        )
    };
    let written =
        |notes: &[Note], counters: Vec<(i64, i64)>| Some(Answer::Written(notes.to_vec(), counters));
    match workload {
        Workload::ByKey | Workload::Tasks64 => (by_key(0), None),
        Workload::Rows1 | Workload::Rows100 | Workload::Rows1000 | Workload::Rows10000 => (
            Answer::Users(sample.users[..workload.rows()].to_vec()),
            None,
        ),
        Workload::Wide1000 => (Answer::Readings(sample.readings.clone()), None),
        Workload::Join => (Answer::Titled(sample.titled()), None),
        Workload::Preload => (Answer::Authors(sample.authors()), None),
        Workload::InsertOne => (Answer::Nothing, written(&[sample.note(0)], Vec::new())),
        Workload::UpdateOne => (
            Answer::Nothing,
            written(&[], vec![(sample.counter(0).id, UPDATED)]),
        ),
        Workload::Transaction => {
            let unit = sample.unit(0);
            let counters = unit
                .counters
                .iter()
                .map(|counter| (counter.id, unit.value))
                .collect();
            (by_key(0), written(&unit.notes, counters))
        }
        Workload::Bulk1000 | Workload::Bulk10000 => (
            Answer::Nothing,
            written(&sample.notes[..workload.rows()], Vec::new()),
        ),
        Workload::Acquire => (Answer::Nothing, None),
    }
}

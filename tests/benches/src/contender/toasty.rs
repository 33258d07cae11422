//! Toasty on PostgreSQL, through its pool. Its way of reading several tables at once is raw SQL.

use chrono::NaiveDateTime;
use jiff::civil::DateTime;
use toasty::stmt::Value;
use toasty::{Db, Deferred, Executor, Model};

use crate::contender::{CONNECTIONS, Start};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Titled, Unit};
use crate::workload::{Authors, Operations, Result};

const TITLED: &str = "select p.id, p.title, u.name from posts p join users u on u.id = p.user_id \
    where u.id <= $1 order by p.id";

#[derive(Debug, Model)]
#[table = "users"]
pub struct User {
    #[key]
    id: i64,
    name: String,
    email: Option<String>,
    created_at: DateTime,
    #[has_many]
    posts: Deferred<Vec<Post>>,
}

#[derive(Debug, Model)]
#[table = "posts"]
pub struct Post {
    #[key]
    id: i64,
    #[index]
    user_id: i64,
    #[belongs_to(key = user_id, references = id)]
    user: Deferred<User>,
    title: String,
}

#[derive(Debug, Model)]
#[table = "counters"]
pub struct Counter {
    #[key]
    id: i64,
    label: String,
    value: i64,
}

#[derive(Debug, Model)]
#[table = "notes"]
struct Note {
    #[key]
    #[auto]
    id: i64,
    user_id: i64,
    body: String,
    created_at: DateTime,
}

/// Written out once more, since this derive does not see the fields that a macro gives it.
#[derive(Debug, Model)]
#[table = "readings"]
pub struct Reading {
    #[key]
    id: i64,
    device: String,
    place: String,
    unit: String,
    remark: Option<String>,
    tag: Option<String>,
    sequence: i64,
    batch: i64,
    owner: i64,
    parent: Option<i64>,
    successor: Option<i64>,
    channel: i32,
    level: i32,
    attempts: i32,
    priority: i32,
    valid: bool,
    archived: bool,
    low: f64,
    high: f64,
    mean: f64,
    deviation: f64,
    firmware: String,
    checked: Option<bool>,
    taken_at: DateTime,
    stored_at: DateTime,
}

impl From<User> for sample::User {
    fn from(row: User) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: row.email,
            created_at: chrono(row.created_at),
        }
    }
}

impl From<Post> for sample::Post {
    fn from(row: Post) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            title: row.title,
        }
    }
}

impl From<Reading> for sample::Reading {
    fn from(row: Reading) -> Self {
        Self {
            id: row.id,
            device: row.device,
            place: row.place,
            unit: row.unit,
            remark: row.remark,
            tag: row.tag,
            sequence: row.sequence,
            batch: row.batch,
            owner: row.owner,
            parent: row.parent,
            successor: row.successor,
            channel: row.channel,
            level: row.level,
            attempts: row.attempts,
            priority: row.priority,
            valid: row.valid,
            archived: row.archived,
            low: row.low,
            high: row.high,
            mean: row.mean,
            deviation: row.deviation,
            firmware: row.firmware,
            checked: row.checked,
            taken_at: chrono(row.taken_at),
            stored_at: chrono(row.stored_at),
        }
    }
}

impl From<sample::Counter> for Counter {
    fn from(row: sample::Counter) -> Self {
        Self {
            id: row.id,
            label: row.label,
            value: row.value,
        }
    }
}

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let connect = async {
        Db::builder()
            .models(toasty::models!(User, Counter, Note, Reading))
            .max_pool_size(CONNECTIONS as usize)
            .connect(start.url)
            .await
    };
    let database = start.track.runtime.block_on(connect)?;
    Ok(Lane::boxed(start, Toasty { database }))
}

struct Toasty {
    database: Db,
}

impl Operations for Toasty {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = Counter;
    type Shared = Db;

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(User::get_by_id(&mut self.database, id).await?)
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        let users = User::filter(User::fields().id().le(id)).order_by(User::fields().id().asc());
        Ok(users.exec(&mut self.database).await?)
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        let readings = Reading::all().order_by(Reading::fields().id().asc());
        Ok(readings.exec(&mut self.database).await?)
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        let rows = toasty::sql::query(TITLED)
            .bind(JOINED_AUTHORS)
            .exec(&mut self.database)
            .await?;
        rows.into_iter().map(titled).collect()
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        let users =
            User::filter(User::fields().id().le(AUTHORS)).order_by(User::fields().id().asc());
        let users = users
            .include(User::fields().posts())
            .exec(&mut self.database)
            .await?;
        let own = |mut user: User| {
            let posts = std::mem::take(&mut user.posts);
            let mut posts = posts.into_inner();
            posts.sort_unstable_by_key(|post| post.id);
            (user, posts)
        };
        Ok(users.into_iter().map(own).collect())
    }

    async fn insert(&mut self, note: sample::Note) -> Result<i64> {
        insert(&mut self.database, note).await
    }

    async fn update(&mut self, mut counter: Counter, value: i64) -> Result<()> {
        toasty::update!(counter { value })
            .exec(&mut self.database)
            .await?;
        Ok(())
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        let mut transaction = self.database.transaction().await?;
        let user = User::get_by_id(&mut transaction, unit.user).await?;
        for note in unit.notes {
            insert(&mut transaction, note).await?;
        }
        for counter in unit.counters {
            let mut counter = Counter::from(counter);
            toasty::update!(counter { value: unit.value })
                .exec(&mut transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(user)
    }

    async fn bulk(&mut self, notes: Vec<sample::Note>) -> Result<()> {
        let mut many = Note::create_many();
        for note in notes {
            many = many.with_item(|new| {
                new.user_id(note.user_id)
                    .body(note.body)
                    .created_at(civil(note.created_at))
            });
        }
        many.exec(&mut self.database).await?;
        Ok(())
    }

    fn shared(&self) -> Db {
        self.database.clone()
    }

    async fn by_key_shared(database: &Db, id: i64) -> Result<User> {
        Ok(User::get_by_id(&mut database.clone(), id).await?)
    }

    async fn acquire(&mut self) -> Result<()> {
        drop(self.database.connection().await?);
        Ok(())
    }
}

async fn insert(executor: &mut dyn Executor, note: sample::Note) -> Result<i64> {
    let new = Note::create().user_id(note.user_id).body(note.body);
    let note = new
        .created_at(civil(note.created_at))
        .exec(executor)
        .await?;
    Ok(note.id)
}

fn titled(row: Value) -> Result<Titled> {
    let Value::Record(row) = row else {
        return Err("a row is a record".into());
    };
    let mut cells = row.fields.into_iter();
    match (cells.next(), cells.next(), cells.next()) {
        (Some(Value::I64(id)), Some(Value::String(title)), Some(Value::String(name))) => {
            Ok((id, title, name))
        }
        _ => Err("other columns than were asked for".into()),
    }
}

/// The timestamp in the form of jiff, which is the one that Toasty takes.
fn civil(time: NaiveDateTime) -> DateTime {
    let since = time.and_utc();
    let seconds = jiff::SignedDuration::new(since.timestamp(), 0);
    let nanos = jiff::SignedDuration::from_nanos(since.timestamp_subsec_nanos().into());
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0).saturating_add(seconds + nanos)
}

fn chrono(time: DateTime) -> NaiveDateTime {
    let since = time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    let nanos = u32::try_from(since.subsec_nanos()).unwrap_or_default();
    let time = chrono::DateTime::from_timestamp(since.as_secs(), nanos);
    time.map(|time| time.naive_utc()).unwrap_or_default()
}

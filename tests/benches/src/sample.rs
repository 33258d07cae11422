//! The rows that every contender reads and writes: made from a seed, the same in every run.
//! Invariant: nothing here knows a database.

use chrono::{DateTime, NaiveDateTime};

/// How many users there are; the largest result set asks for all of them.
pub const USERS: i64 = 10_000;
/// How many users have posts, and how many posts each of them has.
pub const AUTHORS: i64 = 100;
pub const POSTS_OF_AN_AUTHOR: i64 = 10;
/// How many rows the table of 25 columns has.
pub const READINGS: i64 = 1_000;
pub const COUNTERS: i64 = 1_000;
/// How many rows the largest bulk insert writes.
pub const NOTES: usize = 10_000;

#[derive(Debug, Clone, PartialEq)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub email: Option<String>,
    pub created_at: NaiveDateTime,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    pub id: i64,
    pub user_id: i64,
    pub title: String,
}

/// What the join reads: the key and title of a post, and the name of its author.
pub type Titled = (i64, String, String);

#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    pub id: i64,
    pub label: String,
    pub value: i64,
}

/// What the writing workloads insert; the database adds the key.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub user_id: i64,
    pub body: String,
    pub created_at: NaiveDateTime,
}

/// Five statements between one BEGIN and one COMMIT: a lookup, two inserts, two updates.
#[derive(Debug, Clone)]
pub struct Unit {
    pub user: i64,
    pub notes: [Note; 2],
    pub counters: [Counter; 2],
    pub value: i64,
}

/// Writes out a struct of the 25 columns of `readings`, with the attributes that a contender needs.
macro_rules! reading {
    ($(#[$attribute:meta])* $name:ident { $(#[$key:meta])* id } $(=> $plain:ty)?) => {
        $(#[$attribute])*
        pub struct $name {
            $(#[$key])*
            pub id: i64,
            pub device: String,
            pub place: String,
            pub unit: String,
            pub remark: Option<String>,
            pub tag: Option<String>,
            pub sequence: i64,
            pub batch: i64,
            pub owner: i64,
            pub parent: Option<i64>,
            pub successor: Option<i64>,
            pub channel: i32,
            pub level: i32,
            pub attempts: i32,
            pub priority: i32,
            pub valid: bool,
            pub archived: bool,
            pub low: f64,
            pub high: f64,
            pub mean: f64,
            pub deviation: f64,
            pub firmware: String,
            pub checked: Option<bool>,
            pub taken_at: NaiveDateTime,
            pub stored_at: NaiveDateTime,
        }
        $(impl From<$name> for $plain {
            fn from(row: $name) -> Self {
                Self {
                    id: row.id, device: row.device, place: row.place, unit: row.unit,
                    remark: row.remark, tag: row.tag, sequence: row.sequence, batch: row.batch,
                    owner: row.owner, parent: row.parent, successor: row.successor,
                    channel: row.channel, level: row.level, attempts: row.attempts,
                    priority: row.priority, valid: row.valid, archived: row.archived,
                    low: row.low, high: row.high, mean: row.mean, deviation: row.deviation,
                    firmware: row.firmware, checked: row.checked,
                    taken_at: row.taken_at, stored_at: row.stored_at,
                }
            }
        })?
    };
}
pub(crate) use reading;

reading!(
    #[derive(Debug, Clone, PartialEq)]
    Reading { id }
);

/// The columns of `readings`, in the order of the struct.
pub const READING_COLUMNS: &str = "id, device, place, unit, remark, tag, sequence, batch, owner, \
    parent, successor, channel, level, attempts, priority, valid, archived, low, high, mean, \
    deviation, firmware, checked, taken_at, stored_at";

#[derive(Debug)]
pub struct Sample {
    pub users: Vec<User>,
    pub posts: Vec<Post>,
    pub readings: Vec<Reading>,
    pub counters: Vec<Counter>,
    pub notes: Vec<Note>,
}

impl Sample {
    pub fn generate() -> Self {
        let mut source = Generator::new(0x0E57_0017);
        let posts = AUTHORS * POSTS_OF_AN_AUTHOR;
        Self {
            users: (1..=USERS).map(|id| source.user(id)).collect(),
            // Neighbours belong to different authors, as posts that are written over time do.
            posts: (1..=posts)
                .map(|id| source.post(id, (id - 1) % AUTHORS + 1))
                .collect(),
            readings: (1..=READINGS).map(|id| source.reading(id)).collect(),
            counters: (1..=COUNTERS).map(|id| source.counter(id)).collect(),
            notes: (0..NOTES).map(|_| source.note()).collect(),
        }
    }

    /// The key that the lookup with this number asks for: spread over the whole table.
    pub fn key(turn: u32) -> i64 {
        i64::from(turn) * 7_919 % USERS + 1
    }

    /// The row that the update with this number changes.
    pub fn counter(&self, turn: u32) -> Counter {
        self.counters[turn as usize * 37 % self.counters.len()].clone()
    }

    pub fn note(&self, turn: u32) -> Note {
        self.notes[turn as usize % self.notes.len()].clone()
    }

    pub fn unit(&self, turn: u32) -> Unit {
        Unit {
            user: Self::key(turn),
            notes: [self.note(turn), self.note(turn + 1)],
            counters: [self.counter(turn), self.counter(turn + 1)],
            value: i64::from(turn) + 1_000_000,
        }
    }

    /// The rows of the join: the posts of the first ten authors.
    pub fn titled(&self) -> Vec<Titled> {
        let posts = self
            .posts
            .iter()
            .filter(|post| post.user_id <= JOINED_AUTHORS);
        posts
            .map(|post| (post.id, post.title.clone(), self.author(post).name.clone()))
            .collect()
    }

    /// The first hundred users, each with its posts in the order of their keys.
    pub fn authors(&self) -> Vec<(User, Vec<Post>)> {
        let authors = self.users.iter().filter(|user| user.id <= AUTHORS);
        authors
            .map(|user| (user.clone(), self.posts_of(user.id)))
            .collect()
    }

    fn author(&self, post: &Post) -> &User {
        &self.users[usize::try_from(post.user_id - 1).unwrap_or_default()]
    }

    fn posts_of(&self, user: i64) -> Vec<Post> {
        self.posts
            .iter()
            .filter(|post| post.user_id == user)
            .cloned()
            .collect()
    }
}

/// The join reads the posts of the authors up to this key.
pub const JOINED_AUTHORS: i64 = 10;

/// Splitmix64: short, and the same numbers on every machine.
#[derive(Debug)]
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers below the limit, each once, in an order of its own.
    pub fn order(&mut self, limit: usize) -> Vec<usize> {
        let mut keyed: Vec<_> = (0..limit).map(|place| (self.number(), place)).collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, place)| place).collect()
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u32) -> i32 {
        i32::try_from(self.number() % u64::from(limit)).unwrap_or_default()
    }

    fn integer(&mut self) -> i64 {
        i64::from(self.below(1_000_000_000))
    }

    /// A third or so of a binary fraction, so that no digit is lost on any way.
    fn float(&mut self) -> f64 {
        f64::from(self.below(1_000_000)) / 64.0
    }

    fn flag(&mut self) -> bool {
        self.number().is_multiple_of(3)
    }

    fn text(&mut self, words: usize) -> String {
        const WORDS: [&str; 8] = [
            "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour",
        ];
        let mut text = String::new();
        for index in 0..words {
            if index > 0 {
                text.push(' ');
            }
            text.push_str(WORDS[usize::try_from(self.number() % 8).unwrap_or_default()]);
        }
        text
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.number().is_multiple_of(5) {
            None
        } else {
            Some(make(self))
        }
    }

    /// A time with microseconds, as all three databases keep them.
    fn time(&mut self) -> NaiveDateTime {
        let micros = 1_700_000_000_000_000 + self.integer() * 31_337 + 1;
        DateTime::from_timestamp_micros(micros)
            .unwrap_or_default()
            .naive_utc()
    }

    fn user(&mut self, id: i64) -> User {
        let name = format!("{} {id}", self.text(2));
        let email = self.some(|source| format!("{}{id}@example.org", source.text(1)));
        User {
            id,
            name,
            email,
            created_at: self.time(),
        }
    }

    fn post(&mut self, id: i64, user_id: i64) -> Post {
        Post {
            id,
            user_id,
            title: self.text(5),
        }
    }

    fn counter(&mut self, id: i64) -> Counter {
        Counter {
            id,
            label: self.text(2),
            value: i64::from(self.below(1_000)),
        }
    }

    fn note(&mut self) -> Note {
        Note {
            user_id: i64::from(self.below(10_000)) + 1,
            body: self.text(6),
            created_at: self.time(),
        }
    }

    fn reading(&mut self, id: i64) -> Reading {
        Reading {
            id,
            device: self.text(2),
            place: self.text(3),
            unit: self.text(1),
            remark: self.some(|source| source.text(8)),
            tag: self.some(|source| source.text(1)),
            sequence: self.integer(),
            batch: self.integer(),
            owner: self.integer(),
            parent: self.some(Self::integer),
            successor: self.some(Self::integer),
            channel: self.below(64),
            level: self.below(1_000),
            attempts: self.below(10),
            priority: self.below(5),
            valid: self.flag(),
            archived: self.flag(),
            low: self.float(),
            high: self.float(),
            mean: self.float(),
            deviation: self.float(),
            firmware: self.text(2),
            checked: self.some(Self::flag),
            taken_at: self.time(),
            stored_at: self.time(),
        }
    }
}

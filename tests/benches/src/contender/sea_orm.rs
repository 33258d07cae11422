//! SeaORM on three databases, through its pool, as it takes every statement. Inserts return no more
//! than the key, updates nothing: the fastest of the ways that it offers.

mod entity;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection,
    EntityTrait, IntoActiveModel, JoinType, LoaderTrait, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, TransactionTrait,
};

use crate::contender::{CONNECTIONS, Start};
use crate::lane::{Contender, Lane};
use crate::sample::{self, AUTHORS, JOINED_AUTHORS, Titled, Unit};
use crate::workload::{Authors, Operations, Result, Workload};

use entity::{counter, note, post, reading, user};

/// Rows in one INSERT of many.
const CHUNK: usize = 1_000;

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let mut options = ConnectOptions::new(start.url);
    options
        .max_connections(CONNECTIONS)
        .test_before_acquire(false)
        .sqlx_logging(false);
    options.map_sqlx_sqlite_opts(|options| {
        let options = options.journal_mode(SqliteJournalMode::Wal);
        options
            .synchronous(SqliteSynchronous::Normal)
            .row_buffer_size(1_024)
    });
    let database = start.track.runtime.block_on(Database::connect(options))?;
    Ok(Lane::boxed(start, SeaOrm { database }))
}

struct SeaOrm {
    database: DatabaseConnection,
}

impl Operations for SeaOrm {
    type User = user::Model;
    type Post = post::Model;
    type Reading = reading::Model;
    type Counter = counter::Model;
    type Shared = DatabaseConnection;

    fn lacks(&self, workload: Workload) -> bool {
        workload == Workload::Acquire
    }

    async fn by_key(&mut self, id: i64) -> Result<user::Model> {
        by_key(&self.database, id).await
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<user::Model>> {
        let users = user::Entity::find()
            .filter(user::Column::Id.lte(id))
            .order_by_asc(user::Column::Id);
        Ok(users.all(&self.database).await?)
    }

    async fn readings(&mut self) -> Result<Vec<reading::Model>> {
        Ok(reading::Entity::find()
            .order_by_asc(reading::Column::Id)
            .all(&self.database)
            .await?)
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        let posts = post::Entity::find()
            .select_only()
            .columns([post::Column::Id, post::Column::Title]);
        let joined = posts
            .column(user::Column::Name)
            .join(JoinType::InnerJoin, post::Relation::User.def());
        let titled = joined
            .filter(user::Column::Id.lte(JOINED_AUTHORS))
            .order_by_asc(post::Column::Id);
        Ok(titled.into_tuple().all(&self.database).await?)
    }

    async fn authors(&mut self) -> Result<Authors<user::Model, post::Model>> {
        let users = self.up_to(AUTHORS).await?;
        let posts = post::Entity::find().order_by_asc(post::Column::Id);
        let posts = users.load_many(posts, &self.database).await?;
        Ok(users.into_iter().zip(posts).collect())
    }

    async fn insert(&mut self, note: sample::Note) -> Result<i64> {
        insert(&self.database, note).await
    }

    async fn update(&mut self, counter: counter::Model, value: i64) -> Result<()> {
        update(&self.database, counter, value).await
    }

    async fn transaction(&mut self, unit: Unit) -> Result<user::Model> {
        let transaction = self.database.begin().await?;
        let user = by_key(&transaction, unit.user).await?;
        for note in unit.notes {
            insert(&transaction, note).await?;
        }
        for counter in unit.counters {
            update(&transaction, counter.into(), unit.value).await?;
        }
        transaction.commit().await?;
        Ok(user)
    }

    async fn bulk(&mut self, notes: Vec<sample::Note>) -> Result<()> {
        let transaction = self.database.begin().await?;
        let mut notes = notes.into_iter().map(active).peekable();
        while notes.peek().is_some() {
            let chunk = notes.by_ref().take(CHUNK);
            note::Entity::insert_many(chunk)
                .exec_without_returning(&transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    fn shared(&self) -> DatabaseConnection {
        self.database.clone()
    }

    async fn by_key_shared(database: &DatabaseConnection, id: i64) -> Result<user::Model> {
        by_key(database, id).await
    }

    async fn acquire(&mut self) -> Result<()> {
        Err("SeaORM lends no connection".into())
    }
}

async fn by_key(database: &impl ConnectionTrait, id: i64) -> Result<user::Model> {
    Ok(user::Entity::find_by_id(id)
        .one(database)
        .await?
        .ok_or("no such user")?)
}

async fn insert(database: &impl ConnectionTrait, note: sample::Note) -> Result<i64> {
    Ok(note::Entity::insert(active(note))
        .exec(database)
        .await?
        .last_insert_id)
}

async fn update(
    database: &impl ConnectionTrait,
    counter: counter::Model,
    value: i64,
) -> Result<()> {
    let mut counter = counter.into_active_model();
    counter.value = ActiveValue::Set(value);
    counter::Entity::update(counter)
        .validate()?
        .exec_without_returning(database)
        .await?;
    Ok(())
}

fn active(note: sample::Note) -> note::ActiveModel {
    note::ActiveModel {
        id: ActiveValue::NotSet,
        user_id: ActiveValue::Set(note.user_id),
        body: ActiveValue::Set(note.body),
        created_at: ActiveValue::Set(note.created_at),
    }
}

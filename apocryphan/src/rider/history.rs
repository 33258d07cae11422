//! The two tables: which migrations are applied, and the log of what was done.

use std::time::Duration;

use estoult::{Reads, Transaction, sql};
use uuid::Uuid;

use super::{
    Config,
    error::{Error, Result},
    failure::Operation,
    moment::Moment,
    report::{Applied, Done},
};
use crate::backend::Differences;

/// What a column holds; the first two differ between databases.
enum Column {
    Primary,
    Key,
    Moment,
    Other(&'static str),
}

const MIGRATIONS: &[(&str, Column)] = &[
    ("migration", Column::Primary),
    ("applied_at", Column::Moment),
    ("duration_ms", Column::Other("bigint")),
];

const LOGS: &[(&str, Column)] = &[
    ("id", Column::Primary),
    ("migration", Column::Key),
    ("operation", Column::Other("varchar(56)")),
    ("username", Column::Other("varchar(128)")),
    ("hostname", Column::Other("varchar(128)")),
    ("time", Column::Moment),
    ("duration_ms", Column::Other("bigint")),
];

/// The column that tables of an older version lack.
const WIDENED: (&str, &str) = ("duration_ms", "bigint");

/// The tables of one database, found and named in full.
#[derive(Debug)]
pub(super) struct History {
    differences: &'static Differences,
    migrations: Table,
    logs: Table,
    username: String,
    hostname: String,
}

#[derive(Debug)]
struct Table {
    namespace: String,
    name: String,
    /// Quoted, with its schema where there is one.
    full: String,
}

impl Table {
    fn new(differences: &Differences, current: &str, name: &str) -> Self {
        let (namespace, name) = name.split_once('.').unwrap_or((current, name));
        let full = match namespace {
            "" => differences.quoted(name),
            namespace => format!(
                "{}.{}",
                differences.quoted(namespace),
                differences.quoted(name)
            ),
        };
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            full,
        }
    }
}

impl History {
    /// Finds out where the tables are or would be; creates nothing.
    pub(super) async fn find(
        on: &impl Reads,
        differences: &'static Differences,
        config: &Config,
    ) -> Result<Self> {
        let failed = |error| Error::database("find rider's tables", error);
        let one = |text: &'static str| sql(text).one::<(String,)>(on);
        let (current,) = one(differences.namespace).await.map_err(failed)?;
        let mut username = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
        if let Some(user) = differences.user {
            let (user,) = one(user).await.map_err(failed)?;
            username = format!("{username}/{user}");
        }
        let hostname = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
        Ok(Self {
            differences,
            migrations: Table::new(differences, &current, &config.table_name),
            logs: Table::new(differences, &current, &config.log_name),
            username: username.chars().take(128).collect(),
            hostname: hostname.chars().take(128).collect(),
        })
    }

    /// What the lock between runs is called: the same for all that use these tables.
    pub(super) fn lock_key(&self) -> String {
        let name = format!("{}.{}", self.migrations.namespace, self.migrations.name);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("rider:{hash:016x}")
    }

    /// The statements that create what is missing and widen what is older; none most of the time.
    pub(super) async fn missing_tables(&self, on: &impl Reads) -> Result<Vec<String>> {
        let mut statements = Vec::new();
        for (table, columns) in [(&self.migrations, MIGRATIONS), (&self.logs, LOGS)] {
            let known = self.columns(on, table).await?;
            if known.is_empty() {
                statements.push(self.create_table(table, columns));
            } else if !known.iter().any(|column| column == WIDENED.0) {
                let (column, kind) = WIDENED;
                statements.push(format!(
                    "alter table {} add column {column} {kind}",
                    table.full
                ));
            }
        }
        Ok(statements)
    }

    fn create_table(&self, table: &Table, columns: &[(&str, Column)]) -> String {
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, column)| match column {
                Column::Primary => format!("{name} {} primary key", self.differences.key_type),
                Column::Key => format!("{name} {}", self.differences.key_type),
                Column::Moment => format!("{name} {}", self.differences.moment_type),
                Column::Other(kind) => format!("{name} {kind}"),
            })
            .collect();
        format!(
            "create table if not exists {} ({})",
            table.full,
            columns.join(", ")
        )
    }

    /// What is applied; nothing if there is no table.
    pub(super) async fn applied(&self, on: &impl Reads) -> Result<Vec<Applied>> {
        let columns = self.columns(on, &self.migrations).await?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let duration = match columns.iter().any(|column| column == WIDENED.0) {
            true => WIDENED.0,
            false => "null",
        };
        let text = format!(
            "select migration, applied_at, {duration} from {}",
            self.migrations.full
        );
        let rows = sql(text)
            .all::<(String, Option<Moment>, Option<i64>)>(on)
            .await
            .map_err(|error| Error::database("read the history", error))?;
        let rows = rows.into_iter().map(|(id, applied_at, duration)| Applied {
            id,
            applied_at,
            duration: duration
                .and_then(|ms| u64::try_from(ms).ok())
                .map(Duration::from_millis),
        });
        Ok(rows.collect())
    }

    /// Whether a migration is applied, as the transaction sees it.
    pub(super) async fn has(&self, tx: &Transaction, id: &str) -> estoult::Result<bool> {
        let text = format!(
            "select migration from {} where migration = :id",
            self.migrations.full
        );
        let found = sql(text)
            .bind("id", id.to_owned())
            .optional::<(String,)>(tx)
            .await?;
        Ok(found.is_some())
    }

    /// Writes down what was done, in the transaction that did it.
    pub(super) async fn record(
        &self,
        tx: &Transaction,
        operation: Operation,
        done: &Done,
    ) -> estoult::Result<()> {
        let now = Moment::now();
        let duration = i64::try_from(done.duration.as_millis()).unwrap_or(i64::MAX);
        match operation {
            Operation::Apply => {
                let text = format!(
                    "insert into {} (migration, applied_at, duration_ms) values (:id, :now, :duration)",
                    self.migrations.full
                );
                let statement = sql(text).bind("id", done.id.clone()).bind("now", now);
                statement.bind("duration", duration).execute(tx).await?;
            }
            Operation::Rollback => {
                let text = format!("delete from {} where migration = :id", self.migrations.full);
                sql(text).bind("id", done.id.clone()).execute(tx).await?;
            }
        }
        let text = format!(
            "insert into {} (id, migration, operation, username, hostname, time, duration_ms) \
             values (:id, :migration, :operation, :username, :hostname, :now, :duration)",
            self.logs.full
        );
        sql(text)
            .bind("id", Uuid::new_v4().to_string())
            .bind("migration", done.id.clone())
            .bind("operation", operation.word().to_owned())
            .bind("username", self.username.clone())
            .bind("hostname", self.hostname.clone())
            .bind("now", now)
            .bind("duration", duration)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn columns(&self, on: &impl Reads, table: &Table) -> Result<Vec<String>> {
        let rows = sql(self.differences.columns)
            .bind("namespace", table.namespace.clone())
            .bind("table", table.name.clone())
            .all::<(String,)>(on)
            .await
            .map_err(|error| Error::database("look for rider's tables", error))?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }
}

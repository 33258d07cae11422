//! The two tables of rider: which migrations are applied, and the log of what was done.

use std::time::Duration;

use estoult::{Reads, Transaction, sql};
use estoult_sql::{names, syntax::Syntax};
use uuid::Uuid;

use super::{
    applied::HistoryRow,
    config::Config,
    error::{Error, Result},
    event::CompletedMigration,
    failure::Operation,
    timestamp::Timestamp,
};
use crate::{
    backend::{Description, RiderSettings},
    catalog::{Catalog, TableFilter},
};

/// The type of a column; the first three differ between databases.
enum ColumnType {
    PrimaryKey,
    Key,
    Timestamp,
    Other(&'static str),
}

const MIGRATIONS: &[(&str, ColumnType)] = &[
    ("migration", ColumnType::PrimaryKey),
    ("applied_at", ColumnType::Timestamp),
    ("duration_ms", ColumnType::Other("bigint")),
];

const LOGS: &[(&str, ColumnType)] = &[
    ("id", ColumnType::PrimaryKey),
    ("migration", ColumnType::Key),
    ("operation", ColumnType::Other("varchar(56)")),
    ("username", ColumnType::Other("varchar(128)")),
    ("hostname", ColumnType::Other("varchar(128)")),
    ("time", ColumnType::Timestamp),
    ("duration_ms", ColumnType::Other("bigint")),
];

/// The column that tables of an older version do not have.
const LATER_COLUMN: (&str, &str) = ("duration_ms", "bigint");

/// The tables of one database, and who writes to them.
#[derive(Debug)]
pub(super) struct History {
    settings: &'static RiderSettings,
    catalog: Catalog,
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
    fn new(syntax: &Syntax, current: &str, configured: &str) -> Result<Self> {
        let parts = names::split_qualified(configured, syntax);
        let (namespace, name): (&str, &str) = match parts.as_slice() {
            [name] => (current, name),
            [namespace, name] => (namespace, name),
            _ => {
                return Err(Error::usage(format!(
                    "`{configured}` is no name of a table; write `table` or `schema.table`"
                )));
            }
        };
        let quote = syntax.quote;
        // The full name is used in every statement, since a migration may change what an unqualified name means.
        let quoted = names::quoted(name, quote);
        let full = match namespace {
            "" => quoted,
            namespace => format!("{}.{quoted}", names::quoted(namespace, quote)),
        };
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            full,
        })
    }
}

impl History {
    /// Finds out where the tables are or would be; creates nothing.
    pub(super) async fn find(
        on: &impl Reads,
        description: &'static Description,
        config: &Config,
    ) -> Result<Self> {
        let failed = |error| Error::database("find rider's tables", error);
        let one = |text: &'static str| sql(text).one::<(String,)>(on);
        let settings = &description.rider;
        let (current,) = one(settings.namespace).await.map_err(failed)?;
        // The log is for people: a machine without these names can still migrate.
        let mut username = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
        if let Some(user) = settings.user {
            let (user,) = one(user).await.map_err(failed)?;
            username = format!("{username}/{user}");
        }
        let hostname = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
        let syntax = &description.syntax;
        Ok(Self {
            settings,
            catalog: Catalog::new(description),
            migrations: Table::new(syntax, &current, &config.table_name)?,
            logs: Table::new(syntax, &current, &config.log_name)?,
            // Cut to the width of their columns: a long name must not make a migration fail.
            username: username.chars().take(128).collect(),
            hostname: hostname.chars().take(128).collect(),
        })
    }

    /// The name of the lock between runs, the same for all that use these tables. It is hashed, since MySQL takes at
    /// most 64 characters; the hash is written out here, since every version of rider has to compute the same.
    pub(super) fn lock_key(&self) -> String {
        let name = format!("{}.{}", self.migrations.namespace, self.migrations.name);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("rider:{hash:016x}")
    }

    /// The statements that create missing tables and add the column that older ones lack; usually none.
    pub(super) async fn missing_tables(&self, on: &impl Reads) -> Result<Vec<String>> {
        let mut statements = Vec::new();
        // Both are looked for, since a rider may be configured with one new table and one that exists.
        for (table, columns) in [(&self.migrations, MIGRATIONS), (&self.logs, LOGS)] {
            let known = self.columns(on, table).await?;
            if known.is_empty() {
                statements.push(self.create_table(table, columns));
            } else if !has_later_column(&known) {
                let (column, sql_type) = LATER_COLUMN;
                statements.push(format!(
                    "alter table {} add column {column} {sql_type}",
                    table.full
                ));
            }
        }
        Ok(statements)
    }

    fn create_table(&self, table: &Table, columns: &[(&str, ColumnType)]) -> String {
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, column)| match column {
                ColumnType::PrimaryKey => format!("{name} {} primary key", self.settings.key_type),
                ColumnType::Key => format!("{name} {}", self.settings.key_type),
                ColumnType::Timestamp => format!("{name} {}", self.settings.timestamp_type),
                ColumnType::Other(sql_type) => format!("{name} {sql_type}"),
            })
            .collect();
        // Another run may create it between the look and this statement, where DDL is in no transaction.
        format!(
            "create table if not exists {} ({})",
            table.full,
            columns.join(", ")
        )
    }

    /// The rows of the history; none if there is no table.
    pub(super) async fn rows(&self, on: &impl Reads) -> Result<Vec<HistoryRow>> {
        let columns = self.columns(on, &self.migrations).await?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        // Listing must work before a run has added the column.
        let duration = match has_later_column(&columns) {
            true => LATER_COLUMN.0,
            false => "null",
        };
        let text = format!(
            "select migration, applied_at, {duration} from {}",
            self.migrations.full
        );
        let rows = sql(text)
            .all::<(String, Option<Timestamp>, Option<i64>)>(on)
            .await
            .map_err(|error| Error::database("read the history", error))?;
        let rows = rows
            .into_iter()
            .map(|(id, applied_at, duration)| HistoryRow {
                id,
                applied_at,
                // Only another program can have written a negative duration, which says nothing.
                duration: duration
                    .and_then(|ms| u64::try_from(ms).ok())
                    .map(Duration::from_millis),
            });
        Ok(rows.collect())
    }

    /// Whether a migration is applied, as the transaction sees it.
    pub(super) async fn contains(&self, tx: &Transaction, id: &str) -> estoult::Result<bool> {
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

    /// Writes what was done to both tables.
    pub(super) async fn record(
        &self,
        tx: &Transaction,
        operation: Operation,
        completed: &CompletedMigration,
    ) -> estoult::Result<()> {
        let now = Timestamp::now();
        let id = completed.id.clone();
        let duration = i64::try_from(completed.duration.as_millis());
        let duration = duration.map_err(|_| {
            estoult::Error::custom("the duration of the migration is too long for its column")
        })?;
        let table = &self.migrations.full;
        let change = match operation {
            Operation::Apply => sql(format!(
                "insert into {table} (migration, applied_at, duration_ms) values (:id, :now, :duration)"
            ))
            .bind("now", now)
            .bind("duration", duration),
            Operation::Rollback => sql(format!("delete from {table} where migration = :id")),
        };
        change.bind("id", id.clone()).execute(tx).await?;
        let text = format!(
            "insert into {} (id, migration, operation, username, hostname, time, duration_ms) \
             values (:id, :migration, :operation, :username, :hostname, :now, :duration)",
            self.logs.full
        );
        sql(text)
            .bind("id", Uuid::new_v4().to_string())
            .bind("migration", id)
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
        let filter = TableFilter::default()
            .schema(&*table.namespace)
            .table(&*table.name);
        let names = self.catalog.column_names(on, &filter).await;
        let names = names.map_err(|error| Error::database("look for rider's tables", error))?;
        Ok(names.into_iter().map(|name| name.column_name).collect())
    }
}

fn has_later_column(columns: &[String]) -> bool {
    columns.iter().any(|column| column == LATER_COLUMN.0)
}

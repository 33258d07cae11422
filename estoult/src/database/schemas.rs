//! The schemas of a database: creating, listing and dropping them.

use std::{future::Future, panic::Location};

use crate::{
    backend::{Features, Statement},
    connection::Connection,
    database::Database,
    error::{Error, ErrorKind, Result},
    row::FromRow,
    writer::{self, check_schema},
};

type Origin = &'static Location<'static>;

impl Database {
    /// Creates an empty schema: on PostgreSQL a schema, on MySQL a database of the server, on SQLite a file beside the
    /// database's own, `shop.tenant_7.db` for `shop.db`.
    ///
    /// # Errors
    ///
    /// `Configuration` when the database can't have a schema of this name, `Query` when there is one already or the
    /// user lacks the right.
    #[track_caller]
    pub fn create_schema<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        let origin = Location::caller();
        async move {
            let created = create(self, name, origin).await;
            created.map_err(|error| error.at(origin))
        }
    }

    /// Drops a schema that has no tables.
    ///
    /// # Errors
    ///
    /// `Query` when there is none of this name, or when it has tables; `Configuration` when no schema can be named so.
    #[track_caller]
    pub fn drop_schema<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        let origin = Location::caller();
        async move {
            let dropped = drop_one(self, name, false, origin).await;
            dropped.map_err(|error| error.at(origin))
        }
    }

    /// Drops a schema with all tables and rows in it.
    ///
    /// # Errors
    ///
    /// As for [`drop_schema`](Self::drop_schema), but for the tables.
    #[track_caller]
    pub fn drop_schema_and_tables<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        let origin = Location::caller();
        async move {
            let dropped = drop_one(self, name, true, origin).await;
            dropped.map_err(|error| error.at(origin))
        }
    }

    /// The names of the schemas in order, without those that belong to the database itself.
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when there is no connection.
    #[track_caller]
    pub fn schemas(&self) -> impl Future<Output = Result<Vec<String>>> + Send + '_ {
        let origin = Location::caller();
        async move {
            let names = async {
                let mut connection = self.acquire(origin).await?;
                if connection.features().opens_schemas {
                    return connection.schemas().await;
                }
                let statement = Statement::plain(connection.features().list_schemas);
                let rows = connection
                    .rows(statement, <(String,)>::from_row, "")
                    .await?;
                Ok(rows.into_iter().map(|(name,)| name).collect())
            };
            names.await.map_err(|error: Error| error.at(origin))
        }
    }
}

async fn create(database: &Database, name: &str, origin: Origin) -> Result<()> {
    database.check_writable(&format!("create the schema `{name}`"))?;
    let mut connection = database.acquire(origin).await?;
    let features = connection.features();
    check_schema(name, features)?;
    if features.opens_schemas {
        return connection.create_schema(name).await;
    }
    let text = writer::create_schema(name, features);
    connection
        .control(&text)
        .await
        .map_err(|error| error.context(&format!("create the schema `{name}`")))
}

async fn drop_one(
    database: &Database,
    name: &str,
    takes_tables: bool,
    origin: Origin,
) -> Result<()> {
    database.check_writable(&format!("drop the schema `{name}`"))?;
    let mut connection = database.acquire(origin).await?;
    let features = connection.features();
    check_schema(name, features)?;
    // MySQL's DROP DATABASE drops the tables with it, and a file has no check either, so the check is made here.
    if !takes_tables {
        refuse_tables(&mut connection, name, features).await?;
    }
    if features.opens_schemas {
        return connection.drop_schema(name).await;
    }
    let text = writer::drop_schema(name, takes_tables, features);
    connection
        .control(&text)
        .await
        .map_err(|error| error.context(&format!("drop the schema `{name}`")))
}

/// Refuses to drop tables that the caller did not mention.
async fn refuse_tables(
    connection: &mut Connection,
    name: &str,
    features: &'static Features,
) -> Result<()> {
    let statement = writer::count_tables(name, features);
    let rows = connection.rows(statement, <(i64,)>::from_row, "").await?;
    match rows.first() {
        Some((tables,)) if *tables > 0 => Err(Error::new(
            ErrorKind::Query,
            format!(
                "drop the schema `{name}`: it has {tables} tables; drop them first, or call `drop_schema_and_tables`"
            ),
        )),
        _ => Ok(()),
    }
}

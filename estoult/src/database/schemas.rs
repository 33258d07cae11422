//! The schemas of a database: making, listing and dropping them.

use std::{future::Future, panic::Location, sync::Arc};

use crate::{
    backend::{Features, Statement},
    database::{Database, lease::Lease},
    error::{Error, ErrorKind, Result},
    query::{check_schema, quoted},
    row::FromRow,
    value::Datum,
};

type Origin = &'static Location<'static>;

impl Database {
    /// Makes an empty schema: on PostgreSQL a schema, on MySQL a database of the server, on SQLite a file beside the
    /// database's own, `shop.tenant_7.db` for `shop.db`.
    ///
    /// # Errors
    ///
    /// `Configuration` when the database can't have a schema of this name, `Query` when there is one already or the
    /// user may not make one.
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
    /// `Query` when there is none of this name, or when it has tables; `Configuration` when the name is none.
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
                let mut lease = self.lease(origin).await?;
                if lease.features().opens_schemas {
                    return lease.schemas().await;
                }
                let statement = Statement::plain(lease.features().list_schemas);
                let rows = lease.rows(statement, <(String,)>::from_row, "").await?;
                Ok(rows.into_iter().map(|(name,)| name).collect())
            };
            names.await.map_err(|error: Error| error.at(origin))
        }
    }
}

async fn create(database: &Database, name: &str, origin: Origin) -> Result<()> {
    database.check_writable(&format!("create the schema `{name}`"))?;
    let mut lease = database.lease(origin).await?;
    let features = lease.features();
    check_schema(name, features)?;
    if features.opens_schemas {
        return lease.create_schema(name).await;
    }
    let text = format!("{} {}", features.create_schema, quoted(name, features));
    lease
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
    let mut lease = database.lease(origin).await?;
    let features = lease.features();
    check_schema(name, features)?;
    if !takes_tables {
        refuse_tables(&mut lease, name, features).await?;
    }
    if features.opens_schemas {
        return lease.drop_schema(name).await;
    }
    let [drop, end] = features.drop_schema;
    let end = if takes_tables { end } else { "" };
    let text = format!("{drop} {}{end}", quoted(name, features));
    lease
        .control(&text)
        .await
        .map_err(|error| error.context(&format!("drop the schema `{name}`")))
}

/// Refuses to drop what somebody may still need.
async fn refuse_tables(lease: &mut Lease, name: &str, features: &'static Features) -> Result<()> {
    let statement = match features.opens_schemas {
        true => Statement {
            sql: Arc::from(format!(
                "select count(*) from {}.sqlite_schema where type = 'table'",
                quoted(name, features)
            )),
            schemas: vec![Arc::from(name)],
            ..Statement::plain("")
        },
        false => Statement {
            values: vec![Datum::Text(name.to_owned())],
            ..Statement::plain(features.count_tables)
        },
    };
    let rows = lease.rows(statement, <(i64,)>::from_row, "").await?;
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

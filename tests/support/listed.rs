//! The connections to a test's database in the server's own list.

use estoult::{Database, Result, sql};

use super::{Backend, Fresh};

/// A connection to the server, but to another database, from which the list is read.
#[derive(Debug)]
pub(crate) struct Listing {
    witness: Option<Database>,
    name: String,
}

impl Listing {
    /// The list for this database.
    pub(crate) fn of(fresh: &Fresh) -> Result<Self> {
        let witness = match fresh.backend() {
            Backend::Sqlite => None,
            backend => Some(
                Database::builder(super::database::server(backend))
                    .max_connections(1)
                    .build()?,
            ),
        };
        Ok(Self {
            witness,
            name: fresh.name().to_owned(),
        })
    }

    /// How many connections the server lists; none for SQLite, which has no server.
    pub(crate) async fn count(&self) -> Result<usize> {
        let Some(witness) = &self.witness else {
            return Ok(0);
        };
        let lifespan = witness.connect().await?;
        let text = match witness.dialect() {
            estoult::Dialect::Postgres => {
                "select count(*) from pg_stat_activity where datname = :name and backend_type = 'client backend'"
            }
            _ => "select count(*) from information_schema.processlist where db = :name",
        };
        let (count,): (i64,) = sql(text)
            .bind("name", self.name.as_str())
            .one(witness)
            .await?;
        lifespan.close().await?;
        Ok(usize::try_from(count).unwrap())
    }

    /// Ends all connections on the server, as an administrator does.
    pub(crate) async fn kill_all(&self) -> Result<()> {
        let Some(witness) = &self.witness else {
            return Ok(());
        };
        let lifespan = witness.connect().await?;
        let is_postgres = witness.dialect() == estoult::Dialect::Postgres;
        let text = if is_postgres {
            "select cast(pid as bigint) from pg_stat_activity where datname = :name"
        } else {
            "select cast(id as signed) from information_schema.processlist where db = :name"
        };
        let ids = sql(text).bind("name", self.name.as_str());
        for (id,) in ids.all::<(i64,)>(witness).await? {
            let kill = if is_postgres {
                format!("select pg_terminate_backend({id})")
            } else {
                format!("kill {id}")
            };
            // One that has ended by itself meanwhile can't be killed.
            let _ = sql(kill).rows(witness).await;
        }
        lifespan.close().await
    }
}

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
}

//! The tables of a live database as data: what the shell shows and completes, what rider looks for, and what schemas
//! can be compared with.
//! Invariant: no SQL text here; `backend` says how each database's system catalog is read.

mod predicate;
mod rows;
mod table;

use estoult::{Dialect, Error, FromRow, Reads, Result, sql};

use self::rows::Rows;
pub(crate) use self::rows::{ColumnName, TableName};
pub use self::table::{
    GeneratedColumn, IndexTerm, LiveColumn, LiveForeignKey, LiveIndex, LiveIndexColumn,
    LivePrimaryKey, LiveTable, ReferentialAction, TableKind,
};
use crate::backend::Description;

/// Reads the system catalog of one kind of database.
///
/// ```
/// use apocryphan::catalog::{Catalog, TableFilter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let db = estoult::Database::builder("sqlite::memory:").build()?;
/// let lifespan = db.connect().await?;
/// estoult::batch(&db, "create table books (id integer primary key, title text not null)").await?;
///
/// let catalog = Catalog::of(db.dialect())?;
/// let tables = catalog.tables(&db, &TableFilter::default()).await?;
/// assert_eq!(tables[0].name, "books");
/// assert_eq!(tables[0].columns[1].sql_type, "TEXT");
/// assert!(!tables[0].columns[1].is_nullable);
/// # lifespan.close().await?;
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Catalog {
    description: &'static Description,
}

/// Which tables are described: all of the user's, unless a schema or a table is named.
///
/// On MySQL and MariaDB, where a schema is a database of the server, no schema means the current database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFilter {
    schema: Option<String>,
    table: Option<String>,
}

impl TableFilter {
    /// Only the tables of this schema.
    #[must_use]
    pub fn schema(self, schema: impl Into<String>) -> Self {
        let schema = Some(schema.into());
        Self { schema, ..self }
    }

    /// Only tables of this name.
    #[must_use]
    pub fn table(self, table: impl Into<String>) -> Self {
        let table = Some(table.into());
        Self { table, ..self }
    }
}

impl Catalog {
    /// The catalog of a database of this kind.
    ///
    /// # Errors
    ///
    /// `Query` when this version does not know the kind.
    pub fn of(dialect: Dialect) -> Result<Self> {
        let description = Description::of(dialect).ok_or_else(|| {
            Error::custom(format!(
                "read the tables of the database: this version does not know {dialect}"
            ))
        })?;
        Ok(Self::new(description))
    }

    pub(crate) fn new(description: &'static Description) -> Self {
        Self { description }
    }

    /// Describes tables and views, those of the default schema first, then by schema and name.
    ///
    /// Several statements are sent. A table that another session creates or drops meanwhile may be missing or have
    /// lost a part; run it in a transaction where that matters and the database can isolate it.
    ///
    /// # Errors
    ///
    /// `Connection`, `Timeout` and `Query`, as for any statement; `Decode` when the database says something that this
    /// version does not know.
    pub async fn tables(&self, on: &impl Reads, filter: &TableFilter) -> Result<Vec<LiveTable>> {
        // Four statements for all tables, not four for each: a schema may have thousands.
        let statements = &self.description.catalog;
        let rows = Rows {
            tables: read(on, statements.tables, filter).await?,
            columns: read(on, statements.columns, filter).await?,
            indexes: read(on, statements.indexes, filter).await?,
            foreign_keys: read(on, statements.foreign_keys, filter).await?,
        };
        rows.into_tables(&self.description.syntax)
    }

    /// The names and kinds of tables and views alone, in the same order.
    pub(crate) async fn table_names(&self, on: &impl Reads) -> Result<Vec<TableName>> {
        read(on, self.description.catalog.tables, &TableFilter::default()).await
    }

    /// The names of columns alone, of at most 20,000, in no order.
    pub(crate) async fn column_names(
        &self,
        on: &impl Reads,
        filter: &TableFilter,
    ) -> Result<Vec<ColumnName>> {
        read(on, self.description.catalog.names, filter).await
    }
}

async fn read<R: FromRow>(
    on: &impl Reads,
    text: &'static str,
    filter: &TableFilter,
) -> Result<Vec<R>> {
    sql(text)
        .bind("schema", filter.schema.clone())
        .bind("table", filter.table.clone())
        .all(on)
        .await
}

//! A data mapper with a registry of named databases.
//!
//! *Schema* is what a row is, *query* how to read, *changeset* how to change, *database* where it happens, *registry*
//! which databases there are, *backend* what differs.
//!
//! ```
//! use estoult::{Registry, Schema, new, sql};
//!
//! #[derive(Debug, Clone, Schema)]
//! #[schema(table = "books")]
//! struct Book { id: i64, title: String, year: i32 }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> estoult::Result<()> {
//! let registry = Registry::builder("sqlite::memory:").build()?;
//! let lifespan = registry.connect().await?;
//! sql("create table books (id integer primary key, title text not null, year integer not null)")
//!     .execute(&registry)
//!     .await?;
//!
//! let book = new!(Book { title: "Galápagos".to_owned(), year: 1985 }).insert(&registry).await?;
//! let book = book.change().put(Book::year, 1986).update(&registry).await?;
//! let eighties = Book::query().filter(Book::year.between(1980, 1989)).all(&registry).await?;
//! assert_eq!(eighties.len(), 1);
//! assert_eq!(Book::get(&registry, book.id).await?.map(|book| book.year), Some(1986));
//! lifespan.close().await
//! # }
//! ```
#![cfg_attr(
    not(all(
        feature = "sqlite",
        feature = "postgres",
        feature = "mysql",
        feature = "chrono"
    )),
    allow(
        dead_code,
        reason = "what only some backends and crates need is there in every build"
    )
)]

mod backend;
mod blocking;
mod bridge;
mod changeset;
mod context;
mod database;
mod error;
mod expr;
mod query;
mod registry;
mod row;
mod schema;
mod value;

pub use estoult_derive::{Embedded, FromRow, Schema, Value};
#[cfg(feature = "decimal")]
pub use rust_decimal::Decimal;

#[cfg(feature = "json")]
pub use crate::value::{Document, Json};
pub use crate::{
    backend::{
        BulkStyle, Dialect, Features, IsolationStyle, LikeStyle, ListStyle, Outcome, Statement,
    },
    bridge::{EnvironmentRuntime, SyncEnvironment, run_sync, run_sync_apart, run_sync_within},
    changeset::{Changes, Changeset, FieldError, New, Params, insert_all},
    context::{Context, with_schema, with_tags, with_tenant},
    database::{
        Access, Database, DatabaseBuilder, DatabaseHook, DatabaseNotConnected, DatabaseOptions,
        DatabaseSource, Executor, Isolation, Pinned, PoolStatus, ReadOnly, ReadOnlyDatabase,
        ReadOnlyPinned, ReadOnlyTransaction, ReadOnlyTransactionBuilder, ReadWrite, Reads,
        Tenanted, Transaction, TransactionBuilder, Writes,
    },
    error::{Conflict, Constraint, ConstraintKind, Error, ErrorKind, Result},
    expr::{Expr, Operand, Order, Predicate, count_rows, escape_like},
    query::{
        Bindable, Loaded, Query, RenderedSql, Rooted, RowOf, Selection, Sql, UpdateAll, batch,
        query, sql,
    },
    registry::{
        Closed, DatabaseClosed, DatabaseConfig, DatabaseHealth, DatabaseKey, DatabaseName,
        DatabaseState, Health, Lifespan, Registry, RegistryBuilder, RegistryConfig, Role,
        TestInstall, registry,
    },
    row::{Cell, Cells, FromRow, Records, Row, Sink},
    schema::{
        Anyone, Association, AssociationSpec, BelongsTo, Cardinality, Children, Column, ColumnName,
        ColumnSpec, Default, Embedded, HasMany, HasOne, IndexSpec, Key, Many, NewRow, One, Preload,
        References, Schema, Selected, Table, Tenant, Within,
    },
    value::{Datum, DatumRef, EnumType, IntoValue, Kind, Mismatch, Number, Text, Value},
};

/// What another crate implements or wraps to bring connections of its own: pools, clusters.
pub mod extension {
    pub use crate::{
        backend::{Backend, Session},
        database::{Connections, Drained, Lease, LeaseSource},
    };
}

/// What the derive macros write out; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use std::sync::LazyLock;

    #[cfg(feature = "json")]
    pub use crate::value::Document;
    pub use crate::{
        changeset::Changes,
        query::RowOf,
        schema::{
            AssociationSpec, Cardinality, ColumnSpec, Embedded, NewRow, Selected, Shapes, Table,
            column_names,
        },
        value::{Datum, DatumRef, EnumType, Kind, Mismatch, Value, assign},
    };
}

/// A row to be inserted: the literal has every column that an insert needs, so a missing one does not compile.
///
/// Left out are keys that the database generates, columns with a default and times that estoult sets; `put` sets them
/// where that is wanted.
///
/// ```
/// use estoult::{Schema, new};
///
/// #[derive(Schema)]
/// struct Book { id: i64, title: String, year: Option<i32> }
///
/// let book = new!(Book { title: "Galápagos".to_owned(), year: None });
/// # let _ = book;
/// ```
#[macro_export]
macro_rules! new {
    ($schema:ty { $($fields:tt)* }) => {{
        type Literal = <$schema as $crate::Schema>::New;
        $crate::New::<$schema>::of(Literal { $($fields)* })
    }};
}

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

pub mod backend;
mod bridge;
mod changeset;
mod connection;
mod context;
pub mod database;
mod error;
mod expr;
pub mod observe;
mod pool;
pub mod query;
pub mod registry;
pub mod row;
mod runtime;
mod sql;
mod statement;
mod table;
pub mod value;
mod verbs;
mod writer;

pub use estoult_derive::{Embedded, FromRow, Schema, Value};
#[cfg(feature = "decimal")]
pub use rust_decimal::Decimal;

#[cfg(feature = "json")]
pub use crate::value::Json;
#[doc(inline)]
pub use crate::{
    backend::{DatabaseNotConnected, DatabaseOptions},
    bridge::{EnvironmentRuntime, SyncEnvironment, run_sync, run_sync_apart, run_sync_within},
    changeset::{Changeset, New, Params},
    connection::Isolation,
    context::{Context, with_schema, with_tags, with_tenant},
    database::{
        Database, DatabaseBuilder, Lifespan, Pinned, ReadOnly, ReadOnlyDatabase, ReadWrite,
        Transaction,
    },
    error::{Conflict, Constraint, ConstraintKind, Error, ErrorKind, FieldError, Result},
    expr::{Expr, Predicate, count_rows},
    query::{BelongsTo, HasMany, HasOne, Query, Sql, query, sql},
    registry::{DatabaseConfig, DatabaseKey, Registry, RegistryConfig, registry},
    row::FromRow,
    sql::Dialect,
    table::{Column, Embedded},
    value::Value,
    verbs::{Reads, Schema, Tenanted, Writes, batch, insert_all},
};

/// The data of a table as a stream of bytes, with PostgreSQL's COPY.
pub mod copy {
    #[doc(inline)]
    pub use crate::verbs::copy::{copy_in, copy_out};
}

/// Messages between sessions, with PostgreSQL's LISTEN and NOTIFY.
pub mod listen {
    #[doc(inline)]
    pub use crate::{
        backend::Notification,
        database::{Event, IntoChannels, Listener},
    };
}

/// Independent statements that are sent together.
pub mod pipeline {
    #[doc(inline)]
    pub use crate::verbs::pipeline::{Outcomes, Pipeline, Pipelined, SqlRows, pipeline};
}

/// The parts of a schema: its table as data, its columns, key and tenant.
pub mod schema {
    #[doc(inline)]
    pub use crate::{
        query::References,
        table::{
            AssociationSpec, Cardinality, Changes, ColumnName, ColumnSpec, DefaultValue, IndexSpec,
            Key, Model, NewRow, SameTenant, Table, Tenant, Untenanted,
        },
    };
}

/// For crates that provide connections of their own, such as pools and clusters. It may change with any version.
pub mod extension {
    #[doc(inline)]
    pub use crate::{
        backend::{Backend, Session},
        connection::{Connection, ConnectionSource},
        observe::Caller,
        pool::{ClosedConnections, Pool},
        value::temporal::read_timestamp,
        verbs::Executor,
    };
}

/// What the code of the derive macros uses; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use std::sync::LazyLock;

    #[cfg(feature = "json")]
    pub use crate::value::Document;
    pub use crate::{
        query::{RowOf, Selected},
        table::{
            AssociationSpec, Cardinality, Changes, ColumnSpec, Embedded, Model, NewRow,
            StatementCache, Table, column_names,
        },
        value::{Datum, DatumRef, EnumType, Kind, Mismatch, Value, assign},
    };
}

/// A row to insert. The literal has every column that an insert needs, so a missing one does not compile.
///
/// Generated keys, columns with a default and times that estoult sets are left out; [`put`](crate::New::put) sets one.
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
        type Literal = <$schema as $crate::__private::Model>::New;
        $crate::New::<$schema>::of(Literal { $($fields)* })
    }};
}

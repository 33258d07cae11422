//! The verbs of COPY: the data of a table as a stream of bytes.
//!
//! Invariant: no SQL text here, and no database is named.

use std::future::Future;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    error::Result,
    verbs::{
        call_site::CallSite,
        executor::{Executor, Reads, Writes},
    },
};

/// Sends data to a statement `copy … from stdin` as they are read, and returns the number of rows.
///
/// The statement takes no parameters, and the data are in the format that it names. When reading fails half way, no
/// row is kept. PostgreSQL alone has it.
///
/// ```no_run
/// # async fn example(database: &estoult::Database) -> estoult::Result<()> {
/// let data = "1,Galápagos\n2,Bluebeard\n".as_bytes();
/// let rows = estoult::copy::copy_in(database, "copy books (id, title) from stdin (format csv)", data).await?;
/// assert_eq!(rows, 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `Query` when the database refuses the statement or the data, or when they can't be read; `Unsupported` on another
/// database than PostgreSQL.
#[track_caller]
pub fn copy_in<'a>(
    on: &'a (impl Writes + ?Sized),
    statement: &'a str,
    data: impl AsyncRead + Send + Unpin + 'a,
) -> impl Future<Output = Result<u64>> + Send + 'a {
    run_in(on.executor().erased(), statement, data, CallSite::here())
}

/// Writes the data of a statement `copy … to stdout` as they arrive, and returns the number of rows.
///
/// ```no_run
/// # async fn example(database: &estoult::Database) -> estoult::Result<()> {
/// let mut csv = Vec::new();
/// estoult::copy::copy_out(database, "copy books to stdout (format csv, header)", &mut csv).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `Query` when the database refuses the statement, or when the data can't be written; `Unsupported` on another
/// database than PostgreSQL.
#[track_caller]
pub fn copy_out<'a>(
    on: &'a (impl Reads + ?Sized),
    statement: &'a str,
    to: impl AsyncWrite + Send + Unpin + 'a,
) -> impl Future<Output = Result<u64>> + Send + 'a {
    run_out(on.executor().erased(), statement, to, CallSite::here())
}

async fn run_in(
    on: Executor<'_>,
    statement: &str,
    mut data: impl AsyncRead + Send + Unpin,
    call: CallSite,
) -> Result<u64> {
    call.run(async {
        let target = on.target_to_write(&call, &call.route(), None).await?;
        target.acquire().await?.copy_in(statement, &mut data).await
    })
    .await
}

async fn run_out(
    on: Executor<'_>,
    statement: &str,
    mut to: impl AsyncWrite + Send + Unpin,
    call: CallSite,
) -> Result<u64> {
    call.run(async {
        let target = on.target(&call, &call.route(), None).await?;
        target.acquire().await?.copy_out(statement, &mut to).await
    })
    .await
}

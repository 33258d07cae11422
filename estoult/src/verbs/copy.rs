//! The verbs of COPY: the data of a table as a stream of bytes.
//!
//! Invariant: no SQL text here, and no database is named.

use std::future::Future;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    error::Result,
    query::copy_text,
    verbs::{
        call_site::CallSite,
        executor::{Executor, Reads, Writes},
    },
};

/// Sends data to a statement `copy … from stdin` as they are read, and returns the number of rows.
///
/// The statement takes no parameters, and the data are in the format that it names. `{schema}.` is replaced as in
/// [`sql`](fn@crate::sql), and a handle that is bound to a tenant is refused. When reading fails half way, or the
/// database refuses a row, which ends the reading, no row is kept. PostgreSQL alone has it.
///
/// The end of the data is where reading ends without an error. A pipe such as `tokio::io::duplex` also ends so when its
/// writer is dropped half way, because [`copy_out`] has failed, for example: copy in a transaction then, and commit it
/// when both have succeeded.
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
/// `Query` when the statement is no `copy … from stdin`, when the database refuses it or the data, or when they can't
/// be read; `Configuration` for a handle with a tenant, or a text that does not say the chosen schema; `Unsupported` on
/// another database than PostgreSQL.
#[track_caller]
pub fn copy_in<'a>(
    on: &'a (impl Writes + ?Sized),
    statement: &'a str,
    data: impl AsyncRead + Send + Unpin + 'a,
) -> impl Future<Output = Result<u64>> + Send + 'a {
    run_in(on.executor().erased(), statement, data, CallSite::here())
}

/// Writes the data of a statement `copy … to stdout` as they arrive, and returns the number of rows. The text is
/// treated as that of [`copy_in`].
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
/// `Query` when the statement is no `copy … to stdout`, when the database refuses it, or when the data can't be
/// written; else as for [`copy_in`].
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
        let text = copy_text(statement, &target.context())?;
        target.acquire().await?.copy_in(&text, &mut data).await
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
        let text = copy_text(statement, &target.context())?;
        target.acquire().await?.copy_out(&text, &mut to).await
    })
    .await
}

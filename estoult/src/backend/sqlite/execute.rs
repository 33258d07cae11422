//! Statements on a SQLite connection: binding, stepping, handing out rows.
//!
//! Invariant: nothing here waits for anything but SQLite, or knows which thread it is on.

use std::sync::Arc;

use rusqlite::{Batch, Connection, fallible_iterator::FallibleIterator, ffi};

use super::{
    bind::bind,
    classify::of_statement,
    decode::SqliteCells,
    program::{Ran, is_pragma},
    watch::Watch,
};
use crate::{
    backend::{Outcome, Statement},
    error::Result,
    row::Sink,
};

/// Runs a statement and hands each row to the sink.
pub(super) fn fetch(
    connection: &Connection,
    statement: &Statement,
    sink: &mut dyn Sink,
) -> Result<Ran> {
    let failed = |error: &rusqlite::Error| of_statement(error, &statement.sql, &statement.values);
    let mut prepared = connection
        .prepare_cached(&statement.sql)
        .map_err(|error| failed(&error))?;
    bind(&mut prepared, &statement.values).map_err(|error| failed(&error))?;
    let before = connection.total_changes();
    let mut columns = None;
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        // Asked behind the first step, which compiles the statement again when its tables have changed.
        let columns = *columns.get_or_insert_with(|| row.as_ref().column_count());
        sink.row(&SqliteCells { row, columns })
            .map_err(|error| error.with_statement(&statement.sql))?;
    }
    drop(rows);
    if columns.is_none() && sink.wants_columns() {
        let names = prepared.column_names().into_iter().map(str::to_owned);
        sink.columns(names.collect());
    }
    // After a statement that is no INSERT, UPDATE or DELETE, `changes` still has the number of an earlier one
    // ("sqlite3_changes"), so the total decides.
    if connection.total_changes() != before {
        sink.affected(connection.changes());
    }
    Ok(Ran::of(&prepared))
}

/// Runs a statement and ignores its rows.
pub(super) fn execute(connection: &Connection, statement: &Statement) -> Result<(Outcome, Ran)> {
    let failed = |error: &rusqlite::Error| of_statement(error, &statement.sql, &statement.values);
    let mut prepared = connection
        .prepare_cached(&statement.sql)
        .map_err(|error| failed(&error))?;
    bind(&mut prepared, &statement.values).map_err(|error| failed(&error))?;
    if prepared.column_count() > 0 {
        // A statement with rows, such as a pragma or a select: run it to its end, since each row may have an effect.
        let mut rows = prepared.raw_query();
        while rows.next().map_err(|error| failed(&error))?.is_some() {}
        drop(rows);
        return Ok((Outcome::default(), Ran::of(&prepared)));
    }
    let before = connection.total_changes();
    let changed = prepared.raw_execute().map_err(|error| failed(&error))?;
    // As in `fetch`.
    let changed = match connection.total_changes() == before {
        true => 0,
        false => u64::try_from(changed).unwrap_or(u64::MAX),
    };
    let outcome = Outcome {
        rows_affected: changed,
        last_insert_id: Some(connection.last_insert_rowid()),
    };
    Ok((outcome, Ran::of(&prepared)))
}

/// Runs a script of the program's own statement by statement, until its caller no longer waits.
pub(super) fn run_script(connection: &Connection, script: &Arc<str>, watch: &Watch) -> Result<()> {
    let ran = run_each(connection, script, watch);
    ran.map_err(|error| of_statement(&error, script, &[]))
}

fn run_each(connection: &Connection, script: &str, watch: &Watch) -> rusqlite::Result<()> {
    let mut statements = Batch::new(connection, script);
    while let Some(mut statement) = statements.next()? {
        if watch.is_abandoned() {
            let interrupted = ffi::Error::new(ffi::SQLITE_INTERRUPT);
            return Err(rusqlite::Error::SqliteFailure(interrupted, None));
        }
        run_to_end(&mut statement)?;
    }
    Ok(())
}

/// Runs statements of estoult's own, which have no values and stay prepared.
pub(super) fn control(connection: &Connection, script: &str) -> Result<()> {
    for text in script.split("; ") {
        // SQLite carries some pragmas out when it compiles them, so none stays prepared.
        let ran = match is_pragma(text) {
            true => connection
                .prepare(text)
                .and_then(|mut statement| run_to_end(&mut statement)),
            false => connection
                .prepare_cached(text)
                .and_then(|mut statement| run_to_end(&mut statement)),
        };
        ran.map_err(|error| of_statement(&error, &Arc::from(text), &[]))?;
    }
    Ok(())
}

fn run_to_end(statement: &mut rusqlite::Statement<'_>) -> rusqlite::Result<()> {
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

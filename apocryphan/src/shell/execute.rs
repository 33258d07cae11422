//! Runs the commands of the shell, but for those that include a file or quit, which are up to the shell itself.

use estoult::Result;

use super::{
    describe::{self, Part},
    output::Format,
    state::{Flow, ShellState},
    transaction::TransactionPhase,
};
use crate::catalog::{LiveTable, TableFilter};

/// `\d`: lists tables and views.
pub(super) async fn list_tables(state: &mut ShellState) -> Flow {
    if !state.open().await {
        return Flow::Failed;
    }
    match tables(state).await {
        Ok(part) => state.show_part(&part),
        Err(error) => {
            state.fail(&error).await;
            Flow::Failed
        }
    }
}

async fn tables(state: &ShellState) -> Result<Part> {
    let (pinned, catalog) = state.connection.catalog()?;
    let names = catalog.table_names(pinned).await?;
    Ok(describe::tables(&names))
}

/// `\d TABLE`: shows the columns of a table, its keys and its indexes.
pub(super) async fn describe_table(state: &mut ShellState, name: &str) -> Flow {
    if !state.open().await {
        return Flow::Failed;
    }
    let table = match find_table(state, name).await {
        Ok(Ok(table)) => table,
        Ok(Err(reason)) => {
            state.screen.error(&reason);
            return Flow::Failed;
        }
        Err(error) => {
            state.fail(&error).await;
            return Flow::Failed;
        }
    };
    for part in describe::table(&table) {
        if state.show_part(&part) != Flow::Continue {
            return Flow::Failed;
        }
    }
    Flow::Continue
}

/// The table that the user means, or why there is none.
async fn find_table(
    state: &ShellState,
    name: &str,
) -> Result<std::result::Result<LiveTable, String>> {
    let (pinned, catalog) = state.connection.catalog()?;
    let names = catalog.table_names(pinned).await?;
    let (_, syntax) = state.reading();
    let found = match describe::find(&names, name, &syntax) {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let filter = TableFilter::default()
        .schema(&*found.schema_name)
        .table(&*found.table_name);
    let mut tables = catalog.tables(pinned, &filter).await?;
    let dropped = || format!("show the table `{name}`: it was dropped meanwhile");
    Ok(tables.pop().ok_or_else(dropped))
}

/// `\databases`: lists the databases of the registry.
pub(super) fn list_databases(state: &mut ShellState) -> Flow {
    let current = state.connection.database().name();
    let text = describe::databases(&state.registry, current);
    state.screen.result(&text);
    Flow::Continue
}

/// `\using`: goes on with another database.
pub(super) async fn use_database(state: &mut ShellState, name: &str) -> Flow {
    let database = match state.registry.using(name) {
        Ok(database) => database,
        Err(error) => {
            state.screen.error(error.message());
            return Flow::Failed;
        }
    };
    // Closing the connection would roll the transaction back without the user asking for it.
    if state.connection.transaction() != TransactionPhase::None {
        state.screen.error(&format!(
            "use `{name}`: a transaction is open on `{}`; {}",
            state.connection.database().name(),
            state.connection.transaction().remedy()
        ));
        return Flow::Failed;
    }
    state.connection.close().await;
    state.switch_database(database);
    match state.open().await {
        true => Flow::Continue,
        false => Flow::Failed,
    }
}

/// `\timing`: shows how long statements take, or no longer.
pub(super) fn switch_timing(state: &mut ShellState, choice: Option<bool>) -> Flow {
    state.is_timed = choice.unwrap_or(!state.is_timed);
    note_switch(state, "time is shown", state.is_timed)
}

/// `\x`: shows each column on a line of its own, or no longer.
pub(super) fn switch_expanded(state: &mut ShellState, choice: Option<bool>) -> Flow {
    let is_expanded = choice.unwrap_or(state.format != Format::Expanded);
    state.format = match is_expanded {
        true => Format::Expanded,
        false => Format::Table,
    };
    note_switch(state, "each column is on a line of its own", is_expanded)
}

fn note_switch(state: &mut ShellState, what: &str, is_on: bool) -> Flow {
    let word = if is_on { "on" } else { "off" };
    state.screen.note(&format!("{what}: {word}"));
    Flow::Continue
}

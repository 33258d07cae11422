//! Asking the server for the types of a result that are not built in, once a database.

use std::sync::Arc;

use super::{
    decode::{Columns, PostgresCells},
    part::Part,
    session::PostgresSession,
    types::{KnownType, QUESTION},
};
use crate::{
    backend::Statement,
    error::Result,
    row::Cells,
    value::{Datum, DatumRef, Kind},
};

impl PostgresSession {
    /// The columns of a statement that has run, with the types that the server had to be asked for.
    pub(super) async fn resolved(&mut self, part: &mut Part) -> Result<Arc<Columns>> {
        let columns = part.columns.clone().unwrap_or_default();
        if columns.is_resolved() {
            return Ok(columns);
        }
        let mut columns = Columns::clone(&columns);
        let unknown = columns.resolve(&self.database.types);
        if !unknown.is_empty() {
            self.ask_for_types(&unknown).await?;
            columns.resolve(&self.database.types);
        }
        let columns = Arc::new(columns);
        self.describe_again(part, Arc::clone(&columns));
        Ok(columns)
    }

    async fn ask_for_types(&mut self, ids: &[u32]) -> Result<()> {
        let items = ids.iter().map(|id| Datum::Int(i64::from(*id)));
        let question = Statement {
            values: vec![Datum::List(Kind::Int64, items.collect())],
            ..Statement::plain(QUESTION)
        };
        let database = Arc::clone(&self.database);
        let mut known = Vec::new();
        let mut take_row = |columns: &Columns, body: &[u8]| {
            known.extend(PostgresCells::new(body, columns).and_then(|cells| read(&cells)));
            Ok(())
        };
        self.run(&question, &mut take_row).await?;
        // A type that was dropped meanwhile is one that nothing reads.
        for id in ids {
            let found = known.iter().find(|(found, _)| found == id);
            let known = found.map_or_else(
                || KnownType {
                    name: Arc::from(format!("type {id}")),
                    is_text: false,
                },
                |(_, known)| known.clone(),
            );
            database.types.add(*id, known);
        }
        Ok(())
    }
}

fn read(cells: &PostgresCells<'_>) -> Option<(u32, KnownType)> {
    let (id, name, is_text) = (cells.get(0).ok()?, cells.get(1).ok()?, cells.get(2).ok()?);
    match (id, name, is_text) {
        (DatumRef::Int(id), DatumRef::Text(name), DatumRef::Bool(is_text)) => Some((
            u32::try_from(id).ok()?,
            KnownType {
                name: Arc::from(name),
                is_text,
            },
        )),
        _ => None,
    }
}

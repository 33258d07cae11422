//! What there is in a database: tables, their columns, keys and indexes; and which databases there are.

use std::collections::BTreeMap;

use apocryphan_migration::nearest;
use estoult::{Cell, Records, Result, sql};

use super::{Flow, Shell, output::render, transaction::Transaction};
use crate::backend::Introspection;

/// A table as it is found.
struct Found {
    schema: String,
    name: String,
    kind: String,
}

impl Shell {
    pub(super) async fn list_tables(&mut self) -> Flow {
        if !self.open().await {
            return Flow::Failed;
        }
        let listed = match self.session.introspection() {
            Ok(introspection) => self.session.ask(sql(introspection.tables)).await,
            Err(error) => Err(error),
        };
        self.show("", listed)
    }

    /// Shows a table: its columns, and below them what it has of keys and indexes.
    pub(super) async fn describe(&mut self, name: &str) -> Flow {
        if !self.open().await {
            return Flow::Failed;
        }
        let (introspection, found) = match self.find(name).await {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => {
                self.screen.error(&why);
                return Flow::Failed;
            }
            Err(error) => {
                self.fail(&error).await;
                return Flow::Failed;
            }
        };
        let title = format!("{} {}.{}", found.kind, found.schema, found.name);
        let parts = [
            (title.as_str(), introspection.columns),
            ("keys and indexes", introspection.indexes),
            ("foreign keys", introspection.foreign_keys),
        ];
        for (place, (title, text)) in parts.into_iter().enumerate() {
            let question = sql(text)
                .bind("schema", found.schema.as_str())
                .bind("table", found.name.as_str());
            let answer = self.session.ask(question).await;
            let is_empty = answer
                .as_ref()
                .is_ok_and(|records| records.rows().is_empty());
            if place > 0 && is_empty {
                continue;
            }
            if self.show(title, answer) != Flow::On {
                return Flow::Failed;
            }
        }
        Flow::On
    }

    pub(super) fn list_databases(&mut self) -> Flow {
        let current = self.session.database().name();
        let mut text = String::new();
        for database in self.registry.databases() {
            let mark = if database.name() == current { "*" } else { " " };
            text.push_str(&format!(
                "{mark} {}  {}  {}\n",
                database.name(),
                database.dialect(),
                database.address()
            ));
        }
        self.screen.result(&text);
        Flow::On
    }

    /// Asks for the names of tables and columns, for completion. That they are not known is no reason to stop.
    pub(super) async fn learn(&mut self) {
        let Ok(introspection) = self.session.introspection() else {
            return;
        };
        if self.session.transaction() == Transaction::Failed {
            return;
        }
        if let Ok(records) = self.session.ask(sql(introspection.names)).await {
            let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for row in records.rows() {
                if let [table, column] = row.as_slice() {
                    tables
                        .entry(table.to_string())
                        .or_default()
                        .push(column.to_string());
                }
            }
            self.known().tables = tables;
        }
    }

    /// The table that a name means: the first of that name, or of that schema and name.
    async fn find(
        &self,
        name: &str,
    ) -> Result<std::result::Result<(&'static Introspection, Found), String>> {
        let introspection = self.session.introspection()?;
        let tables = found(&self.session.ask(sql(introspection.tables)).await?);
        let wanted = name.replace(introspection.quote, "");
        let is_meant = |table: &Found, is_same: fn(&str, &str) -> bool| {
            let full = format!("{}.{}", table.schema, table.name);
            is_same(&table.name, &wanted) || is_same(&full, &wanted)
        };
        let same = tables
            .iter()
            .position(|table| is_meant(table, |one, other| one == other));
        let alike = || {
            tables
                .iter()
                .position(|table| is_meant(table, str::eq_ignore_ascii_case))
        };
        let place = same.or_else(alike);
        let hint = nearest(&wanted, tables.iter().map(|table| table.name.as_str()))
            .map_or(String::new(), |known| format!("; did you mean `{known}`?"));
        let missing =
            format!("show the table `{wanted}`: there is none of that name; `\\d` lists all{hint}");
        let found = place.and_then(|place| tables.into_iter().nth(place));
        Ok(found.map(|found| (introspection, found)).ok_or(missing))
    }

    fn show(&mut self, title: &str, answer: Result<Records>) -> Flow {
        let shown = answer
            .map_err(|error| error.message().to_owned())
            .and_then(|records| render(&records, self.format));
        match shown {
            Ok(shown) => {
                if !title.is_empty() && self.format.is_for_people() {
                    self.screen.result(&format!("{title}\n"));
                }
                self.screen.result(&shown);
                Flow::On
            }
            Err(why) => {
                self.screen.error(&why);
                Flow::Failed
            }
        }
    }
}

fn found(records: &Records) -> Vec<Found> {
    let rows = records.rows().iter();
    rows.filter_map(|row| match row.as_slice() {
        [schema, name, kind] => Some(Found {
            schema: Cell::to_string(schema),
            name: Cell::to_string(name),
            kind: Cell::to_string(kind),
        }),
        _ => None,
    })
    .collect()
}

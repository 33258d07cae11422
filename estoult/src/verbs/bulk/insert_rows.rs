//! [`InsertRows`]: the rows of an insert of many, their values one row after the other.
//!
//! Invariant: all rows set the same columns, those of the first one.

use std::borrow::Cow;

use crate::{
    error::{Error, Result},
    statement::Insert,
    table::{Changes, Table},
    value::Datum,
    verbs::fill::{fill_defaults, has_defaults, other_tenant},
    writer::SqlContext,
};

/// The rows of an insert, as values without a list for each of them.
pub(super) struct InsertRows {
    table: &'static Table,
    columns: Vec<Cow<'static, str>>,
    values: Vec<Datum>,
    count: usize,
}

impl InsertRows {
    /// Takes the values of rows: `add` adds those of one to changes that have none yet.
    pub(super) fn collect<R>(
        table: &'static Table,
        rows: impl Iterator<Item = R>,
        add: impl Fn(R, &mut Changes),
    ) -> Result<Self> {
        let mut all = Self {
            table,
            columns: Vec::new(),
            values: Vec::with_capacity(rows.size_hint().0 * table.columns().len()),
            count: 0,
        };
        // One list for all rows: a list for each would cost more than its values.
        let mut row = Changes::with_capacity(table.columns().len());
        let has_defaults = has_defaults(table);
        for given in rows {
            add(given, &mut row);
            if has_defaults {
                fill_defaults(table, &mut row);
            }
            all.add(&mut row)?;
        }
        Ok(all)
    }

    fn add(&mut self, row: &mut Changes) -> Result<()> {
        self.count += 1;
        if self.count == 1 {
            // The first row decides the columns.
            for (column, datum) in row.drain() {
                self.columns.push(column);
                self.values.push(datum);
            }
            return Ok(());
        }
        let mut pairs = self.columns.iter().zip(row.values());
        let is_same_number = row.values().len() == self.columns.len();
        // Fast path: rows of one literal are in order, so their values move without a look-up.
        if is_same_number && pairs.all(|(column, (name, _))| is_same(column, name)) {
            self.values.extend(row.drain().map(|(_, datum)| datum));
            return Ok(());
        }
        let begin = self.values.len();
        let sorted = self.columns.iter().map_while(|column| row.get(column));
        self.values.extend(sorted.cloned());
        // A row with other columns is refused rather than filled with NULL.
        if !is_same_number || self.values.len() - begin != self.columns.len() {
            return Err(Error::configuration(format!(
                "insert several rows into `{}`: row {} sets other columns than the first one; set the same in all",
                self.table.name(),
                self.count
            )));
        }
        row.drain().for_each(drop);
        Ok(())
    }

    pub(super) fn table(&self) -> &'static Table {
        self.table
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Sets the tenant column of all rows to the tenant of the handle; refuses the rows of another tenant.
    pub(super) fn set_tenant(&mut self, context: &SqlContext<'_>) -> Result<()> {
        let Some((column, tenant)) = context.restriction(self.table)? else {
            return Ok(());
        };
        let width = self.columns.len();
        let Some(place) = self.columns.iter().position(|name| *name == column.name) else {
            let mut values = Vec::with_capacity(self.values.len() + self.count);
            let mut given = std::mem::take(&mut self.values).into_iter();
            for _ in 0..self.count {
                values.extend(given.by_ref().take(width));
                values.push(tenant.clone());
            }
            self.columns.push(column.name.clone());
            self.values = values;
            return Ok(());
        };
        let mut given = self.values.iter().skip(place).step_by(width);
        if given.any(|given| *given != tenant) {
            return Err(other_tenant(column));
        }
        Ok(())
    }

    /// The insert of these rows, and their values.
    pub(super) fn into_insert(self) -> Result<(Insert, Vec<Datum>)> {
        let insert = Insert::new(self.table, self.columns.iter().map(|name| &**name))?;
        Ok((insert, self.values))
    }
}

/// Names of one literal are one text in memory, which is found out sooner than whether two are equal.
fn is_same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

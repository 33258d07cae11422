//! The rows that the statements of a catalog select, and how tables are put together from them.
//! Invariant: what a database says and this version does not know is an error, never left out.

use std::collections::HashMap;

use estoult::{Error, FromRow, Result};
use estoult_sql::syntax::Syntax;

use super::{
    predicate,
    table::{
        GeneratedColumn, IndexTerm, LiveColumn, LiveForeignKey, LiveIndex, LiveIndexColumn,
        LivePrimaryKey, LiveTable, ReferentialAction, TableKind,
    },
};

/// All rows that describe some tables.
pub(super) struct Rows {
    pub(super) tables: Vec<TableName>,
    pub(super) columns: Vec<ColumnRow>,
    pub(super) indexes: Vec<IndexRow>,
    pub(super) foreign_keys: Vec<ForeignKeyRow>,
}

/// The name of a table or view, and what it is.
#[derive(Debug, FromRow)]
pub(crate) struct TableName {
    pub(crate) schema_name: String,
    pub(crate) table_name: String,
    pub(crate) kind: String,
    pub(crate) comment: Option<String>,
}

/// The name of a column and of its table.
#[derive(Debug, FromRow)]
pub(crate) struct ColumnName {
    pub(crate) table_name: String,
    pub(crate) column_name: String,
}

#[derive(Debug, FromRow)]
pub(super) struct ColumnRow {
    schema_name: String,
    table_name: String,
    column_name: String,
    sql_type: String,
    is_nullable: bool,
    default_sql: Option<String>,
    is_key: bool,
    is_auto_increment: bool,
    generated: Option<String>,
    generated_sql: Option<String>,
    comment: Option<String>,
}

/// One column of an index.
#[derive(Debug, FromRow)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of the statement"
)]
pub(super) struct IndexRow {
    schema_name: String,
    table_name: String,
    index_name: String,
    is_unique: bool,
    is_primary: bool,
    is_partial: bool,
    predicate: Option<String>,
    /// The statement that created the index, where the predicate has to be read from it.
    definition: Option<String>,
    column_name: Option<String>,
    expression: Option<String>,
    is_descending: bool,
}

/// One column of a foreign key.
#[derive(Debug, FromRow)]
pub(super) struct ForeignKeyRow {
    schema_name: String,
    table_name: String,
    /// What its other columns have in common with it.
    id: String,
    constraint_name: Option<String>,
    column_name: String,
    referenced_schema: String,
    referenced_table: String,
    referenced_column: Option<String>,
    on_update: String,
    on_delete: String,
}

/// Tables with the index of each by schema and name.
struct Tables {
    list: Vec<LiveTable>,
    indexes: HashMap<(String, String), usize>,
}

impl Rows {
    /// Puts the tables together, in the order in which they were listed.
    pub(super) fn into_tables(self, syntax: &Syntax) -> Result<Vec<LiveTable>> {
        let mut tables = Tables::new(self.tables);
        for row in self.columns {
            tables.add_column(row)?;
        }
        for row in self.indexes {
            tables.add_index_column(row, syntax)?;
        }
        tables.add_foreign_keys(self.foreign_keys)?;
        // Databases give foreign keys in the order of their names or of their creation, or in none.
        for table in &mut tables.list {
            add_key_without_index(table);
            table
                .foreign_keys
                .sort_by(|one, other| one.columns.cmp(&other.columns));
        }
        Ok(tables.list)
    }
}

impl Tables {
    fn new(names: Vec<TableName>) -> Self {
        let mut tables = Self {
            list: Vec::with_capacity(names.len()),
            indexes: HashMap::with_capacity(names.len()),
        };
        // Other rows find their table by both names: two schemas may have tables of one name.
        for name in names {
            let key = (name.schema_name.clone(), name.table_name.clone());
            tables.indexes.insert(key, tables.list.len());
            tables.list.push(LiveTable {
                schema: name.schema_name,
                name: name.table_name,
                kind: TableKind::from_word(name.kind),
                columns: Vec::new(),
                primary_key: None,
                indexes: Vec::new(),
                foreign_keys: Vec::new(),
                comment: name.comment,
            });
        }
        tables
    }

    /// The table of a row. There is none when another session created it after the tables were listed.
    fn table(&mut self, schema: String, name: String) -> Option<&mut LiveTable> {
        let index = self.indexes.get(&(schema, name))?;
        self.list.get_mut(*index)
    }

    fn add_column(&mut self, row: ColumnRow) -> Result<()> {
        let generated = match row.generated.as_deref() {
            None => None,
            Some(word @ ("stored" | "virtual")) => Some(GeneratedColumn {
                expression: row.generated_sql,
                is_stored: word == "stored",
            }),
            Some(other) => return Err(unknown("a generated column", other)),
        };
        if let Some(table) = self.table(row.schema_name, row.table_name) {
            table.columns.push(LiveColumn {
                name: row.column_name,
                sql_type: row.sql_type,
                is_nullable: row.is_nullable,
                default: row.default_sql,
                is_key: row.is_key,
                is_auto_increment: row.is_auto_increment,
                generated,
                comment: row.comment,
            });
        }
        Ok(())
    }

    fn add_index_column(&mut self, row: IndexRow, syntax: &Syntax) -> Result<()> {
        let Some(table) = self.table(row.schema_name, row.table_name) else {
            return Ok(());
        };
        // The primary key is a part of the table; listed as an index, a comparison would meet it twice.
        if row.is_primary {
            let column = row
                .column_name
                .ok_or_else(|| unknown("a primary key", "an expression"))?;
            let key = table.primary_key.get_or_insert_with(|| LivePrimaryKey {
                name: Some(row.index_name),
                columns: Vec::new(),
            });
            key.columns.push(column);
            return Ok(());
        }
        let term = match row.column_name {
            Some(name) => IndexTerm::Column(name),
            None => IndexTerm::Expression(row.expression),
        };
        let column = LiveIndexColumn {
            term,
            is_descending: row.is_descending,
        };
        match table.indexes.last_mut() {
            // The columns of an index follow each other.
            Some(index) if index.name == row.index_name => index.columns.push(column),
            _ => {
                let definition = row.definition.filter(|_| row.is_partial);
                let read = |text: String| predicate::of_index(&text, syntax);
                table.indexes.push(LiveIndex {
                    name: row.index_name,
                    columns: vec![column],
                    is_unique: row.is_unique,
                    is_partial: row.is_partial,
                    predicate: row.predicate.or_else(|| definition.and_then(read)),
                });
            }
        }
        Ok(())
    }

    fn add_foreign_keys(&mut self, rows: Vec<ForeignKeyRow>) -> Result<()> {
        let mut last = None;
        for row in rows {
            // All columns of a key repeat its actions; those of the first are taken.
            let (on_update, on_delete) = (action(&row.on_update)?, action(&row.on_delete)?);
            let key = (row.schema_name.clone(), row.table_name.clone(), row.id);
            let Some(table) = self.table(row.schema_name, row.table_name) else {
                continue;
            };
            if last.as_ref() != Some(&key) {
                table.foreign_keys.push(LiveForeignKey {
                    name: row.constraint_name,
                    columns: Vec::new(),
                    referenced_schema: row.referenced_schema,
                    referenced_table: row.referenced_table,
                    referenced_columns: Vec::new(),
                    on_update,
                    on_delete,
                });
                last = Some(key);
            }
            if let Some(foreign_key) = table.foreign_keys.last_mut() {
                foreign_key.columns.push(row.column_name);
                foreign_key.referenced_columns.extend(row.referenced_column);
            }
        }
        Ok(())
    }
}

/// A key that is SQLite's row number is known by its column alone.
fn add_key_without_index(table: &mut LiveTable) {
    let keys = table.columns.iter().filter(|column| column.is_key);
    let columns: Vec<String> = keys.map(|column| column.name.clone()).collect();
    if table.primary_key.is_none() && !columns.is_empty() {
        table.primary_key = Some(LivePrimaryKey {
            name: None,
            columns,
        });
    }
}

fn action(words: &str) -> Result<ReferentialAction> {
    ReferentialAction::from_words(words)
        .ok_or_else(|| unknown("the action of a foreign key", words))
}

fn unknown(what: &str, found: &str) -> Error {
    Error::custom(format!(
        "read the tables of the database: this version does not know {what} that is `{found}`"
    ))
}

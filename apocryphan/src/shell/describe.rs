//! What `\d` and `\databases` show, made of what the catalog and the registry say.
//! Invariant: nothing here talks to a database.

use estoult::{Registry, row::Cell, value::Datum};
use estoult_sql::{names, syntax::Syntax};

use super::output::Results;
use crate::catalog::{IndexTerm, LiveColumn, LiveForeignKey, LiveIndex, LiveTable, TableName};

/// A table of the shell's own, with a title above it where people read it.
pub(super) struct Part {
    pub(super) title: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Part {
    fn new<const N: usize>(
        title: impl Into<String>,
        columns: [&str; N],
        rows: impl IntoIterator<Item = [Cell; N]>,
    ) -> Self {
        Self {
            title: title.into(),
            columns: columns.map(str::to_owned).to_vec(),
            rows: rows.into_iter().map(Vec::from).collect(),
        }
    }

    pub(super) fn results(&self) -> Results<'_> {
        Results::of_rows(&self.columns, &self.rows)
    }
}

/// The list of tables and views.
pub(super) fn tables(names: &[TableName]) -> Part {
    let rows = names.iter().map(|table| {
        [
            text(&table.schema_name),
            text(&table.table_name),
            text(&table.kind),
        ]
    });
    Part::new("", ["schema", "name", "kind"], rows)
}

/// A table: its columns, and below them its keys and indexes, if there are any.
pub(super) fn table(table: &LiveTable) -> Vec<Part> {
    let title = format!("{} {}.{}", table.kind, table.schema, table.name);
    let header = ["column", "type", "null", "default", "key"];
    let mut parts = vec![Part::new(title, header, table.columns.iter().map(column))];
    let indexes: Vec<_> = primary_key(table)
        .into_iter()
        .chain(table.indexes.iter().map(index))
        .collect();
    if !indexes.is_empty() {
        let header = ["index", "columns", "kind"];
        parts.push(Part::new("keys and indexes", header, indexes));
    }
    if !table.foreign_keys.is_empty() {
        let header = ["columns", "references", "actions"];
        let rows = table.foreign_keys.iter().map(|key| foreign_key(table, key));
        parts.push(Part::new("foreign keys", header, rows));
    }
    parts
}

fn column(column: &LiveColumn) -> [Cell; 5] {
    let default = match &column.generated {
        None => column.default.clone(),
        Some(generated) => Some(match &generated.expression {
            Some(expression) => format!("generated as ({expression})"),
            None => "generated".to_owned(),
        }),
    };
    let null = if column.is_nullable { "yes" } else { "no" };
    [
        text(&column.name),
        text(&column.sql_type),
        text(null),
        default.as_deref().map_or(Cell::Null, text),
        if column.is_key {
            text("primary")
        } else {
            Cell::Null
        },
    ]
}

/// The index of the primary key, if it has one of its own.
fn primary_key(table: &LiveTable) -> Option<[Cell; 3]> {
    let key = table.primary_key.as_ref()?;
    let name = key.name.as_deref()?;
    Some([
        text(name),
        text(&key.columns.join(", ")),
        text("primary key"),
    ])
}

fn index(index: &LiveIndex) -> [Cell; 3] {
    let columns: Vec<&str> = index
        .columns
        .iter()
        .map(|column| match &column.term {
            IndexTerm::Column(name) => name.as_str(),
            IndexTerm::Expression(expression) => expression.as_deref().unwrap_or("(expression)"),
        })
        .collect();
    let kind = if index.is_unique { "unique" } else { "index" };
    [text(&index.name), text(&columns.join(", ")), text(kind)]
}

fn foreign_key(table: &LiveTable, key: &LiveForeignKey) -> [Cell; 3] {
    let mut references = match key.referenced_schema == table.schema {
        true => key.referenced_table.clone(),
        false => format!("{}.{}", key.referenced_schema, key.referenced_table),
    };
    if !key.referenced_columns.is_empty() {
        references.push_str(&format!(" ({})", key.referenced_columns.join(", ")));
    }
    let actions = format!("update {}, delete {}", key.on_update, key.on_delete);
    [
        text(&key.columns.join(", ")),
        text(&references),
        text(&actions),
    ]
}

fn text(text: &str) -> Cell {
    Cell::Value(Datum::Text(text.to_owned()))
}

/// The table that a name means: the first of that name, or of that schema and name; if there is none, the first that
/// differs only in the case of letters.
pub(super) fn find<'t>(
    tables: &'t [TableName],
    name: &str,
    syntax: &Syntax,
) -> Result<&'t TableName, String> {
    let parts = names::split_qualified(name, syntax);
    let first = |is_same: fn(&str, &str) -> bool| {
        tables.iter().find(|table| match parts.as_slice() {
            [name] => is_same(&table.table_name, name),
            [schema, name] => {
                is_same(&table.schema_name, schema) && is_same(&table.table_name, name)
            }
            _ => false,
        })
    };
    // Names that differ only in case are different tables of PostgreSQL, so an exact match comes first.
    let found = first(|one, other| one == other).or_else(|| first(str::eq_ignore_ascii_case));
    found.ok_or_else(|| {
        let known = tables.iter().map(|table| table.table_name.as_str());
        let hint = parts
            .last()
            .map_or_else(String::new, |wanted| names::hint(wanted, known));
        let wanted = parts.join(".");
        format!("show the table `{wanted}`: there is none of that name; `\\d` lists all{hint}")
    })
}

/// The databases of the registry, the one in use with a mark.
pub(super) fn databases(registry: &Registry, current: &str) -> String {
    let mut text = String::new();
    for database in registry.databases() {
        let mark = if database.name() == current { "*" } else { " " };
        text.push_str(&format!(
            "{mark} {}  {}  {}\n",
            database.name(),
            database.dialect(),
            database.address()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use estoult_sql::syntax::Syntax;

    use super::find;
    use crate::catalog::TableName;

    fn table(schema: &str, name: &str) -> TableName {
        TableName {
            schema_name: schema.to_owned(),
            table_name: name.to_owned(),
            kind: "table".to_owned(),
            comment: None,
        }
    }

    #[test]
    fn a_table_is_found_by_its_name_with_or_without_quotes() {
        let tables = [
            table("public", "books"),
            table("shop", "Books"),
            table("shop", "a.b"),
            table("shop", "a\"b"),
        ];
        for (name, expected) in [
            ("books", Some(0)),
            ("Books", Some(1)),
            ("BOOKS", Some(0)),
            ("shop.books", Some(1)),
            ("\"shop\".\"a.b\"", Some(2)),
            ("\"a.b\"", Some(2)),
            ("a.b", None),
            ("\"a\"\"b\"", Some(3)),
            ("ab", None),
            ("x.shop.books", None),
        ] {
            let found = find(&tables, name, &Syntax::POSTGRES).ok();
            let at = found.and_then(|found| tables.iter().position(|one| std::ptr::eq(one, found)));
            assert_eq!(at, expected, "{name}");
        }
    }
}

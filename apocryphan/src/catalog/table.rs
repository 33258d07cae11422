//! A table as the database describes it: plain data, of which nothing belongs to one database alone.

use std::fmt;

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveTable {
    /// The schema that it is in; a database of the server on MySQL, an attached file on SQLite.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Its columns in order.
    pub columns: Vec<LiveColumn>,
    /// Its primary key, if it has one.
    pub primary_key: Option<LivePrimaryKey>,
    /// Its indexes by name, without that of the primary key. A unique constraint is a unique index.
    pub indexes: Vec<LiveIndex>,
    /// Its foreign keys by their columns.
    pub foreign_keys: Vec<LiveForeignKey>,
    /// Its comment, where the database has comments.
    pub comment: Option<String>,
}

/// What a table is; displays as `table`, `materialized view` and so on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableKind {
    /// A plain table.
    Table,
    /// A view.
    View,
    /// A view whose rows are stored.
    MaterializedView,
    /// A table that is divided into partitions.
    PartitionedTable,
    /// A table whose rows are elsewhere.
    ForeignTable,
    /// A table of a module of SQLite.
    VirtualTable,
    /// Something else, in the word of the database.
    Other(String),
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveColumn {
    /// Its name.
    pub name: String,
    /// Its type as the database writes it.
    pub sql_type: String,
    /// Whether it may be NULL, as it was declared.
    pub is_nullable: bool,
    /// Its default as SQL; `None` for NULL and for generated columns.
    pub default: Option<String>,
    /// Whether it belongs to the primary key.
    pub is_key: bool,
    /// Whether the database numbers its rows: auto-increment, an identity, a serial, SQLite's row number.
    pub is_auto_increment: bool,
    /// How it is computed, if it is a generated column.
    pub generated: Option<GeneratedColumn>,
    /// Its comment, where the database has comments.
    pub comment: Option<String>,
}

/// How a generated column is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneratedColumn {
    /// The expression as SQL; `None` on SQLite, which does not give it.
    pub expression: Option<String>,
    /// Whether the value is stored, not computed when it is read.
    pub is_stored: bool,
}

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LivePrimaryKey {
    /// The name of its index; `None` where SQLite uses the row number and has none.
    pub name: Option<String>,
    /// Its columns in order.
    pub columns: Vec<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveIndex {
    /// Its name.
    pub name: String,
    /// What it is sorted by, in order.
    pub columns: Vec<LiveIndexColumn>,
    /// Whether no two rows may be equal in it.
    pub is_unique: bool,
    /// Whether only the rows that fulfil a predicate are in it.
    pub is_partial: bool,
    /// The predicate as SQL; `None` in a file that is attached to SQLite, which does not give it.
    pub predicate: Option<String>,
}

/// A column of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveIndexColumn {
    /// What is sorted.
    pub term: IndexTerm,
    /// Whether the greatest value comes first.
    pub is_descending: bool,
}

/// What a column of an index holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IndexTerm {
    /// A column of the table.
    Column(String),
    /// The value of an expression, as SQL; `None` where the database does not give it.
    Expression(Option<String>),
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveForeignKey {
    /// The name of its constraint; `None` on SQLite, which does not give it.
    pub name: Option<String>,
    /// Its columns in order.
    pub columns: Vec<String>,
    /// The schema of the table that it refers to.
    pub referenced_schema: String,
    /// The table that it refers to.
    pub referenced_table: String,
    /// The columns that it refers to, in the same order; none where SQLite refers to a table that does not exist.
    pub referenced_columns: Vec<String>,
    /// What happens to rows when the referenced key changes.
    pub on_update: ReferentialAction,
    /// What happens to rows when the referenced row is deleted.
    pub on_delete: ReferentialAction,
}

/// What happens to the rows that refer to a row; displays as SQL has it, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferentialAction {
    /// The change is refused at the end of the statement or the transaction.
    NoAction,
    /// The change is refused at once.
    Restrict,
    /// The change is made in the referring rows, too.
    Cascade,
    /// The foreign key becomes NULL.
    SetNull,
    /// The foreign key becomes its default.
    SetDefault,
}

impl LiveTable {
    /// The column of this name, if there is one.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl TableKind {
    /// The kind that a database names with this word.
    pub(super) fn from_word(word: String) -> Self {
        match word.as_str() {
            "table" => Self::Table,
            "view" => Self::View,
            "materialized view" => Self::MaterializedView,
            "partitioned table" => Self::PartitionedTable,
            "foreign table" => Self::ForeignTable,
            "virtual" => Self::VirtualTable,
            _ => Self::Other(word),
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::PartitionedTable => "partitioned table",
            Self::ForeignTable => "foreign table",
            Self::VirtualTable => "virtual",
            Self::Other(word) => word,
        })
    }
}

impl ReferentialAction {
    /// The action that a database names with these words.
    pub(super) fn from_words(words: &str) -> Option<Self> {
        let all = [
            Self::NoAction,
            Self::Restrict,
            Self::Cascade,
            Self::SetNull,
            Self::SetDefault,
        ];
        all.into_iter().find(|action| action.words() == words)
    }

    fn words(self) -> &'static str {
        match self {
            Self::NoAction => "no action",
            Self::Restrict => "restrict",
            Self::Cascade => "cascade",
            Self::SetNull => "set null",
            Self::SetDefault => "set default",
        }
    }
}

impl fmt::Display for ReferentialAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

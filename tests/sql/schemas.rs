//! Schemas with a column of every kind that changes the text.

use estoult::{Decimal, FromRow, Query, Schema, Value};

/// What was written, and columns that only some databases have a type for.
#[derive(Debug, Clone, Schema)]
#[schema(table = "books", schema = "library")]
pub(super) struct Book {
    pub(super) id: i64,
    pub(super) author_id: i64,
    pub(super) title: String,
    pub(super) subtitle: Option<String>,
    pub(super) price: Decimal,
    pub(super) published: bool,
    pub(super) mood: Option<Mood>,
    pub(super) cover: Option<Vec<u8>>,
}

/// What was measured, with numbers that not every database can hold; in a database of its own.
#[derive(Debug, Clone, Schema)]
#[schema(table = "readings", database = "lab", has_many(books: Book, key = "author_id"))]
pub(super) struct Reading {
    pub(super) id: i64,
    pub(super) value: f64,
    pub(super) count: u64,
}

/// A type of PostgreSQL's own, as far as it is PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Value)]
#[value(postgres_enum = "Mood of the \"reader\", $1?")]
pub(super) enum Mood {
    Sad,
    Happy,
}

/// A query with a short list of columns.
pub(super) fn books() -> Query<Book, i64> {
    Book::query().select(Book::id)
}

/// Some of the columns, in another order.
#[derive(Debug, FromRow)]
#[row(schema = Book)]
#[expect(dead_code, reason = "its fields are selected, and no row is read")]
pub(super) struct Line {
    pub(super) price: Decimal,
    #[row(column = "title")]
    pub(super) name: String,
}

/// Names that mean something in SQL.
#[derive(Debug, Clone, Schema)]
#[schema(table = "select \"from\" `where`; --", schema = "order by")]
pub(super) struct Odd {
    #[field(key, rename = "group")]
    pub(super) group: i64,
    #[field(rename = "a \"quoted\" name")]
    pub(super) quoted: String,
    #[field(rename = "a `ticked` name")]
    pub(super) ticked: Option<String>,
    #[field(rename = "why?")]
    pub(super) mark: i64,
    #[field(rename = "$1")]
    pub(super) number: Option<i64>,
    #[field(rename = "it's '; drop table books; --")]
    pub(super) injected: Decimal,
    #[field(rename = "größe_📏")]
    pub(super) size: f64,
}

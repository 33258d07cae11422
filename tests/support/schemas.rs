//! The schemas that most of the suite uses: authors, their books, and a profile of an author.

use estoult::{Database, Decimal, Result, Schema, new};

use super::create_table;

/// Who wrote books.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "authors", has_many(books: Book))]
#[schema(has_one(profile: Profile))]
pub(crate) struct Author {
    pub(crate) id: i64,
    pub(crate) name: String,
    #[field(unique)]
    pub(crate) email: Option<String>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "books", belongs_to(author: Author))]
pub(crate) struct Book {
    pub(crate) id: i64,
    pub(crate) author_id: i64,
    pub(crate) title: String,
    pub(crate) price: Decimal,
    pub(crate) published: bool,
}

/// One further row of an author.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "profiles", belongs_to(author: Author))]
pub(crate) struct Profile {
    pub(crate) id: i64,
    #[field(unique)]
    pub(crate) author_id: i64,
    pub(crate) text: String,
}

/// Creates the three tables.
pub(crate) async fn create_tables(database: &Database) -> Result<()> {
    create_table::<Author>(database).await?;
    create_table::<Book>(database).await?;
    create_table::<Profile>(database).await
}

/// An author with this name and no address.
pub(crate) async fn author(database: &Database, name: &str) -> Result<Author> {
    new!(Author {
        name: name.to_owned(),
        email: None
    })
    .insert(database)
    .await
}

/// A published book of this author, its price in hundredths.
pub(crate) async fn book(
    database: &Database,
    author: &Author,
    title: &str,
    cents: i64,
) -> Result<Book> {
    new!(Book {
        author_id: author.id,
        title: title.to_owned(),
        price: Decimal::new(cents, 2),
        published: true,
    })
    .insert(database)
    .await
}

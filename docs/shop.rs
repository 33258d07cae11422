//! What the examples of the guides work with: the schemas `Author` and `Book`, and databases that hold some of each.

use estoult::{Decimal, Registry, Result, Schema, batch, new};

/// Who wrote books.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "authors", has_many(books: Book))]
pub struct Author {
    /// The key.
    pub id: i64,
    /// The name.
    pub name: String,
    /// Where to write to.
    #[field(unique)]
    pub email: Option<String>,
}

/// What they wrote.
#[derive(Debug, Clone, PartialEq, Schema)]
#[schema(table = "books", belongs_to(author: Author))]
pub struct Book {
    /// The key.
    pub id: i64,
    /// Who wrote it.
    pub author_id: i64,
    /// The title.
    pub title: String,
    /// The price.
    pub price: Decimal,
    /// Whether it can be bought.
    pub published: bool,
}

const TABLES: &str = "
create table authors (id integer primary key, name text not null, email text unique);
create table books (
    id integer primary key,
    author_id integer not null references authors (id),
    title text not null,
    price text not null,
    published integer not null
);";

/// A registry of three databases in memory.
///
/// # Errors
///
/// `Configuration` when a setting is wrong, which none is.
pub fn registry() -> Result<Registry> {
    Registry::builder("sqlite::memory:")
        .extra("replica", "sqlite::memory:")
        .extra("archive", "sqlite::memory:")
        .build()
}

/// Creates the tables everywhere, and fills those of the default database.
///
/// # Errors
///
/// As for every statement.
pub async fn open(registry: &Registry) -> Result<()> {
    for database in registry.databases() {
        batch(database, TABLES).await?;
    }
    let kurt = new!(Author {
        name: "Kurt Vonnegut".to_owned(),
        email: Some("kurt@example.com".to_owned())
    })
    .insert(registry)
    .await?;
    let tove = new!(Author {
        name: "Tove Jansson".to_owned(),
        email: None
    })
    .insert(registry)
    .await?;
    let books = [
        (&kurt, "Galápagos", 1250, true),
        (&kurt, "Mother Night", 800, true),
        (&kurt, "If God Were Alive Today", 0, false),
        (&tove, "The Summer Book", 990, true),
    ];
    for (author, title, cents, published) in books {
        let book = new!(Book {
            author_id: author.id,
            title: title.to_owned(),
            price: Decimal::new(cents, 2),
            published
        });
        book.insert(registry).await?;
    }
    Ok(())
}

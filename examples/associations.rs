//! Authors, their books and the books' reviews: loaded together, with one statement for each association.

use estoult::{Registry, Result, Schema, batch, new};

#[derive(Debug, Clone, Schema)]
#[schema(has_many(books: Book))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Debug, Clone, Schema)]
#[schema(belongs_to(author: Author), has_many(reviews: Review))]
struct Book {
    id: i64,
    author_id: i64,
    title: String,
    year: i32,
}

#[derive(Debug, Clone, Schema)]
#[schema(belongs_to(book: Book))]
struct Review {
    id: i64,
    book_id: i64,
    stars: i32,
}

const TABLES: &str = "
create table authors (id integer primary key, name text not null);
create table books (
    id integer primary key,
    author_id integer not null references authors (id),
    title text not null,
    year integer not null
);
create table reviews (
    id integer primary key,
    book_id integer not null references books (id),
    stars integer not null
);";

#[tokio::main]
async fn main() -> Result<()> {
    let registry = Registry::builder("sqlite::memory:").build()?;
    let lifespan = registry.connect().await?;
    batch(&registry, TABLES).await?;
    fill(&registry).await?;

    // The row type says what was loaded: (Author, Vec<(Book, Vec<Review>)>).
    let authors = Author::query()
        .preload(
            Author::books
                .order_by(Book::year.desc())
                .limit(2)
                .preload(Book::reviews),
        )
        .order_by(Author::name.asc())
        .all(&registry)
        .await?;
    for (author, books) in &authors {
        println!("{}", author.name);
        for (book, reviews) in books {
            let stars: Vec<_> = reviews.iter().map(|review| review.stars).collect();
            println!("  {} ({}), stars: {stars:?}", book.title, book.year);
        }
    }

    // In the other direction.
    let (book, author) = Book::query()
        .filter(Book::title.eq("Solaris"))
        .preload(Book::author)
        .one(&registry)
        .await?;
    println!(
        "{} is by {}",
        book.title,
        author.map_or_else(String::new, |author| author.name)
    );
    lifespan.close().await
}

async fn fill(registry: &Registry) -> Result<()> {
    let books = [
        ("Stanisław Lem", "The Cyberiad", 1965),
        ("Stanisław Lem", "Solaris", 1961),
        ("Stanisław Lem", "The Investigation", 1959),
        ("Kurt Vonnegut", "Galápagos", 1985),
    ];
    for (name, title, year) in books {
        let known = Author::query()
            .filter(Author::name.eq(name))
            .optional(registry)
            .await?;
        let author = match known {
            Some(author) => author,
            None => {
                new!(Author {
                    name: name.to_owned()
                })
                .insert(registry)
                .await?
            }
        };
        let book = new!(Book {
            author_id: author.id,
            title: title.to_owned(),
            year
        });
        let book = book.insert(registry).await?;
        new!(Review {
            book_id: book.id,
            stars: 5
        })
        .insert(registry)
        .await?;
    }
    Ok(())
}

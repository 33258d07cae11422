//! A bookshop on embedded SQLite: migrated, filled from CSV files, queried, changed, split over two databases.
//!
//! `cargo run --example bookshop` needs no server, prints what it does and starts over each time.

#[path = "bookshop/folder.rs"]
mod folder;
#[path = "bookshop/import.rs"]
mod import;
#[path = "bookshop/schema.rs"]
mod schema;
#[path = "bookshop/show.rs"]
mod show;

use std::{collections::BTreeMap, error::Error, process::ExitCode};

use apocryphan::rider::{MigrateOptions, Rider, migrations};
use estoult::{Registry, Schema, count_rows, insert_all, run_sync};

use crate::{
    folder::Folder,
    schema::{Author, Book},
    show::{heading, say, table},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bookshop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let folder = Folder::fresh()?;
    let registry = Registry::builder(folder.database("shop"))
        .extra("archive", folder.database("archive"))
        .build()?;
    open_the_shop(&registry)?;
    registry.with_async_env(|| take_stock(&registry))?;
    say!("\nThe databases are still there: {folder}");
    Ok(())
}

/// The asynchronous part: both databases are connected until the lifespan ends.
#[tokio::main]
async fn open_the_shop(registry: &Registry) -> Outcome {
    let lifespan = registry.connect().await?;
    migrate(registry).await?;
    fill(registry).await?;
    browse(registry).await?;
    add_up(registry).await?;
    change(registry).await?;
    refuse_an_order(registry).await?;
    archive(registry).await?;
    Ok(lifespan.close().await?)
}

/// Brings the tables of every database up to date.
async fn migrate(registry: &Registry) -> Outcome {
    heading("Migrate");
    for database in registry.databases() {
        let rider = Rider::new(database.clone()).migrations(migrations!("./migrations"));
        let report = rider.migrate(&MigrateOptions::default()).await?;
        for migration in &report.applied {
            say!("{}: {} is applied", database.name(), migration.id);
        }
    }
    Ok(())
}

/// Loads the two CSV files, and reports and skips invalid rows.
async fn fill(registry: &Registry) -> Outcome {
    for import in [
        import::authors(registry).await?,
        import::books(registry).await?,
    ] {
        heading(&format!("Load {}", import.file));
        say!("{} rows loaded", import.loaded);
        say!("{} rows skipped:", import.refused.len());
        let rows = import
            .refused
            .iter()
            .map(|row| [row.line.to_string(), row.field.clone(), row.reason.clone()]);
        table(["line", "field", "what is wrong"], rows);
    }
    Ok(())
}

/// Authors with their earliest books: two statements, however many authors there are.
async fn browse(registry: &Registry) -> Outcome {
    heading("Authors from Japan, with at most two of their books each");
    let authors = Author::query()
        .filter(Author::country.eq("Japan"))
        .order_by(Author::born.asc())
        .limit(5)
        .preload(Author::books.order_by(Book::year.asc()).limit(2))
        .all(registry)
        .await?;
    let rows = authors.iter().map(|(author, books)| {
        let titles: Vec<_> = books.iter().map(|book| book.title.as_str()).collect();
        [
            author.name.clone(),
            author.born.to_string(),
            titles.join(", "),
        ]
    });
    table(["author", "born", "books"], rows);
    Ok(())
}

/// Books in each language, and the oldest and the newest book of the shop.
async fn add_up(registry: &Registry) -> Outcome {
    heading("Books in each language");
    let languages = Book::query()
        .group_by(Book::language)
        .select((
            Book::language,
            count_rows(),
            Book::year.min(),
            Book::year.max(),
        ))
        .order_by(count_rows().desc())
        .order_by(Book::language.asc())
        .limit(6)
        .all(registry)
        .await?;
    let year = |year: Option<i32>| year.map_or_else(String::new, |year| year.to_string());
    let rows = languages
        .into_iter()
        .map(|(language, books, oldest, newest)| {
            [language, books.to_string(), year(oldest), year(newest)]
        });
    table(["language", "books", "oldest", "newest"], rows);

    for (word, order) in [("oldest", Book::year.asc()), ("newest", Book::year.desc())] {
        let first = Book::query().order_by(order).order_by(Book::title.asc());
        if let Some((book, Some(author))) = first.preload(Book::author).first(registry).await? {
            say!(
                "The {word} book is {}, {}, {}.",
                book.title,
                author.name,
                book.year
            );
        }
    }
    Ok(())
}

/// Changes one row, then many. Setting a column to its present value sends nothing.
async fn change(registry: &Registry) -> Outcome {
    heading("Change");
    let solaris = Book::query()
        .filter(Book::title.eq("Solaris"))
        .one(registry)
        .await?;
    let solaris = solaris
        .change()
        .put(Book::copies, 4)
        .update(registry)
        .await?;
    say!("There are {} copies of {}.", solaris.copies, solaris.title);

    let restocked = Book::query()
        .filter(Book::language.in_list(["pl", "cs"]))
        .filter(Book::copies.lt(4))
        .set(Book::copies, 4)
        .update_all(registry)
        .await?;
    say!("{restocked} Polish and Czech books have 4 copies now, too.");
    Ok(())
}

/// An order of two books, one of which has too few copies: the database refuses it, and the transaction rolls back the
/// rest.
async fn refuse_an_order(registry: &Registry) -> Outcome {
    heading("Sell, and roll back");
    let order = [("Solaris", 2), ("Candide", 5)];
    let sold = registry
        .transaction(async |tx| {
            for (title, copies) in order {
                let book = Book::query().filter(Book::title.eq(title)).one(tx).await?;
                let left = book.copies - copies;
                book.change()
                    .put(Book::copies, left)
                    .check_constraint(Book::copies, "books_copies_check")
                    .update(tx)
                    .await?;
                say!("{copies} copies of {title} are taken from the shelf.");
            }
            Ok(())
        })
        .await;
    if let Err(error) = sold {
        say!("The order is refused: {}.", error.message());
    }
    let solaris = Book::query()
        .filter(Book::title.eq("Solaris"))
        .one(registry)
        .await?;
    say!("There are still {} copies of Solaris.", solaris.copies);
    Ok(())
}

/// Moves books from before 1900 to the archive. No transaction spans two databases, so the copies are committed before
/// the originals are deleted: an interruption loses nothing.
async fn archive(registry: &Registry) -> Outcome {
    heading("Move old books to the archive");
    let archive = registry.using("archive")?;
    let old = Book::query()
        .filter(Book::year.lt(1900))
        .preload(Book::author)
        .all(registry)
        .await?;
    let authors: BTreeMap<i64, Author> = old
        .iter()
        .filter_map(|(_, author)| author.clone())
        .map(|author| (author.id, author))
        .collect();
    let keys: Vec<i64> = old.iter().map(|(book, _)| book.id).collect();
    archive
        .transaction(async |tx| {
            insert_all(tx, authors.into_values().map(Author::again)).await?;
            insert_all(tx, old.into_iter().map(|(book, _)| book.again())).await
        })
        .await?;
    let moved = Book::query()
        .filter(Book::id.in_list(keys))
        .delete_all(registry)
        .await?;
    say!("{moved} books from before 1900 are in the archive now.");

    // A row of another database is a row like any other.
    let candide = Book::query()
        .filter(Book::title.eq("Candide"))
        .one(&archive)
        .await?;
    say!(
        "One of them is {}, still under the key {}.",
        candide.title,
        candide.id
    );
    Ok(())
}

/// The part without async: the thread waits for each statement.
fn take_stock(registry: &Registry) -> estoult::Result<()> {
    heading("Take stock, without async");
    let rows = registry
        .databases()
        .map(|database| {
            let authors = run_sync(Author::query().count(database))?;
            let books = run_sync(Book::query().count(database))?;
            let copies = run_sync(Book::query().select(Book::copies.sum()).one(database))?;
            Ok([
                database.name().to_owned(),
                authors.to_string(),
                books.to_string(),
                copies.unwrap_or(0).to_string(),
            ])
        })
        .collect::<estoult::Result<Vec<_>>>()?;
    table(["database", "authors", "books", "copies"], rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use estoult::Registry;

    use crate::{Outcome, import, migrate};

    /// The refused lines, each with its field.
    fn refused(import: &import::Import) -> Vec<(u64, &str)> {
        let refused = import.refused.iter();
        refused.map(|row| (row.line, row.field.as_str())).collect()
    }

    #[tokio::test]
    async fn broken_rows_are_reported_by_line_and_field_and_the_others_stay() -> Outcome {
        let registry = Registry::builder("sqlite::memory:").build()?;
        let lifespan = registry.connect().await?;
        migrate(&registry).await?;
        let authors = import::authors(&registry).await?;
        let broken = [
            (33, "born"),
            (90, "name"),
            (142, "(the row)"),
            (195, "name"),
        ];
        assert_eq!((authors.loaded, refused(&authors)), (224, broken.to_vec()));
        let books = import::books(&registry).await?;
        let broken = [
            (24, "year"),
            (73, "title"),
            (132, "author_id"),
            (190, "language"),
            (249, "(the row)"),
            (303, "year"),
            (368, "title"),
            (423, "year"),
        ];
        assert_eq!((books.loaded, refused(&books)), (566, broken.to_vec()));
        Ok(lifespan.close().await?)
    }
}

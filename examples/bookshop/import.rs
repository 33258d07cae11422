//! Loads the CSV files: each row becomes a changeset, each file a transaction, each invalid row a line of the report.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use csv::{ErrorKind, Reader, StringRecord};
use estoult::{Changeset, Error, FieldError, Registry, Schema, schema::Untenanted};

use crate::{
    Outcome,
    schema::{Author, Book},
    show::progress,
};

/// The outcome for a file.
pub(crate) struct Import {
    pub(crate) file: &'static str,
    pub(crate) loaded: usize,
    pub(crate) refused: Vec<Refused>,
}

/// A row that was skipped, and why.
pub(crate) struct Refused {
    pub(crate) line: u64,
    pub(crate) field: String,
    pub(crate) reason: String,
}

/// A row with the columns of its file.
struct Row {
    line: u64,
    fields: Vec<(String, String)>,
}

/// A file as it was read.
struct Sheet {
    file: &'static str,
    rows: Vec<Row>,
    refused: Vec<Refused>,
}

/// Loads the authors.
pub(crate) async fn authors(registry: &Registry) -> Outcome<Import> {
    let sheet = read("authors.csv", ["name", "born", "country"])?;
    load(registry, sheet, author).await
}

/// Loads the books, whose authors are there already.
pub(crate) async fn books(registry: &Registry) -> Outcome<Import> {
    let sheet = read("books.csv", ["title", "author", "year", "language"])?;
    let authors = Author::query()
        .select((Author::name, Author::id))
        .all(registry)
        .await?;
    let authors: HashMap<String, i64> = authors.into_iter().collect();
    load(registry, sheet, |row| book(row, &authors)).await
}

fn author(row: &Row) -> Changeset<Author> {
    Author::changeset()
        .cast(
            &row.fields,
            [
                Author::name.name(),
                Author::born.name(),
                Author::country.name(),
            ],
        )
        .max_length(Author::name, 100)
        .range(Author::born, ..=this_year())
        .unique(Author::name)
}

fn book(row: &Row, authors: &HashMap<String, i64>) -> Changeset<Book> {
    let changeset = Book::changeset()
        .cast(
            &row.fields,
            [Book::title.name(), Book::year.name(), Book::language.name()],
        )
        .max_length(Book::title, 200)
        .range(Book::year, ..=this_year())
        .format(Book::language, "^[a-z]{2}$")
        .unique_together([Book::title.name(), Book::author_id.name()]);
    match authors.get(row.field("author")) {
        Some(id) => changeset.put(Book::author_id, *id),
        None => changeset.add_error(Book::author_id, "unknown", "is not in authors.csv"),
    }
}

/// Inserts all rows in one transaction. Each row has a savepoint of its own, so a row that the database refuses does
/// not roll back the others.
async fn load<S: Schema<Tenant = Untenanted>>(
    registry: &Registry,
    sheet: Sheet,
    changeset: impl Fn(&Row) -> Changeset<S>,
) -> Outcome<Import> {
    let mut import = Import {
        file: sheet.file,
        loaded: 0,
        refused: sheet.refused,
    };
    let bar = progress(sheet.file, sheet.rows.len());
    registry
        .transaction(async |tx| {
            for row in bar.wrap_iter(sheet.rows.iter()) {
                let changes = changeset(row);
                match tx.transaction(async |row| changes.insert(row).await).await {
                    Ok(_) => import.loaded += 1,
                    Err(error) if error.is_invalid() => import.refuse(row, &error),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
        .await?;
    bar.finish_and_clear();
    import.refused.sort_by_key(|refused| refused.line);
    Ok(import)
}

impl Import {
    /// One line of the report for each rule that the row breaks.
    fn refuse(&mut self, row: &Row, error: &Error) {
        self.refused
            .extend(error.fields().iter().map(|field| Refused {
                line: row.line,
                field: field.field().to_owned(),
                reason: reason(field),
            }));
    }
}

/// The message, and what was expected where a text could not be read as the column's type.
fn reason(field: &FieldError) -> String {
    let mut reason = field.message().to_owned();
    for (_, detail) in field
        .parameters()
        .iter()
        .filter(|(name, _)| *name == "reason")
    {
        reason = format!("{reason}: {detail}");
    }
    reason
}

impl Row {
    fn field(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, text)| text)
    }
}

/// Reads a file with these columns. A row with other columns is refused; a file with other columns is an error.
fn read<const N: usize>(file: &'static str, columns: [&str; N]) -> Outcome<Sheet> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(file);
    let mut reader = Reader::from_path(&path)?;
    let header = reader.headers()?;
    if header != columns.as_slice() {
        let found: Vec<_> = header.iter().collect();
        return Err(format!(
            "read {file}: the columns are {}, expected {}",
            found.join(", "),
            columns.join(", ")
        )
        .into());
    }
    let mut sheet = Sheet {
        file,
        rows: Vec::new(),
        refused: Vec::new(),
    };
    for record in reader.records() {
        match record {
            Ok(record) => sheet.rows.push(row(&record, &columns)),
            Err(error) => sheet.refused.push(misshapen(error)?),
        }
    }
    Ok(sheet)
}

fn row(record: &StringRecord, columns: &[&str]) -> Row {
    let fields = columns.iter().zip(record.iter());
    Row {
        line: record.position().map_or(0, csv::Position::line),
        fields: fields
            .map(|(name, text)| ((*name).to_owned(), text.to_owned()))
            .collect(),
    }
}

/// What is wrong with the columns of a row; a file that can't be read is an error.
fn misshapen(error: csv::Error) -> csv::Result<Refused> {
    let (position, reason) = match error.kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => (pos, format!("has {len} fields instead of {expected_len}")),
        ErrorKind::Utf8 { pos, .. } => (pos, "is not UTF-8".to_owned()),
        _ => return Err(error),
    };
    Ok(Refused {
        line: position.as_ref().map_or(0, csv::Position::line),
        field: "(the row)".to_owned(),
        reason,
    })
}

fn this_year() -> i32 {
    const YEAR: Duration = Duration::from_secs(31_556_952);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let years = since.map_or(0, |since| since.as_secs() / YEAR.as_secs());
    1970 + i32::try_from(years).unwrap_or(0)
}

//! What a word that is being typed may become.
//! Invariant: nothing here talks to a terminal or to a database.

use std::collections::BTreeMap;

use apocryphan_migration::Syntax;

use super::command;

/// The words of SQL that are worth completing.
const KEYWORDS: [&str; 72] = [
    "all",
    "alter",
    "and",
    "as",
    "asc",
    "begin",
    "between",
    "by",
    "cascade",
    "case",
    "check",
    "column",
    "commit",
    "constraint",
    "count",
    "create",
    "cross",
    "default",
    "delete",
    "desc",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "foreign",
    "from",
    "full",
    "group",
    "having",
    "in",
    "index",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "join",
    "key",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "primary",
    "references",
    "returning",
    "right",
    "rollback",
    "savepoint",
    "select",
    "set",
    "table",
    "then",
    "trigger",
    "truncate",
    "union",
    "unique",
    "update",
    "using",
    "values",
    "view",
    "when",
    "where",
    "with",
];

/// What the shell knows while a line is typed.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// The databases of the registry.
    pub(super) databases: Vec<String>,
    /// The columns of each table.
    pub(super) tables: BTreeMap<String, Vec<String>>,
    /// How the database's SQL is read.
    pub(super) syntax: Syntax,
    /// The quote around names.
    pub(super) quote: char,
    /// What ends a statement.
    pub(super) delimiter: String,
}

/// What may stand in the place of a word: where the word begins, and each text that it may become.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Completion {
    Words(usize, Vec<String>),
    /// The path of a file.
    Path,
}

/// What the word before the position may become.
pub(super) fn complete(line: &str, position: usize, known: &Known) -> Completion {
    let before = &line[..position];
    if let Some(rest) = before.strip_prefix('\\') {
        return complete_command(before, rest, known);
    }
    if is_in_text(before) {
        return Completion::Words(position, Vec::new());
    }
    let start = before
        .rfind(|letter: char| !is_part_of_word(letter))
        .map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
    let word = &before[start..];
    let found = match before[..start].strip_suffix('.') {
        Some(owner) => columns_of(owner, known),
        None => everything(word, known),
    };
    Completion::Words(start, matching(word, found, known.quote))
}

fn complete_command(before: &str, rest: &str, known: &Known) -> Completion {
    let Some((name, argument)) = rest.split_once(char::is_whitespace) else {
        let names = command::names().filter(|name| name.starts_with(before));
        return Completion::Words(0, names.map(str::to_owned).collect());
    };
    let argument = argument.trim_start();
    let start = before.len() - argument.len();
    let begins = |names: &mut dyn Iterator<Item = &String>| {
        let lower = argument.to_lowercase();
        let names = names.filter(|name| name.to_lowercase().starts_with(&lower));
        names.cloned().collect()
    };
    match name {
        "d" => Completion::Words(start, begins(&mut known.tables.keys())),
        "using" => Completion::Words(start, begins(&mut known.databases.iter())),
        "i" => Completion::Path,
        "timing" | "x" => {
            let choices = ["on".to_owned(), "off".to_owned()];
            Completion::Words(start, begins(&mut choices.iter()))
        }
        _ => Completion::Words(start, Vec::new()),
    }
}

/// Whether the end is inside of a text between single quotes.
fn is_in_text(before: &str) -> bool {
    before.matches('\'').count() % 2 == 1
}

fn is_part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The columns of the table whose name ends the text; those of all tables where it is the name of none.
fn columns_of<'k>(owner: &str, known: &'k Known) -> Vec<&'k str> {
    let owner = owner.trim_end_matches(known.quote);
    let start = owner.rfind(|letter: char| !is_part_of_word(letter));
    let name = &owner[start.map_or(0, |at| at + 1)..];
    let table = known
        .tables
        .iter()
        .find(|(table, _)| table.eq_ignore_ascii_case(name));
    match table {
        Some((_, columns)) => columns.iter().map(String::as_str).collect(),
        // Most often it is the short name that the statement gives a table, which may stand further on.
        None => known
            .tables
            .values()
            .flatten()
            .map(String::as_str)
            .collect(),
    }
}

/// Tables, columns, and for a word that has begun keywords.
fn everything<'k>(word: &str, known: &'k Known) -> Vec<&'k str> {
    let tables = known.tables.keys().map(String::as_str);
    let columns = known.tables.values().flatten().map(String::as_str);
    let keywords = KEYWORDS.iter().copied().filter(|_| !word.is_empty());
    tables.chain(columns).chain(keywords).collect()
}

/// Those that begin with the word, once each; names that need quotes get them.
fn matching(word: &str, found: Vec<&str>, quote: char) -> Vec<String> {
    let lower = word.to_lowercase();
    let is_loud = !word.is_empty() && !word.contains(|letter: char| letter.is_lowercase());
    let mut words: Vec<String> = Vec::new();
    for name in found {
        if !name.to_lowercase().starts_with(&lower) {
            continue;
        }
        let text = if KEYWORDS.contains(&name) && is_loud {
            name.to_uppercase()
        } else {
            quoted(name, quote)
        };
        if !words.contains(&text) {
            words.push(text);
        }
    }
    words
}

/// A name as it is written: between quotes unless it is plain.
fn quoted(name: &str, quote: char) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    if is_plain {
        return name.to_owned();
    }
    let twice = quote.to_string().repeat(2);
    format!("{quote}{}{quote}", name.replace(quote, &twice))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use apocryphan_migration::Syntax;

    use super::{Completion, Known, complete};

    fn known() -> Known {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Known {
            databases: vec!["default".to_owned(), "read replica".to_owned()],
            tables: BTreeMap::from([
                ("authors".to_owned(), columns(&["id", "name"])),
                ("books".to_owned(), columns(&["id", "title", "Year"])),
            ]),
            syntax: Syntax::SQLITE,
            quote: '"',
            delimiter: ";".to_owned(),
        }
    }

    fn words(line: &str) -> (usize, String) {
        match complete(line, line.len(), &known()) {
            Completion::Words(start, words) => (start, words.join(" ")),
            Completion::Path => (0, "a path".to_owned()),
        }
    }

    #[test]
    fn tables_columns_and_keywords_complete_a_word() {
        assert_eq!(words("select * from bo"), (14, "books".to_owned()));
        assert_eq!(words("select ti"), (7, "title".to_owned()));
        assert_eq!(words("SEL"), (0, "SELECT".to_owned()));
        assert_eq!(
            words("select a"),
            (7, "authors all alter and as asc".to_owned())
        );
        assert_eq!(words("select y"), (7, "\"Year\"".to_owned()));
    }

    #[test]
    fn a_table_before_the_point_limits_the_columns() {
        assert_eq!(words("select authors."), (15, "id name".to_owned()));
        assert_eq!(words("select \"authors\".n"), (17, "name".to_owned()));
        assert_eq!(words("select b.t"), (9, "title".to_owned()));
    }

    #[test]
    fn nothing_is_completed_inside_of_a_text() {
        assert_eq!(words("select 'bo"), (10, String::new()));
        assert_eq!(words("select 'it''s', bo"), (16, "books".to_owned()));
    }

    #[test]
    fn commands_and_what_follows_them_are_completed() {
        assert_eq!(words("\\us"), (0, "\\using".to_owned()));
        assert_eq!(words("\\using re"), (7, "read replica".to_owned()));
        assert_eq!(words("\\d "), (3, "authors books".to_owned()));
        assert_eq!(words("\\timing o"), (8, "on off".to_owned()));
        assert_eq!(words("\\i te"), (0, "a path".to_owned()));
    }
}

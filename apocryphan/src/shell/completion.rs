//! The words that can complete the one before the cursor.
//! Invariant: nothing here talks to a terminal or to a database.

use std::collections::{BTreeMap, HashSet};

use estoult_sql::{
    lexer::{TokenKind, executed, tokens},
    names::{self, unquoted},
    syntax::Syntax,
};

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

/// What the editor needs to know to complete words and to see where a statement ends.
#[derive(Debug, Clone)]
pub(super) struct EditorContext {
    /// The databases of the registry.
    pub(super) databases: Vec<String>,
    /// The columns of each table.
    pub(super) tables: BTreeMap<String, Vec<String>>,
    /// How the database's SQL is split and names are quoted.
    pub(super) syntax: Syntax,
    /// What ends a statement.
    pub(super) delimiter: String,
}

/// What can take the place of the word before the cursor: where the word begins, and the words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Completion {
    Words(usize, Vec<String>),
    /// The path of a file.
    Path,
}

/// What can complete the word before the position.
pub(super) fn complete(line: &str, position: usize, context: &EditorContext) -> Completion {
    let before = &line[..position];
    if before.starts_with('\\') {
        return complete_command(before, context);
    }
    if is_in_string(before, &context.syntax) {
        return Completion::Words(position, Vec::new());
    }
    let word = last_word(before);
    // An empty word before the cursor completes to everything that can come next.
    let start = before.len() - word.len();
    let candidates = match before[..start].strip_suffix('.') {
        Some(owner) => columns_of(owner, context),
        None => all_names(word, context),
    };
    Completion::Words(start, matching(word, candidates, context.syntax.quote))
}

fn complete_command(before: &str, context: &EditorContext) -> Completion {
    let Some((name, argument)) = before.split_once(char::is_whitespace) else {
        let names = command::names().filter(|name| name.starts_with(before));
        return Completion::Words(0, names.map(str::to_owned).collect());
    };
    let argument = argument.trim_start();
    let start = before.len() - argument.len();
    let lower = argument.to_lowercase();
    let words = |names: &mut dyn Iterator<Item = &str>| {
        let names = names.filter(|name| name.to_lowercase().starts_with(&lower));
        Completion::Words(start, names.map(str::to_owned).collect())
    };
    match name {
        "\\d" => words(&mut context.tables.keys().map(String::as_str)),
        "\\using" => words(&mut context.databases.iter().map(String::as_str)),
        "\\i" => Completion::Path,
        "\\timing" | "\\x" => words(&mut ["on", "off"].into_iter()),
        _ => words(&mut std::iter::empty()),
    }
}

/// Whether the end is inside of a string or a comment.
fn is_in_string(before: &str, syntax: &Syntax) -> bool {
    tokens(before, syntax)
        .last()
        .is_some_and(|last| match last.kind {
            TokenKind::LineComment => true,
            TokenKind::String | TokenKind::DollarString | TokenKind::BlockComment => {
                !last.is_closed
            }
            _ => false,
        })
}

/// The word that the text ends with; empty if it ends with something else.
fn last_word(text: &str) -> &str {
    let is_end = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    text.rsplit(is_end).next().unwrap_or(text)
}

/// The columns of the table whose name ends the text, or all columns if there is no such table.
fn columns_of<'c>(owner: &str, context: &'c EditorContext) -> Vec<&'c str> {
    let last = executed(owner, &context.syntax).last();
    let name = unquoted(last.map_or("", |token| token.text), &context.syntax);
    let mut tables = context.tables.iter();
    match tables.find(|(table, _)| table.eq_ignore_ascii_case(&name)) {
        Some((_, columns)) => columns.iter().map(String::as_str).collect(),
        // Usually it is an alias, whose `from` may not be typed yet.
        None => all_columns(context).collect(),
    }
}

fn all_columns(context: &EditorContext) -> impl Iterator<Item = &str> {
    context.tables.values().flatten().map(String::as_str)
}

/// Tables and columns; keywords only for a word that has begun, where there are not too many to choose from.
fn all_names<'c>(word: &str, context: &'c EditorContext) -> Vec<&'c str> {
    let tables = context.tables.keys().map(String::as_str);
    let keywords = KEYWORDS.iter().copied().filter(|_| !word.is_empty());
    tables.chain(all_columns(context)).chain(keywords).collect()
}

/// The candidates that begin with the word, once each. Keywords follow the case of the word, and names are quoted where
/// SQL needs it.
fn matching(word: &str, candidates: Vec<&str>, quote: char) -> Vec<String> {
    let lower = word.to_lowercase();
    let is_upper_case = !word.is_empty() && !word.contains(char::is_lowercase);
    let mut seen = HashSet::new();
    candidates
        .into_iter()
        .filter(|name| name.to_lowercase().starts_with(&lower) && seen.insert(*name))
        .map(|name| match KEYWORDS.contains(&name) && is_upper_case {
            true => name.to_uppercase(),
            false => quoted_if_needed(name, quote),
        })
        .collect()
}

/// A name as SQL needs it: quoted unless it is in lower case and plain, since PostgreSQL lowers what is not quoted.
fn quoted_if_needed(name: &str, quote: char) -> String {
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    match name.chars().all(is_plain) && !name.starts_with(|letter: char| letter.is_ascii_digit()) {
        true => name.to_owned(),
        false => names::quoted(name, quote),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use estoult_sql::syntax::Syntax;

    use super::{Completion, EditorContext, complete};

    fn context() -> EditorContext {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        EditorContext {
            databases: vec!["default".to_owned(), "read replica".to_owned()],
            tables: BTreeMap::from([
                ("authors".to_owned(), columns(&["id", "name"])),
                ("books".to_owned(), columns(&["id", "title", "Year"])),
            ]),
            syntax: Syntax::SQLITE,
            delimiter: ";".to_owned(),
        }
    }

    fn words(line: &str) -> (usize, String) {
        match complete(line, line.len(), &context()) {
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
        assert_eq!(words("select “authors.n"), (18, "name".to_owned()));
    }

    #[test]
    fn nothing_is_completed_inside_of_a_text() {
        assert_eq!(words("select 'bo"), (10, String::new()));
        assert_eq!(words("select 'it''s', bo"), (16, "books".to_owned()));
        assert_eq!(words("select 1 -- it's bo"), (19, String::new()));
        assert_eq!(words("select /* it's */ bo"), (18, "books".to_owned()));
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

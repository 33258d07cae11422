//! The leading comment block of a migration file: its message and its directives.
//! Invariant: a directive is never ignored; one that is misspelled or misplaced is a problem. All else is a comment.

use estoult_sql::names::{did_you_mean, nearest};

use crate::{
    problem::{Problem, Problems},
    statements::is_marker,
};

/// The directives that a file may have.
const KNOWN: [&str; 5] = [
    "message",
    "depends",
    "transactional",
    "ignore_errors",
    "empty",
];

/// How the lines of a licence begin, which are no message.
const LICENCE: [&str; 4] = ["copyright", "spdx-", "licensed under", "(c)"];

/// Directives of other tools, or of a later version: to ignore them would change what a migration does.
const UNSUPPORTED: [&str; 8] = [
    "foreign_keys",
    "replaces",
    "irreversible",
    "delimiter",
    "timeout",
    "only",
    "repeatable",
    "phase",
];

/// In which direction an error of the database is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignore {
    /// While the step is applied.
    Migrate,
    /// While the step is rolled back.
    Rollback,
    /// In both directions.
    All,
}

impl Ignore {
    /// Reads `migrate`, `rollback` or `all`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "migrate" => Some(Self::Migrate),
            "rollback" => Some(Self::Rollback),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// Whether errors are ignored while the step is applied.
    pub fn in_migrate(self) -> bool {
        self != Self::Rollback
    }

    /// Whether errors are ignored while the step is rolled back.
    pub fn in_rollback(self) -> bool {
        self != Self::Migrate
    }
}

/// What the leading comments say of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// One line for the list.
    pub message: Option<String>,
    /// The ids of the migrations that must be applied before.
    pub depends: Vec<String>,
    /// Whether it runs in one transaction, where the database can do that.
    pub transactional: bool,
    /// Which errors every step ignores unless it says otherwise.
    pub ignore_errors: Option<Ignore>,
    /// Whether it is meant to have no statement.
    pub empty: bool,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            message: None,
            depends: Vec::new(),
            transactional: true,
            ignore_errors: None,
            empty: false,
        }
    }
}

impl Header {
    /// Reads the comment lines before the first statement or marker.
    ///
    /// # Errors
    ///
    /// All directives that are unknown, not supported, repeated or have a wrong value.
    pub fn parse(file: &str, source: &str) -> Result<Self, Problems> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut reader = Reader {
            file,
            header: Self::default(),
            seen: Vec::new(),
            prose: Vec::new(),
            is_first_paragraph: true,
            problems: Problems::default(),
        };
        for (index, line) in leading_lines(source) {
            match comment(line) {
                Some(content) => reader.line(index + 1, content),
                None => {
                    reader.is_first_paragraph = reader.prose.is_empty() && reader.seen.is_empty()
                }
            }
        }
        // A `message` wins over prose, which is then a comment like any other.
        let message = reader.prose.join(" ");
        if reader.header.message.is_none() && !message.is_empty() {
            reader.header.message = Some(message);
        }
        reader.problems.into_result(reader.header)
    }
}

/// The lines, counted from zero, that belong to the leading comment block.
fn leading_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    // A block comment ends it, too: what is inside of one is prose.
    source.lines().enumerate().take_while(|(_, line)| {
        let line = line.trim();
        line.is_empty() || (line.starts_with("--") && !is_marker(line))
    })
}

/// The number of lines of the leading comment block.
pub(crate) fn length(source: &str) -> usize {
    leading_lines(source).count()
}

fn comment(line: &str) -> Option<&str> {
    line.trim()
        .strip_prefix("--")
        .map(|content| content.trim_start_matches('-').trim())
}

/// A directive of a comment: its name in lower case and its value.
pub(crate) fn directive(content: &str) -> Option<(String, &str)> {
    let (name, value) = content.split_once(':').unwrap_or((content, ""));
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-');
    let is_bare = !content.contains(':');
    // Other tools write `__depends__`, and hyphens for underscores.
    let name = name
        .trim_matches('_')
        .to_ascii_lowercase()
        .replace('-', "_");
    // Prose has words without a colon, so only what other tools write without one is a directive.
    let is_flag = is_bare && UNSUPPORTED.contains(&name.as_str());
    (is_name && (!is_bare || is_flag)).then(|| (name, value.trim()))
}

/// The problem of a directive after the leading block, if the comment is one.
pub(crate) fn misplaced(file: &str, line: usize, comment_line: &str) -> Option<Problem> {
    let (name, _) = directive(comment(comment_line)?)?;
    let is_known = KNOWN.contains(&name.as_str());
    is_known.then(|| {
        let message = format!(
            "the directive `{name}` is after the first statement or marker, where it is not read; \
             move it to the comments at the top of the file"
        );
        Problem::new(file, message).at(line)
    })
}

struct Reader<'f> {
    file: &'f str,
    header: Header,
    seen: Vec<String>,
    prose: Vec<&'f str>,
    /// Whether the comment before has not ended yet, whose lines are the message.
    is_first_paragraph: bool,
    problems: Problems,
}

impl<'f> Reader<'f> {
    fn line(&mut self, line: usize, content: &'f str) {
        match directive(content) {
            Some((name, value)) if KNOWN.contains(&name.as_str()) => {
                self.known(line, &name, value);
            }
            Some((name, _)) if UNSUPPORTED.contains(&name.as_str()) => {
                let message =
                    format!("the directive `{name}` is not supported by this version of rider");
                self.problem(line, message);
            }
            Some((name, _)) if nearest(&name, KNOWN).is_some() => self.unknown(line, &name),
            Some(_) | None => {
                let ends = !self.is_first_paragraph || content.is_empty() || !self.seen.is_empty();
                if !ends && !is_licence(content) {
                    self.prose.push(content);
                }
            }
        }
    }

    fn known(&mut self, line: usize, name: &str, value: &str) {
        // `depends` adds up, since a list may be longer than a line; any other value would silently win or lose.
        if name != "depends" && self.seen.iter().any(|seen| seen == name) {
            self.problem(line, format!("the directive `{name}` is given twice"));
        }
        self.seen.push(name.to_owned());
        match name {
            "message" => self.header.message = Some(value.to_owned()),
            "depends" => match ids(value) {
                Ok(ids) => self.header.depends.extend(ids),
                Err(message) => self.problem(line, message),
            },
            "transactional" => {
                if let Some(value) = self.boolean(line, name, value) {
                    self.header.transactional = value;
                }
            }
            "empty" => {
                if let Some(value) = self.boolean(line, name, value) {
                    self.header.empty = value;
                }
            }
            _ => match Ignore::parse(value) {
                Some(ignore) => self.header.ignore_errors = Some(ignore),
                None => self.problem(line, wrong_ignore(value)),
            },
        }
    }

    fn boolean(&mut self, line: usize, name: &str, value: &str) -> Option<bool> {
        match value {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let message = format!("`{name}` is `true` or `false`, not `{other}`");
                self.problem(line, message);
                None
            }
        }
    }

    fn unknown(&mut self, line: usize, name: &str) {
        let remedy = did_you_mean(name, KNOWN).unwrap_or_default();
        self.problem(line, format!("unknown directive `{name}`: {remedy}"));
    }

    fn problem(&mut self, line: usize, message: String) {
        self.problems
            .push(Problem::new(self.file, message).at(line));
    }
}

pub(crate) fn wrong_ignore(value: &str) -> String {
    format!("`ignore_errors` is `migrate`, `rollback` or `all`, not `{value}`")
}

fn is_licence(content: &str) -> bool {
    let content = content.to_ascii_lowercase();
    LICENCE.iter().any(|start| content.starts_with(start))
}

fn separates(letter: char) -> bool {
    letter.is_whitespace() || "{}[](),".contains(letter)
}

/// The ids of `a b`, `a, b` or `{"a", "b"}`, which other tools write. An id with blanks or quotes stands in quotes, and
/// a quote in it is written twice. An empty value has none.
fn ids(value: &str) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    let mut rest = value.trim_start_matches(separates);
    while let Some(first) = rest.chars().next() {
        let id;
        (id, rest) = match first {
            '"' | '\'' => quoted(first, &rest[1..])?,
            _ => {
                let end = rest.find(separates).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if !id.is_empty() {
            ids.push(id);
        }
        rest = rest.trim_start_matches(separates);
    }
    Ok(ids)
}

/// An id behind its opening quote, and what follows the closing one.
fn quoted(quote: char, text: &str) -> Result<(String, &str), String> {
    let mut id = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once(quote) else {
            return Err(format!(
                "an id in `depends` begins with {quote} and does not end with it"
            ));
        };
        id.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                id.push(quote);
                rest = after;
            }
            None => return Ok((id, after)),
        }
    }
}

/// An id as `depends` has to name it: in quotes, if it has a blank, a quote or a mark of a list.
pub fn quoted_id(id: &str) -> String {
    let is_plain = !id.is_empty()
        && !id
            .chars()
            .any(|letter| separates(letter) || "\"'".contains(letter));
    match is_plain {
        true => id.to_owned(),
        false => format!("\"{}\"", id.replace('"', "\"\"")),
    }
}

//! A script to its statements, each with the line it stands on.
//! Invariant: the pieces of a script, put together, are the script; nothing is split inside a
//! string, a comment, a quoted name or the body of a trigger or routine.

mod body;
#[cfg(test)]
mod tests;

use crate::{
    lexer::{self, Kind, Token, Unterminated},
    problem::Problem,
    syntax::Syntax,
};
use body::Body;

/// One statement and the line, counted from one, on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement without what ends it and without the comments around it.
    pub text: String,
    /// Where it begins.
    pub line: usize,
}

/// What a piece of a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A statement to run.
    Statement,
    /// A comment `-- step …` or `-- rollback` that stands between statements.
    Marker,
    /// What begins with a backslash, up to the end of the line, as a shell takes it; see [`typed`].
    Command,
    /// White space, comments and client commands.
    Blank,
}

/// A part of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'s> {
    /// What it is for.
    pub role: Role,
    /// All of it: with the comments before it and what ends it.
    pub raw: &'s str,
    /// The statement or the marker alone; empty for a blank piece.
    pub text: &'s str,
    /// The line, counted from one, on which `text` begins.
    pub line: usize,
}

impl<'s> Piece<'s> {
    /// The comments and the white space before the text; all of a blank piece.
    pub fn before(&self) -> &'s str {
        match self.role {
            Role::Blank => self.raw,
            Role::Statement | Role::Marker | Role::Command => {
                &self.raw[..self.text.as_ptr().addr() - self.raw.as_ptr().addr()]
            }
        }
    }
}

/// Splits a script into statements, markers and what is between them.
///
/// # Errors
///
/// A problem when a string, a quoted name or a comment is never closed.
pub fn split<'s>(file: &str, source: &'s str, syntax: &Syntax) -> Result<Vec<Piece<'s>>, Problem> {
    Splitter::new(source, syntax, Reading::Markers)
        .run()
        .map_err(|error| unterminated(file, 1, source, error))
}

/// The statements of a text in which markers mean nothing; `line` is the line it begins on.
///
/// # Errors
///
/// A problem when a string, a quoted name or a comment is never closed.
pub fn statements(
    file: &str,
    line: usize,
    source: &str,
    syntax: &Syntax,
) -> Result<Vec<Statement>, Problem> {
    let pieces = Splitter::new(source, syntax, Reading::Statements)
        .run()
        .map_err(|error| unterminated(file, line, source, error))?;
    Ok(pieces
        .into_iter()
        .filter(|piece| piece.role == Role::Statement)
        .map(|piece| Statement {
            text: piece.text.to_owned(),
            line: line + piece.line - 1,
        })
        .collect())
}

/// What a person has typed so far: statements that are ended and commands, and what is still to be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed<'s> {
    /// The statements and commands in order, with what stands between them.
    pub pieces: Vec<Piece<'s>>,
    /// What follows the last of them.
    pub rest: &'s str,
    /// Whether the rest is a statement, a string or a comment that has begun and waits for its end.
    pub is_open: bool,
    /// What ends a statement from here on.
    pub delimiter: String,
}

/// Reads what a person has typed: statements as far as they are ended, and between them commands, which begin with a
/// backslash and end with the line. `delimiter` is what ends a statement at first, most often a semicolon.
///
/// ```
/// use apocryphan_migration::{Role, Syntax, typed};
///
/// let typed = typed("select 1;\n\\timing\nselect ';", ";", &Syntax::SQLITE);
/// let roles: Vec<_> = typed.pieces.iter().map(|piece| (piece.role, piece.text)).collect();
/// assert_eq!(roles, [(Role::Statement, "select 1"), (Role::Blank, ""), (Role::Command, "\\timing")]);
/// assert_eq!(typed.rest, "\nselect ';");
/// ```
#[must_use]
pub fn typed<'s>(source: &'s str, delimiter: &'s str, syntax: &Syntax) -> Typed<'s> {
    let mut splitter = Splitter::new(source, syntax, Reading::Commands);
    splitter.delimiter = delimiter;
    // What is not closed is not ended yet.
    let is_closed = splitter.read().is_ok();
    Typed {
        is_open: !is_closed || splitter.text.is_some(),
        rest: &source[splitter.start..],
        delimiter: splitter.delimiter.to_owned(),
        pieces: splitter.pieces,
    }
}

/// What beside statements a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Statements,
    Markers,
    Commands,
}

fn unterminated(file: &str, first: usize, source: &str, error: Unterminated) -> Problem {
    let line = first + line_breaks(&source[..error.start]);
    let message = format!("the {} that begins here is never closed", error.what);
    Problem::new(file, message).at(line)
}

fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The text of the marker comment, if it is one: its first word is `step` or `rollback`.
pub(crate) fn is_marker(comment: &str) -> bool {
    let content = comment.trim_start_matches('-').trim_start();
    let word = content.split_whitespace().next().unwrap_or_default();
    ["step", "rollback"]
        .iter()
        .any(|marker| word.trim_end_matches(':').eq_ignore_ascii_case(marker))
}

struct Splitter<'s> {
    source: &'s str,
    syntax: Syntax,
    reading: Reading,
    delimiter: &'s str,
    pieces: Vec<Piece<'s>>,
    /// The byte at which the present piece begins, and its line.
    start: usize,
    line: usize,
    /// From the first to the last token of the present statement.
    text: Option<(usize, usize)>,
    body: Body,
}

impl<'s> Splitter<'s> {
    fn new(source: &'s str, syntax: &Syntax, reading: Reading) -> Self {
        Self {
            source,
            syntax: *syntax,
            reading,
            delimiter: ";",
            pieces: Vec::new(),
            start: 0,
            line: 1,
            text: None,
            body: Body::default(),
        }
    }

    fn run(mut self) -> Result<Vec<Piece<'s>>, Unterminated> {
        let end = self.read()?;
        if self.start < end {
            self.emit(end);
        }
        Ok(self.pieces)
    }

    /// Reads all pieces but a last one that nothing ends, and tells where the text ends.
    fn read(&mut self) -> Result<usize, Unterminated> {
        let mut at = 0;
        while at < self.source.len() {
            if self.ends_here(at) {
                at += self.delimiter.len();
                self.emit(at);
            } else if let Some(token) = lexer::token(self.source, at, &self.syntax)? {
                at = self.take(self.cut(token));
            }
        }
        Ok(at)
    }

    /// A statement ends at this byte, which is between two tokens.
    fn ends_here(&self, at: usize) -> bool {
        let is_changed = self.delimiter != ";";
        let is_open = self.syntax.joining_parentheses && self.body.parentheses() > 0;
        self.source[at..].starts_with(self.delimiter)
            && (is_changed || !(self.body.is_open() || is_open))
    }

    /// A changed delimiter ends a word that contains it: `end$$`.
    fn cut(&self, token: Token) -> Token {
        if self.delimiter == ";" || token.kind != Kind::Word {
            return token;
        }
        match self.source[token.start..token.end].find(self.delimiter) {
            Some(at) if at > 0 => Token {
                end: token.start + at,
                ..token
            },
            _ => token,
        }
    }

    /// Takes a token in and tells where the next one begins.
    fn take(&mut self, token: Token) -> usize {
        let text = &self.source[token.start..token.end];
        match token.kind {
            Kind::Space => {}
            Kind::LineComment if self.is_marker(token) => self.mark(token),
            Kind::LineComment => {}
            Kind::BlockComment if self.syntax.client_commands && text.starts_with("/*!") => {
                self.extend(token);
            }
            Kind::BlockComment => {}
            Kind::Word if self.text.is_none() && self.is_command(text) => {
                return self.change_delimiter(token);
            }
            Kind::Other if text == "\\" && self.is_command_allowed(token) => {
                return self.command(token);
            }
            Kind::Word
            | Kind::Quoted
            | Kind::Semicolon
            | Kind::Open
            | Kind::Close
            | Kind::Other => {
                self.extend(token);
                self.body.take(token.kind, text, &self.syntax);
            }
        }
        token.end
    }

    fn extend(&mut self, token: Token) {
        let start = self.text.map_or(token.start, |(start, _)| start);
        self.text = Some((start, token.end));
    }

    fn is_marker(&self, token: Token) -> bool {
        let before = &self.source[self.start..token.start];
        let is_first = before
            .rsplit('\n')
            .next()
            .is_none_or(|line| line.trim().is_empty())
            && (before.contains('\n')
                || self.start == 0
                || self.source[..self.start].ends_with('\n'));
        self.reading == Reading::Markers
            && is_first
            && !self.body.is_open()
            && self.body.parentheses() == 0
            && is_marker(&self.source[token.start..token.end])
    }

    fn is_command_allowed(&self, token: Token) -> bool {
        let before = self.source[self.start..token.start].rsplit('\n').next();
        self.reading == Reading::Commands
            && self.text.is_none()
            && before.is_none_or(|line| line.trim().is_empty())
    }

    /// What came before is a piece of its own, and so is the line.
    fn command(&mut self, token: Token) -> usize {
        if self.start < token.start {
            self.emit(token.start);
        }
        let rest = &self.source[token.start..];
        let length = rest.find('\n').unwrap_or(rest.len());
        let text = rest[..length].trim_end();
        self.text = Some((token.start, token.start + text.len()));
        let end = token.start + length;
        self.emit(end);
        if let Some(piece) = self.pieces.last_mut() {
            piece.role = Role::Command;
        }
        end
    }

    /// What came before is a piece of its own, and so is the marker.
    fn mark(&mut self, token: Token) {
        if self.start < token.start {
            self.emit(token.start);
        }
        self.text = Some((token.start, token.end));
        self.emit(token.end);
        if let Some(piece) = self.pieces.last_mut() {
            piece.role = Role::Marker;
        }
    }

    fn is_command(&self, word: &str) -> bool {
        self.syntax.client_commands && word.eq_ignore_ascii_case("delimiter")
    }

    fn change_delimiter(&mut self, token: Token) -> usize {
        let rest = &self.source[token.end..];
        let length = rest.find('\n').unwrap_or(rest.len());
        let delimiter = rest[..length].trim();
        if !delimiter.is_empty() {
            self.delimiter = delimiter;
        }
        let end = token.end + length;
        self.emit(end);
        end
    }

    /// Ends the present piece at byte `end`.
    fn emit(&mut self, end: usize) {
        let raw = &self.source[self.start..end];
        let (from, to) = self.text.unwrap_or((self.start, self.start));
        let line = self.line + line_breaks(&self.source[self.start..from]);
        let role = match self.text {
            Some(_) => Role::Statement,
            None => Role::Blank,
        };
        self.pieces.push(Piece {
            role,
            raw,
            text: &self.source[from..to],
            line,
        });
        self.line += line_breaks(raw);
        self.start = end;
        self.text = None;
        self.body = Body::default();
    }
}

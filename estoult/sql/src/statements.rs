//! Splits a script into statements, each with the line on which it begins.
//!
//! Invariant: the pieces of a script, put together, are the script; nothing is split inside a string, a comment, a
//! quoted name or the body of a trigger or routine.

mod body;
#[cfg(test)]
mod tests;

use std::{error, fmt};

use crate::{
    lexer::{self, Token, TokenKind},
    statements::body::Body,
    syntax::Syntax,
};

/// One statement and the line, counted from one, on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement without its delimiter and the comments around it.
    pub text: String,
    /// Where it begins.
    pub line: usize,
}

/// The role of a piece of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A statement to execute.
    Statement,
    /// A line comment between statements that the caller of [`split`] takes for a marker.
    Marker,
    /// A line that begins with a backslash, for a shell; see [`typed`].
    Command,
    /// White space, comments and client commands.
    Blank,
}

/// A part of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'s> {
    /// Its role.
    pub role: Role,
    /// All of it, with its delimiter and the comments before it.
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
            // `text` is a slice of `raw`, so the distance of their addresses is the length of what is before it.
            Role::Statement | Role::Marker | Role::Command => {
                &self.raw[..self.text.as_ptr().addr() - self.raw.as_ptr().addr()]
            }
        }
    }
}

/// A string, a quoted name or a comment that is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unterminated {
    what: &'static str,
    /// The line, counted from one, on which it begins.
    pub line: usize,
}

impl Unterminated {
    fn new(token: &Token<'_>, line: usize) -> Self {
        let what = match token.kind {
            TokenKind::BlockComment => "comment",
            TokenKind::QuotedName => "quoted name",
            TokenKind::DollarString => "dollar-quoted string",
            _ => "string",
        };
        Self { what, line }
    }
}

impl fmt::Display for Unterminated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} that begins here is never closed", self.what)
    }
}

impl error::Error for Unterminated {}

/// Splits a script into statements, markers and what is between them. A marker is a line comment that `is_marker`
/// accepts, alone on its line and between two statements.
///
/// # Errors
///
/// When a string, a quoted name or a comment is never closed.
pub fn split<'s>(
    source: &'s str,
    syntax: &Syntax,
    is_marker: fn(&str) -> bool,
) -> Result<Vec<Piece<'s>>, Unterminated> {
    Splitter::new(source, syntax, Mode::Markers(is_marker)).run()
}

/// The statements of a text without markers; `line` is the line on which it begins.
///
/// # Errors
///
/// When a string, a quoted name or a comment is never closed.
pub fn statements(
    line: usize,
    source: &str,
    syntax: &Syntax,
) -> Result<Vec<Statement>, Unterminated> {
    let pieces = Splitter::new(source, syntax, Mode::Statements)
        .run()
        .map_err(|error| Unterminated {
            line: line + error.line - 1,
            ..error
        })?;
    Ok(pieces
        .into_iter()
        .filter(|piece| piece.role == Role::Statement)
        .map(|piece| Statement {
            text: piece.text.to_owned(),
            line: line + piece.line - 1,
        })
        .collect())
}

/// The texts of a script's statements; a string or comment that is not closed extends to the end.
pub fn texts<'s>(source: &'s str, syntax: &Syntax) -> impl Iterator<Item = &'s str> {
    let mut splitter = Splitter::new(source, syntax, Mode::Statements);
    // An error means that the last statement is not closed; `emit` then takes the rest of the text as its end.
    let _ = splitter.read();
    splitter.emit(source.len(), splitter.role());
    let pieces = splitter.pieces.into_iter();
    pieces
        .filter(|piece| piece.role == Role::Statement)
        .map(|piece| piece.text)
}

/// Input that a person has typed so far: complete statements and commands, and the incomplete rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed<'s> {
    /// The statements and commands in order, with what is between them.
    pub pieces: Vec<Piece<'s>>,
    /// What follows the last of them.
    pub rest: &'s str,
    /// Whether the rest has begun a statement, a string or a comment.
    pub is_open: bool,
    /// The delimiter that ends a statement from here on.
    pub delimiter: String,
}

/// Splits input that a person has typed into complete statements and commands, which are lines that begin with a
/// backslash. `delimiter` ends a statement at first; it is most often a semicolon.
///
/// ```
/// use estoult_sql::{statements::{Role, typed}, syntax::Syntax};
///
/// let typed = typed("select 1;\n\\timing\nselect ';", ";", &Syntax::SQLITE);
/// let roles: Vec<_> = typed.pieces.iter().map(|piece| (piece.role, piece.text)).collect();
/// assert_eq!(roles, [(Role::Statement, "select 1"), (Role::Blank, ""), (Role::Command, "\\timing")]);
/// assert_eq!(typed.rest, "\nselect ';");
/// ```
#[must_use]
pub fn typed<'s>(source: &'s str, delimiter: &'s str, syntax: &Syntax) -> Typed<'s> {
    let mut splitter = Splitter::new(source, syntax, Mode::Commands);
    splitter.delimiter = delimiter;
    // A string or comment that is not closed yet waits for further input.
    let is_closed = splitter.read().is_ok();
    Typed {
        is_open: !is_closed || splitter.text.is_some(),
        rest: &source[splitter.start..],
        delimiter: splitter.delimiter.to_owned(),
        pieces: splitter.pieces,
    }
}

/// What a text has besides statements.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Statements,
    Markers(fn(&str) -> bool),
    Commands,
}

fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

struct Splitter<'s> {
    source: &'s str,
    syntax: Syntax,
    mode: Mode,
    delimiter: &'s str,
    pieces: Vec<Piece<'s>>,
    /// The index of the byte at which the current piece begins, and its line.
    start: usize,
    line: usize,
    /// From the first to the last token of the current statement.
    text: Option<(usize, usize)>,
    body: Body,
}

impl<'s> Splitter<'s> {
    fn new(source: &'s str, syntax: &Syntax, mode: Mode) -> Self {
        Self {
            source,
            syntax: *syntax,
            mode,
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
            self.emit(end, self.role());
        }
        Ok(self.pieces)
    }

    /// Reads all pieces that have an end, and returns where the text ends.
    fn read(&mut self) -> Result<usize, Unterminated> {
        let mut at = 0;
        while at < self.source.len() {
            if self.ends_here(at) {
                at += self.delimiter.len();
                self.emit(at, self.role());
                continue;
            }
            // `at` is never inside a character, so there is a token.
            let Some(token) = lexer::token(self.source, at, &self.syntax) else {
                break;
            };
            if !token.is_closed {
                let line = 1 + line_breaks(&self.source[..token.start]);
                return Err(Unterminated::new(&token, line));
            }
            at = self.take(self.cut(token));
        }
        Ok(at)
    }

    /// Whether a statement ends at this byte, which is between two tokens.
    fn ends_here(&self, at: usize) -> bool {
        // A semicolon inside a body or, in rules of PostgreSQL, inside parentheses ends nothing. A delimiter that the
        // script set ends the statement anywhere: that is what scripts set it for.
        let is_changed = self.delimiter != ";";
        let is_open = self.syntax.joining_parentheses && self.body.parentheses() > 0;
        self.source[at..].starts_with(self.delimiter)
            && (is_changed || !(self.body.is_open() || is_open))
    }

    /// A changed delimiter ends a word that contains it: `end$$`.
    fn cut(&self, token: Token<'s>) -> Token<'s> {
        if self.delimiter == ";" || !matches!(token.kind, TokenKind::Word | TokenKind::Number) {
            return token;
        }
        match token.text.find(self.delimiter) {
            Some(at) if at > 0 => Token {
                text: &token.text[..at],
                ..token
            },
            _ => token,
        }
    }

    /// Consumes a token and returns where the next one begins.
    fn take(&mut self, token: Token<'s>) -> usize {
        match token.kind {
            TokenKind::Space => {}
            TokenKind::LineComment if self.is_marker(token) => self.mark(token),
            TokenKind::LineComment => {}
            // MySQL runs `/*! … */`, so it belongs to a statement.
            TokenKind::BlockComment if token.run_content(&self.syntax).is_some() => {
                self.extend(token);
            }
            TokenKind::BlockComment => {}
            // `delimiter` is a command of MySQL's client; the server never gets it.
            TokenKind::Word if self.text.is_none() && self.is_delimiter_command(token.text) => {
                return self.change_delimiter(token);
            }
            TokenKind::Mark if token.text == "\\" && self.is_command_allowed(token) => {
                return self.command(token);
            }
            _ => {
                self.extend(token);
                self.body.take(token.kind, token.text, &self.syntax);
            }
        }
        token.end()
    }

    fn extend(&mut self, token: Token<'_>) {
        let start = self.text.map_or(token.start, |(start, _)| start);
        self.text = Some((start, token.end()));
    }

    fn is_marker(&self, token: Token<'_>) -> bool {
        let Mode::Markers(is_marker) = self.mode else {
            return false;
        };
        // Nothing but white space may be before it on its line, in this piece or in the one before.
        let before = &self.source[self.start..token.start];
        let is_first = before
            .rsplit('\n')
            .next()
            .is_none_or(|line| line.trim().is_empty())
            && (before.contains('\n')
                || self.start == 0
                || self.source[..self.start].ends_with('\n'));
        is_first && !self.body.is_open() && self.body.parentheses() == 0 && is_marker(token.text)
    }

    fn is_command_allowed(&self, token: Token<'_>) -> bool {
        let before = self.source[self.start..token.start].rsplit('\n').next();
        matches!(self.mode, Mode::Commands)
            && self.text.is_none()
            && before.is_none_or(|line| line.trim().is_empty())
    }

    /// What came before is a piece of its own, and so is the line.
    fn command(&mut self, token: Token<'_>) -> usize {
        if self.start < token.start {
            self.emit(token.start, self.role());
        }
        let rest = &self.source[token.start..];
        let length = rest.find('\n').unwrap_or(rest.len());
        let text = rest[..length].trim_end();
        self.text = Some((token.start, token.start + text.len()));
        let end = token.start + length;
        self.emit(end, Role::Command);
        end
    }

    /// What came before is a piece of its own, and so is the marker.
    fn mark(&mut self, token: Token<'_>) {
        if self.start < token.start {
            self.emit(token.start, self.role());
        }
        self.text = Some((token.start, token.end()));
        self.emit(token.end(), Role::Marker);
    }

    fn is_delimiter_command(&self, word: &str) -> bool {
        self.syntax.client_commands && word.eq_ignore_ascii_case("delimiter")
    }

    fn change_delimiter(&mut self, token: Token<'_>) -> usize {
        let rest = &self.source[token.end()..];
        let length = rest.find('\n').unwrap_or(rest.len());
        let delimiter = rest[..length].trim();
        if !delimiter.is_empty() {
            self.delimiter = delimiter;
        }
        let end = token.end() + length;
        self.emit(end, Role::Blank);
        end
    }

    /// The role of the current piece if it is neither a marker nor a command.
    fn role(&self) -> Role {
        match self.text {
            Some(_) => Role::Statement,
            None => Role::Blank,
        }
    }

    /// Ends the current piece at byte `end`.
    fn emit(&mut self, end: usize, role: Role) {
        let raw = &self.source[self.start..end];
        let (from, to) = self.text.unwrap_or((self.start, self.start));
        let line = self.line + line_breaks(&self.source[self.start..from]);
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

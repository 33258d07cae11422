//! SQL text to tokens, in the syntax of one database.
//!
//! Invariant: the tokens of a text, put together, are the text, whatever the text is.

#[cfg(test)]
mod tests;

use crate::syntax::Syntax;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// White space.
    Space,
    /// A comment up to the end of its line, without the line break.
    LineComment,
    /// `/* … */`.
    BlockComment,
    /// A string in quotes.
    String,
    /// A string of PostgreSQL between two equal tags: `$tag$ … $tag$`.
    DollarString,
    /// A name in quotes.
    QuotedName,
    /// A keyword or a name.
    Word,
    /// A word that begins with a digit: `1.5` is two numbers with a mark between them.
    Number,
    /// `;`
    Semicolon,
    /// `(`
    Open,
    /// `)`
    Close,
    /// Any other single character.
    Mark,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'s> {
    /// What it is.
    pub kind: TokenKind,
    /// The part itself, with its quotes.
    pub text: &'s str,
    /// The byte of the whole text at which it begins.
    pub start: usize,
    /// Whether it is closed. A string, quoted name or comment that is not extends to the end of the text.
    pub is_closed: bool,
}

impl Token<'_> {
    /// The index of the byte behind it.
    #[must_use]
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// What stands behind `/*!`, or `/*M!` of MariaDB, if it is a comment whose content is run.
    #[must_use]
    pub fn run_content(&self, syntax: &Syntax) -> Option<&str> {
        let content = self.text.strip_prefix("/*!");
        let content = content.or_else(|| self.text.strip_prefix("/*M!"));
        content.filter(|_| syntax.client_commands)
    }

    /// Whether it means nothing to the database: white space or a comment.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment
        )
    }
}

/// The tokens of a text from its first to its last byte.
///
/// ```
/// use estoult_sql::{lexer::{TokenKind, tokens}, syntax::Syntax};
///
/// let kinds: Vec<_> = tokens("a = 'it''s'", &Syntax::SQLITE).map(|token| token.kind).collect();
/// assert_eq!(kinds, [TokenKind::Word, TokenKind::Space, TokenKind::Mark, TokenKind::Space, TokenKind::String]);
/// ```
#[must_use]
pub fn tokens<'s>(source: &'s str, syntax: &Syntax) -> Tokens<'s> {
    Tokens {
        source,
        at: 0,
        syntax: *syntax,
    }
}

/// The iterator that [`tokens`] gives.
#[derive(Debug, Clone)]
pub struct Tokens<'s> {
    source: &'s str,
    at: usize,
    syntax: Syntax,
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        let token = token(self.source, self.at, &self.syntax)?;
        self.at = token.end();
        Some(token)
    }
}

/// The tokens that a database executes: no white space and no comments, except the content of comments that are run.
///
/// ```
/// use estoult_sql::{lexer::executed, syntax::Syntax};
///
/// let text = "/* all */ commit /*!40101 and chain */";
/// assert_eq!(executed(text, &Syntax::MYSQL).map(|token| token.text).collect::<Vec<_>>(), ["commit", "and", "chain"]);
/// assert_eq!(executed(text, &Syntax::SQLITE).count(), 1);
/// ```
#[must_use]
pub fn executed<'s>(source: &'s str, syntax: &Syntax) -> Executed<'s> {
    Executed {
        tokens: tokens(source, syntax),
        inside: None,
    }
}

/// The iterator that [`executed`] gives.
#[derive(Debug, Clone)]
pub struct Executed<'s> {
    tokens: Tokens<'s>,
    /// The rest of a comment that is run.
    inside: Option<Tokens<'s>>,
}

impl<'s> Iterator for Executed<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        loop {
            // The content of a comment comes first, then the text behind it. `*/` ends it wherever it occurs, so there
            // is no comment inside that would be run.
            let of_comment = self.inside.as_mut().and_then(Tokens::next);
            if of_comment.is_none() {
                self.inside = None;
            }
            let token = of_comment.or_else(|| self.tokens.next())?;
            if !token.is_blank() {
                return Some(token);
            }
            if self.inside.is_none() {
                self.inside = self.tokens.inside(&token);
            }
        }
    }
}

impl<'s> Tokens<'s> {
    /// The tokens inside a comment `/*!40101 … */`, on a database that runs them.
    fn inside(&self, comment: &Token<'s>) -> Option<Self> {
        let text = comment.run_content(&self.syntax)?;
        // A server older than the version skips the content (MySQL manual, "Comments"); which one answers is not known
        // here, so all of it counts as run.
        let version = text.len() - text.trim_start_matches(|l: char| l.is_ascii_digit()).len();
        let end = comment.end() - if comment.is_closed { 2 } else { 0 };
        Some(Self {
            source: self.source.get(..end)?,
            at: comment.end() - text.len() + version,
            syntax: self.syntax,
        })
    }
}

/// The token that begins at a byte; `None` at the end of the text and where no character begins.
#[must_use]
pub fn token<'s>(source: &'s str, start: usize, syntax: &Syntax) -> Option<Token<'s>> {
    let rest = source.get(start..)?;
    let first = rest.chars().next()?;
    let (kind, length) = match enclosed(rest, first, syntax) {
        Some(found) => found,
        None => {
            let (kind, length) = open(rest, first, syntax);
            (kind, Some(length))
        }
    };
    Some(Token {
        kind,
        text: &rest[..length.unwrap_or(rest.len())],
        start,
        is_closed: length.is_some(),
    })
}

/// A string, quoted name or block comment with its length, which is `None` if it is not closed.
fn enclosed(rest: &str, first: char, syntax: &Syntax) -> Option<(TokenKind, Option<usize>)> {
    let found = match first {
        '/' if rest.starts_with("/*") => (
            TokenKind::BlockComment,
            block_comment(rest, syntax.nested_comments),
        ),
        '\'' => (TokenKind::String, string(rest, b'\'', syntax.backslashes)),
        '"' => {
            // MySQL reads "…" as a string, unless ANSI_QUOTES is set (manual, "Server SQL Modes").
            let kind = match syntax.quote {
                '"' => TokenKind::QuotedName,
                _ => TokenKind::String,
            };
            (kind, string(rest, b'"', syntax.backslashes))
        }
        '`' if syntax.backticks => (TokenKind::QuotedName, string(rest, b'`', false)),
        '[' if syntax.brackets => (TokenKind::QuotedName, rest.find(']').map(|end| end + 1)),
        '$' if syntax.dollar_quotes => {
            // `$1` is a placeholder and no tag.
            let tag = dollar_tag(rest)?;
            let end = rest[tag.len()..].find(tag);
            (TokenKind::DollarString, end.map(|end| end + 2 * tag.len()))
        }
        'e' | 'E' if syntax.escape_strings && rest[1..].starts_with('\'') => {
            let length = string(&rest[1..], b'\'', true);
            (TokenKind::String, length.map(|length| length + 1))
        }
        _ => return None,
    };
    Some(found)
}

/// A token without delimiters, with its length.
fn open(rest: &str, first: char, syntax: &Syntax) -> (TokenKind, usize) {
    match first {
        letter if letter.is_whitespace() => {
            (TokenKind::Space, while_matching(rest, char::is_whitespace))
        }
        '-' if begins_dashes(rest, syntax) => (TokenKind::LineComment, line(rest, syntax)),
        '#' if syntax.hash_comments => (TokenKind::LineComment, line(rest, syntax)),
        // `$` continues a word but begins none: PostgreSQL and MySQL allow it within names.
        letter if is_word(letter) => {
            let kind = match letter.is_ascii_digit() {
                true => TokenKind::Number,
                false => TokenKind::Word,
            };
            (kind, while_matching(rest, |l| is_word(l) || l == '$'))
        }
        ';' => (TokenKind::Semicolon, 1),
        '(' => (TokenKind::Open, 1),
        ')' => (TokenKind::Close, 1),
        letter => (TokenKind::Mark, letter.len_utf8()),
    }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || letter == '_'
        // All databases take letters beyond ASCII in names without quotes.
        || !(letter.is_ascii() || letter.is_whitespace())
}

fn while_matching(text: &str, matches: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !matches(letter)).unwrap_or(text.len())
}

fn begins_dashes(text: &str, syntax: &Syntax) -> bool {
    let Some(after) = text.strip_prefix("--") else {
        return false;
    };
    // MySQL wants white space or a control character behind the dashes, so that `5--1` is 6 (manual, "Comments").
    !syntax.spaced_dashes
        || after
            .chars()
            .next()
            .is_none_or(|letter| letter.is_whitespace() || letter.is_control())
}

/// Up to the line break, which is not part of the comment.
fn line(text: &str, syntax: &Syntax) -> usize {
    let end = match syntax.returns_end_lines {
        true => text.find(['\n', '\r']),
        false => text.find('\n'),
    };
    end.unwrap_or(text.len())
}

fn block_comment(text: &str, nested: bool) -> Option<usize> {
    // Bytes suffice: in UTF-8 neither `/` nor `*` is part of another character.
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let bytes = &text.as_bytes()[at..];
        if bytes.starts_with(b"/*") && (nested || depth == 0) {
            depth += 1;
            at += 2;
        } else if bytes.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// The length of a string with its quotes; a doubled quote is an escaped one.
fn string(text: &str, quote: u8, backslashes: bool) -> Option<usize> {
    // Bytes suffice here too: no part of another character equals a quote or a backslash.
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        let is_escape =
            byte == b'\\' && backslashes || byte == quote && bytes.get(at + 1) == Some(&quote);
        match byte {
            _ if is_escape => at += 2,
            _ if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The opening tag of a dollar-quoted string: `$$` or `$name$`.
fn dollar_tag(text: &str) -> Option<&str> {
    let name = &text[1..];
    let length = while_matching(name, is_word);
    let begins_as_name = !name.starts_with(|letter: char| letter.is_ascii_digit());
    (begins_as_name && name[length..].starts_with('$')).then(|| &text[..length + 2])
}

//! SQL text to tokens, as coarse as finding the ends of statements allows.
//! Invariant: the tokens of a text, put together, are the text.

use crate::syntax::Syntax;

/// What a token is to somebody who looks for the end of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Space,
    LineComment,
    BlockComment,
    Quoted,
    Word,
    Semicolon,
    Open,
    Close,
    Other,
}

/// A part of the text, from byte `start` up to byte `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A string, a quoted name or a comment that nothing ends; `start` is where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unterminated {
    pub(crate) what: &'static str,
    pub(crate) start: usize,
}

/// The token at byte `start`; `None` at the end of the text.
pub(crate) fn token(
    source: &str,
    start: usize,
    syntax: &Syntax,
) -> Result<Option<Token>, Unterminated> {
    let rest = &source[start..];
    let Some(first) = rest.chars().next() else {
        return Ok(None);
    };
    let missing = |what| Unterminated { what, start };
    let quoted = |length: Option<usize>, what| length.ok_or(missing(what));
    let (kind, length) = match first {
        letter if letter.is_whitespace() => {
            (Kind::Space, while_matching(rest, char::is_whitespace))
        }
        '-' if begins_dashes(rest, syntax) => (Kind::LineComment, line(rest)),
        '#' if syntax.hash_comments => (Kind::LineComment, line(rest)),
        '/' if rest.starts_with("/*") => {
            let length = block_comment(rest, syntax.nested_comments);
            (Kind::BlockComment, quoted(length, "comment")?)
        }
        '\'' => (
            Kind::Quoted,
            quoted(string(rest, '\'', syntax.backslashes), "string")?,
        ),
        '"' => {
            let length = string(rest, '"', syntax.backslashes);
            (Kind::Quoted, quoted(length, "quoted name")?)
        }
        '`' if syntax.backticks => (
            Kind::Quoted,
            quoted(string(rest, '`', false), "quoted name")?,
        ),
        '[' if syntax.brackets => {
            let length = rest.find(']').map(|end| end + 1);
            (Kind::Quoted, quoted(length, "quoted name")?)
        }
        '$' if syntax.dollar_quotes && dollar_tag(rest).is_some() => (
            Kind::Quoted,
            quoted(dollar_quoted(rest), "dollar-quoted string")?,
        ),
        'e' | 'E' if syntax.escape_strings && rest[1..].starts_with('\'') => {
            let length = string(&rest[1..], '\'', true).map(|length| length + 1);
            (Kind::Quoted, quoted(length, "string")?)
        }
        letter if is_word(letter) => (Kind::Word, while_matching(rest, |l| is_word(l) || l == '$')),
        ';' => (Kind::Semicolon, 1),
        '(' => (Kind::Open, 1),
        ')' => (Kind::Close, 1),
        letter => (Kind::Other, letter.len_utf8()),
    };
    let end = start + length;
    Ok(Some(Token { kind, start, end }))
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || letter == '_'
        || !(letter.is_ascii() || letter.is_whitespace())
}

fn while_matching(text: &str, matches: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !matches(letter)).unwrap_or(text.len())
}

fn begins_dashes(text: &str, syntax: &Syntax) -> bool {
    let Some(after) = text.strip_prefix("--") else {
        return false;
    };
    !syntax.spaced_dashes
        || after
            .chars()
            .next()
            .is_none_or(|letter| letter.is_whitespace() || letter.is_control())
}

/// Up to the line break, which is not part of the comment.
fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

fn block_comment(text: &str, nested: bool) -> Option<usize> {
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

/// The length of a string with its quotes; a doubled quote stands for the letter itself.
fn string(text: &str, quote: char, backslashes: bool) -> Option<usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && backslashes {
            letters.next();
        } else if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
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

fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = dollar_tag(text)?;
    let body = &text[tag.len()..];
    body.find(tag).map(|end| tag.len() + end + tag.len())
}

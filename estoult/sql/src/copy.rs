//! COPY of PostgreSQL: whether its data pass the connection, and in which direction.

#[cfg(test)]
mod tests;

use crate::{
    lexer::{Token, TokenKind, executed},
    syntax::Syntax,
};

/// The direction of the data of a COPY that pass the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyDirection {
    /// `copy … from stdin`: the client sends them.
    In,
    /// `copy … to stdout`: the client receives them.
    Out,
}

/// The direction of the data, if the statement is a COPY whose data pass the connection. Those of `from 'file'` and
/// `to program 'name'` stay on the server.
///
/// ```
/// use estoult_sql::{copy::{CopyDirection, copy_direction}, syntax::Syntax};
///
/// let direction = |text| copy_direction(text, &Syntax::POSTGRES);
/// assert_eq!(direction("copy books (id, title) from stdin"), Some(CopyDirection::In));
/// assert_eq!(direction("copy (select 1) to stdout (format csv)"), Some(CopyDirection::Out));
/// assert_eq!(direction("copy books to '/tmp/books'"), None);
/// ```
#[must_use]
pub fn copy_direction(statement: &str, syntax: &Syntax) -> Option<CopyDirection> {
    let mut tokens = executed(statement, syntax);
    if !is_word(&tokens.next()?, "copy") {
        return None;
    }
    let mut depth = 0_usize;
    let direction = tokens.by_ref().find_map(|token| {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if is_word(&token, "from") => return Some(CopyDirection::In),
            _ if is_word(&token, "to") => return Some(CopyDirection::Out),
            _ => {}
        }
        None
    })?;
    // The server takes either word in both directions.
    let is_client = |token: Token<'_>| is_word(&token, "stdin") || is_word(&token, "stdout");
    tokens.next().is_some_and(is_client).then_some(direction)
}

/// What a COPY runs besides moving rows: its query, and the condition of `where`.
pub(crate) fn run_by_copy<'t, 's>(tokens: &'t [Token<'s>]) -> &'t [Token<'s>] {
    let (mut depth, mut begin) = (0_usize, tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => {
                depth = depth.saturating_sub(1);
                // `copy (select …) to …`: what is behind the query calls nothing.
                if depth == 0
                    && tokens
                        .get(1)
                        .is_some_and(|second| second.kind == TokenKind::Open)
                {
                    return &tokens[2..at];
                }
            }
            _ if depth == 0 && is_word(token, "where") => begin = begin.min(at),
            _ => {}
        }
    }
    &tokens[begin..]
}

fn is_word(token: &Token<'_>, word: &str) -> bool {
    token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(word)
}

//! Comparing tokens with words, in which case does not count.

use crate::lexer::Token;

pub(super) fn is_one_of(token: &Token<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| is(token, word))
}

pub(super) fn is(token: &Token<'_>, text: &str) -> bool {
    token.text.eq_ignore_ascii_case(text)
}

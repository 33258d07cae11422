//! The parameters of SQL that a program wrote: `:name` for a value, `{schema}` for the schema.
//!
//! Invariant: the fragments of a text, put together, are the text; strings, quoted names and comments have none.

#[cfg(test)]
mod tests;

use crate::{
    lexer::{self, Token, TokenKind},
    syntax::Syntax,
};

/// The parameter for the schema of a statement.
pub const SCHEMA: &str = "{schema}";

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment<'t> {
    /// Text that is sent unchanged.
    Text(&'t str),
    /// The name behind a colon.
    Parameter(&'t str),
    /// [`SCHEMA`], with the full stop behind it if there is one.
    Schema(&'t str),
}

/// Splits a text at its parameters.
///
/// Casts (`a::int`) and assignments (`@a := 1`) are no parameters; neither is, where a database has arrays, the first
/// colon of a subscript, that of a slice: `a[1:n]`, `a[:n]`. Write a parameter in a subscript as `a[(:n)]`.
///
/// ```
/// use estoult_sql::{parameters::{Fragment, fragments}, syntax::Syntax};
///
/// let found = fragments("select ':a', :b::int", &Syntax::POSTGRES);
/// assert_eq!(found, [Fragment::Text("select ':a', "), Fragment::Parameter("b"), Fragment::Text("::int")]);
/// ```
#[must_use]
pub fn fragments<'t>(text: &'t str, syntax: &Syntax) -> Vec<Fragment<'t>> {
    let mut reader = Reader {
        text,
        fragments: Vec::new(),
        start: 0,
        brackets: Vec::new(),
        previous: None,
    };
    let mut at = 0;
    while let Some(token) = lexer::token(text, at, syntax) {
        at = reader.take(token, syntax);
    }
    reader.cut(text.len());
    reader.fragments
}

/// The meaning of an open bracket or parenthesis, for the colons in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Parentheses,
    /// `array[…]`, or an array inside of one.
    Array,
    Subscript {
        has_colon: bool,
    },
}

struct Reader<'t> {
    text: &'t str,
    fragments: Vec<Fragment<'t>>,
    /// The index of the byte at which the current fragment of text begins.
    start: usize,
    brackets: Vec<Bracket>,
    /// The token before, white space and comments left out.
    previous: Option<Token<'t>>,
}

impl<'t> Reader<'t> {
    /// Consumes a token and returns where the next one begins.
    fn take(&mut self, token: Token<'t>, syntax: &Syntax) -> usize {
        let rest = &self.text[token.start..];
        let end = match token.kind {
            TokenKind::Open => {
                self.brackets.push(Bracket::Parentheses);
                token.end()
            }
            TokenKind::Close => {
                self.leave(|bracket| bracket == Bracket::Parentheses);
                token.end()
            }
            TokenKind::Mark => match token.text {
                "[" if syntax.arrays => {
                    self.brackets.push(self.opened_bracket());
                    token.end()
                }
                "]" if syntax.arrays => {
                    self.leave(|bracket| bracket != Bracket::Parentheses);
                    token.end()
                }
                "{" if rest.starts_with(SCHEMA) => self.schema(&token),
                ":" => self.colon(&token),
                _ => token.end(),
            },
            _ => token.end(),
        };
        if !token.is_blank() {
            self.previous = Some(token);
        }
        end
    }

    /// Closes the innermost bracket, if this is how it is closed.
    fn leave(&mut self, is_closed: impl Fn(Bracket) -> bool) {
        // Unbalanced text is left as it is; the database will refuse it.
        self.brackets.pop_if(|bracket| is_closed(*bracket));
    }

    /// The meaning of a bracket behind the previous token.
    fn opened_bracket(&self) -> Bracket {
        // `array[` begins a list of values, which has no slices; behind anything else a bracket begins a subscript.
        let before = self.previous.map_or("", |token| token.text);
        let is_nested =
            self.brackets.last() == Some(&Bracket::Array) && matches!(before, "[" | ",");
        match before.eq_ignore_ascii_case("array") || is_nested {
            true => Bracket::Array,
            false => Bracket::Subscript { has_colon: false },
        }
    }

    fn schema(&mut self, token: &Token<'t>) -> usize {
        let rest = &self.text[token.start + SCHEMA.len()..];
        let end = token.start + SCHEMA.len() + usize::from(rest.starts_with('.'));
        self.cut(token.start);
        self.fragments
            .push(Fragment::Schema(&self.text[token.start..end]));
        self.start = end;
        end
    }

    /// A colon begins a parameter unless it is one of a cast or a slice, or no name follows it.
    fn colon(&mut self, token: &Token<'t>) -> usize {
        let rest = &self.text[token.end()..];
        // A cast.
        if rest.starts_with(':') {
            return token.end() + 1;
        }
        if let Some(Bracket::Subscript { has_colon }) = self.brackets.last_mut()
            && !*has_colon
        {
            // The first colon of a subscript separates the bounds of a slice.
            *has_colon = true;
            return token.end();
        }
        let name = name(rest);
        if name.is_empty() {
            return token.end();
        }
        self.cut(token.start);
        self.fragments.push(Fragment::Parameter(name));
        self.start = token.end() + name.len();
        self.start
    }

    /// Ends the current fragment of text.
    fn cut(&mut self, end: usize) {
        if self.start < end {
            let text = &self.text[self.start..end];
            self.fragments.push(Fragment::Text(text));
        }
    }
}

/// The name at the beginning of a text: ASCII letters, digits and `_`, and no digit first.
fn name(text: &str) -> &str {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let length = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
    match text.starts_with(|letter: char| letter.is_ascii_digit()) {
        true => "",
        false => &text[..length],
    }
}

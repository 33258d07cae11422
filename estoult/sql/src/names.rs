//! Quotes names, removes the quotes again, and finds the name that a misspelled one stands for.

use std::borrow::Cow;

use strsim::levenshtein;

use crate::{
    lexer::{TokenKind, token, tokens},
    syntax::Syntax,
};

/// A name in quotes; a quote inside is doubled.
///
/// ```
/// assert_eq!(estoult_sql::names::quoted("a\"b", '"'), "\"a\"\"b\"");
/// ```
#[must_use]
pub fn quoted(name: &str, quote: char) -> String {
    let mut text = String::with_capacity(name.len() + 2 * quote.len_utf8());
    text.push(quote);
    for letter in name.chars() {
        if letter == quote {
            text.push(quote);
        }
        text.push(letter);
    }
    text.push(quote);
    text
}

/// The name that a text is: without its quotes if it is a quoted name, otherwise unchanged.
///
/// ```
/// use estoult_sql::{names::unquoted, syntax::Syntax};
///
/// assert_eq!(unquoted("`a``b`", &Syntax::MYSQL), "a`b");
/// assert_eq!(unquoted("books", &Syntax::MYSQL), "books");
/// ```
#[must_use]
pub fn unquoted<'t>(text: &'t str, syntax: &Syntax) -> Cow<'t, str> {
    let is_quoted = token(text, 0, syntax).is_some_and(|token| {
        token.kind == TokenKind::QuotedName && token.is_closed && token.end() == text.len()
    });
    if !is_quoted {
        return Cow::Borrowed(text);
    }
    // Quotes and brackets are one byte each, so slicing inside them is safe.
    let (quote, inside) = (&text[..1], &text[1..text.len() - 1]);
    // A name in brackets has no escapes: the first `]` ends it.
    match quote != "[" && inside.contains(quote) {
        true => Cow::Owned(inside.replace(&quote.repeat(2), quote)),
        false => Cow::Borrowed(inside),
    }
}

/// The parts of a name such as `schema.table`: split at the dots outside of quotes, each without its quotes.
///
/// ```
/// use estoult_sql::{names::split_qualified, syntax::Syntax};
///
/// assert_eq!(split_qualified("shop.\"a.b\"", &Syntax::POSTGRES), ["shop", "a.b"]);
/// ```
#[must_use]
pub fn split_qualified<'t>(text: &'t str, syntax: &Syntax) -> Vec<Cow<'t, str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for token in tokens(text, syntax) {
        if token.kind == TokenKind::QuotedName && token.is_closed {
            continue;
        }
        // The text is a name and no SQL: a dot separates in what the lexer takes for a comment, too.
        for (at, _) in token.text.match_indices('.') {
            let dot = token.start + at;
            parts.push(unquoted(&text[start..dot], syntax));
            start = dot + 1;
        }
    }
    parts.push(unquoted(&text[start..], syntax));
    parts
}

/// The candidate closest to `name`, if at most a third of its letters have to change.
///
/// ```
/// use estoult_sql::names::nearest;
///
/// assert_eq!(nearest("depend", ["depends", "message"]), Some("depends"));
/// assert_eq!(nearest("colour", ["depends", "message"]), None);
/// ```
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // A name of one or two letters may still have one of them wrong.
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The question whether the nearest candidate is meant, if there is one.
///
/// ```
/// use estoult_sql::names::did_you_mean;
///
/// let question = did_you_mean("archiv", ["archive", "replica"]);
/// assert_eq!(question.as_deref(), Some("did you mean `archive`?"));
/// ```
pub fn did_you_mean<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    nearest(name, candidates).map(|known| format!("did you mean `{known}`?"))
}

/// The same question as the last part of a message, after a semicolon; empty if no candidate is near.
///
/// ```
/// use estoult_sql::names::hint;
///
/// assert_eq!(hint("archiv", ["archive"]), "; did you mean `archive`?");
/// assert_eq!(hint("billing", ["archive"]), "");
/// ```
pub fn hint<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    did_you_mean(name, candidates).map_or_else(String::new, |question| format!("; {question}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{quoted, split_qualified, unquoted};
    use crate::syntax::Syntax;

    #[test]
    fn quotes_are_taken_off() {
        let (sqlite, postgres, mysql) = (&Syntax::SQLITE, &Syntax::POSTGRES, &Syntax::MYSQL);
        for (text, syntax, expected) in [
            ("\"a\"\"b\"", sqlite, "a\"b"),
            ("[a\"b]", sqlite, "a\"b"),
            ("[[[a]", sqlite, "[[a"),
            ("`a`", sqlite, "a"),
            ("\"\"", postgres, ""),
            ("\"\"\"\"", postgres, "\""),
            ("`a`", postgres, "`a`"),
            ("[a]", postgres, "[a]"),
            ("`a``b`", mysql, "a`b"),
            ("\"a\"", mysql, "\"a\""),
            ("\"a", postgres, "\"a"),
            ("\"a\".b", postgres, "\"a\".b"),
            ("a", postgres, "a"),
            ("", postgres, ""),
        ] {
            assert_eq!(unquoted(text, syntax), expected, "{}: {text}", syntax.name);
        }
    }

    #[test]
    fn a_qualified_name_is_split_outside_of_quotes() {
        let (sqlite, postgres, mysql) = (&Syntax::SQLITE, &Syntax::POSTGRES, &Syntax::MYSQL);
        for (text, syntax, expected) in [
            ("books", postgres, &["books"][..]),
            ("shop.books", postgres, &["shop", "books"]),
            ("\"a.b\"", postgres, &["a.b"]),
            ("\"a\"\"b\"", postgres, &["a\"b"]),
            ("shop.\"a.b\"", postgres, &["shop", "a.b"]),
            ("\"a.b\".\"c\"", sqlite, &["a.b", "c"]),
            ("[a.b].c", sqlite, &["a.b", "c"]),
            ("`a.b`.`c``d`", mysql, &["a.b", "c`d"]),
            ("a--b.c", postgres, &["a--b", "c"]),
            ("a.1b", postgres, &["a", "1b"]),
            ("\"a.b", postgres, &["\"a", "b"]),
            ("a.b.c", postgres, &["a", "b", "c"]),
            (".a", postgres, &["", "a"]),
            ("", postgres, &[""]),
        ] {
            assert_eq!(
                split_qualified(text, syntax),
                expected,
                "{}: {text}",
                syntax.name
            );
        }
    }

    proptest! {
        #[test]
        fn a_quoted_name_is_one_part(schema: String, name: String) {
            for syntax in &Syntax::ALL {
                let quote = syntax.quote;
                let text = format!("{}.{}", quoted(&schema, quote), quoted(&name, quote));
                prop_assert_eq!(split_qualified(&text, syntax), [schema.as_str(), name.as_str()]);
            }
        }

        #[test]
        fn a_quoted_name_is_read_back(name: String) {
            for syntax in &Syntax::ALL {
                let text = quoted(&name, syntax.quote);
                prop_assert_eq!(unquoted(&text, syntax), name.as_str());
            }
        }
    }
}

//! Texts and the tokens they are read as.

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{TokenKind, executed, token, tokens};
use crate::syntax::Syntax;

/// The tokens but for white space, each with the letter of its kind.
fn read(source: &str, syntax: &Syntax) -> String {
    let tokens = tokens(source, syntax).filter(|token| token.kind != TokenKind::Space);
    let shown = tokens.map(|token| {
        let kind = match token.kind {
            TokenKind::Space => "space",
            TokenKind::LineComment => "line",
            TokenKind::BlockComment => "block",
            TokenKind::String => "string",
            TokenKind::DollarString => "dollar",
            TokenKind::QuotedName => "name",
            TokenKind::Word => "word",
            TokenKind::Number => "number",
            TokenKind::Semicolon | TokenKind::Open | TokenKind::Close | TokenKind::Mark => {
                return token.text.to_owned();
            }
        };
        let open = if token.is_closed { "" } else { "…" };
        format!("{kind}<{}>{open}", token.text)
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn words_numbers_and_marks() {
    for syntax in &Syntax::ALL {
        for (source, expected) in [
            ("Select a_1, é$x", "word<Select> word<a_1> , word<é$x>"),
            ("1.5e3+x", "number<1> . number<5e3> + word<x>"),
            ("f(a);", "word<f> ( word<a> ) ;"),
            ("a::int", "word<a> : : word<int>"),
            ("\u{1}\0", "\u{1} \0"),
            ("", ""),
        ] {
            assert_eq!(read(source, syntax), expected, "{}", syntax.name);
        }
    }
}

#[test]
fn comments() {
    let (sqlite, postgres, mysql) = (&Syntax::SQLITE, &Syntax::POSTGRES, &Syntax::MYSQL);
    for (source, syntax, expected) in [
        ("a -- b\nc", sqlite, "word<a> line<-- b> word<c>"),
        ("a--b", postgres, "word<a> line<--b>"),
        ("a--b", mysql, "word<a> - - word<b>"),
        ("a--", mysql, "word<a> line<-->"),
        ("# a\nb", mysql, "line<# a> word<b>"),
        ("# a", postgres, "# word<a>"),
        (
            "/* a /* b */ c */",
            sqlite,
            "block</* a /* b */> word<c> * /",
        ),
        ("/* a /* b */ c */", postgres, "block</* a /* b */ c */>"),
        ("/*/ a", mysql, "block</*/ a>…"),
    ] {
        assert_eq!(read(source, syntax), expected, "{}", syntax.name);
    }
}

#[test]
fn strings_and_quoted_names() {
    let (sqlite, postgres, mysql) = (&Syntax::SQLITE, &Syntax::POSTGRES, &Syntax::MYSQL);
    for (source, syntax, expected) in [
        ("'it''s' x", sqlite, "string<'it''s'> word<x>"),
        ("'a\\' x", sqlite, "string<'a\\'> word<x>"),
        ("'a\\' x", mysql, "string<'a\\' x>…"),
        ("'a\\'' x", mysql, "string<'a\\''> word<x>"),
        ("\"a\"\"b\"", postgres, "name<\"a\"\"b\">"),
        ("\"a\\\"\"", mysql, "string<\"a\\\"\">"),
        ("`a``b`[c]", sqlite, "name<`a``b`> name<[c]>"),
        ("`a\\`", mysql, "name<`a\\`>"),
        ("`a` a[1]", postgres, "` word<a> ` word<a> [ number<1> ]"),
        ("e'\\'' E'", postgres, "string<e'\\''> string<E'>…"),
        ("e'\\'", sqlite, "word<e> string<'\\'>"),
        (
            "$$ ' $$ $a$ $b$ $a$",
            postgres,
            "dollar<$$ ' $$> dollar<$a$ $b$ $a$>",
        ),
        ("$a$ x", postgres, "dollar<$a$ x>…"),
        ("$1 $x", postgres, "$ number<1> $ word<x>"),
        ("$$ ' $$", sqlite, "$ $ string<' $$>…"),
    ] {
        assert_eq!(read(source, syntax), expected, "{}", syntax.name);
    }
}

#[test]
fn a_comment_that_is_run_is_read() {
    for (source, expected) in [
        ("a /* b */ -- c\nd # e", "a d"),
        ("/*!40101 a */b/*! 'c' /*d*/", "a b 'c'"),
        ("/*!1a*/ b", "a b"),
        ("/*!", ""),
        ("/*!*/", ""),
        ("/*!40101 a", "a"),
    ] {
        let found: Vec<_> = executed(source, &Syntax::MYSQL)
            .map(|token| token.text)
            .collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }
}

#[test]
fn no_token_begins_inside_of_a_character() {
    assert_eq!(token("é", 1, &Syntax::SQLITE), None);
    assert_eq!(token("é", 2, &Syntax::SQLITE), None);
    assert_eq!(token("é", 3, &Syntax::SQLITE), None);
}

/// Fragments that may meet each other in any order.
fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            ";", "'", "\"", "`", "--", "\n", " ", "/*", "*/", "$$", "$a$", "e'", "\\", "(", "[",
            "]", "#", "/*!", "x1", "é", ":", "{schema}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn tokens_put_together_are_the_text(source in text()) {
        for syntax in &Syntax::ALL {
            let mut end = 0;
            for token in tokens(&source, syntax) {
                prop_assert_eq!(token.start, end);
                prop_assert!(!token.text.is_empty());
                end = token.end();
                prop_assert!(token.is_closed || end == source.len());
                prop_assert_eq!(&source[token.start..end], token.text);
            }
            prop_assert_eq!(end, source.len());
            prop_assert!(executed(&source, syntax).all(|token| !token.is_blank()));
        }
    }
}

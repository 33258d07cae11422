//! Texts and the parameters that are found in them.

use proptest::prelude::{Strategy, prop, prop_assert_eq, proptest};

use super::{Fragment, fragments};
use crate::syntax::Syntax;

/// The text with each parameter as `<name>` and each place of the schema as `<>`.
fn read(text: &str, syntax: &Syntax) -> String {
    let parts = fragments(text, syntax).into_iter();
    parts
        .map(|part| match part {
            Fragment::Text(text) => text.to_owned(),
            Fragment::Parameter(name) => format!("<{name}>"),
            Fragment::Schema(written) => written.replace("{schema}", "<>"),
        })
        .collect()
}

fn check(syntax: &Syntax, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(read(text, syntax), *expected, "{}", syntax.name);
    }
}

#[test]
fn parameters_of_all_databases() {
    for syntax in &Syntax::ALL {
        check(
            syntax,
            &[
                ("", ""),
                (":a", "<a>"),
                ("a = :a_1 and b in (:B)", "a = <a_1> and b in (<B>)"),
                ("limit:n", "limit<n>"),
                (":a:b::c", "<a><b>::c"),
                (": a, :1, :, :é", ": a, :1, :, :é"),
                (":aé", "<a>é"),
                ("':a', ':b''', \":c\", :d", "':a', ':b''', \":c\", <d>"),
                ("-- :a\n:b /* :c */ :d", "-- :a\n<b> /* :c */ <d>"),
                ("'it''s :a', :b", "'it''s :a', <b>"),
                ("':a", "':a"),
                ("/* :a", "/* :a"),
            ],
        );
    }
}

#[test]
fn the_place_of_a_schema() {
    for syntax in &Syntax::ALL {
        check(
            syntax,
            &[
                ("from {schema}.a, {schema} b", "from <>.a, <> b"),
                ("'{schema}.a' -- {schema}", "'{schema}.a' -- {schema}"),
                ("{schema", "{schema"),
                ("{schema}.:a", "<>.<a>"),
            ],
        );
    }
    let found = fragments("{schema}.a{schema}", &Syntax::SQLITE);
    let expected = [
        Fragment::Schema("{schema}."),
        Fragment::Text("a"),
        Fragment::Schema("{schema}"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn texts_of_postgresql() {
    check(
        &Syntax::POSTGRES,
        &[
            (":a::int, $1, :b", "<a>::int, $1, <b>"),
            (
                "$$ :a $$, $x$ :b $$ $x$, :c",
                "$$ :a $$, $x$ :b $$ $x$, <c>",
            ),
            ("e'\\':a', E'\\\\', :b", "e'\\':a', E'\\\\', <b>"),
            ("'\\', :a", "'\\', <a>"),
            ("/* /* :a */ :b */ :c", "/* /* :a */ :b */ <c>"),
            ("# :a", "# <a>"),
            ("f(a := :a)", "f(a := <a>)"),
        ],
    );
}

#[test]
fn slices_of_arrays() {
    check(
        &Syntax::POSTGRES,
        &[
            ("a[1:2], a[1:n], a[i:j]", "a[1:2], a[1:n], a[i:j]"),
            ("a[:n], a[n:], a[:]", "a[:n], a[n:], a[:]"),
            ("a [/**/:n], (a)[:n], $1[:n]", "a [/**/:n], (a)[:n], $1[:n]"),
            ("a[:n][:m]", "a[:n][:m]"),
            ("a[(:n)], a[(:n):(:m)]", "a[(<n>)], a[(<n>):(<m>)]"),
            ("a[1: :n]", "a[1: <n>]"),
            ("a[n::int:m]", "a[n::int:m]"),
            ("a[f(:n)]", "a[f(<n>)]"),
            ("array[:a, :b]", "array[<a>, <b>]"),
            ("ARRAY [:a]::int[]", "ARRAY [<a>]::int[]"),
            ("array[[:a, 1], [:b, 2]]", "array[[<a>, 1], [<b>, 2]]"),
            ("array[a[:n], :b]", "array[a[:n], <b>]"),
            ("a[1:2] = :a", "a[1:2] = <a>"),
            ("a[1) :a", "a[1) :a"),
        ],
    );
}

#[test]
fn texts_of_mysql() {
    check(
        &Syntax::MYSQL,
        &[
            ("'it\\'s :a', :b", "'it\\'s :a', <b>"),
            ("\"\\\":a\", :b", "\"\\\":a\", <b>"),
            ("`:a``:b`, :c", "`:a``:b`, <c>"),
            ("# :a\n:b", "# :a\n<b>"),
            ("1--:a", "1--<a>"),
            ("@a := :a, @b:=1", "@a := <a>, @b:=1"),
            ("/* /* :a */ :b", "/* /* :a */ <b>"),
            ("$$ :a $$", "$$ <a> $$"),
        ],
    );
}

#[test]
fn texts_of_sqlite() {
    check(
        &Syntax::SQLITE,
        &[
            ("[:a], `:b`, :c", "[:a], `:b`, <c>"),
            ("'\\', :a", "'\\', <a>"),
            ("$$ :a $$", "$$ <a> $$"),
            ("/* /* :a */ :b", "/* /* :a */ <b>"),
        ],
    );
}

/// Fragments that may meet each other in any order.
fn text() -> impl Strategy<Value = String> {
    let fragments = vec![
        "'", "\"", "`", "--", "\n", " ", "/*", "*/", "$$", "e'", "\\", "(", ")", "[", "]", "#",
        "é", ":", ":a", "::", "{schema}", ".", "array", ",", "1",
    ];
    let fragment = prop::sample::select(fragments);
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn fragments_put_together_are_the_text(source in text()) {
        for syntax in &Syntax::ALL {
            let parts = fragments(&source, syntax).into_iter();
            let joined: String = parts
                .map(|part| match part {
                    Fragment::Text(text) | Fragment::Schema(text) => text.to_owned(),
                    Fragment::Parameter(name) => format!(":{name}"),
                })
                .collect();
            prop_assert_eq!(&joined, &source);
        }
    }
}

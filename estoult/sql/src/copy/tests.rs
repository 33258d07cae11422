//! Statements COPY and where their data go.

use super::{
    CopyDirection::{In, Out},
    copy_direction,
};
use crate::syntax::Syntax;

#[test]
fn data_pass_the_connection_in_one_direction() {
    for (text, expected) in [
        ("copy a from stdin", Some(In)),
        (
            "/* x */ COPY a.\"to\" (b, \"from\") FROM STDIN WITH (format csv)",
            Some(In),
        ),
        ("copy binary a from stdin", Some(In)),
        ("copy a from stdout", Some(In)),
        ("-- x\ncopy a from stdin where b > 1", Some(In)),
        ("copy a to stdout", Some(Out)),
        ("copy a (b) to stdin", Some(Out)),
        (
            "copy (select b from c where d in (select 'to')) to stdout csv",
            Some(Out),
        ),
        ("copy (delete from a returning *) to stdout", Some(Out)),
        ("copy a from '/tmp/stdin'", None),
        ("copy a to program 'stdout'", None),
        ("copy a from \"stdin\"", None),
        ("copy a", None),
        ("copy (select 1 from stdin", None),
        ("select 1 from stdin", None),
        ("copying a from stdin", None),
        ("\"copy\" a from stdin", None),
        ("delete from a -- copy a from stdin", None),
        ("", None),
    ] {
        assert_eq!(copy_direction(text, &Syntax::POSTGRES), expected, "{text}");
    }
}

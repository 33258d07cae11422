//! Patterns: how a database matches text, and a pattern as it reads it.

use std::borrow::Cow;

use sea_query::Expr as SqlExpr;

use super::{
    Writer,
    expr::name_of,
    limits::limit_error,
    origin::Origin,
    plain::{self, Match},
};
use crate::{
    backend::{Features, LikeStyle},
    expr::Node,
    value::Datum,
};

/// How this database matches a pattern.
pub(super) fn match_style(features: &Features, ignores_case: bool) -> Match {
    match (features.like, ignores_case) {
        (LikeStyle::Native, false) => Match::Like,
        (LikeStyle::Native, true) => Match::ILike,
        // LIKE of SQLite ignores case; GLOB does not, and can use an index (lang_expr, "The LIKE, GLOB …").
        (LikeStyle::Glob, false) => Match::Glob,
        (LikeStyle::Glob, true) => Match::EscapedLike,
        // MySQL compares by the collation of the column, and the default one ignores case.
        (LikeStyle::Collation, false) => Match::BinaryLike,
        (LikeStyle::Collation, true) => Match::LowerLike,
    }
}

/// The pattern as it is bound.
pub(super) fn bound_pattern(pattern: &str, style: Match) -> Cow<'_, str> {
    match style {
        Match::Glob => glob(pattern).into(),
        _ => pattern.into(),
    }
}

/// Whether the database reads the whole pattern: SQLite ends at its first NUL (`patternCompare` in func.c), and would
/// match other rows.
pub(super) fn is_read_whole(pattern: &str, features: &Features) -> bool {
    features.nul_in_pattern || !pattern.contains('\0')
}

impl Writer<'_> {
    /// The node matched with a pattern.
    pub(super) fn like(&mut self, node: &Node, pattern: &str, ignores_case: bool) -> SqlExpr {
        let column = name_of(node);
        let left = self.expr(node);
        let style = match_style(self.features, ignores_case);
        if !is_read_whole(pattern, self.features) {
            let reason = "a pattern with the character NUL";
            self.refuse(limit_error(&column, reason, self.features));
        }
        let text = bound_pattern(pattern, style).into_owned();
        let pattern = self.value(Datum::Text(text), Origin::pattern(node), &column);
        plain::matched(self.features, style, left, pattern)
    }
}

/// A LIKE pattern as a GLOB pattern, which SQLite matches case-sensitively.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            // A trailing backslash has nothing to escape and matches itself.
            '\\' => push_literal(&mut glob, characters.next().unwrap_or('\\')),
            other => push_literal(&mut glob, other),
        }
    }
    glob
}

fn push_literal(glob: &mut String, character: char) {
    match character {
        // GLOB has no escape character; a class of one character matches it literally.
        '*' | '?' | '[' => {
            glob.push('[');
            glob.push(character);
            glob.push(']');
        }
        other => glob.push(other),
    }
}

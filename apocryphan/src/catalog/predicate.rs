//! The predicate of a partial index, for a database that gives only the statement that created the index.

use estoult_sql::{
    lexer::{TokenKind, executed},
    syntax::Syntax,
};

/// What follows `where` in a `create index`, outside of all parentheses.
pub(super) fn of_index(definition: &str, syntax: &Syntax) -> Option<String> {
    let mut depth = 0_usize;
    for token in executed(definition, syntax) {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            // Inside of parentheses the word would belong to an expression.
            TokenKind::Word if depth == 0 && token.text.eq_ignore_ascii_case("where") => {
                return Some(definition.get(token.end()..)?.trim().to_owned());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use estoult_sql::syntax::Syntax;

    use super::of_index;

    #[test]
    fn a_predicate_is_what_follows_where_outside_of_parentheses() {
        let of = |text| of_index(text, &Syntax::SQLITE);
        let text =
            "CREATE INDEX \"a where b\" on t (a, (b -- where\n)) WHERE a = ' where ' and (b > 0)";
        assert_eq!(of(text).as_deref(), Some("a = ' where ' and (b > 0)"));
        assert_eq!(of("create index a on t (b)"), None);
    }
}

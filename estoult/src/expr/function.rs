//! [`count_rows`], and [`escape_like`] for text in patterns.

use crate::{
    expr::{Expr, node::Node},
    table::Model,
};

/// The number of rows, as an expression to select or sort by.
///
/// ```
/// use estoult::{Schema, count_rows};
///
/// #[derive(Schema)]
/// struct Book { id: i64, author_id: i64 }
///
/// let per_author = Book::query().group_by(Book::author_id).select((Book::author_id, count_rows()));
/// assert!(per_author.to_sql(estoult::Dialect::Sqlite)?.text().contains("COUNT(*)"));
/// # Ok::<(), estoult::Error>(())
/// ```
#[must_use]
pub fn count_rows<S: Model>() -> Expr<S, i64> {
    Expr::new(Node::CountRows)
}

/// Escapes `%`, `_` and `\` in a text that becomes part of a pattern.
///
/// ```
/// assert_eq!(estoult::query::escape_like("100% sure"), r"100\% sure");
/// ```
#[must_use]
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

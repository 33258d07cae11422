//! The natural order of migration ids: by the leading number, then by the text. Numbers are compared as digits, since
//! an id may have more of them than any integer.

use std::cmp::Ordering;

/// The leading digits of an id, without leading zeros; `None` if it begins otherwise.
///
/// ```
/// assert_eq!(apocryphan_migration::number("0042-add-x"), Some("42"));
/// ```
pub fn number(id: &str) -> Option<&str> {
    let end = id
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(id.len());
    // Without leading zeros, `042` and `42` are the same number.
    (end > 0).then(|| id[..end].trim_start_matches('0'))
}

/// Compares two ids: by their leading numbers, then by their text; those without a number last.
///
/// ```
/// let mut ids = ["10-b", "9-a", "x", "010-a"];
/// ids.sort_by(|left, right| apocryphan_migration::natural(left, right));
/// assert_eq!(ids, ["9-a", "010-a", "10-b", "x"]);
/// ```
pub fn natural(left: &str, right: &str) -> Ordering {
    match (number(left), number(right)) {
        (Some(a), Some(b)) => a
            .len()
            .cmp(&b.len())
            .then_with(|| a.cmp(b))
            .then_with(|| rest(left).cmp(rest(right)))
            .then_with(|| left.cmp(right)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

fn rest(id: &str) -> &str {
    id.trim_start_matches(|letter: char| letter.is_ascii_digit())
}

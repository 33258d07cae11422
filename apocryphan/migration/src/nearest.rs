//! The known name that a mistyped one was most likely meant to be.

/// The candidate nearest to `name`, if one is near enough to be a likely meaning.
///
/// ```
/// use apocryphan_migration::nearest;
///
/// assert_eq!(nearest("depend", ["depends", "message"]), Some("depends"));
/// assert_eq!(nearest("colour", ["depends", "message"]), None);
/// ```
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of letters to insert, delete or replace.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let replaced = previous[column] + usize::from(a != *b);
            let least = replaced
                .min(previous[column + 1] + 1)
                .min(current[column] + 1);
            current.push(least);
        }
        previous = current;
    }
    previous[right.len()]
}

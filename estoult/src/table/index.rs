//! Indexes and unique keys over several columns, as data.

/// An index or unique key over several columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSpec {
    /// Its name, if the schema sets one.
    pub name: Option<&'static str>,
    /// Its columns in order.
    pub columns: Vec<&'static str>,
    /// Whether the values of these columns are unique together.
    pub is_unique: bool,
}

//! What a database answers that this build leaves out.

use crate::{backend::Dialect, error::Error};

/// The error that names the feature to add.
pub(crate) fn absent(dialect: Dialect, feature: &str) -> Error {
    Error::unsupported(format!(
        "open a {dialect} database: this program was built without it; add the feature `{feature}` of estoult"
    ))
}

//! How long the pool waits for a database whose session no caller uses any more.

use std::time::Duration;

/// How long the database may take to end abandoned work.
pub(crate) const RECOVER_WITHIN: Duration = Duration::from_secs(5);

/// How long one connection may take to close gracefully. One whose socket belongs to a blocked runtime never answers.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(1);

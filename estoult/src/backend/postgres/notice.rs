//! Notices of the server as events of `tracing`.
//!
//! Invariant: a notice's words pass `redact.rs` first.

use super::{
    answer::Answer,
    redact::{redact_detail, redact_message},
};
use crate::{backend::message::redact, value::Datum};

/// Reports a notice with the level that the server gives it; the values are those of the statement that it is about.
pub(super) fn report(notice: &Answer, values: &[Datum]) {
    let code = notice.code.as_str();
    let message = redact_message(code, &notice.message, values);
    let detail = notice.detail.as_deref();
    let detail = detail.map(|detail| redact_detail(code, detail, values));
    let hint = notice.hint.as_deref().map(|hint| redact(hint, values));
    let words = [detail.as_deref(), hint.as_deref()];
    let rest = words.into_iter().flatten().collect::<Vec<_>>().join("; ");
    match notice.severity.as_str() {
        "WARNING" => warn(code, &message, &rest),
        "NOTICE" | "INFO" => inform(code, &message, &rest),
        _ => debug(code, &message, &rest),
    }
}

/// Reports a notice by its code alone.
pub(super) fn report_code(notice: &Answer) {
    let words = "a notice of an abandoned statement";
    match notice.severity.as_str() {
        "WARNING" => warn(&notice.code, words, ""),
        "NOTICE" | "INFO" => inform(&notice.code, words, ""),
        _ => debug(&notice.code, words, ""),
    }
}

// One function a level, since the level of an event is fixed where it is written.
fn warn(code: &str, message: &str, detail: &str) {
    tracing::warn!(code, detail, "PostgreSQL: {message}");
}

fn inform(code: &str, message: &str, detail: &str) {
    tracing::info!(code, detail, "PostgreSQL: {message}");
}

fn debug(code: &str, message: &str, detail: &str) {
    tracing::debug!(code, detail, "PostgreSQL: {message}");
}

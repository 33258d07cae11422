//! [`Answer`]: what the server says in an ErrorResponse or a NoticeResponse, with all fields.
//!
//! Source: "Error and Notice Message Fields" in PostgreSQL's manual. Invariant: nothing is redacted yet.

/// The fields of an error or a notice.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// Not translated, where the server is new enough to send it so.
    pub(super) severity: String,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) detail: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) position: Option<usize>,
    pub(super) context: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) table: Option<String>,
    pub(super) column: Option<String>,
    pub(super) data_type: Option<String>,
    pub(super) constraint: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) routine: Option<String>,
}

impl Answer {
    /// Reads the fields of a message's body. Kinds of fields that are not known are left out, as the manual asks.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut answer = Self::default();
        for field in body.split(|byte| *byte == 0) {
            // The list ends with an empty field.
            let Some((kind, text)) = field.split_first() else {
                break;
            };
            answer.set(*kind, String::from_utf8_lossy(text).into_owned());
        }
        answer
    }

    fn set(&mut self, kind: u8, text: String) {
        match kind {
            b'S' if self.severity.is_empty() => self.severity = text,
            b'V' => self.severity = text,
            b'C' => self.code = text,
            b'M' => self.message = text,
            b'D' => self.detail = Some(text),
            b'H' => self.hint = Some(text),
            b'P' => self.position = text.parse().ok(),
            b'W' => self.context = Some(text),
            b's' => self.schema = Some(text),
            b't' => self.table = Some(text),
            b'c' => self.column = Some(text),
            b'd' => self.data_type = Some(text),
            b'n' => self.constraint = Some(text),
            b'F' => self.file = Some(text),
            b'L' => self.line = text.parse().ok(),
            b'R' => self.routine = Some(text),
            _ => {}
        }
    }

    /// Whether the server closes the connection after it.
    pub(super) fn is_fatal(&self) -> bool {
        matches!(self.severity.as_str(), "FATAL" | "PANIC")
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn fields_are_read_by_their_kind() {
        let body = b"SFEHLER\0VERROR\0C23505\0Mduplicate\0P7\0nusers_pkey\0Xunknown\0\0";
        let answer = Answer::read(body);
        assert_eq!((&*answer.severity, &*answer.code), ("ERROR", "23505"));
        assert_eq!(answer.position, Some(7));
        assert_eq!(answer.constraint.as_deref(), Some("users_pkey"));
        assert!(!answer.is_fatal());
    }
}

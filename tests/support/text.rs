//! Messages made comparable: without what differs from run to run, in lines of a usual length.

use std::fmt::{Display, Write};

/// The text with each number replaced by `#`: what differs from run to run.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if masked.ends_with('#') => {}
            '0'..='9' => masked.push('#'),
            other => masked.push(other),
        }
    }
    masked
}

/// The text broken at spaces, so that a line has at most 80 characters where words allow it.
pub(crate) fn wrap(text: impl Display) -> String {
    let mut wrapped = String::new();
    for line in text.to_string().lines() {
        let mut column = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > 80 {
                wrapped.push('\n');
                column = 0;
            } else if column > 0 {
                wrapped.push(' ');
                column += 1;
            }
            let _ = write!(wrapped, "{word}");
            column += length;
        }
        wrapped.push('\n');
    }
    wrapped
}

//! The texts of databases on their way into errors.
//!
//! Invariant: no text that leaves here contains a bound value of more than a few characters.

use crate::value::Datum;

/// A shorter text occurs in messages by chance, so it is left there.
const SHORTEST_TEXT: usize = 3;
/// The same for a number.
const SHORTEST_NUMBER: usize = 4;
/// What databases put around a value, in the languages that their messages are translated to.
const QUOTES: [char; 11] = ['"', '\'', '«', '»', '„', '“', '”', '‘', '’', '‹', '›'];

/// A database's text without the values of the statement.
pub(crate) fn redact(text: &str, values: &[Datum]) -> String {
    let mut bound = Vec::new();
    collect(values, &mut bound);
    // The longest first: a value may be a part of another one, which would no longer be found without it.
    bound.sort_by_key(|value| std::cmp::Reverse(value.text.len()));
    let mut text = text.to_owned();
    for value in &bound {
        text = value.taken_out_of(&text);
    }
    text
}

/// Replaces all between the first quote and the last one, since a value may contain quotes itself.
pub(crate) fn blank_quoted(text: &str) -> String {
    let (Some(first), Some(last)) = (text.find(QUOTES), text.rfind(QUOTES)) else {
        return text.to_owned();
    };
    // A single quote opens a value that a server cut off, or is an apostrophe: the safe reading is the first.
    if first == last {
        return format!("{}…", &text[..first]);
    }
    let opening = text[first..].chars().next().map_or(1, char::len_utf8);
    format!("{}…{}", &text[..first + opening], &text[last..])
}

/// A refused write in words, the same for every backend.
pub(crate) fn read_only(message: &str) -> String {
    format!(
        "{message}; the database, the transaction or the user may only read: write to a database that is not read only"
    )
}

/// A bound value as databases write it.
struct BoundText {
    text: String,
    is_number: bool,
}

impl BoundText {
    fn text(text: &str) -> Option<Self> {
        let is_long = text.chars().count() >= SHORTEST_TEXT;
        is_long.then(|| Self {
            text: text.to_owned(),
            is_number: false,
        })
    }

    fn number(text: String) -> Option<Self> {
        (text.len() >= SHORTEST_NUMBER).then_some(Self {
            text,
            is_number: true,
        })
    }

    /// The message without this value. A number is not taken out of the middle of a longer one.
    fn taken_out_of(&self, message: &str) -> String {
        if !self.is_number {
            return message.replace(&self.text, "…");
        }
        let mut kept = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(start) = rest.find(&self.text) {
            let end = start + self.text.len();
            let before = rest[..start].chars().next_back();
            let is_whole = !before
                .or(kept.chars().next_back())
                .is_some_and(|character| character.is_ascii_digit())
                && !rest[end..].starts_with(|character: char| character.is_ascii_digit());
            kept.push_str(&rest[..start]);
            kept.push_str(if is_whole { "…" } else { &self.text });
            rest = &rest[end..];
        }
        kept + rest
    }
}

fn collect(values: &[Datum], bound: &mut Vec<BoundText>) {
    for value in values {
        match value {
            Datum::Text(text) | Datum::Json(text) => bound.extend(BoundText::text(text)),
            Datum::Int(value) => bound.extend(BoundText::number(value.to_string())),
            Datum::UInt(value) => bound.extend(BoundText::number(value.to_string())),
            Datum::Float(value) => bound.extend(BoundText::number(value.to_string())),
            Datum::Decimal(value) => bound.extend(BoundText::number(value.to_string())),
            Datum::Uuid(bytes) => {
                let text = uuid::Uuid::from_bytes(*bytes).to_string();
                bound.extend(BoundText::text(&text));
            }
            Datum::List(_, items) => collect(items, bound),
            // Databases write these in several ways; messages that quote them are blanked by `blank_quoted`.
            Datum::Null(_)
            | Datum::Bool(_)
            | Datum::Bytes(_)
            | Datum::Date(_)
            | Datum::Time(_)
            | Datum::DateTime(_)
            | Datum::Timestamp(_)
            | Datum::Enum(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{blank_quoted, redact};
    use crate::value::{Datum, Kind};

    fn text(value: &str) -> Datum {
        Datum::Text(value.to_owned())
    }

    #[test]
    fn a_value_within_another_one_hides_nothing_of_it() {
        let values = [text("secret"), text("secret code")];
        assert_eq!(redact("bad: secret code, secret", &values), "bad: …, …");
    }

    #[test]
    fn lists_and_numbers_are_replaced() {
        let numbers = Datum::List(Kind::Int64, vec![Datum::Int(471_100)]);
        let redacted = redact("471100, 1471100, 4711001 or -471100", &[numbers]);
        assert_eq!(redacted, "…, 1471100, 4711001 or -…");
    }

    #[test]
    fn short_values_are_left() {
        let values = [text("it"), Datum::Int(255)];
        let message = "it is too long for varchar(255)";
        assert_eq!(redact(message, &values), message);
    }

    #[test]
    fn quotes_within_a_value_do_not_end_it() {
        let message = r#"invalid input syntax for type integer: "a"b""#;
        let blank = r#"invalid input syntax for type integer: "…""#;
        assert_eq!(blank_quoted(message), blank);
        let message = "ungültige Eingabesyntax für Typ integer: »abc«";
        let blank = "ungültige Eingabesyntax für Typ integer: »…«";
        assert_eq!(blank_quoted(message), blank);
        assert_eq!(blank_quoted("division by zero"), "division by zero");
        assert_eq!(blank_quoted("it doesn't fit"), "it doesn…");
    }
}

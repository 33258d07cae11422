//! PostgreSQL's messages and details without the values of rows, in any language of the server.
//!
//! Invariant: of a detail about a row only the text around its values is kept.

use crate::{
    backend::message::{blank_quoted, redact},
    value::Datum,
};

/// The class of SQLSTATEs for values that do not fit: their messages and details quote the value.
const DATA: &str = "22";
/// Broken constraints whose details hold a key: exclusive, unique, a foreign key, one that restricts.
const KEYS: [&str; 4] = ["23P01", "23505", "23503", "23001"];
/// The class of broken constraints: the other details hold a row.
const CONSTRAINT: &str = "23";
/// A view's `with check option` refused a row, which the detail contains.
const CHECK_OPTION: &str = "44000";
/// What stands around names and values, in the languages that the server's messages are translated to.
const QUOTES: [char; 6] = ['"', '«', '»', '„', '“', '”'];
/// A shorter part of a value occurs in messages by chance.
const SHORTEST_PART: usize = 3;
/// How PostgreSQL goes on when two rows exclude each other.
const CONFLICTS: &str = ") conflicts with existing key (";
/// What refuses a text's bytes quotes the name of the encoding, and of the value one character at most.
const ENCODING: [&str; 2] = ["22021", "22P05"];

/// The lines of a failure within functions, without the values that they quote. A line about data ends with the data:
/// `JSON data, line 1: …`, `COPY books, line 7: …`.
pub(super) fn redact_context(context: &str, values: &[Datum]) -> String {
    let lines = context.lines().map(|line| {
        let line = blank_quoted(&redact(line, values));
        match line.split_once(": ") {
            Some((about, _)) => format!("{about}: …"),
            None => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The message without the values that it quotes.
pub(super) fn redact_message(code: &str, message: &str, values: &[Datum]) -> String {
    let message = redact(message, values);
    if code.starts_with(DATA) && !ENCODING.contains(&code) {
        return blank_quoted(&message);
    }
    blank_parts(message, values)
}

/// Blanks what is quoted of a value: of a text "a.b" that it looks up as a table, the server may name "a" alone.
fn blank_parts(message: String, values: &[Datum]) -> String {
    let quoted = message.split(QUOTES).skip(1).step_by(2).map(str::trim);
    let held = quoted.filter(|part| {
        part.chars().count() >= SHORTEST_PART && values.iter().any(|value| holds(value, part))
    });
    let held: Vec<_> = held.map(str::to_owned).collect();
    held.iter()
        .fold(message, |message, part| message.replace(part, "…"))
}

fn holds(value: &Datum, part: &str) -> bool {
    match value {
        Datum::Text(text) | Datum::Json(text) => text.contains(part),
        Datum::List(_, items) => items.iter().any(|item| holds(item, part)),
        _ => false,
    }
}

/// The detail without the values of keys and rows: `Key (email)=(…) already exists.`
pub(super) fn redact_detail(code: &str, detail: &str, values: &[Datum]) -> String {
    if KEYS.contains(&code) {
        return redact(&blank_key(detail), values);
    }
    if code.starts_with(CONSTRAINT) || code == CHECK_OPTION {
        return redact(&blank_row(detail), values);
    }
    redact_message(code, detail, values)
}

/// Replaces the values of `(columns)=(values)`. They may hold parentheses, so all up to the last one is taken for them.
fn blank_key(detail: &str) -> String {
    let Some((before, rest)) = detail.split_once(")=(") else {
        return blank_row(detail);
    };
    let (values, end) = rest.rsplit_once(')').unwrap_or((rest, ""));
    let columns = before.split_once('(').map_or("", |(_, columns)| columns);
    // The server names the columns again for the row that was there first.
    let again = format!("{CONFLICTS}{columns})=(");
    let again = match values.contains(&again) {
        true => format!("{again}…"),
        false => String::new(),
    };
    format!("{before})=(…{again}){end}")
}

/// Replaces all between the first parenthesis and the last one.
fn blank_row(detail: &str) -> String {
    let Some((before, rest)) = detail.split_once('(') else {
        return detail.to_owned();
    };
    let end = rest.rsplit_once(')').map_or("", |(_, end)| end);
    format!("{before}(…){end}")
}

#[cfg(test)]
mod tests {
    use super::{redact_detail, redact_message};
    use crate::value::Datum;

    #[test]
    fn details_of_constraints_keep_columns_and_tables() {
        let details = [
            (
                "Key (email)=(x@y) already exists.",
                "Key (email)=(…) already exists.",
            ),
            (
                r#"Key (author_id)=(99) is not present in table "authors"."#,
                r#"Key (author_id)=(…) is not present in table "authors"."#,
            ),
            (
                "Key (lower(name), b)=(it's) odd)=(x, 2) is duplicated.",
                "Key (lower(name), b)=(…) is duplicated.",
            ),
            (
                "Key (room, during)=(1, [1,3)) conflicts with existing key (room, during)=(1, [2,4)).",
                "Key (room, during)=(…) conflicts with existing key (room, during)=(…).",
            ),
            (
                "Schlüssel »(email)=(x@y)« existiert bereits.",
                "Schlüssel »(email)=(…)« existiert bereits.",
            ),
        ];
        for (detail, expected) in details {
            assert_eq!(redact_detail("23505", detail, &[]), expected);
        }
    }

    #[test]
    fn details_of_rows_keep_nothing_of_the_row() {
        let details = [
            (
                "Failing row contains (1, null, a)=(secret).",
                "Failing row contains (…).",
            ),
            (
                "Partition key of the failing row contains (year) = (1999).",
                "Partition key of the failing row contains (…).",
            ),
        ];
        for (detail, expected) in details {
            assert_eq!(redact_detail("23514", detail, &[]), expected);
        }
    }

    #[test]
    fn words_about_names_are_left() {
        let detail = r#"Column "id" is an identity column defined as GENERATED ALWAYS."#;
        assert_eq!(redact_detail("428C9", detail, &[]), detail);
        let message = r#"column "titel" does not exist"#;
        assert_eq!(redact_message("42703", message, &[]), message);
        let message = r#"invalid byte sequence for encoding "UTF8": 0x00"#;
        assert_eq!(redact_message("22021", message, &[]), message);
    }

    #[test]
    fn parts_of_values_are_blanked() {
        let values = [Datum::Text("secret.books".to_owned())];
        let message = r#"schema "secret" does not exist in "main""#;
        let expected = r#"schema "…" does not exist in "main""#;
        assert_eq!(redact_message("3F000", message, &values), expected);
        let message = "Schema »secret« existiert nicht";
        let expected = "Schema »…« existiert nicht";
        assert_eq!(redact_message("3F000", message, &values), expected);
    }

    #[test]
    fn words_about_values_lose_what_they_quote() {
        let detail = r#"Token "swordfish" is invalid."#;
        let expected = r#"Token "…" is invalid."#;
        assert_eq!(redact_detail("22P02", detail, &[]), expected);
        let message = r#"value "99999999999" is out of range for type integer"#;
        let expected = r#"value "…" is out of range for type integer"#;
        assert_eq!(redact_message("22003", message, &[]), expected);
    }
}

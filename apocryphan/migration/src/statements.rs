//! Statements of a migration file, with mistakes as problems of that file.

use estoult_sql::{
    statements::{self, Piece, Statement, Unterminated},
    syntax::Syntax,
};

use crate::problem::Problem;

/// Splits a script into statements, markers and what is between them.
///
/// # Errors
///
/// A problem when a string, a quoted name or a comment is never closed.
pub(crate) fn split<'s>(
    file: &str,
    source: &'s str,
    syntax: &Syntax,
) -> Result<Vec<Piece<'s>>, Problem> {
    statements::split(source, syntax, is_marker).map_err(|error| unterminated(file, error))
}

/// The statements of a text in which markers mean nothing; `line` is the line it begins on.
///
/// # Errors
///
/// A problem when a string, a quoted name or a comment is never closed.
pub fn statements(
    file: &str,
    line: usize,
    source: &str,
    syntax: &Syntax,
) -> Result<Vec<Statement>, Problem> {
    statements::statements(line, source, syntax).map_err(|error| unterminated(file, error))
}

fn unterminated(file: &str, error: Unterminated) -> Problem {
    Problem::new(file, error.to_string()).at(error.line)
}

/// Whether a comment is a marker: `rollback` alone, or `step` with nothing but options such as `name=a`. All else is a
/// comment: `Step 1: add a column`, `Rollback:`.
pub(crate) fn is_marker(comment: &str) -> bool {
    let content = comment.trim_start_matches('-');
    let mut words = content.split_whitespace();
    let word = words.next().unwrap_or_default();
    let is_step = word.eq_ignore_ascii_case("step") && words.clone().all(|word| word.contains('='));
    is_step || word.eq_ignore_ascii_case("rollback") && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use estoult_sql::{statements::Role, syntax::Syntax};

    use super::{is_marker, split};

    #[test]
    fn a_marker_is_known_by_its_first_word() {
        for marker in [
            "-- step",
            "--Step name=a",
            "-- step ignore_errors=all name=a",
            "---- rollback",
            "-- ROLLBACK",
        ] {
            assert!(is_marker(marker), "{marker}");
        }
        for comment in [
            "-- steps",
            "-- a step",
            "--",
            "-- roll back",
            "-- Step 1: add a column",
            "-- step: name=a",
            "-- Rollback:",
            "-- rollback the table by hand",
        ] {
            assert!(!is_marker(comment), "{comment}");
        }
        let pieces = split("a.sql", "-- step\nselect 1", &Syntax::SQLITE).unwrap();
        assert_eq!(pieces[0].role, Role::Marker);
    }

    #[test]
    fn what_is_never_closed_is_a_problem_of_its_file() {
        let error = split("a.sql", "select 1;\nselect 'x;", &Syntax::SQLITE).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.sql:2: the string that begins here is never closed"
        );
    }
}

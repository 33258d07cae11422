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

/// Whether a comment is a marker: its first word is `step` or `rollback`.
pub(crate) fn is_marker(comment: &str) -> bool {
    let content = comment.trim_start_matches('-').trim_start();
    let word = content.split_whitespace().next().unwrap_or_default();
    ["step", "rollback"]
        .iter()
        .any(|marker| word.trim_end_matches(':').eq_ignore_ascii_case(marker))
}

#[cfg(test)]
mod tests {
    use estoult_sql::{statements::Role, syntax::Syntax};

    use super::{is_marker, split};

    #[test]
    fn a_marker_is_known_by_its_first_word() {
        for marker in ["-- step", "--Step: name=a", "---- rollback", "-- ROLLBACK:"] {
            assert!(is_marker(marker), "{marker}");
        }
        for comment in ["-- steps", "-- a step", "--", "-- roll back"] {
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

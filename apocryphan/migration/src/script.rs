//! A SQL migration file: its header and its steps.

#[cfg(test)]
mod tests;

use estoult_sql::{
    names::nearest,
    statements::{Piece, Role, Statement},
    syntax::Syntax,
};

use crate::{
    header::{self, Header, Ignore},
    problem::{Problem, Problems},
    statements::split,
};

/// One step of a file: what applies it and what undoes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptStep {
    /// The name that its marker gives.
    pub name: Option<String>,
    /// Which errors its marker ignores.
    pub ignore_errors: Option<Ignore>,
    /// The statements that apply it.
    pub migrate: Vec<Statement>,
    /// The statements that undo it.
    pub rollback: Vec<Statement>,
}

/// A migration file in SQL, read in the syntax of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its leading comments.
    pub header: Header,
    /// Its steps in order.
    pub steps: Vec<ScriptStep>,
}

impl Script {
    /// Reads a file `<id>.sql` and, where there is one, its companion `<id>.rollback.sql`.
    ///
    /// # Errors
    ///
    /// All mistakes of both files.
    pub fn parse(
        (file, source): (&str, &str),
        companion: Option<(&str, &str)>,
        syntax: &Syntax,
    ) -> Result<Self, Problems> {
        // Editors on Windows write a byte order mark, which no database reads.
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut problems = Problems::default();
        let header = problems.collect(Header::parse(file, source));
        let steps = problems.collect(steps(file, source, syntax));
        let undo = match companion {
            Some((file, source)) => problems
                .collect(companion_statements(file, source, syntax))
                .map(Some),
            None => Some(None),
        };
        let (Some(header), Some((mut steps, has_markers)), Some(undo)) = (header, steps, undo)
        else {
            return Err(problems);
        };
        if let (Some(undo), Some((companion, _))) = (undo, companion) {
            if has_markers {
                problems.push(markers_beside_companion(file, companion));
            }
            pair_companion(&mut steps, undo);
        }
        problems.into_result(Self { header, steps })
    }
}

fn markers_beside_companion(file: &str, companion: &str) -> Problem {
    let message = format!(
        "{file} has `-- step` or `-- rollback` markers, so this file pairs with nothing: write \
         its statements below a `-- rollback` marker there"
    );
    Problem::new(companion, message)
}

/// Pairs the statements of a companion with the steps: the first undoes the last step, and so on. A statement beyond
/// the first step becomes a step that applies nothing.
fn pair_companion(steps: &mut Vec<ScriptStep>, undo: Vec<Statement>) {
    for (index, statement) in undo.into_iter().rev().enumerate() {
        // A companion may undo more than there is to apply, such as what a function did.
        if index == steps.len() {
            steps.push(ScriptStep::default());
        }
        steps[index].rollback.push(statement);
    }
}

/// The steps of a file, and whether it has markers.
fn steps(file: &str, source: &str, syntax: &Syntax) -> Result<(Vec<ScriptStep>, bool), Problems> {
    let pieces = split(file, source, syntax)?;
    let mut problems = misplaced_directives(file, header::length(source), &pieces);
    let has_markers = pieces.iter().any(|piece| piece.role == Role::Marker);
    // Without markers each statement is a step, so that an error says which one failed and a companion has pairs.
    let steps = if has_markers {
        marked_steps(file, &pieces, &mut problems)
    } else {
        statements_of(&pieces)
            .map(|statement| ScriptStep {
                migrate: vec![statement],
                ..ScriptStep::default()
            })
            .collect()
    };
    problems.into_result((steps, has_markers))
}

fn statements_of(pieces: &[Piece<'_>]) -> impl Iterator<Item = Statement> {
    pieces
        .iter()
        .filter(|piece| piece.role == Role::Statement)
        .map(statement)
}

fn statement(piece: &Piece<'_>) -> Statement {
    Statement {
        text: piece.text.to_owned(),
        line: piece.line,
    }
}

/// The steps that markers begin. Statements before the first marker are a step of their own.
fn marked_steps(file: &str, pieces: &[Piece<'_>], problems: &mut Problems) -> Vec<ScriptStep> {
    let mut steps: Vec<ScriptStep> = Vec::new();
    let mut is_undo = false;
    for piece in pieces {
        match piece.role {
            // Comments belong to no step, and commands are those of a shell.
            Role::Blank | Role::Command => {}
            Role::Marker => {
                let (word, options) = marker(piece.text);
                let report = |message| problems.push(Problem::new(file, message).at(piece.line));
                if word == "step" {
                    is_undo = false;
                    steps.push(step_of_marker(options, report));
                } else {
                    check_rollback(is_undo, report);
                    is_undo = true;
                }
            }
            Role::Statement => {
                if steps.is_empty() {
                    steps.push(ScriptStep::default());
                }
                if let Some(step) = steps.last_mut() {
                    let part = if is_undo {
                        &mut step.rollback
                    } else {
                        &mut step.migrate
                    };
                    part.push(statement(piece));
                }
            }
        }
    }
    steps
}

fn marker(comment: &str) -> (String, &str) {
    let content = comment.trim_start_matches('-').trim();
    let (word, options) = content
        .split_once(char::is_whitespace)
        .unwrap_or((content, ""));
    (word.to_ascii_lowercase(), options.trim())
}

fn check_rollback(is_undo: bool, mut report: impl FnMut(String)) {
    if is_undo {
        report("a second `-- rollback` in one step: put its statements below the first".into());
    }
}

fn step_of_marker(options: &str, mut report: impl FnMut(String)) -> ScriptStep {
    let mut step = ScriptStep::default();
    for option in options.split_whitespace() {
        match option.split_once('=') {
            Some(("ignore_errors", value)) => match Ignore::parse(value) {
                Some(ignore) => step.ignore_errors = Some(ignore),
                None => report(header::wrong_ignore(value)),
            },
            Some(("name", value)) => step.name = Some(value.to_owned()),
            other => {
                let meant = other.and_then(|(name, _)| nearest(name, ["ignore_errors", "name"]));
                report(unknown_option(option, other, meant));
                // The rest of the line is probably a comment: one problem says enough.
                if meant.is_none() {
                    break;
                }
            }
        }
    }
    step
}

fn unknown_option(option: &str, pair: Option<(&str, &str)>, meant: Option<&str>) -> String {
    match (pair, meant) {
        (Some((name, _)), Some(meant)) => {
            format!("unknown option `{name}` of `-- step`: did you mean `{meant}`?")
        }
        _ => format!(
            "unknown option `{option}` of `-- step`, which takes `ignore_errors=…` and `name=…`; a \
             comment must begin with another word"
        ),
    }
}

/// Known directives below the leading comments, where they are not read.
fn misplaced_directives(file: &str, length: usize, pieces: &[Piece<'_>]) -> Problems {
    let mut problems = Problems::default();
    for piece in pieces {
        let before = piece.before();
        // The line of a piece is that of its text, and the comments are above it.
        let breaks = match piece.role {
            Role::Blank | Role::Command => 0,
            Role::Statement | Role::Marker => before.matches('\n').count(),
        };
        let first = piece.line - breaks;
        for (index, line) in before.lines().enumerate() {
            let found = header::misplaced(file, first + index, line);
            if let Some(problem) = found.filter(|_| first + index > length) {
                problems.push(problem);
            }
        }
    }
    problems
}

/// The statements of a companion, which has no markers and no directives.
fn companion_statements(
    file: &str,
    source: &str,
    syntax: &Syntax,
) -> Result<Vec<Statement>, Problems> {
    let pieces = split(file, source, syntax)?;
    let mut problems = Problems::default();
    for piece in pieces.iter().filter(|piece| piece.role == Role::Marker) {
        let message = "a companion of a migration has no markers: all of it is for rolling back";
        problems.push(Problem::new(file, message).at(piece.line));
    }
    for (index, line) in source.lines().enumerate() {
        problems.extend(companion_directive(file, index + 1, line));
    }
    problems.into_result(statements_of(&pieces).collect())
}

fn companion_directive(file: &str, line: usize, text: &str) -> Problems {
    match header::misplaced(file, line, text) {
        Some(_) => {
            let message = "a companion of a migration has no directives: write them in the \
                           migration itself";
            Problem::new(file, message).at(line).into()
        }
        None => Problems::default(),
    }
}

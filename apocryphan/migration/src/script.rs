//! A SQL migration file to its header and its steps.

#[cfg(test)]
mod tests;

use crate::{
    header::{self, Header, Ignore},
    nearest::nearest,
    problem::{Problem, Problems},
    statements::{Piece, Role, Statement, split},
    syntax::Syntax,
};

/// One step of a file: what applies it and what undoes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptStep {
    /// The name that its marker gives it.
    pub name: Option<String>,
    /// What its marker says of errors.
    pub ignore_errors: Option<Ignore>,
    /// The statements that apply it.
    pub migrate: Vec<Statement>,
    /// The statements that undo it.
    pub rollback: Vec<Statement>,
}

/// A migration file in SQL, read for one kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What its leading comments say.
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
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut problems = Problems::default();
        let header = problems.keep(Header::parse(file, source));
        let steps = problems.keep(steps(file, source, syntax));
        let undo = match companion {
            Some((file, source)) => problems.keep(plain(file, source, syntax)).map(Some),
            None => Some(None),
        };
        let (Some(header), Some((mut steps, has_markers)), Some(undo)) = (header, steps, undo)
        else {
            return Err(problems);
        };
        if let (Some(undo), Some((companion, _))) = (undo, companion) {
            if has_markers {
                problems.push(both(file, companion));
            }
            pair(&mut steps, undo);
        }
        problems.or(Self { header, steps })
    }
}

fn both(file: &str, companion: &str) -> Problem {
    let message = format!(
        "{file} has `-- step` or `-- rollback` markers, so this file pairs with nothing: write \
         its statements below a `-- rollback` marker there"
    );
    Problem::new(companion, message)
}

/// The statement at position i undoes the statement at position i from the end.
fn pair(steps: &mut Vec<ScriptStep>, undo: Vec<Statement>) {
    for (index, statement) in undo.into_iter().rev().enumerate() {
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
    problems.or((steps, has_markers))
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

/// Statements before the first marker are a step of their own.
fn marked_steps(file: &str, pieces: &[Piece<'_>], problems: &mut Problems) -> Vec<ScriptStep> {
    let mut steps: Vec<ScriptStep> = Vec::new();
    let mut is_undo = false;
    for piece in pieces {
        match piece.role {
            Role::Blank | Role::Command => {}
            Role::Marker => {
                let (word, options) = marker(piece.text);
                let report = |message| problems.push(Problem::new(file, message).at(piece.line));
                if word == "step" {
                    is_undo = false;
                    steps.push(step_of_marker(options, report));
                } else {
                    check_rollback(options, is_undo, report);
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
    let word = word.trim_end_matches(':').to_ascii_lowercase();
    (word, options.trim())
}

fn check_rollback(options: &str, is_undo: bool, mut report: impl FnMut(String)) {
    if !options.is_empty() {
        report(format!(
            "the marker `-- rollback` takes nothing after it, found `{options}`; a comment must \
             begin with another word"
        ));
    }
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
            Some((name, _)) if nearest(name, ["ignore_errors", "name"]).is_some() => {
                let known = nearest(name, ["ignore_errors", "name"]).unwrap_or_default();
                report(format!(
                    "unknown option `{name}` of `-- step`: did you mean `{known}`?"
                ));
            }
            Some(_) | None => {
                report(format!(
                    "unknown option `{option}` of `-- step`, which takes `ignore_errors=…` and \
                     `name=…`; a comment must begin with another word"
                ));
                break;
            }
        }
    }
    step
}

/// A known directive below the leading comments, where nothing reads it.
fn misplaced_directives(file: &str, length: usize, pieces: &[Piece<'_>]) -> Problems {
    let mut problems = Problems::default();
    for piece in pieces {
        let before = piece.before();
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
fn plain(file: &str, source: &str, syntax: &Syntax) -> Result<Vec<Statement>, Problems> {
    let pieces = split(file, source, syntax)?;
    let mut problems = Problems::default();
    for piece in pieces.iter().filter(|piece| piece.role == Role::Marker) {
        let message = "a companion of a migration has no markers: all of it is for rolling back";
        problems.push(Problem::new(file, message).at(piece.line));
    }
    for (index, line) in source.lines().enumerate() {
        problems.extend(companion_directive(file, index + 1, line));
    }
    problems.or(statements_of(&pieces).collect())
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

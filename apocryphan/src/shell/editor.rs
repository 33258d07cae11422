//! The line that is typed at a terminal: completion, several lines, history.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use apocryphan_migration::typed;
use rustyline::{
    CompletionType, Config, Editor, Helper, Result,
    completion::{Completer, FilenameCompleter, Pair},
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::FileHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};

use super::{
    completion::{Completion, Known, complete},
    history,
};

/// What was typed.
pub(super) enum Line {
    Text(String),
    /// Ctrl-C: the line is given up.
    Interrupted,
    /// Ctrl-D, or a terminal that is gone.
    End,
}

/// A terminal with a person at it.
pub(super) struct Terminal {
    editor: Editor<Typist, FileHistory>,
    history: Option<PathBuf>,
}

/// What the editor asks while a line is typed.
struct Typist {
    known: Arc<RwLock<Known>>,
    paths: FilenameCompleter,
}

impl Terminal {
    /// The terminal of the process. Gives also why there is no history, when there should be one.
    pub(super) fn open(
        known: Arc<RwLock<Known>>,
        history: Option<PathBuf>,
    ) -> Result<(Self, Option<String>)> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_dups(true)?
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Typist {
            known,
            paths: FilenameCompleter::new(),
        }));
        let mut terminal = Self {
            editor,
            history: None,
        };
        let refused = history.and_then(|file| terminal.remember(file).err());
        Ok((terminal, refused))
    }

    /// Reads what is remembered, and remembers from now on.
    fn remember(&mut self, file: PathBuf) -> std::result::Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!(
                "nothing typed here is remembered: open `{}`: {error}",
                file.display()
            )
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        if file.exists() {
            let loaded = self.editor.load_history(&file);
            loaded.map_err(|error| failed(&error))?;
        }
        self.history = Some(file);
        Ok(())
    }

    /// Reads a statement or a command, over several lines where it has them.
    pub(super) fn read(&mut self, prompt: &str) -> Line {
        match self.editor.readline(prompt) {
            Ok(text) => {
                self.keep(&text);
                Line::Text(text)
            }
            Err(ReadlineError::Interrupted) => Line::Interrupted,
            Err(_) => Line::End,
        }
    }

    /// Remembers it at once, so that a later failure does not lose it. That it can't be is no reason to stop.
    fn keep(&mut self, text: &str) {
        if !history::is_kept(text) {
            return;
        }
        let is_new = self.editor.add_history_entry(text.trim_end());
        if let (Ok(true), Some(file)) = (is_new, &self.history) {
            let _ = self.editor.append_history(file);
        }
    }
}

impl Helper for Typist {}

impl Highlighter for Typist {}

impl Hinter for Typist {
    type Hint = String;
}

impl Validator for Typist {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_open = typed(context.input(), &known.delimiter, &known.syntax).is_open;
        Ok(match is_open {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Completer for Typist {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        context: &rustyline::Context<'_>,
    ) -> Result<(usize, Vec<Pair>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match complete(line, position, &known) {
            Completion::Path => self.paths.complete(line, position, context),
            Completion::Words(start, words) => {
                let pairs = words.into_iter().map(|word| Pair {
                    display: word.clone(),
                    replacement: word,
                });
                Ok((start, pairs.collect()))
            }
        }
    }
}

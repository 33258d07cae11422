//! The line editor of a terminal: completion, statements over several lines, history.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use estoult_sql::statements::typed;
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
    completion::{Completion, EditorContext, complete},
    history,
};

/// What the user typed.
pub(super) enum Line {
    Text(String),
    /// Ctrl-C, which discards the line.
    Interrupted,
    /// Ctrl-D, or the terminal is gone.
    End,
}

/// A terminal with a user at it.
pub(super) struct Terminal {
    editor: Editor<LineRules, FileHistory>,
    history: Option<PathBuf>,
}

/// How the editor completes a line and sees its end.
struct LineRules {
    /// The shell writes it between two lines and the editor reads it within one, so neither ever waits.
    context: Arc<RwLock<EditorContext>>,
    paths: FilenameCompleter,
}

impl Terminal {
    /// Opens the terminal of the process. Returns also why there is no history, if it should be in a file that can't be
    /// used.
    pub(super) fn open(
        context: Arc<RwLock<EditorContext>>,
        history: Option<PathBuf>,
    ) -> Result<(Self, Option<String>)> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_dups(true)?
            // The shell adds entries itself, without those that may hold a password.
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(LineRules {
            context,
            paths: FilenameCompleter::new(),
        }));
        let mut terminal = Self {
            editor,
            history: None,
        };
        let refused = history.and_then(|file| terminal.remember(file).err());
        Ok((terminal, refused))
    }

    /// Loads the history from the file, and appends to it from now on.
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

    /// Reads a statement or a command, which may have several lines.
    pub(super) fn read(&mut self, prompt: &str) -> Line {
        match self.editor.readline(prompt) {
            Ok(text) => {
                self.append_to_history(&text);
                Line::Text(text)
            }
            Err(ReadlineError::Interrupted) => Line::Interrupted,
            // Any other error means that nothing more can be read.
            Err(_) => Line::End,
        }
    }

    /// Writes the text to the history at once, since the process may be killed. A full disk must not stop the shell, so
    /// a failure is ignored.
    fn append_to_history(&mut self, text: &str) {
        if !history::may_remember(text) {
            return;
        }
        let added = self.editor.add_history_entry(text.trim_end());
        if let (Ok(true), Some(file)) = (added, &self.history) {
            let _ = self.editor.append_history(file);
        }
    }
}

impl LineRules {
    fn context(&self) -> RwLockReadGuard<'_, EditorContext> {
        self.context.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Helper for LineRules {}

impl Highlighter for LineRules {}

impl Hinter for LineRules {
    type Hint = String;
}

impl Validator for LineRules {
    fn validate(&self, input: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let context = self.context();
        // The same reader as for running, so that Enter ends exactly what would run.
        let is_open = typed(input.input(), &context.delimiter, &context.syntax).is_open;
        Ok(match is_open {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Completer for LineRules {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        editor: &rustyline::Context<'_>,
    ) -> Result<(usize, Vec<Pair>)> {
        match complete(line, position, &self.context()) {
            Completion::Path => self.paths.complete(line, position, editor),
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

//! Whether a statement is inside the body of a trigger or routine, where a semicolon ends nothing, and how many
//! parentheses are open.

use crate::{lexer::TokenKind, syntax::Syntax};

/// What the first words of a statement are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Opening {
    #[default]
    Unread,
    Create,
    Begin,
    Routine,
    Plain,
}

/// The blocks of a statement that its words have opened so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Body {
    opening: Opening,
    depth: usize,
    parentheses: usize,
    /// The previous token in lower case, if it is a word.
    previous: String,
    /// Whether the previous `end` closed a block.
    has_closed: bool,
    last: Option<char>,
}

impl Body {
    /// Whether a block is open.
    pub(super) fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// How many parentheses are open.
    pub(super) fn parentheses(&self) -> usize {
        self.parentheses
    }

    /// Consumes a token that is neither white space nor a comment.
    pub(super) fn take(&mut self, kind: TokenKind, text: &str, syntax: &Syntax) {
        match kind {
            TokenKind::Open => self.parentheses += 1,
            TokenKind::Close => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        if matches!(kind, TokenKind::Word | TokenKind::Number) {
            let word = text.to_ascii_lowercase();
            // Behind a dot a word is a name: `new.end` closes nothing.
            if self.last != Some('.') {
                self.word(&word, syntax);
            }
            self.previous = word;
        } else {
            self.previous.clear();
            if self.opening == Opening::Unread {
                self.opening = Opening::Plain;
            }
        }
        self.last = text.chars().next_back();
    }

    fn word(&mut self, word: &str, syntax: &Syntax) {
        match self.opening {
            // No word yet: the first one decides whether there can be a body.
            Opening::Unread => {
                self.opening = match word {
                    "create" => Opening::Create,
                    "begin" if !syntax.atomic_bodies => Opening::Begin,
                    _ => Opening::Plain,
                }
            }
            // `create`, and options before the kind of object.
            Opening::Create => self.after_create(word),
            // `begin` is a transaction, unless MariaDB's `begin not atomic` follows, a body without a routine.
            Opening::Begin if word == "not" => {
                self.opening = Opening::Routine;
                self.depth = 1;
            }
            Opening::Begin => self.opening = Opening::Plain,
            // A trigger, routine or event: words open and close its blocks.
            Opening::Routine => self.in_routine(word, syntax),
            // Any other statement ends at the next delimiter.
            Opening::Plain => {}
        }
    }

    fn after_create(&mut self, word: &str) {
        // The user in `definer = root@localhost` is no keyword.
        if matches!(self.last, Some('=' | '@')) {
            return;
        }
        self.opening = match word {
            "or" | "replace" | "temp" | "temporary" | "aggregate" | "definer" | "constraint" => {
                Opening::Create
            }
            "trigger" | "procedure" | "function" | "event" => Opening::Routine,
            _ => Opening::Plain,
        };
    }

    fn in_routine(&mut self, word: &str, syntax: &Syntax) {
        let ends = self.previous == "end";
        match word {
            "begin" if !syntax.atomic_bodies => self.depth += 1,
            "atomic" if syntax.atomic_bodies && self.previous == "begin" => self.depth += 1,
            // `end case` closes a CASE; any other `case` opens one.
            "case" if !ends => self.depth += 1,
            // `if`, `loop` and the like are not counted when they open, so the `end` of `end if` closed no block: it is
            // opened again.
            "if" | "loop" | "while" | "repeat" if ends && self.has_closed => self.depth += 1,
            "end" => {
                self.has_closed = self.depth > 0;
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

//! Whether a statement is inside the body of a trigger or routine, where a semicolon ends
//! nothing, and how many parentheses are open.

use crate::{lexer::Kind, syntax::Syntax};

/// What the first words of a statement make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Opening {
    #[default]
    Unread,
    Create,
    Begin,
    Routine,
    Plain,
}

/// The words of a statement so far, as far as they open and close blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Body {
    opening: Opening,
    depth: usize,
    parentheses: usize,
    /// The word before, in small letters, when nothing stands between.
    previous: String,
    /// The `end` before closed a block.
    has_closed: bool,
    last: Option<char>,
}

impl Body {
    /// A block is open.
    pub(super) fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// How many parentheses are open.
    pub(super) fn parentheses(&self) -> usize {
        self.parentheses
    }

    /// Takes in a token that is neither space nor comment.
    pub(super) fn take(&mut self, kind: Kind, text: &str, syntax: &Syntax) {
        match kind {
            Kind::Open => self.parentheses += 1,
            Kind::Close => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        if kind == Kind::Word {
            let word = text.to_ascii_lowercase();
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
            Opening::Unread => {
                self.opening = match word {
                    "create" => Opening::Create,
                    "begin" if !syntax.atomic_bodies => Opening::Begin,
                    _ => Opening::Plain,
                }
            }
            Opening::Create => self.after_create(word),
            Opening::Begin if word == "not" => {
                self.opening = Opening::Routine;
                self.depth = 1;
            }
            Opening::Begin => self.opening = Opening::Plain,
            Opening::Routine => self.in_routine(word, syntax),
            Opening::Plain => {}
        }
    }

    fn after_create(&mut self, word: &str) {
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
            "case" if !ends => self.depth += 1,
            // These open nothing that is counted, so their end closed nothing.
            "if" | "loop" | "while" | "repeat" if ends && self.has_closed => self.depth += 1,
            "end" => {
                self.has_closed = self.depth > 0;
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

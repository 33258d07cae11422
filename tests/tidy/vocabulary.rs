//! The plain words of the field in names, and sentences with an actor in comments and documents.
//!
//! Invariant: a word is in these lists only where it is never right; the rest is left to reviews.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use crate::{
    offences::Offences,
    source::{self, Source},
};

/// What nothing is called that can be chosen freely: a type, a trait, a module, a file. Each with the plain words.
const TYPES: [(&str, &str); 30] = [
    ("Held", "Checkout"),
    ("Leased", "Connection"),
    ("Lease", "Connection"),
    ("Home", "Slot"),
    ("Kept", "Pooled"),
    ("Site", "SqlContext"),
    ("Shapes", "StatementCache"),
    ("Lives", "LifespanState"),
    ("Life", "LifespanState"),
    ("Hold", "LifespanGuard"),
    ("Departure", "Shutdown"),
    ("Farewell", "on_disconnect"),
    ("Rooted", "HasRoot"),
    ("Loaded", "Extend"),
    ("Within", "SameTenant"),
    ("Anyone", "Untenanted"),
    ("Bindable", "ToSql"),
    ("Drive", "SharedFuture"),
    ("Driven", "SharedFuture"),
    ("Pulse", "LivenessProbe"),
    ("Together", "join_bounded"),
    ("Era", "generation"),
    ("Drain", "close"),
    ("Sweep", "reap"),
    ("Standing", "Applied"),
    ("Ready", "Prepared"),
    ("Moment", "Timestamp"),
    ("Elsewhere", "OtherDatabase"),
    ("Holder", "Borrower"),
    ("Opener", "Connector"),
];

/// What is no word of any name.
const WORDS: [(&str, &str); 7] = [
    ("sweep", "reap"),
    ("farewell", "on_disconnect"),
    ("departure", "shutdown"),
    ("verbatim", "raw"),
    ("bindable", "to_sql"),
    ("rooted", "has_root"),
    ("nobody", "the actor: caller, pool, waiter, server"),
];

/// Turns of phrase that hide who does something, each with what to write.
const TURNS: [(&str, &str); 13] = [
    ("nobody", NAME_THE_ACTOR),
    ("somebody", NAME_THE_ACTOR),
    ("whoever", NAME_THE_ACTOR),
    ("is told", "returns, reports or gets an error"),
    ("are told", "return, report or get an error"),
    ("is no business of", "must not"),
    ("so many", "the number, or at most that many"),
    ("an URL", "a URL"),
    ("good-bye", "closes"),
    ("counts it up", "auto-increment"),
    ("count it up", "auto-increment"),
    ("comes back and", "is released"),
    ("fares", "health check"),
];

const NAME_THE_ACTOR: &str = "name the actor: caller, pool, waiter, server";

#[test]
fn names_are_words_of_the_field() {
    let mut offences = Offences::default();
    let mut files = source::rust();
    // Examples are about something else, in the words of that.
    files.retain(|file| is_ours(file) && !file.path.starts_with("examples/"));
    for file in files {
        let stem = stem(&file.path);
        if let Some((_, plain)) = TYPES.iter().find(|(word, _)| snake(word) == stem) {
            offences.add_whole(&file.path, format!("is better named {plain}"));
        }
        let tokens: TokenStream = file.text.parse().unwrap();
        let mut seen = BTreeSet::new();
        identifiers(tokens, &mut |before, name, line| {
            if let Some(plain) = plain_word(before, name)
                && seen.insert(name.to_owned())
            {
                offences.add(&file.path, line, format!("`{name}`: {plain}"));
            }
        });
    }
    offences.refuse(
        "A name is the word that an engineer of the field expects, never a private metaphor.",
        "take the word that stands behind it, or a better one.",
    );
}

#[test]
fn sentences_name_who_does_something() {
    let mut offences = Offences::default();
    let mut files = source::all();
    files.retain(|file| {
        let is_text = file.path.ends_with(".rs") || file.path.ends_with(".md");
        is_text && is_ours(file)
    });
    for file in &files {
        let is_document = file.path.ends_with(".md");
        let is_library = file.path.contains("src/");
        for (number, line) in file.lines() {
            let comment = line
                .trim_start()
                .strip_prefix("//")
                .or_else(|| Some(line.split_once(" // ")?.1));
            let text = match comment {
                Some(comment) => comment,
                None if is_document || is_library => line,
                None => continue,
            };
            if let Some((turn, plain)) = TURNS.iter().find(|(turn, _)| has_turn(text, turn)) {
                offences.add(&file.path, number, format!("`{turn}`: {plain}"));
            }
        }
    }
    offences.refuse(
        "A sentence has an actor and a verb, and terms that every engineer knows.",
        "write who does what; what stands behind the colon is an example.",
    );
}

/// Whether the file speaks of the project in its own words.
fn is_ours(file: &Source) -> bool {
    !file.path.starts_with("tests/benches/") && !file.path.starts_with("tests/tidy/")
}

/// What to write instead of an identifier, which stands behind `before`.
fn plain_word(before: &str, name: &str) -> Option<&'static str> {
    let is_item = ["struct", "enum", "trait", "union", "mod"].contains(&before);
    let words: Vec<String> = snake(name).split('_').map(str::to_owned).collect();
    let of_type = TYPES
        .iter()
        .find(|(word, _)| is_item && (*word == name || snake(word) == name));
    let of_word = || {
        WORDS
            .iter()
            .find(|(word, _)| !is_sentence(name) && words.iter().any(|part| part == word))
    };
    of_type.or_else(of_word).map(|(_, plain)| *plain)
}

/// A test's name, which may speak of anything.
fn is_sentence(name: &str) -> bool {
    name.matches('_').count() > 2
}

/// Calls with each identifier, the one before it and its line.
fn identifiers(tokens: TokenStream, each: &mut impl FnMut(&str, &str, usize)) {
    let mut before = String::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                each(&before, &name, ident.span().start().line);
                before = name;
            }
            TokenTree::Group(group) => {
                identifiers(group.stream(), each);
                before.clear();
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => before.clear(),
        }
    }
}

/// Whether the turn stands in the text, not as a part of longer words.
fn has_turn(text: &str, turn: &str) -> bool {
    let lower = text.to_lowercase();
    let is_letter = |character: char| character.is_alphanumeric() || character == '_';
    lower.match_indices(&turn.to_lowercase()).any(|(at, _)| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + turn.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".rs").unwrap_or(name)
}

/// A name in lower case with its words apart.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

#[test]
fn a_word_is_found_in_every_case_and_not_in_longer_ones() {
    assert_eq!(plain_word("struct", "Held"), Some("Checkout"));
    assert_eq!(plain_word("mod", "holder"), Some("Borrower"));
    assert_eq!(plain_word("", "held"), None);
    assert_eq!(plain_word("struct", "OperaStatus"), None);
    assert_eq!(plain_word("", "last_farewell"), Some("on_disconnect"));
    assert_eq!(plain_word("fn", "the_farewell_is_the_last_call"), None);
    assert!(has_turn("Where Nobody waits.", "nobody"));
    assert!(!has_turn("a welfares", "fares"));
}

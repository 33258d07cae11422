//! Which words stand nowhere, and which texts depend on one machine.

use std::env;

use crate::{
    offences::Offences,
    source::{self, root},
};

/// Words that say nothing about what bears them.
const EMPTY: [&str; 8] = [
    "utils", "util", "helper", "helpers", "common", "misc", "manager", "handler",
];

/// The items whose names have to say something.
const ITEMS: [&str; 7] = [
    "struct",
    "enum",
    "trait",
    "type",
    "mod",
    "fn",
    "macro_rules!",
];

#[test]
fn names_say_something() {
    let mut offences = Offences::default();
    for file in source::rust() {
        let stem = file.path.rsplit('/').next().unwrap_or(&file.path);
        if EMPTY.contains(&stem.trim_end_matches(".rs")) {
            offences.add_whole(&file.path, "is a file name that says nothing");
        }
        for (number, line) in file.bare_code() {
            if let Some(name) = defined(line)
                && let Some(word) = words(name)
                    .iter()
                    .find(|word| EMPTY.contains(&word.as_str()))
                && !file.path.starts_with("tests/tidy")
                && !is_test_name(name)
            {
                offences.add(
                    &file.path,
                    number,
                    format!("`{name}` has the word `{word}`"),
                );
            }
        }
    }
    offences.refuse(
        "Nothing is named utils, helper, common, misc, types, manager or handler.",
        "name what it does or holds.",
    );
}

#[test]
fn nothing_is_left_to_be_done() {
    let notes = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("d", "bg!("),
    ];
    let mut offences = Offences::default();
    for file in source::rust() {
        for (number, line) in file.lines() {
            if let Some(note) = notes.iter().find(|note| line.contains(*note)) {
                offences.add(&file.path, number, format!("`{note}`"));
            }
        }
    }
    offences.refuse(
        "No note of things to do, and no test that is left out.",
        "do it, or leave it out.",
    );
}

#[test]
fn a_suppressed_lint_has_a_reason() {
    let mut offences = Offences::default();
    for file in source::rust() {
        let lines: Vec<_> = file.lines().collect();
        for (at, (number, line)) in lines.iter().enumerate() {
            let line = line.trim_start();
            if ["#[allow(", "#![allow(", "#[expect(", "#![expect("]
                .iter()
                .any(|start| line.starts_with(start))
            {
                let lines = lines[at..].iter().map(|(_, line)| *line);
                let end = lines.clone().position(|line| line.ends_with(")]"));
                let mut attribute = lines.take(end.unwrap_or(0) + 1);
                if !attribute.any(|line| line.contains("reason = ")) {
                    offences.add(&file.path, *number, "gives no reason");
                }
            }
        }
    }
    offences.refuse(
        "A lint is suppressed with a reason.",
        "follow the lint, or write `#[expect(…, reason = \"…\")]`.",
    );
}

#[test]
fn nothing_depends_on_one_machine() {
    let folder = root().display().to_string();
    let home = env::var("HOME").unwrap_or_default();
    let mut offences = Offences::default();
    let mut files = source::all();
    files.retain(|file| !file.path.starts_with("tests/tidy"));
    for file in &files {
        for (number, line) in file.lines() {
            let mut folders = vec![folder.as_str(), "/home/", "/Users/", "C:\\Users"];
            if home.len() > 1 {
                folders.push(&home);
            }
            if let Some(found) = folders.iter().find(|folder| starts_a_path(line, folder)) {
                offences.add(&file.path, number, format!("names the folder `{found}`"));
            }
        }
    }
    offences.refuse(
        "No file names a folder of one machine.",
        "write paths from the project's folder on, or ask `CARGO_MANIFEST_DIR`.",
    );
}

#[test]
fn dependencies_come_from_the_public_registry() {
    let mut offences = Offences::default();
    let mut index: Option<String> = None;
    for file in source::all() {
        let is_manifest = file.path.ends_with("Cargo.toml");
        for (number, line) in file.lines() {
            let is_source = file.path.ends_with("Cargo.lock") && line.starts_with("source = ");
            // The registry that cargo wrote first is the one that it uses when nobody says another.
            let is_other = is_source && index.get_or_insert_with(|| line.to_owned()) != line;
            let words = [
                "registry = ",
                "registry-index",
                "git = ",
                "[source.",
                "[registries",
            ];
            if is_other || (is_manifest && words.iter().any(|word| line.contains(word))) {
                offences.add(&file.path, number, line.trim());
            }
        }
    }
    if root().join(".cargo").exists() {
        offences.add_whole(".cargo", "changes how cargo works for everybody");
    }
    offences.refuse(
        "Every dependency comes from cargo's own registry, and no file names another one.",
        "keep mirrors in your own `~/.cargo/config.toml` and write the lock file anew.",
    );
}

/// Whether the folder stands in the line as the beginning of a path, not in an address or a longer path.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before
            .is_none_or(|character| !(character.is_alphanumeric() || "./-_}~".contains(character)))
    })
}

/// The name that a line defines.
fn defined(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let before = ["pub", "pub(crate)", "pub(super)", "const", "async"];
    let first = words.find(|word| !before.contains(word))?;
    if !ITEMS.contains(&first) {
        return None;
    }
    let name = words.next()?;
    name.split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .next()
}

/// A test's name is a sentence, which may speak of anything.
fn is_test_name(name: &str) -> bool {
    name.matches('_').count() > 2
}

/// The words of a name in either case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        if character == '_' || character.is_uppercase() {
            words.push(String::new());
        }
        if character != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[test]
fn words_are_found_in_names_of_either_case() {
    assert_eq!(words("LeaseHandler"), ["", "lease", "handler"]);
    assert_eq!(words("lease_handler"), ["lease", "handler"]);
    assert_eq!(defined("    pub(crate) async fn all<R>("), Some("all"));
}

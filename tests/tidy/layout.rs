//! Where things stand: in a file, in a line, in which folder.

use crate::{offences::Offences, source};

const COLUMNS: usize = 120;
const LINES_OF_A_HEAD: usize = 6;

#[test]
fn a_file_begins_with_what_it_holds() {
    let mut offences = Offences::default();
    for file in source::rust() {
        let head = file
            .text
            .lines()
            .take_while(|line| line.starts_with("//!") || line.starts_with("#![doc"))
            .count();
        // The root of a crate shows an example.
        let most = if file.path.ends_with("/lib.rs") {
            usize::MAX
        } else {
            LINES_OF_A_HEAD
        };
        if head == 0 || head > most {
            offences.add(&file.path, 1, format!("{head} lines of `//!`"));
        }
    }
    offences.refuse(
        "A file begins with one to six lines of `//!`.",
        "say what the file holds and what it must not know; put the rest in `docs/`.",
    );
}

#[test]
fn a_line_is_not_wide() {
    let mut offences = Offences::default();
    for file in source::rust() {
        for (number, line) in file.lines() {
            let columns = line.chars().count();
            if columns > COLUMNS {
                offences.add(&file.path, number, format!("{columns} columns"));
            }
        }
    }
    offences.refuse(
        "A line has at most 120 columns.",
        "rustfmt breaks code at 100; break a text with `\\` at the end of the line, and a comment by hand.",
    );
}

#[test]
fn the_top_level_has_the_crates_the_guides_and_the_tests() {
    let folders = [
        "apocryphan",
        "docs",
        "estoult",
        "estoult-derive",
        "examples",
        "tests",
    ];
    let mut offences = Offences::default();
    for file in source::all() {
        let folder = file.path.split_once('/').map(|(folder, _)| folder);
        if folder.is_some_and(|folder| !folder.starts_with('.') && !folders.contains(&folder)) {
            offences.add_whole(&file.path, "is in another folder of the top level");
        }
    }
    offences.refuse(
        "The top level has the folders of the crates, `docs`, `examples` and `tests`.",
        "move it below one of them.",
    );
}

#[test]
fn a_text_stands_in_the_test_that_asks_for_it() {
    let mut offences = Offences::default();
    for file in source::all() {
        if file.path.starts_with("tests/") && file.path.contains(".snap") {
            offences.add_whole(&file.path, "is a text in a file of its own");
        }
    }
    offences.refuse(
        "What a test of the suite expects stands inline in it.",
        "give the assertion an inline snapshot, `@\"\"`, and run `cargo insta test --accept`.",
    );
}

#[test]
fn a_module_is_a_file_of_its_name_and_two_folders_deep_at_most() {
    let mut offences = Offences::default();
    for file in source::rust() {
        let inside = file
            .path
            .split_once("src/")
            .map_or("", |(_, inside)| inside);
        if file.path.ends_with("/mod.rs") {
            offences.add_whole(&file.path, "is named `mod.rs`");
        } else if inside.trim_end_matches("/tests.rs").matches('/').count() > 2 {
            offences.add_whole(&file.path, "lies more than two folders deep");
        }
    }
    offences.refuse(
        "A module `x` is the file `x.rs`, its parts are in `x/`, and there are at most two folders.",
        "rename the file, or move it up.",
    );
}

#[test]
fn databases_are_known_to_the_backends_only() {
    let mut offences = Offences::default();
    let named = [
        ("sqlx", "estoult/src/backend/"),
        ("rusqlite", "estoult/src/backend/"),
        ("postgres_protocol", "estoult/src/backend/"),
        ("tokio_rustls", "estoult/src/backend/"),
    ];
    let mut files = source::rust();
    // The suite asks for the driver's own connection in one place, and is another process to SQLite in another.
    let exempt = [
        "tests/benches/",
        "tests/tidy",
        "tests/suite/connection.rs",
        "tests/suite/sqlite.rs",
    ];
    files.retain(|file| !exempt.iter().any(|path| file.path.starts_with(path)));
    for file in &files {
        for (number, line) in file.bare_code() {
            for (name, home) in named {
                if !file.path.starts_with(home) && has_word(line, name) {
                    offences.add(
                        &file.path,
                        number,
                        format!("`{name}` is known in {home} only"),
                    );
                }
            }
        }
    }
    offences.refuse(
        "Only backends name a database's library, and only the pool names the pool's.",
        "go through `Backend`, `Session` or `Pool`.",
    );
}

#[test]
fn features_choose_modules_and_nothing_smaller() {
    let mut offences = Offences::default();
    for file in source::crates() {
        let lines: Vec<_> = file.bare_code().collect();
        for (at, (number, line)) in lines.iter().enumerate() {
            let is_macro = line.contains("cfg!(");
            let is_attribute = line.trim_start().starts_with("#[cfg") && !line.contains("(test)");
            let whole: String = lines[at..]
                .iter()
                .map(|(_, line)| *line)
                .take_while(|line| !is_item(line))
                .collect();
            if !(is_macro || is_attribute) || !whole.contains("feature") {
                continue;
            }
            let item = lines[at..].iter().find(|(_, line)| is_item(line));
            let is_module = item.is_some_and(|(_, line)| is_module_or_use(line));
            if is_macro || whole.starts_with("#[cfg_attr") || !is_module {
                offences.add(&file.path, *number, "is on something smaller than a module");
            }
            let database = ["\"sqlite\"", "\"postgres\"", "\"mysql\""];
            if database.iter().any(|name| whole.contains(name))
                && !file.path.ends_with("/src/backend.rs")
            {
                offences.add(
                    &file.path,
                    *number,
                    "chooses a database outside of backend.rs",
                );
            }
        }
    }
    offences.refuse(
        "`cfg(feature = …)` stands on `mod` and `use` only, a database's only in a crate's `backend.rs`.",
        "move what depends on the feature to a module of its own.",
    );
}

/// Whether the line is the item that attributes stand before.
fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let is_attribute = line.starts_with("#[") || line.starts_with(')') || line.starts_with("all(");
    !is_attribute
        && !line.starts_with("any(")
        && !line.starts_with("feature")
        && !line.starts_with("expect(")
}

fn is_module_or_use(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.find(|word| !word.starts_with("pub"));
    matches!(first, Some("mod" | "use"))
}

/// Whether the word stands in the line, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|character: char| !(character.is_alphanumeric() || character == '_'))
        .any(|part| part == word)
}

//! What documents say of files, and files of documents: the two agree.

use std::collections::BTreeSet;

use crate::{
    offences::Offences,
    source::{self, Source, file, root},
};

const LINES_OF_THE_ARCHITECTURE: usize = 150;

/// How many files a text may name before it is a list of files.
const FILES_IN_THE_ARCHITECTURE: usize = 8;

/// The tables of attributes of the derives, and the folder of `tests/ui` for each.
const TABLES: &str = "estoult-derive/src/parse/attribute.rs";

#[test]
fn the_architecture_is_short_and_no_list_of_files() {
    let mut offences = Offences::default();
    let Some(text) = file("ARCHITECTURE.md") else {
        offences.add_whole("ARCHITECTURE.md", "is missing");
        return offences.refuse(ARCHITECTURE, "write it.");
    };
    let length = text.text.lines().count();
    if length > LINES_OF_THE_ARCHITECTURE {
        let what = format!("{length} lines, at most {LINES_OF_THE_ARCHITECTURE}");
        offences.add_whole(&text.path, what);
    }
    let files: BTreeSet<String> = paths(&text)
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| path.ends_with(".rs"))
        .collect();
    if files.len() > FILES_IN_THE_ARCHITECTURE {
        let what = format!("{} files, at most {FILES_IN_THE_ARCHITECTURE}", files.len());
        offences.add_whole(&text.path, what);
    }
    offences.refuse(
        ARCHITECTURE,
        "say how data flows, what always holds and why; what a file holds stands at its top.",
    );
}

const ARCHITECTURE: &str = "ARCHITECTURE.md is about the way of a statement, and lists no files.";

#[test]
fn a_path_in_a_document_exists() {
    let mut offences = Offences::default();
    let mut documents = source::all();
    documents.retain(|document| document.path.ends_with(".md") && document.path != "CHANGELOG.md");
    for document in &documents {
        for (number, path) in paths(document) {
            if !root().join(&path).exists() {
                offences.add(&document.path, number, format!("`{path}` does not exist"));
            }
        }
    }
    offences.refuse(
        "A path that a document names exists.",
        "write it from the project's folder on, as it is now.",
    );
}

#[test]
fn every_guide_is_compiled() {
    let mut offences = Offences::default();
    let compiled = file("docs/lib.rs").map_or(String::new(), |file| file.text);
    for document in source::all() {
        let name = match document.path.strip_prefix("docs/") {
            Some(name) if name.ends_with(".md") => name,
            None if document.path == "README.md" => "README.md",
            _ => continue,
        };
        if !compiled.contains(name) {
            offences.add_whole(&document.path, "is not in docs/lib.rs");
        }
    }
    offences.refuse(
        "Every guide and the README are compiled by the documentation tests.",
        "add a line with `include_str!` to docs/lib.rs.",
    );
}

#[test]
fn every_example_is_listed_for_readers() {
    let mut offences = Offences::default();
    let Some(list) = file("examples/README.md") else {
        offences.add_whole("examples/README.md", "is missing");
        return offences.refuse(EXAMPLES, "write it, with a line for each example.");
    };
    for example in source::rust() {
        if let Some(name) = example.path.strip_prefix("examples/")
            && !name.contains('/')
            && !list.text.contains(name)
        {
            offences.add_whole(&example.path, "is not listed");
        }
    }
    offences.refuse(EXAMPLES, "write what it shows and how it is run.");
}

const EXAMPLES: &str = "Every example stands in examples/README.md.";

#[test]
fn every_attribute_has_a_program_that_fails() {
    let mut offences = Offences::default();
    let known: BTreeSet<String> = source::all()
        .into_iter()
        .filter(|file| file.path.ends_with(".stderr"))
        .filter_map(|file| {
            file.path
                .rsplit_once('/')
                .map(|(folder, _)| folder.to_owned())
        })
        .collect();
    let tables = file(TABLES).map_or(String::new(), |file| file.text);
    let attributes = attributes(&tables);
    assert!(
        attributes.len() > 20,
        "the tables of attributes are not in {TABLES}"
    );
    for (line, table, word) in attributes {
        let folder = format!("tests/ui/{table}/{word}");
        if !known.contains(&folder) {
            offences.add(
                TABLES,
                line,
                format!("`#[{table}({word})]` has no program in {folder}/"),
            );
        }
    }
    offences.refuse(
        "Every attribute of the derives has a program that must not compile, with its message.",
        "write one, named like the sentence that fails, and run the ui tests with `TRYBUILD=overwrite`.",
    );
}

/// The paths in backticks that begin with a folder of the project, with `{a,b}` written out.
fn paths(document: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in document.lines() {
        for part in line.split('`').skip(1).step_by(2) {
            let is_path = FOLDERS.iter().any(|folder| part.starts_with(folder));
            if !is_path || part.contains([' ', '<', '*']) {
                continue;
            }
            match part.split_once('{') {
                Some((before, rest)) => {
                    let (names, after) = rest.split_once('}').unwrap_or((rest, ""));
                    let names = names.split(',');
                    found.extend(
                        names.map(|name| (number, format!("{before}{}{after}", name.trim()))),
                    );
                }
                None => found.push((number, part.to_owned())),
            }
        }
    }
    found
}

const FOLDERS: [&str; 8] = [
    ".ci/",
    "apocryphan/",
    "docs/",
    "estoult/sql/",
    "estoult/src/",
    "estoult-derive/",
    "examples/",
    "tests/",
];

/// The attributes of the derives: line, table, word.
fn attributes(tables: &str) -> Vec<(usize, String, String)> {
    let mut table = "";
    let mut found = Vec::new();
    let mut is_entry = false;
    for (at, line) in tables.lines().enumerate() {
        if let Some(name) = quoted(line, "attribute: \"") {
            table = name;
        }
        is_entry |= line.contains("Entry::once(") || line.contains("Entry::repeated(");
        if is_entry && let Some(word) = quoted(line, "&[\"") {
            found.push((at + 1, table.to_owned(), word.to_owned()));
            is_entry = false;
        }
    }
    found
}

fn quoted<'l>(line: &'l str, start: &str) -> Option<&'l str> {
    line.split_once(start)?.1.split('"').next()
}

#[test]
fn braces_in_a_path_are_written_out() {
    let document = Source {
        path: "ARCHITECTURE.md".to_owned(),
        text: "- `docs/b.md`: one `a/b`\n- `tests/b/{c,d}.rs`, `x.rs`\n".to_owned(),
    };
    let found: Vec<_> = paths(&document).into_iter().map(|(_, path)| path).collect();
    assert_eq!(found, ["docs/b.md", "tests/b/c.rs", "tests/b/d.rs"]);
}

//! What documents say of files, and files of documents: the two agree.

use std::collections::BTreeSet;

use super::{
    Offences,
    source::{self, Source, file},
};

const LINES_OF_THE_ARCHITECTURE: usize = 200;

/// The tables of attributes of the derives, and the folder of `tests/ui` for each.
const TABLES: &str = "estoult-derive/src/parse/attribute.rs";

#[test]
fn the_code_map_and_the_source_files_agree() {
    let mut offences = Offences::default();
    let Some(map) = file("ARCHITECTURE.md") else {
        offences.add_whole("ARCHITECTURE.md", "is missing");
        return offences.refuse(MAP, "write it, with a line for every source file.");
    };
    let length = map.text.lines().count();
    if length > LINES_OF_THE_ARCHITECTURE {
        offences.add_whole(&map.path, format!("{length} lines, at most 200"));
    }
    let files = source::crates();
    let written: BTreeSet<&str> = files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| !path.ends_with("/tests.rs"))
        .collect();
    let mut mapped = BTreeSet::new();
    for (number, path) in paths(&map) {
        if file(&path).is_none() {
            offences.add(&map.path, number, format!("`{path}` does not exist"));
        }
        mapped.insert(path);
    }
    for path in written.iter().filter(|path| !mapped.contains(**path)) {
        offences.add_whole(path, "is not in the code map");
    }
    offences.refuse(
        MAP,
        "write a line with the path in backticks, such as `estoult/src/query.rs` or `estoult/src/query/{plan,raw}.rs`.",
    );
}

const MAP: &str = "The code map in ARCHITECTURE.md names every source file, and no other.";

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

/// The paths of Rust files in backticks, with `{a,b}` written out.
fn paths(document: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in document.lines() {
        for part in line.split('`').skip(1).step_by(2) {
            if !part.ends_with(".rs") || !part.contains('/') {
                continue;
            }
            match (part.split_once('{'), part.split_once('}')) {
                (Some((before, rest)), Some((_, after))) => {
                    let names = rest.split('}').next().unwrap_or(rest).split(',');
                    found.extend(
                        names.map(|name| (number, format!("{before}{}{after}", name.trim()))),
                    );
                }
                _ => found.push((number, part.to_owned())),
            }
        }
    }
    found
}

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
fn braces_in_the_code_map_are_written_out() {
    let map = Source {
        path: "ARCHITECTURE.md".to_owned(),
        text: "- `a/b.rs`: one\n- `a/b/{c,d}.rs`, `x.rs`\n".to_owned(),
    };
    let found: Vec<_> = paths(&map).into_iter().map(|(_, path)| path).collect();
    assert_eq!(found, ["a/b.rs", "a/b/c.rs", "a/b/d.rs"]);
}

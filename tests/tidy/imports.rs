//! Which module may use which: imports go up one list for each crate.

use super::{
    Offences,
    source::{self, Source},
};

/// The modules of a crate, each of which may use those before it.
struct Order {
    folder: &'static str,
    modules: &'static [&'static str],
    exceptions: &'static [Exception],
}

/// A file that may use a later module, and why.
struct Exception {
    file: &'static str,
    uses: &'static str,
    reason: &'static str,
}

const fn exception(file: &'static str, uses: &'static str, reason: &'static str) -> Exception {
    Exception { file, uses, reason }
}

const VERB: &str = "a verb is a method of its noun and one call of a stage in `database/`";
const ADDRESS: &str = "settings and address of a database are written by users next to `Database`";

const ORDERS: [Order; 3] = [
    Order {
        folder: "estoult/src/",
        modules: &[
            "error",
            "context",
            "blocking",
            "value",
            "row",
            "backend",
            "schema",
            "expr",
            "query",
            "changeset",
            "database",
            "registry",
            "bridge",
        ],
        exceptions: &[
            exception(
                "error.rs",
                "changeset",
                "an error of the kind `Invalid` holds its fields' errors",
            ),
            exception(
                "context.rs",
                "registry",
                "a scope may put another registry in the place of the process's",
            ),
            exception("backend.rs", "database", ADDRESS),
            exception("backend/sqlite.rs", "database", ADDRESS),
            exception("backend/sqlite/schemas.rs", "database", ADDRESS),
            exception("backend/postgres.rs", "database", ADDRESS),
            exception("backend/mysql.rs", "database", ADDRESS),
            exception("backend/absent_sqlite.rs", "database", ADDRESS),
            exception("backend/absent_postgres.rs", "database", ADDRESS),
            exception("backend/absent_mysql.rs", "database", ADDRESS),
            exception("backend/server_url.rs", "database", ADDRESS),
            exception("backend/absent_server_url.rs", "database", ADDRESS),
            exception("schema.rs", "query", "`Book::query()` begins a query"),
            exception(
                "schema.rs",
                "changeset",
                "`Book::changeset()` begins a changeset",
            ),
            exception("schema.rs", "database", VERB),
            exception(
                "schema/association.rs",
                "expr",
                "a preload is filtered and ordered",
            ),
            exception(
                "schema/association.rs",
                "query",
                "a preload is a query of the other schema",
            ),
            exception(
                "schema/table.rs",
                "expr",
                "`Selected` keeps columns as nodes",
            ),
            exception("query.rs", "database", VERB),
            exception("query/raw.rs", "database", VERB),
            exception(
                "query/plan.rs",
                "database",
                "a preload runs further statements on the lease",
            ),
            exception("changeset.rs", "database", VERB),
            exception("changeset/new.rs", "database", VERB),
            exception(
                "database/executor.rs",
                "registry",
                "what statements run on is listed in one place, in errors too",
            ),
            exception(
                "database/read_only.rs",
                "registry",
                "`ReadOnlyDatabase::connect` gives a lifespan",
            ),
            exception(
                "database/tenanted.rs",
                "registry",
                "a registry is bound to a tenant as a database is",
            ),
            exception(
                "database.rs",
                "registry",
                "`Database::connect` gives a lifespan",
            ),
            exception(
                "registry/lifespan.rs",
                "bridge",
                "the subloop ends with the last lifespan",
            ),
        ],
    },
    Order {
        folder: "estoult-derive/src/",
        modules: &["errors", "naming", "model", "parse", "check", "expand"],
        exceptions: &[],
    },
    Order {
        folder: "apocryphan/src/",
        modules: &["backend", "pool", "rider", "cli", "shell", "program"],
        exceptions: &[],
    },
];

#[test]
fn imports_go_up() {
    let mut offences = Offences::default();
    let files = source::crates();
    for order in &ORDERS {
        let mut used = Vec::new();
        for file in &files {
            if let Some(path) = file.path.strip_prefix(order.folder) {
                check(order, file, path, &mut used, &mut offences);
            }
        }
        for exception in order.exceptions {
            if !used.contains(&(exception.file, exception.uses)) {
                let (file, module) = (exception.file, exception.uses);
                let what = format!(
                    "no longer uses `{module}` ({}): remove the exception",
                    exception.reason
                );
                offences.add_whole(&format!("{}{file}", order.folder), what);
            }
        }
    }
    offences.refuse(
        "A module uses only those before it in its crate's list, which is in tests/tidy/imports.rs.",
        "move what is used to the earlier module, or pass it in; an exception needs a reason in the list.",
    );
}

#[test]
fn every_module_has_a_place_in_the_order() {
    let mut offences = Offences::default();
    for file in source::crates() {
        for order in &ORDERS {
            let Some(path) = file.path.strip_prefix(order.folder) else {
                continue;
            };
            let module = module(path);
            if !order.modules.contains(&module) && !["lib", "bin", "main"].contains(&module) {
                offences.add_whole(&file.path, "is in no list");
            }
        }
    }
    offences.refuse(
        "Every module of a crate stands in the list of its order.",
        "write it in tests/tidy/imports.rs, behind all that it uses.",
    );
}

#[test]
fn a_crate_is_imported_by_one_use_and_std_first() {
    let mut offences = Offences::default();
    let mut files = source::rust();
    files.retain(|file| !file.path.starts_with("benches/"));
    for file in &files {
        let mut seen: Vec<&str> = Vec::new();
        let mut last = 0;
        for (number, root) in private_uses(file) {
            let rank = match root {
                "std" => 0,
                "crate" | "self" | "super" => 2,
                _ => 1,
            };
            if seen.contains(&root) {
                offences.add(&file.path, number, format!("a second `use` of `{root}`"));
            } else if rank < last {
                offences.add(&file.path, number, format!("`{root}` stands too late"));
            }
            last = rank.max(last);
            seen.push(root);
        }
    }
    offences.refuse(
        "There is one `use` a crate: std, then other crates, then the crate itself.",
        "join them with braces and put them in this order.",
    );
}

fn check<'a>(
    order: &Order,
    file: &Source,
    path: &str,
    used: &mut Vec<(&'a str, &'a str)>,
    offences: &mut Offences,
) where
    Order: 'a,
{
    let place = |module: &str| order.modules.iter().position(|known| *known == module);
    let Some(own) = place(module(path)) else {
        return;
    };
    for (number, name) in crate_modules(file) {
        if place(&name).is_none_or(|other| other <= own) {
            continue;
        }
        let mut exceptions = order.exceptions.iter();
        match exceptions.find(|known| known.file == path && known.uses == name) {
            Some(known) => used.push((known.file, known.uses)),
            None => offences.add(&file.path, number, format!("uses the later `{name}`")),
        }
    }
}

/// The module of a crate that a file belongs to.
fn module(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or(path)
}

/// The modules that a file names behind `crate::`, also inside of braces.
fn crate_modules(file: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for (number, line) in file.bare_code() {
        if depth == 0
            && let Some((_, list)) = line.split_once("use crate::{")
        {
            depth = 1;
            depth = scan(list, depth, number, &mut found);
            continue;
        }
        if depth > 0 {
            depth = scan(line, depth, number, &mut found);
            continue;
        }
        for part in line.split("crate::").skip(1) {
            found.push((number, first_word(part)));
        }
    }
    found
}

/// Reads a part of `{a::b, c::{d, e}}` and gives how deep it ends; names at depth one are modules.
fn scan(text: &str, mut depth: usize, number: usize, found: &mut Vec<(usize, String)>) -> usize {
    let mut is_start = true;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' => is_start = true,
            letter if letter.is_alphabetic() && is_start => {
                if depth == 1 {
                    found.push((number, first_word(&text[at..])));
                }
                is_start = false;
            }
            _ => {}
        }
    }
    depth
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

/// The crates of the private `use` lines at the top level, without those that depend on a feature.
fn private_uses(file: &Source) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut before = "";
    for (number, line) in file.bare_code() {
        if let Some(rest) = line.strip_prefix("use ")
            && !before.starts_with("#[cfg")
        {
            let root = rest.split([':', ';', ' ']).next().unwrap_or(rest);
            found.push((number, root));
        }
        before = line;
    }
    found
}

#[test]
fn modules_are_found_in_nested_imports() {
    let text = "use crate::{\n    a::{b, c},\n    d, e::f,\n};\nfn g() -> crate::h::I {}\n";
    let file = Source {
        path: "estoult/src/x.rs".to_owned(),
        text: text.to_owned(),
    };
    let names: Vec<_> = crate_modules(&file)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names, ["a", "d", "e", "h"]);
}

//! How large files, functions and crates are, and how much of them is comments or written twice.
//!
//! `cargo test -p estoult-tidy sizes -- --nocapture` prints the figures.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use syn::{
    ItemUse, Signature, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::{
    offences::Offences,
    source::{self, Source, is_code},
};

/// The most lines of a file: of any, and of nine files in ten.
const LINES_OF_A_FILE: (usize, usize) = (500, 300);

/// The most lines of a function: of any, and of 99 in 100.
const LINES_OF_A_FUNCTION: (usize, usize) = (60, 45);

const PARAMETERS: usize = 5;

/// How many names a user sees at the root of estoult, beside its modules.
const ROOT_NAMES: usize = 60;

/// How many lines in a thousand are comments that are no documentation, in all crates together and in each.
const COMMENTS: (usize, usize) = (20, 40);
const COMMENTS_OF_A_CRATE: (usize, usize) = (10, 50);

/// A crate with fewer lines may need no comment.
const LINES_OF_A_SMALL_CRATE: usize = 500;

/// How many lines in a thousand may stand in blocks that are written twice, and from how many lines on a block counts.
const REPEATED: usize = 30;
const LINES_OF_A_BLOCK: usize = 6;

#[test]
fn a_file_is_not_long() {
    let mut offences = Offences::default();
    let mut lengths = Vec::new();
    for file in source::rust() {
        let lines = if file.path.ends_with("/tests.rs") {
            0
        } else {
            file.code().count()
        };
        if lines > LINES_OF_A_FILE.0 {
            offences.add_whole(&file.path, format!("{lines} lines"));
        }
        if file.is_library() {
            lengths.push(lines);
        }
    }
    let usual = percentile(&mut lengths, 90);
    println!(
        "files of libraries: 9 of 10 have at most {usual} lines, all {:?}",
        lengths.last()
    );
    if usual > LINES_OF_A_FILE.1 {
        offences.add_whole("9 files in 10", format!("{usual} lines"));
    }
    offences.refuse(
        "A file has at most 500 lines, and nine in ten have 300; documentation and tests are not counted.",
        "find the second concept in it and give that a file of its own.",
    );
}

#[test]
fn a_function_is_not_long() {
    let mut offences = Offences::default();
    let mut lengths = Vec::new();
    for file in source::rust() {
        for (line, name, length) in functions(&file) {
            if length > LINES_OF_A_FUNCTION.0 {
                offences.add(&file.path, line, format!("`{name}` has {length} lines"));
            }
            if file.is_library() {
                lengths.push(length);
            }
        }
    }
    let usual = percentile(&mut lengths, 99);
    println!(
        "functions of libraries: 99 of 100 have at most {usual} lines, all {:?}",
        lengths.last()
    );
    if usual > LINES_OF_A_FUNCTION.1 {
        offences.add_whole("99 functions in 100", format!("{usual} lines"));
    }
    offences.refuse(
        "A function has at most 60 lines of code, and 99 in 100 have 45.",
        "name its stages and let the function be their list.",
    );
}

#[test]
fn a_function_has_few_parameters() {
    let mut offences = Offences::default();
    for file in libraries() {
        let mut signatures = Signatures::default();
        signatures.visit_file(&syn::parse_file(&file.text).unwrap());
        for (line, name, parameters) in signatures.0 {
            if parameters > PARAMETERS {
                offences.add(
                    &file.path,
                    line,
                    format!("`{name}` has {parameters} parameters"),
                );
            }
        }
    }
    offences.refuse(
        "A function has at most five parameters.",
        "those that go together are a type.",
    );
}

#[test]
fn the_root_of_estoult_is_what_is_used_daily() {
    let mut offences = Offences::default();
    let path = "estoult/src/lib.rs";
    let text = source::file(path).map_or(String::new(), |file| file.text);
    let root = syn::parse_file(&text).unwrap();
    let mut names = BTreeSet::new();
    for item in &root.items {
        if let syn::Item::Use(item) = item
            && is_shown(item)
        {
            leaves(&item.tree, &mut names);
        }
    }
    println!("the root of estoult: {} names", names.len());
    if names.len() > ROOT_NAMES {
        let names: Vec<String> = names.into_iter().collect();
        offences.add_whole(path, format!("{} names: {}", names.len(), names.join(", ")));
    }
    offences.refuse(
        "At most 60 names stand at the root of estoult, beside its modules.",
        "leave there what a program uses every day; the rest belongs to a public module.",
    );
}

#[test]
fn comments_say_why_where_a_reader_would_stop() {
    let mut offences = Offences::default();
    let (mut all_code, mut all_comments) = (0, 0);
    for (name, files) in crates() {
        let code: usize = files.iter().map(|file| file.code().count()).sum();
        let comments: usize = files.iter().map(comments).sum();
        let share = comments * 1000 / (code + comments).max(1);
        println!(
            "{name}: {code} lines of code, {comments} of comments, {} %",
            tenths(share)
        );
        let is_few = share < COMMENTS_OF_A_CRATE.0 && code >= LINES_OF_A_SMALL_CRATE;
        if is_few || share > COMMENTS_OF_A_CRATE.1 {
            offences.add_whole(
                &name,
                format!("{} % of its lines are comments", tenths(share)),
            );
        }
        all_code += code;
        all_comments += comments;
    }
    let share = all_comments * 1000 / (all_code + all_comments).max(1);
    if !(COMMENTS.0..=COMMENTS.1).contains(&share) {
        let share = format!("{} % of all lines are comments", tenths(share));
        offences.add_whole("all crates", share);
    }
    offences.refuse(
        "Comments, documentation apart, are two to four lines in a hundred of all crates, one to five of each.",
        "say why where a reader would stop: each state of a protocol; leave out what the code says.",
    );
}

#[test]
fn nothing_is_written_twice() {
    let mut offences = Offences::default();
    for (name, files) in crates() {
        let codes: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), body(file)))
            .collect();
        let (lines, blocks) = repeated(&codes);
        let code: usize = codes.iter().map(|(_, code)| code.len()).sum();
        let share = lines * 1000 / code.max(1);
        println!(
            "{name}: {lines} of {code} lines stand in repeated blocks, {} %",
            tenths(share)
        );
        if share > REPEATED {
            offences.add_whole(
                &name,
                format!(
                    "{} % is repeated:\n      {}",
                    tenths(share),
                    blocks.join("\n      ")
                ),
            );
        }
    }
    offences.refuse(
        "At most three lines in a hundred stand in blocks of six that are written more than once.",
        "make a function of the block, in the module below both places.",
    );
}

/// The percentile of the values, which it sorts: 90 gives the value that 90 % of them do not exceed.
fn percentile(values: &mut [usize], percent: usize) -> usize {
    values.sort_unstable();
    let at = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(at).copied().unwrap_or(0)
}

fn tenths(share: usize) -> String {
    format!("{}.{}", share / 10, share % 10)
}

fn libraries() -> Vec<Source> {
    let mut files = source::rust();
    files.retain(Source::is_library);
    files
}

/// The files of each crate that is published.
fn crates() -> BTreeMap<String, Vec<Source>> {
    let mut crates = BTreeMap::new();
    for file in libraries() {
        let name = file
            .path
            .split_once("/src/")
            .map_or(String::new(), |(name, _)| name.to_owned());
        crates.entry(name).or_insert_with(Vec::new).push(file);
    }
    crates
}

/// How many lines are comments, neither documentation nor behind code.
fn comments(file: &Source) -> usize {
    file.compiled()
        .filter(|(_, line)| {
            let line = line.trim_start();
            let is_documentation = line.starts_with("///") || line.starts_with("//!");
            line.starts_with("//")
                && !is_documentation
                && line.contains(|letter: char| letter.is_alphabetic())
        })
        .count()
}

/// How many lines stand in blocks that are written more than once, and where such blocks begin.
fn repeated(codes: &[(&str, Vec<(usize, &str)>)]) -> (usize, Vec<String>) {
    let mut places: BTreeMap<Vec<&str>, Vec<(usize, usize)>> = BTreeMap::new();
    for (file, (_, code)) in codes.iter().enumerate() {
        for (at, block) in code.windows(LINES_OF_A_BLOCK).enumerate() {
            let text = block.iter().map(|(_, line)| *line).collect();
            places.entry(text).or_default().push((file, at));
        }
    }
    let mut others = BTreeMap::new();
    for places in places.values().filter(|places| places.len() > 1) {
        for (n, (file, at)) in places.iter().enumerate() {
            let other = places[usize::from(n == 0)];
            for at in *at..at + LINES_OF_A_BLOCK {
                others.entry((*file, at)).or_insert(other);
            }
        }
    }
    let name = |(file, at): (usize, usize)| format!("{}:{}", codes[file].0, codes[file].1[at].0);
    let begins = |(file, at): &(usize, usize)| *at == 0 || !others.contains_key(&(*file, at - 1));
    let blocks = others
        .iter()
        .filter(|(place, _)| begins(place))
        .map(|(place, other)| format!("{} as {}", name(*place), name(*other)))
        .collect();
    (others.len(), blocks)
}

/// The lines of a file that say something, without the imports, whose order is not chosen.
fn body(file: &Source) -> Vec<(usize, &str)> {
    let mut is_import = false;
    file.bare_code()
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| {
            let begins = line.starts_with("use ") || line.starts_with("pub use ");
            let is_inside = is_import || begins;
            is_import = is_inside && !line.ends_with(';');
            !is_inside && line.contains(char::is_alphanumeric)
        })
        .collect()
}

/// The functions of a file: line, name, and how many lines of code they have.
fn functions(file: &Source) -> Vec<(usize, String, usize)> {
    let lines: Vec<_> = file.lines().collect();
    let mut found = Vec::new();
    for (at, (number, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let rest = lines[at..].iter().map(|(_, line)| *line);
        let has_body = rest
            .clone()
            .find(|line| line.ends_with(['{', ';', '}']))
            .is_some_and(|line| line.ends_with('{'));
        if has_body {
            let body = rest.skip(1).take_while(|line| *line != end);
            found.push((
                *number,
                name.to_owned(),
                body.filter(|line| is_code(line)).count() + 2,
            ));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let words_before = ["pub", "pub(crate)", "pub(super)", "const", "async"];
    let first = words.find(|word| !words_before.contains(word))?;
    if first != "fn" {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

/// Line, name and number of parameters of each function.
#[derive(Default)]
struct Signatures(Vec<(usize, String, usize)>);

impl<'ast> Visit<'ast> for Signatures {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // The trait decides about the signatures of its methods, and may be another crate's.
        if item.trait_.is_none() {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        let line = signature.ident.span().start().line;
        let found = (line, signature.ident.to_string(), signature.inputs.len());
        self.0.push(found);
        visit::visit_signature(self, signature);
    }
}

/// Whether users see what the item re-exports.
fn is_shown(item: &ItemUse) -> bool {
    let is_hidden = |tokens: TokenStream| tokens.to_string() == "hidden";
    let hidden = item.attrs.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && attribute.parse_args::<TokenStream>().is_ok_and(is_hidden)
    });
    matches!(item.vis, Visibility::Public(_)) && !hidden
}

/// The names that a `use` brings.
fn leaves(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Name(name) => {
            names.insert(name.ident.to_string());
        }
        UseTree::Rename(name) => {
            names.insert(name.rename.to_string());
        }
        UseTree::Glob(_) => {
            names.insert("*".to_owned());
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
    }
}

#[test]
fn a_block_that_is_written_twice_is_counted_in_both_places() {
    let block: Vec<(usize, &str)> = (1..).zip(["a", "b", "c", "d", "e", "f"]).collect();
    let mut longer = vec![(1, "x")];
    longer.extend((2..).zip(["a", "b", "c", "d", "e", "f", "g"]));
    let codes = [("one.rs", block), ("other.rs", longer)];
    let (lines, blocks) = repeated(&codes);
    assert_eq!(lines, 12);
    assert_eq!(blocks, ["one.rs:1 as other.rs:2", "other.rs:2 as one.rs:1"]);
}

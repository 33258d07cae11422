//! The suite has a file for each topic of verbs, and calls each verb there.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Signature, TraitItemFn, Visibility,
    visit::{self, Visit},
};

use crate::{
    offences::Offences,
    source::{self, Source},
};

const VERBS: &str = "estoult/src/verbs/";

#[test]
fn every_verb_has_its_file_in_the_suite() {
    let mut offences = Offences::default();
    let files = source::rust();
    let mut count = 0;
    for file in &files {
        let Some(topic) = file.path.strip_prefix(VERBS) else {
            continue;
        };
        let topic = topic.split(['/', '.']).next().unwrap_or(topic);
        for (line, verb) in verbs(file) {
            count += 1;
            if !is_called(&files, topic, &verb) {
                let what = format!(
                    "`{verb}` is called neither in tests/suite/{topic} nor in tests/suite/{verb}"
                );
                offences.add(&file.path, line, what);
            }
        }
    }
    assert!(count > 10, "the verbs are not in {VERBS}");
    offences.refuse(
        "Every verb is called in the suite, in the file of its topic or in one of its own.",
        "write tests whose names are what the verb does, on every backend.",
    );
}

/// Whether a file of the suite with one of these names, or a part of it, calls the verb.
fn is_called(files: &[Source], topic: &str, verb: &str) -> bool {
    let homes = [topic, verb].map(|name| format!("tests/suite/{name}"));
    let mut own = files.iter().filter(|file| {
        homes.iter().any(|home| {
            file.path
                .strip_prefix(home.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        })
    });
    own.any(|file| calls(file.text.parse().unwrap(), verb))
}

/// Whether the tokens call a function of this name; those of comments and strings are none.
fn calls(tokens: TokenStream, verb: &str) -> bool {
    let trees: Vec<_> = tokens.into_iter().collect();
    trees.iter().enumerate().any(|(at, tree)| match tree {
        TokenTree::Group(group) => calls(group.stream(), verb),
        TokenTree::Ident(name) => name == verb && is_call(trees.get(at + 1)),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Whether this follows the name of a function that is called: `(…)`, or the types of `::<…>`.
fn is_call(after: Option<&TokenTree>) -> bool {
    match after {
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
        Some(TokenTree::Punct(mark)) => mark.as_char() == ':',
        _ => false,
    }
}

/// The verbs of a file: public functions that return a future, with their lines.
fn verbs(file: &Source) -> Vec<(usize, String)> {
    let mut verbs = Verbs::default();
    verbs.visit_file(&syn::parse_file(&file.text).unwrap());
    verbs.0
}

#[derive(Default)]
struct Verbs(Vec<(usize, String)>);

impl Verbs {
    fn add(&mut self, visibility: &Visibility, signature: &Signature) {
        let is_public = matches!(visibility, Visibility::Public(_));
        if is_public && is_future(signature) {
            let line = signature.ident.span().start().line;
            self.0.push((line, signature.ident.to_string()));
        }
    }
}

impl<'ast> Visit<'ast> for Verbs {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.vis, &item.sig);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.vis, &item.sig);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if matches!(item.vis, Visibility::Public(_)) {
            visit::visit_item_trait(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if is_future(&item.sig) {
            let line = item.sig.ident.span().start().line;
            self.0.push((line, item.sig.ident.to_string()));
        }
    }
}

fn is_future(signature: &Signature) -> bool {
    let output = signature.output.to_token_stream().to_string();
    signature.asyncness.is_some() || output.contains("Future")
}

#[test]
fn verbs_are_public_and_give_a_future() {
    let file = Source {
        path: String::new(),
        text: "impl A { pub fn all(&self) -> impl Future<Output = u8> {} pub fn sql() -> u8 {} fn own() {} }\n\
               pub trait B { fn get() -> impl Future<Output = u8>; fn key() -> u8; }\n"
            .to_owned(),
    };
    let names: Vec<String> = verbs(&file).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["all", "get"]);
}

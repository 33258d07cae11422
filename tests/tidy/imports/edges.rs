//! Which file uses which: an edge for each file that a path leads to, found in imports and in the tokens of the code.
//!
//! Invariant: an edge ends at the file that defines what is named, however many re-exports lead there.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::tree::{Target, Tree, Use, asks_for_tests, plain};

/// What a file names of another, each path with the first line that it stands in.
pub(crate) type Uses = BTreeMap<String, usize>;

/// The edges of a crate by the indices of the files that they lead from and to.
pub(crate) type Edges = BTreeMap<(usize, usize), Uses>;

/// Collects all edges of a crate.
pub(crate) fn edges(tree: &Tree) -> Edges {
    let mut edges = Edges::new();
    for module in 0..tree.modules.len() {
        let mut scan = Scan {
            tree,
            module,
            edges: &mut edges,
        };
        for import in &tree.modules[module].uses {
            scan.import(import);
        }
        for body in &tree.modules[module].bodies {
            scan.tokens(body.clone());
        }
    }
    edges
}

struct Scan<'s> {
    tree: &'s Tree,
    module: usize,
    edges: &'s mut Edges,
}

impl Scan<'_> {
    fn import(&mut self, import: &Use) {
        let targets = self.tree.resolve(self.module, &import.path);
        // What is used behind a module's name is an edge, the import of the module is none; nor is it one of a
        // function with the same name.
        let is_module = targets
            .iter()
            .any(|target| matches!(target, Target::Module(_)));
        if is_module && !import.is_glob {
            return;
        }
        for target in targets {
            let file = self.file(target);
            if !(import.is_public && self.is_passed_on(file)) {
                self.add(file, import.line, &import.path);
            }
        }
    }

    fn file(&self, target: Target) -> usize {
        match target {
            Target::Module(module) => self.tree.modules[module].file,
            Target::Type(file) | Target::Value(file) => file,
        }
    }

    /// Whether a re-export of something of this file makes no edge: it is of the module's own parts, or in the root.
    fn is_passed_on(&self, file: usize) -> bool {
        let own = self.tree.modules[self.module].file;
        let root = self.tree.modules[0].file;
        let mut owners = (0..self.tree.modules.len())
            .filter(|module| self.tree.modules[*module].file == file)
            .flat_map(|module| self.tree.ancestors(module));
        own == root || owners.any(|ancestor| ancestor == self.module)
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Group(group) if is_of_tests(&tokens, at, group) => {
                    end_of_item(&tokens, at + 1)
                }
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    at + 1
                }
                TokenTree::Ident(ident) if ident == "pub" && is_group(tokens.get(at + 1)) => at + 2,
                TokenTree::Ident(ident) if !is_part(&tokens, at) => {
                    self.path(&tokens, at, ident, &[])
                }
                _ => at + 1,
            };
        }
    }

    /// Reads a path behind a prefix and gives where it ends.
    fn path(
        &mut self,
        tokens: &[TokenTree],
        mut at: usize,
        first: &Ident,
        prefix: &[String],
    ) -> usize {
        let line = first.span().start().line;
        let mut path = prefix.to_vec();
        path.push(plain(first));
        at += 1;
        while is_separator(tokens, at) {
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(ident)) => {
                    path.push(plain(ident));
                    at += 3;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.braces(group, &path);
                    return at + 3;
                }
                _ => break,
            }
        }
        if path.last().is_some_and(|name| name == "self") && path.len() > 1 {
            path.pop();
        }
        match path.as_slice() {
            [name] => self.bare(tokens.get(at), name, line),
            _ => self.inline(&path, line),
        }
        at
    }

    /// The parts of `path::{…}`.
    fn braces(&mut self, group: &Group, prefix: &[String]) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Ident(ident) if !is_part(&tokens, at) => {
                    self.path(&tokens, at, ident, prefix)
                }
                _ => at + 1,
            };
        }
    }

    fn inline(&mut self, path: &[String], line: usize) {
        for target in self.tree.resolve(self.module, path) {
            self.add(self.file(target), line, path);
        }
    }

    /// A name alone: its import is the edge, unless the import is a re-export, which is none.
    fn bare(&mut self, next: Option<&TokenTree>, name: &str, line: usize) {
        let is_called = match next {
            Some(TokenTree::Punct(punct)) => punct.as_char() == '!',
            Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
            _ => false,
        };
        let is_type = name.starts_with(char::is_uppercase);
        let is_macro = matches!(next, Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
        let uses = &self.tree.modules[self.module].uses;
        let is_passed_on = uses
            .iter()
            .any(|import| import.is_public && import.alias == name);
        if is_passed_on && (is_type || is_called) {
            self.inline(&[name.to_owned()], line);
        } else if is_macro {
            // A macro without a path is in scope in the modules below the one that defines it.
            let modules: Vec<usize> = self.tree.ancestors(self.module).collect();
            for module in modules {
                for target in self.tree.resolve(module, &[name.to_owned()]) {
                    if let Target::Value(file) = target {
                        self.add(file, line, &[format!("{name}!")]);
                        return;
                    }
                }
            }
        }
    }

    fn add(&mut self, file: usize, line: usize, path: &[String]) {
        let own = self.tree.modules[self.module].file;
        if own == file {
            return;
        }
        let uses = self.edges.entry((own, file)).or_default();
        let first = uses.entry(path.join("::")).or_insert(line);
        *first = line.min(*first);
    }
}

/// Whether the group is the `[cfg(test)]` of an attribute.
fn is_of_tests(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    if !is_punct(before(tokens, at, 1), '#') || group.delimiter() != Delimiter::Bracket {
        return false;
    }
    let mut inside = group.stream().into_iter();
    match (inside.next(), inside.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(condition))) => {
            name == "cfg" && asks_for_tests(condition.stream())
        }
        _ => false,
    }
}

/// Where the item that begins here ends.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let end = tokens[from..].iter().position(|token| match token {
        TokenTree::Punct(punct) => [';', ','].contains(&punct.as_char()),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    end.map_or(tokens.len(), |end| from + end + 1)
}

/// Whether the identifier does not begin a path: a part of one, a field, a method, a lifetime, a macro's variable.
fn is_part(tokens: &[TokenTree], at: usize) -> bool {
    let last = before(tokens, at, 1);
    let is_range = is_punct(last, '.') && is_punct(before(tokens, at, 2), '.');
    let is_crate = matches!(&tokens[at], TokenTree::Ident(ident) if ident == "crate");
    is_separator(tokens, at.saturating_sub(2)) && at > 1
        || is_punct(last, '\'')
        || is_punct(last, '#')
        || is_punct(last, '.') && !is_range
        || is_punct(last, '$') && !is_crate
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_group(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
}

fn before(tokens: &[TokenTree], at: usize, steps: usize) -> Option<&TokenTree> {
    tokens.get(at.checked_sub(steps)?)
}

//! The modules of a crate, read from its sources: which file each is in, and where each name in it comes from.
//!
//! Invariant: modules and items that only tests compile are left out.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Expr, Item, ItemMacro, ItemMod, ItemUse, Lit, Meta, UseTree, Visibility};

/// A crate as its modules; the first one is the root.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<String>,
    pub(crate) modules: Vec<Module>,
    /// Modules whose file is missing, and files that are no Rust.
    pub(crate) problems: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) parent: Option<usize>,
    /// An index of [`Tree::files`]; a module in braces shares the file of its parent.
    pub(crate) file: usize,
    pub(crate) uses: Vec<Use>,
    /// The tokens of all items but modules and imports.
    pub(crate) bodies: Vec<TokenStream>,
    names: BTreeMap<String, Vec<Name>>,
    globs: Vec<Vec<String>>,
}

/// One name of a `use` item.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) path: Vec<String>,
    pub(crate) alias: String,
    pub(crate) line: usize,
    pub(crate) is_public: bool,
    pub(crate) is_glob: bool,
}

#[derive(Debug, Clone)]
enum Name {
    Module(usize),
    /// A type or a trait, defined in the file with this index.
    Type(usize),
    /// A function, a constant or a macro, behind whose name no path goes on.
    Value(usize),
    Import(Vec<String>),
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Module(usize),
    /// A type or a trait of the file with this index.
    Type(usize),
    /// A function, a constant or a macro of that file.
    Value(usize),
}

/// The folder in which the files of a module's children are.
#[derive(Clone, Copy)]
struct Place<'p> {
    module: usize,
    folder: &'p str,
    /// Where the file itself is, which `#[path]` starts from.
    beside: &'p str,
}

impl Tree {
    /// Reads the crate whose root is `root`, of the texts of its files by path.
    pub(crate) fn read(root: &str, texts: &BTreeMap<String, String>) -> Self {
        let mut tree = Self::default();
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        tree.add_file(root, None, folder, texts);
        tree
    }

    /// What a path means in a module; several things where `cfg` chooses between them.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> BTreeSet<Target> {
        self.follow(module, path, &mut Vec::new())
    }

    /// The modules from this one to the root.
    pub(crate) fn ancestors(&self, module: usize) -> impl Iterator<Item = usize> {
        let mut next = Some(module);
        std::iter::from_fn(move || {
            let module = next?;
            next = self.modules.get(module).and_then(|module| module.parent);
            Some(module)
        })
    }

    fn follow(
        &self,
        module: usize,
        path: &[String],
        visited: &mut Vec<(usize, String)>,
    ) -> BTreeSet<Target> {
        let Some((first, mut rest)) = path.split_first() else {
            return BTreeSet::from([Target::Module(module)]);
        };
        let mut found = match first.as_str() {
            "crate" => BTreeSet::from([Target::Module(0)]),
            "self" => BTreeSet::from([Target::Module(module)]),
            "super" => BTreeSet::from([Target::Module(self.modules[module].parent.unwrap_or(0))]),
            name => self.look_up(module, name, visited),
        };
        while let Some((name, after)) = rest.split_first() {
            let mut next = BTreeSet::new();
            for target in found {
                next.extend(match target {
                    Target::Module(module) => self.step(module, name, visited),
                    Target::Type(_) => BTreeSet::from([target]),
                    Target::Value(_) => BTreeSet::new(),
                });
            }
            found = next;
            rest = after;
        }
        found
    }

    /// A name behind `module::`; one that is not found was made by a macro in the module's file.
    fn step(
        &self,
        module: usize,
        name: &str,
        visited: &mut Vec<(usize, String)>,
    ) -> BTreeSet<Target> {
        if name == "super" {
            return BTreeSet::from([Target::Module(self.modules[module].parent.unwrap_or(0))]);
        }
        let is_visited = visited.contains(&(module, name.to_owned()));
        let found = self.look_up(module, name, visited);
        if found.is_empty() && !is_visited {
            return BTreeSet::from([Target::Type(self.modules[module].file)]);
        }
        found
    }

    fn look_up(
        &self,
        module: usize,
        name: &str,
        visited: &mut Vec<(usize, String)>,
    ) -> BTreeSet<Target> {
        let step = (module, name.to_owned());
        if visited.contains(&step) {
            return BTreeSet::new();
        }
        visited.push(step);
        let (mut found, mut imported) = (BTreeSet::new(), BTreeSet::new());
        for known in self.modules[module].names.get(name).into_iter().flatten() {
            match known {
                Name::Module(module) => found.extend([Target::Module(*module)]),
                Name::Type(file) => found.extend([Target::Type(*file)]),
                Name::Value(file) => found.extend([Target::Value(*file)]),
                Name::Import(path) => imported.extend(self.follow(module, path, visited)),
            }
        }
        // A module of this name hides one that an import of a function would bring along.
        let is_module = |target: &Target| matches!(target, Target::Module(_));
        if found.iter().any(is_module) {
            imported.retain(|target| !is_module(target));
        }
        found.append(&mut imported);
        if found.is_empty() {
            for glob in &self.modules[module].globs {
                for target in self.follow(module, glob, visited) {
                    if let Target::Module(module) = target {
                        found.extend(self.look_up(module, name, visited));
                    }
                }
            }
        }
        visited.pop();
        found
    }

    fn add_file(
        &mut self,
        path: &str,
        parent: Option<usize>,
        folder: &str,
        texts: &BTreeMap<String, String>,
    ) -> Option<usize> {
        let Some(text) = texts.get(path) else {
            self.problems.push(format!("{path}: is missing"));
            return None;
        };
        let items = match syn::parse_file(text) {
            Ok(file) if !is_of_tests(&file.attrs) => file.items,
            Ok(_) => return None,
            Err(error) => {
                self.problems.push(format!("{path}: {error}"));
                return None;
            }
        };
        let file = self.files.len();
        self.files.push(path.to_owned());
        let module = self.add_module(parent, file);
        let place = Place {
            module,
            folder,
            beside: path.rsplit_once('/').map_or("", |(folder, _)| folder),
        };
        self.add_items(items, place, texts);
        Some(module)
    }

    fn add_module(&mut self, parent: Option<usize>, file: usize) -> usize {
        self.modules.push(Module {
            parent,
            file,
            uses: Vec::new(),
            bodies: Vec::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
        });
        self.modules.len() - 1
    }

    fn add_items(&mut self, items: Vec<Item>, place: Place<'_>, texts: &BTreeMap<String, String>) {
        for item in items {
            match item {
                Item::Mod(item) if !is_of_tests(&item.attrs) => self.add_child(item, place, texts),
                Item::Use(item) if !is_of_tests(&item.attrs) => self.add_use(place.module, &item),
                Item::Mod(_) | Item::Use(_) => {}
                Item::Macro(item) => self.add_macro(place.module, item),
                item => {
                    let name = defined(&item, self.modules[place.module].file);
                    // The attributes tell the scan of paths whether the item is of tests.
                    self.modules[place.module]
                        .bodies
                        .push(item.into_token_stream());
                    if let Some((name, known)) = name {
                        self.add_name(place.module, name, known);
                    }
                }
            }
        }
    }

    fn add_child(&mut self, item: ItemMod, place: Place<'_>, texts: &BTreeMap<String, String>) {
        let name = plain(&item.ident);
        let beneath = joined(place.folder, &name);
        let child = if let Some((_, items)) = item.content {
            let child = self.add_module(Some(place.module), self.modules[place.module].file);
            let inside = Place {
                module: child,
                folder: &beneath,
                beside: &beneath,
            };
            self.add_items(items, inside, texts);
            Some(child)
        } else {
            let (path, folder) = match path_attribute(&item.attrs) {
                Some(path) => {
                    let path = joined(place.beside, &path);
                    let folder = path.trim_end_matches(".rs").to_owned();
                    (path, folder)
                }
                None => (format!("{beneath}.rs"), beneath),
            };
            self.add_file(&path, Some(place.module), &folder, texts)
        };
        if let Some(child) = child {
            self.add_name(place.module, name, Name::Module(child));
        }
    }

    fn add_use(&mut self, module: usize, item: &ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        let is_public = !matches!(item.vis, Visibility::Inherited);
        let mut found = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut |path, alias, line| {
            found.push(Use {
                path: path.to_vec(),
                alias: alias.to_owned(),
                line,
                is_public,
                is_glob: alias == "*",
            });
        });
        for name in found {
            if name.is_glob {
                self.modules[module].globs.push(name.path.clone());
            } else {
                let import = Name::Import(name.path.clone());
                self.add_name(module, name.alias.clone(), import);
            }
            self.modules[module].uses.push(name);
        }
    }

    fn add_macro(&mut self, module: usize, item: ItemMacro) {
        let file = self.modules[module].file;
        if let Some(name) = &item.ident {
            let is_exported = item
                .attrs
                .iter()
                .any(|attribute| attribute.path().is_ident("macro_export"));
            let name = plain(name);
            if is_exported {
                self.add_name(0, name.clone(), Name::Value(file));
            }
            self.add_name(module, name, Name::Value(file));
        }
        self.modules[module].bodies.push(item.into_token_stream());
    }

    fn add_name(&mut self, module: usize, name: String, known: Name) {
        let names = &mut self.modules[module].names;
        names.entry(name).or_default().push(known);
    }
}

/// Whether only tests compile what has these attributes.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        list.path.is_ident("cfg") && asks_for_tests(list.tokens.clone())
    })
}

/// Whether a `cfg` demands `test`, alone or with more.
pub(super) fn asks_for_tests(condition: TokenStream) -> bool {
    let text = condition.to_string().replace(' ', "");
    text == "test" || (text.starts_with("all(") && text.contains("test") && !text.contains("not("))
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    let value = attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => Some(&pair.value),
            _ => None,
        })?;
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The name that an item of a file defines.
fn defined(item: &Item, file: usize) -> Option<(String, Name)> {
    let (name, known) = match item {
        Item::Const(item) => (&item.ident, Name::Value(file)),
        Item::Fn(item) => (&item.sig.ident, Name::Value(file)),
        Item::Static(item) => (&item.ident, Name::Value(file)),
        Item::Enum(item) => (&item.ident, Name::Type(file)),
        Item::Struct(item) => (&item.ident, Name::Type(file)),
        Item::Trait(item) => (&item.ident, Name::Type(file)),
        Item::TraitAlias(item) => (&item.ident, Name::Type(file)),
        Item::Type(item) => (&item.ident, Name::Type(file)),
        Item::Union(item) => (&item.ident, Name::Type(file)),
        _ => return None,
    };
    Some((plain(name), known))
}

/// The names of a `use` tree: path, the name in this module (`*` for all), line.
fn flatten(
    tree: &UseTree,
    prefix: &mut Vec<String>,
    each: &mut impl FnMut(&[String], &str, usize),
) {
    let line = |ident: &Ident| ident.span().start().line;
    match tree {
        UseTree::Path(path) => {
            prefix.push(plain(&path.ident));
            flatten(&path.tree, prefix, each);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            let alias = prefix.last().cloned().unwrap_or_default();
            each(prefix, &alias, line(&name.ident));
        }
        UseTree::Name(name) => {
            prefix.push(plain(&name.ident));
            each(prefix, &plain(&name.ident), line(&name.ident));
            prefix.pop();
        }
        UseTree::Rename(name) => {
            let is_self = name.ident == "self";
            if !is_self {
                prefix.push(plain(&name.ident));
            }
            each(prefix, &plain(&name.rename), line(&name.ident));
            if !is_self {
                prefix.pop();
            }
        }
        UseTree::Glob(glob) => each(prefix, "*", glob.star_token.span.start().line),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, each);
            }
        }
    }
}

/// A name without the `r#` of one that is a keyword.
pub(super) fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

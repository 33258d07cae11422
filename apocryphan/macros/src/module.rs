//! What a Rust migration file says: its message, its dependencies, whether it runs in a transaction.

use apocryphan_migration::{Problem, Problems};
use syn::{Expr, ExprLit, File, Item, ItemConst, Lit, Meta};

/// The header of a migration in Rust, from the constants and the documentation of its module.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) message: Option<String>,
    pub(crate) depends: Vec<String>,
    pub(crate) transactional: bool,
}

impl Module {
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let parsed = syn::parse_file(text).map_err(|error| {
            let line = error.span().start().line;
            Problem::new(file, error.to_string()).at(line)
        })?;
        let mut problems = Problems::default();
        let mut module = Self {
            message: documentation(&parsed),
            depends: Vec::new(),
            transactional: true,
        };
        for item in &parsed.items {
            if let Item::Const(constant) = item {
                let result = module.constant(constant);
                if let Err(message) = result {
                    let line = constant.ident.span().start().line;
                    problems.push(Problem::new(file, message).at(line));
                }
            }
        }
        // The compiler would complain, too, but about the expansion and not about the file.
        if !has_steps(&parsed) {
            let message = "a migration in Rust has a function `pub fn steps() -> Vec<Step>`";
            problems.push(Problem::new(file, message));
        }
        problems.into_result(module)
    }

    fn constant(&mut self, constant: &ItemConst) -> Result<(), &'static str> {
        match constant.ident.to_string().as_str() {
            "MESSAGE" => {
                let message = text(&constant.expr);
                self.message = Some(message.ok_or("`MESSAGE` must be a string literal")?);
            }
            "DEPENDS" => {
                let depends = list(&constant.expr);
                let depends = depends.ok_or(
                    "`DEPENDS` must be a list of string literals, as in `&[\"1602721237-add-x\"]`",
                )?;
                self.depends = depends.into_iter().filter(|id| !id.is_empty()).collect();
            }
            "TRANSACTIONAL" => {
                let value = boolean(&constant.expr);
                self.transactional = value.ok_or("`TRANSACTIONAL` must be `true` or `false`")?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn has_steps(file: &File) -> bool {
    file.items.iter().any(|item| match item {
        Item::Fn(function) => function.sig.ident == "steps",
        _ => false,
    })
}

/// The first paragraph of the module's documentation, in one line.
fn documentation(file: &File) -> Option<String> {
    let lines: Vec<String> = file
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => text(&pair.value),
            Meta::Path(_) | Meta::List(_) => None,
        })
        .map(|line| line.trim().to_owned())
        .skip_while(String::is_empty)
        .take_while(|line| !line.is_empty())
        .collect();
    (!lines.is_empty()).then(|| lines.join(" ").trim_end_matches('.').to_owned())
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(literal),
            ..
        }) => Some(literal.value()),
        _ => None,
    }
}

fn boolean(expression: &Expr) -> Option<bool> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Bool(literal),
            ..
        }) => Some(literal.value),
        _ => None,
    }
}

fn list(expression: &Expr) -> Option<Vec<String>> {
    match expression {
        Expr::Reference(reference) => list(&reference.expr),
        Expr::Array(array) => array.elems.iter().map(text).collect(),
        _ => None,
    }
}

//! The items in the parentheses of `has_many(...)`, `index(...)` and the like.

use proc_macro2::Ident;
use syn::{LitStr, Result, Token, Type, ext::IdentExt, parse::ParseStream};

use crate::{
    model::{Cardinality, Index, IndexKind, Spanned},
    naming,
    parse::{
        argument::{Argument, identifier},
        arguments::{AssociationArguments, SchemaArguments},
    },
};

/// One item in the parentheses.
enum Item {
    /// `books: Book`
    Association(Ident, Box<Type>),
    /// `key = "author_id"`
    Setting(Ident, Spanned<String>),
    /// `title`
    Field(Ident),
}

impl Item {
    fn of_association(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if input.peek(Token![=]) {
            return Self::setting(name, input);
        }
        if !input.peek(Token![:]) {
            let message = format!("write `{name}: Schema`, the association and what it reaches");
            return Err(syn::Error::new(name.span(), message));
        }
        input.parse::<Token![:]>()?;
        Ok(Self::Association(name, input.parse()?))
    }

    fn of_index(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if input.peek(Token![=]) {
            return Self::setting(name, input);
        }
        Ok(Self::Field(name))
    }

    fn setting(name: Ident, input: ParseStream<'_>) -> Result<Self> {
        input.parse::<Token![=]>()?;
        let literal: LitStr = input.parse()?;
        let text = Spanned {
            value: literal.value(),
            span: literal.span(),
        };
        Ok(Self::Setting(name, text))
    }
}

/// `has_many(books: Book, posts: Post)` or `has_many(books: Book, key = "author_id")`.
pub(crate) fn associations(
    arguments: &mut SchemaArguments,
    argument: &Argument<'_>,
    cardinality: Cardinality,
) -> Result<()> {
    let mut found = Vec::new();
    let (mut key, mut references, mut option) = (None, None, None);
    for item in argument.list(Item::of_association)? {
        match item {
            Item::Association(name, target) => found.push((name, target)),
            Item::Setting(name, text) => {
                let slot = match name.to_string().as_str() {
                    "key" => &mut key,
                    "references" => &mut references,
                    _ => return Err(unknown_option(&name, &["key", "references"])),
                };
                set(slot, identifier(&text)?, &name)?;
                option.get_or_insert(name);
            }
            Item::Field(_) => return Err(argument.wrong()),
        }
    }
    // An option names a field of one association, so it can't be shared by several.
    match option {
        _ if found.is_empty() => return Err(argument.wrong()),
        Some(option) if found.len() > 1 => return Err(shared_option(&option, cardinality)),
        _ => {}
    }
    let associations = found
        .into_iter()
        .map(|(name, target)| AssociationArguments {
            cardinality,
            name,
            target: *target,
            key: key.clone(),
            references: references.clone(),
        });
    arguments.associations.extend(associations);
    Ok(())
}

/// `index(author_id, title)` or `unique(author_id, title, name = "one_title")`.
pub(crate) fn index(argument: &Argument<'_>, kind: IndexKind) -> Result<Index> {
    let mut index = Index {
        kind,
        fields: Vec::new(),
        name: None,
    };
    for item in argument.list(Item::of_index)? {
        match item {
            Item::Field(field) => index.fields.push(field),
            Item::Setting(name, text) if name == "name" => set(&mut index.name, text, &name)?,
            Item::Setting(name, _) => return Err(unknown_option(&name, &["name"])),
            Item::Association(..) => return Err(argument.wrong()),
        }
    }
    if index.fields.is_empty() {
        return Err(argument.wrong());
    }
    Ok(index)
}

fn set<T>(slot: &mut Option<T>, value: T, name: &Ident) -> Result<()> {
    if slot.replace(value).is_some() {
        let message = format!("`{name}` is given twice: remove one of the two");
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(())
}

fn shared_option(option: &Ident, cardinality: Cardinality) -> syn::Error {
    let argument = cardinality.argument_name();
    let message = format!(
        "`{option}` can't belong to several associations: write one `{argument}(…)` for each"
    );
    syn::Error::new(option.span(), message)
}

fn unknown_option(name: &Ident, known: &[&str]) -> syn::Error {
    let message = format!(
        "unknown option `{name}`: {}known here are {}",
        naming::did_you_mean(&name.to_string(), known.iter().copied()),
        naming::listed(known.iter().copied())
    );
    syn::Error::new(name.span(), message)
}

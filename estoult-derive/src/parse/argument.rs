//! Parses the arguments of `#[schema(...)]` and the like by a table, and collects every mistake.
//!
//! Invariant: no argument is named here; the tables are in `attribute.rs`.

use proc_macro2::{Group, Ident, TokenTree};
use syn::{
    Attribute, LitBool, LitStr, Meta, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    token,
};

use crate::{
    errors::Errors,
    model::{GivenArguments, Spanned},
    naming,
};

/// An attribute with the arguments that it may have on one kind of item.
pub(crate) struct ArgumentTable<W: 'static> {
    pub(crate) attribute: &'static str,
    pub(crate) entries: &'static [Entry<W>],
}

/// One argument: its names (the first is the usual one), how it is written, how it is stored in `W`.
pub(crate) struct Entry<W> {
    names: &'static [&'static str],
    usage: &'static str,
    repeats: bool,
    read: fn(&mut W, &Argument<'_>) -> Result<()>,
}

/// One argument in the source; its name is parsed, the rest is still in `input`.
pub(crate) struct Argument<'a> {
    name: Ident,
    usage: &'static str,
    input: ParseStream<'a>,
}

/// Names of arguments in other libraries, with our names.
const FOREIGN_NAMES: [(&str, &str); 12] = [
    ("table_name", "table"),
    ("primary_key", "key"),
    ("pk", "key"),
    ("auto_increment", "generated"),
    ("serial", "generated"),
    ("column_name", "rename"),
    ("name", "rename"),
    ("flatten", "embed"),
    ("ignore", "skip"),
    ("server_default", "default_sql"),
    ("auto_now_add", "created_at"),
    ("auto_now", "updated_at"),
];

impl<W> Entry<W> {
    pub(crate) const fn once(
        names: &'static [&'static str],
        usage: &'static str,
        read: fn(&mut W, &Argument<'_>) -> Result<()>,
    ) -> Self {
        Self {
            names,
            usage,
            repeats: false,
            read,
        }
    }

    pub(crate) const fn repeated(
        names: &'static [&'static str],
        usage: &'static str,
        read: fn(&mut W, &Argument<'_>) -> Result<()>,
    ) -> Self {
        Self {
            repeats: true,
            ..Self::once(names, usage, read)
        }
    }

    fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

impl<W> ArgumentTable<W> {
    /// Parses all attributes of one item and returns the names of their arguments.
    pub(crate) fn read(
        &self,
        attributes: &[Attribute],
        arguments: &mut W,
        errors: &mut Errors,
    ) -> GivenArguments {
        let mut given = GivenArguments::default();
        for attribute in attributes {
            if !attribute.path().is_ident(self.attribute) {
                continue;
            }
            if !matches!(attribute.meta, Meta::List(_)) {
                let (name, known) = (self.attribute, self.known());
                let message = format!("write `#[{name}(…)]`, inside the brackets any of {known}");
                errors.push(syn::Error::new_spanned(&attribute.meta, message));
                continue;
            }
            let parsed = attribute.parse_args_with(|input: ParseStream<'_>| {
                self.read_list(input, arguments, &mut given, errors)
            });
            errors.record(parsed);
        }
        given
    }

    /// Refuses the attribute where it has no meaning; `place` is where, with the remedy.
    pub(crate) fn refuse(&self, attributes: &[Attribute], place: &str, errors: &mut Errors) {
        let name = self.attribute;
        for attribute in attributes {
            if attribute.path().is_ident(name) {
                let message = format!("`#[{name}(…)]` has no meaning on {place}");
                errors.push(syn::Error::new_spanned(attribute, message));
            }
        }
    }

    fn read_list(
        &self,
        input: ParseStream<'_>,
        arguments: &mut W,
        given: &mut GivenArguments,
        errors: &mut Errors,
    ) -> Result<()> {
        while !input.is_empty() {
            let read = self.read_argument(input, arguments, given);
            // After a mistake go on behind the next comma, so that one run shows all mistakes.
            if errors.record(read).is_none() {
                skip_to_comma(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn read_argument(
        &self,
        input: ParseStream<'_>,
        arguments: &mut W,
        given: &mut GivenArguments,
    ) -> Result<()> {
        let name = input.call(Ident::parse_any)?;
        let text = name.to_string();
        let found = self
            .entries
            .iter()
            .find(|entry| entry.names.contains(&text.as_str()));
        let Some(entry) = found else {
            return Err(self.unknown(&name, &text));
        };
        if !entry.repeats && given.has(entry.name()) {
            let message = format!("`{text}` is given twice: remove one of the two");
            return Err(syn::Error::new(name.span(), message));
        }
        // Recorded before its value is parsed: a check must not report as missing what is only written wrong.
        given.names.push(Spanned {
            value: entry.name(),
            span: name.span(),
        });
        let argument = Argument {
            name,
            usage: entry.usage,
            input,
        };
        (entry.read)(arguments, &argument)?;
        if argument.is_over() {
            Ok(())
        } else {
            Err(argument.wrong())
        }
    }

    fn unknown(&self, name: &Ident, text: &str) -> syn::Error {
        let names = || self.entries.iter().map(Entry::name);
        let elsewhere = FOREIGN_NAMES.iter().find(|(theirs, _)| *theirs == text);
        // Offered only where this attribute has the argument.
        let translated = elsewhere
            .map(|(_, ours)| *ours)
            .filter(|ours| names().any(|name| name == *ours));
        let meant = match translated {
            Some(ours) => format!("did you mean `{ours}`? "),
            None => naming::did_you_mean(text, names()),
        };
        let known = self.known();
        let message = format!("unknown attribute `{text}`: {meant}known here are {known}");
        syn::Error::new(name.span(), message)
    }

    fn known(&self) -> String {
        naming::listed(self.entries.iter().map(Entry::name))
    }
}

impl Argument<'_> {
    /// Whether nothing of the argument is left to parse.
    pub(crate) fn is_over(&self) -> bool {
        self.input.is_empty() || self.input.peek(Token![,])
    }

    /// The error that shows how the argument is written.
    pub(crate) fn wrong(&self) -> syn::Error {
        let message = format!("`{}` is written `{}`", self.name, self.usage);
        syn::Error::new(self.name.span(), message)
    }

    /// The value behind `=`.
    pub(crate) fn value<T: Parse>(&self) -> Result<T> {
        self.input
            .parse::<Token![=]>()
            .and_then(|_| self.input.parse())
            .map_err(|_| self.wrong())
    }

    /// `name = "text"`.
    pub(crate) fn text(&self) -> Result<Spanned<String>> {
        let literal: LitStr = self.value()?;
        Ok(Spanned {
            value: literal.value(),
            span: literal.span(),
        })
    }

    /// `name` or `name = true` or `name = false`.
    pub(crate) fn boolean(&self) -> Result<bool> {
        if self.is_over() {
            return Ok(true);
        }
        Ok(self.value::<LitBool>()?.value)
    }

    /// `name` alone.
    pub(crate) fn flag(&self) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let name = &self.name;
        let message = format!("`{name}` takes no value: write the word alone");
        Err(syn::Error::new(name.span(), message))
    }

    /// `name = "path::of::a::module"`.
    pub(crate) fn path(&self) -> Result<Path> {
        let literal: LitStr = self.value()?;
        literal.parse_with(Path::parse_mod_style).map_err(|_| {
            let message = format!(
                "`{}` is no path of a module: write {} = \"path::to::estoult\"",
                literal.value(),
                self.name
            );
            syn::Error::new(literal.span(), message)
        })
    }

    /// `name(item, item)`; at least one.
    pub(crate) fn list<T>(&self, item: fn(ParseStream<'_>) -> Result<T>) -> Result<Vec<T>> {
        if !self.input.peek(token::Paren) {
            return Err(self.wrong());
        }
        let group: Group = self.input.parse()?;
        let list = |content: ParseStream<'_>| content.parse_terminated(item, Token![,]);
        let items = list.parse2(group.stream())?;
        if items.is_empty() {
            return Err(self.wrong());
        }
        Ok(items.into_iter().collect())
    }
}

/// The identifier in a literal.
pub(crate) fn identifier(text: &Spanned<String>) -> Result<Ident> {
    naming::identifier(&text.value, text.span).ok_or_else(|| {
        let message = format!("`{}` can't be the name of a field", text.value);
        syn::Error::new(text.span, message)
    })
}

fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

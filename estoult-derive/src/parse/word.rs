//! How the words inside `#[schema(...)]` and its like are read: by a table, every mistake collected.
//!
//! Invariant: no attribute is named here; the tables are in `attribute.rs`.

use proc_macro2::{Group, Ident, TokenTree};
use syn::{
    Attribute, LitBool, LitStr, Meta, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    token,
};

use crate::{
    errors::Errors,
    model::{Given, Spanned},
    naming,
};

/// The attributes that may stand in one place, and the one they stand in.
pub(crate) struct Table<W: 'static> {
    pub(crate) attribute: &'static str,
    pub(crate) entries: &'static [Entry<W>],
}

/// One attribute: its names (the first is the usual one), how it is written, how it is read into `W`.
pub(crate) struct Entry<W> {
    names: &'static [&'static str],
    usage: &'static str,
    repeats: bool,
    read: fn(&mut W, &Word<'_>) -> Result<()>,
}

/// One attribute as it was found, the rest of it still to be read.
pub(crate) struct Word<'a> {
    name: Ident,
    usage: &'static str,
    input: ParseStream<'a>,
}

/// Other libraries' names for what we have under another one.
const ELSEWHERE: [(&str, &str); 12] = [
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
        read: fn(&mut W, &Word<'_>) -> Result<()>,
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
        read: fn(&mut W, &Word<'_>) -> Result<()>,
    ) -> Self {
        Self {
            names,
            usage,
            repeats: true,
            read,
        }
    }

    fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

impl<W> Table<W> {
    /// Reads all attributes of one item and tells which ones were given.
    pub(crate) fn read(
        &self,
        attributes: &[Attribute],
        words: &mut W,
        errors: &mut Errors,
    ) -> Given {
        let mut given = Given::default();
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
                self.read_list(input, words, &mut given, errors)
            });
            errors.keep(parsed);
        }
        given
    }

    /// Refuses the attribute where it has no meaning; `place` says where, and what to do.
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
        words: &mut W,
        given: &mut Given,
        errors: &mut Errors,
    ) -> Result<()> {
        while !input.is_empty() {
            let read = self.read_word(input, words, given);
            if errors.keep(read).is_none() {
                skip_to_comma(input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn read_word(&self, input: ParseStream<'_>, words: &mut W, given: &mut Given) -> Result<()> {
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
        given.words.push(Spanned {
            value: entry.name(),
            span: name.span(),
        });
        let word = Word {
            name,
            usage: entry.usage,
            input,
        };
        (entry.read)(words, &word)?;
        if word.is_over() {
            Ok(())
        } else {
            Err(word.wrong())
        }
    }

    fn unknown(&self, name: &Ident, text: &str) -> syn::Error {
        let names = || self.entries.iter().map(Entry::name);
        let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == text);
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

impl Word<'_> {
    /// Whether nothing but the name is left to read.
    pub(crate) fn is_over(&self) -> bool {
        self.input.is_empty() || self.input.peek(Token![,])
    }

    /// The error that shows how the attribute is written.
    pub(crate) fn wrong(&self) -> syn::Error {
        let message = format!("`{}` is written `{}`", self.name, self.usage);
        syn::Error::new(self.name.span(), message)
    }

    /// What stands behind `=`.
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

/// An identifier out of a literal.
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

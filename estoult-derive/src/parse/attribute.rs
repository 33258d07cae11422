//! The tables of attributes: what each one takes, how it is written, where it is kept.

use proc_macro2::Ident;
use syn::{Expr, Path, Result, Type};

use crate::{
    model::{Cardinality, Index, Indexed, Source, Spanned},
    naming::{self, Case},
    parse::list::{associations, index},
    parse::word::{Entry, Table, Word},
};

/// What `#[schema(...)]` says.
#[derive(Default)]
pub(crate) struct SchemaWords {
    pub(crate) table: Option<Spanned<String>>,
    pub(crate) namespace: Option<Spanned<String>>,
    pub(crate) database: Option<Spanned<String>>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) root: Option<Path>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) associations: Vec<AssociationWords>,
}

/// What `has_many(...)`, `has_one(...)` or `belongs_to(...)` says of one association.
pub(crate) struct AssociationWords {
    pub(crate) cardinality: Cardinality,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) key: Option<Ident>,
    pub(crate) references: Option<Ident>,
}

/// What `#[field(...)]` says, apart from the words without a value.
#[derive(Default)]
pub(crate) struct FieldWords {
    pub(crate) column: Option<Spanned<String>>,
    pub(crate) prefix: Option<Spanned<String>>,
    pub(crate) source: Option<Source>,
}

/// What `#[embedded(...)]` says.
#[derive(Default)]
pub(crate) struct EmbeddedWords {
    pub(crate) rename_all: Option<Case>,
    pub(crate) root: Option<Path>,
}

/// What `#[value(...)]` says on a type.
#[derive(Default)]
pub(crate) struct ValueWords {
    pub(crate) native: Option<Spanned<String>>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) root: Option<Path>,
}

/// What `#[value(...)]` says on a variant.
#[derive(Default)]
pub(crate) struct VariantWords {
    pub(crate) label: Option<Spanned<String>>,
}

/// What `#[row(...)]` says on a struct.
#[derive(Default)]
pub(crate) struct RowWords {
    pub(crate) schema: Option<Path>,
    pub(crate) root: Option<Path>,
}

/// What `#[row(...)]` says on a field.
#[derive(Default)]
pub(crate) struct RowFieldWords {
    pub(crate) column: Option<Spanned<String>>,
}

pub(crate) const SCHEMA: Table<SchemaWords> = Table {
    attribute: "schema",
    entries: &[
        Entry::once(&["table"], "table = \"books\"", |words, word| {
            word.text().map(|table| words.table = Some(table))
        }),
        Entry::once(&["schema"], "schema = \"library\"", |words, word| {
            word.text().map(|name| words.namespace = Some(name))
        }),
        Entry::once(&["database"], "database = \"audit\"", |words, word| {
            word.text().map(|name| words.database = Some(name))
        }),
        Entry::once(
            &["rename_all"],
            "rename_all = \"camelCase\"",
            |words, word| case(word).map(|case| words.rename_all = Some(case)),
        ),
        Entry::repeated(&["has_many"], "has_many(books: Book)", |words, word| {
            associations(words, word, Cardinality::HasMany)
        }),
        Entry::repeated(&["has_one"], "has_one(profile: Profile)", |words, word| {
            associations(words, word, Cardinality::HasOne)
        }),
        Entry::repeated(
            &["belongs_to"],
            "belongs_to(author: Author)",
            |words, word| associations(words, word, Cardinality::BelongsTo),
        ),
        Entry::repeated(&["index"], "index(author_id, title)", |words, word| {
            index(word, Indexed::Plain).map(|index| words.indexes.push(index))
        }),
        Entry::repeated(&["unique"], "unique(author_id, title)", |words, word| {
            index(word, Indexed::Unique).map(|index| words.indexes.push(index))
        }),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |words, word| word.path().map(|path| words.root = Some(path)),
        ),
    ],
};

pub(crate) const FIELD: Table<FieldWords> = Table {
    attribute: "field",
    entries: &[
        Entry::once(
            &["rename", "column"],
            "rename = \"column\"",
            |words, word| word.text().map(|column| words.column = Some(column)),
        ),
        Entry::once(&["key"], "key", |_, word| word.flag()),
        Entry::once(
            &["generated"],
            "generated` or `generated = false",
            |words, word| {
                let source = if word.boolean()? {
                    Source::Generated
                } else {
                    Source::Program
                };
                source_is(words, source)
            },
        ),
        Entry::once(&["uuid"], "uuid = \"v7\"", uuid),
        Entry::once(
            &["default"],
            "default` or `default = expression",
            |words, word| {
                let expression = (!word.is_over()).then(|| word.value::<Expr>());
                let expression = expression.transpose()?.map(Box::new);
                source_is(words, Source::Default(expression))
            },
        ),
        Entry::once(
            &["default_sql"],
            "default_sql = \"now()\"",
            |words, word| source_is(words, Source::DefaultSql(word.text()?)),
        ),
        Entry::once(&["unique"], "unique", |_, word| word.flag()),
        Entry::once(&["index"], "index", |_, word| word.flag()),
        Entry::once(&["created_at"], "created_at", |words, word| {
            word.flag()?;
            source_is(words, Source::CreatedAt)
        }),
        Entry::once(&["updated_at"], "updated_at", |words, word| {
            word.flag()?;
            source_is(words, Source::UpdatedAt)
        }),
        Entry::once(&["tenant"], "tenant", |words, word| {
            word.flag()?;
            source_is(words, Source::Tenant)
        }),
        Entry::once(&["skip"], "skip", |_, word| word.flag()),
        Entry::once(&["embed"], "embed", |_, word| word.flag()),
        Entry::once(&["prefix"], "prefix = \"address_\"", |words, word| {
            word.text().map(|prefix| words.prefix = Some(prefix))
        }),
        Entry::once(&["redact"], "redact", |_, word| word.flag()),
    ],
};

pub(crate) const EMBEDDED: Table<EmbeddedWords> = Table {
    attribute: "embedded",
    entries: &[
        Entry::once(
            &["rename_all"],
            "rename_all = \"camelCase\"",
            |words, word| case(word).map(|case| words.rename_all = Some(case)),
        ),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |words, word| word.path().map(|path| words.root = Some(path)),
        ),
    ],
};

pub(crate) const EMBEDDED_FIELD: Table<FieldWords> = Table {
    attribute: "field",
    entries: &[
        Entry::once(
            &["rename", "column"],
            "rename = \"column\"",
            |words, word| word.text().map(|column| words.column = Some(column)),
        ),
        Entry::once(&["skip"], "skip", |_, word| word.flag()),
        Entry::once(&["redact"], "redact", |_, word| word.flag()),
    ],
};

pub(crate) const VALUE: Table<ValueWords> = Table {
    attribute: "value",
    entries: &[
        Entry::once(&["text"], "text", |_, word| word.flag()),
        Entry::once(&["integer"], "integer", |_, word| word.flag()),
        Entry::once(
            &["postgres_enum"],
            "postgres_enum = \"mood\"",
            |words, word| word.text().map(|name| words.native = Some(name)),
        ),
        Entry::once(&["json"], "json", |_, word| word.flag()),
        Entry::once(
            &["rename_all"],
            "rename_all = \"camelCase\"",
            |words, word| case(word).map(|case| words.rename_all = Some(case)),
        ),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |words, word| word.path().map(|path| words.root = Some(path)),
        ),
    ],
};

pub(crate) const VARIANT: Table<VariantWords> = Table {
    attribute: "value",
    entries: &[Entry::once(
        &["rename"],
        "rename = \"label\"",
        |words, word| word.text().map(|label| words.label = Some(label)),
    )],
};

pub(crate) const ROW: Table<RowWords> = Table {
    attribute: "row",
    entries: &[
        Entry::once(&["schema"], "schema = Book", |words, word| {
            word.value().map(|schema| words.schema = Some(schema))
        }),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |words, word| word.path().map(|path| words.root = Some(path)),
        ),
    ],
};

pub(crate) const ROW_FIELD: Table<RowFieldWords> = Table {
    attribute: "row",
    entries: &[
        Entry::once(
            &["column", "rename"],
            "column = \"author_id\"",
            |words, word| word.text().map(|column| words.column = Some(column)),
        ),
        Entry::once(&["skip"], "skip", |_, word| word.flag()),
    ],
};

/// Keeps the first source of values; that there is only one is a check's business.
fn source_is(words: &mut FieldWords, source: Source) -> Result<()> {
    words.source.get_or_insert(source);
    Ok(())
}

fn case(word: &Word<'_>) -> Result<Case> {
    let name = word.text()?;
    Case::named(&name.value).ok_or_else(|| {
        let known = Case::ALL.map(|(known, _)| known);
        let message = format!(
            "unknown case `{}`: {}known are {}",
            name.value,
            naming::did_you_mean(&name.value, known),
            naming::listed(known)
        );
        syn::Error::new(name.span, message)
    })
}

fn uuid(words: &mut FieldWords, word: &Word<'_>) -> Result<()> {
    let version = word.text()?;
    match version.value.as_str() {
        "v4" => source_is(words, Source::UuidV4),
        "v7" => source_is(words, Source::UuidV7),
        other => {
            let message = format!(
                "unknown version of a UUID `{other}`: known are `v4` (random) and `v7` (in order of time)"
            );
            Err(syn::Error::new(version.span, message))
        }
    }
}

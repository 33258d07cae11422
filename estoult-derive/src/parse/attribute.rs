//! The table of each attribute: which arguments it takes, how each is written and where it is stored.

use syn::{Expr, Result};

use crate::{
    model::{Cardinality, IndexKind, Source},
    naming::{self, Case},
    parse::{
        argument::{Argument, ArgumentTable, Entry},
        arguments::{
            EmbeddedArguments, FieldArguments, RowArguments, RowFieldArguments, SchemaArguments,
            ValueArguments, VariantArguments,
        },
        list::{associations, index},
    },
};

pub(crate) const SCHEMA: ArgumentTable<SchemaArguments> = ArgumentTable {
    attribute: "schema",
    entries: &[
        Entry::once(&["table"], "table = \"books\"", |arguments, argument| {
            argument.text().map(|table| arguments.table = Some(table))
        }),
        Entry::once(
            &["schema"],
            "schema = \"library\"",
            |arguments, argument| argument.text().map(|name| arguments.namespace = Some(name)),
        ),
        Entry::once(
            &["database"],
            "database = \"audit\"",
            |arguments, argument| argument.text().map(|name| arguments.database = Some(name)),
        ),
        Entry::once(
            &["rename_all"],
            "rename_all = \"camelCase\"",
            |arguments, argument| case(argument).map(|case| arguments.rename_all = Some(case)),
        ),
        Entry::repeated(
            &["has_many"],
            "has_many(books: Book)",
            |arguments, argument| associations(arguments, argument, Cardinality::HasMany),
        ),
        Entry::repeated(
            &["has_one"],
            "has_one(profile: Profile)",
            |arguments, argument| associations(arguments, argument, Cardinality::HasOne),
        ),
        Entry::repeated(
            &["belongs_to"],
            "belongs_to(author: Author)",
            |arguments, argument| associations(arguments, argument, Cardinality::BelongsTo),
        ),
        Entry::repeated(
            &["index"],
            "index(author_id, title)",
            |arguments, argument| {
                index(argument, IndexKind::Plain).map(|index| arguments.indexes.push(index))
            },
        ),
        Entry::repeated(
            &["unique"],
            "unique(author_id, title)",
            |arguments, argument| {
                index(argument, IndexKind::Unique).map(|index| arguments.indexes.push(index))
            },
        ),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |arguments, argument| argument.path().map(|path| arguments.root = Some(path)),
        ),
    ],
};

pub(crate) const FIELD: ArgumentTable<FieldArguments> = ArgumentTable {
    attribute: "field",
    entries: &[
        COLUMN,
        Entry::once(&["key"], "key", |_, argument| argument.flag()),
        Entry::once(
            &["generated"],
            "generated` or `generated = false",
            |arguments, argument| {
                let source = if argument.boolean()? {
                    Source::Generated
                } else {
                    Source::Program
                };
                source_is(arguments, source)
            },
        ),
        Entry::once(&["uuid"], "uuid = \"v7\"", uuid),
        Entry::once(
            &["default"],
            "default` or `default = expression",
            |arguments, argument| {
                let expression = (!argument.is_over()).then(|| argument.value::<Expr>());
                let expression = expression.transpose()?.map(Box::new);
                source_is(arguments, Source::Default(expression))
            },
        ),
        Entry::once(
            &["default_sql"],
            "default_sql = \"now()\"",
            |arguments, argument| source_is(arguments, Source::DefaultSql(argument.text()?)),
        ),
        Entry::once(&["unique"], "unique", |_, argument| argument.flag()),
        Entry::once(&["index"], "index", |_, argument| argument.flag()),
        Entry::once(&["created_at"], "created_at", |arguments, argument| {
            argument.flag()?;
            source_is(arguments, Source::CreatedAt)
        }),
        Entry::once(&["updated_at"], "updated_at", |arguments, argument| {
            argument.flag()?;
            source_is(arguments, Source::UpdatedAt)
        }),
        Entry::once(&["tenant"], "tenant", |arguments, argument| {
            argument.flag()?;
            source_is(arguments, Source::Tenant)
        }),
        Entry::once(&["skip"], "skip", |_, argument| argument.flag()),
        Entry::once(&["embed"], "embed", |_, argument| argument.flag()),
        Entry::once(
            &["prefix"],
            "prefix = \"address_\"",
            |arguments, argument| {
                argument
                    .text()
                    .map(|prefix| arguments.prefix = Some(prefix))
            },
        ),
        Entry::once(&["redact"], "redact", |_, argument| argument.flag()),
    ],
};

/// The name of the column, for the fields of a schema and of an embedded struct.
const COLUMN: Entry<FieldArguments> = Entry::once(
    &["rename", "column"],
    "rename = \"column\"",
    |arguments, argument| {
        argument
            .text()
            .map(|column| arguments.column = Some(column))
    },
);

pub(crate) const EMBEDDED: ArgumentTable<EmbeddedArguments> = ArgumentTable {
    attribute: "embedded",
    entries: &[
        Entry::once(
            &["rename_all"],
            "rename_all = \"camelCase\"",
            |arguments, argument| case(argument).map(|case| arguments.rename_all = Some(case)),
        ),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |arguments, argument| argument.path().map(|path| arguments.root = Some(path)),
        ),
    ],
};

pub(crate) const EMBEDDED_FIELD: ArgumentTable<FieldArguments> = ArgumentTable {
    attribute: "field",
    entries: &[
        COLUMN,
        Entry::once(&["skip"], "skip", |_, argument| argument.flag()),
        Entry::once(&["redact"], "redact", |_, argument| argument.flag()),
    ],
};

pub(crate) const VALUE: ArgumentTable<ValueArguments> = ArgumentTable {
    attribute: "value",
    entries: &[
        Entry::once(&["text"], "text", |_, argument| argument.flag()),
        Entry::once(&["integer"], "integer", |_, argument| argument.flag()),
        Entry::once(
            &["postgres_enum"],
            "postgres_enum = \"mood\"",
            |arguments, argument| argument.text().map(|name| arguments.native = Some(name)),
        ),
        Entry::once(&["json"], "json", |_, argument| argument.flag()),
        Entry::once(
            &["rename_all"],
            "rename_all = \"camelCase\"",
            |arguments, argument| case(argument).map(|case| arguments.rename_all = Some(case)),
        ),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |arguments, argument| argument.path().map(|path| arguments.root = Some(path)),
        ),
    ],
};

pub(crate) const VARIANT: ArgumentTable<VariantArguments> = ArgumentTable {
    attribute: "value",
    entries: &[Entry::once(
        &["rename"],
        "rename = \"label\"",
        |arguments, argument| argument.text().map(|label| arguments.label = Some(label)),
    )],
};

pub(crate) const ROW: ArgumentTable<RowArguments> = ArgumentTable {
    attribute: "row",
    entries: &[
        Entry::once(&["schema"], "schema = Book", |arguments, argument| {
            argument
                .value()
                .map(|schema| arguments.schema = Some(schema))
        }),
        Entry::once(
            &["crate"],
            "crate = \"path::to::estoult\"",
            |arguments, argument| argument.path().map(|path| arguments.root = Some(path)),
        ),
    ],
};

pub(crate) const ROW_FIELD: ArgumentTable<RowFieldArguments> = ArgumentTable {
    attribute: "row",
    entries: &[
        Entry::once(
            &["column", "rename"],
            "column = \"author_id\"",
            |arguments, argument| {
                argument
                    .text()
                    .map(|column| arguments.column = Some(column))
            },
        ),
        Entry::once(&["skip"], "skip", |_, argument| argument.flag()),
    ],
};

/// Stores the source of values; a second one is ignored here, since a check reports it.
fn source_is(arguments: &mut FieldArguments, source: Source) -> Result<()> {
    arguments.source.get_or_insert(source);
    Ok(())
}

fn case(argument: &Argument<'_>) -> Result<Case> {
    let name = argument.text()?;
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

fn uuid(arguments: &mut FieldArguments, argument: &Argument<'_>) -> Result<()> {
    let version = argument.text()?;
    match version.value.as_str() {
        "v4" => source_is(arguments, Source::UuidV4),
        "v7" => source_is(arguments, Source::UuidV7),
        other => {
            let message = format!(
                "unknown version of a UUID `{other}`: known are `v4` (random) and `v7` (in order of time)"
            );
            Err(syn::Error::new(version.span, message))
        }
    }
}

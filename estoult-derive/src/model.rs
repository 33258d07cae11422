//! The models of the derives: a type as plain data, parsed once from its tokens, with the spans that errors point at.
//!
//! Invariant: no raw attributes here, and no tokens of the output.

use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::{Expr, Member, Path, Type, Visibility, ext::IdentExt};

/// A value and the place in the source where it is written.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// The type that the derive is applied to.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Target {
    pub(crate) ident: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) docs: String,
    /// The path of the crate `estoult`.
    pub(crate) root: Path,
}

/// The names of the arguments in the attributes of one item, in order.
#[cfg_attr(test, derive(Debug))]
#[derive(Default)]
pub(crate) struct GivenArguments {
    pub(crate) names: Vec<Spanned<&'static str>>,
}

/// A struct with `derive(Schema)`.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Schema {
    pub(crate) target: Target,
    pub(crate) table: Spanned<String>,
    pub(crate) namespace: Option<Spanned<String>>,
    /// The database of the registry.
    pub(crate) database: Option<Spanned<String>>,
    pub(crate) fields: Vec<Field>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) associations: Vec<Association>,
}

/// A struct with `derive(Embedded)`.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Embedded {
    pub(crate) target: Target,
    pub(crate) fields: Vec<Field>,
}

/// A field of a schema or of an embedded struct.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) docs: String,
    pub(crate) given: GivenArguments,
    pub(crate) mapping: Mapping,
    pub(crate) column: Spanned<String>,
    pub(crate) key: bool,
    pub(crate) source: Source,
    pub(crate) indexed: Option<IndexKind>,
    pub(crate) redacted: bool,
}

/// Where a field is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mapping {
    /// In a column of its own.
    Column,
    /// In the columns of an embedded struct, whose names start with the prefix.
    Embed(String),
    /// Nowhere.
    Skip,
}

/// Where the value of a column comes from when a row is inserted.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone)]
pub(crate) enum Source {
    /// The program: the literal has the field.
    Program,
    /// Auto-increment.
    Generated,
    UuidV4,
    UuidV7,
    /// An expression of Rust, or `Default::default()`.
    Default(Option<Box<Expr>>),
    /// An expression of SQL.
    DefaultSql(Spanned<String>),
    CreatedAt,
    UpdatedAt,
    /// The tenant that the statement runs for.
    Tenant,
}

/// The index on a single field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum IndexKind {
    Plain,
    Unique,
}

/// An index over the fields that the struct lists.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Index {
    pub(crate) kind: IndexKind,
    pub(crate) fields: Vec<Ident>,
    pub(crate) name: Option<Spanned<String>>,
}

/// An association with the rows of another schema.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Association {
    pub(crate) cardinality: Cardinality,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    /// The field of this schema; `None` where the key has several and none was named.
    pub(crate) own: Option<Ident>,
    /// The field of the other schema.
    pub(crate) other: Ident,
}

/// How many rows are at the other end, and which side has the foreign key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cardinality {
    HasMany,
    HasOne,
    BelongsTo,
}

/// A type with `derive(Value)`.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Value {
    pub(crate) target: Target,
    pub(crate) given: GivenArguments,
    pub(crate) representation: Representation,
}

/// How a value is stored.
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Representation {
    /// As its only field.
    Newtype(Member, Box<Type>),
    /// As the label of its variant; with the name of a native enum type, if there is one.
    Labels(Vec<Label>, Option<Spanned<String>>),
    /// As the discriminant of its variant.
    Numbers(Vec<Number>),
    /// As a JSON document.
    Json,
}

/// A variant that is stored as text.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Label {
    pub(crate) ident: Ident,
    pub(crate) text: Spanned<String>,
}

/// A variant that is stored as a number, which is known if it is a literal.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Number {
    pub(crate) ident: Ident,
    pub(crate) known: Option<i64>,
}

/// A struct with `derive(FromRow)`.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Row {
    pub(crate) target: Target,
    pub(crate) schema: Option<Path>,
    pub(crate) fields: Vec<RowField>,
}

/// A field of a row.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct RowField {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) given: GivenArguments,
    /// `None` for a skipped field.
    pub(crate) column: Option<Spanned<String>>,
}

impl GivenArguments {
    pub(crate) fn has(&self, word: &str) -> bool {
        self.span(word).is_some()
    }

    pub(crate) fn span(&self, word: &str) -> Option<Span> {
        let given = self.names.iter().find(|given| given.value == word);
        given.map(|given| given.span)
    }
}

impl Target {
    /// An identifier of the type's name with a prefix or a suffix.
    pub(crate) fn sibling(&self, before: &str, after: &str) -> Ident {
        format_ident!("{before}{}{after}", self.ident.unraw())
    }
}

impl Schema {
    pub(crate) fn keys(&self) -> Vec<&Field> {
        self.fields.iter().filter(|field| field.key).collect()
    }

    /// The tenant column.
    pub(crate) fn tenant(&self) -> Option<&Field> {
        let mut columns = self.fields.iter().filter(|field| field.is_column());
        columns.find(|field| field.given.has("tenant"))
    }

    pub(crate) fn field(&self, ident: &Ident) -> Option<&Field> {
        let name = ident.unraw();
        self.fields.iter().find(|field| field.ident.unraw() == name)
    }
}

impl Field {
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The last name in the path of the type: `Uuid` of `uuid::Uuid`.
    pub(crate) fn type_name(&self) -> Option<String> {
        let mut ty = &self.ty;
        // A type that a `macro_rules!` macro passes on is wrapped in an invisible group.
        while let Type::Group(group) = ty {
            ty = &group.elem;
        }
        let Type::Path(path) = ty else {
            return None;
        };
        let last = path.path.segments.last();
        last.map(|last| last.ident.to_string())
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.type_name().as_deref() == Some("Option")
    }

    pub(crate) fn is_column(&self) -> bool {
        self.mapping == Mapping::Column
    }

    /// Whether the program writes this field in the literal of a new row.
    pub(crate) fn is_in_literal(&self) -> bool {
        match self.mapping {
            Mapping::Column => matches!(self.source, Source::Program),
            Mapping::Embed(_) => true,
            Mapping::Skip => false,
        }
    }
}

impl Association {
    pub(crate) fn name(&self) -> String {
        self.name.unraw().to_string()
    }
}

impl Cardinality {
    /// The name of its argument in `#[schema(…)]`.
    pub(crate) fn argument_name(self) -> &'static str {
        match self {
            Self::HasMany => "has_many",
            Self::HasOne => "has_one",
            Self::BelongsTo => "belongs_to",
        }
    }

    /// The option that names the field of this schema.
    pub(crate) fn own_option(self) -> &'static str {
        match self {
            Self::HasMany | Self::HasOne => "references",
            Self::BelongsTo => "key",
        }
    }

    /// The name of the type in estoult.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::HasMany => "HasMany",
            Self::HasOne => "HasOne",
            Self::BelongsTo => "BelongsTo",
        }
    }
}

//! A type with `derive(Value)`: how its arguments and the kind of type decide how it is stored.

use proc_macro2::Ident;
use syn::{
    Data, DataEnum, DeriveInput, Expr, Field, Fields, Index, Lit, Member, UnOp, Variant,
    ext::IdentExt,
};

use crate::{
    errors::Errors,
    model::{GivenArguments, Label, Number, Representation, Value},
    naming::Case,
    parse::arguments::{ValueArguments, VariantArguments},
    parse::attribute::{VALUE, VARIANT},
    parse::{spanned, target},
};

pub(crate) fn value(input: &DeriveInput, errors: &mut Errors) -> Option<Value> {
    let mut arguments = ValueArguments::default();
    let given = VALUE.read(&input.attrs, &mut arguments, errors);
    let target = target(input, "Value", arguments.root.take(), errors);
    let representation = representation(input, arguments, &given, errors)?;
    Some(Value {
        target,
        given,
        representation,
    })
}

fn representation(
    input: &DeriveInput,
    arguments: ValueArguments,
    given: &GivenArguments,
    errors: &mut Errors,
) -> Option<Representation> {
    if let Data::Enum(body) = &input.data {
        refuse_on_fields(
            body.variants.iter().flat_map(|variant| &variant.fields),
            errors,
        );
    }
    match &input.data {
        Data::Struct(body) => {
            refuse_on_fields(&body.fields, errors);
            if given.has("json") {
                return Some(Representation::Json);
            }
            newtype(&input.ident, &body.fields, errors)
        }
        Data::Enum(body) => Some(variants(body, arguments, given, errors)),
        Data::Union(_) => {
            let message = "`Value` can't be derived for a union: use a struct with one field";
            errors.at(input.ident.span(), message);
            None
        }
    }
}

fn refuse_on_fields<'a>(fields: impl IntoIterator<Item = &'a Field>, errors: &mut Errors) {
    for field in fields {
        VARIANT.refuse(&field.attrs, "a field: remove it", errors);
    }
}

fn newtype(name: &Ident, fields: &Fields, errors: &mut Errors) -> Option<Representation> {
    let mut found = fields.iter();
    if let (Some(only), None) = (found.next(), found.next()) {
        let member = only
            .ident
            .clone()
            .map_or_else(|| Member::Unnamed(Index::from(0)), Member::Named);
        return Some(Representation::Newtype(member, Box::new(only.ty.clone())));
    }
    let message = format!(
        "`Value` needs a struct with one field, `{name}` has {}: \
         add `#[value(json)]` to keep all of it as JSON",
        fields.len()
    );
    errors.at(name.span(), message);
    None
}

fn variants(
    body: &DataEnum,
    arguments: ValueArguments,
    given: &GivenArguments,
    errors: &mut Errors,
) -> Representation {
    let unlabelled = [
        (
            "json",
            "a variant of a JSON enum: use `#[serde(rename = \"…\")]`",
        ),
        ("integer", "a variant of an integer enum: remove it"),
    ];
    for (_, place) in unlabelled
        .iter()
        .filter(|(argument, _)| given.has(argument))
    {
        for variant in &body.variants {
            VARIANT.refuse(&variant.attrs, place, errors);
        }
    }
    // Serde represents any variant; the other forms have no place for fields.
    if given.has("json") {
        return Representation::Json;
    }
    for variant in body
        .variants
        .iter()
        .filter(|variant| !variant.fields.is_empty())
    {
        let message = format!(
            "the variant `{}` has fields, which have no place in a column: \
             remove them or add `#[value(json)]` to the enum",
            variant.ident
        );
        errors.at(variant.ident.span(), message);
    }
    if given.has("integer") {
        return Representation::Numbers(numbers(body));
    }
    let labels = body
        .variants
        .iter()
        .map(|variant| label(variant, arguments.rename_all, errors))
        .collect();
    Representation::Labels(labels, arguments.native)
}

fn label(variant: &Variant, case: Option<Case>, errors: &mut Errors) -> Label {
    let mut arguments = VariantArguments::default();
    VARIANT.read(&variant.attrs, &mut arguments, errors);
    let name = variant.ident.unraw().to_string();
    let text = case.unwrap_or(Case::Snake).apply(&name);
    Label {
        ident: variant.ident.clone(),
        text: arguments
            .label
            .unwrap_or_else(|| spanned(text, variant.ident.span())),
    }
}

/// The discriminants, counted on from the last literal as Rust does.
fn numbers(body: &DataEnum) -> Vec<Number> {
    let mut next = Some(0_i64);
    let mut numbers = Vec::new();
    for variant in &body.variants {
        let known = match &variant.discriminant {
            Some((_, expression)) => literal(expression),
            None => next,
        };
        // An expression is unknown, and so is every number that Rust counts on from it.
        next = known.and_then(|known| known.checked_add(1));
        numbers.push(Number {
            ident: variant.ident.clone(),
            known,
        });
    }
    numbers
}

fn literal(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        // For syn `-1` is the negation of a literal.
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            literal(&unary.expr).and_then(i64::checked_neg)
        }
        _ => None,
    }
}

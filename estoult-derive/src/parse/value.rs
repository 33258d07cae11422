//! A type with `derive(Value)`: which of its words and which kind of type go together.

use proc_macro2::Ident;
use syn::{
    Data, DataEnum, DeriveInput, Expr, Field, Fields, Index, Lit, Member, UnOp, Variant,
    ext::IdentExt,
};

use crate::{
    errors::Errors,
    model::{Given, Label, Number, Shape, Value},
    naming::Case,
    parse::attribute::{VALUE, VARIANT, ValueWords, VariantWords},
    parse::{spanned, target},
};

pub(crate) fn value(input: &DeriveInput, errors: &mut Errors) -> Option<Value> {
    let mut words = ValueWords::default();
    let given = VALUE.read(&input.attrs, &mut words, errors);
    let target = target(input, "Value", words.root.take(), errors);
    let shape = shape(input, words, &given, errors)?;
    Some(Value {
        target,
        given,
        shape,
    })
}

fn shape(
    input: &DeriveInput,
    words: ValueWords,
    given: &Given,
    errors: &mut Errors,
) -> Option<Shape> {
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
                return Some(Shape::Json);
            }
            newtype(&input.ident, &body.fields, errors)
        }
        Data::Enum(body) => Some(variants(body, words, given, errors)),
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

fn newtype(name: &Ident, fields: &Fields, errors: &mut Errors) -> Option<Shape> {
    let mut found = fields.iter();
    if let (Some(only), None) = (found.next(), found.next()) {
        let member = only
            .ident
            .clone()
            .map_or_else(|| Member::Unnamed(Index::from(0)), Member::Named);
        return Some(Shape::Newtype(member, Box::new(only.ty.clone())));
    }
    let message = format!(
        "`Value` needs a struct with one field, `{name}` has {}: \
         add `#[value(json)]` to keep all of it as JSON",
        fields.len()
    );
    errors.at(name.span(), message);
    None
}

fn variants(body: &DataEnum, words: ValueWords, given: &Given, errors: &mut Errors) -> Shape {
    let unlabelled = [
        (
            "json",
            "a variant of a JSON enum: use `#[serde(rename = \"…\")]`",
        ),
        ("integer", "a variant of an integer enum: remove it"),
    ];
    for (_, place) in unlabelled.iter().filter(|(word, _)| given.has(word)) {
        for variant in &body.variants {
            VARIANT.refuse(&variant.attrs, place, errors);
        }
    }
    if given.has("json") {
        return Shape::Json;
    }
    for variant in body
        .variants
        .iter()
        .filter(|variant| !variant.fields.is_empty())
    {
        let message = format!(
            "the variant `{}` holds fields, which have no place in a column: \
             remove them or add `#[value(json)]` to the enum",
            variant.ident
        );
        errors.at(variant.ident.span(), message);
    }
    if given.has("integer") {
        return Shape::Numbers(numbers(body));
    }
    let labels = body
        .variants
        .iter()
        .map(|variant| label(variant, words.rename_all, errors))
        .collect();
    Shape::Labels(labels, words.native)
}

fn label(variant: &Variant, case: Option<Case>, errors: &mut Errors) -> Label {
    let mut words = VariantWords::default();
    VARIANT.read(&variant.attrs, &mut words, errors);
    let name = variant.ident.unraw().to_string();
    let text = case.unwrap_or(Case::Snake).apply(&name);
    Label {
        ident: variant.ident.clone(),
        text: words
            .label
            .unwrap_or_else(|| spanned(text, variant.ident.span())),
    }
}

/// The discriminants, counted on from the last literal as Rust does it.
fn numbers(body: &DataEnum) -> Vec<Number> {
    let mut next = Some(0_i64);
    let mut numbers = Vec::new();
    for variant in &body.variants {
        let known = match &variant.discriminant {
            Some((_, expression)) => literal(expression),
            None => next,
        };
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
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            literal(&unary.expr).and_then(i64::checked_neg)
        }
        _ => None,
    }
}

//! `impl Value`: how a type of the program is stored in a column.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Member, Type};

use crate::{
    expand::output::private,
    model::{Label, Number, Representation, Spanned, Value},
    naming,
};

pub(super) fn implementation(value: &Value) -> TokenStream {
    let (private, name) = (private(&value.target), &value.target.ident);
    let (items, body) = match &value.representation {
        Representation::Newtype(member, ty) => (TokenStream::new(), newtype(&private, member, ty)),
        Representation::Labels(labels, native) => (
            enum_type(&private, labels, native.as_ref()),
            self::labels(&private, labels, native.is_some()),
        ),
        Representation::Numbers(numbers) => {
            (member(value, numbers), self::numbers(&private, numbers))
        }
        Representation::Json => (TokenStream::new(), json(&private)),
    };
    // One bound for both directions, so that rustc reports a missing impl of serde once.
    let condition = matches!(value.representation, Representation::Json)
        .then(|| quote!(where Self: #private::Document));
    quote! {
        #items

        #[automatically_derived]
        impl #private::Value for #name #condition {
            type Plain = Self;

            #body
        }
    }
}

/// Stored as the only field.
fn newtype(private: &TokenStream, member: &Member, ty: &Type) -> TokenStream {
    quote! {
        const KIND: #private::Kind = <#ty as #private::Value>::KIND;
        const NULLABLE: bool = <#ty as #private::Value>::NULLABLE;

        fn to_datum(&self) -> #private::Datum {
            <#ty as #private::Value>::to_datum(&self.#member)
        }

        fn into_datum(self) -> #private::Datum {
            <#ty as #private::Value>::into_datum(self.#member)
        }

        fn from_datum(
            datum: #private::DatumRef<'_>,
        ) -> ::core::result::Result<Self, #private::Mismatch> {
            <#ty as #private::Value>::from_datum(datum).map(|value| Self { #member: value })
        }

        fn cast(
            input: #private::DatumRef<'_>,
        ) -> ::core::result::Result<Self, #private::Mismatch> {
            <#ty as #private::Value>::cast(input).map(|value| Self { #member: value })
        }
    }
}

/// The native enum of PostgreSQL, if there is one.
fn enum_type(
    private: &TokenStream,
    labels: &[Label],
    native: Option<&Spanned<String>>,
) -> TokenStream {
    let Some(native) = native else {
        return TokenStream::new();
    };
    let name = &native.value;
    let labels = labels.iter().map(|label| &label.text.value);
    quote! {
        static TYPE: #private::EnumType = #private::EnumType {
            name: #name,
            labels: &[#(#labels),*],
        };
    }
}

/// Stored as text, one label per variant.
fn labels(private: &TokenStream, labels: &[Label], is_native: bool) -> TokenStream {
    let variants: Vec<_> = labels.iter().map(|label| &label.ident).collect();
    let texts: Vec<_> = labels.iter().map(|label| &label.text.value).collect();
    let expected = one_of(labels.iter().map(|label| label.text.value.as_str()));
    let (kind, datum) = if is_native {
        (
            quote!(#private::Kind::Enum(&TYPE)),
            quote!(#private::Datum::Enum(&TYPE, label)),
        )
    } else {
        (
            quote!(#private::Kind::Text),
            quote!(#private::Datum::Text(::std::string::String::from(label))),
        )
    };
    quote! {
        const KIND: #private::Kind = #kind;

        fn to_datum(&self) -> #private::Datum {
            let label = match self {
                #(Self::#variants => #texts,)*
            };
            #datum
        }

        fn from_datum(
            datum: #private::DatumRef<'_>,
        ) -> ::core::result::Result<Self, #private::Mismatch> {
            if let #private::DatumRef::Text(label) = datum {
                match label {
                    #(#texts => return ::core::result::Result::Ok(Self::#variants),)*
                    _ => {}
                }
            }
            ::core::result::Result::Err(#private::Mismatch::expected(#expected, datum))
        }
    }
}

/// The variant of a number, and the text of the error if there is none.
fn member(value: &Value, numbers: &[Number]) -> TokenStream {
    let name = &value.target.ident;
    let variants = numbers.iter().map(|number| &number.ident);
    let known: Option<Vec<String>> = numbers
        .iter()
        .map(|number| number.known.map(|known| known.to_string()))
        .collect();
    let expected = known.map_or_else(
        || format!("a number of `{name}`"),
        |known| one_of(known.iter().map(String::as_str)),
    );
    // Comparisons instead of a match: a discriminant may be an expression, which is no pattern.
    quote! {
        const EXPECTED: &str = #expected;

        fn member(number: i64) -> ::core::option::Option<#name> {
            #(
                if number == #name::#variants as i64 {
                    return ::core::option::Option::Some(#name::#variants);
                }
            )*
            ::core::option::Option::None
        }
    }
}

/// Stored as the number of the variant.
fn numbers(private: &TokenStream, numbers: &[Number]) -> TokenStream {
    let variants: Vec<_> = numbers.iter().map(|number| &number.ident).collect();
    let from_datum = member_of(private, quote!(datum), TokenStream::new());
    let cast = member_of(
        private,
        quote!(input),
        quote!(#private::DatumRef::Text(text) => text.trim().parse::<i64>().ok(),),
    );
    // Only rustc can evaluate the discriminants, so the constant itself finds out whether they fit in 32 bits. `for` is
    // not allowed in constants.
    quote! {
        const KIND: #private::Kind = {
            let numbers = [#(Self::#variants as i64),*];
            let (mut at, mut is_small) = (0, true);
            while at < numbers.len() {
                is_small = is_small && numbers[at] as i32 as i64 == numbers[at];
                at += 1;
            }
            if is_small { #private::Kind::Int32 } else { #private::Kind::Int64 }
        };

        fn to_datum(&self) -> #private::Datum {
            #private::Datum::Int(match self {
                #(Self::#variants => Self::#variants as i64,)*
            })
        }

        fn from_datum(
            datum: #private::DatumRef<'_>,
        ) -> ::core::result::Result<Self, #private::Mismatch> {
            #from_datum
        }

        fn cast(
            input: #private::DatumRef<'_>,
        ) -> ::core::result::Result<Self, #private::Mismatch> {
            #cast
        }
    }
}

/// The variant of a datum; `more` has arms for further forms of numbers.
fn member_of(private: &TokenStream, datum: TokenStream, more: TokenStream) -> TokenStream {
    quote! {
        let number = match #datum {
            #private::DatumRef::Int(number) => ::core::option::Option::Some(number),
            #private::DatumRef::UInt(number) => {
                <i64 as ::core::convert::TryFrom<u64>>::try_from(number).ok()
            }
            #more
            _ => ::core::option::Option::None,
        };
        match number.and_then(member) {
            ::core::option::Option::Some(value) => ::core::result::Result::Ok(value),
            ::core::option::Option::None => {
                ::core::result::Result::Err(#private::Mismatch::expected(EXPECTED, #datum))
            }
        }
    }
}

/// Stored as a JSON document.
fn json(private: &TokenStream) -> TokenStream {
    quote! {
        const KIND: #private::Kind = #private::Kind::Json;

        fn to_datum(&self) -> #private::Datum {
            #private::Document::to_document(self)
        }

        fn from_datum(
            datum: #private::DatumRef<'_>,
        ) -> ::core::result::Result<Self, #private::Mismatch> {
            #private::Document::from_document(datum)
        }
    }
}

/// The first names of a list, for a message that stays readable.
fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.collect();
    let shown = naming::listed(names.iter().take(SHOWN).copied());
    match names.len() {
        1 => shown,
        all if all > SHOWN => format!("one of {shown} … ({all} in all)"),
        _ => format!("one of {shown}"),
    }
}

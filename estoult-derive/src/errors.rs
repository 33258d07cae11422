//! The mistakes found so far: all of them reach the compiler together.

use std::fmt::Display;

use proc_macro2::Span;

/// Collects errors, so that one run tells all of them.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// The value, or its error kept for later.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn into_result(self) -> syn::Result<()> {
        let together = self.found.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        together.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proc_macro2::TokenStream;

    /// What a derive tells of a type, in order: `place: message`.
    pub(crate) fn told(
        derive: fn(TokenStream) -> syn::Result<TokenStream>,
        source: &str,
    ) -> Vec<String> {
        let Err(error) = derive(source.parse().unwrap()) else {
            return Vec::new();
        };
        let errors = error.into_iter();
        let told = errors.map(|error| {
            let place = error.span().source_text().unwrap_or_default();
            format!("{place}: {error}")
        });
        told.collect()
    }
}

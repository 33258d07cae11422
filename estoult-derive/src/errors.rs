//! [`Errors`]: the mistakes found so far, which reach the compiler together.

use std::fmt::Display;

use proc_macro2::Span;

/// Collects errors, so that one run of the compiler shows all of them.
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

    /// The value; an error is recorded for later.
    pub(crate) fn record<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn into_result(self) -> syn::Result<()> {
        // The compiler shows each part of a combined error at its own span.
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

    /// The errors of a derive for a type, in order: `place: message`.
    pub(crate) fn messages(
        derive: fn(TokenStream) -> syn::Result<TokenStream>,
        source: &str,
    ) -> Vec<String> {
        let Err(error) = derive(source.parse().unwrap()) else {
            return Vec::new();
        };
        let errors = error.into_iter();
        let messages = errors.map(|error| {
            let place = error.span().source_text().unwrap_or_default();
            format!("{place}: {error}")
        });
        messages.collect()
    }
}

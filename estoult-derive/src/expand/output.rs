//! What all generated code shares: its paths and its documentation.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Target;

/// The path of the items that only generated code uses.
pub(super) fn private(target: &Target) -> TokenStream {
    let root = &target.root;
    quote!(#root::__private)
}

/// A first sentence by the derive, then the user's own documentation.
pub(super) fn documented(sentence: &str, docs: &str) -> String {
    format!("{sentence}\n\n{docs}").trim_end().to_owned()
}

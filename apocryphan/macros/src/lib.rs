//! `migrations!`: a folder of migrations, read and checked when the program is compiled.

mod expand;
mod module;
mod set;

use proc_macro::TokenStream;

#[doc = include_str!("migrations.md")]
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    let invoked_in = proc_macro::Span::call_site().local_file();
    expand::migrations(input.into(), invoked_in).into()
}

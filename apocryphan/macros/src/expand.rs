//! Writes the expansion of `migrations!`.

use std::path::{self, Path, PathBuf};

use apocryphan_migration::Problems;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::LitStr;

use crate::set::{self, Embedded, EmbeddedKind};

pub(crate) fn migrations(input: TokenStream, invoked_in: Option<PathBuf>) -> TokenStream {
    let folder: LitStr = match syn::parse2(input) {
        Ok(folder) => folder,
        Err(error) => {
            let message = format!(
                "{error}: `migrations!` takes one folder, as in migrations!(\"./migrations\")"
            );
            return syn::Error::new(error.span(), message).to_compile_error();
        }
    };
    let Some(root) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        let message = "`migrations!` finds its folder from CARGO_MANIFEST_DIR on, which is not set; cargo sets it";
        return syn::Error::new(folder.span(), message).to_compile_error();
    };
    match set::read(&root, &folder.value()) {
        Ok(set) => embedded(&set, &root.join(folder.value()), invoked_in.as_deref()),
        Err(problems) => compile_errors(&problems, folder.span()),
    }
}

fn compile_errors(problems: &Problems, span: Span) -> TokenStream {
    // An empty set stands in for the real one, so that the errors of the folder are not followed by others.
    let errors = problems
        .iter()
        .map(|problem| syn::Error::new(span, problem).to_compile_error());
    quote! { { #(#errors)* ::apocryphan::rider::MigrationSet::default() } }
}

fn embedded(set: &[Embedded], folder: &Path, invoked_in: Option<&Path>) -> TokenStream {
    let modules = set.iter().filter_map(module);
    let migrations = set.iter().map(migration);
    // Cargo gives an absolute path. Should it ever not, the debug build looks for the folder from its working
    // directory.
    let folder = text(&path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    let source = match invoked_in.and_then(|file| path::absolute(file).ok()) {
        Some(file) => {
            let file = text(&file);
            quote! { ::core::option::Option::Some(#file) }
        }
        None => quote! { ::core::option::Option::None },
    };
    quote! {
        {
            #(#modules)*
            #[cfg(debug_assertions)]
            let origin = ::core::option::Option::Some((#folder, #source));
            #[cfg(not(debug_assertions))]
            let origin = ::core::option::Option::None;
            ::apocryphan::rider::__private::embedded(::std::vec![#(#migrations),*], origin)
        }
    }
}

fn module(migration: &Embedded) -> Option<TokenStream> {
    let EmbeddedKind::Rust { name, .. } = &migration.kind else {
        return None;
    };
    let name = format_ident!("{name}");
    let path = text(&migration.path);
    // The path is absolute, since a macro may be called in a module whose own folder is another one.
    Some(quote! {
        #[path = #path]
        #[allow(dead_code, missing_docs, unreachable_pub, reason = "a migration stands alone")]
        mod #name;
    })
}

fn migration(migration: &Embedded) -> TokenStream {
    let Embedded {
        id,
        path,
        file,
        kind,
    } = migration;
    match kind {
        EmbeddedKind::Sql { companion } => {
            let path = text(path);
            let companion = match companion {
                Some((path, file)) => {
                    let path = text(path);
                    quote! { ::core::option::Option::Some((#file, include_str!(#path))) }
                }
                None => quote! { ::core::option::Option::None },
            };
            quote! {
                ::apocryphan::rider::__private::sql(#id, (#file, include_str!(#path)), #companion)
            }
        }
        EmbeddedKind::Rust { module, name } => {
            let name = format_ident!("{name}");
            let depends = &module.depends;
            let transactional = module.transactional;
            let message = match &module.message {
                Some(message) => quote! { ::core::option::Option::Some(#message) },
                None => quote! { ::core::option::Option::None },
            };
            quote! {
                ::apocryphan::rider::__private::rust(
                    (#id, #file),
                    #message,
                    &[#(#depends),*],
                    #transactional,
                    || ::std::vec::Vec::from_iter(#name::steps()),
                )
            }
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

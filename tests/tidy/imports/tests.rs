//! The check of imports on small crates that exist in memory only.

use std::collections::BTreeMap;

use super::Imports;

fn imports(files: &[(&str, &str)]) -> Imports {
    let texts: BTreeMap<String, String> = files
        .iter()
        .map(|(path, text)| (format!("src/{path}"), (*text).to_owned()))
        .collect();
    let imports = Imports::read("src/lib.rs", &texts);
    assert_eq!(imports.tree.problems, [""; 0]);
    imports
}

fn cycles(files: &[(&str, &str)]) -> Vec<String> {
    imports(files).cycles_of_files()
}

#[test]
fn a_cycle_of_two_files_is_refused() {
    let found = cycles(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "\npub struct B(crate::a::A);\n"),
    ]);
    assert_eq!(
        found,
        [
            "a cycle of 2\n      src/a.rs:1 uses `crate::b::B` of src/b.rs\n      \
          src/b.rs:2 uses `crate::a::A` of src/a.rs"
        ]
    );
}

#[test]
fn a_cycle_of_a_module_and_its_part_is_refused() {
    let found = cycles(&[
        ("lib.rs", "mod a;\n"),
        ("a.rs", "mod b;\npub struct A(b::B);\n"),
        ("a/b.rs", "pub struct B(super::A);\n"),
    ]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_re_export_leads_to_where_the_name_is_defined() {
    let found = cycles(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "mod part;\npub(crate) use part::Part as Renamed;\n"),
        ("a/part.rs", "pub struct Part(crate::b::B);\n"),
        ("b.rs", "use crate::a::Renamed;\npub struct B;\n"),
    ]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("of src/a/part.rs"), "{found:?}");
}

#[test]
fn a_re_export_of_a_part_is_no_use_of_it() {
    let found = cycles(&[
        ("lib.rs", "mod a;\npub use a::{A, Part};\n"),
        ("a.rs", "mod part;\npub use part::Part;\npub struct A;\n"),
        (
            "a/part.rs",
            "use super::A;\npub struct Part(A, crate::A);\n",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_is_re_exported_and_named_is_used() {
    let found = cycles(&[
        ("lib.rs", "mod a;\n"),
        (
            "a.rs",
            "mod part;\npub use part::Part;\npub struct A(Part);\n",
        ),
        ("a/part.rs", "pub struct Part(Box<super::A>);\n"),
    ]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_path_in_a_macro_is_a_use() {
    let found = cycles(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        (
            "a.rs",
            "macro_rules! make { ($t:ty) => { $crate::b::B::new($t) } }\npub(crate) use make;\n",
        ),
        ("b.rs", "pub struct B;\nfn f() { crate::a::make!(u8); }\n"),
    ]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_macro_is_used_where_only_its_name_stands() {
    let found = cycles(&[
        ("lib.rs", "mod a;\n"),
        (
            "a.rs",
            "macro_rules! make { () => {} }\nmod b;\nfn f() { b::f(); }\n",
        ),
        ("a/b.rs", "make!();\n"),
    ]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_path_in_braces_is_a_use() {
    let found = cycles(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        (
            "a.rs",
            "use crate::{b::{self as other, c::C}};\npub struct A;\n",
        ),
        ("b.rs", "mod c;\n"),
        (
            "b/c.rs",
            "fn f() { use crate::{a::{A, A as Other}}; }\npub struct C;\n",
        ),
    ]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_module_that_was_imported_is_used_where_its_name_stands() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b;\nfn f() { b::f() }\n"),
        ("b.rs", "fn f() { crate::a::f() }\n"),
    ];
    assert_eq!(cycles(&files).len(), 1);
    let unused = [files[0], ("a.rs", "use crate::b;\nfn f() {}\n"), files[2]];
    assert_eq!(cycles(&unused), [""; 0]);
}

#[test]
fn a_module_of_another_path_is_found_and_each_of_two_counts() {
    let found = cycles(&[
        (
            "lib.rs",
            "mod a;\n#[cfg(x)]\nmod b;\n#[cfg(not(x))]\n#[path = \"absent/b.rs\"]\nmod b;\n",
        ),
        ("a.rs", "fn f() { crate::b::f() }\n"),
        ("b.rs", "pub fn f() {}\n"),
        ("absent/b.rs", "pub fn f() { crate::a::f() }\n"),
    ]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("src/absent/b.rs"), "{found:?}");
}

#[test]
fn tests_may_use_anything() {
    let found = cycles(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\n"),
        (
            "b.rs",
            "pub struct B;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nfn f() { crate::a::f() }\n",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn parts_of_two_folders_that_use_each_other_are_refused() {
    let imports = imports(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "mod high;\nmod low;\n"),
        ("a/low.rs", "pub struct Low;\n"),
        ("a/high.rs", "struct High(crate::b::middle::Middle);\n"),
        ("b.rs", "mod middle;\n"),
        ("b/middle.rs", "pub struct Middle(crate::a::low::Low);\n"),
    ]);
    assert_eq!(imports.cycles_of_files(), [""; 0]);
    let found = imports.cycles_of_folders();
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("in src/lib.rs: a cycle of 2"),
        "{found:?}"
    );
}

#[test]
fn fields_methods_and_variables_of_macros_are_no_paths() {
    let found = cycles(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        (
            "a.rs",
            "use crate::b::B;\nfn f(x: B) { x.a::<u8>(); quote!(#b::c, $b::d) }\n",
        ),
        (
            "b.rs",
            "pub struct B { a: u8 }\nfn f<'a>(x: &'a B) { x.a.c(); other::a::A }\n",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_function_with_the_name_of_a_module_is_told_from_it() {
    let found = cycles(&[
        (
            "lib.rs",
            "mod low;\nmod sql;\nmod top;\npub use top::sql;\n",
        ),
        ("sql.rs", "pub struct Dialect;\n"),
        (
            "low.rs",
            "use crate::sql::{self, Dialect};\nfn f() -> sql::Dialect {}\npub struct Low;\n",
        ),
        ("top.rs", "mod sql;\npub use sql::sql;\n"),
        ("top/sql.rs", "pub fn sql(low: crate::low::Low) {}\n"),
    ]);
    assert_eq!(found, [""; 0]);
}

//! The guides of estoult and its README. They are compiled here: each block of Rust is a documentation test.
//!
//! A new guide gets a line below; `build.rs` says what stands around its code.

pub mod shop;

macro_rules! guides {
    ($($name:ident $file:literal)+) => {$(
        #[cfg(doctest)]
        #[doc = include_str!(concat!(env!("OUT_DIR"), "/", $file))]
        pub mod $name {}
    )+};
}

guides! {
    tour "tour.md"
    schema "schema.md"
    databases "databases.md"
    query "query.md"
    raw_sql "raw-sql.md"
    write "write.md"
    changeset "changeset.md"
    association "association.md"
    transaction "transaction.md"
    tenancy "tenancy.md"
    registry "registry.md"
    shell "shell.md"
    sync "sync.md"
    web "web.md"
    commandline "commandline.md"
    worker "worker.md"
    errors "errors.md"
    logging "logging.md"
    migrations "migrations.md"
    pool "pool.md"
    values "values.md"
    testing "testing.md"
    performance "performance.md"
    readme "README.md"
}

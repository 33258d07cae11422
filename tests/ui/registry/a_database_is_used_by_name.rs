//! A database is found by text or by a key.

use estoult::Registry;

fn main() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let _ = registry.using(7);
}

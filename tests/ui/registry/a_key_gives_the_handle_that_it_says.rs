//! A key of a read-only database gives a handle that only reads.

use estoult::{Database, DatabaseKey, ReadOnly, Registry};

const REPLICA: DatabaseKey<ReadOnly> = DatabaseKey::read_only("replica");

fn main() {
    let registry = Registry::builder("sqlite::memory:").build().unwrap();
    let _: Database = registry.using(REPLICA).unwrap();
}

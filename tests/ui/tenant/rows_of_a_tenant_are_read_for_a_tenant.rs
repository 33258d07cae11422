//! Rows of a tenant are read on a handle that is bound to one.

use estoult::{Database, Schema};

#[derive(Clone, Schema)]
#[schema(has_many(notes: Note))]
struct Customer {
    id: i64,
}

#[derive(Clone, Schema)]
struct Note {
    id: i64,
    #[field(tenant)]
    customer_id: i64,
}

fn read(database: &Database) {
    let _ = Note::query().all(database);
}

fn main() {}

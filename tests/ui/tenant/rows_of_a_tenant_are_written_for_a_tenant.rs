//! Rows of a tenant are written on a handle that is bound to one.

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

fn clear(database: &Database) {
    let _ = Note::query().delete_all(database);
}

fn main() {}

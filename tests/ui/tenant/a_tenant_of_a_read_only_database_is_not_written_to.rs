//! A tenant of a read-only database is only read.

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

fn clear(note: &Note) {
    let replica = Database::builder("sqlite::memory:")
        .read_only()
        .build()
        .unwrap();
    let _ = note.delete(&replica.for_tenant(7_i64));
}

fn main() {}

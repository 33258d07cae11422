//! A tenant has the type of its column.

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
    let tenant = database.for_tenant("seven".to_owned());
    let _ = Note::query().all(&tenant);
}

fn main() {}

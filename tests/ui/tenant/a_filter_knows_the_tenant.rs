//! A filter looks at rows of a tenant from rows of a tenant only.

use estoult::Schema;

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

fn main() {
    let _ = Customer::query().filter(Customer::notes.exists());
}

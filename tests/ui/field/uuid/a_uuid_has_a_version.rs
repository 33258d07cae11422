//! A UUID is made as one of two versions.

use estoult::Schema;
use uuid::Uuid;

#[derive(Schema)]
struct Book {
    id: i64,
    #[field(uuid = "v1")]
    token: Uuid,
}

fn main() {}

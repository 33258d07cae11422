//! The verbs, which run a query, a changeset or raw SQL on a database. Each is a short list of its stages: target,
//! statement, connection, rows, structs.

mod bulk;
mod call_site;
mod changeset;
mod constraint;
pub(crate) mod copy;
mod executor;
mod fill;
mod left_open;
pub(crate) mod pipeline;
mod preload;
mod query;
mod schema;
mod sql;
mod target;
mod tenanted;

pub use self::{
    bulk::insert_all,
    executor::{Executor, Reads, Writes},
    schema::Schema,
    sql::batch,
    tenanted::Tenanted,
};

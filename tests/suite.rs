//! The suite by topic, each test on every backend.

mod association;
mod changeset;
mod delete;
mod insert;
mod query;
mod raw;
mod rider;
mod smoke;
mod transaction;
mod update;
mod value;

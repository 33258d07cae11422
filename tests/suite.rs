//! The suite by topic, each test on every backend.

mod association;
mod bridge;
mod cancel;
mod changeset;
mod delete;
mod exhausted;
mod health;
mod insert;
mod lifespan;
mod lost;
mod pool;
mod query;
mod raw;
mod read_only;
mod registry;
mod rider;
mod route;
mod runtimes;
mod shell;
mod smoke;
mod tenant;
mod transaction;
mod update;
mod url;
mod value;

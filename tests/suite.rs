//! The suite by topic, each test on every backend.

mod query;
mod smoke;
mod value;

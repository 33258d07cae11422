//! The suite by topic, each test on every backend.

mod smoke;
mod value;

//! The suite by topic, each test on every backend.

mod rider;
mod smoke;
mod transaction;

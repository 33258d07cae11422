//! bookshop
fn main() {}

//! Every kind of value makes the round trip through a real column, or is an error that names the column.

mod decimal;
mod decode;
mod enumeration;
mod float;
mod integer;
mod json;
mod temporal;
mod text;

use estoult::{Error, ErrorKind};

/// The value was refused, and the message names the column.
fn refuses(error: &Error, column: &str) {
    assert!(matches!(error.kind(), ErrorKind::Decode), "{error:?}");
    assert!(error.message().contains(column), "{error}");
}

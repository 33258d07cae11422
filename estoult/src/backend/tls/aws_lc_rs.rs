//! Cryptography by the crate aws-lc-rs.

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};

pub(super) fn provider() -> Option<CryptoProvider> {
    Some(aws_lc_rs::default_provider())
}

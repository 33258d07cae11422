//! Cryptography by the crate ring.

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

pub(super) fn provider() -> Option<CryptoProvider> {
    Some(ring::default_provider())
}

//! The providers and certificate authorities that this build leaves out.
//!
//! Invariant: nothing here fails; the caller names the feature to add.

#[cfg(not(feature = "tls-aws-lc-rs"))]
pub(super) mod aws_lc_rs {
    use tokio_rustls::rustls::crypto::CryptoProvider;

    pub(in crate::backend::tls) fn provider() -> Option<CryptoProvider> {
        None
    }
}

#[cfg(not(feature = "tls-ring"))]
pub(super) mod ring {
    use tokio_rustls::rustls::crypto::CryptoProvider;

    pub(in crate::backend::tls) fn provider() -> Option<CryptoProvider> {
        None
    }
}

#[cfg(not(feature = "tls-bundled-roots"))]
pub(super) mod bundled_roots {
    use tokio_rustls::rustls::RootCertStore;

    pub(in crate::backend::tls) fn roots() -> Option<RootCertStore> {
        None
    }
}

#[cfg(not(feature = "tls-system-roots"))]
pub(super) mod system_roots {
    use tokio_rustls::rustls::RootCertStore;

    pub(in crate::backend::tls) fn roots() -> Option<RootCertStore> {
        None
    }
}

//! The certificate authorities of Mozilla, as they were when the program was built.

use tokio_rustls::rustls::RootCertStore;
use webpki_roots::TLS_SERVER_ROOTS;

pub(super) fn roots() -> Option<RootCertStore> {
    Some(RootCertStore {
        roots: TLS_SERVER_ROOTS.to_vec(),
    })
}

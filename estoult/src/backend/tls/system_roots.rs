//! The certificate authorities that the system trusts.

use rustls_native_certs::load_native_certs;
use tokio_rustls::rustls::RootCertStore;

pub(super) fn roots() -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // Certificates that can't be read are left out: a server that needs one of them is refused by its name.
    roots.add_parsable_certificates(load_native_certs().certs);
    Some(roots)
}

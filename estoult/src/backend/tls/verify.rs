//! What is verified of a server's certificate: as much as the mode asks for.
//!
//! Invariant: the signatures of the handshake are verified always, so that the server owns the certificate's key.

use std::sync::Arc;

use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

/// How rustls calls a certificate of a server that may sign others.
const SIGNED_ITSELF: &str = "CaUsedAsEndEntity";

/// Verifies a certificate as far as a mode asks for it.
#[derive(Debug)]
pub(super) struct ModeVerifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// `None` accepts every certificate: the connection is encrypted, but not known to lead to the server that is
    /// meant.
    trust: Option<Trust>,
}

/// Whom a connection trusts.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) authorities: Arc<WebPkiServerVerifier>,
    /// The certificates that the program named itself. One of them may be the server's own, which has signed itself.
    pub(super) named: Vec<CertificateDer<'static>>,
    /// Whether the certificate has to be for the name that was connected to.
    pub(super) verifies_name: bool,
}

impl ModeVerifier {
    pub(super) fn new(provider: &CryptoProvider, trust: Option<Trust>) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
            trust,
        }
    }
}

impl Trust {
    /// Whether a certificate that may sign others is one that the program named itself. `openssl req -x509` makes such
    /// certificates for servers, and OpenSSL takes them. Of the rest only the time was looked at by then; the
    /// certificate is known byte for byte, so neither who signed it nor what for says more.
    fn is_named(&self, certificate: &CertificateDer<'_>, error: &OtherError) -> bool {
        // The type of the reason is one of a crate that rustls keeps to itself.
        error.to_string() == SIGNED_ITSELF && self.named.iter().any(|own| own == certificate)
    }
}

impl ServerCertVerifier for ModeVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let authorities = &trust.authorities;
        match authorities.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            // The name is looked at last, so an error about it means that all else was in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !trust.verifies_name => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(CertificateError::Other(error)))
                if trust.is_named(certificate, &error) =>
            {
                if trust.verifies_name {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

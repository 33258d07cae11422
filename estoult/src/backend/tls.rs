//! TLS through rustls: whom a connection trusts, how it proves who the client is, and what binds a login to it.
//!
//! Invariant: knows no protocol around it; the mode of the address says how much is verified.

mod absent;
#[cfg(feature = "tls-aws-lc-rs")]
mod aws_lc_rs;
mod binding;
#[cfg(feature = "tls-bundled-roots")]
mod bundled_roots;
#[cfg(feature = "tls-ring")]
mod ring;
#[cfg(feature = "tls-system-roots")]
mod system_roots;
mod verify;

use std::{io, path::Path, sync::Arc};

pub(crate) use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::{WantsClientCert, WebPkiServerVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

#[cfg(not(feature = "tls-aws-lc-rs"))]
use self::absent::aws_lc_rs;
#[cfg(not(feature = "tls-bundled-roots"))]
use self::absent::bundled_roots;
#[cfg(not(feature = "tls-ring"))]
use self::absent::ring;
#[cfg(not(feature = "tls-system-roots"))]
use self::absent::system_roots;
pub(crate) use self::binding::channel_binding;
use self::verify::{ModeVerifier, Trust};
use crate::{
    backend::address::{Provider, Roots, ServerAddress, Tls},
    error::{Error, Result},
};

/// Makes connections encrypted, as an address asks for it.
#[derive(Debug, Clone)]
pub(crate) struct TlsConnector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsConnector {
    /// The connector of a server; `None` where its connections are never encrypted.
    pub(crate) fn new(server: &ServerAddress) -> Result<Option<Self>> {
        // A Unix socket does not leave the machine; PostgreSQL has no TLS on it ("Secure TCP/IP Connections with SSL").
        if server.tls == Tls::Disabled || server.socket.is_some() {
            return Ok(None);
        }
        let provider = Arc::new(provider(server.provider)?);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| refused(format!("{error}")))?;
        let verifier = verifier(server, &provider)?;
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = with_client_certificate(builder, server)?;
        Ok(Some(Self {
            config: Arc::new(config),
            name: server_name(server)?,
        }))
    }

    /// Encrypts a connection.
    pub(crate) async fn connect<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        connector.connect(self.name.clone(), stream).await
    }
}

fn refused(reason: impl AsRef<str>) -> Error {
    Error::configuration(format!("set up TLS: {}", reason.as_ref()))
}

fn provider(chosen: Option<Provider>) -> Result<CryptoProvider> {
    let (found, feature) = match chosen {
        None => (ring::provider().or_else(aws_lc_rs::provider), "tls-ring"),
        Some(Provider::Ring) => (ring::provider(), "tls-ring"),
        Some(Provider::AwsLcRs) => (aws_lc_rs::provider(), "tls-aws-lc-rs"),
    };
    found.ok_or_else(|| {
        Error::unsupported(format!(
            "set up TLS: this program was built without this provider of cryptography; add the feature `{feature}` of \
             estoult, or leave out `sslprovider`"
        ))
    })
}

fn verifier(server: &ServerAddress, provider: &Arc<CryptoProvider>) -> Result<ModeVerifier> {
    let verifies = match server.tls {
        Tls::VerifyFull | Tls::VerifyAuthority => true,
        // As in libpq: naming the authority's certificate asks for it to be verified ("SSL Support").
        Tls::Required => matches!(server.roots, Roots::File(_)),
        Tls::Disabled | Tls::Allowed | Tls::Preferred => false,
    };
    // As in libpq: such an authority certifies every site, so its word counts together with the name only.
    let is_public = match server.roots {
        Roots::System | Roots::Bundled => server.tls != Tls::VerifyFull,
        Roots::Any => server.tls == Tls::VerifyAuthority,
        Roots::File(_) => false,
    };
    if is_public {
        return Err(refused(
            "public authorities certify a name, and only `sslmode=verify-full` looks at it; use that mode, or name a \
             file of your own authorities with `sslrootcert`",
        ));
    }
    if !verifies {
        return Ok(ModeVerifier::new(provider, None));
    }
    let named = match &server.roots {
        Roots::File(path) => certificates(path)?,
        Roots::System | Roots::Bundled | Roots::Any => Vec::new(),
    };
    let authorities = Arc::new(roots(&server.roots, &named)?);
    let authorities =
        WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(provider))
            .build()
            .map_err(|error| refused(format!("{error}")))?;
    let trust = Trust {
        authorities,
        named,
        verifies_name: server.tls == Tls::VerifyFull,
    };
    Ok(ModeVerifier::new(provider, Some(trust)))
}

fn roots(roots: &Roots, named: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let missing = |what: &str, feature: &str| {
        Error::unsupported(format!(
            "set up TLS: this program was built without {what}; add the feature `{feature}` of estoult, or name a file \
             with `sslrootcert`"
        ))
    };
    match roots {
        Roots::File(path) => from_file(path, named),
        Roots::Bundled => bundled_roots::roots()
            .ok_or_else(|| missing("the bundled authorities", "tls-bundled-roots")),
        Roots::System => system_roots::roots()
            .ok_or_else(|| missing("the system's authorities", "tls-system-roots")),
        Roots::Any => bundled_roots::roots()
            .or_else(system_roots::roots)
            .ok_or_else(|| missing("certificate authorities", "tls-bundled-roots")),
    }
}

fn from_file(path: &Path, named: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in named {
        roots
            .add(certificate.clone())
            .map_err(|error| unreadable(path, &error))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>());
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(unreadable(path, &"it holds no certificate in PEM form"))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    refused(format!("read `{}`: {reason}", path.display()))
}

fn with_client_certificate(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    server: &ServerAddress,
) -> Result<ClientConfig> {
    match (&server.certificate, &server.certificate_key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let secret =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| unreadable(key, &error))
        }
        (Some(_), None) => Err(refused(
            "a client certificate is given without its key; name the file with `sslkey`",
        )),
        (None, Some(_)) => Err(refused(
            "a key is given without its client certificate; name the file with `sslcert`",
        )),
    }
}

fn server_name(server: &ServerAddress) -> Result<ServerName<'static>> {
    match ServerName::try_from(server.host.clone()) {
        Ok(name) => Ok(name),
        Err(_) if server.tls == Tls::VerifyFull => Err(refused(format!(
            "`{}` is no name that a certificate could be for; use `sslmode=verify-ca`, or the server's DNS name",
            server.host
        ))),
        // Unverified, the name only tells a proxy before the server which one is meant.
        Err(_) => ServerName::try_from("localhost").map_err(|error| refused(format!("{error}"))),
    }
}

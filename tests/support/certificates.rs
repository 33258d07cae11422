//! Throw-away certificates, good and bad ones, as the files that servers and clients read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

/// The role that the client certificate is for.
pub(crate) const ROLE: &str = "estoult";

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its private key, as PEM files.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Certificates in a folder that goes with this.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: TempDir,
    authority: Authority,
    other: Authority,
}

impl Certificates {
    /// Makes two authorities; only the first one is to be trusted.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [authority, other] = ["authority", "other"].map(|name| {
            let authority = make_authority(name);
            fs::write(file(&folder, name), authority.pem()).unwrap();
            authority
        });
        Self {
            folder,
            authority,
            other,
        }
    }

    /// The certificate of the authority that signs all others.
    pub(crate) fn authority(&self) -> PathBuf {
        file(&self.folder, "authority")
    }

    /// That of an authority which has signed no certificate of a server.
    pub(crate) fn other_authority(&self) -> PathBuf {
        file(&self.folder, "other")
    }

    /// A server on `localhost` and 127.0.0.1.
    pub(crate) fn server(&self) -> Identity {
        let parameters = server_parameters(&["localhost", "127.0.0.1"]);
        self.issue("server", parameters, &self.authority)
    }

    /// The same server, with a certificate that was valid in 2001.
    pub(crate) fn expired_server(&self) -> Identity {
        let mut parameters = server_parameters(&["localhost", "127.0.0.1"]);
        parameters.not_before = date_time_ymd(2001, 1, 1);
        parameters.not_after = date_time_ymd(2001, 12, 31);
        self.issue("expired", parameters, &self.authority)
    }

    /// A server on another host.
    pub(crate) fn wrong_server(&self) -> Identity {
        let parameters = server_parameters(&["elsewhere.example"]);
        self.issue("wrong", parameters, &self.authority)
    }

    /// A server whose certificate has signed itself and says that it may sign others, as `openssl req -x509` makes it.
    pub(crate) fn self_signed_server(&self, name: &str, host: &str, until: i32) -> Identity {
        let mut parameters = server_parameters(&[host]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.extended_key_usages = Vec::new();
        parameters.not_before = date_time_ymd(2001, 1, 1);
        parameters.not_after = date_time_ymd(until, 12, 31);
        let pair = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&pair).unwrap();
        self.write(name, &certificate, &pair)
    }

    /// A client that may be [`ROLE`].
    pub(crate) fn client(&self) -> Identity {
        self.issue("client", client_parameters(), &self.authority)
    }

    /// A client that says to be [`ROLE`] and was signed by the other authority.
    pub(crate) fn untrusted_client(&self) -> Identity {
        self.issue("untrusted", client_parameters(), &self.other)
    }

    fn issue(&self, name: &str, parameters: CertificateParams, by: &Authority) -> Identity {
        let pair = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&pair, by).unwrap();
        self.write(name, &certificate, &pair)
    }

    fn write(&self, name: &str, certificate: &Certificate, pair: &KeyPair) -> Identity {
        let identity = Identity {
            certificate: file(&self.folder, name),
            key: self.folder.path().join(format!("{name}.key")),
        };
        fs::write(&identity.certificate, certificate.pem()).unwrap();
        fs::write(&identity.key, pair.serialize_pem()).unwrap();
        restrict(&identity.key);
        identity
    }
}

fn file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(format!("{name}.pem"))
}

/// Clients and servers refuse a key that others may read.
fn restrict(key: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
}

fn make_authority(name: &str) -> Authority {
    let mut parameters = CertificateParams::default();
    parameters
        .distinguished_name
        .push(DnType::CommonName, format!("estoult {name}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn server_parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names.clone()).unwrap();
    parameters
        .distinguished_name
        .push(DnType::CommonName, names[0].clone());
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters
}

fn client_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, ROLE);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters
}

//! A PostgreSQL server of a test's own with settings, files and rules of access that the usual one does not have.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use super::{
    certificates::{Certificates, Identity},
    servers::{Server, private},
};

/// What a server gets before it starts for the first time.
#[derive(Debug, Default)]
pub(crate) struct PostgresSetup {
    settings: String,
    access: String,
    files: Vec<(&'static str, PathBuf)>,
}

impl PostgresSetup {
    /// Adds a setting, as it is written in `postgresql.conf`.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        let value = value.replace('\'', "''");
        let _ = writeln!(self.settings, "{name} = '{value}'");
        self
    }

    /// Adds a line of `pg_hba.conf`. With one, the usual lines are gone; the first line that fits a client decides.
    pub(crate) fn access(mut self, line: &str) -> Self {
        let _ = writeln!(self.access, "{line}");
        self
    }

    /// Turns TLS on with this certificate; client certificates have to be of the authority.
    pub(crate) fn tls(self, certificates: &Certificates, server: &Identity) -> Self {
        self.setting("ssl", "on")
            .file("ssl_cert_file", "server.pem", &server.certificate)
            .file("ssl_key_file", "server.key", &server.key)
            .file("ssl_ca_file", "authority.pem", &certificates.authority())
    }

    /// Starts the server; user and password are those of the shared one.
    pub(crate) fn start(&self) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let add = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        add("settings", &self.settings);
        if !self.access.is_empty() {
            add("pg_hba.conf", &self.access);
        }
        for (name, path) in &self.files {
            fs::copy(path, folder.path().join(name)).unwrap();
        }
        private("postgres", &[&folder.path().display().to_string()])
    }

    fn file(mut self, setting: &str, name: &'static str, path: &Path) -> Self {
        self.files.push((name, path.to_owned()));
        self.setting(setting, name)
    }
}

#[cfg(test)]
mod tests {
    use estoult::{Database, ErrorKind, Result, batch, sql};

    use super::{Certificates, Identity, PostgresSetup, Server};
    use crate::support::{certificates::ROLE, runtime};

    /// Whether the connection is encrypted, and the name in the client's certificate.
    type Connection = (bool, Option<String>);

    /// Connects with these options of a URL.
    fn connect(server: &Server, options: &str) -> Result<Connection> {
        connect_as(server.url(), options)
    }

    fn connect_as(url: &str, options: &str) -> Result<Connection> {
        let db = Database::builder(format!("{url}?{options}")).build()?;
        runtime().block_on(async {
            let lifespan = db.connect().await?;
            let text = "select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()";
            let row = sql(text).one(&db).await?;
            lifespan.close().await?;
            Ok(row)
        })
    }

    #[track_caller]
    fn refused(outcome: Result<Connection>, why: &str) {
        let error = outcome.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }

    fn trusting(certificates: &Certificates, mode: &str) -> String {
        format!(
            "sslmode={mode}&sslrootcert={}",
            certificates.authority().display()
        )
    }

    fn presenting(client: &Identity) -> String {
        format!(
            "&sslcert={}&sslkey={}",
            client.certificate.display(),
            client.key.display()
        )
    }

    #[test]
    fn a_good_certificate_is_trusted_and_a_client_shows_its_own() {
        let certificates = Certificates::new();
        let server = PostgresSetup::default()
            .tls(&certificates, &certificates.server())
            .access("hostssl all estoult 127.0.0.1/32 cert")
            .start();
        let full = trusting(&certificates, "verify-full");
        let (is_encrypted, name) = connect(
            &server,
            &format!("{full}{}", presenting(&certificates.client())),
        )
        .unwrap();
        assert!(is_encrypted);
        assert_eq!(name, Some(format!("/CN={ROLE}")));
        connect(&server, &full).unwrap_err();
        let untrusted = presenting(&certificates.untrusted_client());
        connect(&server, &format!("{full}{untrusted}")).unwrap_err();
        let other = certificates.other_authority();
        let other = format!("sslmode=verify-full&sslrootcert={}", other.display());
        refused(connect(&server, &other), "certificate");
        refused(connect(&server, "sslmode=disable"), "no pg_hba.conf entry");
    }

    #[test]
    fn an_expired_certificate_and_one_for_another_host_are_told_apart() {
        let certificates = Certificates::new();
        let expired = PostgresSetup::default()
            .tls(&certificates, &certificates.expired_server())
            .start();
        refused(
            connect(&expired, &trusting(&certificates, "verify-full")),
            "expired",
        );
        let wrong = PostgresSetup::default()
            .tls(&certificates, &certificates.wrong_server())
            .start();
        refused(
            connect(&wrong, &trusting(&certificates, "verify-full")),
            "not valid for name",
        );
        assert!(connect(&wrong, "sslmode=require").unwrap().0);
    }

    #[test]
    fn a_rule_decides_how_a_role_gets_in() {
        let server = PostgresSetup::default()
            .setting("password_encryption", "md5")
            .access("host all refused 127.0.0.1/32 reject")
            .access("host all old 127.0.0.1/32 md5")
            .access("host all all 127.0.0.1/32 scram-sha-256")
            .start();
        let db = Database::builder(server.url()).build().unwrap();
        runtime()
            .block_on(async {
                let lifespan = db.connect().await?;
                batch(
                    &db,
                    "create role old login password 'secret'; create role refused login",
                )
                .await?;
                lifespan.close().await
            })
            .unwrap();
        let url = |role| server.url().replace("estoult:", role);
        assert_eq!(connect_as(&url("old:"), "").unwrap(), (false, None));
        refused(connect_as(&url("refused:"), ""), "rejects connection");
    }
}

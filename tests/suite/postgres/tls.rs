//! TLS: every mode of libpq before servers with and without it, certificates that are wrong in every way, and servers
//! that cheat.

use std::sync::LazyLock;

use estoult::{Database, ErrorKind, Result, batch, sql};

use super::{log_in, refused};
use crate::support::{
    certificates::{Certificates, Identity},
    fake_postgres::{FakePostgres, Opening, error},
    postgres_setup::PostgresSetup,
    runtime,
    servers::{Server, postgres_url},
    within,
};

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::new);

/// A server with a good certificate, with roles that get in over TLS only, without it only, and by a certificate only.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = PostgresSetup::default()
        .tls(&CERTIFICATES, &CERTIFICATES.server())
        .access("hostssl all over_tls 127.0.0.1/32 trust")
        .access("hostnossl all in_plain 127.0.0.1/32 trust")
        .access("hostssl all certified 127.0.0.1/32 trust clientcert=verify-ca")
        .access("host all over_tls,in_plain,certified 127.0.0.1/32 reject")
        .access("host all all 127.0.0.1/32 scram-sha-256")
        .start();
    let db = Database::builder(server.url()).build().unwrap();
    let roles =
        "create role over_tls login; create role in_plain login; create role certified login";
    let outcome = runtime().block_on(async {
        let lifespan = db.connect().await?;
        batch(&db, roles).await?;
        lifespan.close().await
    });
    outcome.unwrap();
    server
});

static EXPIRED: LazyLock<Server> = LazyLock::new(|| started(&CERTIFICATES.expired_server()));
static WRONG: LazyLock<Server> = LazyLock::new(|| started(&CERTIFICATES.wrong_server()));

fn started(identity: &Identity) -> Server {
    let setup = PostgresSetup::default();
    setup.tls(&CERTIFICATES, identity).start()
}

/// Logs in as this role of the server, with these options.
fn as_role(server: &Server, role: &str, options: &str) -> Result<bool> {
    let url = server.url().replace("estoult:", &format!("{role}:"));
    let (user, is_encrypted) = log_in(&format!("{url}?{options}"))?;
    assert_eq!(user, role);
    Ok(is_encrypted)
}

fn with_mode(server: &Server, mode: &str, roots: &str) -> Result<bool> {
    as_role(server, "estoult", &format!("sslmode={mode}{roots}"))
}

/// The option that trusts the authority of the servers.
fn trusting() -> String {
    format!("&sslrootcert={}", CERTIFICATES.authority().display())
}

#[test]
fn each_mode_encrypts_where_it_has_to() {
    let roots = trusting();
    let modes = [
        ("disable", false),
        ("allow", false),
        ("prefer", true),
        ("require", true),
        ("verify-ca", true),
        ("verify-full", true),
    ];
    for (mode, is_encrypted) in modes {
        assert_eq!(
            with_mode(&SERVER, mode, &roots).unwrap(),
            is_encrypted,
            "{mode}"
        );
    }
    let without_roots = ["prefer", "require"];
    for mode in without_roots {
        assert!(with_mode(&SERVER, mode, "").unwrap(), "{mode}");
    }
}

#[test]
fn a_server_without_tls_gets_plain_connections_or_none() {
    for mode in ["disable", "allow", "prefer"] {
        let url = format!("{}?sslmode={mode}", postgres_url());
        assert!(!log_in(&url).unwrap().1, "{mode}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("{}?sslmode={mode}{}", postgres_url(), trusting());
        let outcome = log_in(&url);
        // A server in between answers just so, and must not get the password in plain text.
        assert!(!outcome.as_ref().unwrap_err().message().contains("prefer"));
        refused(outcome, "set `ssl = on` on the server");
    }
}

#[test]
fn allow_and_prefer_try_the_other_way_when_the_server_refuses_one() {
    assert!(as_role(&SERVER, "over_tls", "sslmode=allow").unwrap());
    assert!(as_role(&SERVER, "over_tls", "sslmode=prefer").unwrap());
    assert!(!as_role(&SERVER, "in_plain", "sslmode=allow").unwrap());
    assert!(!as_role(&SERVER, "in_plain", "sslmode=prefer").unwrap());
    for (role, mode) in [("over_tls", "disable"), ("in_plain", "require")] {
        let outcome = as_role(&SERVER, role, &format!("sslmode={mode}"));
        refused(outcome, "whom the server lets in");
    }
}

#[test]
fn an_expired_certificate_is_refused_where_it_is_verified() {
    assert!(with_mode(&EXPIRED, "require", "").unwrap());
    for mode in ["require", "verify-ca", "verify-full"] {
        let outcome = with_mode(&EXPIRED, mode, &trusting());
        refused(outcome, "renew the server's certificate");
    }
}

#[test]
fn a_wrong_name_is_refused_by_verify_full_alone() {
    assert!(with_mode(&WRONG, "verify-ca", &trusting()).unwrap());
    let outcome = with_mode(&WRONG, "verify-full", &trusting());
    refused(outcome, "connect by a name of the certificate");
}

#[test]
fn a_server_that_has_signed_its_certificate_is_trusted_by_that() {
    let trusting_itself = |identity: &Identity, mode| {
        let naming = format!("&sslrootcert={}", identity.certificate.display());
        with_mode(&started(identity), mode, &naming)
    };
    let own = CERTIFICATES.self_signed_server("own", "127.0.0.1", 2999);
    for mode in ["require", "verify-ca", "verify-full"] {
        assert!(trusting_itself(&own, mode).unwrap(), "{mode}");
    }
    let outcome = with_mode(&started(&own), "verify-full", &trusting());
    refused(outcome, "name it with `sslrootcert`");
    // What else is looked at in other certificates is looked at in this one.
    let elsewhere = CERTIFICATES.self_signed_server("elsewhere", "elsewhere.example", 2999);
    assert!(trusting_itself(&elsewhere, "verify-ca").unwrap());
    let outcome = trusting_itself(&elsewhere, "verify-full");
    refused(outcome, "connect by a name of the certificate");
    let expired = CERTIFICATES.self_signed_server("expired_own", "127.0.0.1", 2002);
    let outcome = trusting_itself(&expired, "verify-ca");
    refused(outcome, "renew the server's certificate");
}

#[test]
fn an_unknown_authority_is_refused() {
    let other = format!("&sslrootcert={}", CERTIFICATES.other_authority().display());
    for mode in ["require", "verify-ca", "verify-full"] {
        let outcome = with_mode(&SERVER, mode, &other);
        refused(
            outcome,
            "name the authority's certificate with `sslrootcert`",
        );
    }
    // The authorities that a program is built with do not know it either.
    for roots in ["", "&sslrootcert=bundled"] {
        let outcome = with_mode(&SERVER, "verify-full", roots);
        refused(
            outcome,
            "name the authority's certificate with `sslrootcert`",
        );
    }
}

#[test]
fn verify_ca_needs_a_file_of_authorities() {
    let mysql = "mysql://app@localhost/shop?ssl-mode=verify-ca";
    for outcome in [
        with_mode(&SERVER, "verify-ca", "").map(drop),
        Database::builder(mysql).build().map(drop),
    ] {
        let error = outcome.unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Configuration);
        assert!(is_known, "{error:?}");
        assert!(error.message().contains("public authorities"), "{error}");
    }
}

#[test]
fn public_authorities_are_trusted_for_a_name_only() {
    for roots in ["&sslrootcert=bundled", "&sslrootcert=system"] {
        for mode in ["allow", "prefer", "require", "verify-ca"] {
            let error = with_mode(&SERVER, mode, roots).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Configuration),
                "{error:?}"
            );
            assert!(error.message().contains("sslmode=verify-full"), "{error}");
        }
    }
}

#[test]
fn what_the_program_was_built_without_is_said() {
    let system = with_mode(&SERVER, "verify-full", "&sslrootcert=system").unwrap_err();
    let is_missing = matches!(system.kind(), ErrorKind::Unsupported);
    assert!(
        !is_missing || system.message().contains("`tls-system-roots`"),
        "{system}"
    );
    assert!(with_mode(&SERVER, "require", "&sslprovider=ring").unwrap());
    match with_mode(&SERVER, "require", "&sslprovider=aws-lc-rs") {
        Ok(is_encrypted) => assert!(is_encrypted),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
            assert!(error.message().contains("`tls-aws-lc-rs`"), "{error}");
        }
    }
}

#[test]
fn a_client_certificate_gets_in_if_it_is_of_the_authority() {
    let presenting = |client: &Identity| {
        format!(
            "sslmode=require&sslcert={}&sslkey={}",
            client.certificate.display(),
            client.key.display()
        )
    };
    let good = presenting(&CERTIFICATES.client());
    assert!(as_role(&SERVER, "certified", &good).unwrap());
    let missing = as_role(&SERVER, "certified", "sslmode=require");
    refused(missing, "certificate");
    let untrusted = presenting(&CERTIFICATES.untrusted_client());
    refused(
        as_role(&SERVER, "certified", &untrusted),
        "refuses the client's certificate",
    );
}

#[test]
fn files_that_can_not_be_read_are_named() {
    let client = CERTIFICATES.client();
    let (certificate, key) = (client.certificate.display(), client.key.display());
    let wrong = [
        (
            "sslrootcert=/nowhere/root.pem".to_owned(),
            "/nowhere/root.pem",
        ),
        (format!("sslrootcert={key}"), "no certificate in PEM form"),
        (format!("sslcert={certificate}"), "`sslkey`"),
        (format!("sslkey={key}"), "`sslcert`"),
        (
            format!("sslcert={certificate}&sslkey={certificate}"),
            "read `",
        ),
        (
            format!("sslcert={certificate}&sslkey=/nowhere/key"),
            "/nowhere/key",
        ),
    ];
    for (options, why) in wrong {
        let options = format!("sslmode=verify-full&{options}");
        let error = as_role(&SERVER, "estoult", &options).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        assert!(error.message().contains(why), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

/// How connecting ends when the server answers the request for TLS with these bytes.
fn answered_with(bytes: &'static [u8], mode: &str) -> Result<(String, bool)> {
    let server = FakePostgres::start(move |wire| match wire.opening()? {
        Opening::Tls => wire.send(bytes),
        _ => Ok(()),
    });
    log_in(&format!("{}?sslmode={mode}", server.url()))
}

#[test]
fn a_statement_that_is_larger_than_all_buffers_is_sent_encrypted() {
    let url = format!("{}?sslmode=require", SERVER.url());
    let db = Database::builder(url).max_connections(1).build().unwrap();
    let outcome: Result<()> = runtime().block_on(async {
        let lifespan = db.connect().await?;
        let large = "x".repeat(20_000_000);
        let echo = sql("select :large").bind("large", large.as_str());
        let (read,): (String,) = within("it is answered", echo.one(&db)).await?;
        assert!(read == large);
        // One that is dropped in the middle is cancelled on an encrypted connection, too.
        let nap = sql("select pg_sleep(600)").rows(&db);
        let limit = std::time::Duration::from_millis(20);
        tokio::time::timeout(limit, nap).await.unwrap_err();
        within("it is free", sql("select 1").rows(&db)).await?;
        lifespan.close().await
    });
    outcome.unwrap();
}

#[test]
fn bytes_in_plain_behind_the_answer_are_not_taken_for_the_server() {
    // A greeting that is not encrypted: any host on the way could have added it.
    let greeting = b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    refused(answered_with(greeting, "require"), "TLS failed");
    // The attempt without TLS that `prefer` allows is one of its own, with a greeting of its own.
    refused(answered_with(greeting, "prefer"), "connect to");
}

#[test]
fn a_server_that_answers_something_else_is_refused() {
    refused(answered_with(b"H", "prefer"), "is it PostgreSQL?");
    refused(answered_with(b"", "prefer"), "connect to");
    refused(answered_with(b"S", "require"), "TLS failed");
    let full: &'static [u8] = error("53300", "sorry, too many clients already").leak();
    refused(answered_with(full, "require"), "is it PostgreSQL?");
}

//! Logins: each method of PostgreSQL, right and wrong passwords, channel binding, and servers that do not prove that
//! they know the password.

use std::sync::{Arc, LazyLock, Mutex};

use estoult::{Database, batch};

use super::{log_in, refused};
use crate::support::{
    certificates::Certificates,
    fake_postgres::{FakePostgres, Signature, message},
    postgres_setup::PostgresSetup,
    runtime,
    servers::Server,
};

/// A server with TLS and a role for each method of logging in, each with the name of its method.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let certificates = Certificates::new();
    let mut setup = PostgresSetup::default().tls(&certificates, &certificates.server());
    for method in ["md5", "password", "trust"] {
        setup = setup.access(&format!("host all {method} 127.0.0.1/32 {method}"));
    }
    let server = setup
        .access("host all all 127.0.0.1/32 scram-sha-256")
        .access("local all all scram-sha-256")
        .start();
    let script = "set password_encryption = 'md5'; create role md5 login password 'secret'; \
        set password_encryption = 'scram-sha-256'; create role password login password 'secret'; \
        create role trust login; create role scram login password 'secret'; create role \"o'dd @ näme\" login \
        password 'pä:ss secret %'";
    let db = Database::builder(server.url()).build().unwrap();
    let outcome = runtime().block_on(async {
        let lifespan = db.connect().await?;
        batch(&db, script).await?;
        lifespan.close().await
    });
    outcome.unwrap();
    server
});

const METHODS: [&str; 4] = ["scram", "md5", "password", "trust"];

/// The server's URL for this login, with these options.
fn url(login: &str, options: &str) -> String {
    let url = SERVER
        .url()
        .replace("estoult:secret@", &format!("{login}@"));
    format!("{url}?{options}")
}

#[test]
fn each_method_lets_the_right_password_in() {
    for mode in ["disable", "require"] {
        for role in METHODS {
            let (user, is_encrypted) =
                log_in(&url(&format!("{role}:secret"), &format!("sslmode={mode}"))).unwrap();
            assert_eq!((user.as_str(), is_encrypted), (role, mode == "require"));
        }
    }
}

#[test]
fn names_and_passwords_may_have_any_character() {
    let login = "o%27dd%20%40%20n%C3%A4me:p%C3%A4%3Ass%20secret%20%25";
    assert_eq!(log_in(&url(login, "")).unwrap().0, "o'dd @ näme");
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    for role in ["scram", "md5", "password", "missing"] {
        let outcome = log_in(&url(&format!("{role}:secret4711"), ""));
        refused(outcome, "check user and password of the URL");
    }
}

#[test]
fn a_missing_password_is_asked_for() {
    for role in ["scram", "md5", "password"] {
        refused(
            log_in(&url(role, "")),
            "asks for a password, and the URL has none",
        );
    }
    assert_eq!(log_in(&url("trust", "")).unwrap().0, "trust");
}

#[test]
fn a_missing_database_is_named() {
    let nowhere = url("scram:secret", "dbname=nowhere");
    refused(log_in(&nowhere), "create it, or name another in the URL");
}

#[test]
fn a_unix_socket_leads_to_the_server() {
    let port = SERVER.url().rsplit(':').next().unwrap();
    let port = port.split('/').next().unwrap();
    let folder = SERVER.socket().display().to_string();
    let by_option =
        format!("postgres:///postgres?user=scram&password=secret&host={folder}&port={port}");
    // Without TLS, which a Unix socket does not have, whatever the mode asks for.
    for mode in ["prefer", "require"] {
        let url = format!("{by_option}&sslmode={mode}");
        assert_eq!(log_in(&url).unwrap(), ("scram".to_owned(), false));
    }
    let host = folder.replace('/', "%2F");
    let by_host = format!("postgres://scram:secret@{host}:{port}/postgres");
    assert_eq!(log_in(&by_host).unwrap().0, "scram");
    let wrong = format!("postgres:///postgres?user=scram&password=secret&host={folder}&port=1");
    refused(log_in(&wrong), "is the server running and reachable?");
}

#[test]
fn channel_binding_is_used_over_tls_and_refused_without() {
    for binding in ["disable", "prefer", "require"] {
        let options = format!("sslmode=require&channel_binding={binding}");
        let (user, _) = log_in(&url("scram:secret", &options)).unwrap();
        assert_eq!(user, "scram");
    }
    let required = "sslmode=disable&channel_binding=require";
    refused(
        log_in(&url("scram:secret", required)),
        "channel_binding=require",
    );
    let required = "sslmode=require&channel_binding=require";
    for role in ["md5", "password", "trust"] {
        let outcome = log_in(&url(&format!("{role}:secret"), required));
        refused(outcome, "channel_binding=require");
    }
}

/// Asks for a login by this request, and gives what the client sent then and how its login ended.
fn answer_to(request: Vec<u8>, options: &str) -> (Vec<Vec<u8>>, estoult::Result<(String, bool)>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&seen);
    let server = FakePostgres::start(move |wire| {
        wire.parameters()?;
        wire.send(&request)?;
        while let Ok(message) = wire.read() {
            own.lock().unwrap().push(message.body);
        }
        Ok(())
    });
    let outcome = log_in(&format!("{}?{options}", server.url()));
    drop(server);
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (seen, outcome)
}

/// A request to log in: its kind, and more.
fn request(kind: i32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes(), rest].concat())
}

#[test]
fn no_password_is_sent_where_channel_binding_is_required() {
    let requests = [
        request(3, b""),
        request(5, b"salt"),
        request(10, b"SCRAM-SHA-256\0\0"),
    ];
    for request in requests {
        let (seen, outcome) = answer_to(request, "channel_binding=require");
        assert!(seen.is_empty(), "{seen:?}");
        refused(outcome, "channel_binding=require");
    }
}

#[test]
fn a_method_that_is_not_known_is_named() {
    for (kind, name) in [
        (2, "Kerberos"),
        (7, "GSSAPI"),
        (9, "SSPI"),
        (99, "not known"),
    ] {
        let (seen, outcome) = answer_to(request(kind, b""), "");
        assert!(seen.is_empty(), "{seen:?}");
        refused(outcome, name);
    }
    let (_, outcome) = answer_to(request(10, b"SCRAM-SHA-512\0\0"), "");
    refused(outcome, "without SCRAM-SHA-256");
}

#[test]
fn a_login_that_is_garbled_is_refused() {
    let garbled = [
        request(5, b"sal"),
        message(b'R', b"\0\0"),
        message(b'Z', b"I"),
        message(b'K', b"\0"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        // The words of SCRAM at the wrong time.
        request(11, b"r=x,s=eA==,i=1"),
        request(12, b"v=eA=="),
    ];
    for bytes in garbled {
        let (_, outcome) = answer_to(bytes, "");
        refused(outcome, "connect to postgres://estoult@127.0.0.1");
    }
}

/// How a login by SCRAM ends whose first answer of the server is this one; `NONCE` stands for that of the client.
fn scram_first(answer: &'static str) -> estoult::Result<(String, bool)> {
    let server = FakePostgres::start(move |wire| {
        wire.parameters()?;
        wire.send(&request(10, b"SCRAM-SHA-256\0\0"))?;
        let first = wire.read()?;
        let text = String::from_utf8_lossy(&first.body).into_owned();
        let nonce = text.rsplit("r=").next().unwrap().to_owned();
        wire.send(&request(11, answer.replace("NONCE", &nonce).as_bytes()))?;
        wire.read_until(b'Q').map(drop)
    });
    log_in(&server.url())
}

#[test]
fn a_server_that_misleads_about_scram_is_refused() {
    let answers = [
        "r=another,s=c2FsdA==,i=4096",
        "r=NONCEx,s=not base64,i=4096",
        "r=NONCEx,s=c2FsdA==,i=4000000000",
        "r=NONCEx,s=c2FsdA==,i=99999999999999",
        "r=NONCEx",
        "",
    ];
    for answer in answers {
        refused(scram_first(answer), "the login by SCRAM failed");
    }
}

#[test]
fn a_server_has_to_prove_that_it_knows_the_password() {
    let with = |signature| {
        let server = FakePostgres::start(move |wire| {
            wire.accept_with_scram(signature)?;
            wire.read_until(b'X').map(drop)
        });
        let db = Database::builder(server.url()).build()?;
        runtime().block_on(async { db.connect().await?.close().await })
    };
    with(Signature::Right).unwrap();
    refused(with(Signature::Wrong), "does not know the password");
    refused(
        with(Signature::Missing),
        "before it had proven that it knows the password",
    );
}

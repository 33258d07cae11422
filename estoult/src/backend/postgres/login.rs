//! Opening a session: the socket, TLS as the mode asks for it, the startup and the login.
//!
//! Source: "Start-up" and "SASL Authentication" in PostgreSQL's manual. Invariant: no error holds a password.

use std::io;

use bytes::BytesMut;
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256},
    },
    message::frontend,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    answer::Answer,
    classify::classify,
    socket::{Peer, Socket},
    stream::Stream,
    wire::{Message, Wire},
};
use crate::{
    backend::{
        Credentials,
        address::{Binding, PostgresAddress, Tls},
        tls::TlsConnector,
    },
    error::{Error, ErrorKind, Result},
};

/// A session that has just logged in.
pub(super) struct Opened {
    pub(super) wire: Wire,
    /// What a cancellation has to present: the server's process and its secret.
    pub(super) key: (i32, i32),
}

/// What opening a session needs.
#[derive(Debug)]
pub(super) struct Login<'l> {
    pub(super) address: &'l PostgresAddress,
    /// User and password in place of those of the address.
    pub(super) credentials: Option<&'l Credentials>,
    pub(super) tls: Option<&'l TlsConnector>,
    pub(super) tried: &'l str,
}

/// Why a session could not be opened.
enum Refusal {
    /// The server answered.
    Server(Box<Answer>),
    /// Client and server could not agree on TLS.
    Handshake(Error),
    Other(Error),
}

impl Login<'_> {
    /// Opens a session. With the modes `allow` and `prefer`, a server that refuses the one way is tried the other way.
    pub(super) async fn open(&self) -> Result<Opened> {
        let (first, second) = match (self.address.server.tls, self.tls.is_some()) {
            (_, false) | (Tls::Disabled, _) => (Tls::Disabled, None),
            (Tls::Allowed, true) => (Tls::Disabled, Some(Tls::Required)),
            (Tls::Preferred, true) => (Tls::Preferred, Some(Tls::Disabled)),
            (mode, true) => (mode, None),
        };
        let refusal = match self.attempt(first).await {
            Ok(opened) => return Ok(opened),
            Err(refusal) => refusal,
        };
        let may_differ = match &refusal {
            // "No entry in pg_hba.conf" depends on whether the connection is encrypted.
            Refusal::Server(answer) => answer.code == "28000",
            // As in libpq: `prefer` goes on without TLS then.
            Refusal::Handshake(_) => true,
            Refusal::Other(_) => false,
        };
        let refusal = match second.filter(|_| may_differ) {
            None => refusal,
            Some(second) => match self.attempt(second).await {
                Ok(opened) => return Ok(opened),
                Err(again) => again,
            },
        };
        Err(match refusal {
            Refusal::Server(answer) => classify(self.tried, &answer, &[]),
            Refusal::Handshake(error) | Refusal::Other(error) => error,
        })
    }

    async fn attempt(&self, tls: Tls) -> Result<Opened, Refusal> {
        let stream = self.connect(tls).await?;
        let mut wire = Wire::new(stream);
        let mut startup = BytesMut::new();
        frontend::startup_message(self.parameters(), &mut startup)
            .map_err(|error| self.unreachable(error))?;
        wire.out.extend_from_slice(&startup);
        self.authenticate(&mut wire).await?;
        let key = self.become_ready(&mut wire).await?;
        Ok(Opened { wire, key })
    }

    /// The parameters of the session. Without settings of the program they are those that poolers know, too.
    fn parameters(&self) -> Vec<(&str, &str)> {
        let server = &self.address.server;
        let mut parameters = vec![
            ("client_encoding", "UTF8"),
            ("user", self.user()),
            (
                "application_name",
                self.address.application.as_deref().unwrap_or("estoult"),
            ),
        ];
        if let Some(database) = &server.database {
            parameters.push(("database", database));
        }
        let settings = self.address.settings.iter();
        parameters.extend(settings.map(|(name, value)| (name.as_str(), value.as_str())));
        parameters
    }

    async fn connect(&self, tls: Tls) -> Result<Stream, Refusal> {
        let server = &self.address.server;
        let connected = match &server.socket {
            Some(folder) => Socket::unix(folder, server.port).await,
            None => Socket::tcp(&server.host, server.port, self.address.keep_alive).await,
        };
        let socket = connected.map_err(|error| {
            let reason = format!("{error}; is the server running and reachable?");
            Refusal::Other(self.failed(reason).with_source(error))
        })?;
        match self.tls.filter(|_| tls != Tls::Disabled) {
            None => Ok(Stream::Plain(socket)),
            Some(connector) => self.encrypt(socket, connector, tls).await,
        }
    }

    async fn encrypt(
        &self,
        mut socket: Socket,
        connector: &TlsConnector,
        tls: Tls,
    ) -> Result<Stream, Refusal> {
        let asked = ask_for_tls(&mut socket).await;
        match asked.map_err(|error| self.unreachable(error))? {
            // Exactly one byte was read: whatever follows it is the handshake's, so that nothing plain that was sent
            // behind it is taken for the server's word.
            b'S' => {
                let encrypted = connector.connect(socket).await;
                let stream = encrypted.map_err(|error| {
                    let reason = format!("TLS failed: {error}{}", tls_remedy(&error));
                    Refusal::Handshake(self.failed(reason).with_source(error))
                })?;
                Ok(Stream::Tls(Box::new(stream)))
            }
            b'N' if tls == Tls::Preferred => Ok(Stream::Plain(socket)),
            b'N' => Err(Refusal::Other(self.failed(
                "the server offers no TLS, which `sslmode` requires; set `ssl = on` on the server, or check that host \
                 and port are the server's own",
            ))),
            _ => Err(Refusal::Other(self.failed(
                "the server answered the request for TLS with something else; is it PostgreSQL?",
            ))),
        }
    }

    async fn authenticate(&self, wire: &mut Wire) -> Result<(), Refusal> {
        let mut scram = None;
        let mut is_bound = false;
        loop {
            let (kind, data) = self.request(wire).await?;
            match (kind, &mut scram) {
                // Refused before anything is sent that tells of the password.
                (3 | 5, _) if self.address.binding == Binding::Required => {
                    return Err(self.unbound());
                }
                (0, _) if self.address.binding == Binding::Required && !is_bound => {
                    return Err(self.unbound());
                }
                // A server that skips its proof may be another one that does not know the password.
                (0, Some(scram)) if !is_proven(scram) => {
                    return Err(Refusal::Other(self.failed(
                        "the server ended the login before it had proven that it knows the password",
                    )));
                }
                (0, _) => return Ok(()),
                (3, _) => self.send_password(wire, self.password()?.as_bytes())?,
                (5, _) => {
                    let Some(salt) = data.first_chunk::<4>() else {
                        return Err(self.garbled());
                    };
                    let hash = md5_hash(self.user().as_bytes(), self.password()?.as_bytes(), *salt);
                    self.send_password(wire, hash.as_bytes())?;
                }
                (10, None) => {
                    let (exchange, bound) = self.begin_scram(wire, &data)?;
                    scram = Some((exchange, false));
                    is_bound = bound;
                }
                (11, Some((exchange, _))) => {
                    exchange
                        .update(&data)
                        .map_err(|error| self.refused_proof(&error))?;
                    frontend::sasl_response(exchange.message(), &mut wire.out)
                        .map_err(|error| self.unreachable(error))?;
                }
                (12, Some((exchange, is_proven))) => {
                    exchange
                        .finish(&data)
                        .map_err(|error| self.refused_proof(&error))?;
                    *is_proven = true;
                }
                (kind, _) => return Err(self.unknown_method(kind)),
            }
        }
    }

    /// The next request of the server: its kind and its data.
    async fn request(&self, wire: &mut Wire) -> Result<(u32, Vec<u8>), Refusal> {
        let message = self.next(wire).await?;
        let body = wire.body(&message);
        match (message.tag, body.split_first_chunk::<4>()) {
            (b'R', Some((kind, data))) => Ok((u32::from_be_bytes(*kind), data.to_vec())),
            _ => Err(self.garbled()),
        }
    }

    fn send_password(&self, wire: &mut Wire, password: &[u8]) -> Result<(), Refusal> {
        frontend::password_message(password, &mut wire.out).map_err(|_| {
            Refusal::Other(self.failed("the password contains a NUL, which PostgreSQL can't take"))
        })
    }

    /// Chooses a mechanism of the server's list, and sends the first message.
    fn begin_scram(&self, wire: &mut Wire, list: &[u8]) -> Result<(ScramSha256, bool), Refusal> {
        let offers = |name: &str| {
            list.split(|byte| *byte == 0)
                .any(|one| one == name.as_bytes())
        };
        let binding = match self.address.binding {
            Binding::Disabled => None,
            Binding::Preferred | Binding::Required => wire.stream.channel_binding(),
        };
        let is_encrypted = wire.stream.is_encrypted();
        let (mechanism, channel, is_bound) = match binding {
            Some(data) if offers(SCRAM_SHA_256_PLUS) => (
                SCRAM_SHA_256_PLUS,
                ChannelBinding::tls_server_end_point(data),
                true,
            ),
            // Says that the client could have bound the login: a server that could, too, notices that its list was
            // shortened on the way.
            Some(_) if is_encrypted => (SCRAM_SHA_256, ChannelBinding::unrequested(), false),
            _ => (SCRAM_SHA_256, ChannelBinding::unsupported(), false),
        };
        if !offers(mechanism) {
            return Err(Refusal::Other(self.failed(
                "the server asks for a login by SASL without SCRAM-SHA-256, the mechanism that this program has",
            )));
        }
        if self.address.binding == Binding::Required && !is_bound {
            return Err(self.unbound());
        }
        let exchange = ScramSha256::new(self.password()?.as_bytes(), channel);
        frontend::sasl_initial_response(mechanism, exchange.message(), &mut wire.out)
            .map_err(|error| self.unreachable(error))?;
        Ok((exchange, is_bound))
    }

    /// Reads until the server is ready, and gives the key for cancellations.
    async fn become_ready(&self, wire: &mut Wire) -> Result<(i32, i32), Refusal> {
        // The startup is answered like a unit of statements.
        wire.owed += 1;
        let mut key = (0, 0);
        loop {
            let message = self.next(wire).await?;
            let body = wire.body(&message);
            match (message.tag, body.split_first_chunk::<4>()) {
                (b'Z', _) => return Ok(key),
                (b'K', Some((process, secret))) => {
                    let Some(secret) = secret.first_chunk::<4>() else {
                        return Err(self.garbled());
                    };
                    key = (i32::from_be_bytes(*process), i32::from_be_bytes(*secret));
                }
                _ => return Err(self.garbled()),
            }
        }
    }

    async fn next(&self, wire: &mut Wire) -> Result<Message, Refusal> {
        let message = wire.next().await.map_err(|error| {
            // A server of TLS 1.3 refuses a client's certificate when the client is done with the handshake.
            let reason = format!("{error}{}", tls_remedy(&error));
            Refusal::Other(self.failed(reason).with_source(error))
        })?;
        if message.tag == b'E' {
            return Err(Refusal::Server(Box::new(Answer::read(wire.body(&message)))));
        }
        Ok(message)
    }

    fn user(&self) -> &str {
        let own = self.address.server.user.as_deref().unwrap_or("postgres");
        self.credentials
            .map_or(own, |credentials| &credentials.user)
    }

    fn password(&self) -> Result<&str, Refusal> {
        if let Some(credentials) = self.credentials {
            return Ok(&credentials.password);
        }
        self.address.server.password.as_deref().ok_or_else(|| {
            Refusal::Other(self.failed(
                "the server asks for a password, and the URL has none; add it behind the user",
            ))
        })
    }

    fn failed(&self, reason: impl AsRef<str>) -> Error {
        Error::new(
            ErrorKind::Connection,
            format!("{}: {}", self.tried, reason.as_ref()),
        )
    }

    fn unreachable(&self, error: io::Error) -> Refusal {
        Refusal::Other(self.failed(error.to_string()).with_source(error))
    }

    fn refused_proof(&self, error: &io::Error) -> Refusal {
        Refusal::Other(self.failed(format!(
            "the login by SCRAM failed: {error}; the server may be another one that does not know the password"
        )))
    }

    fn garbled(&self) -> Refusal {
        Refusal::Other(self.failed(
            "the server's answer to the login is none of PostgreSQL; is it another program?",
        ))
    }

    fn unbound(&self) -> Refusal {
        Refusal::Other(self.failed(
            "the server offers no login with channel binding, which `channel_binding=require` asks for; it needs TLS, \
             and `scram-sha-256` in the server's pg_hba.conf",
        ))
    }

    fn unknown_method(&self, kind: u32) -> Refusal {
        let method = match kind {
            2 => "Kerberos",
            7 | 8 => "GSSAPI",
            9 => "SSPI",
            _ => "a method that is not known",
        };
        Refusal::Other(self.failed(format!(
            "the server asks for a login by {method}; this program has passwords (SCRAM, MD5, clear text) and client \
             certificates: change the server's pg_hba.conf"
        )))
    }
}

/// Whether the server has proven that it knows the password.
fn is_proven(scram: &(ScramSha256, bool)) -> bool {
    scram.1
}

async fn ask_for_tls(socket: &mut Socket) -> io::Result<u8> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).await?;
    socket.read_u8().await
}

/// Asks the server, on a connection of its own, to cancel what a session runs. Returns when the server has passed it
/// on, which it says by closing this connection.
pub(super) async fn cancel(mut stream: Stream, (process, secret): (i32, i32)) -> io::Result<()> {
    let mut request = BytesMut::with_capacity(16);
    frontend::cancel_request(process, secret, &mut request);
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut rest = [0; 16];
    // The server sends nothing: the end of the stream, or a reset, is what counts.
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    Ok(())
}

/// The connection for a cancellation, encrypted by this connector if the session is.
pub(super) async fn connect_again(
    peer: &Peer,
    tls: Option<&TlsConnector>,
    address: &PostgresAddress,
) -> io::Result<Stream> {
    let mut socket = peer.connect(address.keep_alive).await?;
    match tls {
        None => Ok(Stream::Plain(socket)),
        Some(connector) => match ask_for_tls(&mut socket).await? {
            b'S' => Ok(Stream::Tls(Box::new(connector.connect(socket).await?))),
            _ => Err(io::Error::other("the server has no TLS any more")),
        },
    }
}

fn tls_remedy(error: &io::Error) -> &'static str {
    let text = error.to_string();
    if text.contains("Expired") || text.contains("expired") {
        "; renew the server's certificate"
    } else if text.contains("UnknownIssuer") {
        "; name the authority's certificate with `sslrootcert`"
    } else if text.contains("CaUsedAsEndEntity") {
        "; the server may have signed its certificate itself: name it with `sslrootcert`"
    } else if text.contains("not valid for") || text.contains("NotValidForName") {
        "; connect by a name of the certificate, or with `sslmode=verify-ca`"
    } else if ALERTS.iter().any(|alert| text.contains(alert)) {
        "; the server refuses the client's certificate, or wants one: name it with `sslcert` and `sslkey`"
    } else {
        ""
    }
}

/// The alerts of TLS about a client's certificate, in the words of rustls.
const ALERTS: [&str; 4] = [
    "alert: UnknownCA",
    "alert: BadCertificate",
    "alert: CertificateRequired",
    "alert: CertificateUnknown",
];

//! A PostgreSQL server of a test's own that does what a real one never would. A script, a closure, serves each
//! connection through [`Wire`]; the end of the script closes the connection.
//! Invariant: no SQL is understood here.

mod message;
mod scram;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

pub(crate) use self::{
    message::{
        command_complete, data_row, error, message, notice, parameter, parameter_types, ready,
        row_description, with_length,
    },
    scram::{Signature, salted},
};

/// The password of the URL.
pub(crate) const PASSWORD: &str = "secret";

/// The codes in the place of a version with which a client asks for something else than a session.
const TLS: i32 = 80_877_103;
const CANCEL: i32 = 80_877_102;

/// A scripted server on 127.0.0.1; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct FakePostgres {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: AtomicUsize,
    has_ended: AtomicBool,
}

/// One connection, from the server's side.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// The connections are counted from zero.
    pub(crate) number: usize,
}

/// How a client begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It wants TLS; an answer of one byte is due.
    Tls,
    /// It wants a statement of another connection to be cancelled.
    Cancel { process: i32, key: Vec<u8> },
    /// It wants a session with these parameters.
    Session(Vec<(String, String)>),
}

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) tag: u8,
    pub(crate) body: Vec<u8>,
}

impl FakePostgres {
    /// Starts a server that runs the script for each connection, in a thread of its own. An error of the script is
    /// that of a client that went away.
    pub(crate) fn start(
        script: impl Fn(&mut Wire) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (own, script) = (Arc::clone(&state), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                let number = own.connections.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                thread::spawn(move || {
                    let mut wire = Wire { stream, number };
                    let _ = script(&mut wire);
                    let _ = wire.end();
                });
            }
        });
        Self { address, state }
    }

    /// Starts a server that accepts each client without a password, reads until its first Sync, sends these bytes
    /// and closes the connection.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |wire| {
            wire.accept()?;
            wire.read_until(b'S')?;
            wire.send(&bytes)
        })
    }

    /// How to connect to it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://estoult:{PASSWORD}@{}/fake", self.address)
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FakePostgres {
    fn drop(&mut self) {
        self.state.has_ended.store(true, Ordering::SeqCst);
        // The listener blocks until the next connection, and then sees that the server has ended.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl Wire {
    /// Reads how the client begins.
    pub(crate) fn opening(&mut self) -> io::Result<Opening> {
        let body = self.body()?;
        let (code, rest) = body.split_first_chunk().ok_or_else(malformed)?;
        match i32::from_be_bytes(*code) {
            TLS => Ok(Opening::Tls),
            CANCEL => {
                let (process, key) = rest.split_first_chunk().ok_or_else(malformed)?;
                let process = i32::from_be_bytes(*process);
                Ok(Opening::Cancel {
                    process,
                    key: key.to_vec(),
                })
            }
            _ => Ok(Opening::Session(parameters(rest))),
        }
    }

    /// Reads the parameters of a session, and refuses TLS when the client asks for it first. A request to cancel is
    /// an error, since it is not followed by a session.
    pub(crate) fn parameters(&mut self) -> io::Result<Vec<(String, String)>> {
        loop {
            match self.opening()? {
                Opening::Tls => self.send(b"N")?,
                Opening::Session(parameters) => return Ok(parameters),
                Opening::Cancel { .. } => return Err(malformed()),
            }
        }
    }

    /// Lets the client in without a password; it may then send statements.
    pub(crate) fn accept(&mut self) -> io::Result<()> {
        self.parameters()?;
        self.greet()
    }

    /// Asks the client for its password with SCRAM-SHA-256 and ends the exchange with this signature; the client's
    /// proof is not checked. The client then may send statements, unless it has closed the connection.
    pub(crate) fn accept_with_scram(&mut self, signature: Signature) -> io::Result<()> {
        self.parameters()?;
        scram::exchange(self, signature)?;
        self.greet()
    }

    /// Sends what a server sends after it has accepted a password.
    pub(crate) fn greet(&mut self) -> io::Result<()> {
        let mut bytes = message(b'R', &0_i32.to_be_bytes());
        bytes.extend(parameter("server_version", "17.0"));
        bytes.extend(parameter("server_encoding", "UTF8"));
        bytes.extend(parameter("client_encoding", "UTF8"));
        bytes.extend(parameter("integer_datetimes", "on"));
        bytes.extend(parameter("standard_conforming_strings", "on"));
        bytes.extend(message(b'K', &[0, 0, 0, 7, 0, 0, 0, 9]));
        bytes.extend(ready(b'I'));
        self.send(&bytes)
    }

    /// Reads one message.
    pub(crate) fn read(&mut self) -> io::Result<Message> {
        let mut tag = [0];
        self.stream.read_exact(&mut tag)?;
        Ok(Message {
            tag: tag[0],
            body: self.body()?,
        })
    }

    /// Reads up to and with the next message of this tag: `S` is Sync, `Q` a simple query, `X` the client's end.
    pub(crate) fn read_until(&mut self, tag: u8) -> io::Result<Vec<Message>> {
        let mut messages = Vec::new();
        loop {
            let next = self.read()?;
            let is_last = next.tag == tag;
            messages.push(next);
            if is_last {
                return Ok(messages);
            }
        }
    }

    /// Sends bytes, whether or not they are a message.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Never answers again: swallows what the client sends until it closes the connection.
    pub(crate) fn hang(&mut self) -> io::Result<()> {
        io::copy(&mut self.stream, &mut io::sink()).map(drop)
    }

    /// Closes the connection. What the client has sent is read first, since a socket that is closed with unread bytes
    /// takes what was sent to the client away from it.
    fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        self.hang()
    }

    /// A length and the bytes that it counts, without itself.
    fn body(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(|_| malformed())?;
        let mut body = vec![0; length.checked_sub(4).ok_or_else(malformed)?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}

/// The names and values of a startup message, each with a zero after it, and one at the end.
fn parameters(bytes: &[u8]) -> Vec<(String, String)> {
    let texts: Vec<_> = bytes
        .split(|byte| *byte == 0)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect();
    let pairs = texts
        .chunks_exact(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()));
    pairs.take_while(|(name, _)| !name.is_empty()).collect()
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the client sent no such message",
    )
}

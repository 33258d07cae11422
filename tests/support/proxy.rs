//! A TCP proxy before a server: it forwards connections, accepts and ignores them, or closes them, and counts them.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::relay::host;

/// What the proxy does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Forwards it to the server.
    Forward,
    /// Accepts it and sends nothing until the treatment changes.
    Silent,
    /// Accepts and closes it.
    HangUp,
    /// Closes the first ones, as many as given, and forwards the next ones.
    HangUpFirst(usize),
    /// Closes the first ones, as many as given, and sends nothing to the next ones.
    SilentAfter(usize),
    /// Accepts none any more.
    Stop,
}

/// A port of 127.0.0.1 before a server.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    server_url: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: String,
    treatment: Mutex<Treatment>,
    changed: Condvar,
    connections: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy before the server of this URL.
    pub(crate) fn new(server_url: &str, treatment: Treatment) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(State {
            server: host(server_url).to_owned(),
            treatment: Mutex::new(treatment),
            changed: Condvar::new(),
            connections: AtomicUsize::new(0),
        });
        let address = listener.local_addr().unwrap();
        let own = Arc::clone(&state);
        thread::spawn(move || listen(&listener, &own));
        Self {
            address,
            server_url: server_url.to_owned(),
            state,
        }
    }

    /// The server's URL with the address of the proxy.
    pub(crate) fn url(&self) -> String {
        let own = self.address.to_string();
        self.server_url.replacen(host(&self.server_url), &own, 1)
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Treats new connections, and those that still wait, in another way.
    pub(crate) fn set(&self, treatment: Treatment) {
        *self.state.treatment.lock().unwrap() = treatment;
        self.state.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Treatment::Stop);
        // The listener blocks until the next connection, and then reads the treatment.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn listen(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming().flatten() {
        let treatment = *state.treatment.lock().unwrap();
        if treatment == Treatment::Stop {
            return;
        }
        let number = state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(state);
        thread::spawn(move || treat(&client, number, &state));
    }
}

fn treat(client: &TcpStream, number: usize, state: &State) {
    let treatment = state.treatment.lock().unwrap();
    let treatment = state
        .changed
        .wait_while(treatment, |treatment| match *treatment {
            Treatment::Silent => true,
            Treatment::SilentAfter(times) => number >= times,
            _ => false,
        })
        .unwrap();
    let is_forwarded = match *treatment {
        Treatment::Forward => true,
        Treatment::HangUpFirst(times) => number >= times,
        Treatment::HangUp | Treatment::Silent | Treatment::SilentAfter(_) | Treatment::Stop => {
            false
        }
    };
    drop(treatment);
    if is_forwarded {
        // Either side may close the connection at any time.
        let _ = forward(client, &state.server);
    }
    let _ = client.shutdown(Shutdown::Both);
}

fn forward(client: &TcpStream, server: &str) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    let (to, from) = (server.try_clone()?, client.try_clone()?);
    let out = thread::spawn(move || copy(from, to));
    copy(server, client.try_clone()?);
    let _ = out.join();
    Ok(())
}

/// Copies bytes until one side ends.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

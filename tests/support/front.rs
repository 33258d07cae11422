//! A door before a server: it lets callers in, keeps them waiting, or turns them away, and counts them.

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

/// What becomes of those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They reach the server.
    Forward,
    /// They are taken in, and nobody speaks to them; when the manner changes they learn of it.
    Silent,
    /// They are taken in, and the connection breaks off.
    HangUp,
    /// So many times the connection breaks off; the next ones reach the server.
    HangUpFirst(usize),
    /// So many times the connection breaks off; to the next ones nobody speaks.
    SilentAfter(usize),
    /// The door is removed.
    Gone,
}

/// A port of 127.0.0.1 before a server.
#[derive(Debug)]
pub(crate) struct Front {
    address: SocketAddr,
    server_url: String,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    server: String,
    manner: Mutex<Manner>,
    changed: Condvar,
    visits: AtomicUsize,
}

impl Front {
    /// Stands before the server of this URL.
    pub(crate) fn new(server_url: &str, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inside = Arc::new(Inside {
            server: host(server_url).to_owned(),
            manner: Mutex::new(manner),
            changed: Condvar::new(),
            visits: AtomicUsize::new(0),
        });
        let address = listener.local_addr().unwrap();
        let own = Arc::clone(&inside);
        thread::spawn(move || receive(&listener, &own));
        Self {
            address,
            server_url: server_url.to_owned(),
            inside,
        }
    }

    /// The server's URL with this door instead of its own.
    pub(crate) fn url(&self) -> String {
        let own = self.address.to_string();
        self.server_url.replacen(host(&self.server_url), &own, 1)
    }

    /// How many came.
    pub(crate) fn visits(&self) -> usize {
        self.inside.visits.load(Ordering::SeqCst)
    }

    /// Treats those who come, and those who are kept waiting, in another way.
    pub(crate) fn set(&self, manner: Manner) {
        *self.inside.manner.lock().unwrap() = manner;
        self.inside.changed.notify_all();
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.set(Manner::Gone);
        // Whoever waits for the next one to come looks at the manner then.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

/// Host and port of an URL.
fn host(url: &str) -> &str {
    let (_, rest) = url.split_once('@').unwrap();
    rest.split(['/', '?']).next().unwrap()
}

fn receive(listener: &TcpListener, inside: &Arc<Inside>) {
    for visitor in listener.incoming().flatten() {
        let manner = *inside.manner.lock().unwrap();
        if manner == Manner::Gone {
            return;
        }
        let number = inside.visits.fetch_add(1, Ordering::SeqCst);
        let inside = Arc::clone(inside);
        thread::spawn(move || treat(&visitor, number, &inside));
    }
}

fn treat(visitor: &TcpStream, number: usize, inside: &Inside) {
    let manner = inside.manner.lock().unwrap();
    let manner = inside
        .changed
        .wait_while(manner, |manner| match *manner {
            Manner::Silent => true,
            Manner::SilentAfter(times) => number >= times,
            _ => false,
        })
        .unwrap();
    let is_let_in = match *manner {
        Manner::Forward => true,
        Manner::HangUpFirst(times) => number >= times,
        Manner::HangUp | Manner::Silent | Manner::SilentAfter(_) | Manner::Gone => false,
    };
    drop(manner);
    if is_let_in {
        // Either side may break off at any time.
        let _ = forward(visitor, &inside.server);
    }
    let _ = visitor.shutdown(Shutdown::Both);
}

fn forward(visitor: &TcpStream, server: &str) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    let (to, from) = (server.try_clone()?, visitor.try_clone()?);
    let out = thread::spawn(move || copy(from, to));
    copy(server, visitor.try_clone()?);
    let _ = out.join();
    Ok(())
}

/// Carries over what comes until one side ends.
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

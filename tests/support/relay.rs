//! A TCP relay between a client and a server of any kind: it delays what passes, counts round trips, and breaks
//! connections off or falls silent at a chosen moment. The benches use it as well.
//! Invariant: no protocol is known here.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// What the relay does with the bytes that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// It forwards them.
    Forward,
    /// It forwards this number of bytes of the server's answers, then closes that connection on both sides and
    /// forwards on the others.
    CutAfter(usize),
    /// It swallows them, in both directions: connections stay open. One that has lost bytes stays silent for good.
    Swallow,
}

/// A port of 127.0.0.1 before a server.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    server_url: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: String,
    delay: Duration,
    traffic: Mutex<Traffic>,
    links: Mutex<Vec<Arc<Link>>>,
    connections: AtomicUsize,
    round_trips: AtomicUsize,
    has_ended: AtomicBool,
}

/// One connection and the question that is under way on it.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    /// The client has everything that was sent to it, so its next bytes begin a round trip.
    is_answered: AtomicBool,
    /// The client began a round trip and the server has not answered yet.
    is_asking: AtomicBool,
    /// It has lost bytes; each side then looks to the other like a network that is down, also when one ends.
    is_silent: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// Bytes on their way, and when they are due at the other side.
type Chunk = (Instant, Vec<u8>);

impl Relay {
    /// Starts a relay before the server of this URL; what passes it, either way, is late by the delay.
    pub(crate) fn new(server_url: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            server: host(server_url).to_owned(),
            delay,
            traffic: Mutex::new(Traffic::Forward),
            links: Mutex::default(),
            connections: AtomicUsize::new(0),
            round_trips: AtomicUsize::new(0),
            has_ended: AtomicBool::new(false),
        });
        let own = Arc::clone(&state);
        thread::spawn(move || listen(&listener, &own));
        Self {
            address,
            server_url: server_url.to_owned(),
            state,
        }
    }

    /// The server's URL with the address of the relay.
    pub(crate) fn url(&self) -> String {
        let own = self.address.to_string();
        self.server_url.replacen(host(&self.server_url), &own, 1)
    }

    /// How often a client sent something and waited for the answer, on all connections. Statements that were sent
    /// before the first answer arrived count as one, and what gets no answer does not count.
    pub(crate) fn round_trips(&self) -> usize {
        self.state.round_trips.load(Ordering::SeqCst)
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Treats what arrives from now on in another way.
    pub(crate) fn set(&self, traffic: Traffic) {
        *self.state.traffic.lock().unwrap() = traffic;
    }

    /// Closes all connections on both sides; new ones are accepted.
    pub(crate) fn drop_connections(&self) {
        for link in self.state.links.lock().unwrap().drain(..) {
            link.close();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.has_ended.store(true, Ordering::SeqCst);
        // The listener blocks until the next connection, and then sees that the relay has ended.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        self.drop_connections();
    }
}

/// Host and port of a URL.
pub(crate) fn host(url: &str) -> &str {
    let (_, rest) = url.split_once('@').unwrap();
    rest.split(['/', '?']).next().unwrap()
}

fn listen(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming().flatten() {
        if state.has_ended.load(Ordering::SeqCst) {
            return;
        }
        state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(state);
        thread::spawn(move || {
            if let Ok(server) = TcpStream::connect(&state.server) {
                connect(client, server, &state);
            }
        });
    }
}

/// Starts the four threads of a connection: in each direction one reads, and one writes when the delay is over, so
/// that bytes are late but do not queue up.
fn connect(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    // The delay is the only one that is measured.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let link = Arc::new(Link {
        client,
        server,
        is_answered: AtomicBool::new(true),
        is_asking: AtomicBool::new(false),
        is_silent: AtomicBool::new(false),
    });
    state.links.lock().unwrap().push(Arc::clone(&link));
    for direction in [Direction::ToServer, Direction::ToClient] {
        let (sender, receiver) = channel();
        let (reading, writing) = (Arc::clone(&link), Arc::clone(&link));
        let state = Arc::clone(state);
        thread::spawn(move || reading.read(direction, &state, &sender));
        thread::spawn(move || writing.write(direction, &receiver));
    }
}

impl Link {
    fn read(&self, direction: Direction, state: &State, late: &Sender<Chunk>) {
        let mut from = match direction {
            Direction::ToServer => &self.client,
            Direction::ToClient => &self.server,
        };
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + state.delay;
            let mut traffic = state.traffic.lock().unwrap();
            if *traffic == Traffic::Swallow || self.is_silent.load(Ordering::SeqCst) {
                self.is_silent.store(true, Ordering::SeqCst);
                continue;
            }
            let (passing, is_cut) = traffic.pass(direction, length);
            drop(traffic);
            self.count(direction, state);
            if late.send((due, buffer[..passing].to_vec())).is_err() || is_cut {
                break;
            }
        }
        // The writer ends when it has written what is under way.
    }

    fn write(&self, direction: Direction, late: &Receiver<Chunk>) {
        let mut to = match direction {
            Direction::ToServer => &self.server,
            Direction::ToClient => &self.client,
        };
        for (due, bytes) in late {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // Before the bytes are there: the client may answer faster than this thread goes on.
            if direction == Direction::ToClient {
                self.is_answered.store(true, Ordering::SeqCst);
            }
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        if !self.is_silent.load(Ordering::SeqCst) {
            self.close();
        }
    }

    fn count(&self, direction: Direction, state: &State) {
        match direction {
            Direction::ToServer => {
                if self.is_answered.swap(false, Ordering::SeqCst) {
                    self.is_asking.store(true, Ordering::SeqCst);
                }
            }
            Direction::ToClient => {
                if self.is_asking.swap(false, Ordering::SeqCst) {
                    state.round_trips.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }

    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Traffic {
    /// How many of these bytes pass, and whether the connection is closed then.
    fn pass(&mut self, direction: Direction, length: usize) -> (usize, bool) {
        match *self {
            Self::CutAfter(left) if direction == Direction::ToClient && left <= length => {
                *self = Self::Forward;
                (left, true)
            }
            Self::CutAfter(left) if direction == Direction::ToClient => {
                *self = Self::CutAfter(left - length);
                (length, false)
            }
            Self::Forward | Self::CutAfter(_) | Self::Swallow => (length, false),
        }
    }
}

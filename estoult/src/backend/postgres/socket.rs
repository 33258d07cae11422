//! [`Socket`]: the connection to a server, which no runtime owns. Before each operation it is registered with the
//! runtime of the caller, when another one used it last.
//!
//! Invariant: nothing here knows the protocol.

use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

#[cfg(unix)]
use std::path::PathBuf;

use socket2::{SockRef, TcpKeepalive};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    runtime::{Handle, Id},
};

use crate::{
    backend::address::KeepAlive,
    error::{Error, ErrorKind, Result},
};

/// A socket, and the runtime that it is registered with.
pub(super) struct Socket {
    transport: Transport,
    runtime: Option<Id>,
}

enum Transport {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// Taken from one runtime and refused by the other.
    Lost,
}

impl Socket {
    /// Connects over TCP, to the first address of the host that answers.
    pub(super) async fn tcp(host: &str, port: u16, keep_alive: KeepAlive) -> io::Result<Self> {
        let mut last = None;
        for address in lookup_host((host, port)).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    configure(&stream, keep_alive)?;
                    return Ok(Self::new(Transport::Tcp(stream)));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("the host has no address")))
    }

    /// Connects to the socket of this port in a folder.
    #[cfg(unix)]
    pub(super) async fn unix(folder: &Path, port: u16) -> io::Result<Self> {
        // "Connection Establishment" in PostgreSQL's manual: the file has the port in its name.
        let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
        Ok(Self::new(Transport::Unix(stream)))
    }

    #[cfg(not(unix))]
    pub(super) async fn unix(_: &Path, _: u16) -> io::Result<Self> {
        Err(io::Error::other("this system has no Unix sockets"))
    }

    /// The server at the other end, for another connection to it.
    pub(super) fn peer(&self) -> io::Result<Peer> {
        match &self.transport {
            Transport::Tcp(stream) => Ok(Peer::Tcp(stream.peer_addr()?)),
            #[cfg(unix)]
            Transport::Unix(stream) => {
                let address = stream.peer_addr()?;
                let path = address.as_pathname().ok_or_else(lost)?;
                Ok(Peer::Unix(path.to_path_buf()))
            }
            Transport::Lost => Err(lost()),
        }
    }

    /// Closes the connection so that the server can't send any more: its next answer fails, where after a plain close
    /// it would still be taken.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        let transport = std::mem::replace(&mut self.transport, Transport::Lost);
        match &transport {
            Transport::Tcp(stream) => SockRef::from(stream).set_linger(Some(Duration::ZERO)),
            #[cfg(unix)]
            Transport::Unix(_) => Ok(()),
            Transport::Lost => Ok(()),
        }
    }

    fn new(transport: Transport) -> Self {
        Self {
            transport,
            runtime: Handle::try_current().ok().map(|runtime| runtime.id()),
        }
    }

    /// Registers the socket with the current runtime, if another one used it last.
    ///
    /// Refused before the socket is touched: a caller without a runtime, and a runtime that drives no sockets.
    pub(super) fn attach(&mut self) -> Result<()> {
        let current = current_runtime()?;
        if self.runtime == Some(current) {
            return Ok(());
        }
        check_drives_sockets(current)?;
        let transport = std::mem::replace(&mut self.transport, Transport::Lost);
        let moved = catch_unwind(AssertUnwindSafe(|| transport.rebind()));
        match moved {
            Ok(Ok(transport)) => {
                self.transport = transport;
                self.runtime = Some(current);
                Ok(())
            }
            Ok(Err(error)) => Err(not_moved(&error.to_string()).with_source(error)),
            Err(_) => Err(not_moved("the runtime drives no sockets")),
        }
    }

    /// Whether it was taken from one runtime and refused by the other.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.transport, Transport::Lost)
    }

    /// Whether the server has closed the connection, or sent what ends it, as far as that has arrived. Reads nothing.
    pub(super) fn has_input(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let peeked = match &self.transport {
            Transport::Tcp(stream) => SockRef::from(stream).peek(&mut byte),
            #[cfg(unix)]
            Transport::Unix(stream) => SockRef::from(stream).peek(&mut byte),
            Transport::Lost => return true,
        };
        // Non-blocking: "would block" is what an idle connection answers.
        !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// The address of a server.
pub(super) enum Peer {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Peer {
    /// Connects to it.
    pub(super) async fn connect(&self, keep_alive: KeepAlive) -> io::Result<Socket> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                configure(&stream, keep_alive)?;
                Ok(Socket::new(Transport::Tcp(stream)))
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).await?;
                Ok(Socket::new(Transport::Unix(stream)))
            }
        }
    }
}

impl Transport {
    fn rebind(self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(TcpStream::from_std(stream.into_std()?)?),
            #[cfg(unix)]
            Self::Unix(stream) => Self::Unix(UnixStream::from_std(stream.into_std()?)?),
            Self::Lost => return Err(lost()),
        })
    }
}

thread_local! {
    /// The last runtime that this thread found to drive sockets.
    static DRIVES_SOCKETS: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Refuses to open a connection where the runtime could not drive it.
pub(super) fn check_runtime() -> Result<()> {
    check_drives_sockets(current_runtime()?)
}

fn current_runtime() -> Result<Id> {
    let current = Handle::try_current().map_err(|_| {
        Error::configuration(
            "use a PostgreSQL connection: no tokio runtime runs here; call it from one, or inside of `with_async_env`",
        )
    })?;
    Ok(current.id())
}

/// Refuses a runtime that was built without `enable_io`: tokio has no question for it, and panics when a socket is
/// registered, so a socket that connects to nothing is tried first.
fn check_drives_sockets(runtime: Id) -> Result<()> {
    if DRIVES_SOCKETS.get() == Some(runtime) {
        return Ok(());
    }
    let probe = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|probe| {
        probe.set_nonblocking(true)?;
        Ok(probe)
    });
    let Ok(probe) = probe else {
        // A system that refuses a further socket says nothing about the runtime.
        return Ok(());
    };
    match catch_unwind(AssertUnwindSafe(|| tokio::net::UdpSocket::from_std(probe))) {
        Ok(Ok(_)) => {
            DRIVES_SOCKETS.set(Some(runtime));
            Ok(())
        }
        Ok(Err(error)) => Err(not_moved(&error.to_string()).with_source(error)),
        Err(_) => Err(Error::configuration(
            "use a PostgreSQL connection: the tokio runtime here drives no sockets; build it with `enable_io` or \
             `enable_all`",
        )),
    }
}

fn configure(stream: &TcpStream, keep_alive: KeepAlive) -> io::Result<()> {
    // Without a delay: a request is complete when it is written, and the server waits for it.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    if keep_alive.is_probed {
        let mut probes = TcpKeepalive::new();
        if !keep_alive.idle.is_zero() {
            probes = probes.with_time(keep_alive.idle);
        }
        if !keep_alive.interval.is_zero() {
            probes = probes.with_interval(keep_alive.interval);
        }
        #[cfg(not(windows))]
        if keep_alive.count > 0 {
            probes = probes.with_retries(keep_alive.count);
        }
        socket.set_tcp_keepalive(&probes)?;
    }
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(keep_alive.unacknowledged))?;
    Ok(())
}

fn lost() -> io::Error {
    io::Error::other("the socket was lost on its way to another runtime")
}

fn not_moved(reason: &str) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!("use a PostgreSQL connection on another runtime: {reason}; use one that runs"),
    )
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            #[cfg(unix)]
            Transport::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Lost => Poll::Ready(Err(lost())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(unix)]
            Transport::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets have no buffer of their own.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(unix)]
            Transport::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Lost => Poll::Ready(Err(lost())),
        }
    }
}

//! What a web example is given, and its `main`.

use std::{
    env, fmt,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use estoult::{Database, Registry};
use tokio::sync::oneshot;

use crate::{Outcome, arguments::Arguments, check};

/// How many connections a stall has at most, over all of its threads and runtimes.
pub(crate) const CONNECTIONS: usize = 6;

/// Ready when the server is to stop: a future for async code, `blocking_recv` for other code.
pub type Stop = oneshot::Receiver<()>;

/// What a server is given: its databases, not connected yet, and where to listen.
#[derive(Debug)]
pub struct Site {
    /// The databases.
    pub registry: Registry,
    /// The port of 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// When to stop.
    pub stop: Stop,
    /// To be told once requests are answered, and where.
    pub ready: Ready,
}

/// Wants to know when the server is ready. No thread of the stall's own runs before that.
pub struct Ready(Box<dyn FnOnce(SocketAddr) + Send + Sync>);

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").finish_non_exhaustive()
    }
}

impl Ready {
    pub(crate) fn new(then: impl FnOnce(SocketAddr) + Send + Sync + 'static) -> Self {
        Self(Box::new(then))
    }

    /// Says that the server answers at this address.
    pub fn at(self, address: SocketAddr) {
        (self.0)(address);
    }
}

/// Prints a line. Whoever has closed the output, as `head` does, does not want the rest of it.
pub fn tell(text: impl fmt::Display) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// The `main` of a web example: serves until ctrl-c, or tests itself with `--self-test`.
pub fn run(name: &str, serve: impl Fn(Site) -> Outcome) -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = if arguments.self_test {
        check::self_test(&serve)
    } else {
        start(name, arguments.port, &serve)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(name: &str, port: u16, serve: &dyn Fn(Site) -> Outcome) -> Outcome {
    let url = match env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) => format!("sqlite:{}", file(name)?.display()),
    };
    let registry = registry(&url)?;
    tell(format_args!(
        "the database is {}",
        registry.default_database()
    ));
    let (stop, stopped) = oneshot::channel();
    serve(Site {
        registry,
        port,
        stop: stopped,
        ready: Ready::new(move |address| on_ctrl_c(address, stop)),
    })?;
    tell("stopped; the database is closed");
    Ok(())
}

/// The databases of a stall: one, with few connections.
pub(crate) fn registry(url: &str) -> estoult::Result<Registry> {
    Registry::builder(Database::builder(url).max_connections(CONNECTIONS)).build()
}

/// A file beside the program, which stays there.
fn file(name: &str) -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.with_file_name(format!("{name}.db")))
}

fn on_ctrl_c(address: SocketAddr, stop: oneshot::Sender<()>) {
    let mut stop = Some(stop);
    let set = ctrlc::set_handler(move || {
        // A second ctrl-c changes nothing: it is stopping already.
        if let Some(stop) = stop.take() {
            let _ = stop.send(());
        }
    });
    match set {
        Ok(()) => tell(format_args!(
            "listening on http://{address}; ctrl-c stops it"
        )),
        Err(error) => tell(format_args!(
            "listening on http://{address}; ctrl-c breaks it off, since it can't be caught: {error}"
        )),
    }
}

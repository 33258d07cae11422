//! The settings of a web example, and its `main`.

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

/// The maximum of connections of a stall, over all of its threads and runtimes.
pub(crate) const CONNECTIONS: usize = 6;

/// Ready when the server is to stop: a future for async code, `blocking_recv` for other code.
pub type Stop = oneshot::Receiver<()>;

/// The settings of a server: its databases, not connected yet, and where to listen.
#[derive(Debug)]
pub struct Site {
    /// The databases.
    pub registry: Registry,
    /// The port of 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// When to stop.
    pub stop: Stop,
    /// To be called when the server answers requests, with its address.
    pub ready: Ready,
}

/// Called when the server is ready. The stall starts no thread before that.
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

    /// Reports that the server answers at this address.
    pub fn at(self, address: SocketAddr) {
        (self.0)(address);
    }
}

/// Prints a line, and ignores a reader that has closed the output, as `head` does.
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
        // A second ctrl-c changes nothing: the server is stopping already.
        if let Some(stop) = stop.take() {
            let _ = stop.send(());
        }
    });
    match set {
        Ok(()) => tell(format_args!(
            "listening on http://{address}; ctrl-c stops it"
        )),
        Err(error) => tell(format_args!(
            "listening on http://{address}; ctrl-c kills it, since it can't be caught: {error}"
        )),
    }
}

//! The arguments of a web example.

use clap::Parser;

/// Serves a stall of books over HTTP on 127.0.0.1; `DATABASE_URL` names its database.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// The port to listen on; a free one by default
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Starts on a free port, calls itself, and reports whether all is well
    #[arg(long)]
    pub(crate) self_test: bool,
}

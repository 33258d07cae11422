//! estoult in a server that forks: the registry is built before the fork, and each process connects after it.
//!
//! `cargo run --example fork` serves until ctrl-c, or tests itself with `-- --self-test`. Unix only.
#[cfg(unix)]
mod exchange;
#[cfg(unix)]
mod processes;

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    bookstall::run("fork", processes::serve)
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    bookstall::tell("fork: this system has no fork; see the example sync_server");
    ExitCode::FAILURE
}

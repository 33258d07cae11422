//! estoult in a server without async: each thread enters an environment once, and waits for its statements.
//!
//! `cargo run --example sync_server` serves until ctrl-c, with `-- --self-test` it calls itself.

mod exchange;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::ExitCode,
    thread,
};

use bookstall::{Outcome, Site};
use estoult::{Error, Registry, Result, run_sync};
use tiny_http::Server;

/// How many threads answer requests; each has a connection of its own, and so has the first thread.
const THREADS: usize = 4;

fn main() -> ExitCode {
    bookstall::run("sync_server", serve)
}

fn serve(site: Site) -> Outcome {
    let registry = site.registry.clone();
    // The databases are connected before, and closed behind, whatever comes of it.
    Ok(registry.with_async_env(|| serve_connected(site))?)
}

fn serve_connected(site: Site) -> Result<()> {
    let registry = site.registry;
    run_sync(bookstall::open(&registry))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, site.port));
    let failed =
        |error: &dyn std::fmt::Display| Error::custom(format!("listen on {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let server = Server::from_listener(listener, None).map_err(|error| failed(&error))?;
    site.ready.at(address);
    thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(|| work(&registry, &server)));
        let _ = site.stop.blocking_recv();
        // A thread goes when it has answered its request; those that wait are sent home one by one.
        for _ in &threads {
            server.unblock();
        }
        threads
            .into_iter()
            .try_for_each(|thread| match thread.join() {
                Ok(worked) => worked,
                Err(_) => Err(Error::custom("answer requests: a thread has panicked")),
            })
    })?;
    // All requests are answered. The program's own work at the end still has the database.
    run_sync(bookstall::farewell(&registry))
}

/// What a thread does: one environment for all of its requests, not one for each.
fn work(registry: &Registry, server: &Server) -> Result<()> {
    registry.with_async_env(|| {
        exchange::answer_all(registry, server);
        Ok(())
    })
}

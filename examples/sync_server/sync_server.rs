//! estoult in a server without async: each thread enters an environment once, and waits for its statements.
//!
//! `cargo run --example sync_server` serves until ctrl-c, or tests itself with `-- --self-test`.

mod exchange;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::ExitCode,
    thread,
};

use bookstall::{Outcome, Site};
use estoult::{Error, Registry, Result, run_sync};
use tiny_http::Server;

/// The number of threads that answer requests; each has its own connection, and so has the main thread.
const THREADS: usize = 4;

fn main() -> ExitCode {
    bookstall::run("sync_server", serve)
}

fn serve(site: Site) -> Outcome {
    // The databases are connected as long as this thread is inside the environment.
    let environment = site.registry.enter_sync()?;
    // They are closed afterwards, even if serving fails.
    let served = serve_connected(site);
    let closed = environment.close();
    served?;
    Ok(closed?)
}

fn serve_connected(site: Site) -> Outcome {
    let registry = site.registry;
    run_sync(bookstall::open(&registry))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, site.port));
    let listener =
        TcpListener::bind(address).map_err(|error| format!("listen on {address}: {error}"))?;
    let address = listener.local_addr()?;
    let server = Server::from_listener(listener, None)?;
    site.ready.at(address);
    thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(|| work(&registry, &server)));
        let _ = site.stop.blocking_recv();
        // A thread ends when it has answered its request; waiting threads are released one by one.
        for _ in &threads {
            server.unblock();
        }
        let ended = threads.map(|thread| match thread.join() {
            Ok(worked) => worked,
            Err(_) => Err(Error::custom("answer requests: a thread has panicked")),
        });
        ended.into_iter().collect::<Result<()>>()
    })?;
    // All requests are answered. The program's last work still has the database.
    Ok(run_sync(bookstall::note_stock(&registry))?)
}

/// The work of a thread: one environment for all of its requests, not one for each.
fn work(registry: &Registry, server: &Server) -> Result<()> {
    registry.with_async_env(|| {
        exchange::answer_all(registry, server);
        Ok(())
    })
}

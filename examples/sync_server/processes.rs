//! A server of several processes: the work before the fork, in each process, and after the last one has ended.

use std::{
    io::{self, PipeReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::Arc,
    thread,
};

use bookstall::{Outcome, Site};
use estoult::{Registry, run_sync};
use fork::{ProcessFork, ProcessId};
use tiny_http::Server;

use crate::exchange;

/// The number of processes that answer requests, one at a time each. Each has its own registry, and so its own bound on
/// connections.
const PROCESSES: usize = 3;

/// Serves with several processes that share one listener.
pub(crate) fn serve(site: Site) -> Outcome {
    let registry = site.registry;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, site.port));
    let listener =
        TcpListener::bind(address).map_err(|error| format!("listen on {address}: {error}"))?;
    // The environment closes its connections before the fork: two processes can't share one.
    registry.with_async_env(|| run_sync(bookstall::open(&registry)))?;
    // Nothing is written to the pipe: the children see its end when this process closes it or ends, even if killed.
    let (end, parent) = io::pipe()?;
    let mut processes = Vec::with_capacity(PROCESSES);
    for _ in 0..PROCESSES {
        match fork::fork_process()? {
            ProcessFork::Parent(child) => processes.push(child),
            ProcessFork::Child => {
                drop(parent);
                process::exit(work(&registry, listener, end));
            }
        }
    }
    // From here on there may be threads in this process.
    site.ready.at(listener.local_addr()?);
    let _ = site.stop.blocking_recv();
    drop(parent);
    let ended: Vec<Outcome> = processes.into_iter().map(wait).collect();
    ended.into_iter().collect::<Outcome>()?;
    // All requests are answered. The program's last work connects once more.
    Ok(registry.with_async_env(|| run_sync(bookstall::note_stock(&registry)))?)
}

/// What a process does, from the fork to its exit code.
fn work(registry: &Registry, listener: TcpListener, end: PipeReader) -> i32 {
    let worked = answer_until(end, listener, |server| {
        Ok(registry.with_async_env(|| {
            exchange::answer_all(registry, server);
            Ok(())
        })?)
    });
    match worked {
        Ok(()) => 0,
        Err(error) => {
            bookstall::tell(format_args!("process {}: {error}", process::id()));
            1
        }
    }
}

fn answer_until(
    mut end: PipeReader,
    listener: TcpListener,
    answer: impl FnOnce(&Server) -> Outcome,
) -> Outcome {
    let server = Arc::new(Server::from_listener(listener, None)?);
    // Ctrl-c reaches every process of a terminal: this one still finishes its request.
    let stopped = Arc::clone(&server);
    ctrlc::set_handler(move || stopped.unblock())?;
    let stopped = Arc::clone(&server);
    thread::spawn(move || {
        let _ = end.read(&mut [0]);
        stopped.unblock();
    });
    answer(&server)
}

fn wait(child: ProcessId) -> Outcome {
    let process = child.get();
    match fork::waitpid(process)? {
        0 => Ok(()),
        status => {
            Err(format!("process {process} has failed; it ended with the status {status}").into())
        }
    }
}

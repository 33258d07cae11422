//! The self-test: starts the server, calls it, stops it, and checks what is left.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    process,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use estoult::Registry;
use tokio::sync::oneshot;

use crate::{
    Outcome,
    calls::{self, BOOKS, ORDERS},
    place::Place,
    site::{Ready, Site, tell},
};

/// How long a self-test may take before it is aborted.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the server twice: once normally, once with its port taken.
pub(crate) fn self_test(serve: &dyn Fn(Site) -> Outcome) -> Outcome {
    let place = Arc::new(Place::new()?);
    let tested = serve_and_call(serve, &place).and_then(|()| fail_to_listen(serve, &place));
    let cleared = place.clear();
    tested?;
    cleared?;
    tell("all is well");
    Ok(())
}

fn serve_and_call(serve: &dyn Fn(Site) -> Outcome, place: &Arc<Place>) -> Outcome {
    let registry = place.registry()?;
    tell(format_args!(
        "the database is {}",
        registry.default_database()
    ));
    let (stop, stopped) = oneshot::channel();
    let (outcome, called) = mpsc::channel();
    let caller = Arc::clone(place);
    serve(Site {
        registry: registry.clone(),
        port: 0,
        stop: stopped,
        ready: Ready::new(move |address| {
            tell(format_args!("listening on http://{address}"));
            thread::spawn(move || outcome.send(calls::call_everything(address, &caller, stop)));
            give_up_after(LIMIT);
        }),
    })?;
    called
        .recv()
        .map_err(|_| "the server ended without having been called")??;
    look_after_the_end(&registry, place)
}

/// The server's last work had the database, and no connection is open after it.
fn look_after_the_end(registry: &Registry, place: &Place) -> Outcome {
    nothing_is_open(registry, place)?;
    let left = place.left()?;
    let note = format!("closed with {BOOKS} books");
    if left.notes != [note.clone()] {
        return Err(format!(
            "the last work should have left the note {note:?}, but there is {:?}",
            left.notes
        )
        .into());
    }
    tell(format_args!(
        "the last work was done before: it noted {note:?}"
    ));
    if (left.books, left.orders) != (BOOKS.try_into()?, ORDERS) {
        return Err(format!("expected {BOOKS} books and {ORDERS} order, found {left:?}").into());
    }
    Ok(())
}

fn nothing_is_open(registry: &Registry, place: &Place) -> Outcome {
    let database = registry.default_database();
    if database.is_connected() {
        return Err(format!("{database} is still connected").into());
    }
    let open = database.status().open;
    if open > 0 {
        return Err(format!("{open} connections to {database} are still open").into());
    }
    let outside = database.used_unconnected();
    if outside > 0 {
        return Err(format!("{database} was used {outside} times without being connected").into());
    }
    tell(format_args!(
        "nothing is open: {}",
        place.expect_no_connection()?
    ));
    Ok(())
}

/// A start that fails leaves nothing open, either.
fn fail_to_listen(serve: &dyn Fn(Site) -> Outcome, place: &Place) -> Outcome {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let registry = place.registry()?;
    let (_stop, stopped) = oneshot::channel();
    let served = serve(Site {
        registry: registry.clone(),
        port: taken.local_addr()?.port(),
        stop: stopped,
        ready: Ready::new(|address| tell(format_args!("listening on http://{address}"))),
    });
    match served {
        Ok(()) => Err("the server has started, though its port is taken".into()),
        Err(error) => {
            tell(format_args!("on a port that is taken: {error}"));
            nothing_is_open(&registry, place)
        }
    }
}

/// Ends the program when it hangs.
fn give_up_after(limit: Duration) {
    thread::spawn(move || {
        thread::sleep(limit);
        let _ = writeln!(io::stderr(), "not finished after {} s", limit.as_secs());
        process::exit(1);
    });
}

//! The calls of a self-test: each route, each refusal, many at once, and one while the server stops.

use std::{net::SocketAddr, thread};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    Outcome,
    client::{self, Client},
    place::{Place, expect_budget},
    site::tell,
};

/// The number of concurrent clients, and of calls by each.
const CLIENTS: usize = 8;
const ROUNDS: usize = 10;

/// The number of books after all calls: the first, those of the clients, and the last.
pub(crate) const BOOKS: usize = 1 + CLIENTS * ROUNDS + 1;
/// The number of orders.
pub(crate) const ORDERS: u64 = 1;

/// Calls everything; the last call stops the server.
pub(crate) fn call_everything(
    address: SocketAddr,
    place: &Place,
    stop: oneshot::Sender<()>,
) -> Outcome {
    let calls = Calls(Client::new(address));
    calls.read_and_write()?;
    calls.sell()?;
    call_at_once(address)?;
    tell(expect_budget(place.listed()?)?);
    // A stopping server waits a while for clients that keep their connections open.
    drop(calls);
    write_while_it_stops(address, stop)
}

/// A client that expects a status.
struct Calls(Client);

impl Calls {
    fn get(&self, path: &str, status: u16) -> Outcome<Value> {
        expect(&format!("GET {path}"), self.0.get(path)?, status)
    }

    fn post(&self, path: &str, body: &str, status: u16) -> Outcome<Value> {
        let call = format!("POST {path} {body}");
        expect(&call, self.0.post(path, body)?, status)
    }

    fn read_and_write(&self) -> Outcome {
        let health = self.get("/health", 200)?;
        equal(
            "the health",
            &health["databases"][0]["is_healthy"],
            &json!(true),
        )?;
        equal("no books", &self.get("/books", 200)?, &json!([]))?;
        let solaris = r#"{"title": "Solaris", "copies": 3, "id": 77}"#;
        let book = self.post("/books", solaris, 201)?;
        let id = key(&book)?;
        let expected = json!({ "id": id, "title": "Solaris", "copies": 3 });
        equal("the new book", &book, &expected)?;
        equal(
            "the book by key",
            &self.get(&format!("/books/{id}"), 200)?,
            &expected,
        )?;
        self.get("/books/999999", 404)?;

        let refused = self.post("/books", r#"{"title": " ", "copies": -1}"#, 422)?;
        equal(
            "both mistakes",
            &codes(&refused),
            &json!(["title required", "copies range"]),
        )?;
        let refused = self.post("/books", solaris, 422)?;
        equal(
            "the taken title",
            &codes(&refused),
            &json!(["title unique"]),
        )?;
        self.post("/books", "{ this is no JSON", 400)?;
        Ok(())
    }

    /// An order that succeeds, one that fails, and a book that the first one keeps from being removed.
    fn sell(&self) -> Outcome {
        let books = self.get("/books", 200)?;
        let book = format!("/books/{}", key(&books[0])?);
        let orders = format!("{book}/orders");
        self.post(&orders, r#"{"copies": 2}"#, 201)?;
        self.post(&orders, r#"{"copies": 0}"#, 422)?;
        self.post(&orders, r#"{"copies": 2}"#, 409)?;
        self.post("/books/999999/orders", r#"{"copies": 1}"#, 404)?;
        let left = &self.get(&book, 200)?["copies"];
        equal("a refused order takes no copies", left, &json!(1))?;
        expect(&format!("DELETE {book}"), self.0.delete(&book)?, 409)?;

        let spare = self.post("/books", r#"{"title": "Spare", "copies": 0}"#, 201)?;
        let spare = format!("/books/{}", key(&spare)?);
        expect(&format!("DELETE {spare}"), self.0.delete(&spare)?, 204)?;
        self.get(&spare, 404)?;
        Ok(())
    }
}

/// Many clients, each on connections of its own.
fn call_at_once(address: SocketAddr) -> Outcome {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || call_in_turn(address, client)))
            .collect();
        clients.into_iter().try_for_each(|client| {
            let ended = client.join();
            ended.unwrap_or_else(|_| Err("one of many clients has panicked".into()))
        })
    })?;
    tell(format_args!(
        "{CLIENTS} clients at once: {} calls",
        2 * CLIENTS * ROUNDS
    ));
    Ok(())
}

fn call_in_turn(address: SocketAddr, client: usize) -> Outcome {
    let calls = Client::new(address);
    for round in 0..ROUNDS {
        let book = json!({ "title": format!("Volume {client}.{round}"), "copies": 1 });
        let added = check("POST /books", calls.post("/books", &book.to_string())?, 201)?;
        let path = format!("/books/{}", key(&added)?);
        check(&path, calls.get(&path)?, 200)?;
    }
    Ok(())
}

/// The server still answers a request that it has received before the signal to stop.
fn write_while_it_stops(address: SocketAddr, stop: oneshot::Sender<()>) -> Outcome {
    let body = r#"{"title": "The Last Book", "copies": 1}"#;
    let status = client::post_when_asked(address, "/books", body, || {
        let _ = stop.send(());
    })?;
    let call = "POST /books, and stop before its body is sent";
    expect(call, (status, Value::Null), 201)?;
    Ok(())
}

fn expect(call: &str, answer: (u16, Value), status: u16) -> Outcome<Value> {
    let body = check(call, answer, status)?;
    tell(format_args!("{call} -> {status}"));
    Ok(body)
}

fn check(call: &str, (status, body): (u16, Value), expected: u16) -> Outcome<Value> {
    if status == expected {
        return Ok(body);
    }
    Err(format!("{call}: expected the status {expected}, got {status} with {body}").into())
}

fn equal(what: &str, got: &Value, expected: &Value) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected}, got {got}").into())
}

fn key(row: &Value) -> Outcome<i64> {
    let key = row["id"].as_i64();
    key.ok_or_else(|| format!("read the key of a row: there is none in {row}").into())
}

/// The refused fields, each with its code.
fn codes(refusal: &Value) -> Value {
    let errors = refusal["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let word = |error: &Value, name: &str| error[name].as_str().unwrap_or("?").to_owned();
    let codes = errors
        .iter()
        .map(|error| format!("{} {}", word(error, "field"), word(error, "code")));
    codes.collect::<Vec<_>>().into()
}

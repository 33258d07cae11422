//! One request after the other, and their answers, in synchronous code.

use std::io::Cursor;

use estoult::{Registry, run_sync};
use serde::Serialize;
use serde_json::{Value, json};
use tiny_http::{Header, Method, Request, Response, Server};

/// Answers requests until the server stops this thread. The thread is inside `with_async_env`.
pub(crate) fn answer_all(registry: &Registry, server: &Server) {
    for mut request in server.incoming_requests() {
        let (status, body) = route(registry, &mut request).unwrap_or_else(Refusal::into_answer);
        // A client that has disconnected gets no answer, which is no error.
        let _ = request.respond(response(status, &body));
    }
}

type Answer = (u16, Value);

fn route(registry: &Registry, request: &mut Request) -> Result<Answer, Refusal> {
    let (method, url) = (request.method().clone(), request.url().to_owned());
    let path: Vec<&str> = url.split('/').skip(1).collect();
    match (method, &path[..]) {
        (Method::Get, ["health"]) => Ok(run_sync(health(registry))?),
        (Method::Get, ["books"]) => answer(200, run_sync(bookstall::books(registry))?),
        (Method::Get, ["books", id]) => answer(200, run_sync(bookstall::book(registry, key(id)?))?),
        (Method::Post, ["books"]) => {
            let input = input(request)?;
            answer(201, run_sync(bookstall::add(registry, &input))?)
        }
        (Method::Post, ["books", id, "orders"]) => {
            let (id, input) = (key(id)?, input(request)?);
            answer(201, run_sync(bookstall::order(registry, id, &input))?)
        }
        (Method::Delete, ["books", id]) => {
            answer(204, run_sync(bookstall::remove(registry, key(id)?))?)
        }
        _ => Err(Refusal::Nothing),
    }
}

/// `run_sync` takes futures that can fail, which this one can't.
async fn health(registry: &Registry) -> estoult::Result<Answer> {
    Ok(bookstall::health(registry).await)
}

/// Why a request is refused.
enum Refusal {
    /// No route has this path.
    Nothing,
    /// The body is not JSON.
    Unreadable(serde_json::Error),
    /// An error of estoult; its kind decides the status.
    Estoult(estoult::Error),
}

impl From<estoult::Error> for Refusal {
    fn from(error: estoult::Error) -> Self {
        Self::Estoult(error)
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Refusal {
    fn into_answer(self) -> Answer {
        match self {
            Self::Nothing => (404, json!({ "error": "there is nothing here" })),
            Self::Unreadable(error) => (400, json!({ "error": error.to_string() })),
            Self::Estoult(error) => bookstall::refusal(&error),
        }
    }
}

fn key(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::Nothing)
}

fn input(request: &mut Request) -> Result<Value, Refusal> {
    Ok(serde_json::from_reader(request.as_reader())?)
}

fn answer(status: u16, body: impl Serialize) -> Result<Answer, Refusal> {
    Ok((status, serde_json::to_value(body)?))
}

fn response(status: u16, body: &Value) -> Response<Cursor<Vec<u8>>> {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let response = Response::from_string(text).with_status_code(status);
    match Header::from_bytes("content-type", "application/json") {
        Ok(header) => response.with_header(header),
        Err(()) => response,
    }
}

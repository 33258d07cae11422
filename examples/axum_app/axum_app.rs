//! estoult behind axum: the state is the registry, errors become responses, and the lifespan ends after the server.
//!
//! `cargo run --example axum_app` serves until ctrl-c, or tests itself with `-- --self-test`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bookstall::{Book, Order, Outcome, Site};
use estoult::Registry;
use serde_json::Value;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    bookstall::run("axum_app", serve)
}

#[tokio::main]
async fn serve(site: Site) -> Outcome {
    let registry = site.registry.clone();
    let lifespan = registry.connect().await?;
    // The lifespan is closed afterwards, even if serving fails.
    let served = serve_connected(site).await;
    let closed = lifespan.close().await;
    served?;
    Ok(closed?)
}

async fn serve_connected(site: Site) -> Outcome {
    let registry = site.registry;
    bookstall::open(&registry).await?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, site.port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("listen on {address}: {error}"))?;
    site.ready.at(listener.local_addr()?);
    let stop = async {
        let _ = site.stop.await;
    };
    axum::serve(listener, router(registry.clone()))
        .with_graceful_shutdown(stop)
        .await?;
    // All requests are answered. The program's last work still has the database.
    Ok(bookstall::note_stock(&registry).await?)
}

fn router(registry: Registry) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/books", get(books).post(add))
        .route("/books/{id}", get(book).delete(remove))
        .route("/books/{id}/orders", post(order))
        .with_state(registry)
}

async fn health(State(registry): State<Registry>) -> Response {
    answer(bookstall::health(&registry).await)
}

async fn books(State(registry): State<Registry>) -> Answer<Json<Vec<Book>>> {
    Ok(Json(bookstall::books(&registry).await?))
}

async fn book(State(registry): State<Registry>, Path(id): Path<i64>) -> Answer<Json<Book>> {
    Ok(Json(bookstall::book(&registry, id).await?))
}

async fn add(
    State(registry): State<Registry>,
    Json(input): Json<Value>,
) -> Answer<(StatusCode, Json<Book>)> {
    let book = bookstall::add(&registry, &input).await?;
    Ok((StatusCode::CREATED, Json(book)))
}

async fn order(
    State(registry): State<Registry>,
    Path(id): Path<i64>,
    Json(input): Json<Value>,
) -> Answer<(StatusCode, Json<Order>)> {
    let order = bookstall::order(&registry, id, &input).await?;
    Ok((StatusCode::CREATED, Json(order)))
}

async fn remove(State(registry): State<Registry>, Path(id): Path<i64>) -> Answer<StatusCode> {
    bookstall::remove(&registry, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

type Answer<T> = Result<T, Refusal>;

/// An error of estoult as a response: its kind decides the status.
struct Refusal(estoult::Error);

impl From<estoult::Error> for Refusal {
    fn from(error: estoult::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer(bookstall::refusal(&self.0))
    }
}

fn answer((status, body): (u16, Value)) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}

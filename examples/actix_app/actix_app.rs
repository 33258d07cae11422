//! estoult behind actix-web: each worker is a runtime of its own with connections of its own, all under one bound.
//!
//! `cargo run --example actix_app` serves until ctrl-c, or tests itself with `-- --self-test`.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use actix_web::{
    App, HttpResponse, HttpServer, ResponseError,
    http::StatusCode,
    rt,
    web::{Data, Json, Path, ServiceConfig, delete, get, post},
};
use bookstall::{Outcome, Site};
use estoult::Registry;
use serde_json::Value;

/// How many threads answer requests. With fewer connections than threads, the threads wait for each other.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    bookstall::run("actix_app", serve)
}

#[actix_web::main]
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
    // The closure runs once in each worker; the registry is a handle, so all workers share the databases.
    let state = Data::new(registry.clone());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, site.port));
    let server = HttpServer::new(move || App::new().app_data(state.clone()).configure(routes))
        .workers(WORKERS)
        .disable_signals()
        .bind(address)
        .map_err(|error| format!("listen on {address}: {error}"))?;
    let addresses = server.addrs();
    let server = server.run();
    if let [address] = addresses[..] {
        site.ready.at(address);
    }
    let handle = server.handle();
    rt::spawn(async move {
        let _ = site.stop.await;
        handle.stop(true).await;
    });
    server.await?;
    // All requests are answered. The program's last work still has the database.
    Ok(bookstall::note_stock(&registry).await?)
}

fn routes(routes: &mut ServiceConfig) {
    routes
        .route("/health", get().to(health))
        .route("/books", get().to(books))
        .route("/books", post().to(add))
        .route("/books/{id}", get().to(book))
        .route("/books/{id}", delete().to(remove))
        .route("/books/{id}/orders", post().to(order));
}

async fn health(registry: Data<Registry>) -> HttpResponse {
    answer(bookstall::health(&registry).await)
}

async fn books(registry: Data<Registry>) -> Answer {
    Ok(HttpResponse::Ok().json(bookstall::books(&registry).await?))
}

async fn book(registry: Data<Registry>, id: Path<i64>) -> Answer {
    let book = bookstall::book(registry.get_ref(), id.into_inner()).await?;
    Ok(HttpResponse::Ok().json(book))
}

async fn add(registry: Data<Registry>, input: Json<Value>) -> Answer {
    let book = bookstall::add(&registry, &input.into_inner()).await?;
    Ok(HttpResponse::Created().json(book))
}

async fn order(registry: Data<Registry>, id: Path<i64>, input: Json<Value>) -> Answer {
    let order = bookstall::order(&registry, id.into_inner(), &input.into_inner()).await?;
    Ok(HttpResponse::Created().json(order))
}

async fn remove(registry: Data<Registry>, id: Path<i64>) -> Answer {
    bookstall::remove(&registry, id.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

type Answer = Result<HttpResponse, Refusal>;

/// An error of estoult as a response: its kind decides the status.
#[derive(Debug)]
struct Refusal(estoult::Error);

impl From<estoult::Error> for Refusal {
    fn from(error: estoult::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Refusal {
    fn error_response(&self) -> HttpResponse {
        answer(bookstall::refusal(&self.0))
    }
}

fn answer((status, body): (u16, Value)) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).json(body)
}

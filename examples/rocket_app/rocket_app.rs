//! estoult behind Rocket: the registry is managed state, errors are responders, and the lifespan ends after the launch.
//!
//! `cargo run --example rocket_app` serves until ctrl-c, or tests itself with `-- --self-test`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use bookstall::{Book, Order, Outcome, Ready, Site};
use estoult::Registry;
use rocket::{
    Build, Config, Rocket, State,
    config::LogLevel,
    delete,
    fairing::AdHoc,
    get,
    http::Status,
    post,
    response::{Responder, status::Custom},
    routes,
    serde::json::{Json, Value},
};

fn main() -> ExitCode {
    bookstall::run("rocket_app", serve)
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
    let rocket = rocket(registry.clone(), address)
        .attach(announce(site.ready))
        .ignite()
        .await
        .map_err(|error| format!("ignite Rocket: {error}"))?;
    let shutdown = rocket.shutdown();
    tokio::spawn(async move {
        let _ = site.stop.await;
        shutdown.notify();
    });
    rocket
        .launch()
        .await
        .map_err(|error| format!("listen on {address}: {}", error.kind()))?;
    // All requests are answered. The program's last work still has the database.
    Ok(bookstall::note_stock(&registry).await?)
}

fn rocket(registry: Registry, address: SocketAddr) -> Rocket<Build> {
    let mut config = Config {
        address: address.ip(),
        port: address.port(),
        log_level: LogLevel::Off,
        ..Config::default()
    };
    // The stall handles ctrl-c itself.
    config.shutdown.ctrlc = false;
    config.shutdown.signals.clear();
    let routes = routes![books, book, add, order, remove];
    rocket::custom(config)
        .manage(registry)
        .mount("/books", routes)
        .mount("/", routes![health])
}

/// Says where Rocket listens, once it does.
fn announce(ready: Ready) -> AdHoc {
    AdHoc::on_liftoff("announce", |rocket| {
        let address: (IpAddr, u16) = (rocket.config().address, rocket.config().port);
        Box::pin(async move { ready.at(address.into()) })
    })
}

#[get("/health")]
async fn health(registry: &State<Registry>) -> Custom<Json<Value>> {
    answer(bookstall::health(registry).await)
}

#[get("/")]
async fn books(registry: &State<Registry>) -> Answer<Vec<Book>> {
    Ok(Json(bookstall::books(registry).await?))
}

#[get("/<id>")]
async fn book(registry: &State<Registry>, id: i64) -> Answer<Book> {
    Ok(Json(bookstall::book(registry.inner(), id).await?))
}

#[post("/", data = "<input>")]
async fn add(
    registry: &State<Registry>,
    input: Json<Value>,
) -> Result<Custom<Json<Book>>, Refusal> {
    let book = bookstall::add(registry, &input.into_inner()).await?;
    Ok(Custom(Status::Created, Json(book)))
}

#[post("/<id>/orders", data = "<input>")]
async fn order(
    registry: &State<Registry>,
    id: i64,
    input: Json<Value>,
) -> Result<Custom<Json<Order>>, Refusal> {
    let order = bookstall::order(registry, id, &input.into_inner()).await?;
    Ok(Custom(Status::Created, Json(order)))
}

#[delete("/<id>")]
async fn remove(registry: &State<Registry>, id: i64) -> Result<Status, Refusal> {
    bookstall::remove(registry, id).await?;
    Ok(Status::NoContent)
}

type Answer<T> = Result<Json<T>, Refusal>;

/// An error of estoult as a response: its kind decides the status.
#[derive(Debug, Responder)]
struct Refusal(Custom<Json<Value>>);

impl From<estoult::Error> for Refusal {
    fn from(error: estoult::Error) -> Self {
        Self(answer(bookstall::refusal(&error)))
    }
}

fn answer((status, body): (u16, Value)) -> Custom<Json<Value>> {
    Custom(Status::new(status), Json(body))
}

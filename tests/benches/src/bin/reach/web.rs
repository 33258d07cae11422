//! actix-web with four workers, each a runtime of its own, over four connections, asked by 200 clients at once. The
//! connections that were opened are counted in a run of their own, through the relay.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, Path, get};
use actix_web::{App, HttpResponse, HttpServer, rt};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use estoult::{Database, Schema};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::relay::Relay;
use crate::rounds::{self, Series};
use crate::stage::{Stage, User, key, runtime};

const WORKERS: usize = 4;
const CONNECTIONS: usize = 4;
const REQUESTS: u32 = 200;

/// A server that runs in a thread of its own.
struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    thread: thread::JoinHandle<Result<()>>,
}

pub fn run(stage: &Stage, rounds: usize) -> Result<()> {
    let contenders: [(&'static str, fn(&str) -> Result<Running>); 2] =
        [("estoult", estoult), ("deadpool-postgres", deadpool)];
    let mut series: Vec<_> = contenders
        .iter()
        .map(|(name, _)| Series::new(name))
        .collect();
    let mut refused = [0; 2];
    let client = runtime(1)?;
    let servers = contenders.map(|(_, start)| start(&stage.url));
    let servers = servers.into_iter().collect::<Result<Vec<_>>>()?;
    for round in 0..rounds {
        for turn in 0..servers.len() {
            let index = (turn + round) % servers.len();
            let begin = Instant::now();
            refused[index] += client.block_on(burst(servers[index].address))?;
            series[index]
                .values
                .push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    servers
        .into_iter()
        .try_for_each(|server| server.stop(&client))?;
    for (index, series) in series.iter_mut().enumerate() {
        let relay = Relay::new(&stage.url, Duration::ZERO);
        let server = contenders[index].1(&relay.url())?;
        client.block_on(burst(server.address))?;
        series.notes = vec![refused[index].to_string(), relay.connections().to_string()];
        server.stop(&client)?;
    }
    rounds::print(
        "actix-web, 4 workers, 4 connections, 200 requests at once:",
        &["µs for all", "ratio", "refused", "connections opened"],
        &series,
    )
}

impl Running {
    /// Starts what serves in a thread; `serve` says where it listens once it does.
    fn start<F>(
        serve: impl FnOnce(mpsc::Sender<(SocketAddr, ServerHandle)>) -> F + Send + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = Result<()>> + 'static,
    {
        let (ready, started) = mpsc::channel();
        let thread = thread::spawn(move || rt::System::new().block_on(serve(ready)));
        let (address, handle) = started.recv().map_err(|_| "the server did not start")?;
        Ok(Self {
            address,
            handle,
            thread,
        })
    }

    fn stop(self, runtime: &tokio::runtime::Runtime) -> Result<()> {
        runtime.block_on(self.handle.stop(true));
        self.thread.join().map_err(|_| "the server panicked")?
    }
}

fn estoult(url: &str) -> Result<Running> {
    let database = Database::builder(url)
        .max_connections(CONNECTIONS)
        .build()?;
    Running::start(async move |ready| {
        let lifespan = database.connect().await?;
        let state = Data::new(database);
        let server = HttpServer::new(move || {
            let route = get().to(async |database: Data<Database>, id: Path<i64>| {
                answer(
                    User::get(database.get_ref(), id.into_inner())
                        .await
                        .ok()
                        .flatten(),
                )
            });
            App::new().app_data(state.clone()).route("/{id}", route)
        });
        let server = server
            .workers(WORKERS)
            .disable_signals()
            .bind("127.0.0.1:0")?;
        let address = server.addrs()[0];
        let server = server.run();
        ready.send((address, server.handle()))?;
        server.await?;
        Ok(lifespan.close().await?)
    })
}

fn deadpool(url: &str) -> Result<Running> {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(url.parse()?, tokio_postgres::NoTls, recycling);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build()?;
    Running::start(async move |ready| {
        let state = Data::new(pool);
        let server = HttpServer::new(move || {
            let route = get().to(async |pool: Data<Pool>, id: Path<i64>| {
                answer(by_key(&pool, id.into_inner()).await.ok())
            });
            App::new().app_data(state.clone()).route("/{id}", route)
        });
        let server = server
            .workers(WORKERS)
            .disable_signals()
            .bind("127.0.0.1:0")?;
        let address = server.addrs()[0];
        let server = server.run();
        ready.send((address, server.handle()))?;
        Ok(server.await?)
    })
}

async fn by_key(pool: &Pool, id: i64) -> Result<User> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached("select id, name from users where id = $1")
        .await?;
    let row = client.query_one(&statement, &[&id]).await?;
    Ok(User {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
    })
}

fn answer(user: Option<User>) -> HttpResponse {
    match user {
        Some(user) => HttpResponse::Ok().body(user.name),
        None => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// Asks with all clients at once; how many got no user.
async fn burst(address: SocketAddr) -> Result<u32> {
    let requests: Vec<_> = (0..REQUESTS)
        .map(|turn| tokio::spawn(request(address, key(turn))))
        .collect();
    let mut refused = 0;
    for request in requests {
        let is_answered = request
            .await?
            .is_ok_and(|text| text.starts_with("HTTP/1.1 200"));
        refused += u32::from(!is_answered);
    }
    Ok(refused)
}

async fn request(address: SocketAddr, id: i64) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let text = format!("GET /{id} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

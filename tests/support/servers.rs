//! The database servers that tests talk to: given by environment variables, or throw-away ones
//! that end with the tests.
//! Invariant: how a server starts and stops is known to `tests/servers.sh` alone.

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::OnceLock,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/servers.sh");

/// A throw-away server of one test, to be killed, frozen and started again; dropped, it ends.
#[derive(Debug)]
pub(crate) struct Server {
    folder: String,
    url: String,
    socket: PathBuf,
}

struct Shared {
    url: String,
    socket: Option<PathBuf>,
}

/// The PostgreSQL server that all tests share, or `ESTOULT_TEST_POSTGRES_URL`.
pub(crate) fn postgres_url() -> &'static str {
    &postgres().url
}

/// The MariaDB server that all tests share, or `ESTOULT_TEST_MYSQL_URL`.
pub(crate) fn mysql_url() -> &'static str {
    &mysql().url
}

/// The folder of the shared PostgreSQL server's socket; none if only a URL was given.
pub(crate) fn postgres_socket() -> Option<&'static Path> {
    postgres().socket.as_deref()
}

/// The file of the shared MariaDB server's socket; none if only a URL was given.
pub(crate) fn mysql_socket() -> Option<&'static Path> {
    mysql().socket.as_deref()
}

/// A PgBouncer before the server of this URL, with this `pool_mode` and a pool of this size; its URL has the same user
/// and database. Where it is not installed, a test prints that and is skipped, but not in CI.
pub(crate) fn pgbouncer(server_url: &str, pool_mode: &str, size: usize) -> Option<Server> {
    if run(&["is_installed", "pgbouncer"]).is_err() && env::var_os("CI").is_none() {
        println!("skipped: PgBouncer is not installed");
        return None;
    }
    Some(private(
        "pgbouncer",
        &[server_url, pool_mode, &size.to_string()],
    ))
}

/// A PostgreSQL server of the caller's own, user and password as those of the shared one.
pub(crate) fn private_postgres() -> Server {
    private("postgres", &[])
}

/// A MariaDB server of the caller's own, user and password as those of the shared one.
pub(crate) fn private_mysql() -> Server {
    private("mysql", &[])
}

/// The same with settings, lines as `my.cnf` has them for the server.
pub(crate) fn private_mysql_with(settings: &str) -> Server {
    let file = demand(tempfile::NamedTempFile::new());
    demand(fs::write(file.path(), format!("[mariadbd]\n{settings}\n")));
    private("mysql", &[&file.path().display().to_string()])
}

fn postgres() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| given("POSTGRES").unwrap_or_else(|| started("postgres")))
}

fn mysql() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| given("MYSQL").unwrap_or_else(|| started("mysql")))
}

fn given(name: &str) -> Option<Shared> {
    let variable = |what| env::var(format!("ESTOULT_TEST_{name}_{what}")).ok();
    Some(Shared {
        url: variable("URL").filter(|url| !url.is_empty())?,
        socket: variable("SOCKET").map(PathBuf::from),
    })
}

/// The server that all test programs of one `cargo` share; the first one to ask starts it.
fn started(kind: &str) -> Shared {
    let lock = demand(File::open(SCRIPT));
    demand(lock.lock());
    let (process, parent) = (process::id().to_string(), parent_id().to_string());
    let text = demand(run(&["share", kind, &process, &parent]));
    Shared {
        url: field(&text, "url"),
        socket: Some(field(&text, "socket").into()),
    }
}

/// Starts a server that ends with this process; what else it takes depends on its kind.
pub(super) fn private(kind: &str, arguments: &[&str]) -> Server {
    let process = process::id().to_string();
    let text = demand(run(&[&["start", kind, &process], arguments].concat()));
    Server {
        folder: field(&text, "folder"),
        url: field(&text, "url"),
        socket: field(&text, "socket").into(),
    }
}

/// Runs a command of the script; what it complains about is the error.
fn run(arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("bash")
        .arg(SCRIPT)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr)))
    }
}

/// The value of a line `name=value`.
fn field(text: &str, name: &str) -> String {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    demand(value.ok_or_else(|| io::Error::other(format!("no `{name}` in {text:?}")))).to_owned()
}

#[track_caller]
fn demand<T>(result: io::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl Server {
    /// How to connect to it over TCP; the user may do anything. The same after a restart.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its Unix socket: for PostgreSQL the folder, as its clients expect, for MariaDB the file.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends it at once, as a power failure would: its connections break off.
    pub(crate) fn kill(&self) {
        demand(run(&["signal", "KILL", &self.folder]));
    }

    /// Starts it again after [`Server::kill`], with what it had stored.
    pub(crate) fn restart(&self) {
        demand(run(&["restart", &self.folder]));
    }

    /// Lets it stand still: connections stay open, new ones may be accepted, nothing is answered.
    pub(crate) fn freeze(&self) {
        demand(run(&["signal", "STOP", &self.folder]));
    }

    /// Lets it go on after [`Server::freeze`].
    pub(crate) fn thaw(&self) {
        demand(run(&["signal", "CONT", &self.folder]));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that cannot be stopped now ends with this process.
        let _ = run(&["stop", &self.folder]);
    }
}

#[cfg(test)]
mod tests {
    use super::{Server, mysql_url, pgbouncer, postgres_url, private_mysql, private_postgres};
    use std::{
        io::{Read, Result, Write},
        net::TcpStream,
        path::Path,
        time::Duration,
    };

    /// Reads one byte of a server; PostgreSQL does not speak unasked and is asked for TLS.
    fn greet(url: &str) -> Result<()> {
        let mut stream = TcpStream::connect(url.split(['@', '/']).nth(3).unwrap())?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        if url.starts_with("postgres") {
            stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
        }
        stream.read_exact(&mut [0])
    }

    fn suffer(server: &Server) {
        assert!(server.socket().exists());
        server.freeze();
        greet(server.url()).unwrap_err();
        server.thaw();
        greet(server.url()).unwrap();
        server.kill();
        greet(server.url()).unwrap_err();
        server.restart();
        greet(server.url()).unwrap();
    }

    #[test]
    fn shared_servers_answer() {
        greet(postgres_url()).unwrap();
        greet(mysql_url()).unwrap();
    }

    #[test]
    fn private_servers_freeze_thaw_die_and_come_back() {
        suffer(&private_postgres());
        suffer(&private_mysql());
    }

    #[test]
    fn a_pooler_freezes_thaws_dies_and_comes_back() {
        let Some(pooler) = pgbouncer(postgres_url(), "transaction", 2) else {
            return;
        };
        suffer(&pooler);
    }

    #[test]
    fn a_dropped_server_is_gone() {
        let server = private_postgres();
        let (url, folder) = (server.url.clone(), server.folder.clone());
        drop(server);
        greet(&url).unwrap_err();
        assert!(!Path::new(&folder).exists());
    }
}

//! The URLs of servers: options, TLS modes, Unix sockets.

use estoult::{Database, Dialect, ErrorKind, Result, sql};

use crate::support::{
    runtime,
    servers::{mysql_socket, mysql_url, postgres_socket, postgres_url},
};

/// The one text of this query at this URL.
fn ask(url: &str, text: &str) -> Result<String> {
    let db = Database::builder(url).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let (answer,): (String,) = sql(text).one(&db).await?;
        lifespan.close().await?;
        Ok(answer)
    })
}

/// User and password, and the database, of a URL.
fn parts(url: &str) -> (&str, &str) {
    let (_, rest) = url.split_once("://").unwrap();
    let (login, rest) = rest.split_once('@').unwrap();
    (login, rest.rsplit_once('/').unwrap().1)
}

/// Where the client of a PostgreSQL session is: nothing for a Unix socket.
const CLIENT: &str = "select coalesce(host(inet_client_addr()), 'a socket')";

#[test]
fn postgres_is_reached_over_its_unix_socket() {
    let Some(folder) = postgres_socket() else {
        // A server that was given by its URL alone has no socket that tests know.
        return;
    };
    let (login, database) = parts(postgres_url());
    let port = postgres_url()
        .rsplit_once('/')
        .unwrap()
        .0
        .rsplit_once(':')
        .unwrap()
        .1;
    let escaped = folder.display().to_string().replace('/', "%2F");
    for url in [
        format!(
            "postgres://{login}@localhost:{port}/{database}?host={}",
            folder.display()
        ),
        format!("postgres://{login}@{escaped}:{port}/{database}"),
        format!(
            "postgres://{login}@/{database}?port={port}&host={}",
            folder.display()
        ),
    ] {
        assert_eq!(ask(&url, CLIENT).unwrap(), "a socket", "{url}");
    }
    assert_eq!(ask(postgres_url(), CLIENT).unwrap(), "127.0.0.1");
}

#[test]
fn mysql_is_reached_over_its_unix_socket() {
    let Some(file) = mysql_socket() else {
        return;
    };
    let (login, database) = parts(mysql_url());
    let url = format!(
        "mysql://{login}@localhost/{database}?socket={}",
        file.display()
    );
    let client = "select substring_index(host, ':', 1) from information_schema.processlist \
                  where id = connection_id()";
    assert_eq!(ask(&url, client).unwrap(), "localhost");
    assert_eq!(ask(mysql_url(), client).unwrap(), "127.0.0.1");
}

#[test]
fn a_missing_socket_says_where_it_was_looked_for() {
    for url in [
        "postgres://app:hidden@localhost/shop?host=/nowhere",
        "mysql://app:hidden@localhost/shop?socket=/nowhere/mysql.sock",
    ] {
        let error = ask(url, "select 'x'").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("/nowhere") && !text.contains("hidden"),
            "{text}"
        );
    }
}

#[test]
fn options_of_a_postgres_url_reach_the_session() {
    let url = format!(
        "{}?application_name=bookshop&options=-c%20statement_timeout%3D4321",
        postgres_url()
    );
    let name = ask(&url, "select current_setting('application_name')");
    assert_eq!(name.unwrap(), "bookshop");
    let timeout = ask(&url, "select current_setting('statement_timeout')");
    assert_eq!(timeout.unwrap(), "4321ms");
    let url = format!(
        "{}?options=-c%20search_path%3Da,%5C%20b%20--work-mem%3D7MB",
        postgres_url()
    );
    let path = ask(
        &url,
        "select current_setting('search_path') || current_setting('work_mem')",
    );
    assert_eq!(path.unwrap(), "a, b7MB");
    let name = ask(postgres_url(), "select current_setting('application_name')");
    assert_eq!(name.unwrap(), "estoult");
}

#[test]
fn keepalives_take_zero_for_the_default_of_the_system() {
    for options in [
        "keepalives_idle=0",
        "keepalives_interval=0&keepalives_count=0&tcp_user_timeout=0",
        "keepalives=0&keepalives_idle=5",
        "keepalives=1&keepalives_idle=5",
    ] {
        let url = format!("{}?{options}", postgres_url());
        assert_eq!(ask(&url, "select 'x'").unwrap(), "x", "{options}");
    }
}

#[test]
fn options_take_the_place_of_parts_of_a_postgres_url() {
    let (login, database) = parts(postgres_url());
    let (user, password) = login.split_once(':').unwrap();
    let server = postgres_url()
        .rsplit_once('@')
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0;
    let (host, port) = server.split_once(':').unwrap();
    let url = format!(
        "postgres:///?host={host}&port={port}&user={user}&password={password}&dbname={database}"
    );
    assert_eq!(
        ask(&url, "select current_database()::text").unwrap(),
        database
    );
}

#[test]
fn a_connection_without_tls_is_made_where_that_is_allowed() {
    for mode in ["disable", "prefer"] {
        let url = format!("{}?sslmode={mode}", postgres_url());
        assert_eq!(ask(&url, "select 'x'").unwrap(), "x");
        let url = format!("{}?ssl-mode={mode}", mysql_url());
        assert_eq!(ask(&url, "select 'x'").unwrap(), "x");
    }
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_required() {
    for mode in ["require", "verify-full"] {
        let error = ask(&format!("{}?sslmode={mode}", postgres_url()), "select 'x'").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        assert!(error.message().contains("TLS"), "{error}");
    }
}

#[test]
fn a_mysql_url_finds_out_which_server_it_is() {
    let db = Database::builder(mysql_url()).build().unwrap();
    assert_eq!(db.dialect(), Dialect::MySql);
    let version = ask(mysql_url(), "select version()").unwrap();
    runtime()
        .block_on(async { db.connect().await.map(drop) })
        .unwrap();
    let is_mariadb = version.to_lowercase().contains("mariadb");
    assert_eq!(db.dialect() == Dialect::MariaDb, is_mariadb);
}

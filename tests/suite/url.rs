//! Database URLs: what each part may be, what is said about a wrong one, and that no password shows.

mod server;
mod sqlite;

use estoult::{Database, ErrorKind, Registry, RegistryConfig};
use insta::assert_snapshot;
use proptest::prelude::{Strategy, any, prop_assert, proptest};
use serde::Deserialize;

use crate::support::{property, wrap};

/// The message about a malformed URL.
fn refused(url: &str) -> String {
    let error = Database::builder(url).build().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    error.to_string()
}

/// The messages about malformed URLs, each below its URL, none of which shows the password.
fn all_refused(urls: &[&str]) -> String {
    let mut lines = Vec::new();
    for url in urls {
        let message = refused(url);
        assert!(
            !message.contains("hid") && !message.contains("den@"),
            "{message}"
        );
        lines.push(format!("{url}\n    {message}"));
    }
    wrap(lines.join("\n"))
}

#[test]
fn a_url_begins_with_a_known_scheme_and_names_a_file() {
    let urls = [
        "",
        "shop.db",
        "oracle://app:hidden@localhost/shop",
        "host=localhost password=hidden:1",
        "sqlite:",
        "sqlite://",
    ];
    assert_snapshot!(all_refused(&urls), @r"

    read a database URL: it has no scheme; begin it with `sqlite:`, `postgres://` or
    `mysql://`
    shop.db
    read a database URL: it has no scheme; begin it with `sqlite:`, `postgres://` or
    `mysql://`
    oracle://app:hidden@localhost/shop
    read a database URL: unknown scheme `oracle`; known are `sqlite:`, `postgres://`
    and `mysql://`
    host=localhost password=hidden:1
    read a database URL: it does not begin with a scheme; known are `sqlite:`,
    `postgres://` and `mysql://`
    sqlite:
    read a sqlite URL: the path is missing; write `sqlite:file.db` or
    `sqlite::memory:`
    sqlite://
    read a sqlite URL: the path is missing; write `sqlite:file.db` or
    `sqlite::memory:`
    ");
}

#[test]
fn a_url_of_postgres_is_told_which_part_is_wrong() {
    let urls = [
        "postgres:app:hidden@localhost/shop",
        "postgres:/shop",
        "postgres://app:hidden@localhost:port/shop",
        "postgres://app:hidden@localhost:70000/shop",
        "postgres://app:hidden@[::1/shop",
        "postgres://app:hidden@one,two/shop",
        "postgres://app:hid/den@localhost/shop",
        "postgres://app:1/hidden@localhost/shop",
    ];
    assert_snapshot!(all_refused(&urls), @r"
    postgres:app:hidden@localhost/shop
    read a postgres URL: `//` is missing behind the scheme; write it as
    postgres://user:password@host:port/database
    postgres:/shop
    read a postgres URL: `//` is missing behind the scheme; write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@localhost:port/shop
    read a postgres URL: the port is not a number from 1 to 65535 (in user and
    password write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@localhost:70000/shop
    read a postgres URL: the port is not a number from 1 to 65535 (in user and
    password write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@[::1/shop
    read a postgres URL: the host is not a valid IP address; write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@one,two/shop
    read a postgres URL: it names several hosts; a database has one, name each host
    in a database of its own
    postgres://app:hid/den@localhost/shop
    read a postgres URL: the port is not a number from 1 to 65535 (in user and
    password write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    postgres://user:password@host:port/database
    postgres://app:1/hidden@localhost/shop
    read a postgres URL: there is an `@` behind the host; in user and password write
    `@ : / # ?` as %40 %3A %2F %23 %3F, elsewhere `@` as %40
    ");
}

#[test]
fn a_url_of_postgres_is_told_which_character_or_option_is_wrong() {
    let urls = [
        "postgres://app:1?hidden@localhost/shop",
        "postgres://app:hid#den@localhost/shop",
        "postgres://app:hidden@localhost/shop#part",
        "postgres://app:hidden@localhost/shop?sslmode=maybe",
        "postgres://app:hidden@/shop?host=one,two&statement_cache_capacity=many",
        "postgres://app:hidden@localhost/shop?port=big&statement_cache_capacity=0&colour=red",
    ];
    assert_snapshot!(all_refused(&urls), @"
    postgres://app:1?hidden@localhost/shop
    read a postgres URL: there is an `@` behind the host; in user and password write
    `@ : / # ?` as %40 %3A %2F %23 %3F, elsewhere `@` as %40
    postgres://app:hid#den@localhost/shop
    read a postgres URL: the port is not a number from 1 to 65535 (in user and
    password write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@localhost/shop#part
    read a postgres URL: there is a `#`, which means nothing in it; in user,
    password and names write it as %23
    postgres://app:hidden@localhost/shop?sslmode=maybe
    read a postgres URL: option `sslmode` takes disable, allow, prefer, require,
    verify-ca or verify-full
    postgres://app:hidden@/shop?host=one,two&statement_cache_capacity=many
    read a postgres URL: it names several hosts; a database has one, name each host
    in a database of its own; option `statement_cache_capacity` takes a number, and
    0 behind a pooler
    postgres://app:hidden@localhost/shop?port=big&statement_cache_capacity=0&colour=red
    read a postgres URL: option `port` takes a number from 1 to 65535; unknown
    option `colour` (known: application_name, host, port, user, password, dbname,
    options, sslmode, sslrootcert, sslcert, sslkey, sslprovider, channel_binding,
    keepalives, keepalives_idle, keepalives_interval, keepalives_count,
    tcp_user_timeout, statement_cache_capacity)
    ");
}

#[test]
fn a_url_of_mysql_is_told_which_part_is_wrong() {
    let urls = [
        "mysql://app:hidden@localhost:port/shop",
        "mysql://app:hidden@localhost/shop?ssl-mode=maybe&sockt=1",
        "mysql://app:hidden@localhost/shop?ssl-ca=system&sslprovider=ring&statement_cache_capacity=0",
    ];
    assert_snapshot!(all_refused(&urls), @"
    mysql://app:hidden@localhost:port/shop
    read a mysql URL: the port is not a number from 1 to 65535 (in user and password
    write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    mysql://user:password@host:port/database
    mysql://app:hidden@localhost/shop?ssl-mode=maybe&sockt=1
    read a mysql URL: option `ssl-mode` takes disable, allow, prefer, require,
    verify-ca or verify-full; unknown option `sockt` (known: charset, collation,
    socket, port, ssl-mode, ssl-ca, ssl-cert, ssl-key, statement-cache-capacity)
    mysql://app:hidden@localhost/shop?ssl-ca=system&sslprovider=ring&statement_cache_capacity=0
    read a mysql URL: option `ssl-ca` takes a file; unknown option `sslprovider`
    (known: charset, collation, socket, port, ssl-mode, ssl-ca, ssl-cert, ssl-key,
    statement-cache-capacity); option `statement_cache_capacity` takes a number
    above zero
    ");
}

#[test]
fn each_part_of_a_url_may_be_escaped_or_left_out() {
    let urls = [
        "postgres://localhost",
        "postgres:///shop",
        "postgres://a%40b:hid%2Fden@db.example:6432/my%20shop?sslmode=disable",
        "postgres://app:hi:d^d en@db_one:/shop\n",
        "postgres://app:hid@den@localhost/shop",
        "postgres://app@[::1]/shop",
        "postgres://app@[2001:db8::7]:6432/shop",
        "postgres://app@%2Fvar%2Frun%2Fpostgresql/shop",
        "mysql://app@db_one/shop?port=3307&ssl-mode=disabled",
    ];
    let addresses = urls.map(|url| {
        let database = Database::builder(url).build().unwrap();
        format!("{}\n    {}", url.trim_end(), database.address())
    });
    assert_snapshot!(addresses.join("\n"), @r"
    postgres://localhost
        postgres://localhost:5432/
    postgres:///shop
        postgres://localhost:5432/shop
    postgres://a%40b:hid%2Fden@db.example:6432/my%20shop?sslmode=disable
        postgres://a@b@db.example:6432/my shop
    postgres://app:hi:d^d en@db_one:/shop
        postgres://app@db_one:5432/shop
    postgres://app:hid@den@localhost/shop
        postgres://app@localhost:5432/shop
    postgres://app@[::1]/shop
        postgres://app@[::1]:5432/shop
    postgres://app@[2001:db8::7]:6432/shop
        postgres://app@[2001:db8::7]:6432/shop
    postgres://app@%2Fvar%2Frun%2Fpostgresql/shop
        postgres://app@/var/run/postgresql/shop
    mysql://app@db_one/shop?port=3307&ssl-mode=disabled
        mysql://app@db_one:3307/shop
    ");
}

#[test]
fn a_host_is_told_what_is_wrong_with_it() {
    let urls = [
        "postgres://app:hidden@/shop",
        "postgres://:5432/shop",
        "postgres://app:hidden@one two/shop",
        "postgres://app:hidden@one|two/shop",
        "postgres://app:hidden@[localhost]/shop",
        "postgres://app:hidden@[::1]5432/shop",
        "postgres://app:hidden@::1/shop",
        "postgres://app:hidden@localhost:0/shop",
        "postgres://app:hidden@localhost:+1/shop",
    ];
    assert_snapshot!(all_refused(&urls), @r"
    postgres://app:hidden@/shop
    read a postgres URL: the host is missing; write it as
    postgres://user:password@host:port/database
    postgres://:5432/shop
    read a postgres URL: the host is missing; write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@one two/shop
    read a postgres URL: the host has a character that no host name may have; write
    it as postgres://user:password@host:port/database
    postgres://app:hidden@one|two/shop
    read a postgres URL: the host has a character that no host name may have; write
    it as postgres://user:password@host:port/database
    postgres://app:hidden@[localhost]/shop
    read a postgres URL: the host is not a valid IP address; write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@[::1]5432/shop
    read a postgres URL: the host is not a valid IP address; write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@::1/shop
    read a postgres URL: the host is an IPv6 address, which stands in brackets;
    write it as postgres://user:password@host:port/database
    postgres://app:hidden@localhost:0/shop
    read a postgres URL: the port is not a number from 1 to 65535 (in user and
    password write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    postgres://user:password@host:port/database
    postgres://app:hidden@localhost:+1/shop
    read a postgres URL: the port is not a number from 1 to 65535 (in user and
    password write `@ : / # ?` as %40 %3A %2F %23 %3F); write it as
    postgres://user:password@host:port/database
    ");
}

#[test]
fn settings_that_allow_nothing_are_refused() {
    let none = Database::builder("sqlite::memory:").max_connections(0);
    assert_snapshot!(wrap(none.build().unwrap_err()), @r"
    build a database: max_connections is 0; allow at least 1
    ");
    let no_time = Database::builder("sqlite::memory:").acquire_timeout(std::time::Duration::ZERO);
    assert_snapshot!(wrap(no_time.build().unwrap_err()), @"
    build a database: acquire_timeout is 0, so no caller could wait for a
    connection; allow some time
    ");
}

/// What every password of these tests has in it, and no message has by itself.
const MARK: &str = "Zq9x";

/// A password as a user may write it into a URL, escaped or not.
fn password() -> impl Strategy<Value = String> {
    let part = "[a-z0-9@:/?#%&=+,;!$ \\[\\]\\\\-]{0,6}";
    (part, part).prop_map(|(before, after)| format!("{before}{MARK}{after}"))
}

fn url() -> impl Strategy<Value = String> {
    let scheme = proptest::sample::select(vec![
        "postgres://",
        "postgresql://",
        "mysql://",
        "mariadb://",
        "oracle://",
        "postgres:",
    ]);
    let user = proptest::sample::select(vec!["app", "", "a%40b"]);
    let ending = proptest::sample::select(vec![
        "localhost/shop",
        "localhost:5432/shop",
        "localhost:port/shop",
        "[::1/shop",
        "one,two/shop",
        "localhost",
        "/shop",
        "",
        "localhost/shop?sslmode=maybe",
        "localhost/shop?colour=red",
        "localhost/shop?port=0x",
        "localhost/shop#part",
    ]);
    let parts = (scheme, user, password(), ending, any::<bool>());
    parts.prop_map(|(scheme, user, password, ending, is_option)| {
        if is_option {
            let mark = if ending.contains('?') { '&' } else { '?' };
            let password = password.replace(['&', '#', '@', '='], "");
            return format!("{scheme}{user}@{ending}{mark}password={password}");
        }
        format!("{scheme}{user}:{password}@{ending}")
    })
}

proptest! {
    #![proptest_config(property())]

    #[test]
    fn no_password_shows_in_an_error_or_in_debug(url in url()) {
        let builder = Database::builder(&url);
        let registry = Registry::builder(&*url).extra("again", &*url);
        let mut shown = format!("{builder:?} {registry:?}");
        match builder.build() {
            Ok(database) => {
                shown += &format!("{database:?} {database} {}", database.address());
                let registry = registry.build().unwrap();
                shown += &format!("{registry:?} {registry}");
            }
            Err(error) => {
                shown += &format!("{error:?} {error} {:?}", registry.build());
            }
        }
        let mut config = RegistryConfig::new(&*url);
        config.extra.insert("again".to_owned(), url.as_str().into());
        shown += &format!("{config:?} {config} {:?}", Registry::from_config(config.clone()));
        let file = serde_json::json!({ "databases": { "default": url, "again": { "url": url } } });
        shown += &format!("{:?}", RegistryConfig::deserialize(file));
        let variables = [("DATABASE_URL", &url), ("ESTOULT_DATABASES__AGAIN__URL", &url)];
        shown += &format!("{:?}", RegistryConfig::from_vars(variables));
        let shown = shown.to_lowercase();
        prop_assert!(!shown.contains(&MARK.to_lowercase()), "{}", shown);
    }
}

#[test]
fn an_option_that_is_given_twice_is_refused() {
    for url in [
        "postgres://localhost/shop?sslmode=disable&sslmode=verify-full",
        "mysql://localhost/shop?charset=utf8mb4&charset=latin1",
        "sqlite:shop.db?mode=ro&mode=rwc",
    ] {
        let message = refused(url);
        assert!(message.contains("is given more than once"), "{message}");
    }
}

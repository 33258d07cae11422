//! Database URLs: what each part may be, what is said about a wrong one, and that no password shows.

mod server;
mod sqlite;

use estoult::{Database, ErrorKind, Registry, RegistryConfig};
use proptest::prelude::{Strategy, any, prop_assert, proptest};
use serde::Deserialize;

use crate::support::wrap;

/// The message about a malformed URL.
fn refused(url: &str) -> String {
    let error = Database::builder(url).build().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Configuration),
        "{error:?}"
    );
    error.to_string()
}

#[test]
fn a_malformed_url_is_told_which_part_is_wrong() {
    let urls = [
        "",
        "shop.db",
        "oracle://app:hidden@localhost/shop",
        "host=localhost password=hidden:1",
        "sqlite:",
        "sqlite://",
        "postgres:app:hidden@localhost/shop",
        "postgres:/shop",
        "postgres://app:hidden@localhost:port/shop",
        "postgres://app:hidden@localhost:70000/shop",
        "postgres://app:hidden@[::1/shop",
        "postgres://app:hidden@one,two/shop",
        "postgres://app:hid/den@localhost/shop",
        "postgres://app:1/hidden@localhost/shop",
        "postgres://app:1?hidden@localhost/shop",
        "postgres://app:hid#den@localhost/shop",
        "postgres://app:hidden@localhost/shop#part",
        "postgres://app:hidden@localhost/shop?sslmode=maybe",
        "postgres://app:hidden@localhost/shop?port=big&statement_cache_capacity=0&colour=red",
        "mysql://app:hidden@localhost:port/shop",
        "mysql://app:hidden@localhost/shop?ssl-mode=maybe&sockt=1",
    ];
    let lines: Vec<_> = urls
        .iter()
        .map(|url| format!("{url}\n    {}", refused(url)))
        .collect();
    for line in &lines {
        let (_, message) = line.split_once('\n').unwrap();
        assert!(
            !message.contains("hid") && !message.contains("den@"),
            "{message}"
        );
    }
    insta::assert_snapshot!("malformed_urls", wrap(lines.join("\n")));
}

#[test]
fn settings_that_allow_nothing_are_refused() {
    let none = Database::builder("sqlite::memory:").max_connections(0);
    insta::assert_snapshot!(wrap(none.build().unwrap_err()), @r"
    build a database: max_connections is 0; allow at least 1
    ");
    let no_time = Database::builder("sqlite::memory:").acquire_timeout(std::time::Duration::ZERO);
    insta::assert_snapshot!(wrap(no_time.build().unwrap_err()), @r"
    build a database: acquire_timeout is 0, so nobody could wait for a connection;
    allow some time
    ");
}

/// What every password of these tests has in it, and no message has by itself.
const MARK: &str = "Zq9x";

/// A password as a user may write it into an URL, escaped or not.
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

//! Registries from configurations: the environment, files, plain settings.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, time::Duration};

use estoult::{DatabaseConfig, DatabaseNotConnected, Registry, RegistryConfig};
use proptest::prelude::{any, prop_assert, proptest};

use crate::support::{property, wrap};

fn mistakes(variables: &[(&str, &str)]) -> String {
    let error = RegistryConfig::from_vars(variables.iter().copied()).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("secret"), "{error}");
    wrap(error.to_string().replace("; ", ";\n"))
}

fn from_toml(text: &str) -> Result<RegistryConfig, String> {
    toml::from_str(text).map_err(|error| {
        let error = error.to_string();
        assert!(!error.contains("secret"), "{error}");
        wrap(error.replace("; ", ";\n"))
    })
}

#[test]
fn the_environment_names_databases_and_their_settings() {
    let config = RegistryConfig::from_vars([
        ("PATH", "/bin"),
        ("ESTOULT_TEST_POSTGRES_URL", "nothing of ours"),
        (
            "ESTOULT_DATABASES__DEFAULT__URL",
            "postgres://app:secret@localhost/shop",
        ),
        ("ESTOULT_DATABASES__DEFAULT__MAX_AGE", "1h 30m"),
        (
            "ESTOULT_DATABASES__READ_REPLICA__URL",
            "mysql://app:secret@db-2/shop",
        ),
        ("ESTOULT_DATABASES__READ_REPLICA__MAX_CONNECTIONS", "4"),
        ("ESTOULT_DATABASES__READ_REPLICA__ACQUIRE_TIMEOUT", "500ms"),
        ("ESTOULT_DATABASES__READ_REPLICA__CONNECT_TIMEOUT", "7"),
        ("ESTOULT_DATABASES__READ_REPLICA__PING_AFTER", ""),
        ("ESTOULT_DATABASES__READ_REPLICA__MIN_CONNECTIONS", "0"),
        ("ESTOULT_DATABASES__READ_REPLICA__CONNECT_WITHIN", "1m"),
        ("ESTOULT_DATABASES__READ_REPLICA__CONNECT_RETRIES", "3"),
        ("ESTOULT_DATABASES__READ_REPLICA__NOT_CONNECTED", "error"),
        ("ESTOULT_DATABASES__READ_REPLICA__SCHEMA", "tenant_7"),
        ("ESTOULT_DATABASES__READ_REPLICA__READ_ONLY", "true"),
        ("ESTOULT_DATABASES__A__B__URL", "sqlite::memory:"),
    ])
    .unwrap();
    let names: Vec<_> = config.extra.keys().collect();
    assert_eq!(names, ["a__b", "read_replica"]);
    let options = &config.default_database.options;
    assert_eq!(options.max_age, Some(Duration::from_secs(5400)));
    let options = &config.extra["read_replica"].options;
    assert_eq!(options.max_connections, 4);
    assert_eq!(options.acquire_timeout, Duration::from_millis(500));
    assert_eq!(options.connect_timeout, Duration::from_secs(7));
    assert_eq!((options.min_connections, options.connect_retries), (0, 3));
    assert_eq!(options.connect_within, Duration::from_secs(60));
    assert_eq!(options.not_connected, Some(DatabaseNotConnected::Error));
    assert_eq!(options.schema.as_deref(), Some("tenant_7"));
    assert!(options.read_only && !config.default_database.options.read_only);
    assert_eq!(
        options.ping_after,
        DatabaseConfig::new("").options.ping_after
    );
    let registry = Registry::from_config(config).unwrap();
    assert_eq!(
        registry.using("read_replica").unwrap().address(),
        "mysql://app@db-2:3306/shop"
    );
}

#[test]
fn all_mistakes_of_the_environment_are_in_one_error() {
    let text = mistakes(&[
        (
            "DATABASE_URL",
            "postgres://app:secret@localhost/shop?colour=red",
        ),
        ("ESTOULT_DATABASES__DEFAULT__MAX_CONNECTIONS", "secret"),
        (
            "ESTOULT_DATABASES__REPLICA__URL",
            "postgres://app:secret@localhost:port/shop",
        ),
        ("ESTOULT_DATABASES__REPLICA__MAX_CONECTIONS", "secret"),
        ("ESTOULT_DATABASES__REPLICA__ACQUIRE_TIMEOUT", "secret"),
        ("ESTOULT_DATABASES__REPLICA__MAX_AGE", "-1 secret"),
        ("ESTOULT_DATABASES__REPLICA__NOT_CONNECTED", "secret"),
        ("ESTOULT_DATABASES__AUDIT__PING_AFTER", "1s"),
        ("ESTOULT_DATABASES__ZERO__URL", "sqlite::memory:"),
        ("ESTOULT_DATABASES__ZERO__MAX_CONNECTIONS", "0"),
        ("ESTOULT_DATABASES__zero__URL", "sqlite:secret"),
        ("ESTOULT_DATABASES__ SPACED __URL", "sqlite::memory:"),
        ("ESTOULT_DATABASES__URL", "secret"),
        ("ESTOULT_DATABASE__ARCHIVE__URL", "secret"),
    ]);
    insta::assert_snapshot!(text, @r#"
    read the databases of the environment:
    `ESTOULT_DATABASES__DEFAULT__MAX_CONNECTIONS` takes a whole number;
    `ESTOULT_DATABASES__REPLICA__ACQUIRE_TIMEOUT` takes a time such as `5s`, `500ms`
    or `1h 30m`, or a whole number of seconds;
    `ESTOULT_DATABASES__REPLICA__MAX_AGE` takes a time such as `30m` or `1h 30m`, a
    whole number of seconds, or `never`;
    `ESTOULT_DATABASES__REPLICA__MAX_CONECTIONS` is not a database setting;
    the settings are url, max_connections, acquire_timeout, connect_timeout,
    statement_timeout, slow_statement, statement_cache_capacity, ping_after,
    max_age, schema, min_connections, connect_within, connect_retries, read_only,
    not_connected;
    did you mean `max_connections`?;
    `ESTOULT_DATABASES__REPLICA__NOT_CONNECTED` takes `warn`, `error` or `silent`;
    `ESTOULT_DATABASES__REPLICA__URL`: read a postgres URL: the port is not a number
    from 1 to 65535 (in user and password write `@ : / # ?` as %40 %3A %2F %23 %3F);
    write it as postgres://user:password@host:port/database;
    `ESTOULT_DATABASES__URL` is not a database setting;
    write `ESTOULT_DATABASES__NAME__SETTING`, such as
    `ESTOULT_DATABASES__DEFAULT__URL`;
    `ESTOULT_DATABASES__ZERO__URL` and `ESTOULT_DATABASES__zero__URL` say the same;
    leave one out;
    `ESTOULT_DATABASE__ARCHIVE__URL` is not a database setting;
    write `ESTOULT_DATABASES__NAME__SETTING`, such as
    `ESTOULT_DATABASES__DEFAULT__URL`;
    `DATABASE_URL`: read a postgres URL: unknown option `colour` (known:
    application_name, host, port, user, password, dbname, options, sslmode,
    sslrootcert, sslcert, sslkey, sslprovider, channel_binding, keepalives,
    keepalives_idle, keepalives_interval, keepalives_count, tcp_user_timeout,
    statement_cache_capacity);
    the name " spaced " begins or ends with a space;
    leave it out;
    the database `audit` has no URL: set `ESTOULT_DATABASES__AUDIT__URL`;
    the database `zero`: build a database: max_connections is 0;
    allow at least 1
    "#);
}

#[test]
fn an_environment_without_a_default_database_says_how_to_give_one() {
    insta::assert_snapshot!(mistakes(&[]), @r"
    read the databases of the environment: there is no default database: set
    `ESTOULT_DATABASES__DEFAULT__URL` or `DATABASE_URL`
    ");
    insta::assert_snapshot!(mistakes(&[("ESTOULT_DATABASES__REPLICA__URL", "sqlite::memory:")]), @r"
    read the databases of the environment: there is no default database: set
    `ESTOULT_DATABASES__DEFAULT__URL` or `DATABASE_URL`
    ");
    insta::assert_snapshot!(mistakes(&[("ESTOULT_DATABASES__DEFAULT__MAX_AGE", "never")]), @r"
    read the databases of the environment: the database `default` has no URL: set
    `ESTOULT_DATABASES__DEFAULT__URL` or `DATABASE_URL`
    ");
}

#[test]
fn the_variable_of_platforms_counts_when_no_other_names_the_default_database() {
    let fallback = ("DATABASE_URL", "sqlite:platform.db");
    let config = RegistryConfig::from_vars([
        fallback,
        ("ESTOULT_DATABASES__DEFAULT__MAX_CONNECTIONS", "3"),
    ])
    .unwrap();
    assert_eq!(config.default_database.url, "sqlite:platform.db");
    assert_eq!(config.default_database.options.max_connections, 3);
    let own = ("ESTOULT_DATABASES__DEFAULT__URL", "sqlite:own.db");
    let config = RegistryConfig::from_vars([fallback, own]).unwrap();
    assert_eq!(config.default_database.url, "sqlite:own.db");
}

#[test]
fn variables_that_are_not_utf8_are_named() {
    let broken = || OsString::from_vec(b"sqlite:\xff".to_vec());
    let name = OsString::from_vec(b"ESTOULT_DATABASES__\xff__URL".to_vec());
    let error = RegistryConfig::from_vars([
        (OsString::from("PATH"), broken()),
        (OsString::from("ESTOULT_DATABASES__DEFAULT__URL"), broken()),
        (name, OsString::from("sqlite::memory:")),
    ])
    .unwrap_err();
    insta::assert_snapshot!(wrap(error.to_string().replace("; ", ";\n")), @r"
    read the databases of the environment: the value of
    `ESTOULT_DATABASES__DEFAULT__URL` is not UTF-8;
    the name `ESTOULT_DATABASES__�__URL` is not UTF-8
    ");
}

#[test]
fn a_file_names_databases_as_tables_or_by_their_urls() {
    let config = from_toml(
        r#"
        [databases]
        archive = "sqlite:archive.db"
        [databases.default]
        url = "postgres://app:secret@localhost/shop"
        max_connections = 32
        acquire_timeout = "2s"
        max_age = 3600
        [databases."read replica"]
        url = "sqlite::memory:"
        max_age = "never"
        read_only = true
        "#,
    )
    .unwrap();
    insta::assert_snapshot!(wrap(config.to_string()), @r"
    `default` (postgres://app@localhost:5432/shop), `archive` (sqlite:archive.db),
    `read replica` (sqlite::memory:)
    ");
    let options = &config.default_database.options;
    assert_eq!(options.max_connections, 32);
    assert_eq!(options.acquire_timeout, Duration::from_secs(2));
    assert_eq!(options.max_age, Some(Duration::from_secs(3600)));
    assert_eq!(config.extra["read replica"].options.max_age, None);
    assert!(config.extra["read replica"].options.read_only);
}

#[test]
fn all_mistakes_of_a_file_are_in_one_error() {
    let text = r#"
        colour = "red"
        [databases]
        " " = "sqlite::memory:"
        list = ["secret"]
        bad = "secret"
        [databases.replica]
        max_connections = "secret"
        max_age = { secret = 1 }
        ping_after = 1.5
        user = "secret"
        "#;
    insta::assert_snapshot!(from_toml(text).unwrap_err(), @"
    read a configuration of databases: `colour` is unknown;
    known are `databases` and `sync_limit`;
    `databases.bad`: read a database URL: it has no scheme;
    begin it with `sqlite:`, `postgres://` or `mysql://`;
    `databases.list` is a table of settings, or a URL;
    `databases.replica.max_age` takes one text or number;
    `databases.replica.max_connections` takes a whole number;
    `databases.replica.ping_after` takes one text or number;
    `databases.replica.user` is not a database setting;
    the settings are url, max_connections, acquire_timeout, connect_timeout,
    statement_timeout, slow_statement, statement_cache_capacity, ping_after,
    max_age, schema, min_connections, connect_within, connect_retries, read_only,
    not_connected;
    there is no default database: set `databases.default.url`;
    a database has a blank name;
    give it one;
    the database `replica` has no URL: set `databases.replica.url`
    ");
    insta::assert_snapshot!(from_toml("databases = 'secret'").unwrap_err(), @r"
    read a configuration of databases: `databases` is a table with one entry a
    database;
    there is no default database: set `databases.default.url`
    ");
    insta::assert_snapshot!(from_toml("").unwrap_err(), @r"
    read a configuration of databases: there is no default database: set
    `databases.default.url`
    ");
}

#[test]
fn json_is_read_alike_and_a_name_given_twice_is_refused() {
    let config: RegistryConfig = serde_json::from_str(
        r#"{"databases": {"default": {"url": "sqlite::memory:", "max_connections": 2}}}"#,
    )
    .unwrap();
    assert_eq!(config.default_database.options.max_connections, 2);
    let twice = r#"{"databases": {"default": "sqlite:one.db", "default": {"url": "sqlite:two.db", "max_age": null}}}"#;
    let error = serde_json::from_str::<RegistryConfig>(twice).unwrap_err();
    insta::assert_snapshot!(wrap(error.to_string().replace("; ", ";\n")), @r"
    read a configuration of databases: `databases.default` and
    `databases.default.url` say the same;
    leave one out;
    `databases.default.max_age` takes one text or number
    ");
}

#[test]
fn a_program_configures_by_plain_settings_and_goes_on_with_the_builder() {
    let mut config = RegistryConfig::new("sqlite::memory:");
    config
        .extra
        .insert("archive".to_owned(), "sqlite::memory:".into());
    let registry = config
        .clone()
        .builder()
        .extra("scratch", "sqlite::memory:")
        .build()
        .unwrap();
    let names: Vec<_> = registry.names().collect();
    assert_eq!(names, ["default", "archive", "scratch"]);
    config.extra.insert("default".to_owned(), "sqlite:".into());
    config
        .extra
        .insert(" ".to_owned(), "sqlite::memory:".into());
    let error = Registry::from_config(config).unwrap_err();
    insta::assert_snapshot!(wrap(error.to_string().replace("; ", ";\n")), @r"
    build a registry: a database has a blank name;
    give it one;
    the name `default` is taken by the default database;
    choose another;
    database `default`: read a sqlite URL: the path is missing;
    write `sqlite:file.db` or `sqlite::memory:`
    ");
}

#[test]
fn debug_and_display_of_a_configuration_show_no_password() {
    let mut config = RegistryConfig::new("postgres://app:secret@localhost/shop");
    config
        .extra
        .insert("broken".to_owned(), "mysql:app:secret".into());
    assert!(!format!("{config:?}").contains("secret"));
    insta::assert_snapshot!(config, @r"
    `default` (postgres://app@localhost:5432/shop), `broken` (malformed)
    ");
}

proptest! {
    #![proptest_config(property())]

    #[test]
    fn no_value_of_the_environment_shows_in_what_is_said_about_it(
        before in "[ -.0-~]{0,8}",
        after in "[ -.0-~]{0,8}",
        setting in proptest::sample::select(vec!["URL", "MAX_AGE", "MAX_CONNECTIONS", "COLOUR"]),
        scheme in proptest::sample::select(vec!["", "postgres://app:", "mysql://app:", "sqlite:mode?"]),
        is_default in any::<bool>(),
    ) {
        let name = if is_default { "DEFAULT" } else { "REPLICA" };
        let variable = format!("ESTOULT_DATABASES__{name}__{setting}");
        let value = format!("{scheme}{before}Zq9x{after}@localhost:port/shop");
        let read = RegistryConfig::from_vars([(variable, value)]);
        let said = match read {
            Ok(config) => format!("{config:?} {config}"),
            Err(error) => format!("{error:?} {error}"),
        };
        // What stands as the path of a file or as an address is no secret.
        prop_assert!(!said.contains("Zq9x") || scheme.starts_with("sqlite"), "{said}");
    }
}

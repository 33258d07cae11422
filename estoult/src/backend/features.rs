//! Every difference in SQL between the databases, as data: one constant a database.
//!
//! Invariant: nothing here talks to a database.

use std::fmt;

/// A way of writing SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    MySql,
    /// MariaDB, recognised when a connection is made.
    MariaDb,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        })
    }
}

impl Dialect {
    /// What this way of writing SQL has and lacks.
    #[must_use]
    pub fn features(self) -> &'static Features {
        match self {
            Self::Sqlite => &SQLITE,
            Self::Postgres => &POSTGRES,
            Self::MySql => &MYSQL,
            Self::MariaDb => &MARIADB,
        }
    }
}

/// What a database has and lacks, as far as it changes the SQL that is written for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one difference between databases"
)]
#[non_exhaustive]
pub struct Features {
    /// Whose features these are.
    pub dialect: Dialect,
    /// Whether `INSERT … RETURNING` gives the new rows back.
    pub insert_returning: bool,
    /// Whether `UPDATE … RETURNING` gives the changed rows back.
    pub update_returning: bool,
    /// How many parameters one statement may have.
    pub max_parameters: usize,
    /// How a list of values is compared with.
    pub list: ListStyle,
    /// How several rows are inserted.
    pub bulk: BulkStyle,
    /// How text is matched with a pattern.
    pub like: LikeStyle,
    /// The character that quotes an identifier.
    pub quote: char,
    /// Whether placeholders are numbered: `$1` instead of `?`.
    pub numbered_marks: bool,
    /// Whether `NULLS FIRST` and `NULLS LAST` exist; elsewhere the order is written with a comparison.
    pub nulls_order: bool,
    /// Whether LIMIT is bound. SQLite prepares a statement with a bound LIMIT again at each execution.
    pub bound_limit: bool,
    /// Whether an offset needs a limit before it.
    pub offset_needs_limit: bool,
    /// Whether integers above the signed range exist.
    pub unsigned: bool,
    /// Whether text may hold the character NUL.
    pub nul_in_text: bool,
    /// Whether a pattern may hold the character NUL.
    pub nul_in_pattern: bool,
    /// Whether floats may be no number (NaN).
    pub not_a_number: bool,
    /// Whether floats may be infinite.
    pub infinity: bool,
    /// Whether dates lie outside of the years 0 to 9999 too.
    pub long_years: bool,
    /// Whether enum labels need a cast to their native type.
    pub native_enum: bool,
    /// Whether decimals are stored as text and compared with a collation of estoult's own.
    pub text_decimal: bool,
    /// Whether DDL can be rolled back.
    pub transactional_ddl: bool,
    /// The statement that begins a transaction that will write.
    pub begin_write: &'static str,
    /// Whether the isolation level can be chosen, and where it is written.
    pub isolation: IsolationStyle,
    /// Whether a failed statement ends the use of the transaction until it is rolled back.
    pub error_aborts_transaction: bool,
    /// Whether a deadlock ends the whole transaction, so that a statement after it would stand outside of any.
    pub conflict_ends_transaction: bool,
    /// How many bytes a name may have; PostgreSQL cuts off what is longer without an error.
    pub longest_name: usize,
    /// Whether a connection has to open each schema by itself: in SQLite each is a file.
    pub opens_schemas: bool,
    /// How a schema is made, before its name.
    pub create_schema: &'static str,
    /// How a schema is dropped: before its name, and behind it to take all that is in it along.
    pub drop_schema: [&'static str; 2],
    /// The names of the schemas that don't belong to the database itself.
    pub list_schemas: &'static str,
    /// How many tables and views the schema has whose name is bound.
    pub count_tables: &'static str,
    /// The statement that tells whether the database takes no writes: one row with 1 when it is so, else with 0.
    pub is_read_only: &'static str,
    /// The codes with which it refuses a connection that it may take a little later.
    pub passing_refusals: &'static [&'static str],
}

impl Features {
    /// The placeholder with this number, counted from one.
    #[must_use]
    pub fn mark(&self, number: usize) -> String {
        if self.numbered_marks {
            format!("${number}")
        } else {
            "?".to_owned()
        }
    }
}

/// How text is matched with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LikeStyle {
    /// `LIKE` tells upper from lower case, `ILIKE` does not.
    Native,
    /// `LIKE` does not tell them apart; `GLOB` does, with other wildcards.
    Glob,
    /// `LIKE` follows the collation: a binary one tells them apart, lowering both sides hides it.
    Collation,
}

/// How a list of values is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListStyle {
    /// One array parameter: `= any($1)`.
    Array,
    /// One JSON parameter: `in (select value from json_each(?))`.
    Json,
    /// One mark a value, padded to a power of two so that few texts are prepared.
    Marks,
}

/// How several rows are inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BulkStyle {
    /// One array a column: `select * from unnest($1, $2)`.
    Unnest,
    /// One list of values a row.
    Rows,
}

/// Where the isolation level of a transaction is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsolationStyle {
    /// Behind BEGIN: `begin isolation level serializable`.
    InBegin,
    /// In a statement before it: `set transaction isolation level serializable`.
    BeforeBegin,
    /// Every transaction is serializable.
    AlwaysSerializable,
}

const SQLITE: Features = Features {
    dialect: Dialect::Sqlite,
    insert_returning: true,
    update_returning: true,
    max_parameters: 32_766,
    list: ListStyle::Json,
    bulk: BulkStyle::Rows,
    like: LikeStyle::Glob,
    quote: '"',
    numbered_marks: false,
    nulls_order: true,
    bound_limit: false,
    offset_needs_limit: true,
    unsigned: false,
    nul_in_text: true,
    nul_in_pattern: false,
    not_a_number: false,
    infinity: true,
    long_years: false,
    native_enum: false,
    text_decimal: true,
    transactional_ddl: true,
    begin_write: "begin immediate",
    isolation: IsolationStyle::AlwaysSerializable,
    error_aborts_transaction: false,
    conflict_ends_transaction: false,
    longest_name: 128,
    opens_schemas: true,
    create_schema: "",
    drop_schema: ["", ""],
    list_schemas: "",
    count_tables: "",
    is_read_only: "select query_only from pragma_query_only",
    passing_refusals: &[],
};

const POSTGRES: Features = Features {
    dialect: Dialect::Postgres,
    insert_returning: true,
    update_returning: true,
    max_parameters: 65_535,
    list: ListStyle::Array,
    bulk: BulkStyle::Unnest,
    like: LikeStyle::Native,
    quote: '"',
    numbered_marks: true,
    nulls_order: true,
    bound_limit: true,
    offset_needs_limit: false,
    unsigned: false,
    nul_in_text: false,
    nul_in_pattern: false,
    not_a_number: true,
    infinity: true,
    long_years: true,
    native_enum: true,
    text_decimal: false,
    transactional_ddl: true,
    begin_write: "begin",
    isolation: IsolationStyle::InBegin,
    error_aborts_transaction: true,
    conflict_ends_transaction: false,
    longest_name: 63,
    opens_schemas: false,
    create_schema: "create schema",
    drop_schema: ["drop schema", " cascade"],
    list_schemas: "select nspname::text from pg_namespace \
        where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
    count_tables: "select count(*) from pg_class join pg_namespace on pg_namespace.oid = relnamespace \
        where relkind in ('r', 'p', 'v', 'm', 'f') and nspname = $1",
    is_read_only: "select cast(pg_is_in_recovery() as integer)::bigint",
    // It shuts down, was killed, starts; it has too many connections.
    passing_refusals: &["57P01", "57P02", "57P03", "53300"],
};

const MYSQL: Features = Features {
    dialect: Dialect::MySql,
    insert_returning: false,
    update_returning: false,
    max_parameters: 65_535,
    list: ListStyle::Marks,
    bulk: BulkStyle::Rows,
    like: LikeStyle::Collation,
    quote: '`',
    numbered_marks: false,
    nulls_order: false,
    bound_limit: true,
    offset_needs_limit: true,
    unsigned: true,
    nul_in_text: true,
    nul_in_pattern: true,
    not_a_number: false,
    infinity: false,
    long_years: false,
    native_enum: false,
    text_decimal: false,
    transactional_ddl: false,
    begin_write: "start transaction",
    isolation: IsolationStyle::BeforeBegin,
    error_aborts_transaction: false,
    conflict_ends_transaction: true,
    longest_name: 256,
    opens_schemas: false,
    create_schema: "create database",
    drop_schema: ["drop database", ""],
    list_schemas: "select schema_name from information_schema.schemata \
        where schema_name not in ('information_schema', 'mysql', 'performance_schema', 'sys') order by 1",
    count_tables: "select count(*) from information_schema.tables where table_schema = ?",
    // A server that counts in words says OFF, ON or more than that.
    is_read_only: "select cast(if(@@global.read_only in ('0', 'OFF'), 0, 1) as signed)",
    // Too many connections, of all or of one user; it shuts down.
    passing_refusals: &["1040", "1203", "1053"],
};

const MARIADB: Features = Features {
    dialect: Dialect::MariaDb,
    insert_returning: true,
    ..MYSQL
};

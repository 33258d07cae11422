//! Every difference in SQL between the databases, as data: one constant a database.
//!
//! Invariant: nothing here talks to a database; what differs in SQL is asked here, and not of the dialect.

use crate::sql::{Dialect, Syntax};

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

    /// How SQL that was written for this database is read.
    pub(crate) fn syntax(self) -> &'static Syntax {
        match self {
            Self::Sqlite => &Syntax::SQLITE,
            Self::Postgres => &Syntax::POSTGRES,
            Self::MySql | Self::MariaDb => &Syntax::MYSQL,
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
    /// How many parameters one statement may have.
    pub max_parameters: usize,
    /// How a list of values is compared with.
    pub list: ListStyle,
    /// How several rows are inserted.
    pub bulk: BulkStyle,
    /// How text is matched with a pattern.
    pub like: LikeStyle,
    /// Whether placeholders are numbered: `$1` instead of `?`.
    pub numbered_placeholders: bool,
    /// Whether `NULLS FIRST` and `NULLS LAST` exist; elsewhere the order is written with a comparison.
    pub nulls_order: bool,
    /// Whether rows that are grouped after they were read come group by group, as an index on their foreign key has
    /// them: SQLite sorts all rows for any other order.
    pub orders_groups: bool,
    /// Whether LIMIT is bound. SQLite prepares a statement with a bound LIMIT again at each execution.
    pub bound_limit: bool,
    /// Whether an offset needs a limit before it.
    pub offset_needs_limit: bool,
    /// Whether integers above the signed range exist.
    pub unsigned: bool,
    /// Whether text may contain the character NUL.
    pub nul_in_text: bool,
    /// Whether a pattern may contain the character NUL.
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
    /// Whether a failed statement aborts the transaction: only ROLLBACK is accepted after it.
    pub error_aborts_transaction: bool,
    /// How many bytes a name may have; PostgreSQL cuts off what is longer without an error.
    pub longest_name: usize,
    /// Whether a connection has to open each schema by itself: in SQLite each is a file.
    pub opens_schemas: bool,
    /// Names, in lower case, that mean no schema of a program, but the database itself or what one connection has.
    pub reserved_schemas: &'static [&'static str],
    /// How a schema is created: the text before its name.
    pub create_schema: &'static str,
    /// How a schema is dropped: the text before its name, and the one behind it that drops its tables, too.
    pub drop_schema: [&'static str; 2],
    /// The names of the schemas that don't belong to the database itself.
    pub list_schemas: &'static str,
    /// How many tables and views the schema has whose name is bound.
    pub count_tables: &'static str,
    /// Whether a variable can be set for one transaction, as rules of row security read it.
    pub transaction_variables: bool,
    /// Whether rows can be inserted with a COPY.
    pub copies_rows: bool,
    /// Whether sessions can send each other messages, with LISTEN and NOTIFY.
    pub notifications: bool,
    /// The statement that asks whether the database refuses writes: one row with 1 when it does, else with 0.
    pub is_read_only: &'static str,
    /// The codes with which it refuses a connection for the moment only.
    pub transient_codes: &'static [&'static str],
}

impl Features {
    /// The character that quotes an identifier.
    #[must_use]
    pub fn quote(&self) -> char {
        self.dialect.syntax().quote
    }

    /// The placeholder with this number, counted from one.
    #[must_use]
    pub fn placeholder(&self, number: usize) -> String {
        if self.numbered_placeholders {
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
    /// `LIKE` is case-sensitive, `ILIKE` is not.
    Native,
    /// `LIKE` is not case-sensitive; `GLOB` is, with other wildcards.
    Glob,
    /// `LIKE` follows the collation: a binary one is case-sensitive, and lowering both sides hides the difference.
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
    /// One placeholder a value, padded to a power of two so that few texts are prepared.
    Placeholders,
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
    // SQLITE_MAX_VARIABLE_NUMBER as it is since 3.32 ("Implementation Limits For SQLite").
    max_parameters: 32_766,
    list: ListStyle::Json,
    bulk: BulkStyle::Rows,
    like: LikeStyle::Glob,
    numbered_placeholders: false,
    nulls_order: true,
    orders_groups: true,
    bound_limit: false,
    offset_needs_limit: true,
    unsigned: false,
    nul_in_text: true,
    // LIKE and GLOB read a pattern up to its first NUL.
    nul_in_pattern: false,
    // SQLite stores NaN as NULL.
    not_a_number: false,
    infinity: true,
    long_years: false,
    native_enum: false,
    text_decimal: true,
    transactional_ddl: true,
    // Takes the write lock at once and waits for it. A transaction that begins with a read and then writes fails
    // without waiting when another one has written in between ("Transaction" in SQLite's documentation).
    begin_write: "begin immediate",
    isolation: IsolationStyle::AlwaysSerializable,
    error_aborts_transaction: false,
    longest_name: 128,
    opens_schemas: true,
    reserved_schemas: &["main", "temp"],
    create_schema: "",
    drop_schema: ["", ""],
    list_schemas: "",
    count_tables: "",
    transaction_variables: false,
    copies_rows: false,
    notifications: false,
    is_read_only: "select query_only from pragma_query_only",
    transient_codes: &[],
};

const POSTGRES: Features = Features {
    dialect: Dialect::Postgres,
    insert_returning: true,
    // The message Bind counts parameters with 16 bits ("Message Formats" in PostgreSQL's manual).
    max_parameters: 65_535,
    list: ListStyle::Array,
    bulk: BulkStyle::Unnest,
    like: LikeStyle::Native,
    numbered_placeholders: true,
    nulls_order: true,
    orders_groups: false,
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
    // NAMEDATALEN less the closing NUL ("Identifiers and Key Words").
    longest_name: 63,
    opens_schemas: false,
    reserved_schemas: &["pg_temp"],
    create_schema: "create schema",
    drop_schema: ["drop schema", " cascade"],
    // Names that begin with `pg_` are reserved for the system ("System Catalog Schema").
    list_schemas: "select nspname::text from pg_namespace \
        where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1",
    // Tables, partitioned tables, views, materialized views and foreign tables.
    count_tables: "select count(*) from pg_class join pg_namespace on pg_namespace.oid = relnamespace \
        where relkind in ('r', 'p', 'v', 'm', 'f') and nspname = $1",
    transaction_variables: true,
    copies_rows: true,
    notifications: true,
    is_read_only: "select cast(pg_is_in_recovery() as integer)::bigint",
    // It shuts down, has crashed, starts up; it has too many connections ("PostgreSQL Error Codes").
    transient_codes: &["57P01", "57P02", "57P03", "53300"],
};

const MYSQL: Features = Features {
    dialect: Dialect::MySql,
    insert_returning: false,
    // The answer to COM_STMT_PREPARE counts parameters with 16 bits ("MySQL Internals").
    max_parameters: 65_535,
    list: ListStyle::Placeholders,
    bulk: BulkStyle::Rows,
    like: LikeStyle::Collation,
    numbered_placeholders: false,
    nulls_order: false,
    orders_groups: false,
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
    // DDL commits the transaction around it ("Statements That Cause an Implicit Commit").
    transactional_ddl: false,
    begin_write: "start transaction",
    isolation: IsolationStyle::BeforeBegin,
    error_aborts_transaction: false,
    // 64 characters of up to four bytes ("Identifier Length Limits").
    longest_name: 256,
    opens_schemas: false,
    reserved_schemas: &[],
    create_schema: "create database",
    drop_schema: ["drop database", ""],
    list_schemas: "select schema_name from information_schema.schemata \
        where schema_name not in ('information_schema', 'mysql', 'performance_schema', 'sys') order by 1",
    count_tables: "select count(*) from information_schema.tables where table_schema = ?",
    transaction_variables: false,
    copies_rows: false,
    notifications: false,
    // A server gives a number, or a word: OFF, ON, and on newer MariaDB others that forbid more.
    is_read_only: "select cast(if(@@global.read_only in ('0', 'OFF'), 0, 1) as signed)",
    // Too many connections, of all users or of one; it shuts down ("Server Error Message Reference").
    transient_codes: &["1040", "1203", "1053"],
};

const MARIADB: Features = Features {
    dialect: Dialect::MariaDb,
    // Since 10.5 ("INSERT...RETURNING" in MariaDB's documentation).
    insert_returning: true,
    ..MYSQL
};

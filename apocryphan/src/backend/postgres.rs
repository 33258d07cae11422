//! PostgreSQL, for rider.

use apocryphan_migration::Syntax;

use super::{Differences, Locking, SessionLocking};

const OUTSIDE: &str = "write `-- transactional: false` at the top of the migration";

pub(super) const DIFFERENCES: Differences = Differences {
    syntax: Syntax::POSTGRES,
    quote: '"',
    namespace: "select cast(coalesce(current_schema(), '') as text)",
    columns: "select cast(column_name as text) from information_schema.columns \
              where table_schema = :namespace and table_name = :table",
    user: Some("select cast(current_user as text)"),
    key_type: "varchar(255)",
    moment_type: "timestamp",
    lock: Locking::Session(SessionLocking {
        acquire: "select cast(cast(pg_try_advisory_lock(hashtextextended(:key, 0)) as int) as bigint)",
        held: "select count(*) from pg_locks l where l.locktype = 'advisory' and l.granted \
               and l.objsubid = 1 and l.pid = pg_backend_pid() \
               and ((cast(l.classid as bigint) << 32) | cast(l.objid as bigint)) \
               = hashtextextended(:key, 0)",
        release: "select cast(cast(pg_advisory_unlock(hashtextextended(:key, 0)) as int) as bigint)",
        holder: "select concat('process ', a.pid, ' of user ', a.usename, ' from ', \
                 coalesce(host(a.client_addr), 'this machine'), ', connected since ', \
                 date_trunc('second', a.backend_start)) \
                 from pg_locks l join pg_stat_activity a on a.pid = l.pid \
                 where l.locktype = 'advisory' and l.granted and l.objsubid = 1 \
                 and l.database = (select oid from pg_database where datname = current_database()) \
                 and ((cast(l.classid as bigint) << 32) | cast(l.objid as bigint)) \
                 = hashtextextended(:key, 0)",
    }),
    reset: Some("reset role; reset all"),
    atomic_statements: &[],
    hints: &[
        ("25001", OUTSIDE),
        (
            "55P04",
            "a new enum value can be used after the transaction that adds it: split the migration in two",
        ),
        (
            "42501",
            "the user of the database lacks the right; `create` on the schema is needed for tables",
        ),
    ],
};

//! MySQL and MariaDB, for rider.

use apocryphan_migration::Syntax;

use super::{Differences, Locking, SessionLocking};

pub(super) const DIFFERENCES: Differences = Differences {
    syntax: Syntax::MYSQL,
    quote: '`',
    namespace: "select coalesce(database(), '')",
    columns: "select column_name from information_schema.columns \
              where table_schema = :namespace and table_name = :table",
    user: Some("select current_user()"),
    key_type: "varchar(191)",
    moment_type: "datetime(6)",
    lock: Locking::Session(SessionLocking {
        acquire: "select cast(coalesce(get_lock(:key, 0), 0) as signed)",
        held: "select cast(coalesce(is_used_lock(:key) = connection_id(), 0) as signed)",
        release: "select cast(coalesce(release_lock(:key), 0) as signed)",
        holder: "select concat('connection ', p.id, ' of user ', p.user, ' from ', p.host) \
                 from information_schema.processlist p where p.id = is_used_lock(:key)",
    }),
    reset: None,
    atomic_statements: &[
        "insert", "update", "delete", "replace", "select", "with", "values",
    ],
    hints: &[
        (
            "1050",
            "the table may stem from an earlier run of this migration that failed half-way",
        ),
        (
            "1060",
            "the column may stem from an earlier run of this migration that failed half-way",
        ),
        (
            "1061",
            "the index may stem from an earlier run of this migration that failed half-way",
        ),
    ],
};

//! SQLite, for rider.

use apocryphan_migration::Syntax;

use super::{Differences, Locking};

pub(super) const DIFFERENCES: Differences = Differences {
    syntax: Syntax::SQLITE,
    quote: '"',
    namespace: "select 'main'",
    columns: "select name from pragma_table_info(:table, :namespace)",
    user: None,
    key_type: "varchar(255)",
    moment_type: "timestamp",
    lock: Locking::File("select coalesce(file, '') from pragma_database_list where name = 'main'"),
    reset: None,
    atomic_statements: &[],
    hints: &[],
};

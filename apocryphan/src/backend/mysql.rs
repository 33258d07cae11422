//! MySQL and MariaDB, for rider and the shell.

use apocryphan_migration::Syntax;

use super::{Differences, Introspection, Locking, SessionLocking};

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

pub(super) const INTROSPECTION: Introspection = Introspection {
    syntax: Syntax::MYSQL,
    quote: '`',
    tables: r"select table_schema as `schema`, table_name as name,
        case table_type when 'BASE TABLE' then 'table' else lower(table_type) end as kind
        from information_schema.tables where table_schema = database() order by table_name",
    columns: r"select column_name as `column`, cast(column_type as char(1000)) as type, lower(is_nullable) as `null`,
        nullif(cast(column_default as char(1000)), 'NULL') as `default`,
        case column_key when 'PRI' then 'primary' end as `key`
        from information_schema.columns where table_schema = :schema and table_name = :table order by ordinal_position",
    indexes: r"select index_name as `index`,
        cast(group_concat(coalesce(column_name, '(expression)') order by seq_in_index separator ', ') as char(1000))
            as columns,
        case when index_name = 'PRIMARY' then 'primary key' when max(non_unique) = 0 then 'unique' else 'index' end
            as kind
        from information_schema.statistics where table_schema = :schema and table_name = :table
        group by index_name order by index_name <> 'PRIMARY', index_name",
    foreign_keys: r"select cast(group_concat(k.column_name order by k.ordinal_position separator ', ') as char(1000))
            as columns,
        concat(max(k.referenced_table_name), ' (', cast(group_concat(k.referenced_column_name
            order by k.ordinal_position separator ', ') as char(1000)), ')') as `references`,
        concat('update ', lower(max(r.update_rule)), ', delete ', lower(max(r.delete_rule))) as actions
        from information_schema.key_column_usage k join information_schema.referential_constraints r
            on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name
            and r.table_name = k.table_name
        where k.table_schema = :schema and k.table_name = :table and k.referenced_table_name is not null
        group by k.constraint_name order by columns",
    names: r"select table_name, column_name from information_schema.columns
        where table_schema = database() limit 20000",
    session: Some("select cast(connection_id() as signed)"),
    cancel: "kill query {session}",
    not_preparable: &["1295"],
};

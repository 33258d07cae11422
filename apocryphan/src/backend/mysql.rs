//! MySQL and MariaDB. A schema is a database of the server; without one, the current database is described.

use estoult_sql::syntax::Syntax;

use super::description::{
    CatalogStatements, Description, LockMethod, RiderSettings, SessionLock, ShellSettings,
};

pub(super) const DESCRIPTION: Description = Description {
    syntax: Syntax::MYSQL,
    catalog: CATALOG,
    rider: RIDER,
    shell: ShellSettings {
        session_number: Some("select cast(connection_id() as signed)"),
        cancel: "kill query {session}",
        not_preparable: &["1295"],
    },
};

const RIDER: RiderSettings = RiderSettings {
    namespace: "select coalesce(database(), '')",
    user: Some("select current_user()"),
    key_type: "varchar(191)",
    timestamp_type: "datetime(6)",
    lock: LockMethod::Session(SessionLock {
        acquire: "select cast(coalesce(get_lock(:key, 0), 0) as signed)",
        is_held: "select cast(coalesce(is_used_lock(:key) = connection_id(), 0) as signed)",
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

const CATALOG: CatalogStatements = CatalogStatements {
    tables: r"select table_schema as schema_name, table_name as table_name,
        case table_type when 'BASE TABLE' then 'table' else lower(table_type) end as kind,
        case when table_type <> 'VIEW' then nullif(cast(table_comment as char), '') end as comment
        from information_schema.tables where table_schema = coalesce(:schema, database())
        and (:table is null or table_name = :table) order by table_name",
    // MariaDB gives a default as SQL; MySQL gives that of an expression so, and any other as the value alone.
    columns: r"select table_schema as schema_name, table_name as table_name, column_name as column_name,
        cast(column_type as char) as sql_type, is_nullable <> 'NO' as is_nullable,
        nullif(case when version() like '%MariaDB%' or extra like '%DEFAULT_GENERATED%' or column_default is null
            or data_type not in ('char', 'varchar', 'enum', 'set', 'date', 'time', 'datetime', 'timestamp')
            then cast(column_default as char) else quote(column_default) end, 'NULL') as default_sql,
        column_key = 'PRI' as is_key, extra like '%auto_increment%' as is_auto_increment,
        case when extra like '%VIRTUAL%' then 'virtual'
            when extra like '%STORED%' or extra like '%PERSISTENT%' then 'stored' end as generated,
        nullif(cast(generation_expression as char), '') as generated_sql,
        nullif(cast(column_comment as char), '') as comment
        from information_schema.columns where table_schema = coalesce(:schema, database())
        and (:table is null or table_name = :table) order by table_name, ordinal_position",
    indexes: r"select table_schema as schema_name, table_name as table_name, index_name as index_name,
        non_unique = 0 as is_unique, index_name = 'PRIMARY' as is_primary, 0 as is_partial, null as predicate,
        null as definition,
        column_name as column_name, null as expression, coalesce(collation, 'A') = 'D' as is_descending
        from information_schema.statistics where table_schema = coalesce(:schema, database())
        and (:table is null or table_name = :table)
        order by table_name, index_name <> 'PRIMARY', index_name, seq_in_index",
    foreign_keys: r"select k.table_schema as schema_name, k.table_name as table_name, k.constraint_name as id,
        k.constraint_name as constraint_name, k.column_name as column_name,
        k.referenced_table_schema as referenced_schema, k.referenced_table_name as referenced_table,
        k.referenced_column_name as referenced_column, lower(r.update_rule) as on_update,
        lower(r.delete_rule) as on_delete
        from information_schema.key_column_usage k join information_schema.referential_constraints r
            on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name
            and r.table_name = k.table_name
        where k.table_schema = coalesce(:schema, database()) and (:table is null or k.table_name = :table)
        and k.referenced_table_name is not null order by k.table_name, k.constraint_name, k.ordinal_position",
    names: r"select table_name as table_name, column_name as column_name from information_schema.columns
        where table_schema = coalesce(:schema, database()) and (:table is null or table_name = :table) limit 20000",
};

//! PostgreSQL, for rider and the shell.

use apocryphan_migration::Syntax;

use super::{Differences, Introspection, Locking, SessionLocking};

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

pub(super) const INTROSPECTION: Introspection = Introspection {
    syntax: Syntax::POSTGRES,
    quote: '"',
    tables: r"select cast(n.nspname as text) as schema, cast(c.relname as text) as name,
        case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
            when 'p' then 'partitioned table' else 'table' end as kind
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\_toast%'
        order by n.nspname <> coalesce(current_schema(), ''), n.nspname, c.relname",
    columns: r#"select cast(a.attname as text) as "column", format_type(a.atttypid, a.atttypmod) as type,
        case when a.attnotnull then 'no' else 'yes' end as "null", pg_get_expr(d.adbin, d.adrelid) as "default",
        case when exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary
            and a.attnum = any(i.indkey)) then 'primary' end as "key"
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where n.nspname = :schema and c.relname = :table order by a.attnum"#,
    indexes: r#"select cast(x.relname as text) as "index",
        (select string_agg(pg_get_indexdef(i.indexrelid, cast(k as int), true), ', ' order by k)
            from generate_series(1, i.indnkeyatts) k) as columns,
        case when i.indisprimary then 'primary key' when i.indisunique then 'unique' else 'index' end as kind
        from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = :schema and c.relname = :table order by not i.indisprimary, x.relname"#,
    foreign_keys: r#"select (select string_agg(cast(a.attname as text), ', ' order by k.place)
            from unnest(f.conkey) with ordinality k(number, place)
            join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number) as columns,
        concat(cast(cast(f.confrelid as regclass) as text), ' (', (select string_agg(cast(a.attname as text), ', '
            order by k.place) from unnest(f.confkey) with ordinality k(number, place)
            join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number), ')') as "references",
        concat('update ', case f.confupdtype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
            when 'd' then 'set default' else 'no action' end, ', delete ', case f.confdeltype when 'r' then 'restrict'
            when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' else 'no action' end)
            as actions
        from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
        where f.contype = 'f' and n.nspname = :schema and c.relname = :table order by columns"#,
    names: r"select cast(c.relname as text), cast(a.attname as text) from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\_toast%' limit 20000",
    session: Some("select cast(pg_backend_pid() as bigint)"),
    cancel: "select pg_cancel_backend({session})",
    not_preparable: &[],
};

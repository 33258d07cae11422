//! PostgreSQL. The schemas of the server itself are left out; names are cast to text, since their own type is not.

use estoult_sql::syntax::Syntax;

use super::description::{
    CatalogStatements, Description, LockMethod, RiderSettings, SessionLock, ShellSettings,
};

pub(super) const DESCRIPTION: Description = Description {
    syntax: Syntax::POSTGRES,
    catalog: CATALOG,
    rider: RIDER,
    shell: ShellSettings {
        session_number: Some("select cast(pg_backend_pid() as bigint)"),
        cancel: "select pg_cancel_backend({session})",
        not_preparable: &[],
    },
};

const OUTSIDE: &str = "write `-- transactional: false` at the top of the migration";

// An advisory lock with a key of 64 bits is listed with its halves in `classid` and `objid`, and `objsubid` 1.
const RIDER: RiderSettings = RiderSettings {
    namespace: "select cast(coalesce(current_schema(), '') as text)",
    user: Some("select cast(current_user as text)"),
    key_type: "varchar(255)",
    timestamp_type: "timestamp",
    lock: LockMethod::Session(SessionLock {
        acquire: "select cast(cast(pg_try_advisory_lock(hashtextextended(:key, 0)) as int) as bigint)",
        is_held: "select count(*) from pg_locks l where l.locktype = 'advisory' and l.granted \
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

const CATALOG: CatalogStatements = CatalogStatements {
    tables: r"select cast(n.nspname as text) as schema_name, cast(c.relname as text) as table_name,
        case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
            when 'p' then 'partitioned table' else 'table' end as kind,
        obj_description(c.oid, 'pg_class') as comment
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\_toast%'
        and (cast(:schema as text) is null or n.nspname = cast(:schema as text))
        and (cast(:table as text) is null or c.relname = cast(:table as text))
        order by n.nspname <> coalesce(current_schema(), ''), n.nspname, c.relname",
    // The default of a `serial` column is the next value of its sequence; the expression of a generated column is kept
    // where defaults are.
    columns: r"select cast(n.nspname as text) as schema_name, cast(c.relname as text) as table_name,
        cast(a.attname as text) as column_name, format_type(a.atttypid, a.atttypmod) as sql_type,
        not a.attnotnull as is_nullable,
        case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end as default_sql,
        exists (select 1 from pg_index i, generate_series(1, cast(i.indnkeyatts as int)) k
            where i.indrelid = c.oid and i.indisprimary and i.indkey[k - 1] = a.attnum) as is_key,
        a.attidentity <> '' or coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval(%', false) as is_auto_increment,
        case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end as generated,
        case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end as generated_sql,
        col_description(c.oid, a.attnum) as comment
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\_toast%'
        and (cast(:schema as text) is null or n.nspname = cast(:schema as text))
        and (cast(:table as text) is null or c.relname = cast(:table as text))
        order by n.nspname, c.relname, a.attnum",
    // `indkey` counts from zero and has 0 for an expression; columns behind `indnkeyatts` are only included.
    indexes: r"select cast(n.nspname as text) as schema_name, cast(c.relname as text) as table_name,
        cast(x.relname as text) as index_name, i.indisunique as is_unique, i.indisprimary as is_primary,
        i.indpred is not null as is_partial, pg_get_expr(i.indpred, i.indrelid) as predicate,
        null as definition,
        cast(a.attname as text) as column_name,
        case when a.attname is null then pg_get_indexdef(i.indexrelid, k, true) end as expression,
        (i.indoption[k - 1] & 1) = 1 as is_descending
        from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
        join pg_namespace n on n.oid = c.relnamespace
        cross join lateral generate_series(1, cast(i.indnkeyatts as int)) k
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[k - 1]
        where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\_toast%'
        and (cast(:schema as text) is null or n.nspname = cast(:schema as text))
        and (cast(:table as text) is null or c.relname = cast(:table as text))
        order by n.nspname, c.relname, not i.indisprimary, x.relname, k",
    foreign_keys: r"select cast(n.nspname as text) as schema_name, cast(c.relname as text) as table_name,
        cast(f.conname as text) as id, cast(f.conname as text) as constraint_name,
        cast(a.attname as text) as column_name,
        cast(rn.nspname as text) as referenced_schema, cast(rc.relname as text) as referenced_table,
        cast(ra.attname as text) as referenced_column,
        case f.confupdtype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
            when 'd' then 'set default' else 'no action' end as on_update,
        case f.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
            when 'd' then 'set default' else 'no action' end as on_delete
        from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
        join pg_class rc on rc.oid = f.confrelid join pg_namespace rn on rn.oid = rc.relnamespace
        cross join lateral unnest(f.conkey, f.confkey) with ordinality k(own, referenced, number)
        join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.own
        join pg_attribute ra on ra.attrelid = f.confrelid and ra.attnum = k.referenced
        where f.contype = 'f' and n.nspname not in ('pg_catalog', 'information_schema')
        and (cast(:schema as text) is null or n.nspname = cast(:schema as text))
        and (cast(:table as text) is null or c.relname = cast(:table as text))
        order by n.nspname, c.relname, f.conname, k.number",
    names: r"select cast(c.relname as text) as table_name, cast(a.attname as text) as column_name
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\_toast%'
        and (cast(:schema as text) is null or n.nspname = cast(:schema as text))
        and (cast(:table as text) is null or c.relname = cast(:table as text)) limit 20000",
};

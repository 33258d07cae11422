//! SQLite. A schema is a database file that is attached under a name; `main` is the first.

use estoult_sql::syntax::Syntax;

use super::description::{
    CatalogStatements, Description, LockMethod, RiderSettings, ShellSettings,
};

pub(super) const DESCRIPTION: Description = Description {
    syntax: Syntax::SQLITE,
    catalog: CATALOG,
    rider: RiderSettings {
        namespace: "select 'main'",
        user: None,
        key_type: "varchar(255)",
        timestamp_type: "timestamp",
        lock: LockMethod::File(
            "select coalesce(file, '') from pragma_database_list where name = 'main'",
        ),
        reset: None,
        atomic_statements: &[],
        hints: &[],
    },
    shell: ShellSettings {
        session_number: None,
        cancel: "",
        not_preparable: &[],
    },
};

const CATALOG: CatalogStatements = CatalogStatements {
    tables: r"select t.schema as schema_name, t.name as table_name, t.type as kind, null as comment
        from pragma_table_list t where t.type <> 'shadow' and t.name not like 'sqlite\_%' escape '\'
        and (:schema is null or t.schema = :schema collate nocase)
        and (:table is null or t.name = :table collate nocase)
        order by t.schema <> 'main', t.schema, t.name",
    // SQLite counts no columns of a view whose tables are gone, and describes none: asking for them would be an error.
    // A column of a single-column integer key is the row's number, and then the key has no index of its own.
    columns: r#"select t.schema as schema_name, t.name as table_name, c.name as column_name, c.type as sql_type,
        c."notnull" = 0 as is_nullable, case when c.hidden = 0 then c.dflt_value end as default_sql, c.pk > 0 as is_key,
        c.pk > 0 and upper(c.type) = 'INTEGER' and not t.wr and not exists (
            select 1 from pragma_index_list(t.name, t.schema) i where i.origin = 'pk') as is_auto_increment,
        case c.hidden when 2 then 'virtual' when 3 then 'stored' end as generated, null as generated_sql,
        null as comment
        from pragma_table_list t, pragma_table_xinfo(t.name, t.schema) c
        where t.ncol > 0 and t.type <> 'shadow' and t.name not like 'sqlite\_%' escape '\' and c.hidden <> 1
        and (:schema is null or t.schema = :schema collate nocase)
        and (:table is null or t.name = :table collate nocase)
        order by t.schema, t.name, c.cid"#,
    // Only the statement that created an index has its predicate, and the name of a schema can't be a parameter.
    indexes: r#"select t.schema as schema_name, t.name as table_name, i.name as index_name,
        i."unique" as is_unique, i.origin = 'pk' as is_primary, i.partial as is_partial, null as predicate,
        case t.schema
            when 'main' then (select m.sql from main.sqlite_schema m where m.type = 'index' and m.name = i.name)
            when 'temp' then (select m.sql from temp.sqlite_schema m where m.type = 'index' and m.name = i.name)
        end as definition,
        k.name as column_name, null as expression, k.desc as is_descending
        from pragma_table_list t, pragma_index_list(t.name, t.schema) i, pragma_index_xinfo(i.name, t.schema) k
        where t.type <> 'shadow' and t.name not like 'sqlite\_%' escape '\' and k.key = 1
        and (:schema is null or t.schema = :schema collate nocase)
        and (:table is null or t.name = :table collate nocase)
        order by t.schema, t.name, i.origin <> 'pk', i.name, k.seqno"#,
    // A foreign key that names no columns refers to the primary key.
    foreign_keys: r#"select t.schema as schema_name, t.name as table_name, cast(f.id as text) as id,
        null as constraint_name, f."from" as column_name, t.schema as referenced_schema, f."table" as referenced_table,
        coalesce(f."to", (select p.name from pragma_table_info(f."table", t.schema) p where p.pk = f.seq + 1))
            as referenced_column,
        lower(f.on_update) as on_update, lower(f.on_delete) as on_delete
        from pragma_table_list t, pragma_foreign_key_list(t.name, t.schema) f
        where t.type <> 'shadow' and t.name not like 'sqlite\_%' escape '\'
        and (:schema is null or t.schema = :schema collate nocase)
        and (:table is null or t.name = :table collate nocase)
        order by t.schema, t.name, f.id, f.seq"#,
    names: r"select t.name as table_name, c.name as column_name
        from pragma_table_list t, pragma_table_xinfo(t.name, t.schema) c
        where t.ncol > 0 and t.type <> 'shadow' and t.name not like 'sqlite\_%' escape '\'
        and (:schema is null or t.schema = :schema collate nocase)
        and (:table is null or t.name = :table collate nocase) limit 20000",
};

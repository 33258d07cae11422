//! SQLite, for rider and the shell.

use apocryphan_migration::Syntax;

use super::{Differences, Introspection, Locking};

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

pub(super) const INTROSPECTION: Introspection = Introspection {
    syntax: Syntax::SQLITE,
    quote: '"',
    tables: r"select schema, name, type as kind from pragma_table_list
        where type <> 'shadow' and name not like 'sqlite\_%' escape '\'
        order by schema <> 'main', schema, name",
    columns: r#"select name as "column", type, case "notnull" when 1 then 'no' else 'yes' end as "null",
        dflt_value as "default", case when pk > 0 then 'primary' end as "key"
        from pragma_table_xinfo(:table, :schema) where hidden <> 1 order by cid"#,
    indexes: r#"select l.name as "index",
        (select group_concat(coalesce(name, '(expression)'), ', ')
            from (select name from pragma_index_info(l.name, :schema) order by seqno)) as columns,
        case when l.origin = 'pk' then 'primary key' when l."unique" = 1 then 'unique' else 'index' end as kind
        from pragma_index_list(:table, :schema) l order by l.origin <> 'pk', l.name"#,
    foreign_keys: r#"select group_concat("from", ', ') as columns,
        "table" || coalesce(' (' || group_concat("to", ', ') || ')', '') as "references",
        'update ' || lower(on_update) || ', delete ' || lower(on_delete) as actions
        from (select * from pragma_foreign_key_list(:table, :schema) order by id, seq) group by id order by columns"#,
    names: r"select l.name, c.name from pragma_table_list l, pragma_table_xinfo(l.name, l.schema) c
        where l.type <> 'shadow' and l.name not like 'sqlite\_%' escape '\' limit 20000",
    session: None,
    cancel: "",
    not_preparable: &[],
};

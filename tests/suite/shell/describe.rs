//! `\d`: the tables of a database, and one table in full.

use insta::assert_snapshot;

use super::{TABLES, schema, shell, shown, squeezed};
use crate::support::{Backend, mask, on_every_fresh};

on_every_fresh!(tables_are_listed_and_described, |fresh| {
    shown(fresh, TABLES);
    shown(fresh, "create view titles as select title from books;");
    let text = shown(fresh, "\\d\n\\d books\n\\d AUTHORS;\n");
    let text = squeezed(&mask(&text)).replace(&mask(&schema(fresh)), "SCHEMA");
    match fresh.backend() {
        Backend::Sqlite => assert_snapshot!(text, @r"
        +-+-+-+
        | schema | name | kind |
        +=+
        | SCHEMA | authors | table |
        | SCHEMA | books | table |
        | SCHEMA | titles | view |
        +-+-+-+
        (# rows)
        table SCHEMA.books
        +-+-+-+-+-+
        | column | type | null | default | key |
        +=+
        | id | INTEGER | yes | NULL | primary |
        | author_id | INTEGER | no | NULL | NULL |
        | title | varchar(#) | yes | 'untitled' | NULL |
        +-+-+-+-+-+
        (# rows)
        keys and indexes
        +-+-+-+
        | index | columns | kind |
        +=+
        | books_title | title, id | index |
        +-+-+-+
        (# row)
        foreign keys
        +-+-+-+
        | columns | references | actions |
        +=+
        | author_id | authors (id) | update no action, delete cascade |
        +-+-+-+
        (# row)
        table SCHEMA.authors
        +-+-+-+-+-+
        | column | type | null | default | key |
        +=+
        | id | INTEGER | yes | NULL | primary |
        | name | varchar(#) | no | NULL | NULL |
        +-+-+-+-+-+
        (# rows)
        keys and indexes
        +-+-+-+
        | index | columns | kind |
        +=+
        | authors_name | name | unique |
        +-+-+-+
        (# row)
        "),
        Backend::Postgres => assert_snapshot!(text, @r"
        +-+-+-+
        | schema | name | kind |
        +=+
        | SCHEMA | authors | table |
        | SCHEMA | books | table |
        | SCHEMA | titles | view |
        +-+-+-+
        (# rows)
        table SCHEMA.books
        +-+-+-+-+-+
        | column | type | null | default | key |
        +=+
        | id | integer | no | NULL | primary |
        | author_id | integer | no | NULL | NULL |
        | title | character varying(#) | yes | 'untitled'::character varying | NULL |
        +-+-+-+-+-+
        (# rows)
        keys and indexes
        +-+-+-+
        | index | columns | kind |
        +=+
        | books_pkey | id | primary key |
        | books_title | title, id | index |
        +-+-+-+
        (# rows)
        foreign keys
        +-+-+-+
        | columns | references | actions |
        +=+
        | author_id | authors (id) | update no action, delete cascade |
        +-+-+-+
        (# row)
        table SCHEMA.authors
        +-+-+-+-+-+
        | column | type | null | default | key |
        +=+
        | id | integer | no | NULL | primary |
        | name | character varying(#) | no | NULL | NULL |
        +-+-+-+-+-+
        (# rows)
        keys and indexes
        +-+-+-+
        | index | columns | kind |
        +=+
        | authors_pkey | id | primary key |
        | authors_name | name | unique |
        +-+-+-+
        (# rows)
        "),
        Backend::MySql => assert_snapshot!(text, @r"
        +-+-+-+
        | schema | name | kind |
        +=+
        | SCHEMA | authors | table |
        | SCHEMA | books | table |
        | SCHEMA | titles | view |
        +-+-+-+
        (# rows)
        table SCHEMA.books
        +-+-+-+-+-+
        | column | type | null | default | key |
        +=+
        | id | int(#) | no | NULL | primary |
        | author_id | int(#) | no | NULL | NULL |
        | title | varchar(#) | yes | 'untitled' | NULL |
        +-+-+-+-+-+
        (# rows)
        keys and indexes
        +-+-+-+
        | index | columns | kind |
        +=+
        | PRIMARY | id | primary key |
        | books_title | title, id | index |
        | by_author | author_id | index |
        +-+-+-+
        (# rows)
        foreign keys
        +-+-+-+
        | columns | references | actions |
        +=+
        | author_id | authors (id) | update restrict, delete cascade |
        +-+-+-+
        (# row)
        table SCHEMA.authors
        +-+-+-+-+-+
        | column | type | null | default | key |
        +=+
        | id | int(#) | no | NULL | primary |
        | name | varchar(#) | no | NULL | NULL |
        +-+-+-+-+-+
        (# rows)
        keys and indexes
        +-+-+-+
        | index | columns | kind |
        +=+
        | PRIMARY | id | primary key |
        | authors_name | name | unique |
        +-+-+-+
        (# rows)
        "),
    }
    let said = shell(fresh, "\\d book");
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "error: show the table `book`: there is none of that name; `\\d` lists all; did you mean `books`?\n  \
         at <stdin>:1\n"
    );
    Ok(())
});

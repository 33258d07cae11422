//! The program `estoult`: its shell and its check, with streams in memory, on every database.

mod cancel;
mod check;
mod configuration;
mod describe;
mod values;

use std::{
    fs,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use apocryphan::program::{self, Streams};

use crate::support::{Backend, Fresh, on_every_fresh, wrap};

pub(super) const TABLES: &str = "
    create table authors (id integer primary key, name varchar(20) not null);
    create unique index authors_name on authors (name);
    create table books (
        id integer primary key, author_id integer not null, title varchar(20) default 'untitled',
        constraint by_author foreign key (author_id) references authors (id) on delete cascade
    );
    create index books_title on books (title, id);
    insert into authors (id, name) values (1, 'Kurt'), (2, 'Ursula');
    insert into books (id, author_id, title) values (1, 1, 'Galápagos'), (2, 2, null);";

/// What a run of the program left behind.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

/// Collects what is written.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the program with this input.
pub(super) fn run(arguments: &[&str], input: &str) -> Said {
    run_with(arguments, input, |streams| streams)
}

pub(super) fn run_with(
    arguments: &[&str],
    input: &str,
    change: impl FnOnce(Streams) -> Streams,
) -> Said {
    let (out, err) = (Written::default(), Written::default());
    let input = io::Cursor::new(input.to_owned());
    let streams = change(Streams::new(input, out.clone(), err.clone()));
    let arguments = ["estoult"].iter().chain(arguments).copied();
    let code = program::run(arguments, streams);
    Said {
        code,
        out: out.text(),
        err: err.text(),
    }
}

/// Runs a script in the shell.
pub(super) fn shell(fresh: &Fresh, script: &str) -> Said {
    run(&["shell", "--url", &fresh.url], script)
}

/// What a script shows that does not fail.
pub(super) fn shown(fresh: &Fresh, script: &str) -> String {
    let said = shell(fresh, script);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said.out
}

on_every_fresh!(statements_are_run_and_shown_as_tables, |fresh| {
    shown(fresh, TABLES);
    let text = shown(
        fresh,
        "select a.name, b.title, b.id from books b join authors a on a.id = b.author_id order by b.id;
         select name from authors where id = 7;
         update books set title = 'NULL' where id = 2; select title from books where id = 2;
         select 'a\tb\nc' as several -- the last one needs no semicolon",
    );
    insta::assert_snapshot!(text, @r"
    +--------+-----------+----+
    | name   | title     | id |
    +=========================+
    | Kurt   | Galápagos |  1 |
    | Ursula | NULL      |  2 |
    +--------+-----------+----+
    (2 rows)
    +------+
    | name |
    +======+
    +------+
    (0 rows)
    done, 1 row affected
    +--------+
    | title  |
    +========+
    | 'NULL' |
    +--------+
    (1 row)
    +---------+
    | several |
    +=========+
    | a\tb    |
    | c       |
    +---------+
    (1 row)
    ");
    Ok(())
});

/// The text without what depends on how long a name is.
pub(super) fn squeezed(text: &str) -> String {
    let mut squeezed = String::new();
    for letter in text.chars() {
        if !("-= ".contains(letter) && squeezed.ends_with(letter)) {
            squeezed.push(letter);
        }
    }
    squeezed
}

/// The schema that tables are made in.
fn schema(fresh: &Fresh) -> String {
    match fresh.backend() {
        Backend::MySql => {
            let (server, _) = fresh.url.split_once('?').unwrap_or((&fresh.url, ""));
            server.rsplit('/').next().unwrap().to_owned()
        }
        Backend::Sqlite => "main".to_owned(),
        Backend::Postgres => "public".to_owned(),
    }
}

on_every_fresh!(
    a_script_stops_at_the_first_failure_and_says_where,
    |fresh| {
        let said = shell(
            fresh,
            "select 1 as one;\n\nselect\n  nothing;\nselect 2 as two;",
        );
        assert_eq!(said.code, 1);
        assert!(said.out.contains("one") && !said.out.contains("two"));
        assert!(said.err.starts_with("error: "), "{}", said.err);
        assert!(said.err.contains("nothing"), "{}", said.err);
        assert!(said.err.ends_with("\n  at <stdin>:3\n"), "{}", said.err);
        let said = shell(fresh, "select 1;\nselect 'open;\n");
        assert_eq!(said.code, 1);
        assert_eq!(
            said.err,
            "error: <stdin>:2: the string that begins here is never closed\n"
        );
        Ok(())
    }
);

on_every_fresh!(
    a_transaction_that_is_typed_runs_on_one_connection,
    |fresh| {
        shown(fresh, TABLES);
        let count = "select count(*) as n from authors;";
        let script =
            format!("begin; insert into authors values (3, 'Iris'); {count} rollback; {count}");
        let text = shown(fresh, &script);
        let counts: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(counts, ["| n |", "| 3 |", "| n |", "| 2 |"]);
        shown(
            fresh,
            "begin; insert into authors values (3, 'Iris'); commit;",
        );

        let said = shell(fresh, "begin; insert into authors values (4, 'Jane');");
        assert_eq!(said.err, "the open transaction is rolled back\n");
        assert!(shown(fresh, count).contains("| 3 |"));
        Ok(())
    }
);

on_every_fresh!(nothing_is_written_when_asked_not_to, |fresh| {
    shown(fresh, TABLES);
    let arguments = ["shell", "--read-only", "--url", &fresh.url];
    let said = run(&arguments, "select name from authors;");
    assert_eq!(said.code, 0, "{said:?}");
    let said = run(&arguments, "insert into authors values (3, 'Iris');");
    assert_eq!(said.code, 1);
    assert!(said.err.to_lowercase().contains("read"), "{}", said.err);
    assert!(shown(fresh, "select count(*) as n from authors;").contains("| 2 |"));
    Ok(())
});

on_every_fresh!(results_are_written_as_csv_and_json, |fresh| {
    let values = "select 1 as id, 'a,\"b\"' as title, null as missing, 2.5e0 as price, 2 as id";
    let with = |format| {
        let arguments = [
            "shell", "--url", &fresh.url, "--format", format, "-c", values,
        ];
        let said = run(&arguments, "");
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        said.out
    };
    assert_eq!(
        with("csv"),
        "id,title,missing,price,id\n1,\"a,\"\"b\"\"\",,2.5,2\n"
    );
    assert_eq!(
        with("json"),
        "[{\"id\":1,\"title\":\"a,\\\"b\\\"\",\"missing\":null,\"price\":2.5,\"id_2\":2}]\n"
    );
    assert_eq!(
        with("expanded"),
        "-- row 1 --\nid      | 1\ntitle   | a,\"b\"\nmissing | NULL\nprice   | 2.5\nid      | 2\n(1 row)\n"
    );
    let arguments = ["shell", "--url", &fresh.url, "--format", "json"];
    let said = run(
        &arguments,
        &format!("{TABLES} select id from books where id = 7"),
    );
    assert_eq!(said.out, "[]\n");
    Ok(())
});

#[test]
fn a_connection_that_is_lost_is_opened_again() {
    for (backend, end) in [
        (
            Backend::Postgres,
            "select pg_terminate_backend(pg_backend_pid())",
        ),
        (Backend::MySql, "kill connection_id()"),
    ] {
        let said = shell(&Fresh::new(backend), &format!("begin; {end}; select 1;"));
        assert_eq!(said.code, 1);
        assert!(said.err.starts_with("error: "), "{}", said.err);
        let told = "the connection has been opened again\n\
            what was set for the session and its temporary tables are gone\n";
        assert!(said.err.contains(told), "{}", said.err);
    }
}

on_every_fresh!(parameters_of_other_tools_are_left_as_they_are, |fresh| {
    // A colon and a name, and braces, are parts of the text.
    let text = shown(
        fresh,
        "select ':name {schema}' as \"text\" /* :other {schema} */;",
    );
    assert!(text.contains(":name {schema}"), "{text}");
    Ok(())
});

#[test]
fn slices_of_arrays_are_no_parameters() {
    let fresh = Fresh::new(Backend::Postgres);
    let script =
        "create table a (low int, high int, list int[]); insert into a values (1, 2, '{5, 6, 7}');
        select cast(list[low:high] as text) as slice from a;";
    assert!(shown(&fresh, script).contains("{5,6}"));
}

#[test]
fn routines_and_changed_delimiters_are_run_on_mysql() {
    let fresh = Fresh::new(Backend::MySql);
    let script = "delimiter //\ncreate procedure p() begin select 1 as one; select 2 as two; end //\n\
        delimiter ;\nshow procedure status where db = database();\nuse mysql;\nselect database() as db;";
    let text = shown(&fresh, script);
    assert!(text.contains("PROCEDURE"), "{text}");
    assert!(text.contains("| mysql |"), "{text}");
}

/// A folder that goes with the test, and a file in it.
fn file(name: &str, text: &str) -> (Fresh, String) {
    let fresh = Fresh::new(Backend::Sqlite);
    let folder = fresh.url.strip_prefix("sqlite:").unwrap();
    let path = folder.replace("test.db", name);
    fs::write(&path, text).unwrap();
    (fresh, path)
}

#[test]
fn files_are_included_and_tell_where_they_failed() {
    let (fresh, path) = file("first.sql", "select 1 as first;\nselect nothing;\n");
    let said = shell(&fresh, &format!("\n\\i {path}\n"));
    assert_eq!(said.code, 1);
    assert!(said.out.contains("first"));
    assert_eq!(
        said.err,
        format!("error: near \"nothing\": syntax error (1)\n  at {path}:2\n  at <stdin>:2\n")
    );
    fs::write(&path, format!("\\i {path}\n")).unwrap();
    let said = shell(&fresh, &format!("\\i {path}"));
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("16 files include each other"),
        "{}",
        said.err
    );
    let said = shell(&fresh, "\\i missing.sql");
    assert!(
        said.err
            .starts_with("error: read `missing.sql`: No such file"),
        "{}",
        said.err
    );
}

#[test]
fn commands_switch_how_results_are_shown() {
    let fresh = Fresh::new(Backend::Sqlite);
    let said = shell(
        &fresh,
        "\\x\nselect 1 as id;\n\\x off\nselect 2 as id; \\timing on\nselect 3;\n\\?\n\\q\nselect 4;",
    );
    assert_eq!(said.code, 0);
    insta::assert_snapshot!(said.out, @r"
    -- row 1 --
    id | 1
    (1 row)
    +----+
    | id |
    +====+
    |  2 |
    +----+
    (1 row)
    +---+
    | 3 |
    +===+
    | 3 |
    +---+
    (1 row)
      \d                list tables and views
      \d TABLE          show columns, keys, indexes and foreign keys
      \databases        list the databases of the registry
      \using DATABASE   go on with another database
      \timing [on|off]  show how long statements take
      \x [on|off]       show each column on a line of its own
      \i FILE           run the statements and commands of a file
      \?                show this list
      \q                quit
    A statement ends with a semicolon and may have several lines.
    In the prompt, * tells that a transaction is open, and ! that it has failed.
    ");
    assert!(
        said.err.contains("time is shown: on\ntime: "),
        "{}",
        said.err
    );
    let said = shell(&fresh, "\\usin archive");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(wrap(said.err), @r"
    error: `\usin` is no command; `\?` lists all; did you mean `\using`?
    at <stdin>:1
    ");
}

#[test]
fn what_a_terminal_would_obey_is_shown_as_text() {
    let fresh = Fresh::new(Backend::Sqlite);
    let text = shown(
        &fresh,
        "select char(27) || '[2J' || char(13) || char(9) as evil;",
    );
    assert!(text.contains("| \\x1b[2J\\r\\t |"), "{text}");
}

#[test]
fn wrong_arguments_are_told_without_passwords() {
    let said = run(
        &[
            "shell",
            "--url",
            "mysql://app:secret@localhost/shop",
            "--config",
            "x.toml",
        ],
        "",
    );
    assert_eq!(said.code, 2);
    assert!(!said.err.contains("secret"), "{}", said.err);
    assert!(said.err.contains("cannot be used with"), "{}", said.err);
    let said = run(
        &[
            "shell",
            "--url",
            "postgres://app:secret@localhost:port/shop",
        ],
        "",
    );
    assert_eq!(said.code, 1);
    assert!(!said.err.contains("secret"), "{}", said.err);
    let said = run(&["shell", "--config", "missing.toml"], "");
    assert!(
        said.err.starts_with("error: read `missing.toml`: "),
        "{}",
        said.err
    );
    let said = run(&["shell", "--help"], "");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("--format"));
}

//! The program `estoult` as it is built: exit codes, the environment, signals, and a person at a terminal.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "all of this file is of tests")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use rexpect::session::{PtySession, spawn_command};

/// How long a test waits for the terminal.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program without the databases in the environment of the tests.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_estoult"));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("ESTOULT_") || text == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("estoult_program_{}_{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_script_from_a_pipe_is_run_and_its_outcome_returned() {
    let arguments = ["shell", "--url", "sqlite::memory:"];
    let done = with_input(
        program(&arguments),
        "create table a (b int);\ninsert into a values (7);\nselect b from a;\n",
    );
    assert_eq!(done.status.code(), Some(0));
    assert!(text(&done.stdout).contains("| 7 |"), "{done:?}");
    assert_eq!(text(&done.stderr), "");
    let failed = with_input(program(&arguments), "select nowhere;\n");
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(
        text(&failed.stderr),
        "error: no such column: nowhere (1)\n  at <stdin>:1\n"
    );
    let refused = program(&["shell", "--colour"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn databases_come_from_the_environment() {
    let mut command = program(&[
        "shell",
        "-c",
        "\\databases",
        "-c",
        "\\using archive",
        "-c",
        "select 7 as seven",
    ]);
    command
        .env("DATABASE_URL", "sqlite::memory:")
        .env("ESTOULT_DATABASES__ARCHIVE__URL", "sqlite::memory:");
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let out = text(&done.stdout);
    assert!(out.contains("* default  SQLite  sqlite::memory:"), "{out}");
    assert!(out.contains("  archive  SQLite  sqlite::memory:"), "{out}");
    assert!(out.contains("    7 |"), "{out}");

    let mut command = program(&["check"]);
    command
        .env(
            "ESTOULT_DATABASES__DEFAULT__URL",
            "postgres://app:Zq9x@localhost:port/shop",
        )
        .env("ESTOULT_DATABASES__DEFAULT__MAX_CONNECTIONS", "Zq9x");
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let err = text(&refused.stderr);
    assert!(!err.contains("Zq9x"), "{err}");
    assert!(
        err.contains("ESTOULT_DATABASES__DEFAULT__MAX_CONNECTIONS` takes a whole number"),
        "{err}"
    );
    // A build without the backend says so before it looks at the rest.
    let is_told = err.contains("the port is not a number") || err.contains("add the feature");
    assert!(is_told, "{err}");

    let none = program(&["check"]).output().unwrap();
    assert!(text(&none.stderr).contains("set `ESTOULT_DATABASES__DEFAULT__URL` or `DATABASE_URL`"));
}

#[test]
fn a_backend_that_was_left_out_is_named_with_the_feature() {
    let refused = program(&["shell", "--url", "oracle://localhost/shop"])
        .output()
        .unwrap();
    assert!(text(&refused.stderr).contains("unknown scheme `oracle`"));
    let refused = program(&[
        "shell",
        "--url",
        "postgres://app:Zq9x@127.0.0.1:1/shop",
        "-c",
        "select 1",
    ])
    .output()
    .unwrap();
    let err = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!err.contains("Zq9x"), "{err}");
    // With the backend the server is looked for, and not found.
    let is_told = err.contains("cargo run -p apocryphan --features postgres --bin estoult")
        || err.contains("is the server running and reachable?");
    assert!(is_told, "{err}");
}

#[test]
fn a_signal_stops_the_statement() {
    let endless =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n;\n";
    let mut child = program(&["shell", "--url", "sqlite::memory:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(format!("select 'begun';\n{endless}").as_bytes())
        .unwrap();
    drop(input);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // What is shown of the first statement says that signals are waited for.
    assert!(lines.any(|line| line.unwrap().contains("(1 row)")));
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(text(&ended.stderr).starts_with("cancelled; "), "{ended:?}");
}

/// A shell at a terminal.
fn terminal(folder: &Folder, arguments: &[&str]) -> PtySession {
    let mut command = program(&[&["shell", "--url", "sqlite::memory:"], arguments].concat());
    command
        .env("XDG_STATE_HOME", &folder.0)
        .env("HOME", &folder.0)
        .env("TERM", "xterm");
    let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
    spawn_command(command, Some(patience)).unwrap()
}

#[test]
fn a_person_types_statements_over_several_lines_completes_names_and_goes_on_after_errors() {
    let folder = Folder::new("typed");
    let mut shell = terminal(&folder, &[]);
    shell.exp_string("default> ").unwrap();
    shell
        .send_line("create table bookshelves (id int,\nlabel text);")
        .unwrap();
    shell.exp_string("done").unwrap();
    shell
        .send_line("insert into bookshelves values (1, 'upper');")
        .unwrap();
    shell.exp_string("done, 1 row affected").unwrap();
    // The name is completed by the tabulator.
    shell.send("select label from booksh\t;\r").unwrap();
    shell.flush().unwrap();
    shell.exp_string("| upper |").unwrap();
    shell.send_line("select nowhere;").unwrap();
    shell.exp_string("error: no such column: nowhere").unwrap();
    shell.send_line("begin;").unwrap();
    shell.exp_string("default*> ").unwrap();
    // Ctrl-C gives up the line, and nothing else.
    shell.send("select ").unwrap();
    shell.send_control('c').unwrap();
    shell.exp_string("default*> ").unwrap();
    shell.send_line("\\q").unwrap();
    shell
        .exp_string("the open transaction is rolled back")
        .unwrap();
    shell.exp_eof().unwrap();
}

#[test]
fn what_was_typed_is_remembered_without_passwords_unless_switched_off() {
    let folder = Folder::new("history");
    let file = folder.0.join("estoult").join("shell_history");
    let mut shell = terminal(&folder, &["--no-history"]);
    shell.exp_string("default> ").unwrap();
    shell.send_line("select 'first';").unwrap();
    shell.exp_string("(1 row)").unwrap();
    shell.send_line("\\q").unwrap();
    shell.exp_eof().unwrap();
    assert!(!file.exists());

    let mut shell = terminal(&folder, &[]);
    shell.exp_string("default> ").unwrap();
    for statement in ["select 'second';", "select 'Zq9x' as password;"] {
        shell.send_line(statement).unwrap();
        shell.exp_string("(1 row)").unwrap();
    }
    shell.send_line("\\q").unwrap();
    shell.exp_eof().unwrap();
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains("select 'second';"), "{kept}");
    assert!(!kept.contains("Zq9x") && !kept.contains("first"), "{kept}");

    let mut shell = terminal(&folder, &[]);
    shell.exp_string("default> ").unwrap();
    // Up, past the command that ended the last one.
    shell.send("\u{1b}[A\u{1b}[A\r").unwrap();
    shell.flush().unwrap();
    shell.exp_string("| second").unwrap();
    shell.send_line("\\q").unwrap();
    shell.exp_eof().unwrap();
}

/// Presses Ctrl-C until the statement stops: the line may still be read when it is pressed first.
fn interrupt(shell: &mut PtySession) {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = String::new();
    while !seen.contains("cancelled; ") {
        assert!(Instant::now() < deadline, "not cancelled: {seen}");
        shell.send_control('c').unwrap();
        std::thread::sleep(Duration::from_millis(20));
        while let Some(letter) = shell.try_read() {
            seen.push(letter);
        }
    }
}

#[test]
fn control_c_stops_a_statement_at_a_terminal_and_the_shell_goes_on() {
    let folder = Folder::new("interrupted");
    let mut shell = terminal(&folder, &[]);
    shell.exp_string("default> ").unwrap();
    let endless =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n;";
    shell.send_line(endless).unwrap();
    interrupt(&mut shell);
    shell.send_line("select 7 as seven;").unwrap();
    shell.exp_string("| seven |").unwrap();
    shell.send_line("\\q").unwrap();
    shell.exp_eof().unwrap();
}

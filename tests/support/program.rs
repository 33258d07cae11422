//! An example as a program of its own: built once, started on a test's database, and ended with the test.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(120);

/// The examples that tests start.
const EXAMPLES: [&str; 7] = [
    "axum_app",
    "actix_app",
    "rocket_app",
    "sync_server",
    "fork",
    "worker",
    "cli",
];

/// A program that runs; it is killed when it is dropped, or when it takes too long.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
    heard: Vec<String>,
    errors: Option<JoinHandle<String>>,
    /// Dropped with the program, which the guard takes as its end.
    _guard: mpsc::Sender<()>,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The lines of its output.
    pub(crate) lines: Vec<String>,
    /// What it complained about.
    pub(crate) errors: String,
}

impl Program {
    /// Starts an example on a database.
    pub(crate) fn start(example: &str, url: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(&built()[example])
            .args(arguments)
            .env("DATABASE_URL", url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut errors = child.stderr.take().expect("its errors");
        let errors = thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).expect("text");
            text
        });
        Self {
            _guard: guard(child.id()),
            child,
            output,
            heard: Vec::new(),
            errors: Some(errors),
        }
    }

    /// Where it listens, once it says so.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line = self.hear("listening on http://");
        let (_, address) = line.split_once("http://").expect("an address");
        let address = address.split(';').next().unwrap_or(address);
        address.parse().expect("an address")
    }

    /// Waits for a line with this text.
    pub(crate) fn hear(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("a line");
            if read == 0 {
                let errors = self.errors.take().map(JoinHandle::join);
                panic!(
                    "the program ended without saying {text:?}; it said {:?}, {errors:?}",
                    self.heard
                );
            }
            let line = line.trim_end().to_owned();
            self.heard.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal: `INT` is ctrl-c.
    pub(crate) fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let rest = (&mut self.output).lines().map(|line| line.expect("text"));
        let rest: Vec<_> = rest.collect();
        self.heard.extend(rest);
        let errors = self.errors.take().expect("not ended yet");
        Ended {
            status: self.child.wait().expect("its end"),
            lines: std::mem::take(&mut self.heard),
            errors: errors.join().expect("its errors"),
        }
    }
}

impl Ended {
    /// The lines of a program that ended as it should.
    #[track_caller]
    pub(crate) fn well(self) -> Vec<String> {
        assert!(self.status.success(), "{self:#?}");
        assert_eq!(self.errors, "");
        self.lines
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already can't be killed, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills a process that runs too long, unless what this gives is dropped before.
fn guard(process: u32) -> mpsc::Sender<()> {
    let (program, ended) = mpsc::channel();
    thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            send("KILL", process);
        }
    });
    program
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), process.to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

/// The programs by name. With all features of all packages, as the whole suite is built, there is nothing left to do.
fn built() -> &'static BTreeMap<String, PathBuf> {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let program = env::current_exe().expect("this program");
        // …/PROFILE/deps/this-program
        let profile = program.ancestors().nth(2).expect("a profile's folder");
        let name = profile.file_name().map(|name| name.to_string_lossy());
        let name = name.expect("a profile");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .args(["build", "--workspace", "--all-features", "--quiet"])
            .args(["--message-format", "json-render-diagnostics", "--profile"])
            .arg(if name == "debug" { "dev" } else { &name })
            .arg("--target-dir")
            .arg(profile.parent().expect("a target's folder"))
            .stdin(Stdio::null());
        for example in EXAMPLES {
            cargo.args(["--example", example]);
        }
        // What cargo says of this package to its tests would look like a change to build scripts.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            let of_the_package = [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_CRATE_",
                "CARGO_BIN_",
            ];
            let others = [
                "CARGO_PRIMARY_PACKAGE",
                "CARGO_TARGET_TMPDIR",
                "OUT_DIR",
                "LD_LIBRARY_PATH",
            ];
            if of_the_package.iter().any(|start| name.starts_with(start))
                || others.contains(&&*name)
            {
                cargo.env_remove(&*name);
            }
        }
        let output = cargo.stderr(Stdio::inherit()).output().expect("cargo");
        assert!(output.status.success(), "the examples can't be built");
        let lines = String::from_utf8(output.stdout).expect("text");
        lines.lines().filter_map(executable).collect()
    })
}

/// Name and path of an example, if cargo's message is about one.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let path = message["executable"].as_str()?;
    let name = message["target"]["name"].as_str()?;
    Some((name.to_owned(), path.into()))
}

//! Runs the programs, and looks at the messages: each is one error, and short.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The compiler that wrote the messages; others word them differently.
const COMPILER: &str = "rustc 1.95.";
/// Where the programs are, if not in this folder.
const FOLDER: &str = "ESTOULT_TEST_UI_FOLDER";
const LINES_OF_A_MESSAGE: usize = 25;

#[test]
fn programs_fail_with_their_messages() {
    let folder = env::var_os(FOLDER).map_or_else(PathBuf::new, PathBuf::from);
    let compiler = compiler();
    if !compiler.starts_with(COMPILER) && env::var_os(FOLDER).is_none() {
        return fail_with_any_message(&compiler);
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail(folder.join("*/*.rs"));
    cases.compile_fail(folder.join("*/*/*.rs"));
}

#[test]
fn a_message_is_one_error_and_short() {
    let mut offences = Vec::new();
    for program in programs(&ui()) {
        let path = program.display();
        let Ok(message) = fs::read_to_string(program.with_extension("stderr")) else {
            offences.push(format!("{path}: there is no message"));
            continue;
        };
        let (lines, errors) = (message.lines().count(), errors(&message));
        // Where several mistakes are made, or one is reported in two places.
        let is_one = errors == 1 || path.to_string().contains("/several/");
        if lines > LINES_OF_A_MESSAGE * errors || !is_one {
            offences.push(format!("{path}: {errors} errors in {lines} lines"));
        }
    }
    assert!(
        offences.is_empty(),
        "A mistake is one error of at most {LINES_OF_A_MESSAGE} lines.\n{}\n\
         Remedy: a concrete type in the signature, or a `#[diagnostic::on_unimplemented]` on the trait.",
        offences.join("\n")
    );
}

#[test]
fn a_message_belongs_to_a_program() {
    let messages = files(&ui(), "stderr");
    let lost: Vec<_> = messages
        .iter()
        .filter(|message| !message.with_extension("rs").exists())
        .collect();
    assert!(lost.is_empty(), "messages without a program: {lost:?}");
}

/// With another compiler the programs still have to fail; the messages are written to a copy and not compared.
fn fail_with_any_message(compiler: &str) {
    // Past the capture of a test's output, so that the developer sees it.
    let warning = format!(
        "\nWARNING: this is {compiler}, the messages in tests/ui are those of {COMPILER}*: \
         they are NOT compared, only that every program fails to compile.\n\n"
    );
    io::stderr().write_all(warning.as_bytes()).unwrap();
    let executable = env::current_exe().unwrap();
    let copy = executable.with_extension("ui");
    for program in programs(&ui()) {
        let target = copy.join(program.strip_prefix(ui()).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&program, target).unwrap();
    }
    let output = Command::new(executable)
        .args([
            "--exact",
            "tests::programs_fail_with_their_messages",
            "--nocapture",
        ])
        .env(FOLDER, &copy)
        .env("TRYBUILD", "overwrite")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    fs::remove_dir_all(&copy).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "a program compiled that must not:\n{told}"
    );
}

fn compiler() -> String {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn programs(folder: &Path) -> Vec<PathBuf> {
    let mut programs = files(folder, "rs");
    programs.retain(|program| program.parent() != Some(folder));
    assert!(
        programs.len() > 50,
        "the programs are not in {}",
        folder.display()
    );
    programs
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn errors(message: &str) -> usize {
    let starts = ["error:", "error["];
    let lines = message.lines();
    lines
        .filter(|line| starts.iter().any(|start| line.starts_with(start)))
        .count()
}

//! What the arguments mean and how a list looks.

use clap::{CommandFactory, Parser};

use super::{Arguments, Command};

fn parse(line: &str) -> Result<Arguments, String> {
    let args = line.split(' ');
    Arguments::try_parse_from(args).map_err(|error| error.to_string())
}

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn a_message_has_two_names() {
    for line in [
        "rider create -m a",
        "rider create -d a",
        "rider create --description a",
    ] {
        assert!(
            matches!(parse(line).unwrap().command, Command::Create(_)),
            "{line}"
        );
    }
    assert!(parse("rider create").unwrap_err().contains("--message"));
}

#[test]
fn settings_stand_before_or_after_the_command() {
    for line in ["rider --source x list", "rider status --source x"] {
        assert_eq!(
            parse(line).unwrap().settings.source.unwrap().to_str(),
            Some("x")
        );
    }
}

#[test]
fn only_one_extent_is_taken() {
    assert!(parse("rider migrate a -n 2").is_err());
    assert!(parse("rider migrate -n 2 --to a").is_err());
    assert!(parse("rider rollback --all -i 2").is_err());
    assert!(parse("rider rollback -i 2 --allow-irreversible").is_ok());
}

//! The commands of the shell itself: lines that begin with a backslash.
//! Invariant: nothing here runs a command.

use estoult_sql::names::hint;

/// A command with its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Tables,
    Describe(String),
    Databases,
    Using(String),
    Timing(Option<bool>),
    Expanded(Option<bool>),
    Include(String),
    Help,
    Quit,
}

/// Every command: its name, its argument, what it does.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    ("\\d", "", "list tables and views"),
    (
        "\\d",
        "TABLE",
        "show columns, keys, indexes and foreign keys",
    ),
    ("\\databases", "", "list the databases of the registry"),
    ("\\using", "DATABASE", "go on with another database"),
    ("\\timing", "[on|off]", "show how long statements take"),
    ("\\x", "[on|off]", "show each column on a line of its own"),
    ("\\i", "FILE", "run the statements and commands of a file"),
    ("\\?", "", "show this list"),
    ("\\q", "", "quit"),
];

/// The names of all commands.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<_> = COMMANDS.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    names.into_iter()
}

/// The list of all commands.
pub(super) fn help() -> String {
    let mut text = String::new();
    for (name, argument, what) in COMMANDS {
        let usage = format!("{name} {argument}");
        text.push_str(&format!("  {usage:<18}{what}\n"));
    }
    text.push_str("A statement ends with a semicolon and may have several lines.\n");
    text.push_str("In the prompt, * tells that a transaction is open, and ! that it has failed.\n");
    text
}

impl Command {
    /// Reads a line that begins with a backslash.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        // Users are in the habit of ending every line with a semicolon.
        let line = line.trim().trim_end_matches(';').trim_end();
        let (name, argument) = match line.split_once(char::is_whitespace) {
            Some((name, argument)) => (name, argument.trim()),
            None => (line, ""),
        };
        match (name, argument) {
            ("\\d" | "\\dt", "") => Ok(Self::Tables),
            ("\\d", table) => Ok(Self::Describe(table.to_owned())),
            ("\\databases" | "\\l", "") => Ok(Self::Databases),
            ("\\using", "") => {
                Err("`\\using` needs the name of a database; `\\databases` lists them".to_owned())
            }
            ("\\using", database) => Ok(Self::Using(without_quotes(database))),
            ("\\timing", argument) => switch(name, argument).map(Self::Timing),
            ("\\x", argument) => switch(name, argument).map(Self::Expanded),
            ("\\i", "") => Err("`\\i` needs the path of a file".to_owned()),
            ("\\i", path) => Ok(Self::Include(without_quotes(path))),
            ("\\?" | "\\h" | "\\help", "") => Ok(Self::Help),
            ("\\q" | "\\quit" | "\\exit", "") => Ok(Self::Quit),
            // Known, with an argument that it does not take: better a mistake than half of a command.
            (name, _) if names().any(|known| known == name) => {
                Err(format!("`{name}` takes nothing behind it"))
            }
            (name, _) => Err(unknown(name)),
        }
    }
}

fn switch(name: &str, argument: &str) -> Result<Option<bool>, String> {
    match argument {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(format!(
            "`{name}` takes `on` or `off`, or nothing to change it"
        )),
    }
}

fn unknown(name: &str) -> String {
    let hint = hint(name, names());
    format!("`{name}` is no command; `\\?` lists all{hint}")
}

/// The text without quotes around it.
fn without_quotes(text: &str) -> String {
    let quotes = ['\'', '"'];
    let inside = quotes
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inside.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn commands_are_read_with_what_follows_them() {
        let read = |line| Command::parse(line);
        assert_eq!(read("\\d"), Ok(Command::Tables));
        assert_eq!(
            read("\\d  books ;"),
            Ok(Command::Describe("books".to_owned()))
        );
        assert_eq!(
            read("\\using \"read replica\""),
            Ok(Command::Using("read replica".to_owned()))
        );
        assert_eq!(read("\\timing off"), Ok(Command::Timing(Some(false))));
        assert_eq!(read("\\x"), Ok(Command::Expanded(None)));
        assert_eq!(
            read("\\i 'a b.sql'"),
            Ok(Command::Include("a b.sql".to_owned()))
        );
        assert_eq!(read("\\q;"), Ok(Command::Quit));
    }

    #[test]
    fn an_unknown_command_is_reported_with_the_nearest() {
        let refused = |line| Command::parse(line).unwrap_err();
        assert_eq!(
            refused("\\usin replica"),
            "`\\usin` is no command; `\\?` lists all; did you mean `\\using`?"
        );
        assert_eq!(
            refused("\\using"),
            "`\\using` needs the name of a database; `\\databases` lists them"
        );
        assert_eq!(
            refused("\\timing maybe"),
            "`\\timing` takes `on` or `off`, or nothing to change it"
        );
        assert_eq!(refused("\\q now"), "`\\q` takes nothing behind it");
        assert_eq!(refused("\\i"), "`\\i` needs the path of a file");
    }
}

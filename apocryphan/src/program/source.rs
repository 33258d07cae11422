//! Where a command finds its databases: a URL, a file, or the environment.

use std::{fs, path::PathBuf};

use clap::Args;
use estoult::{Error, Registry, RegistryConfig};

/// How many connections the shell needs at most: one that runs a statement, and one that cancels it.
const CONNECTIONS: usize = 2;

/// The arguments that name databases. They are not `Debug`, since the URL may hold a password.
#[derive(Args)]
pub(super) struct Source {
    /// The URL of one database, such as sqlite:shop.db
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    url: Option<String>,
    /// A file with databases, as TOML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Source {
    /// The databases, all read-only where that is asked for. No connection is opened yet.
    pub(super) fn registry(&self, is_read_only: bool) -> Result<Registry, String> {
        let mut config = self.read()?;
        let databases = std::iter::once(&mut config.default_database);
        // A database that the configuration limits to one connection gets the second one that the shell needs.
        for database in databases.chain(config.extra.values_mut()) {
            let options = &mut database.options;
            options.max_connections = options.max_connections.max(CONNECTIONS);
            options.read_only |= is_read_only;
        }
        Registry::from_config(config).map_err(|error| message(&error))
    }

    fn read(&self) -> Result<RegistryConfig, String> {
        match (&self.url, &self.config) {
            // Clap refuses both at once.
            (Some(url), _) => Ok(RegistryConfig::new(url)),
            (None, Some(path)) => {
                let failed = |reason: &dyn std::fmt::Display| {
                    with_features(format!("read `{}`: {reason}", path.display()))
                };
                let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
                if path.extension().is_some_and(|ending| ending == "json") {
                    serde_json::from_str(&text).map_err(|error| failed(&error))
                } else {
                    toml::from_str(&text).map_err(|error| failed(&mistake(&text, &error)))
                }
            }
            (None, None) => RegistryConfig::from_env().map_err(|error| message(&error)),
        }
    }
}

/// What is wrong with a TOML file, and on which line. The line is not quoted, since it may hold a password.
fn mistake(text: &str, error: &toml::de::Error) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .filter(|before| !before.is_empty())
        .map(|before| format!(" (line {})", before.matches('\n').count() + 1));
    format!("{}{}", error.message(), line.unwrap_or_default())
}

fn message(error: &Error) -> String {
    with_features(error.message().to_owned())
}

/// Adds the command that builds this program with the backends that an error says are missing.
fn with_features(message: String) -> String {
    let mut features: Vec<&str> = message
        .split("add the feature `")
        .skip(1)
        .filter_map(|rest| rest.split('`').next())
        .collect();
    features.sort_unstable();
    features.dedup();
    if features.is_empty() {
        return message;
    }
    let features = features.join(",");
    format!(
        "{message}\n  this program: cargo run -p apocryphan --features {features} --bin estoult -- …"
    )
}

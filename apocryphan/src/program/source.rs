//! Where a command finds its databases: a URL, a file, the environment.

use std::{fs, path::PathBuf};

use clap::Args;
use estoult::{Error, Registry, RegistryConfig};

/// How many connections the program needs: one that works, and one that cancels what it does.
const CONNECTIONS: usize = 2;

/// Not `Debug`, since the URL may have a password.
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
    /// The databases, which may all refuse writes. Nothing is opened yet.
    pub(super) fn registry(&self, is_read_only: bool) -> Result<Registry, String> {
        let mut config = self.read()?;
        let databases = std::iter::once(&mut config.default_database);
        for database in databases.chain(config.extra.values_mut()) {
            let options = &mut database.options;
            options.max_connections = options.max_connections.max(CONNECTIONS);
            options.read_only |= is_read_only;
        }
        Registry::from_config(config).map_err(|error| told(&error))
    }

    fn read(&self) -> Result<RegistryConfig, String> {
        match (&self.url, &self.config) {
            (Some(url), _) => Ok(RegistryConfig::new(url)),
            (None, Some(path)) => {
                let failed = |why: &dyn std::fmt::Display| {
                    with_features(format!("read `{}`: {why}", path.display()))
                };
                let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
                if path.extension().is_some_and(|ending| ending == "json") {
                    serde_json::from_str(&text).map_err(|error| failed(&error))
                } else {
                    toml::from_str(&text).map_err(|error| failed(&mistake(&text, &error)))
                }
            }
            (None, None) => RegistryConfig::from_env().map_err(|error| told(&error)),
        }
    }
}

/// What is wrong, and on which line. What stands there is not shown, since it may be a password.
fn mistake(text: &str, error: &toml::de::Error) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .filter(|before| !before.is_empty())
        .map(|before| format!(" (line {})", before.matches('\n').count() + 1));
    format!("{}{}", error.message(), line.unwrap_or_default())
}

fn told(error: &Error) -> String {
    with_features(error.message().to_owned())
}

/// Adds how to build this program with the backends that it lacks, where an error names them.
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

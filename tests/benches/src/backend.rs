//! The three databases, and where the servers of two of them are.

use std::process::{Command, Stdio};

use clap::ValueEnum;
use url::Url;

use crate::workload::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    Sqlite,
    Postgres,
    Mysql,
}

impl Backend {
    /// The contender that the ratios are to.
    pub fn baseline(self) -> &'static str {
        match self {
            Self::Sqlite => "rusqlite",
            Self::Postgres | Self::Mysql => "sqlx",
        }
    }

    /// The URL of the server, which is started where the environment names none; a file needs none.
    pub fn server(self) -> Result<Option<Url>> {
        let (variable, kind) = match self {
            Self::Sqlite => return Ok(None),
            Self::Postgres => ("ESTOULT_BENCH_POSTGRES_URL", "postgres"),
            Self::Mysql => ("ESTOULT_BENCH_MYSQL_URL", "mysql"),
        };
        let url = std::env::var(variable).or_else(|_| started(kind))?;
        let url = Url::parse(&url).map_err(|error| format!("{variable}: {error}"))?;
        Ok(Some(url))
    }
}

/// Starts a throw-away server, which ends with this process and runs where this process may run.
fn started(kind: &str) -> Result<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../servers.sh");
    let owner = std::process::id().to_string();
    let output = Command::new("bash")
        .args([script, "start", kind, &owner])
        .stderr(Stdio::inherit())
        .output()?;
    let state = String::from_utf8(output.stdout)?;
    let url = state.lines().find_map(|line| line.strip_prefix("url="));
    Ok(url
        .ok_or_else(|| format!("no {kind} server was started"))?
        .to_owned())
}

//! The settings of a rider.

use std::path::PathBuf;

/// Where migrations are and what rider's tables are called.
///
/// ```
/// use apocryphan::rider::Config;
///
/// let config = Config { table_name: "shop._rider_migrations".into(), ..Config::default() };
/// assert_eq!(config.log_name, "_rider_logs");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder of the migrations, relative to the working directory.
    pub source: PathBuf,
    /// The table of the applied migrations; `schema.table` where it is in another schema.
    pub table_name: String,
    /// The table of the log; `schema.table` where it is in another schema.
    pub log_name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: PathBuf::from("./migrations"),
            table_name: "_rider_migrations".to_owned(),
            log_name: "_rider_logs".to_owned(),
        }
    }
}

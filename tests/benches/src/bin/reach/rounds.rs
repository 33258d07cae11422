//! Medians over rounds, and tables of them. Invariant: nothing here knows a database.

use std::io::Write;

use crate::Result;

/// What a contender reached in each round, and its name.
#[derive(Debug)]
pub struct Series {
    pub name: &'static str,
    pub values: Vec<f64>,
    /// What the table says beside its median.
    pub notes: Vec<String>,
}

impl Series {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            values: Vec::new(),
            notes: Vec::new(),
        }
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints a row a contender: its median, the median of its ratios to the last one, and its notes.
pub fn print(title: &str, columns: &[&str], series: &[Series]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{title}\n\n| | {} |", columns.join(" | "))?;
    writeln!(out, "|---|{}", "---:|".repeat(columns.len()))?;
    let last = series.last();
    for one in series {
        let pairs = one
            .values
            .iter()
            .zip(last.map_or(&[][..], |last| &last.values));
        let ratios: Vec<f64> = pairs.map(|(own, last)| own / last).collect();
        let (own, ratio) = (median(&one.values), median(&ratios));
        let notes = one.notes.join(" | ");
        writeln!(out, "| {} | {own:.0} | {ratio:.3} | {notes} |", one.name)?;
    }
    writeln!(out)?;
    Ok(())
}

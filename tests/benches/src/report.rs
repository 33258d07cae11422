//! The table: medians over the rounds, and beside each the median of its ratios to the baseline.
//! Invariant: what is compared was measured in the same round.

use std::fmt::Write;

use crate::harness::{Measured, Series};

/// What a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Wall,
    Processor,
    RoundTrips,
}

/// A Markdown table with one row a workload and one column a contender.
pub fn table(names: &[&str], baseline: &str, measured: &[Measured], figure: Figure) -> String {
    let base = names.iter().position(|name| *name == baseline);
    let mut text = format!(
        "| workload | {} |\n|---|{}\n",
        names.join(" | "),
        "---:|".repeat(names.len())
    );
    for row in measured {
        let cell = |(index, series): (usize, &Option<Series>)| {
            let reference = base
                .filter(|base| *base != index)
                .and_then(|base| row.series[base].as_ref());
            cell(series.as_ref(), reference, figure)
        };
        let cells: Vec<String> = row.series.iter().enumerate().map(cell).collect();
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} |",
            row.workload.name(),
            cells.join(" | ")
        );
    }
    text
}

fn cell(series: Option<&Series>, reference: Option<&Series>, figure: Figure) -> String {
    let Some(series) = series else {
        return "–".to_owned();
    };
    let own = figure.of(series);
    let Some(reference) = reference.map(|reference| figure.of(reference)) else {
        return figure.show(median(own));
    };
    let ratios: Vec<f64> = own
        .iter()
        .zip(reference)
        .map(|(own, reference)| own / reference)
        .collect();
    format!("{} ({:.2})", figure.show(median(own)), median(&ratios))
}

impl Figure {
    fn of(self, series: &Series) -> &[f64] {
        match self {
            Self::Wall => &series.wall,
            Self::Processor => &series.processor,
            Self::RoundTrips => &series.round_trips,
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Wall | Self::Processor => time(value),
            Self::RoundTrips => format!("{value:.2}"),
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

/// Nanoseconds with a unit that keeps three digits.
fn time(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e5 => format!("{:.1} µs", nanos / 1e3),
        nanos if nanos < 1e6 => format!("{:.0} µs", nanos / 1e3),
        nanos => format!("{:.2} ms", nanos / 1e6),
    }
}

//! Rounds of short batches, each contender's turn in another order, and what came of them.

use std::time::Duration;

use crate::Result;

/// How long a batch takes.
pub const BATCH: Duration = Duration::from_millis(20);
/// How long a batch takes for which threads and connections are made.
pub const LONG_BATCH: Duration = Duration::from_millis(300);

/// What one contender took for one operation, round by round, in microseconds.
pub struct Series {
    pub name: &'static str,
    each: Vec<f64>,
}

type Contender<'c> = (&'static str, &'c mut dyn FnMut(u32) -> Result<Duration>);

/// Measures the contenders in turn.
pub fn of(
    rounds: usize,
    length: Duration,
    mut contenders: Vec<Contender<'_>>,
) -> Result<Vec<Series>> {
    let mut times = Vec::new();
    for (_, batch) in &mut contenders {
        times.push(calibrated(length, batch)?);
    }
    let names = contenders.iter().map(|(name, _)| *name);
    let mut series: Vec<Series> = names
        .map(|name| Series {
            name,
            each: Vec::new(),
        })
        .collect();
    for round in 0..rounds {
        let count = contenders.len();
        for turn in 0..count {
            let index = (turn + round) % count;
            let spent = contenders[index].1(times[index])?;
            let each = spent.as_secs_f64() * 1e6 / f64::from(times[index]);
            series[index].each.push(each);
        }
    }
    Ok(series)
}

fn calibrated(length: Duration, batch: &mut dyn FnMut(u32) -> Result<Duration>) -> Result<u32> {
    let mut times = 16_u32;
    loop {
        let spent = batch(times)?;
        if spent >= length / 4 {
            let fitting = f64::from(times) * length.as_secs_f64() / spent.as_secs_f64();
            return Ok((fitting as u32).max(16));
        }
        times *= 4;
    }
}

impl Series {
    pub fn median(&self) -> f64 {
        median(self.each.clone())
    }

    /// The medians of the differences and of the ratios to another series, round by round.
    pub fn beside(&self, other: &Self) -> (f64, f64) {
        let pairs = || self.each.iter().zip(&other.each);
        (
            median(pairs().map(|(own, other)| own - other).collect()),
            median(pairs().map(|(own, other)| own / other).collect()),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

//! The measurement: proofs first, then rounds of short batches in a changing order, so that neither
//! a slow moment of the machine nor what a neighbour leaves behind meets always the same contender.
//! Invariant: no contender is named here.

use std::time::Duration;

use crate::lane::{Contender, Spent};
use crate::referee::Referee;
use crate::relay::Relay;
use crate::sample::{Generator, Sample};
use crate::workload::{Result, Workload, expected};

/// How many batches of each contender a round has.
const BATCHES: u32 = 4;
/// How long a batch takes.
const BATCH: Duration = Duration::from_millis(10);
/// The same for many tasks or threads: each asks several times, so that its own beginning does not count for most.
const BATCH_OF_MANY: Duration = Duration::from_millis(100);
/// More operations than this are never put in one batch.
const MOST: u32 = 200_000;

/// What one contender took for one operation, round by round, in nanoseconds and round trips.
#[derive(Debug, Clone, Default)]
pub struct Series {
    pub wall: Vec<f64>,
    pub processor: Vec<f64>,
    pub round_trips: Vec<f64>,
}

/// The series of a workload, one a contender; `None` where a contender has no way to do it.
#[derive(Debug)]
pub struct Measured {
    pub workload: Workload,
    pub series: Vec<Option<Series>>,
}

pub struct Harness<'h> {
    pub contenders: &'h mut [Box<dyn Contender>],
    pub referee: &'h mut Referee,
    pub sample: &'h Sample,
    pub rounds: usize,
    pub relay: Option<&'h Relay>,
}

impl Harness<'_> {
    /// Lets every contender do every workload once and compares what came of it with the sample.
    pub fn prove(&mut self, workloads: &[Workload]) -> Result<()> {
        for &workload in workloads {
            let (answer, written) = expected(workload, self.sample);
            for contender in self
                .contenders
                .iter_mut()
                .filter(|contender| !contender.lacks(workload))
            {
                self.referee.restore(self.sample)?;
                let name = contender.name();
                let wrong = |what: String| format!("{name}: {}: {what}", workload.name());
                let given = contender
                    .answer(workload)
                    .map_err(|error| wrong(error.to_string()))?;
                if given != answer {
                    return Err(wrong("other rows than the sample has".to_owned()).into());
                }
                if let Some(written) = &written
                    && self.referee.written(self.sample)? != *written
                {
                    return Err(wrong(
                        "other rows in the table than were to be written".to_owned(),
                    )
                    .into());
                }
            }
        }
        self.referee.restore(self.sample)
    }

    /// Measures one workload in rounds.
    pub fn measure(&mut self, workload: Workload) -> Result<Measured> {
        let times: Vec<Option<u32>> = (0..self.contenders.len())
            .map(|index| self.calibrate(index, workload))
            .collect::<Result<_>>()?;
        let mut series: Vec<Option<Series>> = times
            .iter()
            .map(|times| times.map(|_| Series::default()))
            .collect();
        let mut generator = Generator::new(0x0E57_0023);
        for _ in 0..self.rounds {
            let spent = self.round(workload, &times, &mut generator)?;
            for ((series, spent), times) in series.iter_mut().zip(spent).zip(&times) {
                if let (Some(series), Some(times)) = (series, times) {
                    let operations = f64::from(times * BATCHES);
                    series.wall.push(nanos(spent.wall) / operations);
                    series.processor.push(nanos(spent.processor) / operations);
                    let trips = f64::from(spent.round_trips);
                    series.round_trips.push(trips / operations);
                }
            }
        }
        Ok(Measured { workload, series })
    }

    /// What each contender took for its batches of one round.
    fn round(
        &mut self,
        workload: Workload,
        times: &[Option<u32>],
        generator: &mut Generator,
    ) -> Result<Vec<Spent>> {
        let mut spent = vec![Spent::default(); times.len()];
        for _ in 0..BATCHES {
            for index in generator.order(times.len()) {
                if let Some(times) = times[index] {
                    let batch = self.batch(index, workload, times)?;
                    spent[index].wall += batch.wall;
                    spent[index].processor += batch.processor;
                    spent[index].round_trips += batch.round_trips;
                }
            }
        }
        Ok(spent)
    }

    /// How many operations make a batch; `None` when the contender lacks the workload.
    fn calibrate(&mut self, index: usize, workload: Workload) -> Result<Option<u32>> {
        if self.contenders[index].lacks(workload) {
            return Ok(None);
        }
        let (mut times, length) = match workload {
            Workload::Tasks64 => (256, BATCH_OF_MANY),
            _ => (1, BATCH),
        };
        loop {
            let spent = self.batch(index, workload, times)?.wall;
            if spent * 2 >= length || times >= MOST {
                let fitting = u128::from(times) * length.as_nanos() / spent.as_nanos().max(1);
                return Ok(Some(u32::try_from(fitting).unwrap_or(MOST).clamp(1, MOST)));
            }
            times = (times * 4).min(MOST);
        }
    }

    fn batch(&mut self, index: usize, workload: Workload, times: u32) -> Result<Spent> {
        self.referee.clear(workload)?;
        let contender = &mut self.contenders[index];
        let before = self.relay.map_or(0, Relay::round_trips);
        let mut spent = contender
            .batch(workload, times)
            .map_err(|error| format!("{}: {}: {error}", contender.name(), workload.name()))?;
        let trips = self.relay.map_or(0, Relay::round_trips) - before;
        spent.round_trips = u32::try_from(trips)?;
        Ok(spent)
    }
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

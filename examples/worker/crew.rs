//! Several workers in one process: they look for jobs, work, and stop between two jobs.

use std::time::Duration;

use estoult::Registry;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    Outcome,
    jobs::{Job, Letter},
    tell,
};

/// Workers that have not started yet.
#[derive(Debug)]
pub(crate) struct Crew {
    registry: Registry,
    workers: usize,
    hold: Duration,
    pause: Duration,
}

impl Crew {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            workers: 4,
            // Much longer than a job takes: afterwards another worker takes it.
            hold: Duration::from_secs(60),
            pause: Duration::from_millis(200),
        }
    }

    pub(crate) fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// How long a worker waits when there is no job.
    pub(crate) fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Works until the signal to stop, and returns the sent letters. A worker finishes a job that it has started.
    pub(crate) async fn work(self, stop: watch::Receiver<bool>) -> Outcome<Vec<Letter>> {
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            let worker = Worker {
                registry: self.registry.clone(),
                stop: stop.clone(),
                hold: self.hold,
                pause: self.pause,
            };
            workers.spawn(worker.work());
        }
        let mut letters = Vec::new();
        while let Some(ended) = workers.join_next().await {
            letters.extend(ended?);
        }
        Ok(letters)
    }
}

struct Worker {
    registry: Registry,
    stop: watch::Receiver<bool>,
    hold: Duration,
    pause: Duration,
}

impl Worker {
    async fn work(mut self) -> Vec<Letter> {
        let mut letters = Vec::new();
        while !self.has_to_stop() {
            match self.work_once().await {
                Ok(Some(letter)) => letters.push(letter),
                Ok(None) => self.wait().await,
                Err(error) => {
                    // The database may recover soon, and the job is free again after `held_until`.
                    tell(format_args!("a worker continues after: {error}"));
                    self.wait().await;
                }
            }
        }
        letters
    }

    /// Does one job, if there is one. It does not check for the stop in between, so it finishes the job.
    async fn work_once(&self) -> estoult::Result<Option<Letter>> {
        let Some(job) = Job::take(&self.registry, self.hold).await? else {
            return Ok(None);
        };
        match job.work(&self.registry).await {
            Ok(letter) => Ok(Some(letter)),
            Err(error) => {
                job.give_back(&self.registry).await?;
                Err(error)
            }
        }
    }

    /// Waits for a while, or until the signal to stop.
    async fn wait(&mut self) {
        let _ = timeout(self.pause, self.stop.wait_for(|stop| *stop)).await;
    }

    /// Whether the signal was sent, or its sender dropped.
    fn has_to_stop(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }
}

//! Several workers in one process: they look for jobs, work, and stop between two jobs.

use std::time::Duration;

use estoult::Registry;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    Outcome,
    jobs::{Job, Letter},
    tell,
};

/// Workers that are still to begin.
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
            // Much longer than a job takes: after that another worker takes it.
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

    /// Works until it is told to stop, and gives the letters that were sent. A job that was begun is finished.
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
                    // The database may be back soon, and the job is free again when its time is over.
                    tell(format_args!("a worker goes on after: {error}"));
                    self.wait().await;
                }
            }
        }
        letters
    }

    /// One job, if there is one. The stop is not looked at in between, so that a job is finished.
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

    /// Waits for a while, but not when it is to stop.
    async fn wait(&mut self) {
        let _ = timeout(self.pause, self.stop.wait_for(|stop| *stop)).await;
    }

    /// Whether it was told to, or whoever could tell is gone.
    fn has_to_stop(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }
}

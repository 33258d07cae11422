//! The places from which sync code waits, each beside the same queries in async code of the same runtime.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use estoult::{Registry, Schema, run_sync};
use tokio::runtime::{Builder, Runtime};

use crate::{ROWS, Result, User};

/// From where it waits.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Environment,
    /// An environment for each query, as a server makes one for each request; beside one for all.
    Request,
    GivenCurrentThread,
    MainFuture,
    Task,
    BlockingThread,
    CurrentThread,
}

pub const PLACES: [Place; 7] = [
    Place::Environment,
    Place::Request,
    Place::GivenCurrentThread,
    Place::MainFuture,
    Place::Task,
    Place::BlockingThread,
    Place::CurrentThread,
];

/// How it waits.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Inside,
    Bridged,
}

/// A place with what it needs.
pub struct Through<'r> {
    registry: &'r Registry,
    place: Place,
    runtime: Runtime,
}

impl<'r> Through<'r> {
    pub fn new(registry: &'r Registry, place: Place) -> Result<Self> {
        let runtime = match place {
            Place::CurrentThread | Place::GivenCurrentThread => {
                Builder::new_current_thread().enable_all().build()?
            }
            _ => Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?,
        };
        Ok(Self {
            registry,
            place,
            runtime,
        })
    }

    /// What so many queries take.
    pub fn batch(&self, way: Way, times: u32) -> Result<Duration> {
        let registry = self.registry;
        let work = |registry: &Registry| match way {
            Way::Inside => run_sync(inside(registry, times)),
            Way::Bridged => bridged(registry, times),
        };
        let cloned = registry.clone();
        let spent = match (self.place, way) {
            (Place::Environment, _) => registry.with_async_env(|| work(registry)),
            (Place::Request, Way::Inside) => registry.with_async_env(|| bridged(registry, times)),
            (Place::Request, Way::Bridged) => requests(registry, times),
            (Place::GivenCurrentThread, _) => {
                registry.with_async_env_on(&self.runtime, || work(registry))
            }
            (Place::MainFuture | Place::CurrentThread, Way::Inside) => {
                self.runtime.block_on(inside(registry, times))
            }
            (Place::MainFuture | Place::CurrentThread, Way::Bridged) => {
                self.runtime.block_on(async { bridged(registry, times) })
            }
            (Place::Task | Place::BlockingThread, Way::Inside) => {
                let task = async move { inside(&cloned, times).await };
                self.runtime.block_on(self.runtime.spawn(task))?
            }
            (Place::Task, Way::Bridged) => {
                let task = async move { bridged(&cloned, times) };
                self.runtime.block_on(self.runtime.spawn(task))?
            }
            (Place::BlockingThread, Way::Bridged) => {
                let task = move || bridged(&cloned, times);
                self.runtime.block_on(self.runtime.spawn_blocking(task))?
            }
        };
        Ok(spent?)
    }
}

fn key(turn: u32) -> i64 {
    i64::from(turn) * 7919 % ROWS + 1
}

async fn inside(registry: &Registry, times: u32) -> estoult::Result<Duration> {
    User::get(registry, 1).await?;
    let begun = Instant::now();
    for turn in 0..times {
        black_box(User::get(registry, key(turn)).await?);
    }
    Ok(begun.elapsed())
}

fn bridged(registry: &Registry, times: u32) -> estoult::Result<Duration> {
    run_sync(User::get(registry, 1))?;
    let begun = Instant::now();
    for turn in 0..times {
        black_box(run_sync(User::get(registry, key(turn)))?);
    }
    Ok(begun.elapsed())
}

fn requests(registry: &Registry, times: u32) -> estoult::Result<Duration> {
    let request = |turn| registry.with_async_env(|| run_sync(User::get(registry, key(turn))));
    request(1)?;
    let begun = Instant::now();
    for turn in 0..times {
        black_box(request(turn)?);
    }
    Ok(begun.elapsed())
}

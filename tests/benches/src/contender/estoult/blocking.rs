//! estoult in a synchronous program: every statement waits for its end in place, with no other thread.

use estoult::{Registry, run_sync};

use crate::contender::Start;
use crate::lane::{Contender, Lane};
use crate::sample::{self, Titled, Unit};
use crate::workload::{Authors, Operations, Result};

use super::{Counter, Post, Reading, User};

pub fn lane(start: &Start<'_>) -> Result<Box<dyn Contender>> {
    let (registry, lifespan) = start.track.runtime.block_on(super::connect(start.url))?;
    Ok(Lane::boxed(
        start,
        EstoultSync {
            registry,
            _lifespan: lifespan,
        },
    ))
}

struct EstoultSync {
    registry: Registry,
    _lifespan: estoult::Lifespan,
}

impl Operations for EstoultSync {
    type User = User;
    type Post = Post;
    type Reading = Reading;
    type Counter = Counter;
    type Shared = Registry;

    const BLOCKING: bool = true;

    fn surround<T: Send>(
        registry: &Registry,
        batch: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        registry.with_async_env(|| Ok(batch()))?
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(run_sync(super::by_key(&self.registry, id))?.ok_or("no such user")?)
    }

    async fn up_to(&mut self, id: i64) -> Result<Vec<User>> {
        Ok(run_sync(super::up_to(&self.registry, id))?)
    }

    async fn readings(&mut self) -> Result<Vec<Reading>> {
        Ok(run_sync(super::readings(&self.registry))?)
    }

    async fn titled(&mut self) -> Result<Vec<Titled>> {
        Ok(run_sync(super::titled(&self.registry))?)
    }

    async fn authors(&mut self) -> Result<Authors<User, Post>> {
        Ok(run_sync(super::authors(&self.registry))?)
    }

    async fn insert(&mut self, note: sample::Note) -> Result<i64> {
        Ok(run_sync(super::insert(&self.registry, note))?)
    }

    async fn update(&mut self, counter: Counter, value: i64) -> Result<()> {
        Ok(run_sync(super::update(&self.registry, counter, value))?)
    }

    async fn transaction(&mut self, unit: Unit) -> Result<User> {
        Ok(run_sync(super::transaction(&self.registry, unit))?.ok_or("no such user")?)
    }

    async fn bulk(&mut self, notes: Vec<sample::Note>) -> Result<()> {
        Ok(run_sync(super::bulk(&self.registry, notes))?)
    }

    fn shared(&self) -> Registry {
        self.registry.clone()
    }

    async fn by_key_shared(registry: &Registry, id: i64) -> Result<User> {
        Ok(run_sync(super::by_key(registry, id))?.ok_or("no such user")?)
    }

    async fn acquire(&mut self) -> Result<()> {
        Ok(run_sync(super::acquire(&self.registry))?)
    }
}

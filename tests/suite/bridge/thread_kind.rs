//! Every place from which sync code may wait.

use std::{sync::mpsc::sync_channel, thread};

use estoult::{Registry, Result};
use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
};

use crate::support::runtime;

/// Sync code that waits.
pub(super) type Work = fn(&Registry) -> Result<()>;

/// From where it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Environment,
    Guard,
    GivenIdleRuntime,
    GivenRuntime,
    GivenHandle,
    GivenHandleOfOneThread,
    MainFuture,
    Task,
    OnlyWorker,
    CurrentThread,
    TaskOfCurrentThread,
    LocalSetOfCurrentThread,
    LocalSet,
    BlockingThread,
    BlockingThreadOfCurrentThread,
    EnteredRuntime,
    EnteredCurrentThread,
}

pub(super) const PLACES: [Place; 17] = [
    Place::Environment,
    Place::Guard,
    Place::GivenIdleRuntime,
    Place::GivenRuntime,
    Place::GivenHandle,
    Place::GivenHandleOfOneThread,
    Place::MainFuture,
    Place::Task,
    Place::OnlyWorker,
    Place::CurrentThread,
    Place::TaskOfCurrentThread,
    Place::LocalSetOfCurrentThread,
    Place::LocalSet,
    Place::BlockingThread,
    Place::BlockingThreadOfCurrentThread,
    Place::EnteredRuntime,
    Place::EnteredCurrentThread,
];

pub(super) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(super) fn only_worker() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

impl Place {
    /// Runs work here, with the databases connected.
    pub(super) fn run(
        self,
        registry: &Registry,
        work: impl FnOnce(&Registry) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        match self {
            Self::LocalSet | Self::LocalSetOfCurrentThread => {
                let connected = self.connected(registry, work);
                return LocalSet::new().block_on(&self.runtime(), connected);
            }
            _ if self.is_async() => {
                return self.runtime().block_on(self.connected(registry, work));
            }
            _ => {}
        }
        let here = || work(registry);
        match self {
            Self::Guard => {
                let environment = registry.enter_sync()?;
                let outcome = here();
                environment.close()?;
                outcome
            }
            Self::GivenIdleRuntime => registry.with_async_env_on(&current_thread(), here),
            Self::GivenRuntime => registry.with_async_env_on(&runtime(), here),
            Self::GivenHandle => registry.with_async_env_on(runtime().handle(), here),
            Self::GivenHandleOfOneThread => {
                driven(|runtime| registry.with_async_env_on(runtime.handle(), here))
            }
            Self::EnteredRuntime | Self::EnteredCurrentThread => {
                let runtime = self.runtime();
                let _entered = runtime.enter();
                registry.with_async_env(here)
            }
            _ => registry.with_async_env(here),
        }
    }

    /// Whether async code runs around it.
    fn is_async(self) -> bool {
        matches!(
            self,
            Self::MainFuture
                | Self::Task
                | Self::OnlyWorker
                | Self::CurrentThread
                | Self::TaskOfCurrentThread
                | Self::BlockingThread
                | Self::BlockingThreadOfCurrentThread
        )
    }

    fn runtime(self) -> Runtime {
        match self {
            Self::MainFuture
            | Self::Task
            | Self::LocalSet
            | Self::BlockingThread
            | Self::EnteredRuntime => runtime(),
            Self::OnlyWorker => only_worker(),
            _ => current_thread(),
        }
    }

    /// Async code that connects the databases and runs the sync code.
    async fn connected(
        self,
        registry: &Registry,
        work: impl FnOnce(&Registry) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let lifespan = registry.connect().await?;
        let cloned = registry.clone();
        let outcome = match self {
            Self::Task | Self::OnlyWorker | Self::TaskOfCurrentThread => {
                tokio::spawn(async move { work(&cloned) }).await
            }
            Self::LocalSet | Self::LocalSetOfCurrentThread => {
                tokio::task::spawn_local(async move { work(&cloned) }).await
            }
            Self::BlockingThread | Self::BlockingThreadOfCurrentThread => {
                tokio::task::spawn_blocking(move || work(&cloned)).await
            }
            _ => Ok(work(registry)),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        lifespan.close().await?;
        outcome
    }
}

/// Runs work while another thread drives a runtime that has none of its own.
pub(super) fn driven<T>(work: impl FnOnce(&Runtime) -> T) -> T {
    let runtime = current_thread();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (ready, is_ready) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(async {
                ready.send(()).unwrap();
                let _ = stopped.await;
            });
        });
        is_ready.recv().unwrap();
        // Dropped on the way out, also by a panic.
        let _stop = stop;
        work(&runtime)
    })
}

//! The async environment of a thread: a current-thread runtime that the thread drives while it waits.

use std::{cell::RefCell, future::Future, rc::Rc};

use tokio::runtime::{Builder, Runtime};

use super::Blocking;
use crate::error::{Error, Result};

thread_local! {
    static CURRENT: RefCell<Option<Rc<Runtime>>> = const { RefCell::new(None) };
}

/// An environment that was entered; the outermost one of a thread takes the runtime away with it.
pub(super) struct Environment {
    runtime: Rc<Runtime>,
    is_outermost: bool,
}

/// Enters the thread's environment, or makes it.
pub(super) fn enter() -> Result<Environment> {
    if let Some(runtime) = CURRENT.with_borrow(Clone::clone) {
        return Ok(Environment {
            runtime,
            is_outermost: false,
        });
    }
    let built = Builder::new_current_thread().enable_all().build();
    let runtime =
        Rc::new(built.map_err(|error| {
            Error::configuration(format!("make an async environment: {error}"))
        })?);
    CURRENT.set(Some(Rc::clone(&runtime)));
    Ok(Environment {
        runtime,
        is_outermost: true,
    })
}

impl Environment {
    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _blocking = Blocking::begin();
        self.runtime.block_on(future)
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        if self.is_outermost {
            CURRENT.set(None);
        }
    }
}

/// Drives a future on the thread's environment; `None` when there is none.
pub(super) fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let runtime = CURRENT.with_borrow(Clone::clone)?;
    let _blocking = Blocking::begin();
    Some(runtime.block_on(future))
}

//! The registry of the process, and those that replace it: in a scope, or for the length of a test.

use std::{
    fmt,
    future::Future,
    sync::{PoisonError, RwLock},
};

use super::Registry;
use crate::{
    context::Context,
    error::{Error, Result},
};

/// The installed registries: the process's own, and those of tests in the order in which they were installed.
static INSTALLED: RwLock<Installed> = RwLock::new(Installed {
    own: None,
    tests: Vec::new(),
    last_id: 0,
});

struct Installed {
    own: Option<Registry>,
    tests: Vec<(u64, Registry)>,
    last_id: u64,
}

/// Keeps a registry installed for a test; see [`Registry::install_for_test`]. Dropping it uninstalls the registry.
#[must_use = "the registry is installed only for as long as this lives"]
pub struct TestInstall(u64);

impl fmt::Debug for TestInstall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestInstall").field(&self.0).finish()
    }
}

impl Drop for TestInstall {
    fn drop(&mut self) {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        // By its number, since guards may be dropped in any order.
        installed.tests.retain(|(id, _)| *id != self.0);
    }
}

/// The registry of this code: that of the innermost [`Registry::scope`] around it, else the last one of
/// [`Registry::install_for_test`], else that of [`Registry::install`].
///
/// # Errors
///
/// `Configuration` when there is none.
pub fn registry() -> Result<Registry> {
    if let Some(scoped) = Context::current().extension::<Registry>() {
        return Ok(scoped.clone());
    }
    let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner);
    let last = installed.tests.last().map(|(_, registry)| registry);
    last.or(installed.own.as_ref()).cloned().ok_or_else(|| {
        Error::configuration(
            "get the registry of the process: none is installed; call `registry.install()` at the start of the program",
        )
    })
}

impl Registry {
    /// Makes it the registry of the process, which [`registry`] gives.
    ///
    /// # Errors
    ///
    /// `Configuration` when there is one already.
    pub fn install(&self) -> Result<()> {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        if installed.own.is_some() {
            return Err(Error::configuration(
                "install a registry: the process has one already; install once, or hand the registry on",
            ));
        }
        installed.own = Some(self.clone());
        Ok(())
    }

    /// Makes it the registry of the process until the guard is dropped, whether there is one already or not. Guards may
    /// be dropped in any order; of those that live, the last one counts.
    ///
    /// All threads and tasks of the process see it, also those that run already. So tests that run at the same time in
    /// one process would see each other's registry; they use [`scope`](Self::scope).
    ///
    /// ```
    /// use estoult::{Registry, registry};
    ///
    /// # fn main() -> estoult::Result<()> {
    /// Registry::builder("sqlite:bookshop.db").build()?.install()?;
    /// let installed = Registry::builder("sqlite::memory:").build()?.install_for_test();
    /// assert_eq!(registry()?.default_database().address(), "sqlite::memory:");
    /// drop(installed);
    /// assert_eq!(registry()?.default_database().address(), "sqlite:bookshop.db");
    /// # Ok(())
    /// # }
    /// ```
    pub fn install_for_test(&self) -> TestInstall {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        installed.last_id += 1;
        let id = installed.last_id;
        installed.tests.push((id, self.clone()));
        TestInstall(id)
    }

    /// Runs a future in which [`registry`] gives this registry, instead of the one of the process.
    ///
    /// It covers the future itself wherever it is driven, and what [`run_sync`](crate::run_sync) runs in it. A task or
    /// a thread that is spawned inside begins without it; [`Context`] takes it along.
    ///
    /// ```
    /// use estoult::{Registry, registry};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// let fresh = Registry::builder("sqlite::memory:").build()?;
    /// fresh.scope(async { registry()?.using("default") }).await?;
    /// assert!(registry().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Context::current()
            .with_extension(self.clone())
            .scope(future)
    }

    /// Runs sync code in which [`registry`] gives this registry, on this thread; see [`scope`](Self::scope).
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        Context::current().with_extension(self.clone()).run(work)
    }
}

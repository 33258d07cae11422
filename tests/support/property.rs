//! Properties: how many cases are tried, and where those that failed once are kept.

use estoult::Result;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner},
};
use tokio::{runtime::Handle, task::block_in_place};

use super::cases;

/// The settings of a property that needs no database; cases that failed are in `tests/proptest-regressions/`.
pub(crate) fn property() -> Config {
    // The folder is looked for beside that of `lib.rs`.
    let folder = FileFailurePersistence::SourceParallel("tests/proptest-regressions");
    Config {
        failure_persistence: Some(Box::new(folder)),
        cases: count(cases(256, 20_000)),
        ..Config::default()
    }
}

fn count(cases: usize) -> u32 {
    u32::try_from(cases).unwrap()
}

/// Runs the test for some generated values; the one that fails is shrunk as far as it goes.
pub(crate) fn for_any<S: Strategy>(strategy: &S, test: impl AsyncFn(S::Value) -> Result<()>) {
    let config = Config {
        cases: count(cases(16, 200)),
        max_shrink_iters: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(strategy, |value| {
        let tested = block_in_place(|| Handle::current().block_on(test(value)));
        tested.map_err(|error| TestCaseError::fail(error.to_string()))
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

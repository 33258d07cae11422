//! Properties inside of a test that is connected to a database.

use estoult::Result;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::{runtime::Handle, task::block_in_place};

/// Runs the test for some generated values; the one that fails is told as small as it can be made.
pub(crate) fn for_any<S: Strategy>(strategy: &S, test: impl AsyncFn(S::Value) -> Result<()>) {
    let config = Config {
        cases: 16,
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

//! How many cases a random test tries, and which.
//! Invariant: a failure names the seed that `ESTOULT_SEED` repeats it with.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

/// How often a test tries something: a sample, `all` of them with `ESTOULT_CASES=all`, or the number in this variable.
pub(crate) fn cases(sample: usize, all: usize) -> usize {
    chosen(all).unwrap_or(sample)
}

/// What `ESTOULT_CASES` says, if it says anything.
pub(crate) fn chosen(all: usize) -> Option<usize> {
    let setting = env::var("ESTOULT_CASES").ok()?;
    match setting.as_str() {
        "all" => Some(all),
        number => Some(number.parse().unwrap()),
    }
}

/// The seed of the first case: `ESTOULT_SEED`, or another one each time. Printed; the other cases count on from it.
pub(crate) fn first_seed() -> usize {
    let given = env::var("ESTOULT_SEED").ok();
    let seed = given.map_or_else(
        || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            usize::try_from(now.as_secs()).unwrap() * 1000
        },
        |seed| seed.parse().unwrap(),
    );
    eprintln!("the cases begin at ESTOULT_SEED={seed}");
    seed
}

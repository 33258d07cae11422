//! Numbers that look random, the same ones for the same seed.

/// A generator of numbers.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The generator of this seed.
    pub(crate) fn new(seed: usize) -> Self {
        Self((u64::try_from(seed).unwrap() + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A number below this one.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

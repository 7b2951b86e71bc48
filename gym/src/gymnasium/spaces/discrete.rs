//! Whole numbers, one at a time.

use std::fmt;

use rand::{Rng, RngExt};

/// The `n` whole numbers from `start` on.
///
/// ```
/// use tapeout::gymnasium::spaces::Discrete;
/// let space = Discrete::starting_at(3, -1);
/// assert!(space.contains(1) && !space.contains(2));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrete {
    n: u64,
    start: i64,
}

impl Discrete {
    /// The numbers from 0 to `n - 1`.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn new(n: u64) -> Self {
        Self::starting_at(n, 0)
    }

    /// The numbers from `start` to `start + n - 1`.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn starting_at(n: u64, start: i64) -> Self {
        assert!(n > 0, "a discrete space has an element");
        Self { n, start }
    }

    /// How many numbers there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The least of them.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// Whether `number` belongs to the space.
    pub fn contains(&self, number: i64) -> bool {
        number.checked_sub(self.start).is_some_and(|offset| offset >= 0 && (offset as u64) < self.n)
    }

    /// Draws a number uniformly, or uniformly among those `allowed`, shape `[n]`; `start` if none is.
    pub fn sample(&self, rng: &mut impl Rng, allowed: Option<&[bool]>) -> i64 {
        self.start + draw(self.n, rng, allowed) as i64
    }
}

/// Draws one of `n` numbers uniformly, or uniformly among those `allowed`; 0 if none is.
pub(super) fn draw(n: u64, rng: &mut impl Rng, allowed: Option<&[bool]>) -> u64 {
    let Some(allowed) = allowed else { return rng.random_range(0..n) };
    let candidates: Vec<u64> = (0..n).filter(|&index| allowed[index as usize]).collect();
    if candidates.is_empty() { 0 } else { candidates[rng.random_range(0..candidates.len() as u64) as usize] }
}

impl fmt::Display for Discrete {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            0 => write!(formatter, "Discrete({})", self.n),
            start => write!(formatter, "Discrete({}, start={start})", self.n),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;

    /// Each of 4 numbers is missed in 200 draws with odds of (3/4)^200 < 10^-24.
    #[test]
    fn every_number_is_drawn_and_no_other() {
        let space = Discrete::starting_at(4, -2);
        let mut rng = Seed::new(0).stream("test");
        let mut drawn: Vec<i64> = (0..200).map(|_| space.sample(&mut rng, None)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [-2, -1, 0, 1]);
    }

    #[test]
    fn only_what_the_mask_allows_is_drawn_and_the_least_if_it_allows_nothing() {
        let space = Discrete::starting_at(4, 10);
        let mut rng = Seed::new(0).stream("test");
        let mut drawn: Vec<i64> =
            (0..100).map(|_| space.sample(&mut rng, Some(&[false, true, false, true]))).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [11, 13]);
        assert_eq!(space.sample(&mut rng, Some(&[false; 4])), 10);
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        assert!(!Discrete::starting_at(2, i64::MIN).contains(i64::MAX));
        assert!(Discrete::starting_at(2, i64::MAX - 1).contains(i64::MAX));
    }
}

//! Several whole numbers at once.

use std::fmt;

use rand::Rng;

use super::discrete::draw;

/// Vectors whose entry `i` is a whole number from 0 to `nvec[i] - 1`.
///
/// ```
/// use tapeout::gymnasium::spaces::MultiDiscrete;
/// let space = MultiDiscrete::new(vec![5, 2]);
/// assert!(space.contains(&[4, 1]) && !space.contains(&[1, 4]) && !space.contains(&[4]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiDiscrete {
    nvec: Vec<u64>,
}

impl MultiDiscrete {
    /// One entry for each of `nvec`, which says how many values it has.
    ///
    /// # Panics
    /// If an entry has no values.
    pub fn new(nvec: Vec<u64>) -> Self {
        assert!(nvec.iter().all(|&n| n > 0), "every entry of a multi-discrete space has a value");
        Self { nvec }
    }

    /// How many values each entry has, shape `[d]`.
    pub fn nvec(&self) -> &[u64] {
        &self.nvec
    }

    /// Whether `numbers` belongs to the space.
    pub fn contains(&self, numbers: &[i64]) -> bool {
        numbers.len() == self.nvec.len()
            && numbers.iter().zip(&self.nvec).all(|(&number, &n)| number >= 0 && (number as u64) < n)
    }

    /// Draws each entry uniformly, or uniformly among those `allowed`, shapes `[nvec[i]]`; 0 where none is.
    pub fn sample(&self, rng: &mut impl Rng, allowed: Option<&[Vec<bool>]>) -> Vec<i64> {
        let mask = |index: usize| allowed.map(|masks| masks[index].as_slice());
        self.nvec.iter().enumerate().map(|(index, &n)| draw(n, rng, mask(index)) as i64).collect()
    }
}

impl fmt::Display for MultiDiscrete {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.nvec.iter().map(u64::to_string).collect();
        write!(formatter, "MultiDiscrete([{}])", sizes.join(" "))
    }
}

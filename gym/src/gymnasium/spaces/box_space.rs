//! Arrays of real numbers.

use std::f64::consts::TAU;
use std::fmt;

use rand::{Rng, RngExt};

/// Arrays of single-precision numbers, each between its own bounds, both included. A bound may be infinite.
///
/// ```
/// use tapeout::gymnasium::spaces;
/// let space = spaces::Box::bounded(0.0, 1.0, 2);
/// assert!(space.contains(&[0.0, 1.0]) && !space.contains(&[0.0, 1.5]) && !space.contains(&[f32::NAN, 0.0]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Box {
    low: Vec<f32>,
    high: Vec<f32>,
    shape: Vec<usize>,
}

impl Box {
    /// Arrays of this shape between `low` and `high`, both in row-major order.
    ///
    /// # Panics
    /// If the bounds do not fill the shape, one is NaN, or a lower bound is above its upper one.
    pub fn new(low: Vec<f32>, high: Vec<f32>, shape: Vec<usize>) -> Self {
        let size: usize = shape.iter().product();
        assert!(
            low.len() == size && high.len() == size,
            "a box of shape {shape:?} has {size} lower and upper bounds, not {} and {}",
            low.len(),
            high.len()
        );
        for (index, (low, high)) in low.iter().zip(&high).enumerate() {
            assert!(
                low <= high,
                "entry {index} of a box has the lower bound {low} and the upper bound {high}"
            );
        }
        Self { low, high, shape }
    }

    /// Vectors of this length with the same bounds for every entry.
    ///
    /// # Panics
    /// As [`Box::new`].
    pub fn bounded(low: f32, high: f32, length: usize) -> Self {
        Self::new(vec![low; length], vec![high; length], vec![length])
    }

    /// The lower bounds, in row-major order.
    pub fn low(&self) -> &[f32] {
        &self.low
    }

    /// The upper bounds, in row-major order.
    pub fn high(&self) -> &[f32] {
        &self.high
    }

    /// How many entries there are along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether `values`, in row-major order, belong to the space.
    pub fn contains(&self, values: &[f32]) -> bool {
        values.len() == self.low.len()
            && self.bounds().zip(values).all(|((low, high), value)| low <= *value && *value <= high)
    }

    /// Draws each entry: uniformly between two finite bounds, from an exponential distribution of mean 1 beyond one,
    /// from a standard normal distribution without any.
    /// Source: Gymnasium 1.x, `gymnasium/spaces/box.py`, `Box.sample`.
    pub fn sample(&self, rng: &mut impl Rng) -> Vec<f32> {
        self.bounds().map(|(low, high)| draw_between(low, high, rng)).collect()
    }

    fn bounds(&self) -> impl Iterator<Item = (f32, f32)> {
        self.low.iter().copied().zip(self.high.iter().copied())
    }
}

fn draw_between(low: f32, high: f32, rng: &mut impl Rng) -> f32 {
    let uniform: f64 = rng.random();
    let exponential = -(1.0 - uniform).ln(); // 1 - u is in (0, 1]
    let drawn = match (low.is_finite(), high.is_finite()) {
        (true, true) => f64::from(low) + uniform * (f64::from(high) - f64::from(low)),
        (true, false) => f64::from(low) + exponential,
        (false, true) => f64::from(high) - exponential,
        // Box & Muller (1958), doi:10.1214/aoms/1177706645, eq. 1.
        (false, false) => (2.0 * exponential).sqrt() * (TAU * rng.random::<f64>()).cos(),
    };
    (drawn as f32).clamp(low, high)
}

impl fmt::Display for Box {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comma = if self.shape.len() == 1 { "," } else { "" };
        let shape = self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        write!(
            formatter,
            "Box({}, {}, ({shape}{comma}), float32)",
            bound_text(&self.low),
            bound_text(&self.high)
        )
    }
}

/// One number if all bounds are the same, else all of them.
fn bound_text(bounds: &[f32]) -> String {
    match bounds {
        [first, rest @ ..] if rest.iter().all(|bound| bound == first) => format!("{first:?}"),
        _ => format!("[{}]", bounds.iter().map(|bound| format!("{bound:?}")).collect::<Vec<_>>().join(" ")),
    }
}

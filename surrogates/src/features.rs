//! Designs and contexts as rows of numbers.

use serde::{Deserialize, Serialize};
use tapeout_core::{Design, DesignSpace, Encoder, Encoding, LoadError, ProductText, WorkloadTrials};

/// Spaces with more levels than this have no column for each, since most would hardly ever be seen. Own choice: several times
/// the 77 levels of PRIME's space (Kumar et al. 2022, arXiv:2110.11346, table 2).
const MOST_LEVELS: usize = 512;

/// What the columns of a design are. Spaces of more than 512 levels have no column for each, whatever is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inputs {
    /// log2 of each number, and a column for each level of what is no number. A size that was never seen lies on a line with
    /// those that were: only so can a model say what is beyond the data.
    #[default]
    Numbers,
    /// A column for each level, as in PRIME's public code. Nothing is known of a level that was never seen.
    Levels,
    /// Both: the numbers say how large a size is, the columns let single levels stand out, such as a size that just fits.
    Both,
}

/// Rows for networks: the columns of a design, each brought to mean 0 and standard deviation 1 over what was learned from; then the
/// numbers of the context, likewise over the workloads.
#[derive(Debug, Clone)]
pub struct Features {
    encoders: Vec<Encoder>,
    scale: FeatureScale,
}

/// What brings columns to mean 0 and standard deviation 1; what a saved model keeps of [`Features`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureScale {
    inputs: Inputs,
    /// Shape `[d]`, for each column of a design.
    design: Vec<Standard>,
    /// Shape `[c]`, for each number of a context.
    context: Vec<Standard>,
}

/// A mean and a standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// The mean.
    pub mean: f64,
    /// The standard deviation; 1 where all values are the same.
    pub std: f64,
}

impl Standard {
    /// The mean and the standard deviation of `values`; 0 and 1 of none.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let n = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / n;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        // Equal values leave rounding, of the order of the mean times the precision of a double.
        let is_spread = variance.sqrt() > 1e-12 * mean.abs();
        Self { mean, std: if is_spread { variance.sqrt() } else { 1.0 } }
    }

    /// How many standard deviations `value` is above the mean.
    pub fn apply(self, value: f64) -> f64 {
        (value - self.mean) / self.std
    }

    /// The value that is `score` standard deviations above the mean.
    pub fn invert(self, score: f64) -> f64 {
        self.mean + self.std * score
    }
}

fn encoders(space: &DesignSpace, inputs: Inputs) -> Vec<Encoder> {
    let n_levels: usize = space.parameters().iter().map(|parameter| parameter.n_levels() as usize).sum();
    let encodings = match inputs {
        Inputs::Levels if n_levels <= MOST_LEVELS => &[Encoding::OneHot][..],
        Inputs::Both if n_levels <= MOST_LEVELS => &[Encoding::Log2OneHot, Encoding::OneHot],
        _ => &[Encoding::Log2OneHot],
    };
    encodings.iter().map(|&encoding| Encoder::new(space, encoding)).collect()
}

fn width(encoders: &[Encoder]) -> usize {
    encoders.iter().map(Encoder::dimension).sum()
}

/// Writes a design in one encoding after the other.
fn encode(encoders: &[Encoder], design: &Design, row: &mut [f64]) {
    let mut start = 0;
    for encoder in encoders {
        let end = start + encoder.dimension();
        encoder.encode_into(design, &mut row[start..end]);
        start = end;
    }
}

impl Features {
    /// The columns of a space and of contexts, scaled by the designs and workloads of `groups`.
    pub fn new(space: &DesignSpace, inputs: Inputs, groups: &[WorkloadTrials]) -> Self {
        let encoders = encoders(space, inputs);
        let width = width(&encoders);
        let designs = || groups.iter().flat_map(|group| &group.trials).map(|trial| &trial.design);
        let (mut sums, mut squares, mut row) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
        designs().for_each(|design| {
            encode(&encoders, design, &mut row);
            sums.iter_mut().zip(&row).for_each(|(sum, value)| *sum += value);
        });
        let n = designs().count().max(1) as f64;
        designs().for_each(|design| {
            encode(&encoders, design, &mut row);
            let deviations = row.iter().zip(&sums).map(|(value, sum)| value - sum / n);
            squares
                .iter_mut()
                .zip(deviations)
                .for_each(|(square, deviation)| *square += deviation * deviation);
        });
        let standard = |(&sum, &square): (&f64, &f64)| Standard {
            mean: sum / n,
            std: if square > 0.0 { (square / n).sqrt() } else { 1.0 },
        };
        let design = sums.iter().zip(&squares).map(standard).collect();
        Self { encoders, scale: FeatureScale { inputs, design, context: context_scale(groups) } }
    }

    /// The columns of a space, with a scale found before; none if the scale is of another number of columns.
    pub fn of_scale(space: &DesignSpace, scale: FeatureScale) -> Option<Self> {
        let encoders = encoders(space, scale.inputs);
        (scale.design.len() == width(&encoders)).then_some(Self { encoders, scale })
    }

    /// The part of a fitted model that is saved.
    pub fn scale(&self) -> &FeatureScale {
        &self.scale
    }

    /// How many columns a row has, those of the context included.
    pub fn width(&self) -> usize {
        self.scale.design.len() + self.scale.context.len()
    }

    /// How many numbers a context has, `c`: the last columns of a row.
    pub fn context_width(&self) -> usize {
        self.scale.context.len()
    }

    /// A row for each design, shape `[n][width]`.
    ///
    /// # Panics
    /// If the context has another length than those learned from.
    pub fn rows<'a>(&self, context: &[f64], designs: impl IntoIterator<Item = &'a Design>) -> Vec<f32> {
        let context = self.context(context);
        let mut rows = Vec::new();
        let mut row = vec![0.0; self.scale.design.len()];
        for design in designs {
            encode(&self.encoders, design, &mut row);
            rows.extend(row.iter().zip(&self.scale.design).map(|(&value, scale)| scale.apply(value) as f32));
            rows.extend_from_slice(&context);
        }
        rows
    }

    fn context(&self, context: &[f64]) -> Vec<f32> {
        assert_context(context, self.scale.context.len());
        context.iter().zip(&self.scale.context).map(|(&value, scale)| scale.apply(value) as f32).collect()
    }
}

/// Each number of a context over the workloads of `groups`, shape `[c]`.
pub(crate) fn context_scale(groups: &[WorkloadTrials]) -> Vec<Standard> {
    let width = groups.first().map_or(0, |group| group.workload.context.len());
    (0..width).map(|index| Standard::of(groups.iter().map(|group| group.workload.context[index]))).collect()
}

/// Holds a caller to the length of contexts.
///
/// # Panics
/// If the context has another length than `expected`.
pub(crate) fn assert_context(context: &[f64], expected: usize) {
    let got = context.len();
    assert!(got == expected, "a context has {expected} numbers, as in what was learned from; got {got}");
}

/// The space as a model that learned from these products sees it.
pub(crate) fn with_products(space: &DesignSpace, products: &[ProductText]) -> Result<DesignSpace, LoadError> {
    space.with_products(products).map_err(|error| LoadError::Corrupt { message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{Judgement, Outcome, Parameter, Trial, WorkloadContext};

    fn group(name: &str, context: f64, designs: &[Design]) -> WorkloadTrials {
        let trial = |design: &Design| Trial {
            design: design.clone(),
            outcome: Outcome::Measured(vec![1.0]),
            judgement: Judgement::Acceptable { losses: vec![1.0] },
        };
        let workload = WorkloadContext { name: name.to_owned(), context: vec![context] };
        WorkloadTrials { workload, trials: designs.iter().map(trial).collect() }
    }

    /// Sizes 2, 8 and 8: log2 is 1, 3, 3, of mean 7/3 and variance 8/9, so 2 is at -(4/3) / sqrt(8/9) = -sqrt 2. The level 2 is
    /// taken by a third: mean 1/3, variance 2/9, so taken it is at sqrt 2; the level 8 by two thirds, so not taken it is at
    /// -sqrt 2. The level 4 never is: it stays as it is. Contexts 10 and 30 lie one standard deviation from 20.
    #[test]
    fn rows_by_hand() {
        let space = DesignSpace::new(vec![Parameter::ordinal("size", [2, 4, 8])], Vec::new()).unwrap();
        let design = |level| space.design(&[level]).unwrap();
        let groups = [group("a", 10.0, &[design(0), design(2)]), group("b", 30.0, &[design(2)])];
        let root = 2f32.sqrt();
        let expected = [
            (Inputs::Numbers, vec![-root, 2.0]),
            (Inputs::Levels, vec![root, 0.0, -root, 2.0]),
            (Inputs::Both, vec![-root, root, 0.0, -root, 2.0]),
        ];
        for (inputs, expected) in expected {
            let features = Features::new(&space, inputs, &groups);
            let rows = features.rows(&[40.0], &[design(0)]);
            assert!(rows.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{inputs:?}: {rows:?}");
            assert_eq!(
                (rows.len(), features.width(), features.context_width()),
                (expected.len(), expected.len(), 1)
            );
            assert!(Features::of_scale(&space, features.scale().clone()).is_some());
            let other = [Parameter::ordinal("size", [2, 4]), Parameter::ordinal("shape", [1, 2])];
            let other = DesignSpace::new(other.to_vec(), Vec::new()).unwrap();
            assert!(Features::of_scale(&other, features.scale().clone()).is_none());
        }
    }
}

//! The tuning of a kernel of nine parameters of few levels: a family, one member for each number.
//!
//! Ours: what a recorded kernel is like. Parameters of two to eight levels that rules tie together, a time that is a product of effects of
//! each parameter and of each pair, level by level and in no order, on top of a trend, and pairs of levels that fail to run.

use rand::RngExt;
use tapeout_core::{Design, DesignSpace, Metric, Outcome, Parameter, Rule, Seed, Stream};

/// Effects on the logarithm of the time, of each member's own.
pub struct Tuning {
    /// Of each level of each parameter; shape `[d][levels]`.
    alone: Vec<Vec<f64>>,
    /// Of the levels of each pair of parameters, the first before the second; shape `[d][d][levels][levels]`.
    pairs: Vec<Vec<Vec<Vec<f64>>>>,
}

/// Deviation of the effects of levels and of pairs: the fastest of all is near three times as fast as the median, as recorded kernels are.
const ALONE: f64 = 0.2;
const PAIRED: f64 = 0.12;
/// A pair that slows a kernel down by this many deviations does not run: a hundredth of all pairs, and a third of all designs.
const FAILS: f64 = 2.3;

impl Tuning {
    /// The member of this number.
    pub fn new(number: u64) -> Self {
        let space = Self::space();
        let mut rng = Seed::new(number).stream("tuning");
        let levels: Vec<usize> =
            space.parameters().iter().map(|parameter| parameter.n_levels() as usize).collect();
        let mut row = |n: usize, std: f64| (0..n).map(|_| std * normal(&mut rng)).collect::<Vec<f64>>();
        let mut alone: Vec<Vec<f64>> = levels.iter().map(|&n| row(n, ALONE)).collect();
        let pairs = levels
            .iter()
            .map(|&n| levels.iter().map(|&m| (0..n).map(|_| row(m, PAIRED)).collect()).collect());
        let pairs = pairs.collect();
        for (effects, trend) in alone.iter_mut().zip(row(levels.len(), ALONE)) {
            let last = (effects.len() - 1) as f64;
            effects
                .iter_mut()
                .enumerate()
                .for_each(|(level, effect)| *effect += trend * (2.0 * level as f64 / last - 1.0));
        }
        Self { alone, pairs }
    }

    /// Some 50,000 designs.
    pub fn space() -> DesignSpace {
        let flag = |name| Parameter::ordinal(name, [0, 1]);
        let parameters = vec![
            Parameter::power_of_two("block_x", 8, 256),
            Parameter::power_of_two("block_y", 1, 32),
            Parameter::integer("tile_x", 1, 8),
            Parameter::integer("tile_y", 1, 8),
            Parameter::ordinal("unroll", [0, 1, 2, 4, 8]),
            Parameter::power_of_two("vector", 1, 8),
            flag("shared"),
            flag("padded"),
            flag("cached"),
        ];
        let rules = vec![
            Rule::new("threads", "32 <= block_x * block_y <= 1024", &["block_x", "block_y"], |v| {
                (32..=1024).contains(&(v.int("block_x") * v.int("block_y")))
            }),
            Rule::new("whole_vectors", "tile_x % vector == 0", &["tile_x", "vector"], |v| {
                v.int("tile_x") % v.int("vector") == 0
            }),
            Rule::new("padding", "what is padded is shared", &["shared", "padded"], |v| {
                v.int("padded") <= v.int("shared")
            }),
            Rule::new(
                "memory",
                "shared tiles fit",
                &["block_x", "block_y", "tile_x", "tile_y", "shared"],
                |v| {
                    let tile = v.int("block_x") * v.int("tile_x") * v.int("block_y") * v.int("tile_y");
                    v.int("shared") == 0 || tile <= 12288
                },
            ),
        ];
        DesignSpace::new(parameters, rules).expect("invariant: some designs are legal")
    }

    /// What [`Tuning::evaluate`] measures.
    pub fn metrics() -> Vec<Metric> {
        vec![Metric::new("time", "", "of one run")]
    }

    /// The time of a design, or that it does not run.
    pub fn evaluate(&self, design: &Design) -> Outcome {
        let levels: Vec<usize> = design.levels().iter().map(|&level| level as usize).collect();
        let mut log: f64 = self.alone.iter().zip(&levels).map(|(effects, &level)| effects[level]).sum();
        for (second, rows) in self.pairs.iter().enumerate() {
            for (first, effects) in rows.iter().enumerate().take(second) {
                let effect = effects[levels[second]][levels[first]];
                if effect > FAILS * PAIRED {
                    return Outcome::infeasible("runtime", 1.0);
                }
                log += effect;
            }
        }
        Outcome::Measured(vec![log.exp()])
    }
}

/// A standard normal variate. Source: Box & Muller (1958), doi:10.1214/aoms/1177706645.
fn normal(rng: &mut Stream) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

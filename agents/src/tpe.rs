//! TPE: designs that are likely among good ones and unlikely among the others.
//!
//! Source: Bergstra, Bardenet, Bengio & Kégl (2011), "Algorithms for Hyper-Parameter Optimization", section 4; Watanabe (2023),
//! "Tree-Structured Parzen Estimator", arXiv:2304.11127, for the joint kernel, the split and the weights he recommends, and
//! for the kernel of a discrete parameter; Ozaki et al. (2020), doi:10.1145/3377930.3389817, for several objectives. Bandwidths
//! are those of Optuna 4's multivariate estimator.
//! Departs from them: a bandwidth ends a level beyond the spread of the centres; a last front that does not fit among the good is
//! thinned by crowding, not by hypervolume; the uniform component weighs the same in both densities; samples are made legal,
//! and known ones are not proposed.

use std::cmp::Ordering;
use std::f64::consts::SQRT_2;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::pareto::{crowding_distance, front};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, Judgement, ObjectiveSupport, Parameter, Problem,
    Seed, Stream, Trial,
};

use crate::bounds::{at_least, within};
use crate::seen::Seen;

// Optuna 4, `_calculate_numerical_distributions`: sigma0_magnitude = 0.2, a share of the range.
const BANDWIDTH: f64 = 0.2;
/// Own choice: a kernel is no wider than the centres are spread, and one level. It tells where a log is all around one design.
const BEYOND_SPREAD: f64 = 1.0;
/// Levels that most parameters do not exceed.
const SMALL: usize = 16;
/// Rounds of samples that may bring nothing new before a design is drawn at random.
const ROUNDS: usize = 4;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Random designs before the first model.
    pub initial: usize,
    /// `beta`: the share of all trials that counts as good.
    pub good_share: f64,
    /// No more trials than this count as good.
    pub good_most: usize,
    /// Samples from the good designs' density, of which the most promising is proposed.
    pub candidates: usize,
    /// `Delta`: the least bandwidth, as a share of a parameter's range.
    pub least_bandwidth: f64,
}

impl Default for Settings {
    /// Watanabe (2023), the recommended setting: beta = 0.15, Delta = 0.03; Optuna 4: 10 random designs, at most 25 good, 24
    /// samples.
    fn default() -> Self {
        Self { initial: 10, good_share: 0.15, good_most: 25, candidates: 24, least_bandwidth: 0.03 }
    }
}

/// Two densities over designs, and the trials they are made of.
pub struct Tpe {
    settings: Settings,
    n_objectives: usize,
    seen: Seen,
    rng: Stream,
    n_initial: usize,
    judgements: Vec<Judgement>,
    /// The level of each parameter in each trial; shape `[d][n]`.
    columns: Vec<Vec<u32>>,
    /// Trials from best to worst; with several objectives, those that are acceptable stand first, in any order.
    order: Vec<usize>,
}

/// The probability of each level of a parameter given the level at a kernel's centre; shape `[levels][levels]`, by level.
struct Kernel {
    n_levels: usize,
    by_level: Vec<f64>,
}

impl Kernel {
    /// For a mixture of kernels at these `centers`, of `d` parameters, and a uniform component.
    fn new(parameter: &Parameter, centers: &[u32], d: usize, least_bandwidth: f64) -> Self {
        let n_levels = parameter.n_levels() as usize;
        let n_kernels = centers.len() + 1;
        let widest = (BANDWIDTH * n_levels as f64).min(std(centers) + BEYOND_SPREAD);
        let bandwidth = widest * (n_kernels as f64).powf(-1.0 / (d as f64 + 4.0));
        let bandwidth = bandwidth.max(least_bandwidth * n_levels as f64);
        let mut by_level = vec![0.0; n_levels * n_levels];
        for center in 0..n_levels {
            let column: Vec<f64> = if parameter.is_categorical() {
                aitchison_aitken(n_levels, center, n_kernels)
            } else {
                discrete_normal(n_levels, center, bandwidth)
            };
            for (level, probability) in column.into_iter().enumerate() {
                by_level[level * n_levels + center] = probability;
            }
        }
        Self { n_levels, by_level }
    }

    /// The probability of `level` for each centre, shape `[levels]`.
    fn row(&self, level: u32) -> &[f64] {
        &self.by_level[level as usize * self.n_levels..][..self.n_levels]
    }

    fn sample(&self, center: u32, rng: &mut Stream) -> u32 {
        let mut left: f64 = rng.random();
        for level in 0..self.n_levels {
            left -= self.by_level[level * self.n_levels + center as usize];
            if left < 0.0 {
                return level as u32;
            }
        }
        center // rounding
    }
}

fn std(levels: &[u32]) -> f64 {
    let n = levels.len().max(1) as f64;
    let mean = levels.iter().map(|&level| f64::from(level)).sum::<f64>() / n;
    (levels.iter().map(|&level| (f64::from(level) - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// A normal distribution around a level, cut at the ends, each level having the mass within half a step.
/// Source: Watanabe (2023), section 3.3.2.
fn discrete_normal(n_levels: usize, center: usize, std: f64) -> Vec<f64> {
    let up_to = |edge: f64| 0.5 * libm::erfc((center as f64 - edge) / (std * SQRT_2));
    let mass = |level: usize| up_to(level as f64 + 0.5) - up_to(level as f64 - 0.5);
    let total = up_to(n_levels as f64 - 0.5) - up_to(-0.5);
    (0..n_levels).map(|level| mass(level) / total).collect()
}

/// The kernel of Aitchison & Aitken (1976), doi:10.1093/biomet/63.3.413: all other categories are alike. They share the bandwidth
/// of Optuna 4: each has 1/n beside the 1 + 1/n of the category itself.
fn aitchison_aitken(n_levels: usize, center: usize, n_kernels: usize) -> Vec<f64> {
    let other = 1.0 / n_kernels as f64;
    let total = 1.0 + n_levels as f64 * other;
    (0..n_levels).map(|level| (other + if level == center { 1.0 } else { 0.0 }) / total).collect()
}

/// A mixture of kernels around some trials, and one uniform component.
struct Mixture {
    kernels: Vec<Kernel>,
    /// The weight of each trial of the log, 0 for those of the other mixture; shape `[n]`, adding up to 1 with `uniform`.
    weights: Vec<f64>,
    uniform: f64,
}

impl Mixture {
    /// The logarithm of the density at a design. `columns`: the kernels' centres, shape `[d][n]`. O(n d).
    fn log_density(&self, levels: &[u32], columns: &[Vec<u32>], products: &mut Vec<f64>) -> f64 {
        products.clear();
        products.extend_from_slice(&self.weights);
        let mut uniform = self.uniform;
        for ((kernel, column), &level) in self.kernels.iter().zip(columns).zip(levels) {
            let row = kernel.row(level);
            uniform /= kernel.n_levels as f64;
            if row.len() <= SMALL {
                let mut table = [0.0; SMALL]; // of known size, so that looking up needs no check: half the time
                table[..row.len()].copy_from_slice(row);
                for (product, &center) in products.iter_mut().zip(column) {
                    *product *= table[center as usize % SMALL];
                }
            } else {
                for (product, &center) in products.iter_mut().zip(column) {
                    *product *= row[center as usize];
                }
            }
        }
        (products.iter().sum::<f64>() + uniform).max(f64::MIN_POSITIVE).ln()
    }

    /// Levels drawn from one component; not always legal.
    fn sample(&self, good: &[usize], columns: &[Vec<u32>], rng: &mut Stream) -> Vec<u32> {
        let mut left: f64 = rng.random();
        let component = good.iter().find(|&&trial| {
            left -= self.weights[trial];
            left < 0.0
        });
        let draw = |(kernel, column): (&Kernel, &Vec<u32>)| match component {
            Some(&trial) => kernel.sample(column[trial], rng),
            None => rng.random_range(0..kernel.n_levels as u32),
        };
        self.kernels.iter().zip(columns).map(draw).collect()
    }
}

impl Tpe {
    /// The trials that count as good, at least one. Watanabe (2023), section 3.1.
    fn good(&self) -> Vec<usize> {
        let share = (self.settings.good_share * self.judgements.len() as f64).ceil() as usize;
        let count = share.clamp(1, self.settings.good_most);
        if self.n_objectives == 1 {
            return self.order[..count].to_vec();
        }
        let n_accepted = self.order.partition_point(|&trial| self.judgements[trial].accepted().is_some());
        let mut left: Vec<(usize, &[f64])> = self.order[..n_accepted]
            .iter()
            .filter_map(|&trial| self.judgements[trial].accepted().map(|losses| (trial, losses)))
            .collect();
        let mut good = Vec::with_capacity(count);
        while good.len() < count && !left.is_empty() {
            let points: Vec<&[f64]> = left.iter().map(|&(_, losses)| losses).collect();
            let mut chosen = front(&points);
            if good.len() + chosen.len() > count {
                let members: Vec<&[f64]> = chosen.iter().map(|&index| points[index]).collect();
                let crowding = crowding_distance(&members);
                let mut lonely: Vec<usize> = (0..chosen.len()).collect();
                lonely.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
                chosen = lonely[..count - good.len()].iter().map(|&index| chosen[index]).collect();
            }
            chosen.sort_unstable();
            good.extend(chosen.iter().map(|&index| left[index].0));
            let mut index = 0;
            left.retain(|_| {
                index += 1;
                chosen.binary_search(&(index - 1)).is_err()
            });
        }
        let n_missing = count - good.len();
        good.extend_from_slice(&self.order[n_accepted..][..n_missing]);
        good
    }

    /// How much better than the best of the others each good trial is, if that is known; the weights "EI" of Watanabe
    /// (2023), section 3.2.
    fn good_weights(&self, good: &[usize]) -> Vec<f64> {
        let next = self.order.get(good.len()).map(|&trial| &self.judgements[trial]);
        let threshold = match next.and_then(|judgement| judgement.accepted()) {
            Some([loss]) => *loss,
            _ => return vec![1.0; good.len()],
        };
        let gain = |&trial: &usize| {
            self.judgements[trial].accepted().map_or(0.0, |losses| (threshold - losses[0]).max(0.0))
        };
        let gains: Vec<f64> = good.iter().map(gain).collect();
        if gains.iter().sum::<f64>() > 0.0 { gains } else { vec![1.0; good.len()] }
    }

    /// The densities of good designs and of the others. The uniform component has the mean weight of the good; it has the
    /// same in both, so that where there are no trials neither is the likelier.
    fn mixtures(&self, good: &[usize]) -> (Mixture, Mixture) {
        let n = self.judgements.len();
        let d = self.columns.len();
        let kernels = |is_member: &dyn Fn(usize) -> bool| {
            let parameters = self.seen.space().parameters().iter().zip(&self.columns);
            let kernel = |(parameter, column): (&Parameter, &Vec<u32>)| {
                let centers: Vec<u32> =
                    (0..n).filter(|&trial| is_member(trial)).map(|trial| column[trial]).collect();
                Kernel::new(parameter, &centers, d, self.settings.least_bandwidth)
            };
            parameters.map(kernel).collect()
        };
        let gains = self.good_weights(good);
        let total: f64 = gains.iter().sum();
        let uniform = 1.0 / (1.0 + good.len() as f64);
        let mut good_weights = vec![0.0; n];
        let each = (1.0 - uniform) / (n - good.len()).max(1) as f64;
        let mut other_weights = vec![each; n];
        for (&trial, gain) in good.iter().zip(gains) {
            good_weights[trial] = gain / total * (1.0 - uniform);
            other_weights[trial] = 0.0;
        }
        let good_mixture = Mixture {
            kernels: kernels(&|trial| other_weights[trial] == 0.0),
            weights: good_weights,
            uniform,
        };
        let others = Mixture {
            kernels: kernels(&|trial| other_weights[trial] > 0.0),
            weights: other_weights.clone(),
            uniform,
        };
        (good_mixture, others)
    }

    /// `count` designs, each the most promising of some samples.
    fn proposals(&mut self, count: usize) -> Vec<Design> {
        let good = self.good();
        let (good_mixture, others) = self.mixtures(&good);
        let good_columns: Vec<Vec<u32>> =
            self.columns.iter().map(|column| good.iter().map(|&trial| column[trial]).collect()).collect();
        let near = Mixture {
            weights: good.iter().map(|&trial| good_mixture.weights[trial]).collect(),
            ..good_mixture
        };
        let places: Vec<usize> = (0..good.len()).collect();
        let mut products = Vec::with_capacity(self.judgements.len());
        let mut designs = Vec::with_capacity(count);
        for _ in 0..count {
            let mut best: Option<(f64, Design)> = None;
            for _ in 0..ROUNDS {
                for _ in 0..self.settings.candidates {
                    let levels = near.sample(&places, &good_columns, &mut self.rng);
                    let design = self.seen.space().repair(&levels);
                    if self.seen.contains(&design) {
                        continue;
                    }
                    let value = near.log_density(design.levels(), &good_columns, &mut products)
                        - others.log_density(design.levels(), &self.columns, &mut products);
                    if best.as_ref().is_none_or(|(most, _)| value > *most) {
                        best = Some((value, design));
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            designs.push(match best {
                Some((_, design)) => {
                    self.seen.insert(&design);
                    design
                }
                None => self.seen.draw(&mut self.rng),
            });
        }
        designs
    }

    /// Acceptable ones by loss if there is but one, the others by shortfall.
    fn compare(&self, a: &Judgement, b: &Judgement) -> Ordering {
        match (a.accepted(), b.accepted()) {
            (Some([a]), Some([b])) => a.total_cmp(b),
            _ => a.compare_shortfall(b),
        }
    }
}

impl Agent for Tpe {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = Vec::with_capacity(count);
        while designs.len() < count && (self.n_initial > 0 || self.judgements.is_empty()) {
            self.n_initial = self.n_initial.saturating_sub(1);
            designs.push(self.seen.draw(&mut self.rng));
        }
        if designs.len() < count {
            designs.extend(self.proposals(count - designs.len()));
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        for trial in trials {
            let place = self.order.partition_point(|&earlier| {
                self.compare(&self.judgements[earlier], &trial.judgement).is_le()
            });
            self.order.insert(place, self.judgements.len());
            self.judgements.push(trial.judgement.clone());
            for (column, &level) in self.columns.iter_mut().zip(trial.design.levels()) {
                column.push(level);
            }
        }
        if self.judgements.len() >= self.settings.initial {
            self.n_initial = 0; // perhaps by an earlier log
        }
        Ok(())
    }
}

impl BuildAgent for Tpe {
    const ID: &'static str = "tpe";
    const SUMMARY: &'static str = "TPE: what is likely among good designs and unlikely among the others";
    const DESCRIPTION: &'static str = include_str!("tpe.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = Settings;

    fn build(problem: &Problem, settings: Settings, seed: Seed) -> Result<Self, ConfigError> {
        at_least("initial", settings.initial, 1)?;
        at_least("good_most", settings.good_most, 1)?;
        at_least("candidates", settings.candidates, 1)?;
        within("good_share", settings.good_share, 0.0..=1.0)?;
        within("least_bandwidth", settings.least_bandwidth, 1e-3..=1.0)?;
        Ok(Self {
            n_objectives: problem.n_objectives(),
            seen: Seen::new(problem.space()),
            rng: seed.stream("tpe"),
            n_initial: settings.initial,
            judgements: Vec::new(),
            columns: vec![Vec::new(); problem.space().n_parameters()],
            order: Vec::new(),
            settings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn agent(toy: &Toy, settings: Settings) -> Tpe {
        Tpe::build(&toy.problem(), settings, Seed::new(0)).unwrap()
    }

    /// Three levels, centre 1, standard deviation 1: the mass within ±0.5 is 0.3829, within ±1.5 it is 0.8664 (any table).
    #[test]
    fn the_ordered_kernel_by_hand() {
        let kernel = discrete_normal(3, 1, 1.0);
        assert!((kernel[1] - 0.3829 / 0.8664).abs() < 1e-4, "{kernel:?}");
        assert!((kernel[0] - kernel[2]).abs() < 1e-12);
    }

    /// Four kernels, three categories: 1.25 for the category itself and 0.25 for the others, out of 1.75.
    #[test]
    fn the_categorical_kernel_by_hand() {
        let kernel = aitchison_aitken(3, 2, 4);
        assert!((kernel[2] - 1.25 / 1.75).abs() < 1e-12 && (kernel[0] - 0.25 / 1.75).abs() < 1e-12);
    }

    /// Law: a density over designs adds up to 1.
    #[test]
    fn densities_add_up_to_one() {
        let toy = Toy::hopeless(); // 64 designs, no rules
        let mut agent = agent(&toy, Settings::default());
        let trial =
            |rank| toy.problem().trial(toy.space().unrank(rank), Outcome::Measured(vec![rank as f64]));
        agent.observe(&[0, 9, 13, 40, 63].map(trial)).unwrap();
        let (good, others) = agent.mixtures(&agent.good());
        for mixture in [good, others] {
            let density =
                |design: Design| mixture.log_density(design.levels(), &agent.columns, &mut Vec::new()).exp();
            let total: f64 = toy.space().iter().map(density).sum();
            assert!((total - 1.0).abs() < 1e-9, "{total}");
        }
    }

    /// Ten trials, of which 15 % are good: two. Losses 0 to 6 and three infeasible: the best two are good, with weights
    /// 2 - 0 and 2 - 1 over the best of the others. Without enough acceptable ones the least violation counts as good.
    #[test]
    fn the_split_by_hand() {
        let toy = Toy::bowl();
        let mut agent = agent(&toy, Settings::default());
        let trial = |(rank, outcome): (u128, Outcome)| toy.problem().trial(toy.space().unrank(rank), outcome);
        let broken = |violation| Outcome::infeasible("too_wide", violation);
        agent.observe(&[trial((0, broken(3.0))), trial((1, broken(1.0))), trial((2, broken(2.0)))]).unwrap();
        assert_eq!(agent.good(), [1]);
        for loss in [5, 1, 6, 0, 2, 4, 3] {
            agent.observe(&[trial((10 + loss, Outcome::Measured(vec![loss as f64])))]).unwrap();
        }
        let good = agent.good();
        assert_eq!(good, [6, 4]);
        assert_eq!(agent.good_weights(&good), [2.0, 1.0]);
    }

    /// Of 20 trials three are good. The front holds (0, 9), (1, 8), (4, 4) and (9, 0): its ends, and of the inner two the less
    /// crowded, (4, 4).
    #[test]
    fn the_split_of_a_front_by_hand() {
        let toy = Toy::tradeoff();
        let mut agent = agent(&toy, Settings::default());
        let trial = |(rank, losses): (usize, [f64; 2])| {
            toy.problem().trial(toy.space().unrank(rank as u128), Outcome::Measured(losses.to_vec()))
        };
        let mut points = vec![[0.0, 9.0], [1.0, 8.0], [4.0, 4.0], [9.0, 0.0]];
        points.resize(20, [10.0, 10.0]);
        agent.observe(&points.into_iter().enumerate().map(trial).collect::<Vec<_>>()).unwrap();
        assert_eq!(agent.good(), [0, 2, 3]);
    }
}

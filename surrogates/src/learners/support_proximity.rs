//! Support proximity: what lies far from every logged design is trusted less, by as much as held-out trials say.
//!
//! Sources: Vovk, Gammerman & Shafer (2005), "Algorithmic learning in a random world", doi:10.1007/b106715, section 4.1, and Lei et al. (2018),
//! "Distribution-free predictive inference for regression", doi:10.1080/01621459.2017.1307116, section 5.2, for the split conformal bound with
//! locally scaled residuals; the mean distance to the nearest neighbours as support is common in offline optimisation.
//! Departs from them: the bound is one-sided, on the side where an objective is worse.
//!
//! A random forest is fitted; on trials that it has not seen, the residual of each metric is divided by the forest's spread
//! plus a share of the prediction that grows with the distance. The quantile of these scores scales the spread that is reported: a
//! prediction worse by one reported spread is a bound that holds with the level asked for, for designs like those held out.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Prediction, Problem, Saved,
    Seed, Surrogate, TrainingData, TrainingDataError, WorkloadTrials,
};

use super::random_forest::{self, RandomForestLearner};
use crate::offline::signs;
use crate::support::Support;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupportProximityConfig {
    /// How likely the bound is to hold.
    pub coverage: f64,
    /// How many of the nearest logged designs make the distance.
    pub n_neighbors: usize,
    /// How much the spread grows with the distance: at the other end of the space by this share of the prediction.
    pub distance_weight: f64,
    /// At most so many logged designs are kept, drawn at random.
    pub max_support: usize,
    /// The share of the trials that is held out for calibration where there are none for validation.
    pub calibration_fraction: f64,
    /// The forest's.
    pub forest: random_forest::RandomForestLearnerConfig,
}

impl Default for SupportProximityConfig {
    /// Own choices: a bound that holds for nine designs in ten, five neighbours, support that is searched in microseconds.
    fn default() -> Self {
        Self {
            coverage: 0.9,
            n_neighbors: 5,
            distance_weight: 1.0,
            max_support: 2_000,
            calibration_fraction: 0.2,
            forest: random_forest::RandomForestLearnerConfig::default(),
        }
    }
}

/// Fits a forest and how far to trust it.
pub struct SupportProximity {
    problem: Problem,
    config: SupportProximityConfig,
    forest: RandomForestLearner,
}

struct Model {
    forest: Box<dyn Surrogate>,
    space: DesignSpace,
    support: Support,
    /// The conformal quantile of each metric's scores, shape `[k]`.
    quantiles: Vec<f64>,
    distance_weight: f64,
}

/// The part of a fitted model that is saved.
#[derive(Serialize, Deserialize)]
struct State {
    forest_schema: u32,
    forest: Vec<u8>,
    /// Shape `[n][parameters]`.
    support: Vec<Vec<u32>>,
    neighbours: usize,
    quantiles: Vec<f64>,
    distance_weight: f64,
}

impl BuildLearner for SupportProximity {
    const ID: &'static str = "support-proximity";
    const SUMMARY: &'static str =
        "A random forest whose spread grows away from the logged designs, calibrated to a bound";
    const DESCRIPTION: &'static str = include_str!("support_proximity.md");
    const SCHEMA: u32 = 1;
    type Config = SupportProximityConfig;

    fn build(problem: &Problem, config: SupportProximityConfig) -> Result<Self, ConfigError> {
        check("coverage", config.coverage, 0.5..=0.999)?;
        check("n_neighbors", config.n_neighbors, 1..=1_000)?;
        check("distance_weight", config.distance_weight, 0.0..=1e3)?;
        check("max_support", config.max_support, config.n_neighbors..=1_000_000)?;
        check("calibration_fraction", config.calibration_fraction, 0.01..=0.9)?;
        let forest = RandomForestLearner::build(problem, config.forest.clone())?;
        Ok(Self { problem: problem.clone(), config, forest })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state: State = saved.state()?;
        let corrupt = |message: &str| LoadError::Corrupt { message: message.to_owned() };
        if state.forest_schema != RandomForestLearner::SCHEMA {
            let (got, expected) = (state.forest_schema, RandomForestLearner::SCHEMA);
            return Err(LoadError::LearnerSchema { learner: RandomForestLearner::ID, got, expected });
        }
        let forest = Saved {
            learner: RandomForestLearner::ID.to_owned(),
            schema: state.forest_schema,
            payload: state.forest,
        };
        let designs: Result<Vec<Design>, _> =
            state.support.iter().map(|levels| space.design(levels)).collect();
        let designs = designs.map_err(|error| corrupt(&format!("a logged design: {error}")))?;
        if designs.is_empty() || state.neighbours == 0 {
            return Err(corrupt("there is no logged design"));
        }
        Ok(Box::new(Model {
            forest: RandomForestLearner::load(space, &forest)?,
            space: space.clone(),
            support: Support::new(space, designs, state.neighbours),
            quantiles: state.quantiles,
            distance_weight: state.distance_weight,
        }))
    }
}

impl Learner for SupportProximity {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let config = &self.config;
        let (train, held_out) = self.divided(data, seed);
        let names = data.context_names().to_vec();
        let failed = |error: TrainingDataError| FitError::Failed { message: error.to_string() };
        let train = TrainingData::new(names, train, Vec::new()).map_err(failed)?;
        let forest = self.forest.fit(&train, seed.child("forest", 0))?;
        let mut designs: Vec<Design> = train
            .train()
            .iter()
            .flat_map(|group| &group.trials)
            .filter(|trial| trial.outcome.metrics().is_some())
            .map(|trial| trial.design.clone())
            .collect();
        let mut rng = seed.stream("support");
        for kept in 0..config.max_support.min(designs.len()) {
            let drawn = rng.random_range(kept..designs.len()); // Fisher-Yates, as far as is kept
            designs.swap(kept, drawn);
        }
        designs.truncate(config.max_support);
        let space = self.problem.space().clone();
        let mut model = Model {
            forest,
            support: Support::new(&space, designs, config.n_neighbors),
            space,
            quantiles: Vec::new(),
            distance_weight: config.distance_weight,
        };
        model.quantiles = self.calibrated(&model, &held_out);
        Ok(Box::new(model))
    }
}

impl SupportProximity {
    /// What the forest learns from, and what calibrates it.
    fn divided(&self, data: &TrainingData, seed: Seed) -> (Vec<WorkloadTrials>, Vec<WorkloadTrials>) {
        let has_measured =
            |group: &WorkloadTrials| group.trials.iter().any(|trial| trial.outcome.metrics().is_some());
        if data.validation().iter().any(has_measured) {
            return (data.train().to_vec(), data.validation().to_vec());
        }
        let mut rng = seed.stream("calibration");
        let mut divide = |group: &WorkloadTrials| {
            let is_kept = |_: &_| !rng.random_bool(self.config.calibration_fraction);
            let (kept, held_out) = group.trials.iter().cloned().partition(is_kept);
            let workload = group.workload.clone();
            (
                WorkloadTrials { workload: workload.clone(), trials: kept },
                WorkloadTrials { workload, trials: held_out },
            )
        };
        data.train().iter().map(&mut divide).unzip()
    }

    /// The conformal quantile of each metric's scores on trials that were held out, shape `[k]`.
    fn calibrated(&self, model: &Model, held_out: &[WorkloadTrials]) -> Vec<f64> {
        let mut scores: Vec<Vec<f64>> = vec![Vec::new(); self.problem.metrics().len()];
        let signs = signs(&self.problem);
        for group in held_out {
            let measured = group.trials.iter().filter(|trial| trial.outcome.metrics().is_some());
            let designs: Vec<Design> = measured.clone().map(|trial| trial.design.clone()).collect();
            let (prediction, scales) = model.scaled(&group.workload.context, &designs);
            let metrics = measured.filter_map(|trial| trial.outcome.metrics());
            for ((metrics, mean), scale) in metrics.zip(&prediction.mean).zip(&scales) {
                for (index, scores) in scores.iter_mut().enumerate() {
                    let residual = metrics[index] - mean[index];
                    let worse = match signs[index] {
                        0.0 => residual.abs(),
                        sign => f64::from(sign) * residual,
                    };
                    scores.push(worse / scale[index]);
                }
            }
        }
        scores.into_iter().map(|scores| conformal_quantile(scores, self.config.coverage)).collect()
    }
}

/// The smallest score that at least `level` of new ones stay below: the ceil((n + 1) level)-th of `n` (Lei et al. 2018,
/// algorithm 2); the largest where `n` is too small for that, and 1 of none.
fn conformal_quantile(mut scores: Vec<f64>, level: f64) -> f64 {
    scores.sort_by(f64::total_cmp);
    let rank = ((scores.len() + 1) as f64 * level).ceil() as usize;
    scores.get(rank.clamp(1, scores.len().max(1)) - 1).copied().unwrap_or(1.0).max(0.0)
}

impl Model {
    /// What the forest expects, and for each metric its spread plus what is due to the distance; shape `[n][k]`.
    fn scaled(&self, context: &[f64], designs: &[Design]) -> (Prediction, Vec<Vec<f64>>) {
        let prediction = self.forest.predict(context, designs);
        let spreads = prediction.std.as_ref().expect("a forest has a spread");
        let scale = |((mean, std), design): ((&Vec<f64>, &Vec<f64>), &Design)| -> Vec<f64> {
            let distance = self.distance_weight * self.support.distance(design, &self.space);
            let one = |(mean, std): (&f64, &f64)| (std + distance * mean.abs()).max(f64::MIN_POSITIVE);
            mean.iter().zip(std).map(one).collect()
        };
        let scales = prediction.mean.iter().zip(spreads).zip(designs).map(scale).collect();
        (prediction, scales)
    }
}

impl Surrogate for Model {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let (prediction, scales) = self.scaled(context, designs);
        let bound =
            |scale: &Vec<f64>| scale.iter().zip(&self.quantiles).map(|(scale, q)| scale * q).collect();
        Prediction { std: Some(scales.iter().map(bound).collect()), ..prediction }
    }

    fn save(&self) -> Saved {
        let forest = self.forest.save();
        let state = State {
            forest_schema: forest.schema,
            forest: forest.payload,
            support: self.support.designs().iter().map(|design| design.levels().to_vec()).collect(),
            neighbours: self.support.neighbours(),
            quantiles: self.quantiles.clone(),
            distance_weight: self.distance_weight,
        };
        Saved::new(SupportProximity::ID, SupportProximity::SCHEMA, &state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine scores and a level of 0.8: rank ceil(10 * 0.8) = 8. With level 0.9 it would be the 9th; of three it is at most the 3rd.
    #[test]
    fn the_conformal_quantile_by_hand() {
        let scores: Vec<f64> = (1..=9).map(f64::from).rev().collect();
        assert_eq!(conformal_quantile(scores.clone(), 0.8), 8.0);
        assert_eq!(conformal_quantile(scores, 0.9), 9.0);
        assert_eq!(conformal_quantile(vec![1.0, 2.0, 3.0], 0.9), 3.0);
        assert_eq!(conformal_quantile(Vec::new(), 0.9), 1.0);
        assert_eq!(conformal_quantile(vec![-1.0], 0.9), 0.0);
    }
}

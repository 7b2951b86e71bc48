//! Which parameters an objective depends on, in the eyes of a forest that learned from the trials.
//!
//! Source: Breiman (2001), doi:10.1023/A:1010933404324, section 10: the error that is added when one input is shuffled, on samples that
//! a forest has not seen. Departs from it: one part of the trials is held out from all trees.

use rand::seq::SliceRandom;
use serde::Serialize;
use tapeout_core::{Design, Problem, Seed, Trial};
use tapeout_surrogates::models::gaussian_process::embedding::Embedding;
use tapeout_surrogates::models::random_forest::{ForestGrowth, RandomForest};
use tapeout_surrogates::targets::TargetScale;

/// Trials that are learned from and asked about, spread evenly over all of them. Ours: enough for two digits.
const MOST_TRIALS: usize = 2_000;

/// With fewer acceptable or unacceptable trials there is nothing to learn. Ours: ten are held out.
const LEAST_TRIALS: usize = 30;

/// One in so many is held out. Ours.
const HELD_OUT: usize = 3;

/// Source: scikit-learn's forests for regression take all coordinates and split down to two; fewer trees than its 100 keep a report
/// fast, and move no share by more than two hundredths on the searches it was tried on.
const GROWTH: ForestGrowth =
    ForestGrowth { n_estimators: 32, max_features: 1.0, min_samples_split: 4, bootstrap: true };

/// How it was found, for whoever reads it.
pub const METHOD: &str = "Permutation importance (Breiman 2001) of a random forest of 32 trees on two thirds of the measured trials, up to \
2,000 of them: the squared error that is added on the others when the levels of one parameter are shuffled, as a share of their variance.";

/// What one objective depends on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The objective's metric.
    pub metric: String,
    /// Share of the variance of held-out trials that the forest explains: 1 all of it, 0 or less nothing.
    pub explained: f64,
    /// Each parameter with a choice and the share of the variance that is lost when it is shuffled, the largest first.
    pub parameters: Vec<(String, f64)>,
}

/// The importance of every parameter for every objective; empty if too few trials were measured.
pub fn importance(problem: &Problem, trials: &[Trial]) -> Vec<Importance> {
    let measured: Vec<&Trial> = trials.iter().filter(|trial| trial.judgement.losses().is_some()).collect();
    let step = measured.len().div_ceil(MOST_TRIALS).max(1);
    let sample: Vec<&Trial> = measured.into_iter().step_by(step).collect();
    if sample.len() < LEAST_TRIALS {
        return Vec::new();
    }
    (0..problem.n_objectives()).map(|objective| of_objective(problem, &sample, objective)).collect()
}

fn of_objective(problem: &Problem, sample: &[&Trial], objective: usize) -> Importance {
    let embedding = Embedding::new(problem.space());
    let value = |trial: &Trial| {
        problem.objective_value(objective, trial.judgement.losses().expect("filtered")[objective])
    };
    let values: Vec<f64> = sample.iter().map(|trial| value(trial)).collect();
    let scale = TargetScale::of(&values);
    let targets: Vec<f64> = values.iter().map(|&value| scale.target(value)).collect();
    let (asked, learned): (Vec<usize>, Vec<usize>) =
        (0..sample.len()).partition(|index| index % HELD_OUT == 0);
    let points: Vec<Vec<f64>> = learned.iter().map(|&index| embedding.embed(&sample[index].design)).collect();
    let learned: Vec<f64> = learned.iter().map(|&index| targets[index]).collect();
    let forest = RandomForest::fit_in_parallel(GROWTH, embedding.kinds(), &points, &learned, Seed::new(0));
    let error = |designs: &[&Design]| -> f64 {
        let points: Vec<Vec<f64>> = designs.iter().map(|design| embedding.embed(design)).collect();
        let expected = forest.predict_all(&points).into_iter();
        let squares = expected.zip(&asked).map(|((mean, _), &index)| (mean - targets[index]).powi(2));
        squares.sum::<f64>() / asked.len() as f64
    };
    let mean = asked.iter().map(|&index| targets[index]).sum::<f64>() / asked.len() as f64;
    let variance =
        asked.iter().map(|&index| (targets[index] - mean).powi(2)).sum::<f64>() / asked.len() as f64;
    let share = |error: f64| if variance > 0.0 { error / variance } else { 0.0 };
    let designs: Vec<&Design> = asked.iter().map(|&index| &sample[index].design).collect();
    let plain = error(&designs);
    let space = problem.space();
    let added = |(index, name): (usize, &str)| {
        let mut from = designs.clone();
        from.shuffle(&mut Seed::new(0).child(name, index as u64).stream("shuffle"));
        let with_level_of = |(&design, &other): (&&Design, &&Design)| {
            let mut levels = design.levels().to_vec();
            levels[index] = other.levels()[index];
            // What would be no legal design keeps its level.
            space.design(&levels).unwrap_or_else(|_| design.clone())
        };
        let shuffled: Vec<Design> = designs.iter().zip(&from).map(with_level_of).collect();
        (name.to_owned(), share(error(&shuffled.iter().collect::<Vec<_>>()) - plain).max(0.0))
    };
    let has_choice = space.parameters().iter().enumerate().filter(|(_, it)| it.n_levels() > 1);
    let mut parameters: Vec<(String, f64)> =
        has_choice.map(|(index, it)| added((index, it.name()))).collect();
    parameters.sort_by(|a, b| b.1.total_cmp(&a.1));
    Importance {
        metric: problem.objective_metric(objective).name.clone(),
        explained: 1.0 - share(plain),
        parameters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{DesignSpace, Goal, Metric, Objective, Outcome, Parameter};

    /// 16 by 16 designs whose latency is that of `lanes` alone.
    fn trials(n: usize) -> (Problem, Vec<Trial>) {
        let parameters = vec![Parameter::integer("banks", 1, 16), Parameter::integer("lanes", 1, 16)];
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let goal = Goal { objectives: vec![Objective::minimize("latency_s")], constraints: Vec::new() };
        let problem = Problem::new(space, vec![Metric::new("latency_s", "s", "")], goal).unwrap();
        let measured = |design: Design| {
            let latency_s = 1.0 / f64::from(design.levels()[1] + 1);
            problem.trial(design, Outcome::Measured(vec![latency_s]))
        };
        let trials = problem.space().iter().take(n).map(measured).collect();
        (problem, trials)
    }

    // Law: shuffling all there is to know doubles the variance, that is 2 (the mean of (a - b)² of two draws); what matters not adds none.
    #[test]
    fn what_decides_counts_twice_its_variance_and_what_does_not_nothing() {
        let (problem, trials) = trials(256);
        let found = importance(&problem, &trials);
        assert_eq!(found[0].metric, "latency_s");
        assert!(found[0].explained > 0.95, "{found:?}");
        let [(first, lanes), (second, banks)] = found[0].parameters.as_slice() else { panic!("{found:?}") };
        assert_eq!([first.as_str(), second.as_str()], ["lanes", "banks"]);
        assert!((lanes - 2.0).abs() < 0.5 && *banks < 0.05, "{found:?}");
    }

    #[test]
    fn of_too_few_trials_nothing_is_said() {
        let (problem, trials) = trials(LEAST_TRIALS - 1);
        assert_eq!(importance(&problem, &trials), []);
    }
}

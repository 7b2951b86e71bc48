//! `--learner auto`: the learner whose word is worth most on rows that are held out.

use serde::Serialize;
use tapeout_core::{Catalog, Problem, Seed};
use tapeout_experiment::dataset::Dataset;
use tapeout_surrogates::targets::TargetScale;

use super::folds::Fold;
use super::held_out::{HeldOut, cross_validate, groups};
use super::{OfflineError, Recipe};

/// Who is tried: one of each kind, the quick ones first, since the first of equals is taken.
pub const CANDIDATES: [&str; 5] =
    ["random-forest", "boosted-trees", "gaussian-process", "mlp-ensemble", "prime"];

/// A learner, and what is lost by trusting it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// Its name.
    pub learner: String,
    /// How much worse the designs that it likes are than the best, plus the share of them that cannot be used: the mean over
    /// workloads, folds and objectives.
    pub price: f64,
    /// In how many of the groups of rows it is better than the one that was chosen, of how many.
    pub better_in: [usize; 2],
    /// What it says of each row.
    #[serde(skip)]
    pub said: Vec<HeldOut>,
}

/// Tries the [`CANDIDATES`] with their defaults, the best first.
///
/// # Errors
/// [`OfflineError`] if none can be fitted.
pub fn tried(
    catalog: &Catalog,
    dataset: &Dataset,
    problem: &Problem,
    seed: Seed,
    folds: &[Fold],
) -> Result<Vec<Tried>, OfflineError> {
    let (mut tried, mut failure) = (Vec::new(), None);
    for learner in CANDIDATES {
        match cross_validate(catalog, dataset, problem, &Recipe::named(learner, seed), folds) {
            Ok(said) => tried.push((learner, prices(dataset, problem, &said), said)),
            Err(error) => failure = Some(error),
        }
    }
    let price = |prices: &[f64]| prices.iter().sum::<f64>() / prices.len().max(1) as f64;
    tried.sort_by(|a, b| price(&a.1).total_cmp(&price(&b.1))); // stable: the first of equals
    let Some((_, best, _)) = tried.first().cloned() else {
        return failure.map_or(Ok(Vec::new()), Err);
    };
    let entry = |(learner, prices, said): (&str, Vec<f64>, Vec<HeldOut>)| Tried {
        learner: learner.to_owned(),
        price: price(&prices),
        better_in: [prices.iter().zip(&best).filter(|(one, best)| one < best).count(), best.len()],
        said,
    };
    Ok(tried.into_iter().map(entry).collect())
}

/// What is lost in each group of rows, for each objective.
fn prices(dataset: &Dataset, problem: &Problem, said: &[HeldOut]) -> Vec<f64> {
    let groups = groups(dataset, said);
    let of_objective = |objective: usize| -> Vec<f64> {
        let index = dataset.metric_index(&problem.objective_metric(objective).name);
        let index = index.expect("invariant: an objective is a metric");
        let measured: Vec<f64> =
            dataset.rows().iter().filter_map(|row| Some(row.outcome.metrics()?[index])).collect();
        let scale = TargetScale::of(&measured);
        let picks = groups.iter().filter_map(|group| group.picks(problem, objective, &scale));
        picks.map(|picks| picks.price()).collect()
    };
    (0..problem.n_objectives()).flat_map(of_objective).collect()
}

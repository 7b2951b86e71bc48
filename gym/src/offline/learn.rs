//! From a data set to a model whose word is known to be worth something.

use std::sync::Arc;

use rand::seq::SliceRandom;
use serde_json::Value;
use tapeout_core::{Catalog, Env, ModelFile, Problem, Seed};
use tapeout_experiment::Experiment;
use tapeout_experiment::dataset::{Dataset, Split};

use super::auto::{Tried, tried};
use super::fit::{check_whole, fit};
use super::folds::{Fold, by_levels, by_workload};
use super::held_out::{HeldOut, Worth, cross_validate, worth};
use super::interval::Promises;
use super::{OfflineError, Recipe};

/// What `--learner` says when the learner is to be chosen.
pub const AUTO: &str = "auto";
/// Who gives a second opinion when learners are named, the first that is not named itself: both say something of designs beyond the
/// data, in different ways, where trees say what the nearest data say.
const SECOND: [&str; 2] = ["gaussian-process", "prime"];
/// Rows among which some are held out in turn; the model is fitted to all. Ours: enough that a tenth of a third has a hundred.
const MOST_HELD_OUT: usize = 3_000;

/// A model, and how it was come by.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedModel {
    /// The model, of all rows.
    pub model: ModelFile,
    /// What the learner's word about rows that were held out is worth; empty if there are too few rows.
    pub worth: Vec<Worth>,
    /// What it said of the rows held out by levels.
    pub said: Vec<HeldOut>,
    /// Who was tried, the best first; empty if a learner was named.
    pub tried: Vec<Tried>,
    /// What another learner makes of the same rows; none if it cannot.
    pub second: Option<SecondOpinion>,
}

/// A model of the same rows by another learner, which says what to promise of what the first one finds.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondOpinion {
    /// The model, of all rows.
    pub model: ModelFile,
    /// What its promises came to, if there were enough.
    pub promises: Option<Promises>,
}

/// Fits the learner that `recipe` names to the rows of a split, or the one whose word is worth most if it says [`AUTO`], and holds
/// rows out in turn to tell what that word is worth.
///
/// # Errors
/// [`OfflineError`] if the data set is of a part of its environment's space, there is no such learner, a hyperparameter is refused, or there
/// is too little to learn from.
pub fn learn(
    catalog: &Catalog,
    dataset: &Dataset,
    split: &Split,
    problem: &Problem,
    recipe: &Recipe,
) -> Result<LearnedModel, OfflineError> {
    check_whole(dataset)?;
    let rows = some_of(&split.train, recipe.seed);
    let exact = exact(catalog, dataset);
    let asked = |folds: Vec<Fold>| without_ruled_out(folds, dataset, exact.as_deref());
    let of_levels = asked(by_levels(dataset, problem, &rows));
    let mut tried_learners = Vec::new();
    let recipe = if recipe.learner == AUTO {
        tried_learners = tried(catalog, dataset, problem, recipe.seed, &of_levels)?;
        // With too few rows nobody can be preferred; forests ask for the fewest.
        let best = tried_learners.first().map_or("random-forest", |first| first.learner.as_str());
        &Recipe { learner: best.to_owned(), config: Value::Null, seed: recipe.seed }
    } else {
        recipe
    };
    let said = match tried_learners.first() {
        Some(best) => best.said.clone(),
        None => cross_validate(catalog, dataset, problem, recipe, &of_levels)?,
    };
    let mut worths = worth(dataset, problem, &of_levels, &said);
    let of_workloads = asked(by_workload(dataset, &rows));
    worths.extend(worth(
        dataset,
        problem,
        &of_workloads,
        &cross_validate(catalog, dataset, problem, recipe, &of_workloads)?,
    ));
    let model = fit(catalog, dataset, split, problem, recipe)?;
    let second =
        second_opinion(catalog, (dataset, split, problem), recipe, (&of_levels, &said), &tried_learners);
    Ok(LearnedModel { model, worth: worths, said, tried: tried_learners, second })
}

/// What another learner makes of the same rows: the best of the others that were tried, or one of [`SECOND`].
fn second_opinion(
    catalog: &Catalog,
    (dataset, split, problem): (&Dataset, &Split, &Problem),
    first: &Recipe,
    (folds, said): (&[Fold], &[HeldOut]),
    tried: &[Tried],
) -> Option<SecondOpinion> {
    let other = |name: &&str| *name != first.learner;
    let named = || SECOND.into_iter().find(other).map(str::to_owned);
    let learner = tried.get(1).map(|it| it.learner.clone()).or_else(named)?;
    let recipe = Recipe::named(&learner, first.seed);
    let second_said = match tried.get(1) {
        Some(tried) => tried.said.clone(),
        None => cross_validate(catalog, dataset, problem, &recipe, folds).ok()?,
    };
    let model = fit(catalog, dataset, split, problem, &recipe).ok()?;
    Some(SecondOpinion { model, promises: Promises::of(dataset, problem, said, &second_said) })
}

/// At most [`MOST_HELD_OUT`] of the rows, drawn at random, in order.
fn some_of(rows: &[usize], seed: Seed) -> Vec<usize> {
    let mut rows = rows.to_vec();
    let mut rng = seed.stream("rows to hold out");
    let (drawn, _) = rows.partial_shuffle(&mut rng, MOST_HELD_OUT);
    let mut drawn = drawn.to_vec();
    drawn.sort_unstable();
    drawn
}

/// The environment, if it is known here with the space of the rows, and can say what arithmetic alone rules out.
fn exact(catalog: &Catalog, dataset: &Dataset) -> Option<Arc<dyn Env>> {
    let (env, _) = Experiment::env_again(catalog, &dataset.env_of(0)).ok()?;
    (env.space().fingerprint() == dataset.space().fingerprint()).then_some(env)
}

/// The folds without rows that would never be proposed, whatever a model says of them.
fn without_ruled_out(mut folds: Vec<Fold>, dataset: &Dataset, exact: Option<&dyn Env>) -> Vec<Fold> {
    if let Some(env) = exact {
        for fold in &mut folds {
            fold.held_out.retain(|&row| env.precheck(&dataset.rows()[row].design).is_none());
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{Goal, Objective};
    use tapeout_experiment::dataset::import::columns::LogColumns;
    use tapeout_experiment::dataset::import::import;

    /// Two workloads that a context tells apart, so that rows are held out by workload too: what the second learner promises comes of the rows
    /// that were held out by levels, which are those that the first one spoke of.
    #[test]
    fn both_learners_speak_of_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let row = |index: usize| {
            let (a, b, size) = (index / 24 % 12 + 1, index / 2 % 12 + 1, index % 2 + 1);
            format!("{a},{b},w{size},{size},{}\n", size * (10 * a + b * b))
        };
        std::fs::write(&path, format!("a,b,w,size,t\n{}", (0..288).map(row).collect::<String>())).unwrap();
        let columns = "name = 'a'\ngoal.objectives = ['t']\nmetrics = [{ column = 't' }]\n\
            parameters = [{ column = 'a' }, { column = 'b' }]\nworkload = { column = 'w', context = [{ column = 'size' }] }";
        let dataset = import(&[path], &LogColumns::parse(columns).unwrap()).unwrap().dataset;
        let goal = Goal { objectives: vec![Objective::minimize("t")], constraints: Vec::new() };
        let problem = dataset.problem(goal).unwrap();
        let (catalog, seed) = (crate::builtin(), Seed::new(0));
        let rows: Vec<usize> = (0..dataset.rows().len()).collect();
        let split = Split { train: rows.clone(), ..Split::default() };
        let recipe = Recipe::named("k-nearest", seed);
        let second = learn(&catalog, &dataset, &split, &problem, &recipe).unwrap().second.unwrap();
        let folds = by_levels(&dataset, &problem, &rows);
        assert!(!by_workload(&dataset, &rows).is_empty());
        let said = |learner| {
            let recipe = Recipe::named(learner, seed);
            cross_validate(&catalog, &dataset, &problem, &recipe, &folds).unwrap()
        };
        let promises = Promises::of(&dataset, &problem, &said("k-nearest"), &said(SECOND[0]));
        assert!(promises.is_some());
        assert_eq!((second.model.saved.learner.as_str(), second.promises), (SECOND[0], promises));
    }
}

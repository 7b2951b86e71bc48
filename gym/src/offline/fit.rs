//! From a data set to a model file.

use serde_json::Value;
use tapeout_core::{
    BuildLearner, Catalog, ConfigError, ModelCard, ModelFile, ModelSource, Problem, Seed, Surrogate,
    WorkloadContext,
};
use tapeout_experiment::dataset::{Dataset, Split};

use super::OfflineError;

/// Which learner, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The learner's name.
    pub learner: String,
    /// Its hyperparameters; what is absent keeps its default.
    pub config: Value,
    /// Where all randomness comes from.
    pub seed: Seed,
}

impl Recipe {
    /// The learner `L` with these hyperparameters.
    pub fn of<L: BuildLearner>(config: &L::Config, seed: Seed) -> Self {
        let config = serde_json::to_value(config).expect("hyperparameters are plain data with text keys");
        Self { learner: L::ID.to_owned(), config, seed }
    }

    /// The learner called `learner` with its defaults.
    pub fn named(learner: &str, seed: Seed) -> Self {
        Self { learner: learner.to_owned(), config: Value::Null, seed }
    }
}

/// Fits a learner to the rows of a split: it learns from those to train on and is chosen by those that validate.
///
/// # Errors
/// [`OfflineError`] if the data set is of a part of its environment's space, there is no such learner, a hyperparameter is refused, or there
/// is too little to learn from.
pub fn fit(
    catalog: &Catalog,
    dataset: &Dataset,
    split: &Split,
    problem: &Problem,
    recipe: &Recipe,
) -> Result<ModelFile, OfflineError> {
    check_whole(dataset)?;
    let surrogate = fitted(catalog, dataset, split, problem, recipe)?;
    let hyperparameters =
        catalog.learner(&recipe.learner)?.resolve(&recipe.config).map_err(refused(recipe))?;
    let context = dataset.workloads().first().map_or(&[][..], |first| &first.context);
    let sources = dataset.workloads().iter().enumerate().map(|(index, workload)| ModelSource {
        workload: WorkloadContext {
            name: workload.name.clone(),
            context: workload.context.iter().map(|feature| feature.value).collect(),
        },
        settings: Value::Object(dataset.env_of(index).config),
    });
    let card = ModelCard {
        env: dataset.env().id.clone(),
        env_version: dataset.env().version.unwrap_or_default(),
        space: dataset.space().fingerprint(),
        metrics: dataset.metrics().to_vec(),
        goal: problem.goal().clone(),
        context_names: context.iter().map(|feature| feature.name.clone()).collect(),
        sources: sources.collect(),
        hyperparameters,
        seed: recipe.seed,
    };
    Ok(ModelFile::new(card, surrogate.as_ref()))
}

/// Fails if the rows are of a part of the space: a level of the part is another level of the whole.
pub(super) fn check_whole(dataset: &Dataset) -> Result<(), OfflineError> {
    let env = dataset.env();
    if env.narrowing().is_whole() { Ok(()) } else { Err(OfflineError::Narrowed { env: env.id.clone() }) }
}

/// The model alone.
pub(super) fn fitted(
    catalog: &Catalog,
    dataset: &Dataset,
    split: &Split,
    problem: &Problem,
    recipe: &Recipe,
) -> Result<Box<dyn Surrogate>, OfflineError> {
    let learner =
        catalog.learner(&recipe.learner)?.build(problem, &recipe.config).map_err(refused(recipe))?;
    let data = dataset.training_data(split, problem)?;
    Ok(learner.fit(&data, recipe.seed)?)
}

fn refused(recipe: &Recipe) -> impl Fn(ConfigError) -> OfflineError {
    let of = format!("learner `{}`", recipe.learner);
    move |source| OfflineError::Config { of: of.clone(), source }
}

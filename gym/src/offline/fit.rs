//! From a data set to a model file.

use serde_json::Value;
use tapeout_core::{
    BuildLearner, Catalog, ModelCard, ModelFile, ModelSource, Problem, Seed, WorkloadContext,
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
/// [`OfflineError`] if there is no such learner, a hyperparameter is refused, or there is too little to learn from.
pub fn fit(
    catalog: &Catalog,
    dataset: &Dataset,
    split: &Split,
    problem: &Problem,
    recipe: &Recipe,
) -> Result<ModelFile, OfflineError> {
    let entry = catalog.learner(&recipe.learner)?;
    let refused = |source| OfflineError::Config { of: format!("learner `{}`", recipe.learner), source };
    let hyperparameters = entry.resolve(&recipe.config).map_err(refused)?;
    let learner = entry.build(problem, &recipe.config).map_err(refused)?;
    let data = dataset.training_data(split, problem)?;
    let surrogate = learner.fit(&data, recipe.seed)?;
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
        context_names: data.context_names().to_vec(),
        sources: sources.collect(),
        hyperparameters,
        seed: recipe.seed,
    };
    Ok(ModelFile::new(card, surrogate.as_ref()))
}

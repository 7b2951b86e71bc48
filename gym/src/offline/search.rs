//! A search that asks a model, and the proposals that come of it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use serde_json::{Map, Value, json};
use tapeout_core::parameter;
use tapeout_core::{
    Catalog, Design, DesignSpace, Goal, ModelFile, Problem, Seed, Surrogate, Trial, Workload,
};
use tapeout_experiment::dataset::Dataset;
use tapeout_experiment::{AgentSpec, Budget, Spec};
use tapeout_surrogates::support::Support;

use super::proposals::PROPOSALS_SCHEMA;
use super::{OfflineError, Proposal, Proposals, WeightedWorkload, choose};

/// Nearest logged designs that a proposal's distance is measured to: the one nearest.
const NEIGHBOURS: usize = 1;

/// How a model is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSearch {
    /// What the design is for, at least one workload that the model knows of.
    pub workloads: Vec<WeightedWorkload>,
    /// Who searches.
    pub agent: AgentSpec,
    /// How often the model is asked.
    pub calls: NonZeroUsize,
    /// Designs asked for at once.
    pub batch: NonZeroUsize,
    /// By how many standard deviations metrics are worse than expected.
    pub kappa: f64,
    /// Designs less likely to be feasible are not wanted.
    pub least_p_feasible: f64,
    /// Whether the environment rules out what arithmetic alone tells it.
    pub exact_checks: bool,
    /// Where all randomness of the search comes from.
    pub seed: Seed,
}

impl ModelSearch {
    /// The search of the model in `path` for `goal`, as a spec over the environment `proxy`.
    pub fn spec(&self, path: &Path, goal: &Goal) -> Spec {
        let names: Vec<&str> = self.workloads.iter().map(|workload| workload.name.as_str()).collect();
        let weights: Vec<f64> = self.workloads.iter().map(|workload| workload.weight).collect();
        let config = json!({
            "model": path,
            "workloads": names,
            "weights": weights,
            "kappa": self.kappa,
            "least_p_feasible": self.least_p_feasible,
            "exact_checks": self.exact_checks,
        });
        let mut spec = Spec::new("proxy", &self.agent.id, Budget::trials(self.calls));
        spec.env.config = match config {
            Value::Object(config) => config,
            _ => Map::new(),
        };
        spec.agent = self.agent.clone();
        spec.batch = self.batch;
        spec.seed = self.seed;
        spec.objectives = Some(goal.objectives.clone());
        spec.constraints = Some(goal.constraints.clone());
        spec
    }

    /// The `count` best of the designs that the search asked the model about.
    ///
    /// `problem`: over the data set's metrics. `logged`: the data set that the model was fitted to.
    ///
    /// # Errors
    /// [`OfflineError`] if the model cannot be read back.
    pub fn proposals(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        problem: &Problem,
        logged: &Dataset,
        trials: &[Trial],
        count: usize,
    ) -> Result<Proposals, OfflineError> {
        let surrogate = catalog.surrogate(model, problem.space())?;
        let chosen = choose(problem, trials, count);
        let designs: Vec<Design> = chosen.iter().map(|&index| trials[index].design.clone()).collect();
        let measured = logged.rows().iter().filter(|row| row.is_feasible()).map(|row| row.design.clone());
        let support = Support::new(problem.space(), measured.collect(), NEIGHBOURS);
        let outlook = self.outlook(model, surrogate.as_ref(), problem, &designs);
        let proposal = |(design, outlook): (&Design, Outlook)| Proposal {
            design: values(problem.space(), design),
            predicted: named(problem, &outlook.mean),
            spread: outlook.spread.map(|spread| named(problem, &spread)),
            p_feasible: outlook.p_feasible,
            distance: support.distance(design, problem.space()),
        };
        Ok(Proposals {
            schema: PROPOSALS_SCHEMA,
            env: logged.env().clone(),
            workloads: self.workloads.clone(),
            goal: problem.goal().clone(),
            learner: model.saved.learner.clone(),
            agent: self.agent.id.clone(),
            seed: self.seed,
            model_calls: trials.len(),
            proposals: designs.iter().zip(outlook).map(proposal).collect(),
        })
    }

    /// What the model expects, the weighted mean over workloads; feasible as in the workload where it is least likely.
    fn outlook(
        &self,
        model: &ModelFile,
        surrogate: &dyn Surrogate,
        problem: &Problem,
        designs: &[Design],
    ) -> Vec<Outlook> {
        let n_metrics = problem.metrics().len();
        let none =
            Outlook { mean: vec![0.0; n_metrics], spread: Some(vec![0.0; n_metrics]), p_feasible: 1.0 };
        let mut outlook = vec![none; designs.len()];
        let total: f64 = self.workloads.iter().map(|workload| workload.weight).sum();
        for asked in &self.workloads {
            let Some(known) = workload(model, &asked.name) else { continue };
            let prediction = surrogate.predict(&known.context, designs);
            let share = asked.weight / total;
            for (index, outlook) in outlook.iter_mut().enumerate() {
                add(&mut outlook.mean, &prediction.mean[index], share);
                match (&mut outlook.spread, &prediction.std) {
                    (Some(spread), Some(std)) => add(spread, &std[index], share),
                    _ => outlook.spread = None,
                }
                outlook.p_feasible = outlook.p_feasible.min(prediction.p_feasible[index]);
            }
        }
        outlook
    }
}

/// What a model expects of one design.
#[derive(Debug, Clone)]
struct Outlook {
    mean: Vec<f64>,
    spread: Option<Vec<f64>>,
    p_feasible: f64,
}

/// The workload of this name, if the model knows of it.
pub fn workload<'a>(model: &'a ModelFile, name: &str) -> Option<&'a Workload> {
    model.card.sources.iter().map(|source| &source.workload).find(|workload| workload.name == name)
}

/// The workloads that are named, with their weights; all workloads of the data set alike if none is.
///
/// # Errors
/// [`OfflineError::UnknownName`] if the data set has no such workload.
pub fn workloads(dataset: &Dataset, named: &[(String, f64)]) -> Result<Vec<WeightedWorkload>, OfflineError> {
    let weighted = |index: usize, weight: f64| {
        let workload = &dataset.workloads()[index];
        WeightedWorkload { name: workload.name.clone(), settings: workload.settings.clone(), weight }
    };
    if named.is_empty() {
        return Ok((0..dataset.workloads().len()).map(|index| weighted(index, 1.0)).collect());
    }
    let named = named.iter().map(|(name, weight)| Ok(weighted(dataset.workload_index(name)?, *weight)));
    named.collect()
}

/// A design by parameter.
pub fn values(space: &DesignSpace, design: &Design) -> BTreeMap<String, parameter::Value> {
    space.values(design).map(|(parameter, value)| (parameter.name().to_owned(), value)).collect()
}

fn named(problem: &Problem, numbers: &[f64]) -> BTreeMap<String, f64> {
    problem.metrics().iter().zip(numbers).map(|(metric, &number)| (metric.name.clone(), number)).collect()
}

fn add(sum: &mut [f64], values: &[f64], share: f64) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
}

//! A search that asks a model, and the proposals that come of it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use tapeout_core::{
    BuildEnvFrom, Catalog, Design, Goal, ModelFile, Prediction, Problem, Seed, Surrogate, Trial,
};
use tapeout_experiment::dataset::Dataset;
use tapeout_experiment::{AgentSpec, Budget, EnvSpec, Spec};
use tapeout_surrogates::support::Support;

use super::proposals::PROPOSALS_SCHEMA;
use super::{OfflineError, Proposal, Proposals, WeightedWorkload, choose};
use crate::{Proxy, ProxyConfig};

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
        let config = ProxyConfig {
            model: Some(path.to_owned()),
            workloads: self.workloads.iter().map(|workload| workload.name.clone()).collect(),
            weights: self.workloads.iter().map(|workload| workload.weight).collect(),
            kappa: self.kappa,
            least_p_feasible: self.least_p_feasible,
            exact_checks: self.exact_checks,
            ..ProxyConfig::default()
        };
        let mut spec = Spec::new(Proxy::ID, &self.agent.id, Budget::trials(self.calls));
        spec.env = EnvSpec::of::<Proxy>(&config);
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
        let space = problem.space();
        let proposal = |(index, design): (usize, &Design)| Proposal {
            design: space.values(design).map(|(it, value)| (it.name().to_owned(), value)).collect(),
            predicted: named(problem, &outlook.mean[index]),
            spread: outlook.std.as_ref().map(|std| named(problem, &std[index])),
            p_feasible: outlook.p_feasible[index],
            distance: support.distance(design, space),
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
            proposals: designs.iter().enumerate().map(proposal).collect(),
        })
    }

    /// What the model expects, the weighted mean over workloads; feasible as in the workload where it is least likely.
    fn outlook(
        &self,
        model: &ModelFile,
        surrogate: &dyn Surrogate,
        problem: &Problem,
        designs: &[Design],
    ) -> Prediction {
        let zeros = vec![vec![0.0; problem.metrics().len()]; designs.len()];
        let p_feasible = vec![1.0; designs.len()];
        let mut outlook = Prediction { mean: zeros.clone(), std: Some(zeros), p_feasible };
        let total: f64 = self.workloads.iter().map(|workload| workload.weight).sum();
        let known = || model.card.sources.iter().map(|source| &source.workload);
        for asked in &self.workloads {
            let Some(known) = known().find(|workload| workload.name == asked.name) else { continue };
            let prediction = surrogate.predict(&known.context, designs);
            let share = asked.weight / total;
            add(&mut outlook.mean, &prediction.mean, share);
            match (&mut outlook.std, &prediction.std) {
                (Some(sum), Some(std)) => add(sum, std, share),
                _ => outlook.std = None,
            }
            let each = outlook.p_feasible.iter_mut().zip(prediction.p_feasible);
            each.for_each(|(least, p_feasible)| *least = least.min(p_feasible));
        }
        outlook
    }
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

fn named(problem: &Problem, numbers: &[f64]) -> BTreeMap<String, f64> {
    problem.metrics().iter().zip(numbers).map(|(metric, &number)| (metric.name.clone(), number)).collect()
}

/// Adds `share` of `values` to `sum`; shapes `[n][k]`.
fn add(sum: &mut [Vec<f64>], values: &[Vec<f64>], share: f64) {
    for (sum, values) in sum.iter_mut().zip(values) {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
    }
}

//! A search that asks a model, and the proposals that come of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use tapeout_core::{
    BuildEnvFrom, Catalog, Constraint, Design, Goal, Metric, ModelCard, ModelFile, Outcome, Problem, Seed,
    Surrogate, Trial, Value,
};
use tapeout_experiment::dataset::Dataset;
use tapeout_experiment::{AgentSpec, Budget, EnvSpec, Spec};
use tapeout_surrogates::support::Support;
use tapeout_surrogates::{Combination, Outlook, PREDICTED_INFEASIBLE};

use super::held_out::together;
use super::interval::Interval;
use super::learn::SecondOpinion;
use super::proposals::PROPOSALS_SCHEMA;
use super::{Evidence, OfflineError, Proposal, Proposals, SheetRow, WeightedWorkload};
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
    /// How the environment `proxy` sees the model in the file `model`; none for one in memory.
    pub fn proxy(&self, model: Option<&Path>) -> ProxyConfig {
        ProxyConfig {
            model: model.map(Path::to_owned),
            workloads: self.workloads.iter().map(|workload| workload.name.clone()).collect(),
            weights: self.workloads.iter().map(|workload| workload.weight).collect(),
            kappa: self.kappa,
            least_p_feasible: self.least_p_feasible,
            exact_checks: self.exact_checks,
            ..ProxyConfig::default()
        }
    }

    /// The search of a model for `goal`, as a spec over the environment `proxy`.
    pub fn spec(&self, proxy: &ProxyConfig, goal: &Goal) -> Spec {
        let mut spec = Spec::new(Proxy::ID, &self.agent.id, Budget::trials(self.calls));
        spec.env = EnvSpec::of::<Proxy>(proxy);
        spec.agent = self.agent.clone();
        spec.batch = self.batch;
        spec.seed = self.seed;
        spec.objectives = Some(goal.objectives.clone());
        spec.constraints = Some(goal.constraints.clone());
        spec
    }

    /// `designs` as the environment `proxy` has them, metrics of the goal worse by each of `deviations` than the search takes them to be, in
    /// standard deviations; over the metrics of `problem`, shape `[deviations][n]`.
    ///
    /// # Errors
    /// [`OfflineError`] if the model cannot be read back.
    pub(super) fn asked(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        problem: &Problem,
        deviations: &[f64],
        designs: &[Design],
    ) -> Result<Vec<Vec<Trial>>, OfflineError> {
        let refused = |source| OfflineError::Config { of: format!("environment `{}`", Proxy::ID), source };
        let proxy = Proxy::of_model(catalog, model, &self.proxy(None)).map_err(refused)?;
        let trial = |(design, outcome): (&Design, Outcome)| {
            let outcome = match outcome {
                // The proxy has p(feasible) as one more metric.
                Outcome::Measured(metrics) => Outcome::Measured(metrics[..problem.metrics().len()].to_vec()),
                infeasible => infeasible,
            };
            problem.trial(design.clone(), outcome)
        };
        let trials = |outcomes: Vec<Outcome>| designs.iter().zip(outcomes).map(trial).collect();
        Ok(proxy.outcomes(designs, deviations).into_iter().map(trials).collect())
    }

    /// The designs at `chosen` among those that the search asked the model about.
    ///
    /// `problem`: over the data set's metrics.
    ///
    /// # Errors
    /// [`OfflineError`] if the model cannot be read back.
    pub fn proposals(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        problem: &Problem,
        logged: &Evidence<'_>,
        trials: &[Trial],
        chosen: &[usize],
    ) -> Result<Proposals, OfflineError> {
        let surrogate = catalog.surrogate(model, problem.space())?;
        let designs: Vec<Design> = chosen.iter().map(|&index| trials[index].design.clone()).collect();
        let support = Support::new(problem.space(), logged.measured(), NEIGHBOURS);
        let outlook = self.outlook(surrogate.as_ref(), &model.card, &designs);
        let promised = self.promised(catalog, problem, logged, &designs)?;
        let over_metrics = |index: usize, value: fn(f64, f64) -> f64| -> Vec<f64> {
            let metrics = 0..problem.metrics().len();
            metrics.map(|metric| outlook.combined(Combination::Mean, (index, metric), value)).collect()
        };
        let proposal = |(index, design): (usize, &Design)| {
            let intervals = promised.as_ref().map(|promised| {
                let metrics = problem.metrics().iter().zip(&promised[index]);
                metrics.map(|(it, &interval)| (it.name.clone(), interval)).collect()
            });
            Proposal {
                design: values(problem, design),
                predicted: named(problem, &over_metrics(index, |mean, _| mean)),
                spread: outlook.has_spread().then(|| named(problem, &over_metrics(index, |_, std| std))),
                intervals,
                p_feasible: outlook.p_feasible(index),
                distance: support.distance(design, problem.space()),
                outside: logged.outside(design),
            }
        };
        Ok(Proposals {
            schema: PROPOSALS_SCHEMA,
            env: logged.dataset.env().clone(),
            workloads: self.workloads.clone(),
            goal: problem.goal().clone(),
            learner: model.saved.learner.clone(),
            second: logged.second.map(|it| it.model.saved.learner.clone()),
            agent: self.agent.id.clone(),
            seed: self.seed,
            model_calls: trials.len(),
            logged: logged.best(problem, &self.workloads),
            proposals: designs.iter().enumerate().map(proposal).collect(),
        })
    }

    /// What `surrogate` expects of designs for the workloads asked for.
    fn outlook(&self, surrogate: &dyn Surrogate, card: &ModelCard, designs: &[Design]) -> Outlook {
        let known = |name: &str| card.sources.iter().map(|it| &it.workload).find(|it| it.name == name);
        let asked = self.workloads.iter();
        let asked = asked.filter_map(|it| Some((known(&it.name)?.context.as_slice(), it.weight)));
        Outlook::new(surrogate, asked, designs)
    }

    /// What the second opinion promises of each metric of each design, shape `[n][k]`; none if there is none, or if it is not known what
    /// its word is worth.
    fn promised(
        &self,
        catalog: &Catalog,
        problem: &Problem,
        logged: &Evidence<'_>,
        designs: &[Design],
    ) -> Result<Option<Vec<Vec<Interval>>>, OfflineError> {
        let Some(SecondOpinion { model, promises: Some(promises) }) = logged.second else { return Ok(None) };
        let surrogate = catalog.surrogate(model, problem.space())?;
        let outlook = self.outlook(surrogate.as_ref(), &model.card, designs);
        let of = |index: usize| {
            let metrics = 0..problem.metrics().len();
            let mean = |metric| outlook.combined(Combination::Mean, (index, metric), |mean, _| mean);
            metrics.map(|metric| promises.interval(metric, mean(metric))).collect()
        };
        Ok(Some((0..designs.len()).map(of).collect()))
    }

    /// The trials of a search as the second opinion has them too: what both expect together, the worse of the two of a metric that has a limit,
    /// and infeasible if together they think so.
    ///
    /// # Errors
    /// [`OfflineError`] if a model cannot be read back.
    pub fn reconsidered(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        problem: &Problem,
        second: &SecondOpinion,
        trials: &[Trial],
    ) -> Result<Vec<Trial>, OfflineError> {
        let designs: Vec<Design> = trials.iter().map(|trial| trial.design.clone()).collect();
        let first = catalog.surrogate(model, problem.space())?;
        let other = catalog.surrogate(&second.model, problem.space())?;
        let first = self.outlook(first.as_ref(), &model.card, &designs);
        let other = self.outlook(other.as_ref(), &second.model.card, &designs);
        // The limits of a metric: the best designs lie at them, and there one model is soon wrong.
        let of_metric = |metric: &Metric| {
            problem.goal().constraints.iter().filter(|it| it.metric == metric.name).collect::<Vec<_>>()
        };
        let limits: Vec<Vec<&Constraint>> = problem.metrics().iter().map(of_metric).collect();
        let trial = |(index, trial): (usize, &Trial)| {
            let p = (first.p_feasible(index) + other.p_feasible(index)) / 2.0;
            // What is infeasible by arithmetic stays so.
            if trial.outcome.metrics().is_none() || p < self.least_p_feasible {
                let missing = (self.least_p_feasible - p).max(f64::MIN_POSITIVE);
                return problem
                    .trial(trial.design.clone(), Outcome::infeasible(PREDICTED_INFEASIBLE, missing));
            }
            let expected = |outlook: &Outlook, metric: usize| {
                outlook.combined(Combination::Mean, (index, metric), |mean, _| mean)
            };
            let both = |metric: usize| {
                let (one, another) = (expected(&first, metric), expected(&other, metric));
                worse(&limits[metric], one, another).unwrap_or_else(|| together(one, another))
            };
            let metrics = (0..problem.metrics().len()).map(both).collect();
            problem.trial(trial.design.clone(), Outcome::Measured(metrics))
        };
        Ok(trials.iter().enumerate().map(trial).collect())
    }

    /// The proposals as lines to be filled in, one for each workload, with what is promised of it.
    ///
    /// # Errors
    /// [`OfflineError`] if the model cannot be read back, or the data set has no such workload.
    pub fn sheet(
        &self,
        catalog: &Catalog,
        model: &ModelFile,
        logged: &Evidence<'_>,
        proposals: &Proposals,
    ) -> Result<Vec<SheetRow>, OfflineError> {
        let dataset = logged.dataset;
        let problem = dataset.problem(proposals.goal.clone())?;
        let surrogate = catalog.surrogate(model, dataset.space())?;
        let designs = proposals.designs(dataset.space())?;
        let mut rows = Vec::new();
        for it in &self.workloads {
            let workload = dataset.workload_index(&it.name)?;
            let alone = Self { workloads: vec![it.clone()], ..self.clone() };
            let promised = alone.promised(catalog, &problem, logged, &designs)?;
            let outlook = alone.outlook(surrogate.as_ref(), &model.card, &designs);
            let nothing = vec![None; dataset.metrics().len()];
            let row = |(index, design): (usize, &Design)| SheetRow {
                workload,
                design: design.clone(),
                promised: promised
                    .as_ref()
                    .map_or_else(|| nothing.clone(), |it| it[index].iter().copied().map(Some).collect()),
                p_feasible: Some(outlook.p_feasible(index)),
                outcome: None,
            };
            rows.extend(designs.iter().enumerate().map(row));
        }
        Ok(rows)
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

/// The values of a design by parameter.
pub(super) fn values(problem: &Problem, design: &Design) -> BTreeMap<String, Value> {
    problem.space().values(design).map(|(it, value)| (it.name().to_owned(), value)).collect()
}

/// Numbers by metric; shape `[k]`.
pub(super) fn named(problem: &Problem, numbers: &[f64]) -> BTreeMap<String, f64> {
    problem.metrics().iter().zip(numbers).map(|(metric, &number)| (metric.name.clone(), number)).collect()
}

/// Of two values of a metric with `limits`, the one that breaks them more; of two that keep them the one nearer to the only limit. `None` if
/// neither is worse than the other.
fn worse(limits: &[&Constraint], one: f64, another: f64) -> Option<f64> {
    let broken = |value: f64| limits.iter().map(|limit| limit.violation(value)).sum::<f64>();
    let order = broken(one).total_cmp(&broken(another));
    match (order, limits) {
        (Ordering::Greater, _) => Some(one),
        (Ordering::Less, _) => Some(another),
        (Ordering::Equal, [limit]) if limit.side.is_upper() => Some(one.max(another)),
        (Ordering::Equal, [_]) => Some(one.min(another)),
        (Ordering::Equal, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand: of 4.9 and 6 between 1 and 5 only 6 breaks a limit, of 0.5 and 2 only 0.5; both keep a limit of 7, and 6 is nearer to it.
    #[test]
    fn the_worse_of_two_values_is_the_one_beyond_a_limit_or_nearer_to_it() {
        let (least, most) = (Constraint::at_least("u", 1.0), Constraint::at_most("u", 5.0));
        let both = [&least, &most];
        assert_eq!(worse(&both, 4.9, 6.0), Some(6.0));
        assert_eq!(worse(&both, 0.5, 2.0), Some(0.5));
        assert_eq!(worse(&both, 2.0, 3.0), None);
        assert_eq!(worse(&[&Constraint::at_most("u", 7.0)], 4.9, 6.0), Some(6.0));
        assert_eq!(worse(&[&least], 4.9, 6.0), Some(4.9));
        assert_eq!(worse(&[], 4.9, 6.0), None);
    }
}

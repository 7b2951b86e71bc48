//! One cell of the study.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tapeout::Proxy;
use tapeout::core::{BuildEnv, Catalog, Design, Env, Problem, Seed, Surrogate, Trial, WorkloadTrials};
use tapeout::envs::EdgeAcceleratorConfig;
use tapeout::experiment::dataset::split::DEFAULT_UNRANKED;
use tapeout::experiment::dataset::{Dataset, Split, SplitBy};
use tapeout::experiment::log::MemoryLog;
use tapeout::experiment::statistics::{mean, quartiles};
use tapeout::experiment::{AgentSpec, Budget, EnvSpec, Experiment, RunOptions, Spec, search};
use tapeout::offline::{
    Evaluated, Evidence, ModelSearch, Validator, WeightedWorkload, choose, fit, workloads,
};
use tapeout::surrogates::errors::{brier_score, kendall_tau};

use crate::error::StudyError;
use crate::ledger::{CellAnswer, Found, ModelScore, Score};
use crate::methods::{DesignMethod, Learned, learned_method};
use crate::plan::{EdgeEnv, LATENCY, StudyPlan};
use crate::questions::Question;

/// What all cells share.
pub struct Study<'a> {
    /// Everything that can be named.
    pub catalog: &'a Catalog,
    /// What is done.
    pub plan: &'a StudyPlan,
    /// The log of all workloads.
    pub dataset: &'a Dataset,
}

/// A question, ready to be answered.
struct Asked {
    /// The rows that may be learned from, and the others.
    split: Split,
    workloads: Vec<WeightedWorkload>,
    validator: Validator,
    problem: Problem,
}

impl Study<'_> {
    /// Answers one question by one method with one seed.
    ///
    /// # Errors
    /// [`StudyError`] if anything of it fails.
    pub fn answer(
        &self,
        question: &Question,
        method: DesignMethod,
        seed: u64,
    ) -> Result<CellAnswer, StudyError> {
        let asked = self.asked(question, Seed::new(seed))?;
        let score = match method {
            DesignMethod::Learned(name) => self.learned(&asked, learned_method(name), seed)?,
            DesignMethod::Online { agent, designs } => self.online(&asked, agent, designs, seed)?,
            DesignMethod::Random { is_checked } => self.random(&asked, is_checked, seed)?,
            DesignMethod::Logged => self.logged(&asked, question)?,
        };
        Ok(CellAnswer { question: question.clone(), method: method.to_string(), seed, score })
    }

    fn asked(&self, question: &Question, seed: Seed) -> Result<Asked, StudyError> {
        let goal = self.plan.goal();
        let problem = self.dataset.problem(goal.clone())?;
        let quality = SplitBy::Quality {
            objective: goal.objectives[0].clone(),
            constraints: Vec::new(),
            worst: self.plan.worst,
            band: self.plan.band,
            unranked: DEFAULT_UNRANKED,
        };
        let rules = match question {
            Question::Unseen(name) => {
                vec![quality, SplitBy::Workload { hidden: vec![name.clone()], validation: Vec::new() }]
            }
            _ => vec![quality],
        };
        let mut split = self.dataset.split(&rules, seed)?;
        if let Question::One(name) = question {
            let workload = self.dataset.workload_index(name)?;
            for rows in [&mut split.train, &mut split.validation, &mut split.hidden] {
                rows.retain(|&row| self.dataset.rows()[row].workload == workload);
            }
        }
        let workloads = self.workloads(question, &split, &problem)?;
        let env = EnvSpec::of::<EdgeEnv>(&self.plan.env());
        let validator = Validator::new(self.catalog, &env, &workloads, &goal)?;
        Ok(Asked { split, workloads, validator, problem })
    }

    /// The workloads of a question; several are weighted by one over the best latency that is trained on.
    fn workloads(
        &self,
        question: &Question,
        split: &Split,
        problem: &Problem,
    ) -> Result<Vec<WeightedWorkload>, StudyError> {
        let named = match question {
            Question::One(name) | Question::Unseen(name) => vec![(name.clone(), 1.0)],
            Question::Several => {
                let groups = self.dataset.groups(&split.train, problem);
                let best = |name: &str| {
                    let of_workload = groups.iter().filter(|group| group.workload.name == name);
                    let trials = of_workload.flat_map(|group| &group.trials);
                    let losses =
                        trials.filter_map(|trial| trial.judgement.accepted().map(|losses| losses[0]));
                    losses.min_by(f64::total_cmp).unwrap_or(1.0)
                };
                let names = self.dataset.workloads().iter().map(|workload| &workload.name);
                names.map(|name| (name.clone(), 1.0 / best(name))).collect()
            }
        };
        Ok(workloads(self.dataset, &named)?)
    }

    /// What a model proposes: fireflies search it, and the simulator sees what they like most.
    fn learned(&self, asked: &Asked, learned: &Learned, seed: u64) -> Result<Score, StudyError> {
        let recipe = (learned.recipe)(self.plan, Seed::new(seed).child(learned.name, 0));
        let model = fit(self.catalog, self.dataset, &asked.split, &asked.problem, &recipe)?;
        let model_search = ModelSearch {
            workloads: asked.workloads.clone(),
            agent: AgentSpec::named("firefly"),
            calls: self.plan.model_calls,
            batch: self.plan.batch,
            kappa: learned.kappa,
            least_p_feasible: if learned.has_feasibility { 0.5 } else { 0.0 },
            exact_checks: learned.exact_checks,
            seed: Seed::new(seed),
        };
        let (goal, config) = (self.plan.goal(), model_search.proxy(None));
        let proxy = Proxy::of_model(self.catalog, &model, &config)?;
        let spec = model_search.spec(&config, &goal);
        let trials = searched(&Experiment::with_env(self.catalog, spec, Arc::new(proxy), goal)?)?;
        let chosen = choose(&asked.problem, &trials, self.plan.proposals);
        let logged = Evidence { dataset: self.dataset, rows: &asked.split.train, second: None };
        let proposals =
            model_search.proposals(self.catalog, &model, &asked.problem, &logged, &trials, &chosen)?;
        let evaluated = asked.evaluated(&proposals.designs(asked.problem.space())?)?;
        let p_feasible: Vec<f64> = proposals.proposals.iter().map(|proposal| proposal.p_feasible).collect();
        let is_feasible: Vec<bool> =
            evaluated.iter().map(|evaluated| evaluated.broken_in.is_none()).collect();
        let surrogate = self.catalog.surrogate(&model, self.dataset.space())?;
        let model = ModelScore {
            p_feasible: mean(&p_feasible),
            brier: brier_score(&p_feasible, &is_feasible),
            tau_hidden: self.tau_hidden(asked, surrogate.as_ref()),
        };
        Ok(Score { model: Some(model), ..score(&evaluated) })
    }

    /// Kendall's tau over the hidden designs that are feasible, the mean over the question's workloads.
    fn tau_hidden(&self, asked: &Asked, surrogate: &dyn Surrogate) -> Option<f64> {
        let groups = self.dataset.groups(&asked.split.hidden, &asked.problem);
        let latency = self.dataset.metric_index(LATENCY).ok()?;
        let tau = |group: &WorkloadTrials| {
            let measured: Vec<&Trial> =
                group.trials.iter().filter(|trial| trial.outcome.metrics().is_some()).collect();
            let designs: Vec<Design> = measured.iter().map(|trial| trial.design.clone()).collect();
            let prediction = surrogate.predict(&group.workload.context, &designs);
            let expected: Vec<f64> = prediction.mean.iter().map(|metrics| metrics[latency]).collect();
            let truth = measured.iter().filter_map(|trial| trial.outcome.metrics());
            (designs.len() > 1)
                .then(|| kendall_tau(&expected, &truth.map(|metrics| metrics[latency]).collect::<Vec<_>>()))
        };
        let is_asked = |group: &&WorkloadTrials| {
            asked.workloads.iter().any(|workload| workload.name == group.workload.name)
        };
        let taus: Vec<f64> = groups.iter().filter(is_asked).filter_map(tau).collect();
        (!taus.is_empty()).then(|| mean(&taus))
    }

    /// A search that asks the simulator.
    fn online(&self, asked: &Asked, agent: &str, designs: usize, seed: u64) -> Result<Score, StudyError> {
        let config = EdgeAcceleratorConfig {
            networks: asked.workloads.iter().map(|workload| workload.name.clone()).collect(),
            weights: asked.workloads.iter().map(|workload| workload.weight).collect(),
            ..self.plan.env()
        };
        let calls = NonZeroUsize::new(designs).unwrap_or(NonZeroUsize::MIN);
        let mut spec = Spec::new(EdgeEnv::ID, agent, Budget::trials(calls));
        spec.env = EnvSpec::of::<EdgeEnv>(&config);
        spec.seed = Seed::new(seed);
        spec.batch = self.plan.batch;
        spec.objectives = Some(self.plan.goal().objectives);
        spec.constraints = Some(Vec::new());
        let trials = searched(&Experiment::prepare(self.catalog, spec)?)?;
        let best = choose(&asked.problem, &trials, 1);
        let best: Vec<Design> = best.iter().map(|&index| trials[index].design.clone()).collect();
        let score = score(&asked.evaluated(&best)?);
        let env = self.env()?;
        let is_simulated = |design: &Design| env.precheck(design).is_none();
        let (found, simulator_calls) = found(&trials, &asked.workloads, is_simulated);
        Ok(Score { found, simulator_calls, ..score })
    }

    /// As many random designs as others propose; the first stands for its first.
    fn random(&self, asked: &Asked, is_checked: bool, seed: u64) -> Result<Score, StudyError> {
        let env = self.env()?;
        let mut rng = Seed::new(seed).stream("random proposals");
        let drawn = std::iter::repeat_with(|| asked.problem.space().sample(&mut rng));
        let kept = drawn.filter(|design| !is_checked || env.precheck(design).is_none());
        let designs: Vec<Design> = kept.take(self.plan.proposals).collect();
        Ok(score(&asked.evaluated(&designs)?))
    }

    /// The best design that may be learned from, and what the log of its workload cost; unless it is for one workload that
    /// was logged, the best of those that are best for one, once the simulator has seen them.
    fn logged(&self, asked: &Asked, question: &Question) -> Result<Score, StudyError> {
        let groups = self.dataset.groups(&asked.split.train, &asked.problem);
        let best = groups.iter().filter_map(|group| {
            let index = choose(&asked.problem, &group.trials, 1).first().copied()?;
            Some(group.trials[index].design.clone())
        });
        let best: Vec<Design> = best.collect();
        let score = score(&asked.evaluated(&best)?);
        let simulator_calls = if let Question::One(name) = question {
            let (env, workload) = (self.env()?, self.dataset.workload_index(name)?);
            let rows = self.dataset.rows().iter().filter(|row| row.workload == workload);
            rows.filter(|row| env.precheck(&row.design).is_none()).count()
        } else {
            score.simulator_calls
        };
        Ok(Score { first_s: score.best_s, simulator_calls, ..score })
    }

    /// The simulator, to be asked what arithmetic alone rules out, whatever the workload.
    fn env(&self) -> Result<EdgeEnv, StudyError> {
        Ok(EdgeEnv::build(self.plan.env())?)
    }
}

/// All trials of a search.
fn searched(experiment: &Experiment) -> Result<Vec<Trial>, StudyError> {
    let found = search(experiment, &mut MemoryLog::default(), &RunOptions::default(), &mut ())?;
    Ok(found.run.trials().to_vec())
}

/// What the simulator says of proposals, best first.
fn score(evaluated: &[Evaluated<'_>]) -> Score {
    let loss = |evaluated: &Evaluated<'_>| evaluated.trial.judgement.accepted().map(|losses| losses[0]);
    let feasible: Vec<f64> = evaluated.iter().filter_map(loss).collect();
    Score {
        first_s: evaluated.first().and_then(loss),
        median_s: (!feasible.is_empty()).then(|| quartiles(&feasible)[1]),
        best_s: feasible.iter().copied().min_by(f64::total_cmp),
        proposals: evaluated.len(),
        infeasible: evaluated.len() - feasible.len(),
        simulator_calls: evaluated.iter().map(|evaluated| evaluated.calls).sum(),
        found: Vec::new(),
        model: None,
    }
}

impl Asked {
    /// What the simulator says of each design.
    fn evaluated(&self, designs: &[Design]) -> Result<Vec<Evaluated<'_>>, StudyError> {
        let numbered = designs.iter().enumerate();
        Ok(numbered
            .map(|(index, design)| self.validator.evaluate(index + 1, design))
            .collect::<Result<_, _>>()?)
    }
}

/// The best so far, as often as there is a better one, and how often the simulator was asked: for each workload of a design, once.
/// Designs that are not simulated, since arithmetic alone rules them out, cost nothing. A search's latency is the weighted sum over the
/// workloads; here it is the mean, as it is of proposals.
fn found(
    trials: &[Trial],
    workloads: &[WeightedWorkload],
    is_simulated: impl Fn(&Design) -> bool,
) -> (Vec<Found>, usize) {
    let weight: f64 = workloads.iter().map(|workload| workload.weight).sum();
    let mut asked = HashSet::new();
    let mut found: Vec<Found> = Vec::new();
    for trial in trials {
        if is_simulated(&trial.design) {
            asked.insert(&trial.design);
        }
        let Some(losses) = trial.judgement.accepted() else { continue };
        let latency_s = losses[0] / weight;
        if found.last().is_none_or(|best| latency_s < best.latency_s) {
            found.push(Found { calls: asked.len() * workloads.len(), latency_s });
        }
    }
    (found, asked.len() * workloads.len())
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use tapeout::core::check::toy::Toy;
    use tapeout::core::{Judgement, Outcome};

    /// Two workloads of weights 1 and 3. The first design is ruled out by arithmetic, the second is simulated for both, the third is the
    /// second again, the fourth is worse, the fifth better: 4 simulated designs but one of them twice, so 6 calls of 2 workloads.
    #[test]
    fn only_what_is_simulated_and_new_is_counted() {
        let toy = Toy::bowl();
        let design = |level: u32| toy.space().design(&[level, 0, 0, 0, 0, 0]).expect("a legal design");
        let trial = |level: u32, loss: Option<f64>| Trial {
            design: design(level),
            outcome: Outcome::Measured(Vec::new()),
            judgement: match loss {
                Some(loss) => Judgement::Acceptable { losses: vec![loss] },
                None => Judgement::Infeasible { violation: 1.0 },
            },
        };
        let trials = [
            trial(9, None),
            trial(1, Some(8.0)),
            trial(1, Some(8.0)),
            trial(2, Some(9.0)),
            trial(3, Some(4.0)),
        ];
        let workload = |weight| WeightedWorkload { name: String::new(), settings: Map::new(), weight };
        let (found, calls) = found(&trials, &[workload(1.0), workload(3.0)], |it| *it != design(9));
        let expected = [Found { calls: 2, latency_s: 2.0 }, Found { calls: 6, latency_s: 1.0 }];
        assert_eq!((found.as_slice(), calls), (&expected[..], 6));
    }
}

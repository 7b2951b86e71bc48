//! One cell of the study: what a method makes of one log.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout::Proxy;
use tapeout::core::{Catalog, Design, Env, Goal, Objective, Outcome, Problem, Seed, Trial};
use tapeout::experiment::dataset::split::{DEFAULT_BAND, DEFAULT_UNRANKED, DEFAULT_WORST};
use tapeout::experiment::dataset::{Dataset, DatasetPlan, Split, SplitBy, generate};
use tapeout::experiment::log::MemoryLog;
use tapeout::experiment::{AgentSpec, Budget, EnvSpec, Experiment, RunOptions, Spec, search};
use tapeout::offline::{ModelSearch, Recipe, SecondOpinion, choose, fit, workloads};

use crate::problems::{SEARCHES, StudyProblem};

/// Whatever goes wrong.
pub type Failed = Box<dyn Error + Send + Sync>;

/// How much is logged, searched and proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Random designs that are logged.
    pub designs: usize,
    /// How often a model is asked.
    pub model_calls: NonZeroUsize,
    /// Designs that are proposed.
    pub proposals: NonZeroUsize,
}

impl Size {
    /// The flags that ask for it.
    pub fn flags(&self) -> String {
        let Self { designs, model_calls, proposals } = self;
        format!("--designs {designs} --model-calls {model_calls} --proposals {proposals}")
    }
}

/// What came of one method on one log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The problem.
    pub problem: String,
    /// The learner, or the search.
    pub method: String,
    /// The seed of log, split, fit and search.
    pub seed: u64,
    /// The best that was learned from.
    pub learned_from: f64,
    /// The best that was logged, hidden designs included.
    pub logged: f64,
    /// The best of what was proposed; none if nothing of it is feasible.
    pub best: Option<f64>,
    /// How many designs were proposed.
    pub proposals: usize,
    /// How many of them are infeasible.
    pub infeasible: usize,
}

/// A log, and what of it may be learned from.
pub struct CellQuestion {
    env: Box<dyn Env>,
    dataset: Dataset,
    split: Split,
    problem: Problem,
    name: &'static str,
    seed: u64,
}

impl CellQuestion {
    /// Logs random designs in `folder`, unless they are there.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub fn new(
        catalog: &Catalog,
        problem: &StudyProblem,
        size: Size,
        seed: u64,
        folder: &Path,
    ) -> Result<Self, Failed> {
        let folder = folder.join(format!("{}-{}-{seed}", problem.name, size.designs));
        let plan = DatasetPlan {
            designs: size.designs,
            seed: Seed::new(seed),
            workloads: Vec::new(),
            env: EnvSpec { config: problem.config(), ..EnvSpec::named(problem.env) },
        };
        if !folder.join("dataset.toml").exists() {
            generate(catalog, &plan, &folder, &RunOptions::default(), &mut |_| {})?;
        }
        let dataset = Dataset::read(catalog, &folder)?;
        let objective = Objective::minimize(problem.objective);
        let quality = SplitBy::Quality {
            objective: objective.clone(),
            constraints: Vec::new(),
            worst: DEFAULT_WORST,
            band: DEFAULT_BAND,
            unranked: DEFAULT_UNRANKED,
        };
        let split = dataset.split(&[quality], Seed::new(seed))?;
        let goal = Goal { objectives: vec![objective], constraints: Vec::new() };
        let (env, _) = catalog.build_env(problem.env, &Value::Object(problem.config()))?;
        let problem_of = dataset.problem(goal)?;
        Ok(Self { env, dataset, split, problem: problem_of, name: problem.name, seed })
    }

    /// What `method` proposes, as the environment sees it.
    ///
    /// # Errors
    /// Whatever goes wrong.
    pub fn answer(&self, catalog: &Catalog, method: &str, size: Size) -> Result<Answer, Failed> {
        let designs = if SEARCHES.contains(&method) {
            self.searched(catalog, method, size)?
        } else {
            self.learned(catalog, method, size)?
        };
        let mut found = Vec::new();
        for design in &designs {
            if let Outcome::Measured(metrics) = self.env.evaluate(design)? {
                found.push(self.loss(&metrics));
            }
        }
        let best_of = |rows: &[usize]| {
            let rows = rows.iter().filter_map(|&row| self.dataset.rows()[row].outcome.metrics());
            rows.map(|metrics| self.loss(metrics)).fold(f64::INFINITY, f64::min)
        };
        let all: Vec<usize> = (0..self.dataset.rows().len()).collect();
        Ok(Answer {
            problem: self.name.to_owned(),
            method: method.to_owned(),
            seed: self.seed,
            learned_from: best_of(&self.split.train),
            logged: best_of(&all),
            best: found.iter().copied().min_by(f64::total_cmp),
            proposals: designs.len(),
            infeasible: designs.len() - found.len(),
        })
    }

    fn loss(&self, metrics: &[f64]) -> f64 {
        let judged = self.problem.judge(&Outcome::Measured(metrics.to_vec()));
        judged.losses().map_or(f64::INFINITY, |losses| losses[0])
    }

    /// Fireflies search a model that is fitted to the worst half, and another one may be asked about what they searched.
    fn learned(&self, catalog: &Catalog, method: &str, size: Size) -> Result<Vec<Design>, Failed> {
        let fitted = |learner: &str| {
            let recipe = Recipe::named(learner, Seed::new(self.seed));
            fit(catalog, &self.dataset, &self.split, &self.problem, &recipe)
        };
        let (first, second) = method.split_once('+').map_or((method, None), |(first, it)| (first, Some(it)));
        let model = fitted(first)?;
        let model_search = ModelSearch {
            workloads: workloads(&self.dataset, &[])?,
            agent: AgentSpec::named("firefly"),
            calls: size.model_calls,
            batch: size.proposals,
            kappa: 0.0,
            least_p_feasible: 0.5,
            exact_checks: false,
            seed: Seed::new(self.seed),
        };
        let (goal, config) = (self.problem.goal().clone(), model_search.proxy(None));
        let proxy = Proxy::of_model(catalog, &model, &config)?;
        let spec = model_search.spec(&config, &goal);
        let mut trials = trials(&Experiment::with_env(catalog, spec, Arc::new(proxy), goal)?)?;
        if let Some(second) = second {
            let second = SecondOpinion { model: fitted(second)?, promises: None };
            trials = model_search.reconsidered(catalog, &model, &self.problem, &second, &trials)?;
        }
        let chosen = choose(&self.problem, &trials, size.proposals.get());
        Ok(chosen.into_iter().map(|index| trials[index].design.clone()).collect())
    }

    /// A search that asks the environment as often as a learner may propose.
    fn searched(&self, catalog: &Catalog, agent: &str, size: Size) -> Result<Vec<Design>, Failed> {
        let env = self.dataset.env_of(0);
        let mut spec = Spec::new(&env.id, agent, Budget::trials(size.proposals));
        spec.env = env;
        spec.seed = Seed::new(self.seed);
        spec.objectives = Some(self.problem.goal().objectives.clone());
        spec.constraints = Some(Vec::new());
        let trials = trials(&Experiment::prepare(catalog, spec)?)?;
        Ok(trials.into_iter().map(|trial| trial.design).collect())
    }
}

fn trials(experiment: &Experiment) -> Result<Vec<Trial>, Failed> {
    let found = search(experiment, &mut MemoryLog::default(), &RunOptions::default(), &mut ())?;
    Ok(found.run.trials().to_vec())
}

//! The environment `proxy`: a model file in the place of the environment that it was fitted to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout_core::{
    BuildEnv, Catalog, ConfigError, Design, DesignSpace, Env, EnvEntry, EvalError, Goal, Metric, ModelFile,
    Outcome, Problem, Seed, Surrogate, TrainingData, UnknownName,
};
use tapeout_surrogates::{Combination, SurrogateEnv, View};

/// What is modelled when no model file is named: an environment that answers in microseconds, by a forest.
const EXAMPLE_ENV: &str = "gpu-gemm-model";
const EXAMPLE_LEARNER: &str = "random-forest";
/// Random designs that the example learns from. Own choice: enough to rank designs, learned in a fraction of a second.
const EXAMPLE_DESIGNS: usize = 400;

/// Settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    /// The model file that `tapeout fit` wrote; if absent, an example is fitted on the spot.
    pub model: Option<PathBuf>,
    /// The applications that designs are for, by name; all that the model learned from if empty.
    pub applications: Vec<String>,
    /// A weight for each application; the same for all if empty.
    pub weights: Vec<f64>,
    /// How several applications become one number: `mean` or `geometric-mean`.
    pub combination: Combination,
    /// By how many standard deviations the goal's metrics are worse than expected.
    pub kappa: f64,
    /// Designs less likely to be feasible are infeasible.
    pub least_p_feasible: f64,
    /// Whether designs that the environment rules out by arithmetic alone are infeasible here too, whatever the model thinks.
    pub exact_checks: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            model: None,
            applications: Vec::new(),
            weights: Vec::new(),
            combination: Combination::Mean,
            kappa: 0.0,
            least_p_feasible: 0.5,
            exact_checks: true,
        }
    }
}

/// A model in the place of an environment.
pub struct Proxy {
    env: SurrogateEnv,
    /// The environment learned from, if it is asked what is infeasible by arithmetic alone.
    exact: Option<Box<dyn Env>>,
    goal: Goal,
}

/// A model, and what it was fitted for.
struct Fitted {
    env: Box<dyn Env>,
    metrics: Vec<Metric>,
    goal: Goal,
    /// Name and context of each application.
    applications: Vec<(String, Vec<f64>)>,
    surrogate: Box<dyn Surrogate>,
}

impl BuildEnv for Proxy {
    const ID: &'static str = "proxy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A fitted model in the place of the environment it learned from";
    const DESCRIPTION: &'static str = include_str!("proxy.md");
    type Config = ProxyConfig;

    fn build(config: ProxyConfig) -> Result<Self, ConfigError> {
        Self::build_within(&Catalog::new(), config)
    }

    fn build_within(catalog: &Catalog, config: ProxyConfig) -> Result<Self, ConfigError> {
        if !config.kappa.is_finite() {
            return Err(ConfigError::new("kappa", format!("got {}; expected a finite number", config.kappa)));
        }
        if !(0.0..=1.0).contains(&config.least_p_feasible) {
            let message = format!("got {}; expected 0 to 1", config.least_p_feasible);
            return Err(ConfigError::new("least_p_feasible", message));
        }
        let fitted = match &config.model {
            Some(path) => Fitted::read(catalog, path)?,
            None => Fitted::example(catalog)?,
        };
        let view = View {
            applications: fitted.weighted(&config)?,
            combination: config.combination,
            kappa: config.kappa,
            least_p_feasible: config.least_p_feasible,
        };
        let Fitted { env, metrics, goal, surrogate, .. } = fitted;
        Ok(Self {
            env: SurrogateEnv::new(env.space(), &metrics, &goal, surrogate, view),
            exact: config.exact_checks.then_some(env),
            goal,
        })
    }

    fn default_goal(&self) -> Goal {
        self.goal.clone()
    }
}

impl Env for Proxy {
    fn space(&self) -> &DesignSpace {
        self.env.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.env.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.precheck(design).map_or_else(|| self.env.evaluate(design), Ok)
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.exact.as_ref().and_then(|env| env.precheck(design))
    }

    fn evaluate_batch(&self, designs: &[Design]) -> Vec<Result<Outcome, EvalError>> {
        let predicted = self.env.evaluate_batch(designs);
        let outcomes = designs.iter().zip(predicted);
        outcomes.map(|(design, predicted)| self.precheck(design).map_or(predicted, Ok)).collect()
    }
}

impl Fitted {
    /// The model of a file; its space is made by the environment that the file's card names.
    fn read(catalog: &Catalog, path: &std::path::Path) -> Result<Self, ConfigError> {
        let refused =
            |error: &dyn std::fmt::Display| ConfigError::new("model", format!("{}: {error}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| refused(&error))?;
        let file = ModelFile::from_bytes(&bytes).map_err(|error| refused(&error))?;
        let card = &file.card;
        let entry = catalog.env(&card.env).map_err(|error| refused(&error))?;
        if entry.version != card.env_version {
            let (env, got, now) = (&card.env, card.env_version, entry.version);
            return Err(refused(&format!("it was fitted to version {got} of `{env}`, which is now {now}")));
        }
        let settings = card.sources.first().map_or(&Value::Null, |source| &source.settings);
        let (env, _) = entry.build(settings).map_err(|error| refused(&error))?;
        let surrogate = file.surrogate(catalog, env.space()).map_err(|error| refused(&error))?;
        let applications = card.sources.iter().map(|source| &source.application);
        Ok(Self {
            env,
            metrics: card.metrics.clone(),
            goal: card.goal.clone(),
            applications: applications.map(|it| (it.name.clone(), it.context.clone())).collect(),
            surrogate,
        })
    }

    /// A forest fitted to random designs.
    fn example(catalog: &Catalog) -> Result<Self, ConfigError> {
        let missing = |error: UnknownName| ConfigError::new("model", format!("is needed: {error}"));
        let failed =
            |error: &dyn std::fmt::Display| ConfigError::new("model", format!("the example: {error}"));
        let (env, goal) = catalog.env(EXAMPLE_ENV).map_err(missing)?.build(&Value::Null)?;
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal.clone());
        let problem = problem.map_err(|error| failed(&error))?;
        let learner = catalog.learner(EXAMPLE_LEARNER).map_err(missing)?.build(&problem, &Value::Null)?;
        let mut rng = Seed::new(0).stream("proxy");
        let mut trials = Vec::with_capacity(EXAMPLE_DESIGNS);
        for _ in 0..EXAMPLE_DESIGNS {
            let design = env.space().sample(&mut rng);
            let outcome = env.evaluate(&design).map_err(|error| failed(&error))?;
            trials.push(problem.trial(design, outcome));
        }
        let fitted = learner.fit(&TrainingData::of_trials(trials), Seed::new(0));
        Ok(Self {
            metrics: env.metrics().to_vec(),
            env,
            goal,
            applications: vec![(EXAMPLE_ENV.to_owned(), Vec::new())],
            surrogate: fitted.map_err(|error| failed(&error))?,
        })
    }

    /// The contexts that are asked for, with their weights.
    fn weighted(&self, config: &ProxyConfig) -> Result<Vec<(Vec<f64>, f64)>, ConfigError> {
        let known = || self.applications.iter().map(|(name, _)| name.as_str());
        let chosen: Vec<&Vec<f64>> = if config.applications.is_empty() {
            self.applications.iter().map(|(_, context)| context).collect()
        } else {
            let find = |name: &String| {
                let found = self.applications.iter().find(|(known, _)| known == name);
                let unknown = || UnknownName::among("application", name, known()).to_string();
                found.map(|(_, context)| context).ok_or_else(|| ConfigError::new("applications", unknown()))
            };
            config.applications.iter().map(find).collect::<Result<_, _>>()?
        };
        if chosen.is_empty() {
            return Err(ConfigError::new("model", "it was fitted to no application"));
        }
        let weights =
            if config.weights.is_empty() { vec![1.0; chosen.len()] } else { config.weights.clone() };
        let is_usable = |&weight: &f64| weight > 0.0 && weight.is_finite();
        if weights.len() != chosen.len() || !weights.iter().all(is_usable) {
            let message = format!("got {weights:?}; expected {} positive numbers", chosen.len());
            return Err(ConfigError::new("weights", message));
        }
        Ok(chosen.into_iter().cloned().zip(weights).collect())
    }
}

/// The row of the catalog.
pub(crate) const PROXY: EnvEntry = EnvEntry::of::<Proxy>();

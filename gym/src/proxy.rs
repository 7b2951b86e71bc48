//! The environment `proxy`: a model file in the place of the environment that it was fitted to.

use std::fmt::Display;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout_core::config::{above, check};
use tapeout_core::{
    BuildEnvFrom, Catalog, ConfigError, Design, DesignSpace, Env, EnvEntry, EvalError, Goal, Metric,
    ModelCard, ModelFile, Outcome, UnknownName, WorkloadContext,
};
use tapeout_surrogates::{Combination, SurrogateEnv, View};

/// Which model is in the place of its environment, and how far it is trusted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    /// The model file, as `tapeout fit` writes it.
    pub model: Option<PathBuf>,
    /// The workloads that designs are for, by name; all that the model learned from if empty.
    pub workloads: Vec<String>,
    /// A weight for each workload; the same for all if empty.
    pub weights: Vec<f64>,
    /// How several workloads become one number: `mean` or `geometric-mean`.
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
            workloads: Vec::new(),
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

impl Proxy {
    /// A model in memory in the place of its environment, which `catalog` builds for the space; `config.model` is not looked at.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting cannot be used, or the catalog does not have the model's environment or learner.
    pub fn of_model(catalog: &Catalog, model: &ModelFile, config: &ProxyConfig) -> Result<Self, ConfigError> {
        check("kappa", config.kappa, ..)?;
        check("least_p_feasible", config.least_p_feasible, 0.0..=1.0)?;
        let refused = |error: &dyn Display| ConfigError::new("model", error.to_string());
        let card = &model.card;
        let entry = catalog.env(&card.env).map_err(|error| refused(&error))?;
        if entry.version != card.env_version {
            let (env, got, now) = (&card.env, card.env_version, entry.version);
            return Err(refused(&format!("it was fitted to version {got} of `{env}`, which is now {now}")));
        }
        let settings = card.sources.first().map_or(&Value::Null, |source| &source.settings);
        let (env, _) = catalog.build_env(&card.env, settings).map_err(|error| refused(&error))?;
        let surrogate = catalog.surrogate(model, env.space()).map_err(|error| refused(&error))?;
        let view = View {
            workloads: weighted(card, config)?,
            combination: config.combination,
            kappa: config.kappa,
            least_p_feasible: config.least_p_feasible,
        };
        Ok(Self {
            env: SurrogateEnv::new(env.space(), &card.metrics, &card.goal, surrogate, view),
            exact: config.exact_checks.then_some(env),
            goal: card.goal.clone(),
        })
    }
}

impl Proxy {
    /// What becomes of designs if each metric of the goal is worse than expected by kappa and, one after the other, each of `deviations`
    /// more, in standard deviations; shape `[deviations][n]`.
    pub fn outcomes(&self, designs: &[Design], deviations: &[f64]) -> Vec<Vec<Outcome>> {
        let mut outcomes = self.env.outcomes(designs, deviations);
        for (index, design) in designs.iter().enumerate() {
            if let Some(ruled_out) = self.precheck(design) {
                outcomes.iter_mut().for_each(|of_one| of_one[index] = ruled_out.clone());
            }
        }
        outcomes
    }
}

impl BuildEnvFrom for Proxy {
    const ID: &'static str = "proxy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A fitted model in the place of the environment it learned from";
    const DESCRIPTION: &'static str = include_str!("proxy.md");
    type Config = ProxyConfig;
    const REQUIRED: &'static [&'static str] = &["model"];
    const FILES: &'static [&'static str] = &["model"];

    fn build_from(catalog: &Catalog, config: ProxyConfig) -> Result<Self, ConfigError> {
        let Some(path) = &config.model else {
            return Err(ConfigError::new(
                "model",
                "is not set; name a model file, as `tapeout fit` writes it",
            ));
        };
        let refused = |error: &dyn Display| ConfigError::new("model", format!("{}: {error}", path.display()));
        let bytes = tapeout_input::read(path).map_err(|error| refused(&error))?;
        let model = ModelFile::from_bytes(&bytes).map_err(|error| refused(&error))?;
        Self::of_model(catalog, &model, &config).map_err(|error| match error.field.as_str() {
            "model" => refused(&error.message),
            _ => error,
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
        self.outcomes(designs, &[0.0]).into_iter().flatten().map(Ok).collect()
    }
}

/// The contexts that are asked for, with their weights.
fn weighted(card: &ModelCard, config: &ProxyConfig) -> Result<Vec<(Vec<f64>, f64)>, ConfigError> {
    let known = || card.sources.iter().map(|source| &source.workload);
    let chosen: Vec<&WorkloadContext> = if config.workloads.is_empty() {
        known().collect()
    } else {
        let find = |name: &String| {
            let names = || known().map(|workload| workload.name.as_str());
            let unknown = || UnknownName::among("workload", name, names()).to_string();
            let found = known().find(|workload| workload.name == *name);
            found.ok_or_else(|| ConfigError::new("workloads", unknown()))
        };
        config.workloads.iter().map(find).collect::<Result<_, _>>()?
    };
    if chosen.is_empty() {
        return Err(ConfigError::new("model", "it was fitted to no workload"));
    }
    let (n_weights, n_workloads) = (config.weights.len(), chosen.len());
    if n_weights > 0 && n_weights != n_workloads {
        let message =
            format!("{n_weights} weights for {n_workloads} workloads, expected one each, or none at all");
        return Err(ConfigError::new("weights", message));
    }
    let mut weights = config.weights.clone();
    weights.resize(n_workloads, 1.0);
    weights.iter().try_for_each(|&weight| check("weights", weight, above(0.0)))?;
    Ok(chosen.into_iter().map(|workload| workload.context.clone()).zip(weights).collect())
}

/// The row of the catalog.
pub(crate) const PROXY: EnvEntry = EnvEntry::of::<Proxy>();

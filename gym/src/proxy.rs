//! The environment `proxy`: a model file in the place of the environment that it was fitted to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout_core::config::{above, check};
use tapeout_core::{
    BuildEnvFrom, Catalog, ConfigError, Design, DesignSpace, Env, EnvEntry, EvalError, Goal, Metric,
    ModelFile, Outcome, Surrogate, UnknownName,
};
use tapeout_surrogates::{Combination, SurrogateEnv, View};

/// Which model stands in for which environment, and how far it is trusted.
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

/// A model, and what it was fitted for.
struct Fitted {
    env: Box<dyn Env>,
    metrics: Vec<Metric>,
    goal: Goal,
    /// Name and context of each workload.
    workloads: Vec<(String, Vec<f64>)>,
    surrogate: Box<dyn Surrogate>,
}

impl BuildEnvFrom for Proxy {
    const ID: &'static str = "proxy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "A fitted model in the place of the environment it learned from";
    const DESCRIPTION: &'static str = include_str!("proxy.md");
    type Config = ProxyConfig;
    const REQUIRED: &'static [&'static str] = &["model"];

    fn build_from(catalog: &Catalog, config: ProxyConfig) -> Result<Self, ConfigError> {
        check("kappa", config.kappa, ..)?;
        check("least_p_feasible", config.least_p_feasible, 0.0..=1.0)?;
        let Some(path) = &config.model else {
            return Err(ConfigError::new(
                "model",
                "is not set; name a model file, as `tapeout fit` writes it",
            ));
        };
        let fitted = Fitted::read(catalog, path)?;
        let view = View {
            workloads: fitted.weighted(&config)?,
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
        let (env, _) = catalog.build_env(&card.env, settings).map_err(|error| refused(&error))?;
        let surrogate = catalog.surrogate(&file, env.space()).map_err(|error| refused(&error))?;
        let workloads = card.sources.iter().map(|source| &source.workload);
        Ok(Self {
            env,
            metrics: card.metrics.clone(),
            goal: card.goal.clone(),
            workloads: workloads.map(|it| (it.name.clone(), it.context.clone())).collect(),
            surrogate,
        })
    }

    /// The contexts that are asked for, with their weights.
    fn weighted(&self, config: &ProxyConfig) -> Result<Vec<(Vec<f64>, f64)>, ConfigError> {
        let known = || self.workloads.iter().map(|(name, _)| name.as_str());
        let chosen: Vec<&Vec<f64>> = if config.workloads.is_empty() {
            self.workloads.iter().map(|(_, context)| context).collect()
        } else {
            let find = |name: &String| {
                let found = self.workloads.iter().find(|(known, _)| known == name);
                let unknown = || UnknownName::among("workload", name, known()).to_string();
                found.map(|(_, context)| context).ok_or_else(|| ConfigError::new("workloads", unknown()))
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
        Ok(chosen.into_iter().cloned().zip(weights).collect())
    }
}

/// The row of the catalog.
pub(crate) const PROXY: EnvEntry = EnvEntry::of::<Proxy>();

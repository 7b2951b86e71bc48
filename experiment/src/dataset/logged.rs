//! The environment `logged`: the designs of a log and what was measured of them, with nothing behind it that could be asked.
//!
//! Its settings hold all there is to know, so a data set or a model that names it needs no program and no other file.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EqualLevelsText, EvalError, Goal, Metric, Outcome,
    Parameter, Problem, ProductText,
};

use super::table::{Dataset, DatasetWorkload};
use crate::spec::EnvSpec;

/// What a log is of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoggedConfig {
    /// What the log is called.
    pub name: String,
    /// What the designs ran.
    pub workload: String,
    /// The knobs, which no rule ties.
    pub parameters: Vec<Parameter>,
    /// What is known to matter beside them.
    pub products: Vec<ProductText>,
    /// Levels of parameters that are known to make no difference.
    pub equal_levels: Vec<EqualLevelsText>,
    /// What was measured.
    pub metrics: Vec<Metric>,
    /// What to optimise when nobody says.
    pub goal: Goal,
}

impl LoggedConfig {
    /// The environment, in the version of this program, without what it ran.
    pub(super) fn spec(&self) -> EnvSpec {
        let mut env = EnvSpec::of::<Logged>(self);
        env.version = Some(Logged::VERSION);
        env.config.shift_remove("workload");
        env
    }
}

/// The designs of a log.
pub struct Logged {
    space: DesignSpace,
    config: LoggedConfig,
}

impl Logged {
    /// The settings that name a workload.
    pub(super) fn workload(name: &str) -> Map<String, Value> {
        Map::from_iter([("workload".to_owned(), Value::from(name))])
    }

    fn nothing_to_ask(&self) -> String {
        format!(
            "`{}` is a log, with nothing behind it that could be asked about a design; search its table (`--env recorded`) or a model \
             of it (`--env proxy`)",
            self.config.name
        )
    }
}

impl BuildEnv for Logged {
    const ID: &'static str = "logged";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "The designs of an imported log, to learn from; nothing can be asked";
    const DESCRIPTION: &'static str = include_str!("logged.md");
    const REQUIRED: &'static [&'static str] = &["parameters", "metrics", "goal"];
    type Config = LoggedConfig;

    fn build(config: LoggedConfig) -> Result<Self, ConfigError> {
        if config.parameters.is_empty() {
            let message =
                "is empty; data sets that `tapeout dataset import` made say it, and models fitted to them";
            return Err(ConfigError::new("parameters", message));
        }
        let about = |parameter: &Parameter| parameter.clone().about("as in the log");
        let space = DesignSpace::new(config.parameters.iter().map(about).collect(), Vec::new())?
            .with_products(&config.products)?
            .with_equal_levels(&config.equal_levels)?;
        Problem::new(space.clone(), config.metrics.clone(), config.goal.clone())
            .map_err(|error| ConfigError::new("goal", error.to_string()))?;
        Ok(Self { space, config })
    }

    fn default_goal(&self) -> Goal {
        self.config.goal.clone()
    }
}

impl Env for Logged {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.config.metrics
    }

    fn evaluate(&self, _: &Design) -> Result<Outcome, EvalError> {
        Err(EvalError::new(self.nothing_to_ask()))
    }

    fn missing(&self) -> Option<String> {
        Some(self.nothing_to_ask())
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["workload"]
    }
}

impl Dataset {
    /// What people call what the rows are of: the environment, or the log.
    pub fn title(&self) -> &str {
        let name = self.env().config.get("name").and_then(Value::as_str);
        name.filter(|_| self.env().id == Logged::ID).unwrap_or(&self.env().id)
    }

    /// The same rows without the environment that made them, which need not be known here: a log by itself, for this `goal`.
    #[must_use]
    pub fn standing_alone(mut self, goal: Goal) -> Self {
        let config = LoggedConfig {
            name: self.about.env.id.clone(),
            workload: String::new(),
            parameters: self.about.space.parameters().to_vec(),
            products: self.about.space.product_texts(),
            equal_levels: self.about.space.equal_level_texts(),
            metrics: self.about.metrics.clone(),
            goal,
        };
        self.about.env = config.spec();
        let alone =
            |it: &DatasetWorkload| DatasetWorkload { settings: Logged::workload(&it.name), ..it.clone() };
        self.about.workloads = self.about.workloads.iter().map(alone).collect();
        self
    }
}

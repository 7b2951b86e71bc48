//! What to run: a TOML file, read into a checked type.
//!
//! ```toml
//! version = 1
//! seed = 0
//! batch = 32              # designs asked for at once: part of the result, unlike the number of threads
//! objectives = ["latency_s", "max:utilization"]
//! constraints = ["area_m2 <= 27 mm2", "edp < 1e-5"]
//! derived = ["edp [J s] = latency_s * energy_j"]
//! [env]
//! id = "edge-accelerator"
//! version = 0
//! config = { networks = ["resnet50"] }
//! fix = { cores = 4 }     # parameters with one level
//! levels = { lanes = "16..64", pes_x = [2, 4] }
//! [agent]
//! id = "nsga2"
//! config = { population = 64 }
//! [budget]
//! trials = 1000           # distinct designs evaluated
//! wall_s = 600.0
//! target = { metric = "latency_s", value = 1e-3 }
//! [log]
//! sync = "second"
//! [[warm_start]]          # again for several
//! log = "runs/earlier"
//! trials = 500
//! ```
//!
//! Only `version`, `env.id`, `agent.id` and `budget.trials` must be there.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapeout_core::names::nearest_name;
use tapeout_core::{
    BuildEnvFrom, Constraint, Definition, KeptLevels, Narrowing, Objective, Seed, Value as DesignValue,
};

use crate::budget::Budget;
use crate::spec_error::{SpecError, SpecFault};
use crate::spec_location::SpecText;
use crate::spec_words::plain;
use crate::warm_start::WarmStart;

/// The version of the spec's format that this program reads and writes.
pub const SPEC_VERSION: u32 = 1;

/// Designs asked for at once when the spec does not say. Ours: small against a budget of 1,000, so that agents learn often,
/// and several times the cores of a workstation, so that none is idle.
pub const DEFAULT_BATCH: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");

/// What to run. A run is a function of this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The version of this format: [`SPEC_VERSION`].
    pub version: u32,
    /// Where all randomness comes from.
    #[serde(default = "default_seed")]
    pub seed: Seed,
    /// How many designs the agent is asked for at once. Part of the result: agents learn once a batch.
    #[serde(default = "default_batch")]
    pub batch: NonZeroUsize,
    /// What to optimise: `"latency_s"`, `"min:latency_s"`, `"max:utilization"`. If absent, what the environment says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objectives: Option<Vec<Objective>>,
    /// What is acceptable: `"area_m2 <= 2.7e-5"`. If absent, what the environment says; `[]` for no constraint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Vec<Constraint>>,
    /// Metrics that follow from those of the environment: `"edp [J s] = latency_s * energy_j"`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Definition>,
    /// Where to search.
    pub env: EnvSpec,
    /// Who searches.
    pub agent: AgentSpec,
    /// For how long. Not part of the result: a run of a larger budget begins with the log of the smaller.
    pub budget: Budget,
    /// How the log is kept. Not part of the result.
    #[serde(default)]
    pub log: LogSpec,
    /// What the agent is told before its first proposal: trials of earlier logs, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm_start: Vec<WarmStart>,
    /// The file it was read from, for messages.
    #[serde(skip)]
    pub(crate) text: SpecText,
}

/// Where to search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvSpec {
    /// The environment's name.
    pub id: String,
    /// Its version: that of this program if absent, and no other is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Its settings; what is absent keeps its default.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Parameters with one level, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fix: BTreeMap<String, DesignValue>,
    /// Parameters with some of their levels, by name: `"16..64"`, both ends included, or a list.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<String, KeptLevels>,
    /// SHA-256 of the files that settings name, by path; filled in when the spec is resolved, and then held to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

impl EnvSpec {
    /// The environment called `id` with its default settings.
    pub fn named(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// The part of its space that is searched.
    pub fn narrowing(&self) -> Narrowing<'_> {
        Narrowing { fix: Some(&self.fix), levels: Some(&self.levels) }
    }

    /// The environment `E`, in the version of this program, with these settings.
    pub fn of<E: BuildEnvFrom>(config: &E::Config) -> Self {
        let config = match serde_json::to_value(config).expect("settings are plain data with text keys") {
            Value::Object(config) => config,
            _ => Map::new(), // a unit struct: no settings
        };
        Self { config, ..Self::named(E::ID) }
    }
}

/// Who searches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// The agent's name.
    pub id: String,
    /// Its hyperparameters; what is absent keeps its default.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// SHA-256 of the files that hyperparameters name, such as a module of one's own, by path; filled in and held to as those of the
    /// environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

impl AgentSpec {
    /// The agent called `id` with its default hyperparameters.
    pub fn named(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }
}

/// How the log is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSpec {
    /// When the log is forced to the disk.
    pub sync: SyncPolicy,
}

/// When the log is forced to the disk (fdatasync). Whatever it is, a trial is handed to the operating system before the
/// agent learns of it, so a process that is killed loses none; this is about power cuts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncPolicy {
    /// After every batch, and at the end: a power cut loses nothing that the agent has learnt from.
    Batch,
    /// After a batch if a second has passed, and at the end: a power cut loses about a second.
    #[default]
    Second,
    /// Never: when the operating system likes.
    Never,
}

fn default_seed() -> Seed {
    Seed::new(0)
}

fn default_batch() -> NonZeroUsize {
    DEFAULT_BATCH
}

impl Spec {
    /// A spec with this environment, agent and budget, and the defaults elsewhere.
    pub fn new(env: &str, agent: &str, budget: Budget) -> Self {
        Self {
            version: SPEC_VERSION,
            seed: default_seed(),
            batch: DEFAULT_BATCH,
            objectives: None,
            constraints: None,
            derived: Vec::new(),
            env: EnvSpec::named(env),
            agent: AgentSpec::named(agent),
            budget,
            log: LogSpec::default(),
            warm_start: Vec::new(),
            text: SpecText::default(),
        }
    }

    /// Reads a spec file.
    ///
    /// # Errors
    /// [`SpecError`] if the file cannot be read, or as [`Spec::parse`].
    pub fn read(path: &Path) -> Result<Self, SpecError> {
        match tapeout_input::read_text(path) {
            Ok(text) => Self::parse(&text, path),
            Err(source) => Err(SpecError {
                path: Some(path.to_owned()),
                position: None,
                field: String::new(),
                fault: Box::new(SpecFault::Unreadable(source)),
            }),
        }
    }

    /// Reads the text of a spec; `path` is where it came from, for messages.
    ///
    /// # Errors
    /// [`SpecError`] with file, line, field and remedy if the text is not TOML, a key is unknown or missing, or a value
    /// has the wrong type.
    ///
    /// ```
    /// # use tapeout_experiment::Spec;
    /// let text = "version = 1\n[env]\nid = \"toy\"\n[agent]\nid = \"random\"\n[budget]\ntrails = 10\n";
    /// let error = Spec::parse(text, "run.toml".as_ref()).unwrap_err();
    /// assert_eq!(error.to_string(), "run.toml:7:1: `budget.trails`: unknown key; did you mean `trials`?");
    /// ```
    pub fn parse(text: &str, path: &Path) -> Result<Self, SpecError> {
        let text = SpecText::new(text, path);
        check_table(&text)?;
        let deserializer = toml::Deserializer::parse(text.text()).map_err(|error| syntax(&text, &error))?;
        let mut spec: Self = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let field = error.path().to_string();
            mistyped(&text, if field == "." { "" } else { &field }, error.inner())
        })?;
        spec.text = text;
        Ok(spec)
    }

    /// The spec as TOML.
    ///
    /// # Errors
    /// [`SpecError`] if a setting cannot be written in TOML: a null in a list, a number beyond 64 bits.
    pub fn to_toml(&self) -> Result<String, SpecError> {
        let mut spec = self.clone();
        drop_nulls(&mut spec.env.config);
        drop_nulls(&mut spec.agent.config);
        toml::to_string(&spec).map_err(|error| self.fault("", SpecFault::NotToml(error.to_string())))
    }

    /// An error about `field`, placed in the file this spec was read from.
    pub(crate) fn fault(&self, field: &str, fault: SpecFault) -> SpecError {
        fault_at(&self.text, field, fault)
    }
}

/// TOML has no null; a setting that is null is one that is absent.
pub(crate) fn drop_nulls(config: &mut Map<String, Value>) {
    config.retain(|_, value| !value.is_null());
    for value in config.values_mut() {
        drop_nulls_within(value);
    }
}

fn drop_nulls_within(value: &mut Value) {
    match value {
        Value::Object(object) => drop_nulls(object),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls_within),
        _ => {}
    }
}

/// What serde would not tell of a spec, or too late.
fn check_table(text: &SpecText) -> Result<(), SpecError> {
    let table: toml::Table = toml::from_str(text.text()).map_err(|error| syntax(text, &error))?;
    check_version(text, &table)?;
    ["env", "agent"].into_iter().try_for_each(|part| check_finite(text, &table, part))
}

/// Settings are handed on as JSON, which has neither infinity nor NaN: they would be taken for absent.
fn check_finite(text: &SpecText, table: &toml::Table, part: &str) -> Result<(), SpecError> {
    let config = table.get(part).and_then(|part| part.get("config"));
    match config.and_then(|config| not_finite(config, format!("{part}.config"))) {
        Some((field, number)) => {
            let message = format!("got {number}, expected a finite number");
            Err(fault_at(text, &field, SpecFault::Mistyped(message)))
        }
        None => Ok(()),
    }
}

/// The first infinity or NaN in the value at `place`, and where it stands.
fn not_finite(value: &toml::Value, place: String) -> Option<(String, f64)> {
    match value {
        toml::Value::Float(number) => (!number.is_finite()).then_some((place, *number)),
        toml::Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| not_finite(item, format!("{place}[{index}]")))
        }
        toml::Value::Table(table) => {
            table.iter().find_map(|(key, value)| not_finite(value, format!("{place}.{key}")))
        }
        _ => None,
    }
}

/// The version comes first: a spec of another version may have other keys.
fn check_version(text: &SpecText, table: &toml::Table) -> Result<(), SpecError> {
    match table.get("version").and_then(toml::Value::as_integer) {
        Some(version) if version != i64::from(SPEC_VERSION) => {
            Err(fault_at(text, "version", SpecFault::Version { got: version, expected: SPEC_VERSION }))
        }
        _ => Ok(()), // absent or ill-typed: reported with the other keys
    }
}

fn syntax(text: &SpecText, error: &toml::de::Error) -> SpecError {
    let mut located = fault_at(text, "", SpecFault::Syntax(error.message().to_owned()));
    located.position = error.span().map(|span| text.position(span.start));
    located
}

/// What serde says about a key or a value, with the place and, for an unknown key, the nearest known one.
fn mistyped(text: &SpecText, field: &str, error: &toml::de::Error) -> SpecError {
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let fault = match quoted.split_first() {
        Some((got, known)) if message.starts_with("unknown field") => SpecFault::UnknownKey {
            nearest: nearest_name(got, known.iter().copied()),
            known: known.iter().map(|&name| name.to_owned()).collect(),
        },
        _ => SpecFault::Mistyped(plain(message)),
    };
    let mut located = fault_at(text, field, fault);
    if !matches!(*located.fault, SpecFault::UnknownKey { .. }) {
        // The value stands behind its key; the parser knows of a list only where it begins.
        located.position = located.position.max(error.span().map(|span| text.position(span.start)));
    }
    located
}

fn fault_at(text: &SpecText, field: &str, fault: SpecFault) -> SpecError {
    SpecError {
        path: text.path().map(Path::to_owned),
        position: text.locate(field),
        field: field.to_owned(),
        fault: Box::new(fault),
    }
}

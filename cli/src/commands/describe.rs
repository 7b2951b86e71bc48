//! `tapeout describe`.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use tapeout::core::catalog::BuiltEnv;
use tapeout::core::{
    AgentEntry, BuildEnv as _, Catalog, Env, EnvEntry, EqualLevelsText, Goal, LearnerEntry, ProductText,
    UnknownName,
};
use tapeout::envs::RecordedKernel;
use tapeout::simulators::networks::{Conv2d, MatMul, NETWORKS, NeuralNetwork, Op, SecondOperand};

use super::list::objectives;
use super::tuning_page::TuningPage;
use crate::answer::Answer;
use crate::arguments::Setting;
use crate::failure::Failure;
use crate::number::count;
use crate::table::{Column, Table};

/// What to describe.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An environment, agent, learner or network, as `tapeout list` names it
    name: String,
    /// With an environment that is made from a file, such as `command` or `accelerator`: this file; with `recorded-kernel`: this
    /// tuning file, as it would be searched
    file: Option<PathBuf>,
    /// A setting of the environment, which is shown as it then is: `env.clock_hz=1e9`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// Print JSON: a list, since an agent and a learner may share a name
    #[arg(long)]
    json: bool,
}

/// Something that has a name.
enum Entry<'a> {
    Env(&'a EnvEntry, Value),
    Agent(&'a AgentEntry),
    Learner(&'a LearnerEntry),
    Network(Box<NeuralNetwork>),
}

impl Args {
    /// A page for everything of this name.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        if let Some(file) = self.file.as_ref().filter(|_| self.name == RecordedKernel::ID) {
            let page = TuningPage::read(file)?;
            return Ok(if self.json { Answer::json(&page.json()) } else { Answer::text(page.text()) });
        }
        let entries = entries(&self.name, self.config(catalog)?, catalog)?;
        if self.json {
            let pages: Vec<Value> =
                entries.iter().map(|entry| entry.json(catalog)).collect::<Result<_, _>>()?;
            return Ok(Answer::json(&json!({ "pages": pages })));
        }
        let pages: Vec<String> = entries.iter().map(|entry| entry.page(catalog)).collect::<Result<_, _>>()?;
        Ok(Answer::text(pages.join("\n")))
    }

    /// The settings that an environment is shown with.
    fn config(&self, catalog: &Catalog) -> Result<Value, Failure> {
        let (mut config, mut agent) = (Map::new(), Map::new());
        self.set.iter().for_each(|setting| setting.apply(&mut config, &mut agent));
        if let Some((key, _)) = agent.iter().next() {
            let error = anyhow::anyhow!("`agent.{key}`: an agent is described with its defaults");
            return Err(
                Failure::bad_input(error).hint("settings are those of an environment: `env.KEY=VALUE`")
            );
        }
        let env = catalog.env(&self.name).ok();
        if !config.is_empty() && env.is_none() {
            let error = anyhow::anyhow!("`--set`: `{}` is no environment", self.name);
            return Err(Failure::bad_input(error).hint("leave it out"));
        }
        if let Some(file) = &self.file {
            let Some(setting) = env.and_then(file_setting) else {
                let error = anyhow::anyhow!("`{}` is described without a file", self.name);
                let made = catalog.envs().iter().filter(|entry| file_setting(entry).is_some());
                let made: Vec<_> = made.map(|entry| entry.id).collect();
                return Err(Failure::bad_input(error).hint(format!("a file goes with {}", made.join(", "))));
            };
            config.insert(setting.to_owned(), Value::String(file.display().to_string()));
        }
        Ok(Value::Object(config))
    }
}

/// The setting that is one file from which the environment is made.
fn file_setting(entry: &EnvEntry) -> Option<&'static str> {
    let defaults = entry.defaults();
    let is_one = |&setting: &&'static str| defaults.get(setting).is_none_or(|value| !value.is_array());
    entry.files.iter().copied().find(is_one)
}

fn entries<'a>(name: &str, config: Value, catalog: &'a Catalog) -> Result<Vec<Entry<'a>>, Failure> {
    let mut entries = Vec::new();
    entries.extend(catalog.env(name).ok().map(|entry| Entry::Env(entry, config)));
    entries.extend(catalog.agent(name).ok().map(Entry::Agent));
    entries.extend(catalog.learner(name).ok().map(Entry::Learner));
    let network = NETWORKS.iter().find(|row| row.id == name);
    entries.extend(network.map(|row| Entry::Network(Box::new(row.network()))));
    if entries.is_empty() {
        let known = (catalog.envs().iter().map(|entry| entry.id))
            .chain(catalog.agents().iter().map(|entry| entry.id))
            .chain(catalog.learners().iter().map(|entry| entry.id))
            .chain(NETWORKS.iter().map(|row| row.id));
        return Err(UnknownName::among("name", name, known).into());
    }
    Ok(entries)
}

impl Entry<'_> {
    fn page(&self, catalog: &Catalog) -> Result<String, Failure> {
        match self {
            Self::Env(entry, config) => env_page(catalog, entry, config),
            Self::Agent(entry) => Ok(format!(
                "# {} (agent)\n\n{}\n\nObjectives: {}\n\n{}",
                entry.id,
                page_text(entry.summary, entry.description),
                objectives(entry),
                defaults("agent", &short(entry.defaults()))
            )),
            Self::Learner(entry) => Ok(format!(
                "# {} (learner)\n\n{}\n\n{}",
                entry.id,
                page_text(entry.summary, entry.description),
                defaults("learner", &short(entry.defaults()))
            )),
            Self::Network(network) => Ok(network_page(network)),
        }
    }

    fn json(&self, catalog: &Catalog) -> Result<Value, Failure> {
        Ok(match self {
            Self::Env(entry, config) => {
                let mut page = json!({
                    "kind": "env", "name": entry.id, "version": entry.version, "summary": entry.summary,
                    "description": entry.description,
                });
                if let Some((env, goal)) = built(catalog, entry, config)? {
                    let space = env.space();
                    let rules = space.rules().iter().map(
                        |rule| json!({ "name": rule.name(), "text": rule.text(), "scope": rule.scope() }),
                    );
                    page["designs"] = json!(space.cardinality().to_string());
                    page["parameters"] = json!(space.parameters());
                    page["rules"] = rules.collect::<Value>();
                    page["products"] = json!(space.product_texts());
                    page["equal_levels"] = json!(space.equal_level_texts());
                    page["metrics"] = json!(env.metrics());
                    page["goal"] = json!(goal);
                }
                page["config"] = short(entry.defaults());
                page
            }
            Self::Agent(entry) => json!({
                "kind": "agent", "name": entry.id, "summary": entry.summary, "description": entry.description,
                "objectives": entry.objectives, "config": short(entry.defaults()),
            }),
            Self::Learner(entry) => json!({
                "kind": "learner", "name": entry.id, "summary": entry.summary, "description": entry.description,
                "config": short(entry.defaults()),
            }),
            Self::Network(network) => network_json(network),
        })
    }
}

/// The environment with these settings; none if one without default is missing.
fn built(catalog: &Catalog, entry: &EnvEntry, config: &Value) -> Result<Option<BuiltEnv>, Failure> {
    if entry.required.iter().any(|&setting| config.get(setting).is_none()) {
        return Ok(None);
    }
    let built = catalog.build_env(entry.id, config).map_err(|error| {
        let error = Failure::from(error);
        error.context(format!("environment `{}` cannot be built", entry.id))
    });
    built.map(Some)
}

/// A page under its summary, without a title of its own.
fn page_text(summary: &str, description: &str) -> String {
    let description = description.trim();
    let body = match description.split_once('\n') {
        Some((title, body)) if title.starts_with("# ") => body.trim_start(),
        _ => description,
    };
    if body.is_empty() { summary.to_owned() } else { format!("{summary}\n\n{body}") }
}

fn env_page(catalog: &Catalog, entry: &EnvEntry, config: &Value) -> Result<String, Failure> {
    let mut page = format!(
        "# {} (environment, version {})\n\n{}\n\n",
        entry.id,
        entry.version,
        page_text(entry.summary, entry.description),
    );
    match built(catalog, entry, config)? {
        Some((env, goal)) => page.push_str(&env_text(env.as_ref(), &goal)),
        None => page.push_str(&format!("It needs these settings: {}.\n", entry.required.join(", "))),
    }
    page.push_str(&format!("\n{}", defaults("env", &short(entry.defaults()))));
    Ok(page)
}

/// Designs, metrics and goal.
fn env_text(env: &dyn Env, goal: &Goal) -> String {
    let space = env.space();
    let mut page = format!("## Designs\n\n{} legal designs", count(space.cardinality()));
    if space.cardinality() != space.n_combinations() {
        page.push_str(&format!(" of {} combinations", count(space.n_combinations())));
    }
    let mut parameters = Table::new(&[
        ("parameter", Column::Words),
        ("unit", Column::Words),
        ("levels", Column::Words),
        ("summary", Column::Words),
    ]);
    for parameter in space.parameters() {
        parameters.row([
            parameter.name().to_owned(),
            parameter.unit_name().to_owned(),
            parameter.levels_text(),
            parameter.summary().to_owned(),
        ]);
    }
    page.push_str(&format!("\n\n{}", parameters.text()));
    if !space.rules().is_empty() {
        let mut rules = Table::new(&[("rule", Column::Words), ("every design obeys", Column::Words)]);
        for rule in space.rules() {
            rules.row([rule.name().to_owned(), rule.text().to_owned()]);
        }
        page.push_str(&format!("\n{}", rules.text()));
    }
    if !space.products().is_empty() {
        let mut products = Table::new(&[
            ("known to matter", Column::Words),
            ("product of", Column::Words),
            ("summary", Column::Words),
        ]);
        for ProductText { name, of, about } in space.product_texts() {
            products.row([name, of.join(", "), about]);
        }
        page.push_str(&format!("\n{}", products.text()));
    }
    if space.has_equal_levels() {
        let mut equal = Table::new(&[
            ("equal levels of", Column::Words),
            ("which", Column::Words),
            ("where", Column::Words),
        ]);
        let list = |levels: &[tapeout::core::Value]| {
            levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        for EqualLevelsText { parameter, levels, given } in space.equal_level_texts() {
            let which = if levels.is_empty() { "all".to_owned() } else { list(&levels) };
            let place = given
                .map_or("everywhere".to_owned(), |it| format!("{} = {}", it.parameter, list(&it.levels)));
            equal.row([parameter, which, place]);
        }
        page.push_str(&format!("\n{}", equal.text()));
    }
    let mut metrics =
        Table::new(&[("metric", Column::Words), ("unit", Column::Words), ("summary", Column::Words)]);
    for metric in env.metrics() {
        metrics.row([metric.name.clone(), metric.unit.clone(), metric.summary.clone()]);
    }
    page.push_str(&format!("\n{}", metrics.text()));
    page.push_str(&format!("\n## What is searched for when nobody says\n\n{}", goal_text(goal)));
    page
}

fn goal_text(goal: &Goal) -> String {
    let mut text: String = goal.objectives.iter().map(|objective| format!("- {objective}\n")).collect();
    text.extend(goal.constraints.iter().map(|constraint| format!("- {constraint}\n")));
    text
}

/// Default settings as they stand in a spec.
fn defaults(table: &str, config: &Value) -> String {
    let is_empty = config.as_object().is_none_or(Map::is_empty);
    if is_empty {
        return "It has no settings.\n".to_owned();
    }
    let lines = config.as_object().into_iter().flatten().map(|(key, value)| {
        // A setting that is null has no place in TOML: absent is what it is.
        let value = toml_value(value);
        value.map_or_else(|| format!("# {key} is not set\n"), |value| format!("{key} = {value}\n"))
    });
    format!("## Settings and their defaults\n\n[{table}.config]\n{}", lines.collect::<String>())
}

/// Settings in which numbers of single precision are as short as they were written: 0.1, and not the double that is nearest to it.
fn short(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let single = number.as_f64().filter(|_| number.is_f64()).map(|wide| (wide, wide as f32));
            let single = single.filter(|(wide, single)| f64::from(*single) == *wide);
            let shorter = single.and_then(|(_, single)| single.to_string().parse::<f64>().ok());
            shorter.map_or(Value::Number(number), Value::from)
        }
        Value::Array(items) => items.into_iter().map(short).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, short(value))).collect(),
        value => value,
    }
}

fn toml_value(value: &Value) -> Option<String> {
    match value {
        // As short as it is in JSON, whose numbers are numbers in TOML: 1.1e-7.
        Value::Number(number) => Some(number.to_string()),
        _ => toml::Value::try_from(value).ok().map(|value| value.to_string()),
    }
}

/// Layers and totals of a network.
pub(super) fn network_page(network: &NeuralNetwork) -> String {
    let mut layers = Table::new(&[
        ("layer", Column::Words),
        ("runs", Column::Numbers),
        ("shape", Column::Words),
        ("MACs of all runs", Column::Numbers),
        ("weights", Column::Numbers),
    ]);
    for layer in network.layers() {
        layers.row([
            layer.name().to_owned(),
            count(layer.count()),
            shape(layer.op()),
            count(layer.total_macs()),
            count(layer.weights()),
        ]);
    }
    let notes =
        if network.notes().is_empty() { String::new() } else { format!("Notes: {}\n\n", network.notes()) };
    format!(
        "# {} (network)\n\n{}\n\nSource: {}\n\n{notes}{} MACs, {} parameters\n\n{}",
        network.id(),
        network.title(),
        network.source(),
        count(network.macs()),
        count(network.parameters()),
        layers.text()
    )
}

/// A shape in one line: what goes in, what comes out, how.
fn shape(op: &Op) -> String {
    let times = |factor: u64| if factor == 1 { String::new() } else { format!("{factor} x ") };
    match op {
        Op::Conv2d(Conv2d {
            batch,
            in_channels,
            out_channels,
            output,
            kernel,
            stride,
            dilation,
            groups,
            ..
        }) => {
            let mut text = format!(
                "{}conv {}x{}, {in_channels} -> {out_channels} channels of {}x{}",
                times(*batch),
                kernel[0],
                kernel[1],
                output[0],
                output[1]
            );
            if *stride != [1, 1] {
                text.push_str(&format!(", stride {}x{}", stride[0], stride[1]));
            }
            if *dilation != [1, 1] {
                text.push_str(&format!(", dilation {}x{}", dilation[0], dilation[1]));
            }
            if *groups != 1 {
                text.push_str(&format!(", {groups} groups"));
            }
            text
        }
        Op::MatMul(MatMul { batch, m, n, k, second }) => {
            let second = match second {
                SecondOperand::Weight => "weights",
                SecondOperand::Activation => "activations",
            };
            format!("{}matmul {m}x{k} by {k}x{n} {second}", times(*batch))
        }
        Op::Contraction(contraction) => {
            let dims = contraction.dims.iter().map(|(name, size)| format!("{name} {size}"));
            format!("contraction over {}", dims.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The same as data.
pub(super) fn network_json(network: &NeuralNetwork) -> Value {
    let layers = network.layers().iter().map(|layer| {
        json!({
            "name": layer.name(), "runs": layer.count(), "shape": shape(layer.op()),
            "macs": layer.total_macs(), "weights": layer.weights(),
        })
    });
    json!({
        "kind": "network", "name": network.id(), "title": network.title(), "source": network.source(),
        "licence": network.licence(), "notes": network.notes(), "macs": network.macs(),
        "parameters": network.parameters(), "layers": layers.collect::<Value>(),
    })
}

//! Workloads in files: TOML of this project, JSON of nodes and links, DOT.

mod dot;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::workload::{
    LEAST, SocAccelerator, SocBudget, SocTask, SocTransfer, SocWorkload, check_accelerator, check_counts,
    number,
};

/// Why there is no such workload.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SocWorkloadError {
    /// Not the text that is expected.
    #[error("{0}")]
    Text(String),
    /// Too few or too many of something.
    #[error("{got} {what}; expected {low} to {most}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// The fewest there may be.
        low: usize,
        /// The most.
        most: usize,
    },
    /// A name that cannot be one of a parameter.
    #[error("a task is called `{name}`; expected 1 to 64 letters, digits, `_`, `-` or `.`")]
    Name {
        /// The name.
        name: String,
    },
    /// Two of what there may be one of.
    #[error("two {what} `{name}`")]
    Twice {
        /// What there are two of, and what they do.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A quantity that is not in its range.
    #[error("{what} is {got}; expected {low:e} to {most:e}")]
    Number {
        /// Which.
        what: String,
        /// The number.
        got: f64,
        /// The least there may be.
        low: f64,
        /// The most.
        most: f64,
    },
    /// A task that takes no time, with an accelerator.
    #[error("task `{name}` has an accelerator, but 0 `core_cycles`")]
    Idle {
        /// The task.
        name: String,
    },
    /// A task with some of an accelerator's figures.
    #[error("task `{name}` has no `{field}`; an accelerator needs it")]
    Half {
        /// The task.
        name: String,
        /// What it lacks.
        field: &'static str,
    },
    /// A transfer of a task that is not there.
    #[error("transfer {transfer} is of task `{got}`, which is not there")]
    UnknownTask {
        /// Which, from 0.
        transfer: usize,
        /// The task.
        got: String,
    },
    /// Tasks that wait for each other.
    #[error("tasks wait for each other in a circle")]
    Circle,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadFile {
    #[serde(default = "one")]
    accelerator_energy_scale: f64,
    #[serde(default = "one")]
    accelerator_area_scale: f64,
    budget: Option<BudgetRow>,
    task: Vec<TaskRow>,
    #[serde(default)]
    transfer: Vec<TransferRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetRow {
    latency_s: f64,
    power_w: f64,
    area_m2: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskRow {
    name: String,
    core_cycles: f64,
    accelerator_cycles: Option<f64>,
    accelerator_energy_j: Option<f64>,
    accelerator_area_m2: Option<f64>,
    iterations: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferRow {
    from: String,
    to: String,
    byte: f64,
}

/// What other tools' graphs may say of a task, and of a transfer; the rest is theirs.
const TASK_FIELDS: [&str; 5] =
    ["core_cycles", "accelerator_cycles", "accelerator_energy_j", "accelerator_area_m2", "iterations"];
const TRANSFER_FIELDS: [&str; 1] = ["byte"];

fn one() -> f64 {
    1.0
}

impl SocWorkload {
    /// The workload in a file of `[[task]]`, with `name`, `core_cycles` and, if it has an accelerator, `accelerator_cycles`, `accelerator_energy_j`, `accelerator_area_m2` and
    /// `iterations`; `[[transfer]]` with `from`, `to` and `byte`; a `[budget]` with `latency_s`, `power_w` and `area_m2`; and factors of all energies and areas of accelerators,
    /// `accelerator_energy_scale` and `accelerator_area_scale`.
    ///
    /// # Errors
    /// [`SocWorkloadError`], as for [`SocWorkload::new`] or of the text.
    pub fn from_toml(text: &str) -> Result<Self, SocWorkloadError> {
        Self::of_rows(toml::from_str(text).map_err(|error| SocWorkloadError::Text(error.to_string()))?)
    }

    /// The workload in a graph as NetworkX and D3 write it: an object with `nodes`, each with an `id` and the fields of a `[[task]]`, and `links` or `edges`, each with
    /// `source`, `target` and `byte`. Other fields are let be; a graph that says that it is not `directed` is refused.
    ///
    /// # Errors
    /// [`SocWorkloadError`], as for [`SocWorkload::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, SocWorkloadError> {
        let refused = |message: &str| SocWorkloadError::Text(message.to_owned());
        let graph: Value = serde_json::from_str(text).map_err(|error| refused(&error.to_string()))?;
        if graph.get("directed").is_some_and(|directed| directed != &Value::Bool(true)) {
            return Err(refused("`directed` is not true; a link leads from its source to its target"));
        }
        let list = |names: &[&str]| names.iter().find_map(|&name| graph.get(name)?.as_array());
        let nodes = list(&["nodes"]).ok_or_else(|| refused("there is no list `nodes`"))?;
        let links =
            list(&["links", "edges"]).ok_or_else(|| refused("there is no list `links` or `edges`"))?;
        let name = |value: Option<&Value>, what: &str| match value {
            Some(Value::String(name)) => Ok(name.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(refused(&format!("{what} is no text and no number"))),
        };
        let (mut tasks, mut transfers) = (Vec::new(), Vec::new());
        for (index, node) in nodes.iter().enumerate() {
            let id = name(node.get("id"), &format!("`id` of node {index}"))?;
            tasks.push(task_row(id, &node.as_object().cloned().unwrap_or_default())?);
        }
        for (index, link) in links.iter().enumerate() {
            let end = |field: &str| name(link.get(field), &format!("`{field}` of link {index}"));
            let fields = link.as_object().cloned().unwrap_or_default();
            transfers.push(transfer_row(end("source")?, end("target")?, &fields)?);
        }
        Self::of_rows(WorkloadFile::of(tasks, transfers))
    }

    /// The workload in a `digraph` of Graphviz, whose nodes have the fields of a `[[task]]` as attributes and whose edges have `byte`, or have them from `node [..]` and
    /// `edge [..]` before. Other attributes are let be; subgraphs, ports, HTML and a second graph are refused.
    ///
    /// # Errors
    /// [`SocWorkloadError`], as for [`SocWorkload::from_toml`].
    pub fn from_dot(text: &str) -> Result<Self, SocWorkloadError> {
        let graph = dot::parse(text).map_err(SocWorkloadError::Text)?;
        let tasks = graph.nodes.into_iter().map(|(name, fields)| task_row(name, &fields));
        let transfers = graph.edges.into_iter().map(|(from, to, fields)| transfer_row(from, to, &fields));
        Self::of_rows(WorkloadFile::of(
            tasks.collect::<Result<_, _>>()?,
            transfers.collect::<Result<_, _>>()?,
        ))
    }

    fn of_rows(file: WorkloadFile) -> Result<Self, SocWorkloadError> {
        // Names are looked for one by one.
        check_counts(file.task.len(), file.transfer.len())?;
        let names: Vec<String> = file.task.iter().map(|row| row.name.clone()).collect();
        let (energy, area) = (file.accelerator_energy_scale, file.accelerator_area_scale);
        number("`accelerator_energy_scale`", energy, LEAST)?;
        number("`accelerator_area_scale`", area, LEAST)?;
        let tasks = file.task.into_iter().map(|row| row.task(energy, area)).collect::<Result<_, _>>()?;
        let transfer = |(transfer, row): (usize, TransferRow)| {
            let index = |got: &String| {
                let found = names.iter().position(|name| name == got);
                found.ok_or_else(|| SocWorkloadError::UnknownTask { transfer, got: got.clone() })
            };
            Ok(SocTransfer { from: index(&row.from)?, to: index(&row.to)?, byte: row.byte })
        };
        let transfers = file.transfer.into_iter().enumerate().map(transfer).collect::<Result<_, _>>()?;
        let budget = file.budget.map(|BudgetRow { latency_s, power_w, area_m2 }| SocBudget {
            latency_s,
            power_w,
            area_m2,
        });
        Self::new(tasks, transfers, budget)
    }
}

impl WorkloadFile {
    fn of(task: Vec<TaskRow>, transfer: Vec<TransferRow>) -> Self {
        Self { accelerator_energy_scale: 1.0, accelerator_area_scale: 1.0, budget: None, task, transfer }
    }
}

impl TaskRow {
    fn task(self, energy_scale: f64, area_scale: f64) -> Result<SocTask, SocWorkloadError> {
        let Self {
            name,
            core_cycles,
            accelerator_cycles,
            accelerator_energy_j,
            accelerator_area_m2,
            iterations,
        } = self;
        let given = [accelerator_cycles, accelerator_energy_j, accelerator_area_m2];
        let fields = ["accelerator_cycles", "accelerator_energy_j", "accelerator_area_m2"];
        let accelerator = match given {
            [Some(cycles), Some(energy_j), Some(area_m2)] => {
                let own = SocAccelerator { cycles, energy_j, area_m2, iterations: iterations.unwrap_or(1) };
                // Two figures below 0 make one above.
                check_accelerator(&name, &own)?;
                let (energy_j, area_m2) = (energy_j * energy_scale, area_m2 * area_scale);
                Some(SocAccelerator { energy_j, area_m2, ..own })
            }
            [None, None, None] if iterations.is_none() => None,
            _ => {
                let lacking = given.iter().position(Option::is_none).unwrap_or(0);
                return Err(SocWorkloadError::Half { name, field: fields[lacking] });
            }
        };
        Ok(SocTask { name, core_cycles, accelerator })
    }
}

/// The fields of `all` that are called `names`; text of a number is that number.
fn own_fields(all: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let number = |value: &Value| match value {
        Value::String(text) => {
            let (whole, real) = (text.trim().parse::<u64>(), text.trim().parse::<f64>());
            whole.ok().map(Value::from).or_else(|| Some(Value::from(real.ok().filter(|it| it.is_finite())?)))
        }
        _ => None,
    };
    let field = |name: &&str| {
        let value = all.get(*name)?;
        Some(((*name).to_owned(), number(value).unwrap_or_else(|| value.clone())))
    };
    names.iter().filter_map(field).collect()
}

fn task_row(name: String, all: &Map<String, Value>) -> Result<TaskRow, SocWorkloadError> {
    let mut fields = own_fields(all, &TASK_FIELDS);
    let what = format!("task `{name}`");
    fields.insert("name".to_owned(), Value::String(name));
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| SocWorkloadError::Text(format!("{what}: {error}")))
}

fn transfer_row(from: String, to: String, all: &Map<String, Value>) -> Result<TransferRow, SocWorkloadError> {
    let mut fields = own_fields(all, &TRANSFER_FIELDS);
    let what = format!("transfer `{from} -> {to}`");
    fields.insert("from".to_owned(), Value::String(from));
    fields.insert("to".to_owned(), Value::String(to));
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| SocWorkloadError::Text(format!("{what}: {error}")))
}

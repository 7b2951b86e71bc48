//! Where the tasks of a graph run, and in which order.
//!
//! Source: Topcuoglu, Hariri & Wu (2002), doi:10.1109/71.993206. The model is [`tapeout_simulators::task_graph`].

use serde::{Deserialize, Serialize};
use tapeout_core::{
    BuildEnv, ConfigError, CountParameter, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective,
    Outcome, Parameter, UnknownName,
};
use tapeout_simulators::task_graph::{Schedule, TaskGraph, ten_tasks};

/// Bytes of a file of a graph; ours: far more than the most tasks and messages between all of them take.
const MAX_FILE_BYTE: u64 = 1 << 20;

/// The graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskScheduleConfig {
    /// `ten-tasks`, or a file that ends in `.toml`, of `[[task]]` with `name` and `times`, one for each processor, and `[[message]]` with `from`, `to` and `time`.
    pub graph: String,
}

impl Default for TaskScheduleConfig {
    fn default() -> Self {
        Self { graph: "ten-tasks".to_owned() }
    }
}

/// Schedules of a graph as an environment.
#[derive(Debug)]
pub struct TaskSchedule {
    graph: TaskGraph,
    space: DesignSpace,
    places: Vec<CountParameter>,
    processors: Vec<CountParameter>,
    metrics: Vec<Metric>,
}

impl TaskSchedule {
    /// The graph.
    pub fn graph(&self) -> &TaskGraph {
        &self.graph
    }

    /// The schedule that `design` says.
    pub fn schedule(&self, design: &Design) -> Schedule {
        // Source: Lehmer (1960), "Teaching combinatorial tricks to a computer": every order is reached once.
        let mut order = vec![0];
        for (before, place) in self.places.iter().enumerate() {
            order.insert(place.of(design) as usize, before + 1);
        }
        let processors: Vec<usize> = self.processors.iter().map(|it| it.of(design) as usize).collect();
        self.graph.in_order(&order, &processors)
    }
}

impl Env for TaskSchedule {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let schedule = self.schedule(design);
        let makespan = schedule.makespan() as f64;
        let busy: u64 = schedule.placed.iter().map(|it| it.end - it.start).sum();
        let share = busy as f64 / (makespan * self.graph.n_processors() as f64);
        Ok(Outcome::Measured(vec![makespan, share]))
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["graph"]
    }
}

impl BuildEnv for TaskSchedule {
    const ID: &'static str = "task-schedule";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str =
        "order and processor of each task of a graph: HEFT's ten tasks, or one of your own";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["graph"];
    const DESIGNS: Option<u128> = Some(214_277_011_200);
    type Config = TaskScheduleConfig;

    fn build(config: TaskScheduleConfig) -> Result<Self, ConfigError> {
        let graph = graph(&config.graph)?;
        let n = graph.n_tasks();
        let mut parameters: Vec<Parameter> = (1..n)
            .map(|task| {
                Parameter::integer(&place_name(task), 0, task as i64)
                    .about("how many of the tasks of lower numbers go before this one")
            })
            .collect();
        let last = graph.n_processors() as i64 - 1;
        parameters.extend((0..n).map(|task| {
            Parameter::integer(&processor_name(task), 0, last).about("where this task runs, counted from 0")
        }));
        let space = DesignSpace::new(parameters, Vec::new())?;
        let places = (1..n).map(|task| space.count(&place_name(task))).collect::<Result<_, _>>()?;
        let processors = (0..n).map(|task| space.count(&processor_name(task))).collect::<Result<_, _>>()?;
        let metrics = vec![
            Metric::new("makespan", "", "when the last task has ended, in the graph's unit of time"),
            Metric::new("busy_share", "", "time of all tasks over that of all processors"),
        ];
        Ok(Self { graph, space, places, processors, metrics })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("makespan")], constraints: Vec::new() }
    }
}

/// The graph that the setting names.
fn graph(name: &str) -> Result<TaskGraph, ConfigError> {
    if name == "ten-tasks" {
        return Ok(ten_tasks());
    }
    if !name.ends_with(".toml") {
        let unknown = UnknownName::among("graph", name, ["ten-tasks"].into_iter());
        return Err(ConfigError::new("graph", format!("{unknown}; or a file that ends in .toml")));
    }
    let refused = |message: String| ConfigError::new("graph", format!("{name}: {message}"));
    let text = crate::settings_file::read(name, MAX_FILE_BYTE).map_err(refused)?;
    TaskGraph::from_toml(&text).map_err(|error| refused(error.to_string()))
}

fn place_name(task: usize) -> String {
    format!("place_{task}")
}

fn processor_name(task: usize) -> String {
    format!("processor_{task}")
}

#[cfg(test)]
mod tests;

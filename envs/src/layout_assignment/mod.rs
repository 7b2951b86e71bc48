//! Which layout each tensor of a graph is kept in.
//!
//! Source: Phothilimthana et al. (NeurIPS 2023), arXiv 2308.13490. The model is [`tapeout_simulators::layout`].

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildEnv, CategoryParameter, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective,
    Outcome, Parameter,
};
use tapeout_simulators::layout::LayoutGraph;
use tapeout_simulators::transformer::transformer;

/// Bytes of a file of a graph; ours: some thousand for each of some thousand operators.
const MAX_FILE_BYTE: u64 = 1 << 22;

/// Bytes of a number of a transformer: bf16, of which the unit's rate is.
const ELEMENT_BYTE: f64 = 2.0;

/// Most entries of a table when the best assignment is looked for. Ours: half a megabyte, which graphs that are nearly trees stay far below.
const MAX_ENTRIES: usize = 1 << 16;

/// The graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayoutAssignmentConfig {
    /// A transformer whose layers are the graph: `bert-base`, `gpt2`, `llama-3-8b`, ...; or a file of one's own that ends in `.toml`, of `[[tensor]]`
    /// and `[[operator]]`.
    pub graph: String,
    /// Layers of that transformer.
    pub layers: u64,
    /// Tokens of its sequence.
    pub tokens: u64,
}

impl Default for LayoutAssignmentConfig {
    fn default() -> Self {
        Self { graph: "falcon-7b".to_owned(), layers: 2, tokens: 200 }
    }
}

/// Layouts of a graph's tensors as an environment.
#[derive(Debug)]
pub struct LayoutAssignment {
    graph: LayoutGraph,
    space: DesignSpace,
    /// The tensors that a design lays out.
    free: Vec<(usize, CategoryParameter<usize>)>,
    /// The least time, in s, if it is known.
    least_s: Option<f64>,
    metrics: Vec<Metric>,
}

impl LayoutAssignment {
    /// The graph.
    pub fn graph(&self) -> &LayoutGraph {
        &self.graph
    }

    /// The layout of each tensor.
    pub fn layouts(&self, design: &Design) -> Vec<usize> {
        let fixed = self.graph.tensors().iter().map(|tensor| tensor.fixed.unwrap_or(0));
        let mut layouts: Vec<usize> = fixed.collect();
        for (tensor, parameter) in &self.free {
            layouts[*tensor] = *parameter.of(design);
        }
        layouts
    }
}

impl Env for LayoutAssignment {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let report = self.graph.report(&self.layouts(design));
        let mut values = vec![report.time_s, report.copy_s, report.copies as f64, report.byte];
        values.extend(self.least_s.map(|least_s| report.time_s / least_s - 1.0));
        Ok(Outcome::Measured(values))
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["graph", "layers", "tokens"]
    }
}

impl BuildEnv for LayoutAssignment {
    const ID: &'static str = "layout-assignment";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "a layout for each tensor of a graph: operators that like one, copies between; transformers, or a graph of your own";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["graph"];
    const DESIGNS: Option<u128> = Some(1 << 31);
    type Config = LayoutAssignmentConfig;

    fn build(config: LayoutAssignmentConfig) -> Result<Self, ConfigError> {
        let graph = config.graph()?;
        let choices = graph.tensors().iter().enumerate();
        let choices = choices.filter(|(_, tensor)| tensor.fixed.is_none() && tensor.layouts.len() > 1);
        let choices: Vec<usize> = choices.map(|(index, _)| index).collect();
        if choices.is_empty() {
            return Err(ConfigError::new(
                "graph",
                "every tensor has one layout, so there is nothing to choose",
            ));
        }
        let parameter = |&index: &usize| {
            let tensor = &graph.tensors()[index];
            let layouts: Vec<&str> = tensor.layouts.iter().map(String::as_str).collect();
            Parameter::categorical(&tensor.name, &layouts).about("the layout that this tensor is kept in")
        };
        let space = DesignSpace::new(choices.iter().map(parameter).collect(), Vec::new())?;
        let handle = |index: usize| {
            let tensor = &graph.tensors()[index];
            let meanings = tensor.layouts.iter().enumerate().map(|(layout, name)| (name.as_str(), layout));
            Ok((index, space.category(&tensor.name, meanings)?))
        };
        let free = choices.into_iter().map(handle).collect::<Result<_, ConfigError>>()?;
        let best = graph.optimum(MAX_ENTRIES);
        let least_s = best.map(|best| graph.report(&best).time_s).filter(|&least_s| least_s > 0.0);
        let mut metrics = vec![
            Metric::new("time_s", "s", "all operators and copies, one after the other"),
            Metric::new("copy_s", "s", "copies alone"),
            Metric::new("copies", "", "how many copies there are"),
            Metric::new("tensors_byte", "byte", "all tensors in their layouts, padding included"),
        ];
        if least_s.is_some() {
            metrics.push(Metric::new("excess", "", "time over that of the best assignment there is, less 1"));
        }
        Ok(Self { graph, space, free, least_s, metrics })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("time_s")], constraints: Vec::new() }
    }
}

impl LayoutAssignmentConfig {
    /// The graph that the settings name.
    fn graph(&self) -> Result<LayoutGraph, ConfigError> {
        let refused = |message: String| ConfigError::new("graph", message);
        if self.graph.ends_with(".toml") {
            let in_file = |message: String| refused(format!("{}: {message}", self.graph));
            let text = crate::settings_file::read(&self.graph, MAX_FILE_BYTE).map_err(in_file)?;
            return LayoutGraph::from_toml(&text).map_err(|error| in_file(error.to_string()));
        }
        let unknown = |unknown| refused(format!("{unknown}; or a file that ends in .toml"));
        let mut model = transformer(&self.graph).map_err(unknown)?;
        check("layers", self.layers, 1..=model.layers)?;
        check("tokens", self.tokens, 1..=1 << 20)?;
        model.layers = self.layers;
        let cascade = model.cascade(self.tokens, ELEMENT_BYTE).map_err(|error| refused(error.to_string()))?;
        LayoutGraph::of_cascade(&cascade, ELEMENT_BYTE).map_err(|error| refused(error.to_string()))
    }
}

#[cfg(test)]
mod tests;

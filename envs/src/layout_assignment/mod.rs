//! Which layout each tensor of a graph is kept in.
//!
//! Source: Phothilimthana et al. (NeurIPS 2023), arXiv 2308.13490. The model is [`tapeout_simulators::layout`].

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildEnv, ConfigError, CountParameter, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective,
    Outcome, Parameter,
};
use tapeout_simulators::layout::LayoutGraph;
use tapeout_simulators::transformer::transformer;

/// Bytes of a file of a graph; ours: some thousand for each of some thousand operators.
const MAX_FILE_BYTE: u64 = 1 << 22;

/// The graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayoutAssignmentConfig {
    /// A transformer whose layers are the graph: `bert-base`, `gpt2`, `llama-3-8b`, ...; or a file of one's own that ends in `.toml`, of `[[tensor]]` and `[[operator]]`.
    pub graph: String,
    /// Layers of that transformer.
    pub layers: u64,
    /// Tokens of its sequence.
    pub tokens: u64,
    /// Bytes of a number of it.
    pub element_byte: u64,
}

impl Default for LayoutAssignmentConfig {
    fn default() -> Self {
        Self { graph: "gpt2".to_owned(), layers: 2, tokens: 64, element_byte: 2 }
    }
}

/// Layouts of a graph's tensors as an environment.
#[derive(Debug)]
pub struct LayoutAssignment {
    graph: LayoutGraph,
    space: DesignSpace,
    /// The tensors that a design lays out.
    free: Vec<(usize, CountParameter)>,
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
            layouts[*tensor] = parameter.of(design) as usize;
        }
        layouts
    }
}

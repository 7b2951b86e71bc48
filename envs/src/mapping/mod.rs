//! GAMMA's question: how to run one layer on one architecture.
//!
//! Source: Kao & Krishna (2020), "GAMMA: automating the HW mapping of DNN models on accelerators via genetic algorithm",
//! doi:10.1145/3400302.3415639: tile sizes, loop order and parallel dimensions at every level of a hierarchy. The cost
//! model is [`tapeout_simulators::loop_nest`].

mod encoding;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tapeout_core::breakdown::Breakdown;
use tapeout_core::config::{above, check};
use tapeout_core::names::UnknownName;
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_simulators::architectures::{architecture, from_toml};
use tapeout_simulators::loop_nest::{
    Architecture, Einsum, Evaluator, Illegal, Mapping, Quirks, Report, TensorSet, Workspace,
};
use tapeout_simulators::mapper::Best;
use tapeout_simulators::network_cost::{LayerCost, NetworkCost};
use tapeout_simulators::networks::{Layer, MatMul, Op, SecondOperand, open_network};

use crate::accelerator::{ByNetwork, breakdown};
use encoding::Encoding;

/// One layer and one architecture.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerMappingConfig {
    /// A built-in architecture, or the path of a file that ends in `.toml`.
    pub architecture: String,
    /// The network whose layer it is: a built-in one, or a file. Not read if `gemm` is given.
    pub network: String,
    /// The layer, by name. Not read if `gemm` is given.
    pub layer: String,
    /// Inputs at once. Not read if `gemm` is given.
    pub batch: u64,
    /// A matrix product instead of a layer: rows, columns and summands of the result, `[m, n, k]`.
    pub gemm: Option<[u64; 3]>,
    /// Tensors that a level keeps, by name of the level; levels that are not named keep all of them.
    pub keep: BTreeMap<String, Vec<String>>,
    /// Cycles of the architecture per second.
    pub clock_hz: f64,
}

impl Default for LayerMappingConfig {
    fn default() -> Self {
        Self {
            architecture: "edge-like".to_owned(),
            network: "resnet50".to_owned(),
            layer: "layer3.1.conv2".to_owned(),
            batch: 1,
            gemm: None,
            keep: BTreeMap::new(),
            // Source: data/architectures/edge-like.toml is counted in cycles of 400 MHz.
            clock_hz: 400e6,
        }
    }
}

/// All mappings of one layer on one architecture.
pub struct LayerMapping {
    architecture: Architecture,
    /// What the layer is called in tables.
    name: String,
    einsum: Einsum,
    macs: u64,
    encoding: Encoding,
    metrics: Vec<Metric>,
    clock_hz: f64,
}

impl LayerMapping {
    /// The mappings of `einsum` on `architecture`, whose levels keep `keep`, the innermost first, and which runs `clock_hz`
    /// cycles a second.
    ///
    /// # Errors
    /// [`ConfigError`] if a level cannot hold one word of every tensor it keeps, or there is nothing to map.
    ///
    /// # Panics
    /// If `keep` is not one set for each level.
    pub fn new(
        architecture: Architecture,
        einsum: Einsum,
        keep: Vec<TensorSet>,
        clock_hz: f64,
    ) -> Result<Self, ConfigError> {
        assert_eq!(keep.len(), architecture.levels().len(), "one set of tensors for each level");
        check("clock_hz", clock_hz, above(0.0))?;
        let encoding = Encoding::new(&architecture, &einsum, keep)
            .map_err(|error| ConfigError::new("", format!("the layer cannot be mapped: {error}")))?;
        let macs = einsum.macs().map_err(|error| ConfigError::new("", error.to_string()))?;
        let name = "layer".to_owned();
        Ok(Self { architecture, name, einsum, macs, encoding, metrics: metrics(), clock_hz })
    }

    /// The mapping that `design` says, and the layer as it runs, padded where tiles do not divide it.
    pub fn mapping(&self, design: &Design) -> Result<(Mapping, Einsum), EvalError> {
        let decoded = self.encoding.decode(design, &self.einsum);
        let padded = self.einsum.with_sizes(&decoded.sizes);
        let padded = padded.map_err(|error| EvalError::caused_by("the padded layer is too large", error))?;
        Ok((decoded.mapping, padded))
    }

    /// What the layer costs under the mapping that `design` says, or that it does not fit.
    fn cost(&self, design: &Design) -> Result<Result<Best, Outcome>, EvalError> {
        let (mapping, padded) = self.mapping(design)?;
        let failed = |error: Illegal| EvalError::new(error.describe(&self.architecture, &padded));
        let nest = Evaluator::new(&self.architecture, &padded, Quirks::default()).map_err(failed)?;
        let mut report = Report::new();
        match nest.evaluate(&mapping, &mut Workspace::new(), &mut report) {
            Ok(()) => {}
            Err(Illegal::Capacity { level, tensor, need, have, .. }) => {
                return Ok(Err(self.infeasible(level, tensor, need, have)));
            }
            Err(error) => return Err(failed(error)),
        }
        let useful_share = self.macs as f64 / report.macs as f64;
        // Nothing is known of other mappings.
        let (lower_bound, gap) = (0.0, f64::INFINITY);
        let einsum = padded;
        Ok(Ok(Best { mapping, einsum, report, useful_share, lower_bound, gap, evaluated: 1, work: 0 }))
    }

    fn infeasible(&self, level: usize, tensor: usize, need: u64, have: u64) -> Outcome {
        let level = self.architecture.levels()[level].name.to_lowercase();
        let tensor = self.einsum.tensors()[tensor].name().to_lowercase();
        Outcome::infeasible(&format!("{level}_capacity_{tensor}"), need as f64 / have as f64 - 1.0)
    }
}

impl Env for LayerMapping {
    fn space(&self) -> &DesignSpace {
        &self.encoding.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let best = match self.cost(design)? {
            Ok(best) => best,
            Err(outcome) => return Ok(outcome),
        };
        let latency_s = best.report.cycles as f64 / self.clock_hz;
        let energy_j = best.report.energy_j;
        Ok(Outcome::Measured(vec![latency_s, energy_j, energy_j * latency_s, best.utilization()]))
    }

    fn breakdown(&self, design: &Design) -> Result<Option<Breakdown>, EvalError> {
        let Ok(best) = self.cost(design)? else { return Ok(None) };
        let energy_j = best.report.energy_j;
        let name = self.name.clone();
        let layer = LayerCost { name, runs: 1.0, macs: self.macs, best: Arc::new(best), energy_j };
        let cost = NetworkCost::new(&self.architecture, vec![layer]);
        Ok(Some(breakdown(&cost, self.clock_hz, &ByNetwork::default(), &[])))
    }
}

impl BuildEnv for LayerMapping {
    const ID: &'static str = "mapping";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "GAMMA's question: tiles, loop orders and parallel dimensions of one layer on one architecture";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["architecture", "network"];
    const DESIGNS: Option<u128> = Some(4_036_050_735_206_400);
    type Config = LayerMappingConfig;

    fn build(config: LayerMappingConfig) -> Result<Self, ConfigError> {
        let architecture = machine(&config.architecture)?;
        let layer = layer(&config)?;
        let einsum = layer.einsum().clone();
        let keep = kept(&config.keep, &architecture, &einsum)?;
        let name = layer.name().to_owned();
        Ok(Self { name, ..Self::new(architecture, einsum, keep, config.clock_hz)? })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::minimize("energy_j")],
            constraints: Vec::new(),
        }
    }
}

fn machine(name: &str) -> Result<Architecture, ConfigError> {
    let refused = |message: String| ConfigError::new("architecture", message);
    if !name.ends_with(".toml") {
        return architecture(name).map_err(|error| refused(error.to_string()));
    }
    let text = tapeout_input::read_text(name).map_err(|error| refused(format!("{name}: {error}")))?;
    from_toml(&text, name).map_err(|error| refused(error.to_string()))
}

fn layer(config: &LayerMappingConfig) -> Result<Layer, ConfigError> {
    if let Some([m, n, k]) = config.gemm {
        let product = MatMul { batch: 1, m, n, k, second: SecondOperand::Weight };
        return Layer::new("gemm", Op::MatMul(product))
            .map_err(|error| ConfigError::new("gemm", error.to_string()));
    }
    let network =
        open_network(&config.network).map_err(|error| ConfigError::new("network", error.to_string()))?;
    let found = network.layers().iter().find(|layer| layer.name() == config.layer);
    let names = network.layers().iter().map(Layer::name);
    let layer = found.ok_or_else(|| {
        ConfigError::new("layer", UnknownName::among("layer", &config.layer, names).to_string())
    })?;
    layer.with_batch(config.batch).map_err(|error| ConfigError::new("batch", error.to_string()))
}

/// The tensors that each level keeps, the innermost first.
fn kept(
    chosen: &BTreeMap<String, Vec<String>>,
    architecture: &Architecture,
    einsum: &Einsum,
) -> Result<Vec<TensorSet>, ConfigError> {
    let all = TensorSet::all(einsum.tensors().len());
    let mut keep = vec![all; architecture.levels().len()];
    for (level, tensors) in chosen {
        let field = format!("keep.{level}");
        let refused = |message: String| ConfigError::new(field.as_str(), message);
        let index = architecture.level_index(level).map_err(|error| refused(error.to_string()))?;
        let with = |set: TensorSet, name: &String| {
            let tensor = einsum.tensor_index(name).map_err(|error| refused(error.to_string()))?;
            Ok::<_, ConfigError>(set.with(tensor))
        };
        keep[index] = tensors.iter().try_fold(TensorSet::EMPTY, with)?;
        if index + 1 == keep.len() && keep[index] != all {
            return Err(refused(
                "the outermost level keeps every tensor, expected all or no entry".to_owned(),
            ));
        }
    }
    Ok(keep)
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("latency_s", "s", "time of the layer"),
        Metric::new("energy_j", "J", "energy of the layer: arithmetic, storage, networks, leakage"),
        Metric::new("energy_delay_js", "J s", "energy times latency"),
        Metric::new(
            "utilization",
            "",
            "multiply-accumulates of the layer over what all units could do in that time",
        ),
    ]
}

#[cfg(test)]
mod tests;

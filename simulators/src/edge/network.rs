//! A workload on a chip: what its layers cost.
//!
//! The loop-nest model counts words, cycles and energies of the whole hierarchy, first loads, last stores, fill, drain and
//! leakage included. Added here is what it has no words for: the program and its memory.

use std::sync::Arc;

use rayon::prelude::*;

use super::chip::Chip;
use super::hierarchy::DRAM;
use super::infeasible::{EdgeRule, Infeasible};
use super::layer::{INPUTS, OUTPUTS, PreparedLayer, PreparedWorkload, WEIGHTS};
use super::mapping::{best, instructions};
use super::simulated::under;
use crate::mapper::Best;
use crate::network_cost::{LayerCost, NetworkCost};

/// One layer, run once.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerReport {
    /// The mapping, and what the loop-nest model says of it by level of [`Chip::architecture`].
    pub best: Arc<Best>,
    /// Instructions of its program.
    pub instructions: u64,
    /// Energy of everything, leakage included.
    pub energy_j: f64,
}

impl LayerReport {
    /// Cycles of the run.
    pub fn cycles(&self) -> u64 {
        self.best.report.cycles
    }

    /// Bytes read from DRAM as weights.
    pub fn weight_bytes(&self) -> u64 {
        self.best.report.tensor(DRAM, WEIGHTS).reads
    }

    /// Bytes read from and written to DRAM as inputs and outputs.
    pub fn activation_bytes(&self) -> u64 {
        let outputs = self.best.report.tensor(DRAM, OUTPUTS);
        self.best.report.tensor(DRAM, INPUTS).reads + outputs.reads + outputs.updates
    }
}

impl Chip {
    /// Runs all layers of `workload`, one after the other.
    ///
    /// # Errors
    /// [`Infeasible`] with the rule that the first layer that cannot run breaks.
    pub fn run(&self, workload: &PreparedWorkload) -> Result<NetworkCost, Infeasible> {
        let run = |layer: &PreparedLayer| {
            let LayerReport { best, energy_j, .. } = self.run_layer(layer)?;
            Ok(LayerCost {
                name: layer.name().to_owned(),
                runs: layer.runs(),
                macs: layer.macs(),
                best,
                energy_j,
            })
        };
        // Of those that cannot run, the first is told.
        let layers: Vec<Result<LayerCost, Infeasible>> = workload.layers().par_iter().map(run).collect();
        let layers = layers.into_iter().collect::<Result<_, _>>()?;
        Ok(NetworkCost::new(self.architecture(), layers))
    }

    /// Runs one layer once.
    ///
    /// # Errors
    /// [`Infeasible`] with the rule that it breaks.
    pub fn run_layer(&self, layer: &PreparedLayer) -> Result<LayerReport, Infeasible> {
        let mut best = best(self, layer);
        if let Some(device) = &self.memory {
            best = under(self, device, &best);
        }
        let instructions = instructions(self, &best.report);
        let (need, have) = (instructions as f64, self.template().instruction_entries as f64);
        Infeasible::unless_within(EdgeRule::InstructionMemory, need, have)?;
        let seconds = best.report.cycles as f64 / self.setting().clock_hz;
        let program_j = instructions as f64 * self.controller.instruction_j;
        let energy_j = best.report.energy_j + program_j + seconds * self.controller.leakage_w;
        Ok(LayerReport { best, instructions, energy_j })
    }
}

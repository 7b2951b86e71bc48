//! A workload on a chip: latency, energy, and where they go.
//!
//! The loop-nest model counts words, cycles and energies of the whole hierarchy, first loads, last stores, fill, drain and
//! leakage included. Added here is what it has no words for: the program and its memory.

use std::sync::Arc;

use super::chip::Chip;
use super::hierarchy::DRAM;
use super::infeasible::{EdgeRule, Infeasible};
use super::layer::{INPUTS, OUTPUTS, PreparedLayer, PreparedWorkload, WEIGHTS};
use super::mapping::{best, instructions};
use crate::mapper::Best;

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
    /// All cycles.
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

/// A whole workload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkloadReport {
    /// Time of all layers one after the other.
    pub latency_s: f64,
    /// Energy of all layers, leakage included.
    pub energy_j: f64,
    /// Multiply-accumulates over what the chip could do in that time.
    pub utilization: f64,
}

impl Chip {
    /// Runs all layers of `workload`, one after the other.
    ///
    /// # Errors
    /// [`Infeasible`] with the rule that the first layer that cannot run breaks.
    pub fn run(&self, workload: &PreparedWorkload) -> Result<WorkloadReport, Infeasible> {
        let (mut cycles, mut energy_j) = (0.0, 0.0);
        for layer in workload.layers() {
            let report = self.run_layer(layer)?;
            cycles += layer.runs() * report.cycles() as f64;
            energy_j += layer.runs() * report.energy_j;
        }
        Ok(WorkloadReport {
            latency_s: cycles / self.setting().clock_hz,
            energy_j,
            utilization: workload.macs() / (self.template().n_macs() as f64 * cycles),
        })
    }

    /// Runs one layer once.
    ///
    /// # Errors
    /// [`Infeasible`] with the rule that it breaks.
    pub fn run_layer(&self, layer: &PreparedLayer) -> Result<LayerReport, Infeasible> {
        let best = best(self, layer);
        let instructions = instructions(self, &best.report);
        let (need, have) = (instructions as f64, self.template().instruction_entries as f64);
        Infeasible::unless_within(EdgeRule::InstructionMemory, need, have)?;
        let seconds = best.report.cycles as f64 / self.setting().clock_hz;
        let program_j = instructions as f64 * self.controller.instruction_j;
        let energy_j = best.report.energy_j + program_j + seconds * self.controller.leakage_w;
        Ok(LayerReport { best, instructions, energy_j })
    }
}

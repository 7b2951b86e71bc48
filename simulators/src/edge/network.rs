//! A workload on a chip: latency, energy, and where they go.
//!
//! The loop-nest model counts words, multiply-accumulate cycles and energies of the hierarchy. Added here is what it has
//! no words for: outputs that are one byte or four, the staging memories, first loads and last stores through them, and
//! what leaks.

use super::chip::{Chip, DRAM, PE};
use super::infeasible::Infeasible;
use super::layer::{INPUTS, OUTPUTS, PreparedLayer, PreparedWorkload, WEIGHTS};
use super::policy::{Placement, map};
use crate::loop_nest::{Evaluator, Quirks, Report, Workspace};

/// One layer, run once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerReport {
    /// All cycles.
    pub cycles: f64,
    /// Cycles of the multiply-accumulate units alone.
    pub compute_cycles: f64,
    /// Cycles of the busiest PE memory.
    pub pe_memory_cycles: f64,
    /// Cycles of moving all bytes to and from DRAM.
    pub dram_cycles: f64,
    /// Cycles that nothing hides: first load, last store, fill and drain of the array.
    pub exposed_cycles: f64,
    /// Bytes read from DRAM as weights.
    pub weight_bytes: u64,
    /// Bytes read from and written to DRAM as inputs and outputs.
    pub activation_bytes: u64,
    /// Energy of everything but leakage.
    pub dynamic_energy_j: f64,
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
        let mut scratch = Scratch::default();
        let (mut cycles, mut dynamic_j) = (0.0, 0.0);
        for layer in workload.layers() {
            let report = self.run_with(layer, &mut scratch)?;
            cycles += layer.runs() * report.cycles;
            dynamic_j += layer.runs() * report.dynamic_energy_j;
        }
        let latency_s = cycles / self.setting().clock_hz;
        Ok(WorkloadReport {
            latency_s,
            energy_j: dynamic_j + self.leakage_w() * latency_s,
            utilization: workload.macs() / (self.template().n_macs() as f64 * cycles),
        })
    }

    /// Runs one layer once.
    ///
    /// # Errors
    /// [`Infeasible`] with the rule that it breaks.
    pub fn run_layer(&self, layer: &PreparedLayer) -> Result<LayerReport, Infeasible> {
        self.run_with(layer, &mut Scratch::default())
    }

    fn run_with(&self, layer: &PreparedLayer, scratch: &mut Scratch) -> Result<LayerReport, Infeasible> {
        let placement = map(self, layer)?;
        // First loads, last stores, fill and drain are added below, where the staging memories are known.
        let quirks = Quirks { perfect_overlap: true, ..Quirks::default() };
        let nest = Evaluator::new(self.architecture(), &placement.einsum, quirks)
            .expect("invariant: layers are within 62 bits");
        let report = &mut scratch.report;
        nest.evaluate(&placement.mapping, &mut scratch.workspace, report)
            .expect("invariant: the policy's tiles fit, and its loops cover the padded layer");
        Ok(self.account(&placement, report))
    }

    fn account(&self, placement: &Placement, report: &Report) -> LayerReport {
        let weight_bytes = report.tensor(DRAM, WEIGHTS).reads;
        let outputs = report.tensor(DRAM, OUTPUTS);
        let activation_bytes = report.tensor(DRAM, INPUTS).reads + outputs.reads + outputs.updates;
        let [weight_tile, input_tile, output_tile] = placement.tile_words.map(|words| words as f64);
        let dram_cycles = self.dram_cycles(weight_bytes as f64, activation_bytes as f64);
        let pe_memory_cycles = self.pe_memory_cycles(placement, report);
        let (used_x, used_y) = placement.used_pes;
        let exposed_cycles = self.dram_cycles(weight_tile, input_tile)
            + self.dram_cycles(0.0, output_tile)
            + (used_x + used_y - 2) as f64;
        let steady = (report.latency.steady_cycles as f64).max(pe_memory_cycles).max(dram_cycles);
        // A sum is as wide as four words; the model counts it as one.
        let wide_sums_j = (placement.output_bytes - 1) as f64 * report.tensor(PE, OUTPUTS).energy_j;
        let dynamic_energy_j = report.energy_j
            + wide_sums_j
            + weight_bytes as f64 * self.costs.parameter_j_per_byte
            + activation_bytes as f64 * self.costs.activation_j_per_byte
            + placement.instructions() as f64 * self.costs.instruction_j;
        LayerReport {
            cycles: steady + exposed_cycles,
            compute_cycles: report.latency.compute_cycles as f64,
            pe_memory_cycles,
            dram_cycles,
            exposed_cycles,
            weight_bytes,
            activation_bytes,
            dynamic_energy_j,
        }
    }

    /// Cycles of moving these bytes: at the bandwidth of the DRAM altogether, and each stream at what its bytes in
    /// flight sustain, the size of its staging memory over the latency of the DRAM (Little 1961).
    fn dram_cycles(&self, weight_bytes: f64, activation_bytes: f64) -> f64 {
        let (template, setting) = (self.template(), self.setting());
        let together_s = (weight_bytes + activation_bytes) / template.dram_bandwidth_byte_per_s;
        let weights_s = weight_bytes * setting.dram_latency_s / template.parameter_memory_bytes as f64;
        let activations_s =
            activation_bytes * setting.dram_latency_s / template.activation_memory_bytes as f64;
        together_s.max(weights_s).max(activations_s) * setting.clock_hz
    }

    /// Cycles of one PE memory, all of whose ports are shared by reads and writes.
    fn pe_memory_cycles(&self, placement: &Placement, report: &Report) -> f64 {
        let (inputs, outputs) = (report.tensor(PE, INPUTS), report.tensor(PE, OUTPUTS));
        let output_words = outputs.reads + outputs.fills + outputs.updates;
        let bytes = inputs.reads + inputs.fills + output_words * placement.output_bytes;
        (bytes as f64 / self.pe_port_bytes() as f64).ceil()
    }
}

#[derive(Default)]
struct Scratch {
    workspace: Workspace,
    report: Report,
}

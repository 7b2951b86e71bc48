//! Chips for transformers: array, vector unit, buffer, bandwidth, how attention is fused, and how numbers are written.
//!
//! Source of machine and cascades: Nayak et al. (2024), arXiv 2406.10491. The cost model is [`tapeout_simulators::transformer`].

mod config;
mod prices;
mod space;

use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_simulators::attention::{AttentionMachine, Place};
use tapeout_simulators::precision::AccuracyTable;
use tapeout_simulators::transformer::{
    AttentionCascade, StepReport, TransformerChip, TransformerCosts, TransformerWorkload,
};

pub use config::{AttentionAcceleratorConfig, CachePlace, InferencePhase, WeightResidency};
use prices::{Missing, Prices};
pub use space::AttentionDesign;
use space::Knobs;

/// Chips for transformers as an environment.
#[derive(Debug)]
pub struct AttentionAccelerator {
    space: DesignSpace,
    knobs: Knobs,
    prices: Prices,
    config: AttentionAcceleratorConfig,
    accuracy: Option<AccuracyTable>,
    metrics: Vec<Metric>,
}

impl AttentionAccelerator {
    /// What a design says.
    pub fn design(&self, design: &Design) -> AttentionDesign {
        self.knobs.read(design)
    }

    /// The chip of a design and what runs on it; the rule that it breaks if it cannot be built.
    fn chip(&self, design: &AttentionDesign) -> Result<(TransformerChip, &TransformerWorkload), Missing> {
        let element = self.prices.element(design)?;
        let buffer = self.prices.buffer(design)?;
        let workload = self.prices.workload(design);
        let memory = self.config.memory;
        self.fit_memory(design, workload)?;
        let machine = AttentionMachine {
            side: design.array,
            lanes: design.lanes,
            cycles_per_mac: element.cycles_per_mac,
            clock_hz: self.config.clock_hz,
            buffer_byte: design.buffer_byte as f64,
            dram_byte_per_s: design.dram_byte_per_s,
        };
        let costs = TransformerCosts { element, buffer, node: self.config.node_nm };
        let chip = TransformerChip::new(machine, design.cascade, design.fused_rows, memory, &costs);
        Ok((chip.with_memory_beside(resident_byte(workload), &buffer, design.buffer_byte as f64), workload))
    }

    /// Whether all that is not on the chip fits in the memory: weights, keys and values, and of a layer the scores that nobody fuses.
    fn fit_memory(&self, design: &AttentionDesign, workload: &TransformerWorkload) -> Result<(), Missing> {
        let capacity_byte = self.config.memory.capacity_byte(design.dram_byte_per_s);
        let scores_byte: f64 = if design.cascade == AttentionCascade::Unfused {
            workload.attention.iter().map(|shape| shape.scores() * shape.activation_byte).sum()
        } else {
            0.0
        };
        let all_byte = workload.weight_byte + workload.cache_byte - resident_byte(workload) + scores_byte;
        excess("memory_capacity", all_byte, capacity_byte)
    }

    /// What a design loses in accuracy, if anybody measured it.
    fn loss(&self, design: &AttentionDesign) -> Result<(), Missing> {
        let Some(table) = &self.accuracy else { return Ok(()) };
        let loss = table.loss(design.weight_bits);
        let loss = loss.ok_or(Missing { rule: "accuracy_unknown", violation: 1.0 })?;
        // A limit may be 0 or below it, so the violation is the difference.
        let violation = loss - self.config.loss_limit;
        if violation > 0.0 { Err(Missing { rule: "accuracy", violation }) } else { Ok(()) }
    }

    /// Area and report of a design, or the rule that it breaks.
    fn run(&self, design: &AttentionDesign) -> Result<(f64, StepReport), Missing> {
        self.loss(design)?;
        let (chip, workload) = self.chip(design)?;
        excess("area", chip.area_m2, self.config.area_limit_m2)?;
        let report = chip.run(workload);
        excess("buffer", report.footprint_byte, design.buffer_byte as f64)?;
        Ok((chip.area_m2, report))
    }
}

/// Bytes of weights, keys and values that are on the chip beside the buffer.
fn resident_byte(workload: &TransformerWorkload) -> f64 {
    let of = |place, byte: f64| if place == Place::OnChip { byte } else { 0.0 };
    of(workload.residency.weights, workload.weight_byte) + of(workload.residency.cache, workload.cache_byte)
}

fn excess(rule: &'static str, need: f64, have: f64) -> Result<(), Missing> {
    if need > have { Err(Missing { rule, violation: need / have - 1.0 }) } else { Ok(()) }
}

impl Env for AttentionAccelerator {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let design = self.knobs.read(design);
        let (area_m2, report) = match self.run(&design) {
            Ok(ran) => ran,
            Err(Missing { rule, violation }) => return Ok(Outcome::infeasible(rule, violation)),
        };
        let peak_macs = (design.array * design.array) as f64 * self.config.clock_hz * report.latency_s;
        Ok(Outcome::Measured(vec![
            report.latency_s,
            report.energy_j,
            area_m2,
            report.attention_s,
            report.dram.total_byte(),
            (report.macs - report.bank_macs) / peak_macs,
        ]))
    }

    fn enforced(&self) -> Vec<Constraint> {
        vec![Constraint::at_most("area_m2", self.config.area_limit_m2)]
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["network", "phase", "sequence", "batch", "chunk"]
    }
}

impl BuildEnv for AttentionAccelerator {
    const ID: &'static str = "attention-accelerator";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "array, vector unit, buffer, fused attention and precision for transformers: prefill, decode, mixed steps";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["accuracy"];
    const DESIGNS: Option<u128> = Some(1_887_984);
    type Config = AttentionAcceleratorConfig;

    fn build(config: AttentionAcceleratorConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let space = space::space()?;
        let knobs = Knobs::of(&space)?;
        let prices = Prices::new(&config)?;
        let accuracy = config.accuracy()?;
        Ok(Self { space, knobs, prices, accuracy, metrics: metrics(), config })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::minimize("energy_j")],
            constraints: Vec::new(),
        }
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("latency_s", "s", "time of the step"),
        Metric::new(
            "energy_j",
            "J",
            "energy of chip and memory, leakage included, wires and control left out",
        ),
        Metric::new(
            "area_m2",
            "m2",
            "area of array, vector unit and buffer, without wires between them or control",
        ),
        Metric::new("attention_s", "s", "the part of the latency that is attention"),
        Metric::new("dram_byte", "byte", "bytes to and from the memory"),
        Metric::new(
            "array_utilization",
            "",
            "multiply-accumulates of the array over what it could do in that time, one a unit and cycle",
        ),
    ]
}

#[cfg(test)]
mod tests;

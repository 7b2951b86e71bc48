//! A workload on an architecture, each layer under the best mapping found: what a whole network costs.

use crate::loop_nest::{Architecture, Einsum};
use crate::mapper::{MappingConstraints, NoMapping, Objective, Options, best_mapping};
use crate::networks::{Layer, Op, Workload};

/// The layers of a workload, each distinct one once.
#[derive(Debug, Clone)]
pub struct MappedWorkload {
    layers: Vec<MappedLayer>,
}

#[derive(Debug, Clone)]
struct MappedLayer {
    einsum: Einsum,
    macs: f64,
    runs: f64,
}

/// What a workload costs, its layers one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkloadCost {
    /// Cycles of all runs.
    pub cycles: f64,
    /// Energy of all runs.
    pub energy_j: f64,
    /// Multiply-accumulates of the layers over what all units could do in these cycles.
    pub utilization: f64,
}

impl MappedWorkload {
    /// The distinct layers of `workload`.
    pub fn new(workload: &Workload) -> Self {
        let layer = |(op, runs): (&Op, f64)| {
            let layer = Layer::new("layer", op.clone()).expect("invariant: a workload holds checked layers");
            MappedLayer { einsum: layer.einsum().clone(), macs: layer.macs() as f64, runs }
        };
        Self { layers: workload.distinct_ops().into_iter().map(layer).collect() }
    }

    /// How many layers differ.
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// Multiply-accumulates of all runs.
    pub fn macs(&self) -> f64 {
        self.layers.iter().map(|layer| layer.runs * layer.macs).sum()
    }

    /// Runs every layer on `architecture` under the mapping of least energy times delay that a quick search finds within
    /// what `dataflow` allows.
    ///
    /// # Errors
    /// [`NoMapping`] of the first layer that cannot run.
    pub fn run(
        &self,
        architecture: &Architecture,
        dataflow: impl Fn(&Einsum) -> MappingConstraints,
    ) -> Result<WorkloadCost, NoMapping> {
        let options = Options::quick();
        let (mut cycles, mut energy_j) = (0.0, 0.0);
        for layer in &self.layers {
            let constraints = dataflow(&layer.einsum);
            let best =
                best_mapping(architecture, &layer.einsum, Objective::EnergyDelay, &constraints, options)?;
            cycles += layer.runs * best.report.cycles as f64;
            energy_j += layer.runs * best.report.energy_j;
        }
        let capacity = architecture.mac().instances as f64 * cycles;
        Ok(WorkloadCost { cycles, energy_j, utilization: self.macs() / capacity })
    }
}

//! A workload whose layers are mapped anew onto every architecture that is asked about.

use crate::loop_nest::{Architecture, Einsum};
use crate::mapper::{MappingConstraints, NoMapping, Objective, Options};
use crate::network_cost::NetworkCost;
use crate::networks::{Layer, Workload};

/// The layers of a workload, each distinct one once.
#[derive(Debug, Clone)]
pub struct MappedWorkload {
    layers: Vec<(Layer, f64)>,
}

impl MappedWorkload {
    /// The distinct layers of `workload`.
    pub fn new(workload: &Workload) -> Self {
        let layers = workload.distinct_layers().into_iter();
        Self { layers: layers.map(|(layer, runs)| (layer.clone(), runs)).collect() }
    }

    /// Runs every layer on `architecture` under the mapping of least energy times delay that is found within
    /// what `dataflow` allows.
    ///
    /// # Errors
    /// [`NoMapping`] of the first layer that cannot run.
    pub fn run(
        &self,
        architecture: &Architecture,
        dataflow: impl Fn(&Einsum) -> MappingConstraints + Sync,
    ) -> Result<NetworkCost, NoMapping> {
        let layers = self.layers.iter().map(|(layer, runs)| (layer, *runs));
        NetworkCost::under_best_mappings(
            architecture,
            layers,
            Objective::EnergyDelay,
            dataflow,
            Options::careful(),
        )
        .map_err(|unmappable| unmappable.cause)
    }
}

//! A workload on a built accelerator.

use std::sync::{Arc, Mutex, PoisonError};

use super::file::{AcceleratorFile, BuiltAccelerator};
use super::{Unbuildable, Unrunnable, dataflow};
use crate::loop_nest::{Architecture, Einsum, Report};
use crate::mapper::{Best, MappingCache, MappingConstraints, NoMapping, Objective, Options, best_mapping};
use crate::network_cost::{LayerCost, NetworkCost};
use crate::networks::Workload;

/// Mappings of one layer that are kept, about half a megabyte: what is asked again is mostly a design of late in which something changed
/// that mappings do not depend on.
const CACHED_MAPPINGS: usize = 64;

/// The layers of a workload, ready to run on designs of one file.
#[derive(Debug)]
pub struct FileWorkload {
    layers: Vec<FileLayer>,
}

#[derive(Debug)]
struct FileLayer {
    name: String,
    einsum: Einsum,
    macs: u64,
    runs: f64,
    constraints: MappingConstraints,
    /// As a search is deterministic, what was kept changes no result.
    mappings: Mutex<MappingCache<Arc<[u64]>>>,
}

impl FileWorkload {
    /// Prepares the distinct layers of `workload` for designs of `file`.
    pub fn new(file: &AcceleratorFile, workload: &Workload) -> Self {
        let layers = workload.distinct_layers().into_iter().map(|(layer, runs)| {
            let einsum = layer.einsum().clone();
            FileLayer {
                name: layer.name().to_owned(),
                macs: layer.macs(),
                runs,
                constraints: file.constraints(&einsum),
                mappings: Mutex::new(MappingCache::new(CACHED_MAPPINGS)),
                einsum,
            }
        });
        Self { layers: layers.collect() }
    }
}

impl AcceleratorFile {
    /// What the file fixes of the mapping of a layer.
    pub fn constraints(&self, layer: &Einsum) -> MappingConstraints {
        dataflow::constraints(self.levels.iter().map(|level| &level.dataflow), layer)
    }

    /// Energy of one run of a layer in J: that of its report, of the program that runs it, and of what leaks outside of units and levels.
    ///
    /// # Errors
    /// [`Unbuildable`] if the program does not fit.
    pub fn energy_j(&self, built: &BuiltAccelerator, report: &Report) -> Result<f64, Unbuildable> {
        let leakage_w: f64 = built.outside.iter().map(|part| part.leakage_w).sum();
        let program_j = match (&self.program, built.controller) {
            (Some(program), Some(controller)) => program.energy_j(controller, &built.architecture, report)?,
            _ => 0.0,
        };
        let seconds = report.cycles as f64 / built.clock_hz;
        Ok(report.energy_j + program_j + seconds * leakage_w)
    }

    /// Runs all layers of `workload` on `built`, one after the other, each under the mapping of least energy times delay that is
    /// found within what the file allows, at the effort that it names.
    ///
    /// # Errors
    /// [`Unrunnable`] with the first layer that cannot run.
    pub fn run(&self, built: &BuiltAccelerator, workload: &FileWorkload) -> Result<NetworkCost, Unrunnable> {
        let key = key(&built.architecture);
        let layers = workload.layers.iter().map(|layer| {
            let best = layer.best(&built.architecture, &key, self.mapping).map_err(unrunnable)?;
            let energy_j = self.energy_j(built, &best.report)?;
            Ok(LayerCost { name: layer.name.clone(), runs: layer.runs, macs: layer.macs, best, energy_j })
        });
        Ok(NetworkCost::new(&built.architecture, layers.collect::<Result<_, Unrunnable>>()?))
    }
}

impl FileLayer {
    fn best(
        &self,
        architecture: &Architecture,
        key: &Arc<[u64]>,
        options: Options,
    ) -> Result<Arc<Best>, NoMapping> {
        let search =
            || best_mapping(architecture, &self.einsum, Objective::EnergyDelay, &self.constraints, options);
        // The cache is whole between its calls, so a panic elsewhere does not spoil it. Nobody waits while a search runs.
        let cache = || self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cache().get(key);
        known.unwrap_or_else(|| {
            let found = search();
            cache().insert(key, found)
        })
    }
}

/// Every number of an architecture that a mapping depends on; its names are those of one file.
fn key(architecture: &Architecture) -> Arc<[u64]> {
    let mac = architecture.mac();
    let mut key = vec![mac.instances, mac.mesh_x, mac.word_bits.into(), mac.energy_j.to_bits()];
    for level in architecture.levels() {
        let limit = |words: Option<f64>| words.unwrap_or(f64::INFINITY).to_bits();
        key.extend([
            level.instances,
            level.mesh_x,
            level.word_bits.into(),
            level.block_words,
            level.cluster_size,
            level.entries.unwrap_or(u64::MAX),
            level.multiple_buffering.to_bits(),
            limit(level.bandwidth.read_words_per_cycle),
            limit(level.bandwidth.write_words_per_cycle),
            limit(level.bandwidth.shared_words_per_cycle),
            level.energy.read_j.to_bits(),
            level.energy.fill_j.to_bits(),
            level.energy.update_j.to_bits(),
            level.energy.leak_j_per_cycle.to_bits(),
            level.network.hop_j.to_bits(),
            level.network.router_j.to_bits(),
        ]);
    }
    key.into()
}

fn unrunnable(cause: NoMapping) -> Unrunnable {
    match cause {
        NoMapping::Capacity { ref level, needed, available, .. } => {
            let rule = format!("{}_capacity", level.replace(' ', "_"));
            // Of a memory that holds no tile at all, all is lacking.
            let violation = needed as f64 / available.max(1) as f64 - if available == 0 { 0.0 } else { 1.0 };
            Unrunnable::Infeasible(Unbuildable::new(&rule, violation, cause.to_string()))
        }
        cause => Unrunnable::Mapping(cause),
    }
}

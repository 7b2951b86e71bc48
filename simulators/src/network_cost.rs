//! What a network costs on an architecture: by layer, by level, and in all.
//!
//! A [`LayerCost`] is one layer under one mapping and the number of its runs; a [`NetworkCost`] is several of them, one
//! after the other. Whoever adds layers up does it here: accelerator templates, environments, the program.
//!
//! ```
//! use tapeout_simulators::architectures::architecture;
//! use tapeout_simulators::mapper::{MappingConstraints, Objective, Options};
//! use tapeout_simulators::network_cost::NetworkCost;
//! use tapeout_simulators::networks::network;
//!
//! let (machine, alexnet) = (architecture("eyeriss-like")?, network("alexnet")?);
//! let layers = alexnet.layers().iter().map(|layer| (layer, layer.count() as f64));
//! let free = |layer: &_| MappingConstraints::free(&machine, layer);
//! let cost = NetworkCost::under_best_mappings(&machine, layers, Objective::EnergyDelay, free, Options::quick())?;
//!
//! // 168 units take at least as long as 714 million multiply-accumulates over 168.
//! assert_eq!(cost.macs(), alexnet.macs() as f64);
//! assert!(cost.cycles() >= cost.macs() / 168.0);
//! // What the layers cost is what the levels, the networks between them and the arithmetic cost.
//! let by_level: f64 = cost.levels().iter().map(|level| level.energy_j()).sum();
//! assert!(((by_level + cost.mac_energy_j()) / cost.energy_j() - 1.0).abs() < 1e-9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::loop_nest::{Architecture, Einsum, Evaluator, Hops, Illegal, Mapping, Quirks, Report, Workspace};
use crate::mapper::{Best, MappingConstraints, NoMapping, Objective, Options, best_mapping};
use crate::networks::Layer;

/// One layer under one mapping, and how often it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerCost {
    /// Name of the layer.
    pub name: String,
    /// How often it runs: its count, times the weight of its network in a workload.
    pub runs: f64,
    /// Multiply-accumulates of one run, those on padding left out.
    pub macs: u64,
    /// The mapping, and what the loop-nest model says of one run by level of the architecture.
    pub best: Arc<Best>,
    /// Energy of one run: the loop-nest model's, and what an accelerator adds to it, such as its program's.
    pub energy_j: f64,
}

impl LayerCost {
    /// `runs` runs of `layer` under a mapping, at the energy that the loop-nest model gives it.
    pub fn new(layer: &Layer, runs: f64, best: Arc<Best>) -> Self {
        let energy_j = best.report.energy_j;
        Self { name: layer.name().to_owned(), runs, macs: layer.macs(), best, energy_j }
    }

    /// `runs` runs of `layer` on `architecture` under a given mapping, hops of words counted below every level.
    ///
    /// # Errors
    /// [`Illegal`] if the mapping cannot run.
    pub fn under_mapping(
        architecture: &Architecture,
        layer: &Layer,
        runs: f64,
        mapping: Mapping,
        quirks: Quirks,
    ) -> Result<Self, Illegal> {
        let best = given(architecture, layer.einsum().clone(), mapping, quirks)?;
        Ok(Self::new(layer, runs, Arc::new(best)))
    }

    /// The same runs under the same mapping on `architecture`, at the energy that the loop-nest model gives them there.
    ///
    /// # Errors
    /// [`Illegal`] if the mapping cannot run there.
    pub fn moved_to(&self, architecture: &Architecture, quirks: Quirks) -> Result<Self, Illegal> {
        let Best { einsum, mapping, useful_share, .. } = Best::clone(&self.best);
        let best = Best { useful_share, ..given(architecture, einsum, mapping, quirks)? };
        let energy_j = best.report.energy_j;
        Ok(Self { best: Arc::new(best), energy_j, ..self.clone() })
    }

    /// What the cycles of a run on `architecture` are spent on most: work, waiting for the bandwidth of a level, loads, stores, or filling
    /// the array.
    pub fn bound(&self, architecture: &Architecture) -> String {
        let report = &self.best.report;
        let latency = &report.latency;
        let levels = architecture.levels().iter().zip(&report.levels);
        let slowest = levels.reduce(|best, next| if next.1.cycles > best.1.cycles { next } else { best });
        let pace = match slowest {
            // The whole time that a level sets the pace for, not what it adds to the work.
            Some((level, _)) if latency.steady_cycles > latency.compute_cycles => {
                format!("bandwidth of {}", level.name)
            }
            _ => "work of the units in use".to_owned(),
        };
        let parts = [
            (latency.steady_cycles.max(latency.compute_cycles), pace),
            (latency.load_cycles, "loading the first tiles".to_owned()),
            (latency.store_cycles, "storing the last results".to_owned()),
            (latency.array_cycles, "filling the array".to_owned()),
        ];
        // Of equal parts the first.
        let largest = parts.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best });
        largest.map(|(_, name)| name).unwrap_or_default()
    }

    /// Cycles of all runs.
    pub fn cycles(&self) -> f64 {
        self.runs * self.best.report.cycles as f64
    }

    /// Energy of all runs.
    pub fn total_energy_j(&self) -> f64 {
        self.runs * self.energy_j
    }

    /// Energy of all runs' accesses to `level` for `tensor`, networks apart.
    ///
    /// # Panics
    /// If there is no such level or tensor.
    pub fn access_energy_j(&self, level: usize, tensor: usize) -> f64 {
        self.runs * self.best.report.tensor(level, tensor).energy_j
    }

    /// Energy of the network below `level` over all runs.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn network_energy_j(&self, level: usize) -> f64 {
        let tensors = 0..self.best.einsum.tensors().len();
        let of_tensor = |tensor| self.best.report.tensor(level, tensor).network.energy_j;
        self.runs * tensors.map(of_tensor).sum::<f64>()
    }
}

/// `einsum` under a mapping that was not searched, hops of words counted below every level.
fn given(
    architecture: &Architecture,
    einsum: Einsum,
    mapping: Mapping,
    quirks: Quirks,
) -> Result<Best, Illegal> {
    let evaluator = Evaluator::new(architecture, &einsum, quirks)?.with_hops(Hops::Everywhere);
    let mut report = Report::new();
    evaluator.evaluate(&mapping, &mut Workspace::new(), &mut report)?;
    // Nothing is known of other mappings.
    let (lower_bound, gap) = (0.0, f64::INFINITY);
    Ok(Best { mapping, einsum, report, useful_share: 1.0, lower_bound, gap, evaluated: 1, work: 0 })
}

/// Where energy and cycles of a network go at one level, over all runs of all layers.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelCost {
    /// Name of the level.
    pub name: String,
    /// Energy of accesses, one entry for each tensor of a layer.
    pub accesses_j: Vec<f64>,
    /// Energy of the network below the level.
    pub network_j: f64,
    /// Leakage.
    pub leakage_j: f64,
    /// Cycles that the network would take if all other levels kept up with this one.
    pub cycles: f64,
}

impl LevelCost {
    /// Energy of the level and of the network below it.
    pub fn energy_j(&self) -> f64 {
        self.accesses_j.iter().sum::<f64>() + self.network_j + self.leakage_j
    }
}

/// What layers cost on one architecture, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkCost {
    architecture: Architecture,
    layers: Vec<LayerCost>,
    cycles: f64,
    energy_j: f64,
    macs: f64,
}

/// A layer that no mapping runs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{layer}`: {cause}")]
pub struct UnmappableLayer {
    /// Name of the layer.
    pub layer: String,
    /// Why.
    #[source]
    pub cause: NoMapping,
}

impl NetworkCost {
    /// What `layers` cost, each already mapped onto `architecture`.
    pub fn new(architecture: &Architecture, layers: Vec<LayerCost>) -> Self {
        // Sums are in the order of the layers and start at 0, so that they are the same to the last bit whoever asks.
        let sum = |of: fn(&LayerCost) -> f64| layers.iter().map(of).sum();
        Self {
            architecture: architecture.clone(),
            cycles: sum(LayerCost::cycles),
            energy_j: sum(LayerCost::total_energy_j),
            macs: sum(|layer| layer.runs * layer.macs as f64),
            layers,
        }
    }

    /// What `layers` and the number of their runs cost on `architecture`, each layer under the mapping that is best for
    /// `objective` among those found within what `constraints` allow it. Layers of one shape are searched once, different ones side by side.
    ///
    /// # Errors
    /// [`UnmappableLayer`] with the first layer that cannot run.
    pub fn under_best_mappings<'a>(
        architecture: &Architecture,
        layers: impl IntoIterator<Item = (&'a Layer, f64)>,
        objective: Objective,
        constraints: impl Fn(&Einsum) -> MappingConstraints + Sync,
        options: Options,
    ) -> Result<Self, UnmappableLayer> {
        let layers: Vec<(&Layer, f64)> = layers.into_iter().collect();
        let mut shapes: Vec<&Layer> = Vec::new();
        for (layer, _) in &layers {
            if shapes.iter().all(|known| known.einsum() != layer.einsum()) {
                shapes.push(layer);
            }
        }
        let search = |layer: &&Layer| {
            let einsum = layer.einsum();
            let best = best_mapping(architecture, einsum, objective, &constraints(einsum), options);
            best.map(Arc::new).map_err(|cause| UnmappableLayer { layer: layer.name().to_owned(), cause })
        };
        // All are searched; of those that cannot run, the first is told.
        let found: Vec<Result<Arc<Best>, UnmappableLayer>> = shapes.par_iter().map(search).collect();
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut costs = Vec::new();
        for (layer, runs) in layers {
            let shape = shapes.iter().position(|known| known.einsum() == layer.einsum());
            let shape = shape.expect("invariant: the shape of every layer was searched");
            costs.push(LayerCost::new(layer, runs, Arc::clone(&found[shape])));
        }
        Ok(Self::new(architecture, costs))
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The layers, in the order in which they run.
    pub fn layers(&self) -> &[LayerCost] {
        &self.layers
    }

    /// Cycles of all layers; a weighted sum where runs are weighted, otherwise whole, and exact below 2^53.
    pub fn cycles(&self) -> f64 {
        self.cycles
    }

    /// Time of all layers at a clock of `clock_hz`.
    pub fn latency_s(&self, clock_hz: f64) -> f64 {
        self.cycles / clock_hz
    }

    /// Energy of all layers, leakage included.
    pub fn energy_j(&self) -> f64 {
        self.energy_j
    }

    /// Multiply-accumulates of all layers, those on padding left out.
    pub fn macs(&self) -> f64 {
        self.macs
    }

    /// Multiply-accumulates over what all units could do in these cycles.
    pub fn utilization(&self) -> f64 {
        self.macs / (self.architecture.mac().instances as f64 * self.cycles)
    }

    /// The largest [`Best::gap`] of a layer: no layer scores less than its own by more than this share of what is possible.
    pub fn mapping_gap(&self) -> f64 {
        self.layers.iter().map(|layer| layer.best.gap).fold(0.0, f64::max)
    }

    /// Energy of the multiply-accumulates, those on padding included.
    pub fn mac_energy_j(&self) -> f64 {
        self.layers.iter().map(|layer| layer.runs * layer.best.report.mac_energy_j).sum()
    }

    /// Cycles that the network would take if all levels kept up with the multiply-accumulate units.
    pub fn compute_cycles(&self) -> f64 {
        self.layers.iter().map(|layer| layer.runs * layer.best.report.latency.compute_cycles as f64).sum()
    }

    /// What layers are bound by, and the share of the cycles that these layers take; the largest first.
    pub fn bounds(&self) -> Vec<(String, f64)> {
        let mut cycles: BTreeMap<String, f64> = BTreeMap::new();
        for layer in &self.layers {
            *cycles.entry(layer.bound(&self.architecture)).or_default() += layer.cycles();
        }
        let mut shares: Vec<(String, f64)> =
            cycles.into_iter().map(|(name, part)| (name, part / self.cycles)).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// Names of the tensors of a layer, in the order of [`LevelCost::accesses_j`].
    pub fn tensors(&self) -> Vec<&str> {
        let first = self.layers.first();
        first.map_or_else(Vec::new, |layer| {
            layer.best.einsum.tensors().iter().map(|tensor| tensor.name()).collect()
        })
    }

    /// Where energy and cycles go, by level of the architecture, the innermost first.
    ///
    /// # Panics
    /// If layers differ in their number of tensors; those of networks have weights, inputs and outputs.
    pub fn levels(&self) -> Vec<LevelCost> {
        let total = |of: &dyn Fn(&LayerCost) -> f64| self.layers.iter().map(of).sum::<f64>();
        let n_tensors = self.tensors().len();
        let levels = self.architecture.levels().iter().enumerate();
        levels
            .map(|(index, level)| LevelCost {
                name: level.name.clone(),
                accesses_j: (0..n_tensors)
                    .map(|tensor| total(&|layer| layer.access_energy_j(index, tensor)))
                    .collect(),
                network_j: total(&|layer| layer.network_energy_j(index)),
                leakage_j: total(&|layer| layer.runs * layer.best.report.levels[index].leakage_j),
                cycles: total(&|layer| layer.runs * layer.best.report.levels[index].cycles as f64),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architectures::architecture;
    use crate::networks::{Layer, MatMul, Op, SecondOperand};

    fn product(name: &str, m: u64) -> Layer {
        let product = MatMul { batch: 1, m, n: 32, k: 32, second: SecondOperand::Weight };
        Layer::new(name, Op::MatMul(product)).unwrap()
    }

    fn cost(layers: &[(Layer, f64)]) -> NetworkCost {
        let machine = architecture("edge-like").unwrap();
        let free = |layer: &Einsum| MappingConstraints::free(&machine, layer);
        let layers = layers.iter().map(|(layer, runs)| (layer, *runs));
        NetworkCost::under_best_mappings(&machine, layers, Objective::EnergyDelay, free, Options::quick())
            .unwrap()
    }

    // By hand: one run of the first and two and a half of the second.
    #[test]
    fn runs_weigh_what_a_layer_costs() {
        let (a, b) = (product("a", 16), product("b", 64));
        let [one, other] = [&a, &b].map(|layer| cost(&[(layer.clone(), 1.0)]));
        let both = cost(&[(a, 1.0), (b, 2.5)]);
        assert_eq!(both.macs(), (16.0 + 2.5 * 64.0) * 32.0 * 32.0);
        assert_eq!(both.cycles(), one.cycles() + 2.5 * other.cycles());
        assert_eq!(both.energy_j(), one.energy_j() + 2.5 * other.energy_j());
        assert_eq!(both.utilization(), both.macs() / (256.0 * both.cycles()));
    }

    #[test]
    fn layers_of_one_shape_share_a_mapping_and_keep_their_names() {
        let both = cost(&[(product("a", 16), 1.0), (product("b", 16), 3.0)]);
        let [a, b] = both.layers() else { panic!("{} layers", both.layers().len()) };
        assert!(Arc::ptr_eq(&a.best, &b.best));
        assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"));
        assert_eq!(b.cycles(), 3.0 * a.cycles());
    }

    // Claim: levels, the networks below them and arithmetic are all that the loop-nest model counts.
    #[test]
    fn what_layers_cost_is_what_levels_and_arithmetic_cost() {
        let cost = cost(&[(product("a", 16), 1.0), (product("b", 64), 2.0)]);
        let levels = cost.levels();
        let by_level: f64 = levels.iter().map(LevelCost::energy_j).sum::<f64>() + cost.mac_energy_j();
        assert!((by_level / cost.energy_j() - 1.0).abs() < 1e-12, "{by_level} against {}", cost.energy_j());
        assert!(
            levels.iter().all(|level| level.cycles <= cost.cycles() && level.cycles >= cost.compute_cycles())
        );
        assert_eq!(cost.tensors(), ["Weights", "Inputs", "Outputs"]);
    }
}

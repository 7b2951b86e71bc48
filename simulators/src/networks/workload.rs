//! Several networks with weights: what one design is judged on.

use std::collections::BTreeMap;

use tapeout_core::UnknownName;

use super::{Layer, NeuralNetwork, Op, network};

/// One network of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadEntry {
    network: NeuralNetwork,
    weight: f64,
}

impl WorkloadEntry {
    /// The network.
    pub fn network(&self) -> &NeuralNetwork {
        &self.network
    }

    /// How often it runs, relative to the others; finite and above 0.
    pub fn weight(&self) -> f64 {
        self.weight
    }
}

/// At least one network, each with the number of times it runs relative to the others.
///
/// ```
/// use tapeout_simulators::networks::{Workload, WorkloadError};
/// let workload = Workload::of(&[("resnet18", 1.0), ("mobilenet-v2", 3.0)])?;
/// let gmacs = workload.weighted_sum(|network| network.macs() as f64 / 1e9);
/// assert!((gmacs - (1.814_073_344 + 3.0 * 0.300_774_272)).abs() < 1e-9);
/// # Ok::<(), WorkloadError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    entries: Vec<WorkloadEntry>,
}

/// Why a workload was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorkloadError {
    /// No such network.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// No network at all.
    #[error("the workload has no networks, expected at least one")]
    Empty,
    /// A network named twice; its weights should be added.
    #[error("network `{id}` is listed twice, expected once with the sum of its weights")]
    Duplicate {
        /// The network.
        id: String,
    },
    /// A weight that weighs nothing.
    #[error("the weight of network `{id}` is {weight}, expected a finite number above 0")]
    Weight {
        /// The network.
        id: String,
        /// Weight of the network.
        weight: f64,
    },
}

impl Workload {
    /// A workload of these networks.
    ///
    /// # Errors
    /// [`WorkloadError`] if there are none, one is there twice, or a weight is not above 0.
    pub fn new(networks: Vec<(NeuralNetwork, f64)>) -> Result<Self, WorkloadError> {
        if networks.is_empty() {
            return Err(WorkloadError::Empty);
        }
        let mut entries: Vec<WorkloadEntry> = Vec::with_capacity(networks.len());
        for (network, weight) in networks {
            let id = || network.id().to_owned();
            if !(weight.is_finite() && weight > 0.0) {
                return Err(WorkloadError::Weight { id: id(), weight });
            }
            if entries.iter().any(|entry| entry.network.id() == network.id()) {
                return Err(WorkloadError::Duplicate { id: id() });
            }
            entries.push(WorkloadEntry { network, weight });
        }
        Ok(Self { entries })
    }

    /// A workload of built-in networks, by name.
    ///
    /// # Errors
    /// [`WorkloadError`] as for [`Workload::new`], and for an unknown name, with the nearest known one.
    pub fn of(names: &[(&str, f64)]) -> Result<Self, WorkloadError> {
        Self::new(
            names
                .iter()
                .map(|&(id, weight)| Ok((network(id)?, weight)))
                .collect::<Result<_, UnknownName>>()?,
        )
    }

    /// Its networks, at least one, in the order given.
    pub fn entries(&self) -> &[WorkloadEntry] {
        &self.entries
    }

    /// A cost of the whole workload: the sum over the networks of weight times `cost`.
    pub fn weighted_sum(&self, mut cost: impl FnMut(&NeuralNetwork) -> f64) -> f64 {
        self.entries.iter().map(|entry| entry.weight * cost(&entry.network)).sum()
    }

    /// The first layer of each distinct operation of all networks, with how often the operation runs: the sum of weight
    /// times count.
    ///
    /// A cost that adds up over layers needs each of these only once. Ordered by operation.
    pub fn distinct_layers(&self) -> Vec<(&Layer, f64)> {
        let mut layers: BTreeMap<&Op, (&Layer, f64)> = BTreeMap::new();
        for entry in &self.entries {
            for layer in entry.network.layers() {
                let (_, runs) = layers.entry(layer.op()).or_insert((layer, 0.0));
                *runs += entry.weight * layer.count() as f64;
            }
        }
        layers.into_values().collect()
    }

    /// How often one run of each network runs each operation of [`Workload::distinct_layers`]; shape
    /// `[networks][operations]`, weights left out.
    pub fn runs_by_network(&self) -> Vec<Vec<f64>> {
        let distinct = self.distinct_layers();
        let runs = |entry: &WorkloadEntry, op: &Op| -> u64 {
            let layers = entry.network.layers().iter();
            layers.filter(|layer| layer.op() == op).map(Layer::count).sum()
        };
        let of_network = |entry| distinct.iter().map(|(layer, _)| runs(entry, layer.op()) as f64).collect();
        self.entries.iter().map(of_network).collect()
    }
}

impl From<NeuralNetwork> for Workload {
    /// One network on its own, with weight 1.
    fn from(network: NeuralNetwork) -> Self {
        Self { entries: vec![WorkloadEntry { network, weight: 1.0 }] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: evaluating the distinct operations once costs the same as evaluating every layer of every
    // network.
    #[test]
    fn distinct_operations_add_up_to_the_whole_workload() {
        let workload =
            Workload::of(&[("resnet18", 2.0), ("resnet50", 1.0), ("gpt2", 1.0), ("bert-base", 0.5)]).unwrap();
        let layers = workload.distinct_layers();
        let total: f64 = layers.iter().map(|&(layer, runs)| runs * layer.macs() as f64).sum();
        // All terms are integers or halves below 2^53, so both sums are exact.
        assert_eq!(total, workload.weighted_sum(|network| network.macs() as f64));
        let rows: usize = workload.entries().iter().map(|entry| entry.network().layers().len()).sum();
        assert!(layers.len() < rows, "ResNet-18 and ResNet-50 share their first layers");
    }

    // Claim: the runs of the workload are those of its networks, by weight.
    #[test]
    fn runs_of_networks_add_up_by_weight_to_those_of_the_workload() {
        let workload = Workload::of(&[("resnet18", 2.0), ("resnet50", 1.0), ("gpt2", 0.5)]).unwrap();
        let by_network = workload.runs_by_network();
        for (index, (_, runs)) in workload.distinct_layers().into_iter().enumerate() {
            let weighted = 2.0 * by_network[0][index] + by_network[1][index] + 0.5 * by_network[2][index];
            assert_eq!(weighted, runs);
        }
        assert!(by_network[2].contains(&0.0), "GPT-2 has no convolutions");
    }

    #[test]
    fn a_workload_without_meaning_is_refused_by_name() {
        let error = |names: &[(&str, f64)]| Workload::of(names).unwrap_err().to_string();
        assert_eq!(error(&[]), "the workload has no networks, expected at least one");
        assert_eq!(error(&[("unett", 1.0)]), "unknown network `unett`; did you mean `unet`?");
        assert_eq!(
            error(&[("unet", f64::NAN)]),
            "the weight of network `unet` is NaN, expected a finite number above 0"
        );
        assert_eq!(
            error(&[("unet", 0.0)]),
            "the weight of network `unet` is 0, expected a finite number above 0"
        );
        assert_eq!(
            error(&[("unet", 1.0), ("unet", 2.0)]),
            "network `unet` is listed twice, expected once with the sum of its weights"
        );
    }
}

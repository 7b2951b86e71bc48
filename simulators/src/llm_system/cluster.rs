//! Clusters: processors with two tiers of memory, a network in a node and one between nodes.

use tapeout_core::UnknownName;

use crate::names::value_of;

/// A share of a peak that grows with the size of an operation: the first entry whose bound is not above the size counts.
///
/// Bounds fall, and the last is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EfficiencyCurve(pub [(f64, f64); 4]);

impl EfficiencyCurve {
    /// The share of the peak at `size`, flop or byte.
    pub fn at(&self, size: f64) -> f64 {
        let mut share = self.0[3].1;
        for &(bound, larger) in self.0[..3].iter().rev() {
            if size >= bound {
                share = larger;
            }
        }
        share
    }

    /// The same curve with every share times `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self(self.0.map(|(bound, share)| (bound, share * factor)))
    }
}

/// What computes, or a memory: a peak and how much of it is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// In flop/s or byte/s.
    pub peak_per_s: f64,
    /// Share of the peak by flop or byte of an operation.
    pub efficiency: EfficiencyCurve,
}

impl Rate {
    /// Time of an operation of `size` flop or byte, in s.
    pub fn time_s(&self, size: f64) -> f64 {
        size / (self.peak_per_s * self.efficiency.at(size))
    }
}

/// A memory of a processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryTier {
    /// What it holds.
    pub capacity_byte: f64,
    /// How fast it is.
    pub rate: Rate,
}

/// What a network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// From one member to another.
    PointToPoint,
    /// Sums, of which each member has a part.
    ReduceScatter,
    /// Parts, of which each member has all.
    AllGather,
    /// Sums, which each member has.
    AllReduce,
    /// From each member to each other one; a member's own part stays.
    AllToAll,
}

/// Bytes that a collective moves over a link: `factor * (1 + offset / members)` times its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CollectiveCost {
    /// Times the size.
    pub factor: f64,
    /// -1 where a member's own part stays.
    pub offset: f64,
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterNetwork {
    /// Bandwidth of a processor's link.
    pub byte_per_s: f64,
    /// Share of it that is reached.
    pub efficiency: f64,
    /// Time before the first byte arrives.
    pub latency_s: f64,
    /// Processors on it.
    pub size: u64,
    /// Reduce-scatter and all-gather.
    pub half: CollectiveCost,
    /// All-reduce.
    pub all_reduce: CollectiveCost,
    /// Share of the processor that it takes while it moves something.
    pub processor_share: f64,
}

impl ClusterNetwork {
    /// Time of a transfer of `size_byte` among `members`, in s.
    pub fn time_s(&self, transfer: Transfer, size_byte: f64, members: u64) -> f64 {
        let cost = match transfer {
            Transfer::PointToPoint => CollectiveCost { factor: 1.0, offset: 0.0 },
            Transfer::ReduceScatter | Transfer::AllGather => self.half,
            Transfer::AllReduce => self.all_reduce,
            Transfer::AllToAll => CollectiveCost { factor: 1.0, offset: -1.0 },
        };
        let moved_byte = size_byte * cost.factor * (1.0 + cost.offset / members as f64);
        self.latency_s + moved_byte / (self.byte_per_s * self.efficiency)
    }
}

/// A cluster of equal processors; words have two bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// Matrix products.
    pub matrix: Rate,
    /// Everything else.
    pub vector: Rate,
    /// The processor's own memory.
    pub memory: MemoryTier,
    /// The host's memory, as far as it is one processor's.
    pub host: MemoryTier,
    /// The network in a node.
    pub in_node: ClusterNetwork,
    /// The network between nodes.
    pub between_nodes: ClusterNetwork,
    /// What a processor may take, in W.
    pub power_w: f64,
}

/// A curve of four steps; bounds in units of `unit`.
const fn curve(unit: f64, steps: [(f64, f64); 4]) -> EfficiencyCurve {
    let [(a, w), (b, x), (c, y), (d, z)] = steps;
    EfficiencyCurve([(a * unit, w), (b * unit, x), (c * unit, y), (d * unit, z)])
}

// Source of all curves and networks: calculon-ai/calculon @ caa4b11 (Apache-2.0), systems/a100_80g.json and h100_80g_nvl8.json.
const MATRIX: EfficiencyCurve = curve(1e9, [(128.0, 0.95), (16.0, 0.9), (1.0, 0.6), (0.0, 0.1)]);
const VECTOR: EfficiencyCurve = curve(1e9, [(16.0, 0.95), (1.0, 0.5), (0.0, 0.1), (0.0, 0.1)]);
const OWN_MEMORY: EfficiencyCurve = curve(1e6, [(100.0, 0.9), (10.0, 0.75), (1.0, 0.6), (0.0, 0.3)]);
const HOST_MEMORY: EfficiencyCurve = curve(1e6, [(100.0, 0.95), (10.0, 0.9), (1.0, 0.7), (0.0, 0.3)]);
const WHOLE: CollectiveCost = CollectiveCost { factor: 1.0, offset: 0.0 };

/// Times the efficiency of matrix products, and the efficiency of the network in a node. Ours: of a grid in steps of a twentieth, the least squared errors over
/// eight steps that Megatron took (`tests/models/llm_system.rs`, which also fits four of them and foretells the other four).
pub const FITTED: (f64, f64) = (0.9, 0.95);

const GIB: f64 = 1_073_741_824.0;

impl Cluster {
    /// A100 with 80 GiB, eight in a node, with the constants that Calculon publishes.
    pub const fn a100_published() -> Self {
        Self {
            matrix: Rate { peak_per_s: 312e12, efficiency: MATRIX },
            vector: Rate { peak_per_s: 78e12, efficiency: VECTOR },
            memory: MemoryTier {
                capacity_byte: 80.0 * GIB,
                rate: Rate { peak_per_s: 2048e9, efficiency: OWN_MEMORY },
            },
            host: MemoryTier {
                capacity_byte: 512.0 * GIB,
                rate: Rate { peak_per_s: 32e9, efficiency: HOST_MEMORY },
            },
            in_node: ClusterNetwork {
                byte_per_s: 300e9,
                efficiency: 0.65,
                latency_s: 10e-6,
                size: 8,
                half: CollectiveCost { factor: 1.5, offset: -1.0 },
                all_reduce: CollectiveCost { factor: 2.0, offset: -1.0 },
                processor_share: 0.15,
            },
            between_nodes: between(25e9),
            // Source: NVIDIA A100 80GB datasheet (June 2021), SXM: maximum thermal design power.
            power_w: 400.0,
        }
    }

    /// H100 with 80 GiB, eight in a node, with the constants that Calculon publishes.
    pub const fn h100_published() -> Self {
        let a100 = Self::a100_published();
        Self {
            matrix: Rate { peak_per_s: 1000e12, efficiency: MATRIX },
            vector: Rate { peak_per_s: 120e12, efficiency: VECTOR },
            memory: MemoryTier {
                capacity_byte: 80.0 * GIB,
                rate: Rate { peak_per_s: 3072e9, efficiency: OWN_MEMORY },
            },
            host: MemoryTier {
                capacity_byte: 512.0 * GIB,
                rate: Rate { peak_per_s: 450e9, efficiency: HOST_MEMORY },
            },
            in_node: ClusterNetwork {
                byte_per_s: 450e9,
                half: WHOLE,
                all_reduce: CollectiveCost { factor: 1.0, offset: 1.0 },
                ..a100.in_node
            },
            between_nodes: between(50e9),
            // Source: NVIDIA H100 datasheet (2023), SXM: maximum thermal design power.
            power_w: 700.0,
        }
    }

    /// The same cluster with other efficiencies: matrix products' times `matrix`, the network in a node at `in_node`.
    #[must_use]
    pub fn with_efficiencies(mut self, matrix: f64, in_node: f64) -> Self {
        self.matrix.efficiency = self.matrix.efficiency.scaled(matrix);
        self.in_node.efficiency = in_node;
        self
    }
}

const fn between(byte_per_s: f64) -> ClusterNetwork {
    ClusterNetwork {
        byte_per_s,
        efficiency: 0.9,
        latency_s: 20e-6,
        size: 65_536,
        half: WHOLE,
        all_reduce: WHOLE,
        processor_share: 0.02,
    }
}

/// Names of the clusters that [`cluster`] knows.
pub const CLUSTERS: [&str; 2] = ["a100-80", "h100-80"];

/// The cluster called `name`, with [`FITTED`] efficiencies.
///
/// # Errors
/// If there is none of that name.
pub fn cluster(name: &str) -> Result<Cluster, UnknownName> {
    let [a100, h100] = CLUSTERS;
    let known = [(a100, Cluster::a100_published()), (h100, Cluster::h100_published())];
    let (matrix, in_node) = FITTED;
    value_of("cluster", name, known).map(|cluster| cluster.with_efficiencies(matrix, in_node))
}

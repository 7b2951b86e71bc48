//! An accelerator of fourteen parameters whose cost is arithmetic: a family, one member for each number.
//!
//! Ours: what a search meets in the real thing, at a microsecond a design. Two limits on metrics, buffers that overflow and clocks
//! that are not reached without anything having been measured, costs that are products and steps of sizes, categories that act
//! together with sizes, and a fifth to a third of all designs acceptable. No number of it stands for a technology.

use rand::RngExt;
use tapeout_core::{Design, DesignSpace, Metric, Outcome, Parameter, Seed};

/// What tells the members of the family apart.
pub struct Accelerator {
    /// Matrix products: rows, columns and depth.
    layers: Vec<[f64; 3]>,
    /// What a word from memory costs, in operations.
    memory_cost: f64,
    /// The most banks at the fastest clocks.
    fast_banks: f64,
}

/// Name and levels of each parameter that is a size, in the order of [`Sizes`].
const SIZES: [(&str, &[u32]); 12] = [
    ("columns", &[4, 6, 8, 12, 16, 24, 32]),
    ("rows", &[4, 6, 8, 12, 16, 24, 32]),
    ("simd", &[1, 2, 4, 8, 16]),
    ("register_bytes", &[16, 32, 64, 128, 256, 512, 1024]),
    ("weight_kib", &[8, 16, 32, 64, 128, 256, 512, 1024]),
    ("input_kib", &[8, 16, 32, 64, 128, 256, 512, 1024]),
    ("memory_gb_per_s", &[4, 8, 16, 32, 64]),
    ("clock_mhz", &[200, 400, 600, 800, 1000, 1200, 1400, 1600]),
    ("tile_m", &[4, 8, 16, 32, 64, 128, 256, 512]),
    ("tile_n", &[4, 8, 16, 32, 64, 128, 256, 512]),
    ("tile_k", &[4, 8, 16, 32, 64, 128, 256, 512]),
    ("banks", &[1, 2, 4, 8, 16, 32]),
];
/// Loops over tiles from the outermost in, as places in (m, n, k).
const ORDERS: [(&str, [usize; 3]); 6] = [
    ("mnk", [0, 1, 2]),
    ("mkn", [0, 2, 1]),
    ("nmk", [1, 0, 2]),
    ("nkm", [1, 2, 0]),
    ("kmn", [2, 0, 1]),
    ("knm", [2, 1, 0]),
];
/// What lies along columns and rows, as places in (m, n, k).
const DATAFLOWS: [(&str, [usize; 2]); 3] =
    [("weights-stay", [2, 1]), ("outputs-stay", [0, 1]), ("inputs-stay", [2, 0])];

impl Accelerator {
    /// The member of this number.
    pub fn new(number: u64) -> Self {
        let mut rng = Seed::new(number).stream("accelerator");
        let mut size = || [196, 256, 384, 784, 1024, 1536, 3136][rng.random_range(0..7_usize)];
        let layers = (0..3).map(|_| [size(), size(), size()].map(f64::from)).collect();
        let memory_cost = [80.0, 120.0, 200.0][rng.random_range(0..3_usize)];
        let fast_banks = [8.0, 16.0][rng.random_range(0..2_usize)];
        Self { layers, memory_cost, fast_banks }
    }

    /// 2.4e11 designs.
    pub fn space() -> DesignSpace {
        let sizes = SIZES.iter().map(|(name, levels)| Parameter::ordinal(name, levels.iter().copied()));
        let mut parameters: Vec<Parameter> = sizes.collect();
        parameters.push(Parameter::categorical("dataflow", &DATAFLOWS.map(|(name, _)| name)));
        parameters.push(Parameter::categorical("order", &ORDERS.map(|(name, _)| name)));
        DesignSpace::new(parameters, Vec::new()).expect("invariant: names differ and levels increase")
    }

    /// What [`Accelerator::evaluate`] measures, in its order.
    pub fn metrics() -> Vec<Metric> {
        let metric = |(name, summary)| Metric::new(name, "", summary);
        [
            ("latency", "time of all layers"),
            ("energy", "of all layers"),
            ("area", "of the chip"),
            ("power", "in the mean"),
            ("edp", "energy times latency"),
        ]
        .map(metric)
        .into()
    }

    /// The metrics of a design, or what it lacks.
    pub fn evaluate(&self, design: &Design) -> Outcome {
        let levels = design.levels();
        let size: Vec<f64> =
            SIZES.iter().zip(levels).map(|((_, of), &level)| f64::from(of[level as usize])).collect();
        let [columns, rows, simd, registers, weights, inputs, bandwidth, clock, m, n, k, banks] = size[..]
        else {
            unreachable!("invariant: twelve sizes")
        };
        let (axes, order) = (DATAFLOWS[levels[12] as usize].1, ORDERS[levels[13] as usize].1);
        let tile = [m, n, k];
        let lanes = columns * rows * simd;
        // Each tile twice, since the next one arrives meanwhile; partial sums are four bytes.
        if 2.0 * k * n > 1024.0 * weights || 2.0 * m * k > 1024.0 * inputs {
            return Outcome::infeasible("buffer", 1.0);
        }
        if 4.0 * m * n > registers * columns * rows * 8.0 {
            return Outcome::infeasible("registers", 1.0);
        }
        if clock > 1000.0 && (banks > self.fast_banks || simd > 8.0) {
            return Outcome::infeasible("timing", 1.0);
        }
        let area = 0.02 * columns * rows * (1.0 + 0.5 * simd + registers / 256.0)
            + 0.012 * (weights + inputs) * (1.0 + 0.02 * banks)
            + 0.05 * bandwidth;
        let (mut latency, mut energy) = (0.0, 0.0);
        let voltage = (0.6 + 0.4 * clock / 1000.0).powi(2);
        for bounds in &self.layers {
            let trips: Vec<f64> = (0..3).map(|axis| (bounds[axis] / tile[axis]).ceil()).collect();
            let tiles: f64 = trips.iter().product();
            let along = |axis: usize, lanes: f64| (tile[axis] / lanes).ceil();
            let third = 3 - axes[0] - axes[1];
            let cycles = along(axes[0], columns) * along(axes[1], rows) * (tile[third] / simd).ceil();
            // Words of a tensor from memory: once for every turn of a loop outside or among those that choose its tile.
            let loads = |axes: [usize; 2]| {
                let innermost =
                    order.iter().rposition(|axis| axes.contains(axis)).expect("invariant: three axes");
                let turns: f64 = order[..=innermost].iter().map(|&axis| trips[axis]).product();
                turns * tile[axes[0]] * tile[axes[1]]
            };
            let words = loads([0, 2]) + loads([2, 1]) + 2.0 * loads([0, 1]);
            let macs = tiles * m * n * k;
            let reuse = 1.0 + (registers / 16.0).log2();
            let buffer_words = macs / (simd * reuse) * 2.0;
            let compute = tiles * (cycles + 20.0) / clock;
            let buffer = buffer_words / (banks * 8.0 * clock);
            let memory = words / (bandwidth * 1000.0);
            latency += compute.max(buffer).max(memory) + 0.1 * (compute + buffer + memory);
            let sram = 1.5 + 0.6 * ((weights + inputs) / 16.0).sqrt() + 0.05 * banks;
            energy += voltage * (macs + buffer_words * sram) + words * self.memory_cost;
        }
        let (latency, energy) = (latency * 1e-6, energy * 1e-9);
        let energy = energy + 0.08 * area * latency * (1.0 + 0.002 * lanes);
        let power = energy / latency;
        Outcome::Measured(vec![latency, energy, area, power, energy * latency])
    }
}

//! What the cost tables know, as the loop-nest model takes it: memories and DRAM as levels, multiply-accumulate units.

use crate::loop_nest::{AccessEnergy, Bandwidth, Level, Mac, Network};
use crate::technology::{DramKind, MacCost, StorageCost};

/// Tiles that a memory or register holds: the one in use and the one on its way.
pub(crate) const BUFFERS: u64 = 2;

/// `instances` units of this cost for operands of `word_bits`, `mesh_x` of them side by side.
pub(crate) fn mac_units(instances: u64, mesh_x: u64, word_bits: u32, unit: &MacCost) -> Mac {
    Mac { instances, mesh_x, word_bits, energy_j: unit.energy_j, area_m2: Some(unit.area_m2) }
}

/// One memory of this cost as a level of words of `word_bits`: one tile, one word in a block, no limit to its bandwidth.
pub(crate) fn memory_level(name: &str, word_bits: u32, cost: &StorageCost, clock_hz: f64) -> Level {
    let energy = AccessEnergy {
        read_j: cost.read_j,
        fill_j: cost.write_j,
        update_j: cost.write_j,
        leak_j_per_cycle: cost.leakage_w / clock_hz,
    };
    Level { area_m2: Some(cost.area_m2), ..plain_level(name, word_bits, energy) }
}

/// The same as [`memory_level`], with room for [`BUFFERS`] tiles, so that the next arrives while one is worked on.
pub(crate) fn buffered_level(name: &str, word_bits: u32, cost: &StorageCost, clock_hz: f64) -> Level {
    Level { multiple_buffering: BUFFERS as f64, ..memory_level(name, word_bits, cost, clock_hz) }
}

/// DRAM as the outermost level `dram`, of words of `word_bits`. It does not add, so that partial sums travel both ways.
pub(crate) fn dram_level(word_bits: u32, kind: DramKind, words_per_cycle: f64) -> Level {
    let word_j = f64::from(word_bits) * kind.energy_j_per_bit();
    let energy = AccessEnergy { read_j: word_j, fill_j: word_j, update_j: word_j, leak_j_per_cycle: 0.0 };
    Level {
        bandwidth: Bandwidth { shared_words_per_cycle: Some(words_per_cycle), ..Bandwidth::default() },
        reduces_in_place: false,
        ..plain_level("dram", word_bits, energy)
    }
}

/// One instance that holds any number of words, as fast as anybody asks, and takes no area.
pub(crate) fn plain_level(name: &str, word_bits: u32, energy: AccessEnergy) -> Level {
    Level {
        name: name.to_owned(),
        instances: 1,
        mesh_x: 1,
        word_bits,
        block_words: 1,
        cluster_size: 1,
        entries: None,
        multiple_buffering: 1.0,
        overlaps_fills: None,
        bandwidth: Bandwidth::default(),
        energy,
        network: Network::default(),
        reduces_in_place: true,
        area_m2: None,
    }
}

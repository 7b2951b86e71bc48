//! The storage hierarchy of a chip, from the lanes to DRAM.
//!
//! A PE memory is two levels, each half of it: one of inputs, and one of sums, 32 bits wide. A tensor is as wide at a
//! level as the level's words, so outputs are counted with 32 bits for as long as they can be sums, in capacity, energy
//! and cycles alike, and with 8 bits on their way from there to DRAM.

use super::parts::{Parts, SUM_BITS, SUM_BYTES, Staging, WORD_BITS};
use super::template::{EdgeDataflow, EdgeSetting, EdgeTemplate, LANE_WAYS};
use crate::levels::{BUFFERS, buffered_level, dram_level, mac_units};
use crate::loop_nest::{Architecture, Bandwidth, Delivery, Level, Network};
use crate::technology::StorageCost;

/// Levels, by index.
pub(super) const LANE: usize = 0;
pub(super) const CORE: usize = 1;
pub(super) const INPUT: usize = 2;
pub(super) const SUM: usize = 3;
pub(super) const PARAMETER: usize = 4;
pub(super) const ACTIVATION: usize = 5;
pub(super) const DRAM: usize = 6;
pub(super) const N_LEVELS: usize = 7;

/// The hierarchy of `template`.
pub(super) fn architecture(parts: &Parts, template: &EdgeTemplate, setting: &EdgeSetting) -> Architecture {
    let mut levels = memories(parts, template, setting);
    levels.push(Level { network: SYSTOLIC, ..staging("parameter", &parts.parameter, setting) });
    levels.push(staging("activation", &parts.activation, setting));
    let words_per_cycle = template.dram_bandwidth_byte_per_s / setting.clock_hz;
    levels.push(dram_level(WORD_BITS, setting.dram, words_per_cycle));
    let mesh_x = template.pes_x * template.cores * template.lanes * LANE_WAYS;
    let units = mac_units(template.n_macs(), mesh_x, WORD_BITS, &parts.unit);
    Architecture::new(units, levels).expect("invariant: instances of the template nest in x and y")
}

/// Words go from PE to PE, so that the array fills and drains.
const SYSTOLIC: Network =
    Network { hop_j: 0.0, router_j: 0.0, neighbour_links: false, delivery: Delivery::Systolic };

/// Lanes, core memories and the halves of the PE memories.
fn memories(parts: &Parts, template: &EdgeTemplate, setting: &EdgeSetting) -> Vec<Level> {
    let (core_words, lanes) = (template.core_words(), template.lanes);
    let cores_x = template.pes_x * template.cores;
    let (lane_word_bits, lane_block_words) = match setting.dataflow {
        EdgeDataflow::OutputStationary => (SUM_BITS, 1),
        EdgeDataflow::WeightStationary | EdgeDataflow::InputStationary => (WORD_BITS, LANE_WAYS),
    };
    // The units have no level of their own; they leak with the registers.
    let units_w = LANE_WAYS as f64 * parts.unit.leakage_w;
    let register = StorageCost { leakage_w: parts.register.leakage_w + units_w, ..parts.register };
    let half =
        StorageCost { area_m2: parts.pe.area_m2 / 2.0, leakage_w: parts.pe.leakage_w / 2.0, ..parts.pe };
    // A port of either half serves reads and writes, a vector of a core per cycle.
    let port = |words_per_core: u64| Bandwidth {
        shared_words_per_cycle: Some((template.cores * words_per_core) as f64),
        ..Bandwidth::default()
    };
    let lane = Level {
        instances: template.n_lanes(),
        mesh_x: cores_x * lanes,
        word_bits: lane_word_bits,
        block_words: lane_block_words,
        entries: Some(BUFFERS * lane_block_words),
        ..memory("lane", &register, setting)
    };
    let core = Level {
        instances: template.n_pes() * template.cores,
        mesh_x: cores_x,
        block_words: core_words,
        entries: Some(template.core_memory_bytes),
        // Halves take turns, so that reads and writes do not meet.
        bandwidth: Bandwidth {
            read_words_per_cycle: Some(core_words as f64),
            write_words_per_cycle: Some(core_words as f64),
            shared_words_per_cycle: None,
        },
        ..memory("core", &parts.core, setting)
    };
    let input = Level {
        instances: template.n_pes(),
        mesh_x: template.pes_x,
        block_words: core_words,
        entries: Some(template.pe_memory_bytes / 2),
        bandwidth: port(core_words),
        ..memory("pe inputs", &half, setting)
    };
    let sum = Level {
        instances: template.n_pes(),
        mesh_x: template.pes_x,
        word_bits: SUM_BITS,
        block_words: lanes,
        entries: Some(template.pe_memory_bytes / 2 / SUM_BYTES),
        bandwidth: port(lanes),
        ..memory("pe sums", &half, setting)
    };
    vec![lane, core, input, sum]
}

/// A memory through which a stream passes: as fast as the DRAM gives it, if its bytes in flight allow that.
fn staging(name: &str, staging: &Staging, setting: &EdgeSetting) -> Level {
    Level {
        block_words: staging.port_bytes,
        bandwidth: Bandwidth { write_words_per_cycle: staging.limit_byte_per_cycle, ..Bandwidth::default() },
        ..memory(name, &staging.cost, setting)
    }
}

/// One memory on the chip, of 8-bit words and two buffers, that costs this.
fn memory(name: &str, cost: &StorageCost, setting: &EdgeSetting) -> Level {
    buffered_level(name, WORD_BITS, cost, setting.clock_hz)
}

//! Storage that costs a joule an access and is never slow, to be changed where a test looks.

use tapeout_simulators::loop_nest::{AccessEnergy, Bandwidth, Level, Network};

/// `instances` of unlimited size, `mesh_x` of them side by side, each holding one tile at a time.
pub fn level(name: &str, instances: u64, mesh_x: u64) -> Level {
    Level {
        name: name.to_owned(),
        instances,
        mesh_x,
        word_bits: 16,
        block_words: 1,
        cluster_size: 1,
        entries: None,
        multiple_buffering: 1.0,
        overlaps_fills: None,
        bandwidth: Bandwidth::default(),
        energy: AccessEnergy { read_j: 1.0, fill_j: 1.0, update_j: 1.0, leak_j_per_cycle: 0.0 },
        network: Network::default(),
        reduces_in_place: true,
        area_m2: None,
    }
}

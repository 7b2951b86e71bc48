//! Energy of accesses, networks, leakage and multiply-accumulates.

use super::architecture::{AccessEnergy, Architecture, Network};
use super::nest::Nest;
use super::quirks::Quirks;
use super::report::{NetworkTraffic, Report, TensorReport};

/// Fills in the energies of `report`, whose traffic and cycles are final.
pub(super) fn account(architecture: &Architecture, nest: &Nest, quirks: Quirks, report: &mut Report) {
    report.mac_energy_j = report.macs as f64 * architecture.mac().energy_j;
    report.network_energy_j = 0.0;
    report.energy_j = report.mac_energy_j;
    for (index, level) in architecture.levels().iter().enumerate() {
        // Counts are those of one instance in use; banks of one memory are accessed together and pay once.
        let used = nest.used_instances[index];
        let instances =
            if quirks.first_instance_counts { nest.average_instances(index) } else { used as f64 };
        let clusters = match (level.cluster_size, quirks.spread_over_clusters) {
            (1, _) => used,
            (size, false) => used.div_ceil(size),
            (size, true) => used.min(level.instances / size),
        };
        let accessed = match quirks.first_instance_counts {
            true => clusters as f64 * (instances / used as f64),
            false => clusters as f64,
        };
        let is_free = level.network.hop_j == 0.0 && level.network.router_j == 0.0;
        let (mut accesses_j, mut networks_j) = (0.0, 0.0);
        for entry in report.at_mut(index) {
            entry.energy_j = accessed * access_energy_j(entry, &level.energy, level.block_words);
            let [network_j, links_j] =
                if is_free { [0.0; 2] } else { network_energy_j(&entry.network, &level.network, quirks) };
            entry.network.link_energy_j = instances * links_j;
            entry.network.energy_j = instances * (network_j + links_j);
            accesses_j += entry.energy_j;
            networks_j += entry.network.energy_j;
        }
        // Leakage goes on for as long as the layer runs, whatever the level does meanwhile; an idle instance leaks too.
        let leaking = if quirks.idle_instances_gated { used } else { level.instances };
        let leakage_j = level.energy.leak_j_per_cycle * report.cycles as f64 * leaking as f64;
        let entry = &mut report.levels[index];
        entry.used_clusters = clusters;
        entry.used_instances = used;
        entry.counted_instances = instances;
        entry.leakage_j = leakage_j;
        entry.energy_j = accesses_j + leakage_j;
        report.energy_j += entry.energy_j;
        report.network_energy_j += networks_j;
    }
    // Networks are added last; another order would move the last bits of every total, and of what is logged.
    report.energy_j += report.network_energy_j;
}

/// Energy of one instance: vector accesses, the last of them perhaps not full.
fn access_energy_j(entry: &TensorReport, energy: &AccessEnergy, block_words: u64) -> f64 {
    let blocks =
        |words: u64| if block_words == 1 { words as f64 } else { words.div_ceil(block_words) as f64 };
    blocks(entry.reads) * energy.read_j
        + blocks(entry.fills) * energy.fill_j
        + blocks(entry.updates) * energy.update_j
}

/// Energy of the network below one instance, and of the links there. A word passes one router more than it makes whole
/// hops; a word from a neighbour makes one hop between two routers. Source: Timeloop 4cf6d4c, `network-legacy.cpp`.
fn network_energy_j(traffic: &NetworkTraffic, network: &Network, quirks: Quirks) -> [f64; 2] {
    // Partial sums that travel both ways enter the network more often than they are read; every row takes its share of that.
    let words: u64 = traffic.delivered.iter().map(|row| row.words).sum();
    let both_ways = if words > 0 { traffic.ingresses as f64 / words as f64 } else { 0.0 };
    let halved = if quirks.hops_one_way && both_ways > 1.0 { both_ways } else { 1.0 };
    let per_row = traffic.delivered.iter().map(|row| {
        let hops = row.hops / halved;
        let routers = 1.0 + hops.floor();
        let passes = match quirks.truncated_passes {
            true => (routers * row.average_words * both_ways).floor(),
            false => routers * row.words as f64 * both_ways,
        };
        row.words as f64 * both_ways * hops * network.hop_j + passes * network.router_j
    });
    [per_row.sum::<f64>(), traffic.link_transfers as f64 * (network.hop_j + 2.0 * network.router_j)]
}

//! Energy of sending a bit along a repeated on-chip wire.
//!
//! Source: Keckler et al., "GPUs and the Future of Parallel Computing", IEEE Micro 31(5) 2011,
//! doi:10.1109/MM.2011.89, table of projected technologies: 256 bits over 10 mm cost 310 pJ at 40 nm
//! (0.9 V) and 200 pJ at 10 nm (0.75 V, high frequency). Between the two the energy is interpolated on
//! log-log axes; at 65, 45 and 7 nm the capacitance of the nearer end is held and the energy follows the
//! square of the supply, because the capacitance of a wire hardly depends on the node (the two published
//! ends imply 0.150 and 0.139 pF/mm).

use std::sync::LazyLock;

use super::Node;

// Source: Keckler et al. 2011: 310 pJ and 200 pJ for 256 bits over 10 mm.
const ENERGY_40NM_J_PER_BIT_M: f64 = 310e-12 / (256.0 * 10e-3);
const ENERGY_10NM_J_PER_BIT_M: f64 = 200e-12 / (256.0 * 10e-3);
// Source: the same table, supply voltages at 40 and 10 nm.
const SUPPLY_40NM_V: f64 = 0.9;
const SUPPLY_10NM_V: f64 = 0.75;
// Source: nominal supplies of the Predictive Technology Model, high-performance 65 and 45 nm planar
// devices (ptm.asu.edu) and the 7 nm multi-gate device (Sinha et al., DAC 2012,
// doi:10.1145/2228360.2228414).
const SUPPLY_65NM_V: f64 = 1.1;
const SUPPLY_45NM_V: f64 = 1.0;
const SUPPLY_7NM_V: f64 = 0.7;

/// Energy to send one bit one metre, in J, for random data on a repeated wire; independent of distance.
///
/// ```
/// # use tapeout_simulators::technology::{Node, wire_energy_j_per_bit_m};
/// // 310 pJ for 256 bits over 10 mm is 121 fJ per bit and millimetre.
/// let energy_j = wire_energy_j_per_bit_m(Node::new(40)?) * 1e-3;
/// assert!((energy_j - 121e-15).abs() < 0.2e-15);
/// # Ok::<(), tapeout_simulators::technology::TechnologyError>(())
/// ```
pub fn wire_energy_j_per_bit_m(node: Node) -> f64 {
    static ENERGY: LazyLock<[f64; Node::SUPPORTED_NM.len()]> =
        LazyLock::new(|| Node::SUPPORTED_NM.map(energy_j_per_bit_m));
    ENERGY[node.index()]
}

fn energy_j_per_bit_m(node_nm: u32) -> f64 {
    match node_nm {
        65 => ENERGY_40NM_J_PER_BIT_M * (SUPPLY_65NM_V / SUPPLY_40NM_V).powi(2),
        45 => ENERGY_40NM_J_PER_BIT_M * (SUPPLY_45NM_V / SUPPLY_40NM_V).powi(2),
        7 => ENERGY_10NM_J_PER_BIT_M * (SUPPLY_7NM_V / SUPPLY_10NM_V).powi(2),
        _ => {
            let weight = (40.0 / f64::from(node_nm)).ln() / 4.0_f64.ln();
            ENERGY_40NM_J_PER_BIT_M * (ENERGY_10NM_J_PER_BIT_M / ENERGY_40NM_J_PER_BIT_M).powf(weight)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wires_get_cheaper_with_every_node_but_by_less_than_three_times_in_all() {
        let energy: Vec<f64> = Node::all().map(wire_energy_j_per_bit_m).collect();
        assert!(energy.windows(2).all(|pair| pair[1] < pair[0]), "{energy:?}");
        assert!(energy[0] < 3.0 * energy[energy.len() - 1]);
    }

    #[test]
    fn the_published_ends_are_returned_unchanged() {
        let picojoule_256_bit_10_mm = |nm| wire_energy_j_per_bit_m(Node::new(nm).unwrap()) * 2.56 / 1e-12;
        assert!((picojoule_256_bit_10_mm(40) - 310.0).abs() < 1e-9);
        assert!((picojoule_256_bit_10_mm(10) - 200.0).abs() < 1e-9);
    }
}

//! Scaling of logic between process nodes from 32 to 7 nm.
//!
//! Source: Stillmaker & Baas, "Scaling equations for the accurate prediction of CMOS device performance
//! from 180 nm to 7 nm", Integration 58 (2017), doi:10.1016/j.vlsi.2017.02.002: polynomials in the supply
//! voltage fitted to SPICE simulations of predictive transistor models, and a table of areas.
//! Departs from it: the supply is 0.8 V at every node, so no gain from a lower supply is assumed below
//! 32 nm; nodes between two of the paper's (28, 22 and 12 nm) are interpolated on log-log axes.

use super::Node;

/// Supply voltage of both ends of every scaling step, in V; the voltage at which the nodes of the
/// multiply-accumulate table were scaled too, so that both tables shrink alike.
const SUPPLY_V: f64 = 0.8;

/// One row of the paper's tables, for the high-performance device.
struct Row {
    node_nm: f64,
    /// Energy factor, coefficients of V^2, V, 1.
    energy: [f64; 3],
    /// Delay factor, coefficients of V^3, V^2, V, 1.
    delay: [f64; 4],
    /// Area of a circuit relative to its area at 7 nm.
    area: f64,
}

// Source: Stillmaker & Baas 2017, coefficient tables of energy and delay (high-performance rows; the
// 32 nm energy row is confirmed by the paper's corrigendum) and the area table, row "to 7 nm".
const ROWS: [Row; 6] = [
    Row {
        node_nm: 32.0,
        energy: [0.8367, -0.4341, 0.1701],
        delay: [-1047.0, 2982.0, -2797.0, 873.5],
        area: 7.8,
    },
    Row { node_nm: 20.0, energy: [0.373, -0.1582, 0.04104], delay: [0.0, 34.63, -66.37, 41.15], area: 3.6 },
    Row { node_nm: 16.0, energy: [0.2958, -0.1241, 0.03024], delay: [0.0, 24.8, -47.52, 28.87], area: 3.2 },
    Row {
        node_nm: 14.0,
        energy: [0.2363, -0.09675, 0.02239],
        delay: [-40.66, 109.2, -100.6, 35.92],
        area: 2.9,
    },
    Row {
        node_nm: 10.0,
        energy: [0.2068, -0.09311, 0.02375],
        delay: [-34.95, 93.65, -85.99, 30.4],
        area: 1.7,
    },
    Row {
        node_nm: 7.0,
        energy: [0.1776, -0.09097, 0.02447],
        delay: [-28.58, 76.6, -70.26, 24.69],
        area: 1.0,
    },
];

/// Factors by which a circuit's figures change from one node to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shrink {
    pub energy: f64,
    pub area: f64,
    pub delay: f64,
}

/// Factors from `from` to `to`, both between 32 and 7 nm.
pub(super) fn shrink(from: Node, to: Node) -> Shrink {
    let (old, new) = (factors(f64::from(from.nm())), factors(f64::from(to.nm())));
    Shrink { energy: new.energy / old.energy, area: new.area / old.area, delay: new.delay / old.delay }
}

/// Delay at `node` over that at 32 nm; none above.
pub(crate) fn delay_relative_to_32nm(node: Node) -> Option<f64> {
    let at_32nm = Node::new(32).expect("invariant: a supported node");
    (node.nm() <= 32).then(|| shrink(at_32nm, node).delay)
}

/// Energy, area and delay at a node, each in the paper's own arbitrary unit.
fn factors(node_nm: f64) -> Shrink {
    let below = ROWS.iter().position(|row| row.node_nm <= node_nm);
    let below = below.expect("invariant: scaling is asked for at 7 nm and above");
    if ROWS[below].node_nm == node_nm {
        return row_factors(&ROWS[below]);
    }
    let above = below.checked_sub(1).expect("invariant: scaling is asked for at 32 nm and below");
    let (large, small) = (&ROWS[above], &ROWS[below]);
    let weight = (large.node_nm / node_nm).ln() / (large.node_nm / small.node_nm).ln();
    let mix = |large: f64, small: f64| (large.ln() * (1.0 - weight) + small.ln() * weight).exp();
    let (large, small) = (row_factors(large), row_factors(small));
    Shrink {
        energy: mix(large.energy, small.energy),
        area: mix(large.area, small.area),
        delay: mix(large.delay, small.delay),
    }
}

fn row_factors(row: &Row) -> Shrink {
    Shrink {
        energy: polynomial(&row.energy, SUPPLY_V),
        area: row.area,
        delay: polynomial(&row.delay, SUPPLY_V),
    }
}

/// Value of a polynomial whose coefficients are given highest power first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |value, coefficient| value * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_the_papers_corrigendum_is_reproduced() {
        // Corrigendum to section 4.2.1: the energy factor at 32 nm and 0.9 V is 0.4571.
        assert!((polynomial(&ROWS[0].energy, 0.9) - 0.4571).abs() < 5e-5);
    }

    #[test]
    fn energy_area_and_delay_fall_with_every_node_from_22_nm_down() {
        let nodes: Vec<Node> = [22, 16, 14, 12, 10, 7].map(|nm| Node::new(nm).unwrap()).into();
        for pair in nodes.windows(2) {
            let step = shrink(pair[0], pair[1]);
            assert!(step.energy < 1.0 && step.area < 1.0 && step.delay < 1.0, "{pair:?}: {step:?}");
        }
    }

    #[test]
    fn sixteen_to_seven_nanometres_by_hand() {
        // Energy at 0.8 V: 16 nm 0.2958*0.64 - 0.1241*0.8 + 0.03024 = 0.120272,
        //                   7 nm 0.1776*0.64 - 0.09097*0.8 + 0.02447 = 0.065358; ratio 0.54342.
        let step = shrink(Node::new(16).unwrap(), Node::new(7).unwrap());
        assert!((step.energy - 0.54342).abs() < 1e-5);
        assert!((step.area - 1.0 / 3.2).abs() < 1e-12);
    }
}

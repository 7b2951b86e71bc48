//! Integer multiply-accumulate units.
//!
//! Source: `data/technology/aladdin_mac.json`, 28 points (65, 45, 40, 32, 22, 16 and 7 nm; 4, 8, 16 and
//! 32-bit operands with accumulators of twice the width) of the 40 nm units of Aladdin (Shao et al., ISCA
//! 2014, doi:10.1109/ISCA.2014.6853196). Every column of it is exactly `m * operand_bits^2 +
//! a * accumulator_bits`: a multiplier that grows with the square of its width and an adder that grows
//! linearly. `m` and `a` are solved per node from the 8-bit and the 32-bit row, and the other two rows
//! come out right to 1e-9, so widths between the table's are not a fit of ours but the source's own law.
//! 28 nm is interpolated between 32 and 22 nm on log-log axes; 14, 12 and 10 nm are scaled from 16 nm.

use std::sync::LazyLock;

use super::scaling::{self, Shrink};
use super::{Node, TechnologyError, table};

/// Narrowest and widest operand of the table, in bits.
const OPERAND_BITS: (u32, u32) = (4, 32);
/// Narrowest and widest accumulator of the table, in bits.
const ACCUMULATOR_BITS: (u32, u32) = (8, 64);

/// What one integer multiply-accumulate unit costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacCost {
    /// Energy of one multiplication and one accumulation, in J.
    pub energy_j: f64,
    /// Area of multiplier and adder, in m2; registers are not in it.
    pub area_m2: f64,
    /// Power while idle, in W.
    pub leakage_w: f64,
}

/// Cost of a unit that multiplies two integers of `operand_bits` and adds the product to an accumulator
/// of `accumulator_bits`, by default twice the operand width.
///
/// # Errors
/// [`TechnologyError::MacOperand`] outside 4 to 32 bits, [`TechnologyError::MacAccumulator`] outside 8 to
/// 64 bits.
///
/// ```
/// # use tapeout_simulators::technology::{Node, mac};
/// let eight_bit = mac(8, None, Node::new(45)?)?;
/// assert!((eight_bit.energy_j - 1.0328e-12).abs() < 1e-16);
/// // A 32-bit accumulator, as int8 inference uses, costs a wider adder.
/// assert!(mac(8, Some(32), Node::new(45)?)?.energy_j > eight_bit.energy_j);
/// # Ok::<(), tapeout_simulators::technology::TechnologyError>(())
/// ```
pub fn mac(operand_bits: u32, accumulator_bits: Option<u32>, node: Node) -> Result<MacCost, TechnologyError> {
    let (min_bits, max_bits) = OPERAND_BITS;
    if !(min_bits..=max_bits).contains(&operand_bits) {
        return Err(TechnologyError::MacOperand { got_bits: operand_bits, min_bits, max_bits });
    }
    let accumulator_bits = accumulator_bits.unwrap_or(2 * operand_bits);
    let (min_bits, max_bits) = ACCUMULATOR_BITS;
    if !(min_bits..=max_bits).contains(&accumulator_bits) {
        return Err(TechnologyError::MacAccumulator { got_bits: accumulator_bits, min_bits, max_bits });
    }
    Ok(PARTS[node.index()].cost(f64::from(operand_bits), f64::from(accumulator_bits)))
}

/// Cost of a unit for operands of two widths: the table's law with a cell of the multiplier for each pair of bits, whatever the widths.
///
/// Ours: that the law holds for products of unequal and of fewer than four bits; a multiplier of an array of cells has `a * b` of them.
pub(crate) fn mac_of(first_bits: u32, second_bits: u32, accumulator_bits: u32, node: Node) -> MacCost {
    let cells = f64::from(first_bits) * f64::from(second_bits);
    PARTS[node.index()].cost(cells.sqrt(), f64::from(accumulator_bits))
}

/// Energy and area at `node` relative to 40 nm for logic that scales like the multiplier.
pub(super) fn relative_to_40nm(node: Node) -> MacCost {
    let reference_node = Node::new(40).expect("invariant: 40 nm is supported");
    let (unit, reference) = (PARTS[node.index()].multiplier, PARTS[reference_node.index()].multiplier);
    MacCost {
        energy_j: unit.energy_j / reference.energy_j,
        area_m2: unit.area_m2 / reference.area_m2,
        leakage_w: unit.leakage_w / reference.leakage_w,
    }
}

/// The two parts of a unit at one node.
#[derive(Clone, Copy, Debug)]
struct Parts {
    /// Per squared bit of the operands.
    multiplier: MacCost,
    /// Per bit of the accumulator.
    adder: MacCost,
}

static PARTS: LazyLock<[Parts; Node::SUPPORTED_NM.len()]> = LazyLock::new(|| {
    let rows = tabulated();
    Node::SUPPORTED_NM.map(|nm| match nm {
        28 => Parts::solve(&rows, 32)
            .between(Parts::solve(&rows, 22), (32.0_f64 / 28.0).ln() / (32.0_f64 / 22.0).ln()),
        14 | 12 | 10 => {
            let node = |nm| Node::new(nm).expect("invariant: a supported node");
            Parts::solve(&rows, 16).scaled(scaling::shrink(node(16), node(nm)))
        }
        _ => Parts::solve(&rows, nm),
    })
});

/// One row of the table in SI units; its accumulator has twice the operand's width.
struct Row {
    node_nm: u32,
    operand_bits: u32,
    cost: MacCost,
}

fn tabulated() -> Vec<Row> {
    let columns = ["node_nm", "operand_bits", "accumulator_bits", "energy_pj", "area_um2", "leakage_mw"];
    let rows = table::rows(include_str!("../../../data/technology/aladdin_mac.json"), columns);
    let row = |[node_nm, operand_bits, accumulator_bits, energy_pj, area_um2, leakage_mw]: [f64; 6]| {
        assert_eq!(
            accumulator_bits,
            2.0 * operand_bits,
            "invariant: the table's accumulators are twice as wide"
        );
        Row {
            node_nm: node_nm as u32,
            operand_bits: operand_bits as u32,
            cost: MacCost {
                energy_j: energy_pj * 1e-12,
                area_m2: area_um2 * 1e-12,
                leakage_w: leakage_mw * 1e-3,
            },
        }
    };
    rows.into_iter().map(row).collect()
}

impl Parts {
    /// Solves the rows `64 m + 16 a` (8 bits) and `1024 m + 64 a` (32 bits) of a node for `m` and `a`.
    fn solve(rows: &[Row], node_nm: u32) -> Parts {
        let cost = |bits| {
            let row = rows.iter().find(|row| row.node_nm == node_nm && row.operand_bits == bits);
            row.expect("invariant: every tabulated node has an 8-bit and a 32-bit row").cost
        };
        let (narrow, wide) = (cost(8), cost(32));
        let multiplier = narrow.combine(wide, |narrow, wide| (wide - 4.0 * narrow) / 768.0);
        let adder = wide.combine(multiplier, |wide, m| (wide - 1024.0 * m) / 64.0);
        Parts { multiplier, adder }
    }

    fn cost(&self, operand_bits: f64, accumulator_bits: f64) -> MacCost {
        self.multiplier.combine(self.adder, |m, a| m * operand_bits * operand_bits + a * accumulator_bits)
    }

    /// Log-linear mixture: `weight` 0 is `self`, 1 is `other`.
    fn between(self, other: Parts, weight: f64) -> Parts {
        let mix = |a: f64, b: f64| a * (b / a).powf(weight);
        Parts {
            multiplier: self.multiplier.combine(other.multiplier, mix),
            adder: self.adder.combine(other.adder, mix),
        }
    }

    /// Leakage shrinks like energy, as it does between the table's own nodes.
    fn scaled(self, shrink: Shrink) -> Parts {
        let scale = |cost: MacCost| MacCost {
            energy_j: cost.energy_j * shrink.energy,
            area_m2: cost.area_m2 * shrink.area,
            leakage_w: cost.leakage_w * shrink.energy,
        };
        Parts { multiplier: scale(self.multiplier), adder: scale(self.adder) }
    }
}

impl MacCost {
    /// Applies `f` to each of the three figures of two costs.
    fn combine(self, other: MacCost, f: impl Fn(f64, f64) -> f64) -> MacCost {
        MacCost {
            energy_j: f(self.energy_j, other.energy_j),
            area_m2: f(self.area_m2, other.area_m2),
            leakage_w: f(self.leakage_w, other.leakage_w),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative_error(got: MacCost, expected: MacCost) -> f64 {
        let error = got.combine(expected, |got, expected| (got / expected - 1.0).abs());
        error.energy_j.max(error.area_m2).max(error.leakage_w)
    }

    #[test]
    fn the_rows_that_the_law_was_not_solved_from_come_out_right() {
        let rows = tabulated();
        assert_eq!(rows.len(), 28);
        for row in &rows {
            let node = Node::new(row.node_nm).unwrap();
            let got = mac(row.operand_bits, None, node).unwrap();
            assert!(relative_error(got, row.cost) < 1e-9, "{} nm, {} bit", row.node_nm, row.operand_bits);
        }
    }

    #[test]
    fn the_published_forty_nanometre_multiplier_and_adder_are_recovered() {
        // Aladdin, 32 bits at 40 nm and 1 GHz: multiplier 12.68 pJ and 6350 um2, adder 0.21 pJ and 278 um2.
        let parts = PARTS[Node::new(40).unwrap().index()];
        assert!((parts.multiplier.energy_j * 1024.0 - 12.68e-12).abs() < 1e-16);
        assert!((parts.adder.energy_j * 32.0 - 0.21e-12).abs() < 1e-16);
        assert!((parts.multiplier.area_m2 * 1024.0 - 6350e-12).abs() < 1e-14);
        assert!((parts.adder.area_m2 * 32.0 - 278e-12).abs() < 1e-14);
    }

    #[test]
    fn the_tables_own_step_from_16_to_7_nm_is_the_scaling_used_for_the_nodes_between() {
        let node = |nm| Node::new(nm).unwrap();
        let (old, new) = (mac(8, None, node(16)).unwrap(), mac(8, None, node(7)).unwrap());
        let shrink = scaling::shrink(node(16), node(7));
        assert!((new.energy_j / old.energy_j / shrink.energy - 1.0).abs() < 1e-4);
        // The area table has two digits, and the two paths through it round differently.
        assert!((new.area_m2 / old.area_m2 / shrink.area - 1.0).abs() < 0.01);
    }

    #[test]
    fn every_figure_grows_with_width_and_shrinks_with_the_node() {
        for (larger, smaller) in Node::all().zip(Node::all().skip(1)) {
            for bits in OPERAND_BITS.0..OPERAND_BITS.1 {
                let here = mac(bits, None, larger).unwrap();
                let wider = mac(bits + 1, None, larger).unwrap();
                let next = mac(bits, None, smaller).unwrap();
                assert!(here.energy_j < wider.energy_j && here.area_m2 < wider.area_m2);
                assert!(next.energy_j < here.energy_j && next.area_m2 < here.area_m2);
                assert!(here.leakage_w < wider.leakage_w && next.leakage_w < here.leakage_w);
            }
        }
    }

    #[test]
    fn widths_outside_the_table_are_refused_with_its_range() {
        let node = Node::new(45).unwrap();
        let text = |result: Result<MacCost, TechnologyError>| result.unwrap_err().to_string();
        assert_eq!(text(mac(64, None, node)), "mac operand width 64 bit is outside the table's 4..=32 bit");
        assert_eq!(text(mac(1, None, node)), "mac operand width 1 bit is outside the table's 4..=32 bit");
        assert_eq!(
            text(mac(8, Some(65), node)),
            "mac accumulator width 65 bit is outside the table's 8..=64 bit"
        );
    }
}

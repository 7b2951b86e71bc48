//! What a processing element of a style and a precision costs.

use serde::{Deserialize, Serialize};

use super::{MAX_OPERAND_BITS, Precision, SPREADS, SynthesisUnit, partial_products, synthesised};
use crate::technology::{MacCost, Node, delay_relative_to_32nm, mac_of, register_file};

/// How a processing element multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeStyle {
    /// A multiplier and an adder.
    Multiplier,
    /// The same, with sums kept as two numbers so that no carry is waited for.
    CarrySave,
    /// A partial product a cycle, without those that are zero.
    Encoded,
    /// Shifts and additions in the place of a multiplier, for weights of at most four bits.
    ShiftAdd,
    /// A table of the sums of four activations, and a bit of the weights a cycle.
    LookUp,
}

/// What an element is asked to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ElementDemand {
    /// How it multiplies.
    pub style: PeStyle,
    /// Its operands and sums.
    pub precision: Precision,
    /// Process node, of 32 nm or less.
    pub node: Node,
    /// Its clock.
    pub clock_hz: f64,
    /// Standard deviation of the encoded operands, in steps of INT8; read by [`PeStyle::Encoded`] alone.
    pub spread: f64,
}

/// What a processing element costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessingElement {
    /// Energy of a multiply-accumulate, registers of operands and sum among it.
    pub mac_j: f64,
    /// Energy of scaling, for each multiply-accumulate with weights; the multiplier that does it has no area here.
    pub scaling_j: f64,
    /// Area of cells, registers of operands and sum among them.
    pub area_m2: f64,
    /// Power while idle.
    pub leakage_w: f64,
    /// Cycles of a multiply-accumulate; below one for elements that do several at once.
    pub cycles_per_mac: f64,
}

/// A processing element that there is no cost for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PrecisionError {
    /// Widths outside the law.
    #[error("{what} of {got_bits} bits, expected {min_bits} to {max_bits}")]
    Bits {
        /// Which width.
        what: &'static str,
        /// What it is.
        got_bits: u32,
        /// The narrowest.
        min_bits: u32,
        /// The widest.
        max_bits: u32,
    },
    /// No delay is tabulated above 32 nm.
    #[error("{0}, expected 32 nm or less, where delays of processing elements are known")]
    Node(Node),
    /// A group of no weights.
    #[error("a group of no weights, expected at least 1")]
    Group,
    /// Spread outside the table.
    #[error("operands of standard deviation {0}, expected {min} to {max}", min = SPREADS[0], max = SPREADS[SPREADS.len() - 1])]
    Spread(f64),
    /// No synthesised element is as fast.
    #[error("a clock of {got_hz} Hz, expected at most {fastest_hz}")]
    Clock {
        /// The clock asked for.
        got_hz: f64,
        /// That of the fastest element.
        fastest_hz: f64,
    },
}

/// Elements of the columns that encoded elements are taken from.
const ENCODED_COLUMN: u32 = 16;
/// Activations whose sums a table holds, and lanes that share it. Source: Mo et al. (2024), arXiv 2408.06003: tables of 2^(g-1) signed sums
/// of g = 4 activations, tiles of 64 columns (recalled).
const LOOK_UP_GROUP: f64 = 4.0;
const LOOK_UP_SHARE: f64 = 64.0;
/// Registers of a lane: the smallest file of the table, which holds a sum of 32 bits and as much beside it.
const REGISTER_BYTE: u64 = 8;
const REGISTER_BITS: u32 = 16;

impl PeStyle {
    /// Every style.
    pub const ALL: [(&'static str, Self); 5] = [
        ("multiplier", Self::Multiplier),
        ("carry-save", Self::CarrySave),
        ("encoded", Self::Encoded),
        ("shift-add", Self::ShiftAdd),
        ("look-up", Self::LookUp),
    ];

    /// The synthesised unit that it is, or is compared with, and how many elements that has.
    const fn unit(self) -> (SynthesisUnit, u32) {
        match self {
            Self::Multiplier | Self::ShiftAdd | Self::LookUp => (SynthesisUnit::MultiplyAdd, 1),
            Self::CarrySave => (SynthesisUnit::CarrySave, 1),
            Self::Encoded => (SynthesisUnit::EncodedColumn, ENCODED_COLUMN),
        }
    }

    /// The fastest clock of its unit in 32 nm.
    const fn fastest_period_s(self) -> f64 {
        // Source: the smallest periods of data/technology/processing_elements.json.
        match self {
            Self::Multiplier | Self::ShiftAdd | Self::LookUp => 1.667e-9,
            Self::CarrySave => 1.11e-9,
            Self::Encoded => 0.58e-9,
        }
    }

    /// Energy over that of what it is compared with.
    const fn energy_ratio(self) -> f64 {
        match self {
            Self::Multiplier | Self::CarrySave | Self::LookUp => 1.0,
            // Source of the energy: Wu et al. (HPCA 2025), abstract: 1.20 times the energy efficiency of a matrix of multiply-add
            // elements; the source's project has no power reports. Its area is synthesised.
            Self::Encoded => 1.0 / 1.20,
            // Source: Zhang et al. (2024), arXiv 2411.16158, abstract: 1.4 times the energy efficiency. Its area is taken as the multiplier's
            // for weights of as many bits: what the source says is the speed of whole chips.
            Self::ShiftAdd => 1.0 / 1.4,
        }
    }
}

impl ProcessingElement {
    /// The element that is asked for.
    ///
    /// Energy and area are those of the synthesised INT8 unit at this clock, times what the law of multiply-accumulate units says of
    /// other widths and of the node. A clock below that of the slowest point costs as that point; energy is that of the slowest
    /// synthesised clock or faster ones alike, power over clock.
    ///
    /// # Errors
    /// [`PrecisionError`] for widths, nodes, spreads and clocks outside the tables.
    ///
    /// ```
    /// use tapeout_simulators::precision::{ElementDemand, PeStyle, Precision, ProcessingElement};
    /// use tapeout_simulators::technology::Node;
    /// let demand = ElementDemand {
    ///     style: PeStyle::Multiplier,
    ///     precision: Precision::integer(8),
    ///     node: Node::new(32)?,
    ///     clock_hz: 500e6,
    ///     spread: 20.0,
    /// };
    /// let element = ProcessingElement::new(&demand)?;
    /// // The synthesised point: 0.191 mW at 2 ns, 1,288 um2.
    /// assert!((element.mac_j - 0.382e-12).abs() < 1e-18 && (element.area_m2 - 1288e-12).abs() < 1e-18);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(demand: &ElementDemand) -> Result<Self, PrecisionError> {
        let ElementDemand { style, precision, node, clock_hz, spread } = *demand;
        check(style, &precision)?;
        let delay = delay_relative_to_32nm(node).ok_or(PrecisionError::Node(node))?;
        let period_s = 1.0 / clock_hz / delay;
        let (unit, count) = style.unit();
        let fastest_hz = 1.0 / (style.fastest_period_s() * delay);
        let synthesised = synthesised(unit, count, period_s)
            .ok_or(PrecisionError::Clock { got_hz: clock_hz, fastest_hz })?;
        if style == PeStyle::LookUp {
            return Ok(look_up(&precision, node));
        }
        let reference = Reference::at(period_s);
        let scale = reference.scale(&precision, node);
        let area = synthesised.cell_area_m2 / f64::from(count) / reference.area_m2;
        let energy = synthesised_ratio(style, synthesised.power_w, period_s, &reference);
        let energy_ratio = style.energy_ratio();
        let cycles_per_mac = match style {
            PeStyle::Encoded => {
                let products = partial_products(spread).ok_or(PrecisionError::Spread(spread))?;
                products * f64::from(precision.weight_bits) / 8.0
            }
            _ => 1.0,
        };
        Ok(Self {
            mac_j: scale.energy_j * energy * energy_ratio,
            scaling_j: scaling_j(&precision, node),
            area_m2: scale.area_m2 * area,
            leakage_w: scale.leakage_w * area,
            cycles_per_mac,
        })
    }
}

/// The multiply-add element that others are compared with, at a clock in 32 nm.
struct Reference {
    energy_j: f64,
    area_m2: f64,
    leakage_w: f64,
}

impl Reference {
    /// At `period_s`, or its fastest clock if that is slower.
    fn at(period_s: f64) -> Self {
        let period_s = period_s.max(PeStyle::Multiplier.fastest_period_s());
        let point = synthesised(SynthesisUnit::MultiplyAdd, 1, period_s)
            .expect("invariant: no faster than the fastest");
        let (dynamic_w, leakage_w) = point.power_w.expect("invariant: the element has a power report");
        Self { energy_j: dynamic_w * clocked(period_s), area_m2: point.cell_area_m2, leakage_w }
    }

    /// What it costs for other operands at another node.
    fn scale(&self, precision: &Precision, node: Node) -> MacCost {
        let at_32nm = Node::new(32).expect("invariant: a supported node");
        let (here, there) = (mac_of(8, 8, 32, at_32nm), law(precision, node));
        MacCost {
            energy_j: self.energy_j * there.energy_j / here.energy_j,
            area_m2: self.area_m2 * there.area_m2 / here.area_m2,
            leakage_w: self.leakage_w * there.leakage_w / here.leakage_w,
        }
    }
}

/// The law of multiply-accumulate units for these operands.
fn law(precision: &Precision, node: Node) -> MacCost {
    mac_of(precision.weight_bits, precision.activation_bits, precision.accumulator_bits, node)
}

/// The period that the power of a unit was reported for: no clock slower than 2 ns was, and energy does not grow by waiting.
fn clocked(period_s: f64) -> f64 {
    // Source: the slowest point of the multiply-add element.
    period_s.min(2.0e-9)
}

/// Energy of a style over that of the reference at the same clock, where both have power reports.
fn synthesised_ratio(
    style: PeStyle,
    power_w: Option<(f64, f64)>,
    period_s: f64,
    reference: &Reference,
) -> f64 {
    match (style, power_w) {
        // Source: the slowest point of the carry-save element is 1.5 ns.
        (PeStyle::CarrySave, Some((dynamic_w, _))) => dynamic_w * period_s.min(1.5e-9) / reference.energy_j,
        _ => 1.0,
    }
}

/// Energy of scaling a sum once for each group of weights, for one multiply-accumulate: a product of the sum and the scale, added up.
fn scaling_j(precision: &Precision, node: Node) -> f64 {
    let scaling = mac_of(precision.scale_bits, precision.accumulator_bits, precision.accumulator_bits, node);
    precision.group.map_or(0.0, |group| scaling.energy_j / f64::from(group))
}

/// A lane that adds the sum it looks up, once for each bit of the weights, for four weights at a time; its share of the table; and registers,
/// which the synthesised elements have too, for a bit of each weight, the place in the table and the sum.
///
/// Ours: an adder as in the law of multiply-accumulate units; a multiplexer of two bits is 6 transistors where a full adder is 28, and choosing
/// one of eight takes seven of them a bit; the table is made by as many additions as it has entries, for all lanes that share it.
fn look_up(precision: &Precision, node: Node) -> ProcessingElement {
    let entries = LOOK_UP_GROUP.exp2() / 2.0;
    let entry_bits = f64::from(precision.activation_bits) + LOOK_UP_GROUP.log2();
    let bit = |figure: fn(&MacCost) -> f64| {
        let (wide, narrow) = (mac_of(1, 1, 64, node), mac_of(1, 1, 8, node));
        (figure(&wide) - figure(&narrow)) / 56.0
    };
    let weight_bits = f64::from(precision.weight_bits);
    let adder_bits = f64::from(precision.accumulator_bits);
    let choosing_bits = (entries - 1.0) * entry_bits * 6.0 / 28.0;
    let making_bits = entries * entry_bits / LOOK_UP_SHARE;
    let energy_j = bit(|cost| cost.energy_j);
    let lane_bits = adder_bits + choosing_bits + making_bits;
    // Both operands and the sum, in words of 16 bits as the table has them; the sum is read and written for each bit of the weights.
    let registers = register_file(REGISTER_BYTE, REGISTER_BITS, node)
        .expect("invariant: 8 bytes of 16 bits are in the table of register files");
    let register_j = (LOOK_UP_GROUP + 2.0 * adder_bits) * registers.read_j / f64::from(REGISTER_BITS);
    ProcessingElement {
        mac_j: (weight_bits * (adder_bits + choosing_bits) + making_bits) / LOOK_UP_GROUP * energy_j
            + weight_bits * register_j / LOOK_UP_GROUP,
        scaling_j: scaling_j(precision, node),
        area_m2: lane_bits * bit(|cost| cost.area_m2) + registers.area_m2,
        leakage_w: lane_bits * bit(|cost| cost.leakage_w) + registers.leakage_w,
        cycles_per_mac: weight_bits / LOOK_UP_GROUP,
    }
}

fn check(style: PeStyle, precision: &Precision) -> Result<(), PrecisionError> {
    let widest = if style == PeStyle::ShiftAdd { 4 } else { MAX_OPERAND_BITS };
    let sum_bits = precision.weight_bits + precision.activation_bits;
    let widths = [
        ("weights", precision.weight_bits, 1, widest),
        ("activations", precision.activation_bits, 1, MAX_OPERAND_BITS),
        ("sums", precision.accumulator_bits, sum_bits, 64),
        ("scales", precision.scale_bits, 1, MAX_OPERAND_BITS),
    ];
    for (what, got_bits, min_bits, max_bits) in widths {
        if !(min_bits..=max_bits).contains(&got_bits) {
            return Err(PrecisionError::Bits { what, got_bits, min_bits, max_bits });
        }
    }
    if precision.group == Some(0) { Err(PrecisionError::Group) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(style: PeStyle, precision: Precision) -> ElementDemand {
        ElementDemand { style, precision, node: Node::new(32).unwrap(), clock_hz: 500e6, spread: 20.0 }
    }

    fn element(style: PeStyle, precision: Precision) -> ProcessingElement {
        ProcessingElement::new(&demand(style, precision)).unwrap()
    }

    // By hand: .376 mW at 1.5 ns are .564 pJ, and 1,204 um2; .498 mW at 1.2 ns .598 pJ.
    #[test]
    fn carry_save_elements_are_the_synthesised_ones() {
        let slow = element(PeStyle::CarrySave, Precision::integer(8));
        assert!((slow.mac_j / 0.564e-12 - 1.0).abs() < 1e-9 && (slow.area_m2 / 1204e-12 - 1.0).abs() < 1e-9);
        let fast =
            ElementDemand { clock_hz: 1.0 / 1.2e-9, ..demand(PeStyle::CarrySave, Precision::integer(8)) };
        let fast = ProcessingElement::new(&fast).unwrap();
        assert!((fast.mac_j / 0.5976e-12 - 1.0).abs() < 1e-9 && (fast.area_m2 / 1348e-12 - 1.0).abs() < 1e-9);
    }

    // By hand: a column of 16 has 11,789 um2 at 1.4 ns and slower; 2.05 cycles at a standard deviation of 20.
    #[test]
    fn encoded_elements_are_small_and_take_the_cycles_of_their_data() {
        let encoded = element(PeStyle::Encoded, Precision::integer(8));
        assert!((encoded.area_m2 / (11789e-12 / 16.0) - 1.0).abs() < 1e-9);
        assert_eq!(encoded.cycles_per_mac, 2.05);
        let narrow = element(PeStyle::Encoded, Precision { weight_bits: 4, ..Precision::integer(8) });
        assert_eq!(narrow.cycles_per_mac, 1.025);
    }

    // Source: the smallest periods of the table; a step past each is refused.
    #[test]
    fn the_highest_clock_of_each_style_is_that_of_its_fastest_point() {
        for (style, period_ns) in
            [(PeStyle::Multiplier, 1.667), (PeStyle::CarrySave, 1.11), (PeStyle::Encoded, 0.58)]
        {
            let at = |period_ns: f64| {
                let demand =
                    ElementDemand { clock_hz: 1e9 / period_ns, ..demand(style, Precision::integer(8)) };
                ProcessingElement::new(&demand)
            };
            assert!(at(period_ns).is_ok(), "{style:?}");
            assert!(matches!(at(period_ns * 0.999), Err(PrecisionError::Clock { .. })), "{style:?}");
        }
    }

    // Law: fewer bits never cost more, and a smaller group of weights costs more scaling.
    #[test]
    fn fewer_bits_and_fewer_scales_cost_less() {
        for (_, style) in PeStyle::ALL {
            let widest = if style == PeStyle::ShiftAdd { 4 } else { 16 };
            for bits in 2..=widest {
                let at = |weight_bits| element(style, Precision { weight_bits, ..Precision::integer(8) });
                let (narrow, wide) = (at(bits - 1), at(bits));
                assert!(narrow.mac_j < wide.mac_j && narrow.area_m2 <= wide.area_m2, "{style:?} {bits}");
            }
            let grouped = |group| {
                element(style, Precision { weight_bits: 4, group, ..Precision::integer(8) }).scaling_j
            };
            assert!(grouped(None) < grouped(Some(128)) && grouped(Some(128)) < grouped(Some(32)));
        }
    }

    #[test]
    fn what_has_no_cost_is_refused_with_what_has() {
        let refused =
            |style, precision| ProcessingElement::new(&demand(style, precision)).unwrap_err().to_string();
        assert_eq!(refused(PeStyle::ShiftAdd, Precision::integer(8)), "weights of 8 bits, expected 1 to 4");
        let narrow = Precision { accumulator_bits: 8, ..Precision::integer(8) };
        assert_eq!(refused(PeStyle::Multiplier, narrow), "sums of 8 bits, expected 16 to 64");
        let wide = ElementDemand { spread: 60.0, ..demand(PeStyle::Encoded, Precision::integer(8)) };
        let message = ProcessingElement::new(&wide).unwrap_err().to_string();
        assert_eq!(message, "operands of standard deviation 60, expected 10 to 50");
        let old = ElementDemand {
            node: Node::new(45).unwrap(),
            ..demand(PeStyle::Multiplier, Precision::integer(8))
        };
        assert!(matches!(ProcessingElement::new(&old), Err(PrecisionError::Node(_))));
    }
}

//! SRAM macros interpolated from a CACTI 7 table, and arrays of them.
//!
//! Source: `data/technology/cacti_sram.json`, 303 points of CACTI 7: one read-write port, one bank, 65, 45,
//! 32 and 22 nm. Sizes are powers of two; the grid is not a rectangle:
//!
//! | width | smallest | largest |
//! |---|---|---|
//! | 16 bit | 256 B | 64 KiB |
//! | 32, 64, 128 bit | 256 B | 4 MiB |
//! | 256, 512 bit | 4 KiB | 4 MiB (512 bit at 22, 28 nm and below: 2 MiB) |
//!
//! **Interpolation** is bilinear in the logarithms of size, width and value; at a table point it gives the
//! table's figure. **Other nodes**: 40 nm lies between 45 and 32 nm and 28 nm between 32 and 22 nm, on
//! log-log axes; below 22 nm the 22 nm figures are scaled as logic is (Stillmaker & Baas 2017), with leakage
//! scaled like energy. Outside a grid there is an error, never an extrapolation; larger or wider storage is
//! an [`SramArray`].

use std::sync::LazyLock;

use super::{Node, TechnologyError, scaling, table, wire_energy_j_per_bit_m};

/// What a storage block costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageCost {
    /// Energy of reading one word of the full width, in J.
    pub read_j: f64,
    /// Energy of writing one word of the full width, in J.
    pub write_j: f64,
    /// Area, in m2.
    pub area_m2: f64,
    /// Power while idle, in W.
    pub leakage_w: f64,
    /// Shortest time between two accesses, in s.
    pub cycle_s: f64,
}

/// Cost of one SRAM macro of `size_bytes` accessed `width_bits` at a time.
///
/// Allocates nothing; two logarithms and five exponentials, some 50 ns.
///
/// # Errors
/// [`TechnologyError::SramWidth`] or [`TechnologyError::SramSize`] with the range the table covers.
///
/// ```
/// # use tapeout_simulators::technology::{Node, sram};
/// let buffer = sram(8 * 1024, 64, Node::new(45)?)?;
/// assert!((buffer.read_j - 6.137e-12).abs() < 1e-15);
/// let error = sram(16 * 1024 * 1024, 64, Node::new(45)?).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "sram size 16777216 byte is outside the table's 256..=4194304 byte at 64 bit and 45 nm"
/// );
/// # Ok::<(), tapeout_simulators::technology::TechnologyError>(())
/// ```
pub fn sram(size_bytes: u64, width_bits: u32, node: Node) -> Result<StorageCost, TechnologyError> {
    let grid = &GRIDS[node.index()];
    let width = WIDTH_AXIS.bracket(u64::from(width_bits)).ok_or(TechnologyError::SramWidth {
        got_bits: width_bits,
        min_bits: WIDTH_AXIS.value(0) as u32,
        max_bits: WIDTH_AXIS.value(WIDTHS - 1) as u32,
    })?;
    let (narrow, wide) = (&grid.columns[width.low], &grid.columns[width.high]);
    let at_size =
        |column: &Column, size: &Bracket| Some(column[size.low]?.mix(column[size.high]?, size.weight));
    let between = |size: Bracket| Some(at_size(narrow, &size)?.mix(at_size(wide, &size)?, width.weight));
    SIZE_AXIS.bracket(size_bytes).and_then(between).map(LogCost::cost).ok_or_else(|| {
        let (min_bytes, max_bytes) = size_range(narrow, wide);
        TechnologyError::SramSize { got_bytes: size_bytes, min_bytes, max_bytes, width_bits, node }
    })
}

/// A memory of several equal macros.
///
/// Each access goes to one of `banks`, and every bank is `slices` macros side by side that deliver a part
/// of the word each. A macro so holds `size_bytes / (banks * slices)` and is `width_bits / slices` wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SramArray {
    /// Capacity of the whole array.
    pub size_bytes: u64,
    /// Bits of one access.
    pub width_bits: u32,
    /// Banks, one of which is active in an access.
    pub banks: u32,
    /// Macros side by side in a bank, all active in an access.
    pub slices: u32,
}

impl SramArray {
    /// Cost of the array at `node`.
    ///
    /// Area and leakage are those of all macros, energy that of the active ones; with more than one macro,
    /// the word also travels over wires. From a port in the middle of a side of a square, the mean distance
    /// to a point of it, along the axes, is 3/4 of the side. The cycle is a macro's: banks are pipelined,
    /// and what they deliver together when accesses fall on different banks is up to the caller.
    ///
    /// # Errors
    /// [`TechnologyError::Division`] if the macros are not equal, and those of [`sram`] for the macro.
    ///
    /// ```
    /// # use tapeout_simulators::technology::{Node, SramArray, sram};
    /// let node = Node::new(45)?;
    /// let array = SramArray { size_bytes: 16 << 20, width_bits: 64, banks: 4, slices: 1 }.cost(node)?;
    /// let bank = sram(4 << 20, 64, node)?;
    /// assert_eq!(array.area_m2, 4.0 * bank.area_m2);
    /// assert!(array.read_j > bank.read_j && array.read_j < 2.0 * bank.read_j);
    /// # Ok::<(), tapeout_simulators::technology::TechnologyError>(())
    /// ```
    pub fn cost(&self, node: Node) -> Result<StorageCost, TechnologyError> {
        let SramArray { size_bytes, width_bits, banks, slices } = *self;
        let macros = u64::from(banks) * u64::from(slices);
        if macros == 0 || size_bytes % macros != 0 || width_bits % slices != 0 {
            return Err(TechnologyError::Division { size_bytes, width_bits, banks, slices });
        }
        let one = sram(size_bytes / macros, width_bits / slices, node)?;
        let area_m2 = macros as f64 * one.area_m2;
        let travel_m = if macros == 1 { 0.0 } else { 0.75 * area_m2.sqrt() };
        let travel_j = f64::from(width_bits) * travel_m * wire_energy_j_per_bit_m(node);
        Ok(StorageCost {
            read_j: f64::from(slices) * one.read_j + travel_j,
            write_j: f64::from(slices) * one.write_j + travel_j,
            area_m2,
            leakage_w: macros as f64 * one.leakage_w,
            cycle_s: one.cycle_s,
        })
    }
}

/// Widths and sizes of the grid: powers of two from 16 bit, and from 256 byte.
const WIDTHS: usize = 6;
const SIZES: usize = 15;
const WIDTH_AXIS: Axis = Axis { first_exponent: 4, points: WIDTHS };
const SIZE_AXIS: Axis = Axis { first_exponent: 8, points: SIZES };

/// Grid points at consecutive powers of two.
struct Axis {
    first_exponent: u32,
    points: usize,
}

/// Two neighbouring points of an axis and how far a value lies from the lower to the upper one.
struct Bracket {
    low: usize,
    high: usize,
    weight: f64,
}

impl Axis {
    fn value(&self, point: usize) -> u64 {
        1 << (self.first_exponent as usize + point)
    }

    /// The points around `value`, twice the same where it is a point; none outside the axis.
    fn bracket(&self, value: u64) -> Option<Bracket> {
        if value < self.value(0) || value > self.value(self.points - 1) {
            return None;
        }
        let low = (value.ilog2() - self.first_exponent) as usize;
        if value.is_power_of_two() {
            return Some(Bracket { low, high: low, weight: 0.0 });
        }
        Some(Bracket { low, high: low + 1, weight: (value as f64 / self.value(low) as f64).log2() })
    }
}

/// Natural logarithms of read energy, write energy, area, leakage and cycle time, in SI units.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LogCost([f64; 5]);

impl LogCost {
    fn mix(self, other: LogCost, weight: f64) -> LogCost {
        LogCost(std::array::from_fn(|i| self.0[i] + weight * (other.0[i] - self.0[i])))
    }

    fn cost(self) -> StorageCost {
        let [read_j, write_j, area_m2, leakage_w, cycle_s] = self.0.map(f64::exp);
        StorageCost { read_j, write_j, area_m2, leakage_w, cycle_s }
    }
}

/// The points of one width, by size; `None` where the table has none.
type Column = [Option<LogCost>; SIZES];

/// The points of one node.
#[derive(Clone, Copy)]
struct Grid {
    columns: [Column; WIDTHS],
}

/// Grids of all nodes, in the order of [`Node::SUPPORTED_NM`].
static GRIDS: LazyLock<[Grid; Node::SUPPORTED_NM.len()]> = LazyLock::new(|| {
    let points = tabulated();
    Node::SUPPORTED_NM.map(|nm| match nm {
        40 => Grid::tabulated(&points, 45).between(&Grid::tabulated(&points, 32), node_weight(45, 40, 32)),
        28 => Grid::tabulated(&points, 32).between(&Grid::tabulated(&points, 22), node_weight(32, 28, 22)),
        65 | 45 | 32 | 22 => Grid::tabulated(&points, nm),
        _ => Grid::tabulated(&points, 22).scaled_from_22nm(nm),
    })
});

/// How far `node_nm` lies from `large_nm` to `small_nm` on a logarithmic axis.
fn node_weight(large_nm: u32, node_nm: u32, small_nm: u32) -> f64 {
    let (large, node, small) = (f64::from(large_nm), f64::from(node_nm), f64::from(small_nm));
    (large / node).ln() / (large / small).ln()
}

/// One row of the table.
struct Point {
    node_nm: u32,
    width_bits: u64,
    size_bytes: u64,
    log_cost: LogCost,
}

fn tabulated() -> Vec<Point> {
    let columns =
        ["node_nm", "width_bits", "size_kib", "read_pj", "write_pj", "area_um2", "leakage_mw", "cycle_ns"];
    let rows = table::rows(include_str!("../../../../data/technology/cacti_sram.json"), columns);
    let point =
        |[node_nm, width_bits, size_kib, read_pj, write_pj, area_um2, leakage_mw, cycle_ns]: [f64; 8]| {
            let si =
                [read_pj * 1e-12, write_pj * 1e-12, area_um2 * 1e-12, leakage_mw * 1e-3, cycle_ns * 1e-9];
            Point {
                node_nm: node_nm as u32,
                width_bits: width_bits as u64,
                size_bytes: (size_kib * 1024.0) as u64,
                log_cost: LogCost(si.map(f64::ln)),
            }
        };
    rows.into_iter().map(point).collect()
}

impl Grid {
    fn tabulated(points: &[Point], node_nm: u32) -> Grid {
        let mut columns = [[None; SIZES]; WIDTHS];
        for point in points.iter().filter(|point| point.node_nm == node_nm) {
            let on_axis = "invariant: every point of the table lies on the axes";
            let width = WIDTH_AXIS.bracket(point.width_bits).expect(on_axis).low;
            let size = SIZE_AXIS.bracket(point.size_bytes).expect(on_axis).low;
            columns[width][size] = Some(point.log_cost);
        }
        Grid { columns }
    }

    /// The grid between two nodes, with the points that both have.
    fn between(&self, other: &Grid, weight: f64) -> Grid {
        let point = |width: usize, size: usize| {
            Some(self.columns[width][size]?.mix(other.columns[width][size]?, weight))
        };
        Grid { columns: std::array::from_fn(|width| std::array::from_fn(|size| point(width, size))) }
    }

    fn scaled_from_22nm(&self, node_nm: u32) -> Grid {
        let node = |nm| Node::new(nm).expect("invariant: a supported node");
        let shrink = scaling::shrink(node(22), node(node_nm));
        let shift = [shrink.energy, shrink.energy, shrink.area, shrink.energy, shrink.delay].map(f64::ln);
        let scale = |point: LogCost| LogCost(std::array::from_fn(|i| point.0[i] + shift[i]));
        Grid { columns: self.columns.map(|column| column.map(|point| point.map(scale))) }
    }
}

/// Smallest and largest size that two neighbouring widths both have, in byte.
fn size_range(narrow: &Column, wide: &Column) -> (u64, u64) {
    let both = |&size: &usize| narrow[size].is_some() && wide[size].is_some();
    let first = (0..SIZES).find(both).expect("invariant: neighbouring widths share sizes");
    let last = (0..SIZES).rfind(both).expect("invariant: neighbouring widths share sizes");
    (SIZE_AXIS.value(first), SIZE_AXIS.value(last))
}

#[cfg(test)]
mod tests;

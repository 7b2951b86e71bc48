//! What blocks can do, and what they take.

use std::sync::OnceLock;

use super::blocks::SocMemoryKind;

/// Clocks of blocks other than cores. Source: FARSI, FARSI_what_ifs_with_params.py: 100 MHz times 1, 4, 6 and 8.
pub const ACCELERATOR_CLOCKS_HZ: [f64; 4] = [1e8, 4e8, 6e8, 8e8];
/// Widths of buses and memories. Source: FARSI, `misc_database - Block Characteristics.csv`.
pub const BLOCK_WIDTHS_BYTE: [u32; 6] = [4, 8, 16, 32, 64, 128];
/// The largest memory of the table.
pub const MAX_MEMORY_BYTE: f64 = 65_536_000.0;

/// Clock of a core, an A53. Source: the same sheet, as the next three.
pub(super) const CORE_HZ: f64 = 1e9;
/// Instructions of a cycle.
pub(super) const CORE_INSTRUCTIONS_PER_CYCLE: f64 = 2.0;
/// Instructions of a joule.
pub(super) const CORE_INSTRUCTIONS_PER_J: f64 = 47_019_607_843.0;
/// Area of a core.
pub(super) const CORE_AREA_M2: f64 = 6.5e-7;
/// What accelerators and memories transfer at once, so that tasks share ways by it. Source: FARSI, FARSI_what_ifs_with_params.py.
pub(super) const BURST_BYTE: f64 = 1024.0;
/// What a task needs not have done when another one ends to end with it. Source: FARSI, krnel.py, `update_status`.
pub(super) const LEFT_UNDONE: f64 = 0.01;
/// Length of a window of power. Source: FARSI, config.py, `PCP`.
pub(super) const WINDOW_S: f64 = 0.01;
/// Memories come in multiples of it. Source: FARSI, config.py, `min_mem_size`.
const MEMORY_STEP_BYTE: f64 = 256_000.0;
/// Bytes of an access of CACTI's. Source: zaddan/cacti_for_FARSI, farsi_gen.cfg: a bus of 128 bit.
const ACCESS_BYTE: f64 = 16.0;
/// Energy and area of CACTI's memories in the technology of the rest. Source: FARSI, FARSI_what_ifs_with_params.py, `tech_node_SF`; that of energy is also that of accelerators,
/// which the files of its workloads state.
const MEMORY_ENERGY_SCALE: f64 = 0.064;
const MEMORY_AREA_SCALE: f64 = 0.07;
/// Unrollings that are powers of two; the whole loop is one more. Source: FARSI, parse_library.py, of at most 17 the last one is cut off.
const MAX_UNROLLINGS: usize = 17;

/// How often the loop of a task may stand beside itself: powers of two, and all of its iterations.
pub fn unrollings(iterations: u32) -> Vec<u32> {
    let mut levels: Vec<u32> = (0..=iterations.max(1).ilog2()).map(|power| 1 << power).collect();
    if levels.len() > MAX_UNROLLINGS {
        levels.truncate(MAX_UNROLLINGS - 1);
    }
    if levels.last() != Some(&iterations.max(1)) {
        levels.push(iterations);
    }
    levels
}

/// What a memory takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MemoryCost {
    pub(super) read_j_per_byte: f64,
    pub(super) write_j_per_byte: f64,
    pub(super) area_m2: f64,
}

/// A row of the table: size in byte, and read energy, write energy and area as CACTI prints them, in nJ and mm2.
type Row = (f64, [f64; 3]);

/// Rows of `data/soc/memories.csv` of a kind, by size.
fn rows(kind: SocMemoryKind) -> &'static [Row] {
    static TABLE: OnceLock<[Vec<Row>; 2]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let row = |line: &str| -> Option<(SocMemoryKind, Row)> {
            let mut cells = line.split(',');
            let kind = if cells.next()? == "sram" { SocMemoryKind::Sram } else { SocMemoryKind::Dram };
            let mut number = || cells.next()?.parse::<f64>().ok();
            Some((kind, (number()?, [number()?, number()?, number()?])))
        };
        let text = include_str!("../../../data/soc/memories.csv");
        let mut table = [Vec::new(), Vec::new()];
        for line in text.lines().skip(1) {
            let (kind, row) = row(line).expect("invariant: the built-in table is well formed");
            table[kind as usize].push(row);
        }
        table
    });
    &table[kind as usize]
}

/// What a memory takes in which at most `peak_byte` lie at once; nothing if there is none so large. Between rows of the table along a line.
pub(super) fn memory_cost(kind: SocMemoryKind, peak_byte: f64) -> Option<MemoryCost> {
    let size_byte = (peak_byte.ceil() / MEMORY_STEP_BYTE).ceil().max(1.0) * MEMORY_STEP_BYTE;
    let rows = rows(kind);
    let at = rows.partition_point(|row| row.0 < size_byte);
    let &(above_byte, above) = rows.get(at)?;
    let (below_byte, below) = rows[at.saturating_sub(1)];
    let share =
        if above_byte > below_byte { (above_byte - size_byte) / (above_byte - below_byte) } else { 0.0 };
    let [read_nj, write_nj, area_mm2] =
        [0, 1, 2].map(|column| above[column] + share * (below[column] - above[column]));
    Some(MemoryCost {
        read_j_per_byte: read_nj * 1e-9 / ACCESS_BYTE * MEMORY_ENERGY_SCALE,
        write_j_per_byte: write_nj * 1e-9 / ACCESS_BYTE * MEMORY_ENERGY_SCALE,
        area_m2: area_mm2 * 1e-6 * MEMORY_AREA_SCALE,
    })
}

//! What a group of stages takes, by tiles of rows.

use super::CascadeStage;

/// The chip, as far as fusion sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FusionMachine {
    /// Bytes that the buffer holds.
    pub buffer_byte: f64,
    /// Bytes a second to and from memory together.
    pub byte_per_s: f64,
    /// Multiply-accumulates a second.
    pub macs_per_s: f64,
}

/// What becomes of the rows that two tiles both need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Overlap {
    /// They stay on the chip.
    Retain,
    /// They are computed again, and those of the first input read again.
    Recompute,
}

/// How a group runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMapping {
    /// Rows of the last output that a tile makes.
    pub tile_rows: u64,
    /// What becomes of rows that two tiles need.
    pub overlap: Overlap,
    /// For each stage whether its operand stays on the chip; it is read anew for each tile otherwise.
    pub is_resident: Vec<bool>,
}

/// What a group takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupCost {
    /// The longer of computing and moving.
    pub latency_s: f64,
    /// Bytes to and from memory.
    pub traffic_byte: f64,
    /// Multiply-accumulates, those done again among them.
    pub macs: f64,
    /// Bytes of the buffer.
    pub footprint_byte: f64,
}

/// Rows of a tensor of a group: 0 is the first input, `s + 1` the output of stage `s`.
struct Window {
    /// Rows that a tile needs.
    rows: u64,
    /// Rows of it that the tile before needed too.
    shared: u64,
    row_byte: f64,
}

impl GroupMapping {
    /// What `stages`, which can be fused, take under this mapping.
    pub fn cost(&self, stages: &[CascadeStage], machine: &FusionMachine) -> GroupCost {
        let windows = self.windows(stages);
        let last = &stages[stages.len() - 1];
        let again = last.rows.div_ceil(self.tile_rows) - 1;
        let is_again = self.overlap == Overlap::Recompute;
        let extra = |window: &Window| if is_again { (again * window.shared) as f64 } else { 0.0 };
        let repeat = last.repeat as f64;
        let mut macs = 0.0;
        let mut traffic_byte =
            stages[0].input_byte() + repeat * extra(&windows[0]) * windows[0].row_byte + last.output_byte();
        for (index, stage) in stages.iter().enumerate() {
            macs += repeat * (stage.rows as f64 + extra(&windows[index + 1])) * stage.row_macs;
            if let Some(operand) = &stage.operand {
                let reads = match (self.is_resident[index], operand.is_own) {
                    (true, true) => repeat,
                    (true, false) => 1.0,
                    (false, _) => repeat * (again + 1) as f64,
                };
                traffic_byte += reads * operand.byte;
            }
        }
        GroupCost {
            latency_s: (macs / machine.macs_per_s).max(traffic_byte / machine.byte_per_s),
            traffic_byte,
            macs,
            footprint_byte: self.footprint_byte(stages, &windows),
        }
    }

    /// Rows from the last output backwards: `n` rows are made of a window of the first and a stride for each other. What two tiles
    /// share does not depend on how many rows they have.
    fn windows(&self, stages: &[CascadeStage]) -> Vec<Window> {
        let last = &stages[stages.len() - 1];
        let is_tiled = self.tile_rows < last.rows;
        let mut rows = self.tile_rows.min(last.rows);
        let mut shared = 0_u64;
        let mut windows = vec![Window { rows, shared, row_byte: last.output_row_byte }];
        for stage in stages.iter().rev() {
            rows = (rows - 1) * stage.stride + stage.window;
            shared = (shared * stage.stride + stage.window).saturating_sub(stage.stride);
            windows.push(Window {
                rows: rows.min(stage.input_rows),
                shared: if is_tiled { shared.min(stage.input_rows) } else { 0 },
                row_byte: stage.input_row_byte,
            });
        }
        windows.reverse();
        windows
    }

    /// The tiles of one stage's input and output at a time, rows that wait for the next tile, and resident operands.
    fn footprint_byte(&self, stages: &[CascadeStage], windows: &[Window]) -> f64 {
        let waits = |window: &Window| match self.overlap {
            Overlap::Retain => window.shared as f64 * window.row_byte,
            Overlap::Recompute => 0.0,
        };
        let tile = |window: &Window| window.rows as f64 * window.row_byte;
        let waiting: f64 = windows.iter().map(waits).sum();
        let beside = |pair: &[Window]| tile(&pair[0]) + tile(&pair[1]) - waits(&pair[0]) - waits(&pair[1]);
        let busiest = windows.windows(2).map(beside).fold(0.0, f64::max);
        let operands = stages.iter().zip(&self.is_resident);
        let resident = operands.filter(|(_, is_resident)| **is_resident);
        busiest + waiting + resident.filter_map(|(stage, _)| Some(stage.operand.as_ref()?.byte)).sum::<f64>()
    }
}

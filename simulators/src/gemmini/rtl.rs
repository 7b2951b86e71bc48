//! Cycles of Gemmini as its RTL takes them: tiles that its loop unroller runs one after the other.
//!
//! The loop-nest model says what a mapping can do at best; the circuit runs a mapping in its own way. Software gives it one
//! tile at a time, as large as the scratchpad's, and of the mapping only the size of that tile is left: in which order the
//! levels inside run, the loop unroller decides. For every tile it loads inputs and weights anew, row by row; loads, work
//! and stores of two tiles overlap. So a tile takes as long as the slowest of
//!
//! - *work*: for each block of weights, a pass of the array's length to load it beside the first rows, then the rows of
//!   inputs, at least `LEAST_ROWS` at a time;
//! - *loads*: requests by row, bytes, blocks of biases, and pages of memory beyond those that the TLB holds;
//! - *issue*: what software and unroller take to begin a tile;
//!
//! rounded where two are alike: the `SHARPNESS`-norm of the three. Sources of the structure: Gemmini's software at
//! ucb-bar/gemmini-rocc-tests, branch dosa (959b23f), `tiled_conv`, `tiled_matmul` and the loops in comments of
//! `sp_tiled_conv` and `sp_tiled_matmul_ws`. The ten constants are fitted to 784 runs in RTL; docs/concepts/gemmini.md has
//! the errors, those on layers that were left out of the fit included.

use crate::networks::{Conv2d, MatMul};

/// Cycles of a run beside its tiles: configuration, first and last commands.
// Source of this and the constants below: least mean absolute relative error over the random mappings of ucb-bar/dosa a7a3239
// in `simulators/tests/golden/gemmini`, rounded.
const RUN_CYCLES: f64 = 870.0;
/// Least cycles of a tile of a convolution, and of one of a product.
const CONVOLUTION_ISSUE_CYCLES: f64 = 266.0;
const PRODUCT_ISSUE_CYCLES: f64 = 126.0;
/// Cycles of a request for a row of inputs, and of one for a row of weights.
const INPUT_REQUEST_CYCLES: f64 = 1.14;
const WEIGHT_REQUEST_CYCLES: f64 = 0.7;
/// Bytes that memory delivers in a cycle.
const BYTES_PER_CYCLE: f64 = 10.7;
/// Cycles of a block of biases.
const BIAS_CYCLES: f64 = 28.0;
/// Pages whose addresses are at hand, and cycles of one that is not.
const PAGES_AT_HAND: f64 = 10.0;
const PAGE_CYCLES: f64 = 7.2;
/// How sharply the slowest decides.
const SHARPNESS: f64 = 4.4;
/// Bytes of a request. Source: Gemmini's software, `MAX_BLOCK_LEN`: four blocks of 16 bytes.
const REQUEST_BYTES: u64 = 64;
/// Rows that a pass through the array takes at least. Source: Gemmini's `ExecuteController`, which feeds no fewer (recalled).
const LEAST_ROWS: u64 = 4;
/// Bytes of a page. Source: RISC-V privileged architecture, Sv39.
const PAGE_BYTES: f64 = 4096.0;

/// The part of a convolution that is in the scratchpad at a time. Pairs are height, width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTile {
    /// Images.
    pub batch: u64,
    /// Input channels.
    pub in_channels: u64,
    /// Output channels.
    pub out_channels: u64,
    /// Rows and columns of the output.
    pub output: [u64; 2],
    /// Rows and columns of the kernel.
    pub kernel: [u64; 2],
}

/// The part of a product that is in the scratchpad at a time, in blocks of the array's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductTile {
    /// Blocks of rows of the result.
    pub m: u64,
    /// Blocks of columns of the result.
    pub n: u64,
    /// Blocks of the summed dimension.
    pub k: u64,
}

/// Rows in memory, each read as one piece: so many of `bytes`, `pitch` apart.
#[derive(Debug, Clone, Copy)]
struct Rows {
    n: u64,
    bytes: u64,
    pitch: u64,
}

impl Rows {
    /// Pages that they are in.
    fn pages(self) -> f64 {
        let inside = |bytes: f64| (bytes - 1.0) / PAGE_BYTES + 1.0;
        let (n, bytes) = (self.n as f64, self.bytes as f64);
        // Each row by itself, or all of them as one piece, whichever is less.
        (n * inside(bytes)).min(inside((n - 1.0) * self.pitch as f64 + bytes))
    }
}

/// What one tile asks of the circuit.
#[derive(Debug, Clone, Copy)]
struct Tile {
    issue_cycles: f64,
    /// Cycles of the array.
    work: u64,
    input_requests: u64,
    weight_requests: u64,
    bytes: u64,
    /// Blocks of biases, shared out over the tiles that add to one result.
    biases: f64,
    pages: f64,
}

impl Tile {
    fn cycles(&self) -> f64 {
        let loads = INPUT_REQUEST_CYCLES * self.input_requests as f64
            + WEIGHT_REQUEST_CYCLES * self.weight_requests as f64
            + self.bytes as f64 / BYTES_PER_CYCLE
            + BIAS_CYCLES * self.biases
            + PAGE_CYCLES * (self.pages - PAGES_AT_HAND).max(0.0);
        let parts = [self.work as f64, loads, self.issue_cycles];
        parts.into_iter().map(|part| part.powf(SHARPNESS)).sum::<f64>().powf(SHARPNESS.recip())
    }
}

/// Cycles of `layer` in tiles of `tile` on `array` by `array` units that keep weights.
///
/// A group of channels is a convolution of its own. Tiles at the edges are smaller where sizes do not divide.
///
/// # Panics
/// If a size is 0.
pub fn convolution_cycles(layer: &Conv2d, tile: &ConvTile, array: u64) -> f64 {
    let (in_channels, out_channels) = (layer.in_channels / layer.groups, layer.out_channels / layer.groups);
    // Tiles that add to one result.
    let summed: u64 = (0..2).map(|axis| layer.kernel[axis].div_ceil(tile.kernel[axis])).product::<u64>()
        * in_channels.div_ceil(tile.in_channels);
    let others =
        layer.groups * summed * layer.batch.div_ceil(tile.batch) * out_channels.div_ceil(tile.out_channels);
    let mut cycles = 0.0;
    for (rows, n_rows) in parts(layer.output[0], tile.output[0]) {
        for (columns, n_columns) in parts(layer.output[1], tile.output[1]) {
            let tile = ConvTile { output: [rows, columns], ..*tile };
            let cost = convolution_tile(layer, &tile, summed, array);
            cycles += (others * n_rows * n_columns) as f64 * cost.cycles();
        }
    }
    RUN_CYCLES + cycles
}

fn convolution_tile(layer: &Conv2d, tile: &ConvTile, summed: u64, array: u64) -> Tile {
    let ConvTile { batch, in_channels, out_channels, output: [rows, columns], kernel } = *tile;
    let all_columns = (layer.output[1] - 1) * layer.stride[1] + 1;
    let blocks = out_channels.div_ceil(array) * in_channels.div_ceil(array) * kernel[0] * kernel[1];
    // A block of weights meets rows of the output, in pieces of the array's length.
    let pieces = parts(columns, array);
    let passes: u64 =
        batch * rows * pieces.iter().map(|&(length, n)| length.max(LEAST_ROWS) * n).sum::<u64>();
    let n_pieces: u64 = batch * rows * pieces.iter().map(|&(_, n)| n).sum::<u64>();
    let first = pieces[0].0.max(LEAST_ROWS);
    let taps = |axis: usize| (kernel[axis] - 1) * layer.dilation[axis] + 1;
    let swept = |axis: usize, n: u64| (n - 1) * layer.stride[axis] + taps(axis);
    let (in_rows, in_columns) = (swept(0, rows), swept(1, columns));
    let points = batch * in_rows * in_columns;
    let weight_rows = kernel[0] * kernel[1] * in_channels;
    let inputs = Rows {
        n: batch * in_rows,
        bytes: (in_columns - 1) * layer.in_channels + in_channels,
        pitch: all_columns * layer.in_channels,
    };
    let weights = Rows {
        n: kernel[0] * kernel[1],
        bytes: (in_channels - 1) * layer.out_channels + out_channels,
        pitch: layer.in_channels * layer.out_channels,
    };
    Tile {
        issue_cycles: CONVOLUTION_ISSUE_CYCLES,
        work: blocks * (passes - first + first.max(array)),
        input_requests: points * in_channels.div_ceil(REQUEST_BYTES),
        weight_requests: weight_rows * out_channels.div_ceil(REQUEST_BYTES),
        bytes: points * in_channels + weight_rows * out_channels,
        biases: (n_pieces * out_channels.div_ceil(array)) as f64 / summed as f64,
        pages: inputs.pages() + weights.pages(),
    }
}

/// Cycles of `layer` in tiles of `tile` on `array` by `array` units that keep the second operand. All tiles count as whole.
///
/// # Panics
/// If a size is 0.
pub fn product_cycles(layer: &MatMul, tile: &ProductTile, array: u64) -> f64 {
    let MatMul { batch, m, n, k, .. } = *layer;
    let tiles = |size: u64, blocks: u64| size.div_ceil(array).div_ceil(blocks);
    let summed = tiles(k, tile.k);
    let n_tiles = batch * tiles(m, tile.m) * tiles(n, tile.n) * summed;
    let (block_rows, depth) = (m.min(array), k.min(array));
    let (rows, weight_rows) = (tile.m * block_rows, tile.k * depth);
    let (row_bytes, weight_bytes) = (tile.k * array, tile.n * array);
    let blocks = tile.n * tile.k;
    let pass = block_rows.max(LEAST_ROWS);
    let cost = Tile {
        issue_cycles: PRODUCT_ISSUE_CYCLES,
        work: blocks * (pass.max(depth) + (tile.m - 1) * pass),
        input_requests: rows * row_bytes.div_ceil(REQUEST_BYTES),
        weight_requests: weight_rows * weight_bytes.div_ceil(REQUEST_BYTES),
        bytes: rows * tile.k * depth + weight_rows * tile.n * n.min(array),
        biases: (tile.m * tile.n) as f64 / summed as f64,
        pages: Rows { n: rows, bytes: row_bytes, pitch: k }.pages()
            + Rows { n: weight_rows, bytes: weight_bytes, pitch: n }.pages(),
    };
    RUN_CYCLES + n_tiles as f64 * cost.cycles()
}

/// `total` in pieces of `length`: the whole ones and what is left, each with its number.
fn parts(total: u64, length: u64) -> Vec<(u64, u64)> {
    let (whole, rest) = (total / length, total % length);
    [(length, whole), (rest, 1)].into_iter().filter(|&(length, n)| length > 0 && n > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::SecondOperand;

    fn product(m: u64, n: u64, k: u64) -> MatMul {
        MatMul { batch: 1, m, n, k, second: SecondOperand::Weight }
    }

    // By hand: 64^3 on 16 x 16 in one tile of 4 x 4 x 4 blocks: 16 blocks of weights, each 16 rows to load it beside the first
    // 16 of 64 rows: 1,024 cycles of work. 64 rows of 64 bytes of either operand: 64 requests each, 8,192 bytes, 16 blocks of
    // biases, two pages: 72.96 + 44.8 + 765.6 + 448 = 1,331.4 cycles of loads. Of these and the issue, the norm.
    #[test]
    fn one_tile_takes_little_more_than_its_loads() {
        let cycles = product_cycles(&product(64, 64, 64), &ProductTile { m: 4, n: 4, k: 4 }, 16);
        let loads: f64 = 64.0 * 1.14 + 64.0 * 0.7 + 8192.0 / 10.7 + 16.0 * 28.0;
        let norm = (1024f64.powf(4.4) + loads.powf(4.4) + 126f64.powf(4.4)).powf(1.0 / 4.4);
        assert!((cycles - 870.0 - norm).abs() < 1e-6, "{cycles}");
    }

    // Claim: tiles of a block each are bound by their issue: 64 of them, 126 cycles and little more each.
    #[test]
    fn small_tiles_take_their_issue() {
        let cycles = product_cycles(&product(64, 64, 64), &ProductTile { m: 1, n: 1, k: 1 }, 16);
        assert!((64.0 * 126.0..1.05 * 64.0 * 126.0).contains(&(cycles - 870.0)), "{cycles}");
    }

    // By hand: 20 columns are a piece of 16 and one of 4; 3 x 3 taps, 32 by 32 channels: 36 blocks of weights. In each of 20
    // rows, 16 + 4 rows of inputs; the first piece is as long as a block of weights takes.
    #[test]
    fn edges_take_the_rows_that_they_have() {
        let conv = Conv2d {
            batch: 1,
            in_channels: 32,
            out_channels: 32,
            output: [20; 2],
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            padding: [2; 2],
            groups: 1,
        };
        let whole = ConvTile { batch: 1, in_channels: 32, out_channels: 32, output: [20; 2], kernel: [3; 2] };
        assert_eq!(convolution_tile(&conv, &whole, 1, 16).work, 36 * 20 * 20);
        // Columns in tiles of 8: two whole ones and one of 4, of which 4 columns are no less than the least.
        let narrow = ConvTile { output: [20, 8], ..whole };
        let [eight, four] = [8, 4].map(|columns| ConvTile { output: [20, columns], ..whole });
        let of = |tile: &ConvTile| convolution_tile(&conv, tile, 1, 16).cycles();
        let expected = 870.0 + 2.0 * of(&eight) + of(&four);
        assert!((convolution_cycles(&conv, &narrow, 16) - expected).abs() < 1e-6);
    }
}

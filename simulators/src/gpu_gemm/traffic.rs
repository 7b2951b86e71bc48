//! Bytes to and from DRAM.

use super::device::Device;
use super::gemm::Gemm;
use super::tile::Tile;

/// What a product moves to and from DRAM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Traffic {
    /// Bytes of the operands.
    pub(super) read_byte: f64,
    /// Bytes of the product.
    pub(super) written_byte: f64,
    /// Share of what one product fetches again that the second-level cache no longer has.
    pub(super) missing: f64,
}

impl Traffic {
    /// What `gemm` moves when `resident` blocks of `tile` run on each multiprocessor.
    ///
    /// Each matrix moves at least once. Beyond that, the blocks that run together want one set of rows of the first operand
    /// and one of columns of the second, and the larger the operands are against the second-level cache, the more of that is
    /// fetched anew. Products of a batch have operands of their own and share nothing. With slices of the depth the product is
    /// cleared first and then added to once for each slice, in cache.
    pub(super) fn of(tile: &Tile, gemm: &Gemm, device: &Device, resident: u32) -> Self {
        let [a, b, c] = Gemm { batch: 1, ..*gemm }.matrix_byte();
        let output = if tile.split_k == 1 { c } else { 2.0 * c };
        let compulsory = a + b;
        let running = f64::from(device.n_sms * resident);
        let [tile_rows, tile_columns] = tile.grid(gemm);
        let tile_columns = f64::from(tile_columns);
        let rows = f64::from(tile.raster_group.min(tile_rows));
        let columns = (running / rows).clamp(1.0, tile_columns);
        // Walking over all tiles `rows` by `columns` at a time fetches A once for each group of columns, and B likewise.
        let regrouped = a * (tile_columns / columns) + b * (f64::from(tile_rows) / rows);
        let missing = (1.0 - device.l2_byte / compulsory).clamp(0.0, 1.0);
        let batch = f64::from(gemm.batch);
        Self {
            read_byte: batch * (compulsory + (regrouped - compulsory).max(0.0) * missing),
            written_byte: batch * output,
            missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu_gemm::{Operands, device};

    /// 3456*2048*2 + 4096*2048 bytes of operands fit in 40 MB: each matrix moves once, 3456*4096*4 bytes of product.
    #[test]
    fn what_fits_in_cache_moves_once() {
        let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
        let moved = Traffic::of(&Tile::default(), &gemm, &device("a100").unwrap(), 2);
        assert_eq!((moved.read_byte, moved.written_byte), (14_155_776.0 + 8_388_608.0, 56_623_104.0));
    }

    /// Claim: a batch of independent products moves what they move one by one, also where operands of one fit in cache and those
    /// of all do not.
    #[test]
    fn a_batch_moves_no_more_than_its_products() {
        for k in [1024, 16384] {
            let gemm = Gemm::new(4096, 4096, k, Operands::F16_F16);
            let moved =
                |batch| Traffic::of(&Tile::default(), &Gemm { batch, ..gemm }, &device("a100").unwrap(), 1);
            let [one, all] = [1, 64].map(moved);
            assert_eq!((all.read_byte, all.written_byte), (64.0 * one.read_byte, 64.0 * one.written_byte));
        }
    }

    /// Without reuse across the raster, a large B is fetched for each row of tiles.
    #[test]
    fn a_larger_raster_group_saves_traffic_of_what_does_not_fit() {
        let gemm = Gemm::new(16384, 16384, 16384, Operands::F16_F16);
        let device = device("a100").unwrap();
        let moved = |raster_group| {
            Traffic::of(&Tile { raster_group, ..Tile::default() }, &gemm, &device, 1).read_byte
        };
        assert!(moved(1) > 2.0 * moved(8), "{} {}", moved(1), moved(8));
    }
}

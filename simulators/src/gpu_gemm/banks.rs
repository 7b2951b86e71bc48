//! Collisions of lanes in the banks of shared memory.

use super::operands::ElementType;
use super::tile::{Swizzle, Tile};

/// Bytes of a chunk: what one row of `ldmatrix` reads, and what a swizzle moves as one.
const CHUNK_BYTE: u32 = 16;
/// Chunks that all banks together deliver in a clock: 32 banks of 4 bytes.
const CHUNKS: u32 = 8;

/// A way of reading a tile from shared memory: so many chunks of each of so many consecutive rows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    rows: u32,
    chunks: u32,
}

impl Access {
    /// `ldmatrix`, or loads of two elements by four lanes of each row: eight rows, within a chunk of each.
    pub(super) const MATRIX: Self = Self { rows: 8, chunks: 1 };
    /// 8-byte loads, of which half a warp is served at once: four rows, two chunks of each.
    pub(super) const DOUBLE_WORD: Self = Self { rows: 4, chunks: 2 };

    /// Clocks for each clock that the access would take without collisions. Rows are a power of two of chunks long, before
    /// padding.
    pub(super) fn conflicts(self, tile: &Tile, element: ElementType) -> u32 {
        let pitch = tile.row_pitch_byte(element) / CHUNK_BYTE;
        // Where rows are shorter than all banks together, several rows in a line of them are permuted alike.
        let (shift, mask) = match tile.swizzle {
            Swizzle::None | Swizzle::Pad16 => (0, 0),
            Swizzle::Xor => ((CHUNKS / pitch).max(1).trailing_zeros(), pitch.min(CHUNKS) - 1),
        };
        // How many chunks lie in each place of a line of banks, a byte each: at most 8, so that none carries.
        let mut load = 0u64;
        for row in 0..self.rows {
            let permutation = (row >> shift) & mask;
            for chunk in 0..self.chunks {
                load += 1 << (u8::BITS * ((row * pitch + (chunk ^ permutation)) % CHUNKS));
            }
        }
        load.to_le_bytes().into_iter().max().map_or(1, u32::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(block_k: u32, swizzle: Swizzle, element: ElementType) -> u32 {
        Access::MATRIX.conflicts(&Tile { block_k, swizzle, ..Tile::default() }, element)
    }

    /// Rows of 64 halves are 128 bytes: eight rows start in the same bank. Of 32, every second row; of 16 bytes, none.
    #[test]
    fn plain_rows_collide_by_hand() {
        let plain = [64, 32, 16].map(|k| matrix(k, Swizzle::None, ElementType::F16));
        assert_eq!(plain, [8, 4, 2]);
        assert_eq!(matrix(16, Swizzle::None, ElementType::U8), 1);
    }

    #[test]
    fn an_exclusive_or_frees_matrix_loads_of_every_depth() {
        for k in [16, 32, 64, 128] {
            for element in [ElementType::F16, ElementType::U8] {
                assert_eq!(matrix(k, Swizzle::Xor, element), 1, "{k} of {element:?}");
            }
        }
    }

    /// 16 bytes more make the pitch an odd number of chunks, except where a row is one chunk and becomes two.
    #[test]
    fn padding_frees_all_but_the_shortest_rows() {
        for k in [16, 32, 64, 128] {
            assert_eq!(matrix(k, Swizzle::Pad16, ElementType::F16), 1);
        }
        assert_eq!(matrix(16, Swizzle::Pad16, ElementType::U8), 2);
    }

    /// Four rows of 128 bytes, two chunks each: the same two banks without a swizzle; with one, rows 0 and 1 share a
    /// pair of chunks, as do rows 2 and 3.
    #[test]
    fn double_words_collide_by_hand() {
        let conflicts =
            |swizzle| Access::DOUBLE_WORD.conflicts(&Tile { swizzle, ..Tile::default() }, ElementType::F16);
        assert_eq!(conflicts(Swizzle::None), 4);
        assert_eq!(conflicts(Swizzle::Xor), 2);
        assert_eq!(conflicts(Swizzle::Pad16), 2);
    }
}

//! How the narrow operand is stored.
//!
//! Most kernels take it as it is. Two choices of a tile want its elements in another order along `k`, made once and in
//! advance: the layout `prepermuted`, so that `ldmatrix` brings each element to its lane, and those conversions of
//! four-bit numbers that find two of them with one mask, so that these two belong together.

use tapeout_simulators::gpu_gemm::{Conversion, ElementType, Gemm, Layout, Tile};

/// Lanes of a warp that share a row of a fragment, each with one 32-bit register of it.
const LANES: usize = 4;

/// The order in which a tile wants the narrow operand's elements along `k`: the same in each group.
///
/// ```
/// # use tapeout_gpu::NarrowOrder;
/// # use tapeout_simulators::gpu_gemm::{Gemm, Layout, Operands, Tile};
/// let gemm = Gemm::new(128, 128, 64, Operands::F16_U8);
/// let tile = Tile { layout: Layout::Prepermuted, ..Tile::default() };
/// let order = NarrowOrder::of(&tile, &gemm).expect("one operand is narrow");
/// assert_eq!(order.group(), [0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarrowOrder {
    element: ElementType,
    group: Vec<usize>,
}

impl NarrowOrder {
    /// The order that `tile` wants; none if neither operand of `gemm` is narrow.
    pub fn of(tile: &Tile, gemm: &Gemm) -> Option<Self> {
        let (element, wide) = gemm.operands.conversion()?;
        Some(Self { element, group: group(element, wide, tile.layout, tile.conversion) })
    }

    /// Which `k` of a group of consecutive ones each position holds: 16 of them, or 32 of four bits.
    pub fn group(&self) -> &[usize] {
        &self.group
    }

    /// The bytes of the operand: `codes` in their new order, four-bit numbers two to a byte, the first of them in the lower
    /// half, each row padded with zeros to whole groups, which are 16 byte.
    ///
    /// `codes`: shape `[rows][k]`, one element to a byte, in two's complement if signed; of four-bit numbers the upper half
    /// of the byte is not read.
    ///
    /// # Panics
    /// If `codes` is not a whole number of rows.
    pub fn pack(&self, codes: &[u8], k: usize) -> Vec<u8> {
        let rows = codes.chunks_exact(k);
        assert!(rows.remainder().is_empty(), "{} elements are no whole number of rows of {k}", codes.len());
        let groups = rows.flat_map(|row| row.chunks(self.group.len()));
        let ordered =
            groups.flat_map(|codes| self.group.iter().map(|&k| codes.get(k).copied().unwrap_or_default()));
        if self.element.bits() == 8 {
            return ordered.collect();
        }
        let ordered: Vec<u8> = ordered.collect();
        ordered.chunks_exact(2).map(|pair| pair[0] & 15 | pair[1] << 4).collect()
    }
}

/// The `k` at each position of a group.
fn group(element: ElementType, wide: ElementType, layout: Layout, conversion: Conversion) -> Vec<usize> {
    let per_register = (32 / element.bits()) as usize;
    let mut group = vec![0; LANES * per_register];
    for lane in 0..LANES {
        for index in 0..per_register {
            let position = stored_position(element, layout, lane, index);
            group[position] =
                wanted(per_register, layout, lane, converted_position(element, wide, conversion, index));
        }
    }
    group
}

/// Where in the group that stands which the layout brings to element `index` of the register of `lane`.
const fn stored_position(element: ElementType, layout: Layout, lane: usize, index: usize) -> usize {
    match layout {
        // As `ldmatrix` brings it.
        Layout::Prepermuted | Layout::KPermuted => lane * (32 / element.bits() as usize) + index,
        // In pairs: pair `p` of lane `t` is pair `4p + t` of the row.
        Layout::Shuffle | Layout::NarrowLoads => 2 * (index / 2 * LANES + lane) + index % 2,
    }
}

/// Which of the converted elements of a register, in the order in which tensor cores take them, comes from element `index`.
const fn converted_position(
    element: ElementType,
    wide: ElementType,
    conversion: Conversion,
    index: usize,
) -> usize {
    if is_interleaved(element, wide, conversion) { index % 4 * 2 + index / 4 } else { index }
}

/// Whether the conversion makes pairs of elements `i` and `i + 4` of a register.
const fn is_interleaved(element: ElementType, wide: ElementType, conversion: Conversion) -> bool {
    match (element, wide) {
        (ElementType::U4 | ElementType::E2m1, _) | (ElementType::S4, ElementType::Bf16) => {
            matches!(conversion, Conversion::Fast | Conversion::Unpacked)
        }
        (ElementType::S4, _) => matches!(conversion, Conversion::Alternative),
        _ => false,
    }
}

/// The `k` that `lane` wants as its converted element `index`.
const fn wanted(per_register: usize, layout: Layout, lane: usize, index: usize) -> usize {
    match layout {
        // The wide operand's words: consecutive `k` in each lane.
        Layout::KPermuted => lane * per_register + index,
        // Of each 16: `2t, 2t+1, 2t+8, 2t+9` (PTX ISA, section "Matrix Fragments for mma.m16n8k16", table of B).
        Layout::Shuffle | Layout::NarrowLoads | Layout::Prepermuted => {
            index / 4 * 16 + 2 * lane + index % 2 + index % 4 / 2 * 8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: [(ElementType, ElementType); 7] = [
        (ElementType::U8, ElementType::F16),
        (ElementType::E4m3, ElementType::Bf16),
        (ElementType::U4, ElementType::F16),
        (ElementType::S4, ElementType::F16),
        (ElementType::U4, ElementType::Bf16),
        (ElementType::S4, ElementType::Bf16),
        (ElementType::E2m1, ElementType::F16),
    ];
    const CONVERSIONS: [Conversion; 4] =
        [Conversion::Naive, Conversion::Unpacked, Conversion::Fast, Conversion::Alternative];

    /// Law: an order loses no element and doubles none.
    #[test]
    fn every_order_is_a_permutation() {
        for (element, wide) in PAIRS {
            for (_, layout) in Layout::ALL {
                for conversion in CONVERSIONS {
                    let mut group = group(element, wide, layout, conversion);
                    group.sort_unstable();
                    assert_eq!(group, (0..group.len()).collect::<Vec<_>>(), "{element:?} {layout:?}");
                }
            }
        }
    }

    /// Claim: weights are touched only where the table of `docs/concepts/gpu-model.md` says that they are prepared offline.
    #[test]
    fn weights_stay_as_they_are_unless_permuted_or_interleaved() {
        for (element, wide) in PAIRS {
            for (_, layout) in Layout::ALL {
                for conversion in CONVERSIONS {
                    let group = group(element, wide, layout, conversion);
                    let is_plain = group.iter().enumerate().all(|(position, &k)| position == k);
                    let is_prepared =
                        layout == Layout::Prepermuted || is_interleaved(element, wide, conversion);
                    assert_eq!(is_plain, !is_prepared, "{element:?} {layout:?} {conversion:?}");
                }
            }
        }
    }

    /// U4, fast, k permuted: lane t has k = 8t to 8t+7, and pairs 0, 1 stand in numbers 0, 4 of its register, pairs 2, 3 in
    /// numbers 1, 5, and so on.
    #[test]
    fn interleaved_numbers_by_hand() {
        let order = NarrowOrder {
            element: ElementType::U4,
            group: group(ElementType::U4, ElementType::F16, Layout::KPermuted, Conversion::Fast),
        };
        assert_eq!(order.group()[..8], [0, 2, 4, 6, 1, 3, 5, 7]);
        let codes: Vec<u8> = (0..32).map(|k| k % 16).collect();
        assert_eq!(order.pack(&codes, 32)[..4], [0x20, 0x64, 0x31, 0x75]);
    }
}

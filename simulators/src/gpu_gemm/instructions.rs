//! What it costs to make a narrow operand ready: instructions for each 32-bit register of it.
//!
//! A register holds four bytes or eight four-bit numbers. Counts are of machine instructions that NVRTC 13.0 emits for
//! sm_80, unless the line says otherwise; a sum here is the figure of its recipe in `docs/concepts/gpu-model.md`.

use super::device::Pipes;
use super::gemm::Scaling;
use super::operands::ElementType;
use super::tile::{Conversion, Layout, WARP_THREADS};

/// Instructions of a warp, by the pipe that takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Instructions {
    /// Logic, shifts, byte permutes, packing conversions.
    pub integer: u32,
    /// Single-precision arithmetic.
    pub single: u32,
    /// Half-precision arithmetic, in pairs or not.
    pub half: u32,
    /// Conversions from integer to floating point.
    pub convert: u32,
    /// Exchanges between lanes.
    pub shuffle: u32,
    /// Loads from shared memory beyond those of `ldmatrix`.
    pub load: u32,
    /// Loads of scales and zero points from global memory.
    pub scale_load: u32,
}

impl Instructions {
    const NONE: Self =
        Self { integer: 0, single: 0, half: 0, convert: 0, shuffle: 0, load: 0, scale_load: 0 };

    /// Instructions of all kinds together.
    pub const fn total(&self) -> u32 {
        self.integer + self.single + self.half + self.convert + self.shuffle + self.load + self.scale_load
    }

    /// Both.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            integer: self.integer + other.integer,
            single: self.single + other.single,
            half: self.half + other.half,
            convert: self.convert + other.convert,
            shuffle: self.shuffle + other.shuffle,
            load: self.load + other.load,
            scale_load: self.scale_load + other.scale_load,
        }
    }

    /// Clocks of a multiprocessor that each pipe is busy with them: integer, single, half, convert, shuffle, load.
    ///
    /// A load from shared memory is as many clocks as `load_conflicts`, the ways in which its lanes collide; scales of eight rows
    /// are 16 byte side by side, a clock.
    pub fn pipe_cycles(&self, pipes: &Pipes, load_conflicts: f64) -> [f64; 6] {
        let cycles = |count: u32, rate: f64| f64::from(count * WARP_THREADS) / rate;
        [
            cycles(self.integer, pipes.integer),
            cycles(self.single, pipes.single),
            cycles(self.half, pipes.half_pair),
            cycles(self.convert, pipes.convert),
            cycles(self.shuffle, pipes.shuffle),
            f64::from(self.load) * load_conflicts + f64::from(self.scale_load),
        ]
    }
}

/// Instructions that convert one register of `narrow` elements to `wide` ones.
pub fn conversion(narrow: ElementType, wide: ElementType, recipe: Conversion) -> Instructions {
    use Conversion::{Alternative, Fast, Naive, Unpacked};
    let of = |integer, single, half, convert| Instructions {
        integer,
        single,
        half,
        convert,
        ..Instructions::NONE
    };
    let is_half = wide == ElementType::F16;
    match (narrow, recipe, is_half) {
        // One conversion for each element; shifts and packing around them. The sums are the ends of the ranges found.
        (ElementType::U8, Naive, true) => of(8, 0, 0, 4),
        (ElementType::S8, Naive, true) => of(9, 0, 0, 4),
        (ElementType::U8, Naive, false) => of(6, 0, 0, 4),
        (ElementType::S8, Naive, false) => of(9, 0, 0, 4),
        // Two permutes put a byte into the mantissa of 1024; a subtraction for each pair.
        (ElementType::U8, Fast, true) => of(2, 0, 2, 0),
        // Two permutes that replicate the sign, two lop3, a subtraction of 1536 for each pair.
        (ElementType::S8, Fast, true) => of(4, 0, 2, 0),
        // By hand: as above with a subtraction for each element, and two permutes that pack the halves.
        (ElementType::U8, Unpacked, true) => of(4, 0, 4, 0),
        (ElementType::S8, Unpacked, true) => of(6, 0, 4, 0),
        // Four permutes put a byte into the mantissa of 2^23, four subtractions, two packing conversions.
        (ElementType::U8, Fast | Unpacked, false) => of(6, 4, 0, 0),
        // The same with four sign-extending permutes and four integer additions first.
        (ElementType::S8, Fast | Unpacked, false) => of(10, 4, 0, 0),
        // By hand: through single precision, as U8 to BF16 with another packing conversion at the end.
        (ElementType::U8, Alternative, true) => of(6, 4, 0, 0),
        // The sign bits are flipped, then as U8 with a bias of 1152.
        (ElementType::S8, Alternative, true) => of(3, 0, 2, 0),
        // By hand: to half precision the fast way, four widenings, two packing conversions.
        (ElementType::U8, Alternative, false) => of(4, 0, 6, 0),
        (ElementType::S8, Alternative, false) => of(5, 0, 6, 0),
        // By hand: eight conversions, two instructions to extract each element, four that pack.
        (ElementType::U4 | ElementType::S4, Naive, _) => of(20, 0, 0, 8),
        // Weights interleaved in advance (Marlin): one shift, four lop3, two subtractions, two multiply-adds.
        (ElementType::U4, Fast, true) => of(5, 0, 4, 0),
        // Four permutes, four lop3, four multiply-adds.
        (ElementType::S4, Fast, true) => of(8, 0, 4, 0),
        // By hand: arithmetic for each element, and four permutes that pack.
        (ElementType::U4, Unpacked, true) => of(9, 0, 8, 0),
        (ElementType::S4, Unpacked, true) => of(12, 0, 8, 0),
        // By hand: U4 as S4, without interleaving; S4 with its sign bits flipped, then as U4.
        (ElementType::U4, Alternative, true) => of(8, 0, 4, 0),
        (ElementType::S4, Alternative, true) => of(6, 0, 4, 0),
        // By hand: interleaved in advance; three shifts, four lop3, four multiply-adds, and the sign bits flipped first.
        (ElementType::U4, Fast | Unpacked, false) => of(7, 0, 4, 0),
        (ElementType::S4, Fast | Unpacked, false) => of(8, 0, 4, 0),
        // By hand: to half precision in order, eight widenings, four packing conversions.
        (ElementType::U4 | ElementType::S4, Alternative, false) => of(12, 0, 12, 0),
        // By hand: of each element sign and the rest, moved and put together, and a multiplication; two packing conversions.
        (ElementType::E4m3 | ElementType::E5m2, Naive | Alternative, _) => of(18, 4, 0, 0),
        // By hand: two permutes put each byte in the upper half of its sixteen bits, where it is half precision already.
        (ElementType::E5m2, Fast | Unpacked, true) => of(2, 0, 0, 0),
        // By hand: two permutes; of each pair a shift, two lop3, a multiplication; or two of them, and a permute that packs.
        (ElementType::E4m3, Fast, true) | (ElementType::E4m3 | ElementType::E5m2, Fast | Unpacked, false) => {
            of(8, 0, 2, 0)
        }
        (ElementType::E4m3, Unpacked, true) => of(10, 0, 4, 0),
        // By hand: the same for each of eight elements.
        (ElementType::E2m1, Naive | Alternative, _) => of(36, 8, 0, 0),
        // By hand: interleaved in advance; of each pair two shifts, of the last one, two lop3, a multiplication; or two of them, and a
        // permute that packs.
        (ElementType::E2m1, Fast, true) | (ElementType::E2m1, Fast | Unpacked, false) => of(15, 0, 4, 0),
        (ElementType::E2m1, Unpacked, true) => of(19, 0, 8, 0),
        (ElementType::F16 | ElementType::Bf16, _, _) => Instructions::NONE,
    }
}

/// Instructions that bring one register of `narrow` elements into the lanes that the tensor cores want.
///
/// The shuffle's counts hold for bytes; for four-bit numbers the same per register are assumed. A narrow load brings
/// two elements and works out its own address, by hand.
pub fn layout(narrow: ElementType, layout: Layout) -> Instructions {
    match layout {
        // Two exchanges and a permute.
        Layout::Shuffle => Instructions { shuffle: 2, integer: 1, ..Instructions::NONE },
        Layout::NarrowLoads => {
            let loads = 32 / narrow.bits() / 2;
            Instructions { load: loads, integer: loads + (loads - 1), ..Instructions::NONE }
        }
        Layout::Prepermuted | Layout::KPermuted => Instructions::NONE,
    }
}

/// Instructions that subtract zero points from one register of `narrow` elements, once converted, and multiply by scales. By
/// hand: an operation for each pair, or two; a scale and a zero point are an address, a load through the memory that shared memory
/// is part of, and a permute each.
pub fn scaling(narrow: ElementType, scaling: Scaling) -> Instructions {
    let pairs = 32 / narrow.bits() / 2;
    let numbers = scaling.numbers();
    Instructions { half: pairs * numbers, integer: 2 * numbers, scale_load: numbers, ..Instructions::NONE }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: the sums are those of the recipes as they were counted in machine code.
    #[test]
    fn recipes_have_as_many_instructions_as_were_counted() {
        let total = |narrow, wide, recipe| conversion(narrow, wide, recipe).total();
        assert_eq!(total(ElementType::U8, ElementType::F16, Conversion::Fast), 4);
        assert_eq!(total(ElementType::S8, ElementType::F16, Conversion::Fast), 6);
        assert_eq!(total(ElementType::S8, ElementType::F16, Conversion::Alternative), 5);
        assert_eq!(total(ElementType::U8, ElementType::Bf16, Conversion::Fast), 10);
        assert_eq!(total(ElementType::S8, ElementType::Bf16, Conversion::Fast), 14);
        assert_eq!(total(ElementType::S4, ElementType::F16, Conversion::Fast), 12);
        assert_eq!(total(ElementType::U4, ElementType::F16, Conversion::Fast), 9);
        for (wide, least) in [(ElementType::F16, 12), (ElementType::Bf16, 10)] {
            let naive =
                [ElementType::U8, ElementType::S8].map(|narrow| total(narrow, wide, Conversion::Naive));
            assert_eq!(naive, [least, 13]);
        }
    }

    /// Claim: naive conversion is slow for its pipe. Four conversions at 16 results a clock are 8 clocks of a
    /// multiprocessor, 32 of one of its four parts.
    #[test]
    fn a_naive_fragment_keeps_the_conversion_pipe_for_eight_clocks() {
        let pipes = crate::gpu_gemm::device("a100").unwrap().pipes;
        let cycles =
            conversion(ElementType::U8, ElementType::F16, Conversion::Naive).pipe_cycles(&pipes, 1.0);
        assert_eq!(cycles, [4.0, 0.0, 0.0, 8.0, 0.0, 0.0]);
    }

    /// Claim: banks in which narrow loads collide do not delay scales. Two loads of pairs, eight ways, and a scale.
    #[test]
    fn scales_do_not_collide_with_narrow_loads() {
        let pipes = crate::gpu_gemm::device("a100").unwrap().pipes;
        let scaled = scaling(ElementType::U8, Scaling { group: 32, zero_points: false });
        let both = layout(ElementType::U8, Layout::NarrowLoads).plus(&scaled);
        assert_eq!(both.pipe_cycles(&pipes, 8.0)[5], 17.0);
    }
}

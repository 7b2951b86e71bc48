//! Random operands, as the device takes them and as the reference reads them.

use half::{bf16, f16};
use rand::Rng;
use tapeout_core::Seed;
use tapeout_simulators::gpu_gemm::{ElementType, Gemm};

use crate::weights::NarrowOrder;

/// One operand: `rows` rows of `k` elements.
pub(super) struct Operand {
    element: ElementType,
    /// One element to an item: its 16 bits, or a byte of which four-bit numbers use the lower half. Shape `[rows][k]`.
    codes: Vec<u16>,
    k: usize,
}

impl Operand {
    /// Both operands of `gemm`, drawn from `seed`.
    pub(super) fn pair(gemm: &Gemm, seed: Seed) -> [Self; 2] {
        let draw = |element, rows: u32, purpose| {
            let count = rows as usize * gemm.k as usize;
            Self { element, codes: codes(element, count, seed, purpose), k: gemm.k as usize }
        };
        [draw(gemm.operands.a(), gemm.m, "operand a"), draw(gemm.operands.b(), gemm.n, "operand b")]
    }

    /// The values of row `row`, exact.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        self.codes[row * self.k..][..self.k].iter().map(|&code| value(self.element, code)).collect()
    }

    /// The bytes that a kernel takes which wants narrow elements in `order`.
    pub(super) fn bytes(&self, order: Option<&NarrowOrder>) -> Vec<u8> {
        match (order, self.element.bits()) {
            (Some(order), 4 | 8) => {
                order.pack(&self.codes.iter().map(|&code| code as u8).collect::<Vec<u8>>())
            }
            _ => self.codes.iter().flat_map(|code| code.to_le_bytes()).collect(),
        }
    }

    /// Whether the bytes depend on the order.
    pub(super) const fn is_narrow(&self) -> bool {
        self.element.bits() < 16
    }
}

/// Floating point: uniform between -1 and 1. Integers: uniform over all there are.
fn codes(element: ElementType, count: usize, seed: Seed, purpose: &str) -> Vec<u16> {
    let mut random = vec![0; 2 * count];
    seed.stream(purpose).fill_bytes(&mut random);
    let pairs = random.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let unit = |bits: u16| f32::from(bits.cast_signed()) / 32768.0;
    match element {
        ElementType::F16 => pairs.map(|bits| f16::from_f32(unit(bits)).to_bits()).collect(),
        ElementType::Bf16 => pairs.map(|bits| bf16::from_f32(unit(bits)).to_bits()).collect(),
        ElementType::U8 | ElementType::S8 => pairs.map(|bits| bits & 0xff).collect(),
        ElementType::U4 | ElementType::S4 => pairs.map(|bits| bits & 0xf).collect(),
    }
}

fn value(element: ElementType, code: u16) -> f32 {
    match element {
        ElementType::F16 => f16::from_bits(code).to_f32(),
        ElementType::Bf16 => bf16::from_bits(code).to_f32(),
        ElementType::U8 | ElementType::U4 => f32::from(code),
        ElementType::S8 => f32::from((code as u8).cast_signed()),
        ElementType::S4 => f32::from(((code as u8) << 4).cast_signed() >> 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_simulators::gpu_gemm::Operands;

    /// By hand: 0xFF is 255 or -1, 0xF is 15 or -1, 0x3C00 is one in half precision and 0x3F80 in bfloat16.
    #[test]
    fn codes_mean_what_their_type_says() {
        let values = [
            (ElementType::U8, 0xff, 255.0),
            (ElementType::S8, 0xff, -1.0),
            (ElementType::U4, 0xf, 15.0),
            (ElementType::S4, 0xf, -1.0),
            (ElementType::S4, 0x7, 7.0),
            (ElementType::F16, 0x3c00, 1.0),
            (ElementType::Bf16, 0x3f80, 1.0),
        ];
        for (element, code, expected) in values {
            assert_eq!(value(element, code), expected, "{element:?} {code:#x}");
        }
    }

    /// Claim: other inputs each time, the same from the same seed; two bytes to a wide element, half a byte to four bits.
    #[test]
    fn operands_are_drawn_from_their_seed() {
        let gemm = Gemm { m: 16, n: 8, k: 32, operands: Operands::F16_U4 };
        let tile = tapeout_simulators::gpu_gemm::Tile::default();
        let order = NarrowOrder::of(&tile, &gemm);
        let bytes = |seed| Operand::pair(&gemm, Seed::new(seed)).map(|operand| operand.bytes(order.as_ref()));
        let [a, b] = bytes(0);
        assert_eq!((a.len(), b.len()), (16 * 32 * 2, 8 * 32 / 2));
        assert_eq!([a.clone(), b.clone()], bytes(0));
        let [other_a, other_b] = bytes(1);
        assert!(a != other_a && b != other_b);
    }
}

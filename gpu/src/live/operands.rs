//! Random operands, as the device takes them and as the reference reads them.

use half::{bf16, f16};
use rand::Rng;
use tapeout_core::Seed;
use tapeout_simulators::gpu_gemm::{ElementType, Gemm};

use crate::weights::NarrowOrder;

/// One operand: `rows` rows of `k` elements.
pub(super) struct Operand {
    element: ElementType,
    /// One element to an item: its 16 bits, or a byte of which four-bit numbers use the lower half. Shape
    /// `[batch * rows][k]`.
    codes: Vec<u16>,
    k: usize,
    /// Bytes from a row to the next on the device.
    pitch_byte: usize,
    scales: Option<Scales>,
}

/// Scales and zero points of a narrow operand, in the wide type. Shapes `[batch][groups][rows]`.
struct Scales {
    wide: ElementType,
    group: usize,
    rows: usize,
    scales: Vec<u16>,
    zeros: Option<Vec<u16>>,
}

impl Scales {
    fn draw(gemm: &Gemm, rows: u32, seed: Seed) -> Option<Self> {
        let (scaling, (narrow, wide)) = gemm.scaling.zip(gemm.operands.conversion())?;
        let count = gemm.batch as usize * rows as usize * gemm.k.div_ceil(scaling.group) as usize;
        // Below one sixty-fourth, as weights are.
        let scale = |code| encode(wide, value(wide, code).abs() / 64.0);
        let scales = codes(wide, count, seed, "scales").into_iter().map(scale).collect();
        let zero = |code| encode(wide, value(narrow, code));
        let zeros = || codes(narrow, count, seed, "zero points").into_iter().map(zero).collect();
        let (group, rows) = (scaling.group as usize, rows as usize);
        Some(Self { wide, group, rows, scales, zeros: scaling.zero_points.then(zeros) })
    }

    /// What a kernel makes of `number` at place `k` of row `row`, counted over the batch, of `depth` elements.
    fn apply(&self, number: f32, row: usize, k: usize, depth: usize) -> f32 {
        let (product, row) = (row / self.rows, row % self.rows);
        let place = (product * depth.div_ceil(self.group) + k / self.group) * self.rows + row;
        let rounded = |number| value(self.wide, encode(self.wide, number));
        let zero = self.zeros.as_ref().map_or(0.0, |zeros| value(self.wide, zeros[place]));
        rounded(rounded(number - zero) * value(self.wide, self.scales[place]))
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.scales.iter().chain(self.zeros.iter().flatten()).flat_map(|code| code.to_le_bytes())
    }
}

/// The code of `number`, rounded, in a wide type.
fn encode(wide: ElementType, number: f32) -> u16 {
    match wide {
        ElementType::Bf16 => bf16::from_f32(number).to_bits(),
        _ => f16::from_f32(number).to_bits(),
    }
}

impl Operand {
    /// Both operands of `gemm`, drawn from `seed`.
    pub(super) fn pair(gemm: &Gemm, seed: Seed) -> [Self; 2] {
        let draw = |element, rows: u32, purpose| {
            let count = gemm.batch as usize * rows as usize * gemm.k as usize;
            let pitch_byte = gemm.row_pitch_byte(element) as usize;
            let scales = if element.bits() < 16 { Scales::draw(gemm, rows, seed) } else { None };
            let codes = codes(element, count, seed, purpose);
            Self { element, codes, k: gemm.k as usize, pitch_byte, scales }
        };
        [draw(gemm.operands.a(), gemm.m, "operand a"), draw(gemm.operands.b(), gemm.n, "operand b")]
    }

    /// What tensor cores are given of row `row`, counted over the batch; exact.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        let codes = &self.codes[row * self.k..][..self.k];
        let numbers = codes.iter().map(|&code| value(self.element, code));
        match &self.scales {
            None => numbers.collect(),
            Some(scales) => {
                numbers.enumerate().map(|(k, number)| scales.apply(number, row, k, self.k)).collect()
            }
        }
    }

    /// The bytes that a kernel takes which wants narrow elements in `order`.
    pub(super) fn bytes(&self, order: Option<&NarrowOrder>) -> Vec<u8> {
        match (order, self.element.bits()) {
            (Some(order), 4 | 8) => {
                let codes: Vec<u8> = self.codes.iter().map(|&code| code as u8).collect();
                let mut bytes = order.pack(&codes, self.k);
                bytes.extend(self.scales.iter().flat_map(Scales::bytes));
                bytes
            }
            _ => self.codes.chunks(self.k).flat_map(|row| self.padded(row)).collect(),
        }
    }

    /// The bytes of a row of wide elements, zeros after them up to the next row.
    fn padded(&self, row: &[u16]) -> impl Iterator<Item = u8> {
        let zeros = std::iter::repeat_n(0, self.pitch_byte - 2 * row.len());
        row.iter().flat_map(|code| code.to_le_bytes()).chain(zeros).collect::<Vec<u8>>().into_iter()
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
        // Below 2, as weights are, so that their sums are finite in half precision.
        ElementType::E4m3 | ElementType::E5m2 => pairs.map(|bits| bits & 0xbf).collect(),
        ElementType::E2m1 => pairs.map(|bits| bits & 0xb).collect(),
    }
}

fn value(element: ElementType, code: u16) -> f32 {
    match element {
        ElementType::F16 => f16::from_bits(code).to_f32(),
        ElementType::Bf16 => bf16::from_bits(code).to_f32(),
        ElementType::U8 | ElementType::U4 => f32::from(code),
        ElementType::S8 => f32::from((code as u8).cast_signed()),
        ElementType::S4 => f32::from(((code as u8) << 4).cast_signed() >> 4),
        ElementType::E4m3 => small_float(code, [4, 3]),
        ElementType::E5m2 => small_float(code, [5, 2]),
        ElementType::E2m1 => small_float(code, [2, 1]),
    }
}

/// A finite floating-point number: its sign, so many bits of exponent and of mantissa.
/// Source: of eight bits Micikevicius et al. (2022), arXiv:2209.05433, table 1; of four "OCP Microscaling Formats (MX) Specification" 1.0
/// (2023), section 5.3.3.
fn small_float(code: u16, [exponent_bits, mantissa]: [u32; 2]) -> f32 {
    let bias = (1 << (exponent_bits - 1)) - 1;
    let sign = i32::from(code >> (exponent_bits + mantissa) & 1);
    let exponent = i32::from(code >> mantissa & ((1 << exponent_bits) - 1));
    let fraction = f32::from(code & ((1 << mantissa) - 1)) / f32::from(1_u16 << mantissa);
    let magnitude = match exponent {
        0 => fraction * 2_f32.powi(1 - bias),
        _ => (1.0 + fraction) * 2_f32.powi(exponent - bias),
    };
    if sign == 1 { -magnitude } else { magnitude }
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
            // Largest and least of each (the tables of the sources).
            (ElementType::E4m3, 0x7e, 448.0),
            (ElementType::E4m3, 0x81, -1.0 / 512.0),
            (ElementType::E5m2, 0x7b, 57_344.0),
            (ElementType::E5m2, 0x01, 1.0 / 65_536.0),
            (ElementType::E2m1, 0xf, -6.0),
            (ElementType::E2m1, 0x1, 0.5),
        ];
        for (element, code, expected) in values {
            assert_eq!(value(element, code), expected, "{element:?} {code:#x}");
        }
    }

    /// 250 less a zero point, times a scale, is what the wide type can hold of it; bytes are the rows' and two for each number.
    #[test]
    fn scaled_weights_by_hand() {
        use tapeout_simulators::gpu_gemm::Scaling;
        let scales = Scales {
            wide: ElementType::F16,
            group: 32,
            rows: 1,
            scales: vec![encode(ElementType::F16, 0.5), encode(ElementType::F16, 0.1)],
            zeros: Some(vec![encode(ElementType::F16, 128.0); 2]),
        };
        assert_eq!(scales.apply(250.0, 0, 31, 64), 61.0);
        assert_eq!(
            scales.apply(250.0, 0, 32, 64),
            f16::from_f32(122.0 * f16::from_f32(0.1).to_f32()).to_f32()
        );
        let scaling = Some(Scaling { group: 32, zero_points: true });
        let gemm = Gemm { scaling, ..Gemm::new(3, 5, 33, Operands::F16_U4) };
        let order = NarrowOrder::of(&tapeout_simulators::gpu_gemm::Tile::default(), &gemm);
        let sizes =
            Operand::pair(&gemm, Seed::new(0)).map(|operand| operand.bytes(order.as_ref()).len() as u64);
        assert_eq!(sizes, gemm.stored_byte());
    }

    /// Claim: other inputs each time, the same from the same seed; two bytes to a wide element, half a byte to four bits.
    #[test]
    fn operands_are_drawn_from_their_seed() {
        let gemm = Gemm::new(16, 8, 32, Operands::F16_U4);
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

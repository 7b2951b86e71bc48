//! Instructions of one thread that only compute.

use half::{bf16, f16};

/// What such an instruction makes of its sources, each in the lower bits of a word.
pub type Pure = fn(&[u64]) -> u64;

/// The function of an instruction, if it is one of these.
#[rustfmt::skip]
pub fn pure(opcode: &str) -> Option<Pure> {
    Some(match opcode {
        "mov.b32" | "mov.u32" | "mov.s32" | "mov.f32" => |x| u64::from(x[0] as u32),
        "mov.pred" => |x| u64::from(x[0] != 0),
        "not.pred" => |x| u64::from(x[0] == 0),
        "mov.u64" | "mov.b64" => |x| x[0],
        "mov.b16" | "mov.u16" => |x| u64::from(x[0] as u16),
        "add.s32" => |x| word(u32::wrapping_add, x),
        "sub.s32" => |x| word(u32::wrapping_sub, x),
        "mul.lo.s32" => |x| word(u32::wrapping_mul, x),
        "div.u32" => |x| word(|a, b| a / b, x),
        "rem.u32" => |x| word(|a, b| a % b, x),
        "min.u32" => |x| word(u32::min, x),
        "min.s32" => |x| word(|a, b| (a as i32).min(b as i32) as u32, x),
        "max.s32" => |x| word(|a, b| (a as i32).max(b as i32) as u32, x),
        "neg.s32" => |x| u64::from((x[0] as u32).wrapping_neg()),
        "mad.lo.s32" => |x| u64::from((x[0] as u32).wrapping_mul(x[1] as u32).wrapping_add(x[2] as u32)),
        "and.b32" => |x| word(|a, b| a & b, x),
        "or.b32" => |x| word(|a, b| a | b, x),
        "xor.b32" => |x| word(|a, b| a ^ b, x),
        "not.b32" => |x| u64::from(!(x[0] as u32)),
        "shl.b32" => |x| word(|a, b| a.checked_shl(b).unwrap_or(0), x),
        "shr.u32" => |x| word(|a, b| a.checked_shr(b).unwrap_or(0), x),
        "shr.s32" => |x| word(|a, b| ((a as i32) >> b.min(31)) as u32, x),
        "bfi.b32" => |x| {
            let (start, length) = (x[2].min(32), x[3].min(32));
            let mask = ((1_u64 << length) - 1) << start & 0xFFFF_FFFF;
            (x[0] << start & mask) | (x[1] & !mask & 0xFFFF_FFFF)
        },
        "add.s64" => |x| x[0].wrapping_add(x[1]),
        "and.pred" => |x| x[0] & x[1],
        "or.pred" => |x| x[0] | x[1],
        "or.b64" => |x| x[0] | x[1],
        "and.b64" => |x| x[0] & x[1],
        "shl.b64" => |x| x[0] << x[1],
        "sub.s64" => |x| x[0].wrapping_sub(x[1]),
        "mul.lo.s64" => |x| x[0].wrapping_mul(x[1]),
        "mad.lo.s64" => |x| x[0].wrapping_mul(x[1]).wrapping_add(x[2]),
        "mad.wide.u32" => |x| (u64::from(x[0] as u32) * u64::from(x[1] as u32)).wrapping_add(x[2]),
        "shr.u64" => |x| x[0].checked_shr(x[1] as u32).unwrap_or(0),
        "mul.wide.s32" => |x| (i64::from(x[0] as i32) * i64::from(x[1] as i32)) as u64,
        "cvt.s64.s32" => |x| i64::from(x[0] as i32) as u64,
        "setp.eq.s64" => |x| u64::from(x[0] == x[1]),
        "setp.ne.s64" => |x| u64::from(x[0] != x[1]),
        "setp.lt.u64" => |x| u64::from(x[0] < x[1]),
        "setp.gt.u64" => |x| u64::from(x[0] > x[1]),
        "selp.b64" => |x| if x[2] != 0 { x[0] } else { x[1] },
        "mul.wide.u32" => |x| u64::from(x[0] as u32) * u64::from(x[1] as u32),
        "mul.wide.u16" => |x| u64::from(x[0] as u16) * u64::from(x[1] as u16),
        "mul.lo.s16" => |x| short(u16::wrapping_mul, x),
        "sub.s16" => |x| short(u16::wrapping_sub, x),
        "add.s16" => |x| short(u16::wrapping_add, x),
        "and.b16" => |x| short(|a, b| a & b, x),
        "or.b16" => |x| short(|a, b| a | b, x),
        "div.u16" => |x| short(|a, b| a / b, x),
        "shl.b16" => |x| short(|a, b| a.checked_shl(u32::from(b)).unwrap_or(0), x),
        "shr.u16" => |x| short(|a, b| a.checked_shr(u32::from(b)).unwrap_or(0), x),
        "cvt.u64.u32" | "cvt.u32.u64" => |x| u64::from(x[0] as u32),
        "cvt.u64.u16" | "cvt.u32.u16" | "cvt.u16.u32" | "cvt.u16.u64" => |x| u64::from(x[0] as u16),
        "cvt.u16.u8" | "cvt.u32.u8" => |x| u64::from(x[0] as u8),
        "cvt.s16.s8" => |x| u64::from(i16::from(x[0] as i8) as u16),
        "cvt.s32.s8" => |x| u64::from(i32::from(x[0] as i8) as u32),
        "cvt.s32.s16" => |x| u64::from(i32::from(x[0] as i16) as u32),
        "setp.eq.s32" | "setp.eq.b32" => |x| u64::from(x[0] as u32 == x[1] as u32),
        "setp.ne.s32" | "setp.ne.b32" => |x| u64::from(x[0] as u32 != x[1] as u32),
        "setp.gt.u32" => |x| u64::from(x[0] as u32 > x[1] as u32),
        "setp.le.u32" => |x| u64::from(x[0] as u32 <= x[1] as u32),
        "setp.ge.u32" => |x| u64::from(x[0] as u32 >= x[1] as u32),
        "setp.lt.u32" => |x| u64::from((x[0] as u32) < x[1] as u32),
        "setp.gt.s32" => |x| u64::from(x[0] as i32 > x[1] as i32),
        "setp.lt.s32" => |x| u64::from((x[0] as i32) < x[1] as i32),
        "selp.b32" | "selp.u32" | "selp.s32" => |x| u64::from(if x[2] != 0 { x[0] } else { x[1] } as u32),
        "prmt.b32" => |x| u64::from(permute(x[0] as u32, x[1] as u32, x[2] as u32)),
        "add.f32" => |x| single(x[0]).mul_add(1.0, single(x[1])).to_bits().into(),
        "sub.f32" => |x| (single(x[0]) - single(x[1])).to_bits().into(),
        "sub.f16" => |x| (half(x[0]) - half(x[1])).to_bits().into(),
        "fma.rn.f16" => |x| multiply_add(x[0], x[1], x[2]),
        "sub.f16x2" => |x| pairwise(|a, b, _| (half(a) - half(b)).to_bits().into(), x[0], x[1], 0),
        "fma.rn.f16x2" => |x| pairwise(multiply_add, x[0], x[1], x[2]),
        "mul.f32" => |x| (single(x[0]) * single(x[1])).to_bits().into(),
        "mul.f16" => |x| (half(x[0]) * half(x[1])).to_bits().into(),
        "mul.f16x2" => |x| pairwise(|a, b, _| (half(a) * half(b)).to_bits().into(), x[0], x[1], 0),
        "fma.rn.bf16x2" => |x| pairwise(multiply_add_bfloat, x[0], x[1], x[2]),
        "cvt.f32.f16" => |x| half(x[0]).to_f32().to_bits().into(),
        "cvt.rn.f16.s16" => |x| f16::from_f64(f64::from(x[0] as i16)).to_bits().into(),
        "cvt.rn.f32.s32" => |x| (x[0] as i32 as f32).to_bits().into(),
        "cvt.rn.f32.u32" => |x| (x[0] as u32 as f32).to_bits().into(),
        "cvt.rn.f32.u16" => |x| f32::from(x[0] as u16).to_bits().into(),
        "cvt.rn.f32.s16" => |x| f32::from(x[0] as i16).to_bits().into(),
        // The first source becomes the upper half.
        "cvt.rn.f16x2.f32" => |x| {
            let [high, low] = [x[0], x[1]].map(|bits| u64::from(f16::from_f32(single(bits)).to_bits()));
            high << 16 | low
        },
        "cvt.rn.bf16x2.f32" => |x| {
            let [high, low] = [x[0], x[1]].map(|bits| u64::from(bf16::from_f32(single(bits)).to_bits()));
            high << 16 | low
        },
        _ => return None,
    })
}

fn word(function: impl Fn(u32, u32) -> u32, x: &[u64]) -> u64 {
    function(x[0] as u32, x[1] as u32).into()
}

fn short(function: impl Fn(u16, u16) -> u16, x: &[u64]) -> u64 {
    function(x[0] as u16, x[1] as u16).into()
}

fn single(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn half(bits: u64) -> f16 {
    f16::from_bits(bits as u16)
}

/// One rounding: the product of two halves and its sum with a third are exact in double precision here.
fn multiply_add(x: u64, y: u64, z: u64) -> u64 {
    f16::from_f64(half(x).to_f64() * half(y).to_f64() + half(z).to_f64()).to_bits().into()
}

/// The same of bfloat16.
fn multiply_add_bfloat(x: u64, y: u64, z: u64) -> u64 {
    let [x, y, z] = [x, y, z].map(|bits| bf16::from_bits(bits as u16).to_f64());
    bf16::from_f64(x * y + z).to_bits().into()
}

fn pairwise(function: impl Fn(u64, u64, u64) -> u64, x: u64, y: u64, z: u64) -> u64 {
    let [low, high] =
        [0, 16].map(|shift| function(x >> shift & 0xFFFF, y >> shift & 0xFFFF, z >> shift & 0xFFFF));
    high << 16 | low
}

/// Section "prmt", default mode: a nibble of the selector names a byte, and with its top bit only that byte's sign.
fn permute(x: u32, y: u32, selector: u32) -> u32 {
    let bytes = u64::from(y) << 32 | u64::from(x);
    (0..4).fold(0, |out, index| {
        let nibble = selector >> (4 * index) & 15;
        let byte = (bytes >> (8 * (nibble & 7))) as u8;
        let byte = if nibble & 8 == 0 { byte } else { ((byte as i8) >> 7) as u8 };
        out | u32::from(byte) << (8 * index)
    })
}

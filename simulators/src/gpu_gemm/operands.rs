//! Element types, and the pairs of them that the kernels multiply.

use std::fmt;
use std::str::FromStr;

use tapeout_core::UnknownName;

use crate::names::value_of;

/// The type of an operand's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// IEEE half precision.
    F16,
    /// bfloat16: the upper half of a single.
    Bf16,
    /// Unsigned byte.
    U8,
    /// Signed byte.
    S8,
    /// Unsigned four bits, two to a byte.
    U4,
    /// Signed four bits, two to a byte.
    S4,
    /// Floating point of eight bits: four of exponent, three of mantissa.
    E4m3,
    /// Floating point of eight bits: five of exponent, two of mantissa.
    E5m2,
    /// Floating point of four bits, two to a byte: two of exponent, one of mantissa; no infinities.
    E2m1,
}

impl ElementType {
    /// Bits of one element.
    pub const fn bits(self) -> u32 {
        match self {
            Self::F16 | Self::Bf16 => 16,
            Self::U8 | Self::S8 | Self::E4m3 | Self::E5m2 => 8,
            Self::U4 | Self::S4 | Self::E2m1 => 4,
        }
    }

    /// Whether elements are integers.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::U8 | Self::S8 | Self::U4 | Self::S4)
    }

    /// Bytes of `count` elements, a multiple of two of them.
    pub const fn bytes(self, count: u64) -> u64 {
        count * self.bits() as u64 / 8
    }
}

/// Which operand has the fewer bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NarrowSide {
    /// The first operand, `m` by `k`.
    A,
    /// The second operand, `k` by `n`.
    B,
}

/// The types of the two operands; products are accumulated in single precision.
///
/// Mixed input has a narrow operand, of integers or small floating point, that is converted to the other's type on its way to the tensor cores;
/// the two baselines have none.
///
/// ```
/// # use tapeout_simulators::gpu_gemm::{NarrowSide, Operands};
/// let operands: Operands = "bf16-s8".parse()?;
/// assert_eq!(operands.narrow_side(), Some(NarrowSide::B));
/// # Ok::<(), tapeout_core::UnknownName>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operands {
    name: &'static str,
    a: ElementType,
    b: ElementType,
}

impl Operands {
    /// Half precision times half precision.
    pub const F16_F16: Self = Self { name: "f16-f16", a: ElementType::F16, b: ElementType::F16 };
    /// bfloat16 times bfloat16.
    pub const BF16_BF16: Self = Self { name: "bf16-bf16", a: ElementType::Bf16, b: ElementType::Bf16 };
    /// Half precision times unsigned bytes.
    pub const F16_U8: Self = Self { name: "f16-u8", a: ElementType::F16, b: ElementType::U8 };
    /// Half precision times signed bytes.
    pub const F16_S8: Self = Self { name: "f16-s8", a: ElementType::F16, b: ElementType::S8 };
    /// bfloat16 times unsigned bytes.
    pub const BF16_U8: Self = Self { name: "bf16-u8", a: ElementType::Bf16, b: ElementType::U8 };
    /// bfloat16 times signed bytes.
    pub const BF16_S8: Self = Self { name: "bf16-s8", a: ElementType::Bf16, b: ElementType::S8 };
    /// Unsigned bytes times half precision.
    pub const U8_F16: Self = Self { name: "u8-f16", a: ElementType::U8, b: ElementType::F16 };
    /// Signed bytes times half precision.
    pub const S8_F16: Self = Self { name: "s8-f16", a: ElementType::S8, b: ElementType::F16 };
    /// Unsigned bytes times bfloat16.
    pub const U8_BF16: Self = Self { name: "u8-bf16", a: ElementType::U8, b: ElementType::Bf16 };
    /// Signed bytes times bfloat16.
    pub const S8_BF16: Self = Self { name: "s8-bf16", a: ElementType::S8, b: ElementType::Bf16 };
    /// Half precision times unsigned four-bit weights.
    pub const F16_U4: Self = Self { name: "f16-u4", a: ElementType::F16, b: ElementType::U4 };
    /// Half precision times signed four-bit weights.
    pub const F16_S4: Self = Self { name: "f16-s4", a: ElementType::F16, b: ElementType::S4 };
    /// bfloat16 times unsigned four-bit weights.
    pub const BF16_U4: Self = Self { name: "bf16-u4", a: ElementType::Bf16, b: ElementType::U4 };
    /// bfloat16 times signed four-bit weights.
    pub const BF16_S4: Self = Self { name: "bf16-s4", a: ElementType::Bf16, b: ElementType::S4 };
    /// Half precision times weights of four bits of exponent and three of mantissa.
    pub const F16_E4M3: Self = Self { name: "f16-e4m3", a: ElementType::F16, b: ElementType::E4m3 };
    /// Half precision times weights of five bits of exponent and two of mantissa.
    pub const F16_E5M2: Self = Self { name: "f16-e5m2", a: ElementType::F16, b: ElementType::E5m2 };
    /// bfloat16 times weights of four bits of exponent and three of mantissa.
    pub const BF16_E4M3: Self = Self { name: "bf16-e4m3", a: ElementType::Bf16, b: ElementType::E4m3 };
    /// bfloat16 times weights of five bits of exponent and two of mantissa.
    pub const BF16_E5M2: Self = Self { name: "bf16-e5m2", a: ElementType::Bf16, b: ElementType::E5m2 };
    /// Half precision times weights of two bits of exponent and one of mantissa.
    pub const F16_E2M1: Self = Self { name: "f16-e2m1", a: ElementType::F16, b: ElementType::E2m1 };
    /// bfloat16 times weights of two bits of exponent and one of mantissa.
    pub const BF16_E2M1: Self = Self { name: "bf16-e2m1", a: ElementType::Bf16, b: ElementType::E2m1 };

    /// Every pair: two baselines, eight with an integer byte on either side, four with four-bit integers, four with weights in
    /// floating point of eight bits, two in floating point of four.
    pub const ALL: [Self; 20] = [
        Self::F16_F16,
        Self::BF16_BF16,
        Self::F16_U8,
        Self::F16_S8,
        Self::BF16_U8,
        Self::BF16_S8,
        Self::U8_F16,
        Self::S8_F16,
        Self::U8_BF16,
        Self::S8_BF16,
        Self::F16_U4,
        Self::F16_S4,
        Self::BF16_U4,
        Self::BF16_S4,
        Self::F16_E4M3,
        Self::F16_E5M2,
        Self::BF16_E4M3,
        Self::BF16_E5M2,
        Self::F16_E2M1,
        Self::BF16_E2M1,
    ];

    /// The name in configuration files: first operand, dash, second operand.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The type of the first operand, `m` by `k`.
    pub const fn a(self) -> ElementType {
        self.a
    }

    /// The type of the second operand, `k` by `n`.
    pub const fn b(self) -> ElementType {
        self.b
    }

    /// The operand that has to be converted; none in the baselines.
    pub const fn narrow_side(self) -> Option<NarrowSide> {
        if self.a.bits() < self.b.bits() {
            Some(NarrowSide::A)
        } else if self.b.bits() < self.a.bits() {
            Some(NarrowSide::B)
        } else {
            None
        }
    }

    /// The narrow type and the type it is converted to; none in the baselines.
    pub const fn conversion(self) -> Option<(ElementType, ElementType)> {
        match self.narrow_side() {
            Some(NarrowSide::A) => Some((self.a, self.b)),
            Some(NarrowSide::B) => Some((self.b, self.a)),
            None => None,
        }
    }
}

impl fmt::Display for Operands {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl FromStr for Operands {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        value_of("operand types", name, Self::ALL.map(|operands| (operands.name, operands)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_says_its_two_types() {
        for operands in Operands::ALL {
            let spelt = format!("{:?}-{:?}", operands.a(), operands.b()).to_lowercase();
            assert_eq!(operands.name(), spelt);
            assert_eq!(spelt.parse(), Ok(operands));
        }
    }

    #[test]
    fn an_unknown_pair_is_refused_with_the_nearest() {
        let error = "f16-i8".parse::<Operands>().unwrap_err().to_string();
        assert!(error.contains("`f16-i8`") && error.contains("did you mean `f16-"), "{error}");
    }
}

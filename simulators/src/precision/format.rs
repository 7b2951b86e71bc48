//! Bits of weights, activations and sums, and scales of groups.

/// Most bits of a weight or an activation.
pub const MAX_OPERAND_BITS: u32 = 16;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Precision {
    /// Bits of a weight, 1 to [`MAX_OPERAND_BITS`].
    pub weight_bits: u32,
    /// Bits of an activation, likewise.
    pub activation_bits: u32,
    /// Bits of a sum, at least those of both operands together and at most 64.
    pub accumulator_bits: u32,
    /// Weights that share a scale, along the sum. Within a group sums stay whole numbers and the scale is applied once, as in MixPE (arXiv
    /// 2411.16158); a group of one scales every product. None: one scale for the whole sum, which costs nothing.
    pub group: Option<u32>,
    /// Bits of a scale.
    pub scale_bits: u32,
}

impl Precision {
    /// Whole numbers of so many bits with sums of 32 and no groups.
    pub const fn integer(bits: u32) -> Self {
        Self { weight_bits: bits, activation_bits: bits, accumulator_bits: 32, group: None, scale_bits: 16 }
    }

    /// Bytes of a weight with its share of a scale.
    ///
    /// ```
    /// use tapeout_simulators::precision::Precision;
    /// let four = Precision { group: Some(32), ..Precision::integer(4) };
    /// assert_eq!(four.weight_byte(), (4.0 + 16.0 / 32.0) / 8.0);
    /// ```
    pub fn weight_byte(&self) -> f64 {
        let scale_bits = self.group.map_or(0.0, |group| f64::from(self.scale_bits) / f64::from(group));
        (f64::from(self.weight_bits) + scale_bits) / 8.0
    }

    /// Bytes of an activation.
    pub fn activation_byte(&self) -> f64 {
        f64::from(self.activation_bits) / 8.0
    }
}

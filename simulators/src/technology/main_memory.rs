//! Memories that a chip's weights and caches lie in: bandwidth, capacity and energy of a stack or package, and what can be computed there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tapeout_core::UnknownName;

use super::{DramKind, Node, SramArray};
use crate::names::value_of;

const GIB: f64 = 1_073_741_824.0;

/// Energy of a bit through the stack. Source: O'Connor et al. (2017), "Fine-grained DRAM", doi:10.1145/3123939.3124545, as AttAcc has it
/// (scale-snu/attacc_simulator @ c600051, MIT, `src/config.py`): TSV 0.5 pJ.
const VIA_J_PER_BIT: f64 = 0.5e-12;

/// A memory beside or on top of a chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum MainMemory {
    /// Packages of LPDDR4, 64 bits wide.
    Lpddr4,
    /// Packages of LPDDR5, 64 bits wide.
    Lpddr5,
    /// Stacks of HBM2.
    Hbm2,
    /// Stacks of HBM3.
    Hbm3,
    /// Stacks of HBM3 with processing units at the banks, which multiply matrices and vectors.
    Hbm3Pim,
    /// Dies of SRAM stacked on the chip.
    StackedSram,
}

/// What the banks of a memory can do by themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BankProcessing {
    /// Bytes that all banks read together for a byte that the interface moves.
    pub bandwidth_ratio: f64,
    /// Energy of bringing a byte of a matrix to the unit at its bank.
    pub j_per_byte: f64,
    /// Energy of a multiply-accumulate there.
    pub mac_j: f64,
    /// Bytes that pass while a unit multiplies once: narrower elements are multiplied no faster.
    pub byte_per_mac: f64,
}

impl MainMemory {
    /// Every memory.
    pub const ALL: [Self; 6] =
        [Self::Lpddr4, Self::Lpddr5, Self::Hbm2, Self::Hbm3, Self::Hbm3Pim, Self::StackedSram];

    /// The name in configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lpddr4 => "lpddr4",
            Self::Lpddr5 => "lpddr5",
            Self::Hbm2 => "hbm2",
            Self::Hbm3 => "hbm3",
            Self::Hbm3Pim => "hbm3-pim",
            Self::StackedSram => "stacked-sram",
        }
    }

    /// Bytes a second of a package or stack.
    pub const fn unit_byte_per_s(self) -> f64 {
        match self {
            // Source: JESD209-4: 3,200 MT/s on 64 bits; JESD209-5: 6,400 MT/s on 64 bits.
            Self::Lpddr4 => 25.6e9,
            Self::Lpddr5 => 51.2e9,
            // Source: JESD235B: 2 Gb/s on 1,024 bits; JESD238: 6.4 Gb/s on 1,024 bits.
            Self::Hbm2 => 256e9,
            Self::Hbm3 => 819.2e9,
            // Source: AttAcc, as above: HBM3 of 5.2 Gb/s; it states 670.4 GB/s a stack.
            Self::Hbm3Pim => 670.4e9,
            // Source: Domke et al. (2023), "At the locus of performance", arXiv 2204.02235: 1.536 TB/s for each of 16 groups of cores (recalled).
            Self::StackedSram => 1536e9,
        }
    }

    /// Bytes that a package or stack holds.
    pub const fn unit_byte(self) -> f64 {
        match self {
            // Source: the largest dies of JESD209-4 and JESD209-5, 16 and 32 Gbit, four to a package.
            Self::Lpddr4 => 8.0 * GIB,
            Self::Lpddr5 => 16.0 * GIB,
            // Source: JESD235B, eight dies of 8 Gbit; JESD238, eight dies of 16 Gbit; AttAcc, as above.
            Self::Hbm2 => 8.0 * GIB,
            Self::Hbm3 | Self::Hbm3Pim => 16.0 * GIB,
            // Source: arXiv 2204.02235: 384 MiB for each of 16 groups of cores (recalled).
            Self::StackedSram => 384.0 / 1024.0 * GIB,
        }
    }

    /// Energy of a byte to or from the chip, in J; of the stacked SRAM at `node`.
    pub fn j_per_byte(self, node: Node) -> f64 {
        8.0 * match self {
            // Ours for LPDDR5: no figure of its own is at hand; supplies are no higher than LPDDR4's, whose figure is an upper bound.
            Self::Lpddr4 | Self::Lpddr5 => DramKind::Lpddr4.energy_j_per_bit(),
            Self::Hbm2 => DramKind::Hbm2.energy_j_per_bit(),
            Self::Hbm3 | Self::Hbm3Pim => DramKind::Hbm3.energy_j_per_bit(),
            // Ours: a stack's capacity in macros of 2 MiB, and the vias.
            Self::StackedSram => {
                let (banks, width_bits) = (192, 512);
                let array = SramArray { size_bytes: 384 << 20, width_bits, banks, slices: 1 };
                let cost = array.cost(node).expect("invariant: every node has macros of 2 MiB and 512 bits");
                (cost.read_j + cost.write_j) / 2.0 / f64::from(width_bits) + VIA_J_PER_BIT
            }
        }
    }

    /// What its banks can compute.
    pub fn bank_processing(self) -> Option<BankProcessing> {
        // Source: AttAcc, as above: nine times the interface within the limit of power; 0.11 + 0.44 pJ a bit to the processing unit, 0.32 pJ a
        // multiply-accumulate of FP16, of which it does one for every two bytes.
        (self == Self::Hbm3Pim).then_some(BankProcessing {
            bandwidth_ratio: 9.0,
            j_per_byte: 8.0 * 0.55e-12,
            mac_j: 0.32e-12,
            byte_per_mac: 2.0,
        })
    }

    /// Bytes that as many packages or stacks hold as this bandwidth takes.
    ///
    /// ```
    /// use tapeout_simulators::technology::MainMemory;
    /// assert_eq!(MainMemory::Hbm2.capacity_byte(400e9), 16.0 * 1_073_741_824.0);
    /// ```
    pub fn capacity_byte(self, byte_per_s: f64) -> f64 {
        (byte_per_s / self.unit_byte_per_s()).ceil() * self.unit_byte()
    }
}

impl fmt::Display for MainMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MainMemory {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        value_of("memory", name, Self::ALL.map(|memory| (memory.name(), memory)))
    }
}

impl TryFrom<String> for MainMemory {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse()
    }
}

impl From<MainMemory> for &'static str {
    fn from(memory: MainMemory) -> Self {
        memory.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: the order of the published figures: a bit from SRAM on top of the chip costs less than one from any DRAM beside it, one that stays at
    // its bank less than one that leaves.
    #[test]
    fn nearer_memories_cost_less() {
        let node = Node::new(16).unwrap();
        let at = |memory: MainMemory| memory.j_per_byte(node);
        assert!(at(MainMemory::Hbm3) < at(MainMemory::Hbm2) && at(MainMemory::Hbm2) < at(MainMemory::Lpddr4));
        assert!(at(MainMemory::StackedSram) < at(MainMemory::Hbm3), "{}", at(MainMemory::StackedSram));
        let banks = MainMemory::Hbm3Pim.bank_processing().unwrap();
        assert!(banks.j_per_byte < at(MainMemory::Hbm3Pim));
    }

    #[test]
    fn names_are_read_and_unknown_ones_name_the_nearest() {
        for memory in MainMemory::ALL {
            assert_eq!(memory.name().parse(), Ok(memory));
        }
        let error = "hbm4".parse::<MainMemory>().unwrap_err().to_string();
        assert!(error.contains("did you mean `hbm"), "{error}");
    }
}

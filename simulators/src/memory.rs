//! Memories of any size and width, built of what the cost tables know.
//!
//! The tables have register files of up to 255 byte and SRAM macros from 256 byte. A larger register file is made of files of
//! 128 byte, a wider or larger SRAM of several macros; an SRAM smaller than the smallest macro pays for that. Words travel
//! over wires to the macro that holds them, as in [`SramArray`].

use serde::{Deserialize, Serialize};

use crate::technology::{Node, SramArray, StorageCost, mac, register_file, wire_energy_j_per_bit_m};

/// What a memory is made of. The names are Accelergy's, as ArchGym lists them.
///
/// A *smart buffer* makes its own addresses: an adder and a register of as many bits as an address has, one pair for reads and
/// one for writes. Source: Accelergy's compound component of that name (Wu, Emer & Sze 2019, doi:10.1109/ICCAD45719.2019.8942149).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StorageClass {
    /// Flip-flops.
    #[serde(rename = "regfile")]
    Registers,
    /// SRAM that makes its own addresses.
    #[serde(rename = "smartbuffer_SRAM")]
    SmartSram,
    /// Flip-flops that make their own addresses.
    #[serde(rename = "smartbuffer_RF")]
    SmartRegisters,
    /// SRAM.
    #[serde(rename = "SRAM")]
    Sram,
}

impl StorageClass {
    /// Every class, in ArchGym's order.
    pub const ALL: [Self; 4] = [Self::Registers, Self::SmartSram, Self::SmartRegisters, Self::Sram];

    /// The name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registers => "regfile",
            Self::SmartSram => "smartbuffer_SRAM",
            Self::SmartRegisters => "smartbuffer_RF",
            Self::Sram => "SRAM",
        }
    }

    /// Whether it is made of flip-flops.
    pub fn is_registers(self) -> bool {
        matches!(self, Self::Registers | Self::SmartRegisters)
    }

    fn is_smart(self) -> bool {
        matches!(self, Self::SmartSram | Self::SmartRegisters)
    }
}

/// A memory of `rows` rows of `width_bits`, one of which is read or written at a time in each bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Class of storage that the memory is made of.
    pub class: StorageClass,
    /// Rows.
    pub rows: u64,
    /// Bits of a row, a power of two of at least 16.
    pub width_bits: u32,
    /// Fewest banks, a power of two; flip-flops need none to be accessed side by side.
    pub banks: u32,
}

/// No macro is as fast as the clock.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the fastest macro takes {cycle_s} s from access to access, the clock leaves {available_s} s")]
pub struct TooSlow {
    /// Time between two accesses of the smallest macro.
    pub cycle_s: f64,
    /// Time of a clock cycle.
    pub available_s: f64,
}

/// A memory of an accelerator that cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("memory `{level}`: {cause}")]
pub struct UnbuildableMemory {
    /// Name of its level.
    pub level: &'static str,
    /// Why the memory cannot be built.
    pub cause: TooSlow,
}

/// Bytes of the register files that a larger one is made of: half of what the table allows, a power of two.
const FILE_BYTES: u64 = 128;
/// Bits of the widest macro that the table has from 256 byte on.
const MACRO_BITS: u32 = 128;
/// Bytes of the smallest macro of up to that width.
const MACRO_BYTES: u64 = 256;

impl Memory {
    /// What it costs at `node`: energy of an access to a row, area and leakage of the whole. Banks are added until a macro
    /// keeps up with a clock of `clock_hz`.
    ///
    /// # Errors
    /// [`TooSlow`] if not even the smallest macro does.
    ///
    /// ```
    /// # use tapeout_simulators::memory::{Memory, StorageClass};
    /// # use tapeout_simulators::technology::{Node, sram};
    /// let node = Node::new(45)?;
    /// let memory = Memory { class: StorageClass::Sram, rows: 1024, width_bits: 64, banks: 1 };
    /// assert_eq!(memory.cost(node, 200e6)?, sram(8 * 1024, 64, node)?);
    /// // Eight words of an SRAM take the smallest macro there is.
    /// let small = Memory { rows: 8, width_bits: 16, ..memory };
    /// assert_eq!(small.cost(node, 200e6)?, sram(256, 16, node)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cost(&self, node: Node, clock_hz: f64) -> Result<StorageCost, TooSlow> {
        let plain = if self.class.is_registers() { self.registers(node) } else { self.sram(node, clock_hz)? };
        Ok(if self.class.is_smart() { with_addresses(plain, self.rows, node) } else { plain })
    }

    /// The same as [`Memory::cost`], for the memory of level `level`.
    pub(crate) fn cost_of_level(
        &self,
        level: &'static str,
        node: Node,
        clock_hz: f64,
    ) -> Result<StorageCost, UnbuildableMemory> {
        self.cost(node, clock_hz).map_err(|cause| UnbuildableMemory { level, cause })
    }

    fn bytes(&self) -> u64 {
        (self.rows * u64::from(self.width_bits)).div_ceil(8)
    }

    fn registers(&self, node: Node) -> StorageCost {
        let files = self.bytes().div_ceil(FILE_BYTES);
        let file_bytes = self.bytes().min(FILE_BYTES);
        let file_bits = self.width_bits.min(8 * file_bytes as u32);
        let file = register_file(file_bytes, file_bits, node)
            .expect("invariant: files are of 1 to 128 byte, and no wider than that");
        let area_m2 = files as f64 * file.area_m2;
        let travel_m = if files == 1 { 0.0 } else { 0.75 * area_m2.sqrt() };
        let bits = f64::from(self.width_bits);
        let access_j =
            |file_j: f64| bits * (file_j / f64::from(file_bits) + travel_m * wire_energy_j_per_bit_m(node));
        StorageCost {
            read_j: access_j(file.read_j),
            write_j: access_j(file.write_j),
            area_m2,
            leakage_w: files as f64 * file.leakage_w,
            cycle_s: file.cycle_s,
        }
    }

    fn sram(&self, node: Node, clock_hz: f64) -> Result<StorageCost, TooSlow> {
        let slices = self.width_bits.div_ceil(MACRO_BITS);
        let mut banks = self.banks.max(1);
        loop {
            let macros = u64::from(banks) * u64::from(slices);
            let macro_bytes = self.bytes().div_ceil(macros).max(MACRO_BYTES);
            let array =
                SramArray { size_bytes: macro_bytes * macros, width_bits: self.width_bits, banks, slices };
            // Beyond the largest macro of the table there is no cost yet, only a need for more banks.
            match array.cost(node) {
                Ok(cost) if cost.cycle_s * clock_hz <= 1.0 => return Ok(cost),
                Ok(cost) if macro_bytes == MACRO_BYTES => {
                    return Err(TooSlow { cycle_s: cost.cycle_s, available_s: 1.0 / clock_hz });
                }
                _ => banks *= 2,
            }
        }
    }
}

/// `plain` with a pair of address generators for `rows` rows.
fn with_addresses(plain: StorageCost, rows: u64, node: Node) -> StorageCost {
    let bits = rows.max(2).next_power_of_two().ilog2();
    let adder = |accumulator_bits| {
        mac(4, Some(accumulator_bits), node).expect("invariant: 8 and 64 bits are in the table of adders")
    };
    // An adder is linear in its width: the difference of two is one of 56 bits.
    let (wide, narrow) = (adder(64), adder(8));
    let share = f64::from(bits) / 56.0;
    let register = register_file(u64::from(bits.div_ceil(8)), bits, node)
        .expect("invariant: an address has a few bytes");
    let access_j = share * (wide.energy_j - narrow.energy_j) + register.write_j;
    StorageCost {
        read_j: plain.read_j + access_j,
        write_j: plain.write_j + access_j,
        area_m2: plain.area_m2 + 2.0 * (share * (wide.area_m2 - narrow.area_m2) + register.area_m2),
        leakage_w: plain.leakage_w + 2.0 * (share * (wide.leakage_w - narrow.leakage_w) + register.leakage_w),
        cycle_s: plain.cycle_s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        Node::new(65).unwrap()
    }

    // Claim: every memory that the environments can ask for has a cost, and larger ones never less area.
    #[test]
    fn every_size_and_width_can_be_built_and_larger_is_larger() {
        for class in StorageClass::ALL {
            for width_bits in [16, 32, 64, 256, 4096] {
                for banks in [1, 16, 128] {
                    let mut area_m2 = 0.0;
                    for exponent in 1..=16 {
                        let memory = Memory { class, rows: 1 << exponent, width_bits, banks };
                        let cost = memory.cost(node(), 200e6).unwrap();
                        assert!(cost.area_m2 >= area_m2, "{memory:?}");
                        assert!(cost.read_j > 0.0 && cost.leakage_w > 0.0);
                        area_m2 = cost.area_m2;
                    }
                }
            }
        }
    }

    // By hand: 512 byte are four files of 128; a word of 16 bits takes one file's bits and 3/4 of the side of a square of
    // four files.
    #[test]
    fn a_large_register_file_is_several_and_the_wires_between() {
        let memory = Memory { class: StorageClass::Registers, rows: 256, width_bits: 16, banks: 1 };
        let (cost, file) = (memory.cost(node(), 200e6).unwrap(), register_file(128, 16, node()).unwrap());
        assert!((cost.area_m2 / file.area_m2 - 4.0).abs() < 1e-12);
        let wires_j = 16.0 * 0.75 * cost.area_m2.sqrt() * wire_energy_j_per_bit_m(node());
        assert!((cost.read_j - file.read_j - wires_j).abs() < 1e-18);
    }

    #[test]
    fn addresses_cost_energy_and_area() {
        let plain = Memory { class: StorageClass::Sram, rows: 1024, width_bits: 16, banks: 1 };
        let smart = Memory { class: StorageClass::SmartSram, ..plain };
        let (plain, smart) = (plain.cost(node(), 200e6).unwrap(), smart.cost(node(), 200e6).unwrap());
        assert!(smart.read_j > plain.read_j && smart.area_m2 > plain.area_m2);
        assert!(smart.read_j < 1.5 * plain.read_j, "ten bits are less than a row of 16 and its decoder");
    }

    #[test]
    fn a_clock_that_no_macro_follows_is_refused() {
        let memory = Memory { class: StorageClass::Sram, rows: 65_536, width_bits: 64, banks: 1 };
        let slow = memory.cost(node(), 200e6).unwrap();
        let fast = memory.cost(node(), 800e6).unwrap();
        assert!(fast.cycle_s <= 1.25e-9 && fast.cycle_s < slow.cycle_s && fast.area_m2 > slow.area_m2);
        let error = memory.cost(node(), 100e9).unwrap_err();
        assert!(error.cycle_s > error.available_s);
    }
}

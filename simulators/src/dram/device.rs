//! Memories, in the words of JEDEC's standards.

use super::address::{AddressField, AddressMap, AddressOrder};

/// A memory channel with one rank.
#[derive(Debug, Clone, PartialEq)]
pub struct DramDevice {
    /// Its name on the command line.
    pub id: &'static str,
    /// Period of the command clock.
    pub clock_s: f64,
    /// Chips side by side, which all do the same.
    pub n_chips: u32,
    /// Bytes of a burst, all chips together: what one request moves.
    pub burst_byte: u32,
    /// Its banks.
    pub banks: BankShape,
    /// Bits of the number of a burst within a row.
    pub column_bits: u32,
    /// Bits of the number of a row within a bank.
    pub row_bits: u32,
    /// Which bits of an address choose what.
    pub address: AddressMap,
    /// Times between commands.
    pub timing: Timing,
    /// Refreshes that do not take all banks at once, where the standard has them.
    pub refresh_sets: Option<RefreshSets>,
    /// Currents of one chip, by supply.
    pub supplies: &'static [Currents],
}

impl DramDevice {
    /// Bytes that it holds.
    pub fn capacity_byte(&self) -> u64 {
        let bits = self.column_bits + self.row_bits + self.banks.n_banks().ilog2();
        u64::from(self.burst_byte) << bits
    }

    /// This device with its addresses in another order; `are_banks_by_row`: whether [`AddressMap::with_banks_by_row`] is applied.
    #[must_use]
    pub fn with_addresses(&self, order: AddressOrder, are_banks_by_row: bool) -> Self {
        let byte = (AddressField::Column, self.burst_byte.ilog2());
        let row = (AddressField::Row, self.row_bits);
        let bank = (AddressField::Bank, self.banks.n_banks().ilog2());
        let column = (AddressField::Column, self.column_bits);
        let fields = match order {
            AddressOrder::RowBankColumn => [byte, column, bank, row],
            AddressOrder::BankRowColumn => [byte, column, row, bank],
            AddressOrder::RowColumnBank => [byte, bank, column, row],
        };
        let plain = AddressMap::of_fields(&fields);
        let address = if are_banks_by_row { plain.with_banks_by_row() } else { plain };
        Self { address, ..self.clone() }
    }

    /// Bytes a second that its data bus can move at most, all pseudo channels together.
    pub fn peak_byte_per_s(&self) -> f64 {
        let bytes = self.banks.n_pseudo_channels() as f64 * f64::from(self.burst_byte);
        bytes / (self.timing.burst as f64 * self.clock_s)
    }
}

/// How many banks there are, and how they are grouped.
///
/// A bank's number has the pseudo channel in its lowest bits, then the group, then the bank within the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankShape {
    /// Eight, all alike: DDR3, LPDDR4.
    Eight,
    /// Four groups of four: DDR4.
    FourGroups,
    /// Eight groups of four: DDR5.
    EightGroups,
    /// Two pseudo channels of four groups of four, with commands for rows and for columns on buses of their own: HBM2.
    PseudoChannels,
}

impl BankShape {
    /// Banks in all.
    pub fn n_banks(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::FourGroups => 16,
            Self::EightGroups | Self::PseudoChannels => 32,
        }
    }

    /// Channels that have banks and data of their own and share their commands.
    pub fn n_pseudo_channels(self) -> usize {
        if self == Self::PseudoChannels { 2 } else { 1 }
    }
}

/// Sets of banks that are refreshed in turn while the others work: one bank, or one of each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshSets {
    /// How many sets; each has the banks of consecutive numbers, that is one of each group.
    pub n_sets: usize,
    /// REF of a set to ACT of its banks, or to the next REF of a set.
    pub t_rfc: u64,
    /// REF of a set to ACT of another bank.
    pub t_rrefd: u64,
}

/// Times between commands, in clocks, in JEDEC's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// ACT to RD.
    pub t_rcd: u64,
    /// ACT to WR.
    pub t_rcd_wr: u64,
    /// PRE to ACT.
    pub t_rp: u64,
    /// PRE of all banks to ACT.
    pub t_rp_ab: u64,
    /// ACT to PRE.
    pub t_ras: u64,
    /// ACT to ACT, same bank.
    pub t_rc: u64,
    /// ACT to ACT, other bank.
    pub t_rrd: u64,
    /// ACT to ACT, other bank of the same group.
    pub t_rrd_l: u64,
    /// Window that holds at most four ACT.
    pub t_faw: u64,
    /// RD to RD and WR to WR.
    pub t_ccd: u64,
    /// RD to RD, same group.
    pub t_ccd_l: u64,
    /// WR to WR, same group.
    pub t_ccd_l_wr: u64,
    /// RD to PRE.
    pub t_rtp: u64,
    /// Read latency: RD to the first data.
    pub rl: u64,
    /// Write latency: WR to the first data.
    pub wl: u64,
    /// Last data of a write to PRE.
    pub t_wr: u64,
    /// Last data of a write to RD.
    pub t_wtr: u64,
    /// Last data of a write to RD, same group.
    pub t_wtr_l: u64,
    /// RD to WR.
    pub t_rtw: u64,
    /// Clocks that a burst holds the data bus.
    pub burst: u64,
    /// Mean distance of refreshes of all banks.
    pub t_refi: u64,
    /// REF of all banks to ACT or REF.
    pub t_rfc: u64,
    /// Least stay in power-down.
    pub t_cke: u64,
    /// End of power-down to any command.
    pub t_xp: u64,
    /// Clocks that ACT, an access, and PRE or REF hold the command bus.
    pub command: [u64; 3],
}

/// Currents of one chip from one supply by JEDEC's loops, in ampere, and the supply's voltage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Currents {
    /// One bank, ACT and PRE.
    pub idd0_a: f64,
    /// Standby, all banks precharged.
    pub idd2n_a: f64,
    /// Power-down, all banks precharged.
    pub idd2p_a: f64,
    /// Standby, a bank active.
    pub idd3n_a: f64,
    /// Power-down, a bank active.
    pub idd3p_a: f64,
    /// Bursts of reads.
    pub idd4r_a: f64,
    /// Bursts of writes.
    pub idd4w_a: f64,
    /// Bursts of refreshes.
    pub idd5_a: f64,
    /// Supply voltage.
    pub vdd_v: f64,
}

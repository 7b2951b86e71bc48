//! Memories, in the words of JEDEC's standards.

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
    /// Which bits of an address choose what.
    pub address: AddressMap,
    /// Times between commands.
    pub timing: Timing,
    /// Currents of one chip.
    pub currents: Currents,
}

/// Banks of a rank.
///
/// Source: JESD79-3F, section 2.11: all DDR3 devices have eight.
pub(super) const N_BANKS: usize = 8;

/// Where bank and row stand in a byte address. Bits above the row are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressMap {
    /// Lowest of the three bits of the bank.
    pub bank_bit: u32,
    /// Lowest bit of the row.
    pub row_bit: u32,
    /// How many bits the row has.
    pub row_bits: u32,
}

impl AddressMap {
    /// Bank and row of a byte address.
    pub fn place(&self, address: u64) -> (usize, u32) {
        let bank = (address >> self.bank_bit) as usize % N_BANKS;
        let row = (address >> self.row_bit) & ((1 << self.row_bits) - 1);
        (bank, row as u32)
    }
}

/// Times between commands, in clocks, in JEDEC's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// ACT to RD or WR.
    pub t_rcd: u64,
    /// PRE to ACT.
    pub t_rp: u64,
    /// ACT to PRE.
    pub t_ras: u64,
    /// ACT to ACT, same bank.
    pub t_rc: u64,
    /// ACT to ACT, other bank.
    pub t_rrd: u64,
    /// Window that holds at most four ACT.
    pub t_faw: u64,
    /// RD to RD and WR to WR.
    pub t_ccd: u64,
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
    /// Clocks that a burst holds the data bus.
    pub burst: u64,
    /// Mean distance of refreshes.
    pub t_refi: u64,
    /// REF to ACT or REF.
    pub t_rfc: u64,
}

/// Currents of one chip by JEDEC's loops, in ampere, and the supply voltage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Currents {
    /// One bank, ACT and PRE.
    pub idd0_a: f64,
    /// Standby, all banks precharged.
    pub idd2n_a: f64,
    /// Standby, a bank active.
    pub idd3n_a: f64,
    /// Bursts of reads.
    pub idd4r_a: f64,
    /// Bursts of writes.
    pub idd4w_a: f64,
    /// Bursts of refreshes.
    pub idd5_a: f64,
    /// Supply voltage.
    pub vdd_v: f64,
}

/// DDR3-1600, 64 bits wide, 1 GiB.
///
/// Source: DRAMSys 4 (BSD-3-Clause), commit 460604a, memory specification MICRON_1Gb_DDR3-1600_8bit_G (data sheet of Micron's
/// MT41J128M8, revision G) and address map am_ddr3_8x1Gbx8_dimm_p1KB_rbc; the names are those of JESD79-3F.
pub const DDR3_1600: DramDevice = DramDevice {
    id: "ddr3-1600",
    clock_s: 1.25e-9,
    n_chips: 8,
    burst_byte: 64,
    address: AddressMap { bank_bit: 13, row_bit: 16, row_bits: 14 },
    timing: Timing {
        t_rcd: 10,
        t_rp: 10,
        t_ras: 28,
        t_rc: 38,
        t_rrd: 5,
        t_faw: 24,
        t_ccd: 4,
        t_rtp: 6,
        rl: 10,
        wl: 8,
        t_wr: 12,
        t_wtr: 6,
        burst: 4,
        t_refi: 6240,
        t_rfc: 88,
    },
    currents: Currents {
        idd0_a: 0.070,
        idd2n_a: 0.045,
        idd3n_a: 0.045,
        idd4r_a: 0.140,
        idd4w_a: 0.145,
        idd5_a: 0.170,
        vdd_v: 1.5,
    },
};

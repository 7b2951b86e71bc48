//! The memories that there are, each row with the table that it is from. Licences: DRAMSys and gem5 BSD-3-Clause, DRAMsim3 and
//! Ramulator 2 MIT.

use tapeout_core::names::UnknownName;

use super::address::{AddressField, AddressMap};
use super::device::{BankShape, Currents, DramDevice, RefreshSets, Timing};

/// Consecutive bursts fill a row, then the same row of the next bank.
const fn row_bank_column(row_bits: u32, bank_bits: u32, column_bits: u32) -> AddressMap {
    AddressMap::of_fields(&[
        (AddressField::Column, column_bits),
        (AddressField::Bank, bank_bits),
        (AddressField::Row, row_bits),
    ])
}

/// DDR3-1600, 64 bits wide, 1 GiB.
///
/// Source: DRAMSys 4, commit 460604a, memory specification MICRON_1Gb_DDR3-1600_8bit_G (data sheet of Micron's MT41J128M8, revision
/// G) and address map am_ddr3_8x1Gbx8_dimm_p1KB_rbc; the names are those of JESD79-3F.
pub const DDR3_1600: DramDevice = DramDevice {
    id: "ddr3-1600",
    clock_s: 1.25e-9,
    n_chips: 8,
    burst_byte: 64,
    banks: BankShape::Eight,
    column_bits: 7,
    row_bits: 14,
    address: row_bank_column(14, 3, 13),
    timing: Timing {
        t_rcd: 10,
        t_rcd_wr: 10,
        t_rp: 10,
        t_rp_ab: 10,
        t_ras: 28,
        t_rc: 38,
        t_rrd: 5,
        t_rrd_l: 5,
        t_faw: 24,
        t_ccd: 4,
        t_ccd_l: 4,
        t_ccd_l_wr: 4,
        t_rtp: 6,
        rl: 10,
        wl: 8,
        t_wr: 12,
        t_wtr: 6,
        t_wtr_l: 6,
        // Two clocks for the data bus to change direction: JESD79-3F, section 4.13, RL + tCCD + 2 tCK - WL.
        t_rtw: 8,
        burst: 4,
        t_refi: 6240,
        t_rfc: 88,
        t_cke: 4,
        t_xp: 6,
        command: [1; 3],
    },
    refresh_sets: None,
    // Power-down with fast exit: IDD2P1, IDD3P1.
    supplies: &[Currents {
        idd0_a: 0.070,
        idd2n_a: 0.045,
        idd2p_a: 0.030,
        idd3n_a: 0.045,
        idd3p_a: 0.035,
        idd4r_a: 0.140,
        idd4w_a: 0.145,
        idd5_a: 0.170,
        vdd_v: 1.5,
    }],
};

/// DDR4-2400, 64 bits wide, 4 GiB.
///
/// Source: DRAMSys 4, commit d227212, memory specification MICRON_4Gb_DDR4-2400_8bit_A; distances of commands as in its CheckerDDR4,
/// commit 340492e (t_rtw: RL + burst + tCK - WL + tWPRE, with tWPRE = 1). VPP is left out: the table has its current for IDD0 alone.
pub const DDR4_2400: DramDevice = DramDevice {
    id: "ddr4-2400",
    clock_s: 1.0 / 1200e6,
    n_chips: 8,
    burst_byte: 64,
    banks: BankShape::FourGroups,
    column_bits: 7,
    row_bits: 15,
    address: row_bank_column(15, 4, 13),
    timing: Timing {
        t_rcd: 16,
        t_rcd_wr: 16,
        t_rp: 16,
        t_rp_ab: 16,
        t_ras: 39,
        t_rc: 55,
        t_rrd: 4,
        t_rrd_l: 6,
        t_faw: 26,
        t_ccd: 4,
        t_ccd_l: 6,
        t_ccd_l_wr: 6,
        t_rtp: 12,
        rl: 16,
        wl: 16,
        t_wr: 18,
        t_wtr: 3,
        t_wtr_l: 9,
        t_rtw: 6,
        burst: 4,
        t_refi: 4680,
        t_rfc: 313,
        t_cke: 6,
        t_xp: 8,
        command: [1; 3],
    },
    refresh_sets: None,
    supplies: &[Currents {
        idd0_a: 0.06075,
        idd2n_a: 0.03825,
        idd2p_a: 0.017,
        idd3n_a: 0.044,
        idd3p_a: 0.0225,
        idd4r_a: 0.1845,
        idd4w_a: 0.16875,
        idd5_a: 0.118,
        vdd_v: 1.2,
    }],
};

/// LPDDR4-3200, two channels of 16 bits in step, 2 GiB.
///
/// Source: DRAMSys 4, commit d227212, memory specification JEDEC_8Gb_LPDDR4-3200_16bit. Commands take two or four clocks, and the
/// standard counts from their last; here as there all is counted from their first, as CheckerLPDDR4 (09f6dcb) and MemSpecLPDDR4
/// (340492e) do: RL and WL with tDQSCK or tDQSS + tDQS2DQ and 3 clocks, tRAS + 2, tRP - 2, tFAW - 3, tRFC - 2, tRTP + burst - 6.
pub const LPDDR4_3200: DramDevice = DramDevice {
    id: "lpddr4-3200",
    clock_s: 0.625e-9,
    n_chips: 2,
    burst_byte: 64,
    banks: BankShape::Eight,
    column_bits: 6,
    row_bits: 16,
    address: row_bank_column(16, 3, 12),
    timing: Timing {
        t_rcd: 29,
        t_rcd_wr: 29,
        t_rp: 27,
        t_rp_ab: 32,
        t_ras: 70,
        t_rc: 97,
        t_rrd: 16,
        t_rrd_l: 16,
        t_faw: 61,
        t_ccd: 8,
        t_ccd_l: 8,
        t_ccd_l_wr: 8,
        t_rtp: 14,
        rl: 37,
        wl: 20,
        // WR to PRE is WL + burst + tWR + 3 = 54 there, WR to RD WL + burst + tWTR + 1 = 39, of which data take 28 here.
        t_wr: 26,
        t_wtr: 11,
        t_wtr_l: 11,
        // RL + tDQSCK + burst - WL + tWPRE.
        t_rtw: 30,
        burst: 8,
        t_refi: 6246,
        t_rfc: 446,
        t_cke: 12,
        t_xp: 12,
        command: [4, 4, 2],
    },
    refresh_sets: Some(RefreshSets { n_sets: 8, t_rfc: 222, t_rrefd: 14 }),
    supplies: &[
        // VDD1.
        Currents {
            idd0_a: 0.0035,
            idd2n_a: 0.002,
            idd2p_a: 0.0012,
            idd3n_a: 0.00225,
            idd3p_a: 0.0012,
            idd4r_a: 0.00225,
            idd4w_a: 0.00225,
            idd5_a: 0.010,
            vdd_v: 1.8,
        },
        // VDD2.
        Currents {
            idd0_a: 0.045,
            idd2n_a: 0.027,
            idd2p_a: 0.003,
            idd3n_a: 0.030,
            idd3p_a: 0.009,
            idd4r_a: 0.275,
            idd4w_a: 0.210,
            idd5_a: 0.090,
            vdd_v: 1.1,
        },
        // VDDQ.
        Currents {
            idd0_a: 0.00075,
            idd2n_a: 0.00075,
            idd2p_a: 0.00075,
            idd3n_a: 0.00075,
            idd3p_a: 0.00075,
            idd4r_a: 0.150,
            idd4w_a: 0.055,
            idd5_a: 0.00075,
            vdd_v: 1.1,
        },
    ],
};

/// One channel of HBM2 at 2 Gbit/s a pin: two pseudo channels of 64 bits, 1 GiB.
///
/// Source of times: DRAMSys 4, commit d227212, memory specification HBM2; ACT takes two clocks and times are counted from its first, as
/// CheckerHBM2 and MemSpecHBM2 (340492e) do: tRCD + 1, tRAS + 1, tRP - 1, tFAW - 1, tRFC - 1, RL + tDQSCK. Source of currents: DRAMsim3,
/// commit 0eb6360, HBM2_8Gb_x128, of the whole channel.
pub const HBM2_2000: DramDevice = DramDevice {
    id: "hbm2-2000",
    clock_s: 1e-9,
    n_chips: 1,
    burst_byte: 32,
    banks: BankShape::PseudoChannels,
    column_bits: 5,
    row_bits: 15,
    address: row_bank_column(15, 5, 10),
    timing: Timing {
        t_rcd: 13,
        t_rcd_wr: 7,
        t_rp: 13,
        t_rp_ab: 13,
        t_ras: 29,
        t_rc: 42,
        t_rrd: 4,
        t_rrd_l: 6,
        t_faw: 15,
        t_ccd: 2,
        t_ccd_l: 3,
        t_ccd_l_wr: 3,
        t_rtp: 5,
        rl: 18,
        wl: 7,
        t_wr: 14,
        t_wtr: 4,
        t_wtr_l: 9,
        t_rtw: 18,
        burst: 2,
        t_refi: 3900,
        t_rfc: 219,
        t_cke: 8,
        t_xp: 8,
        command: [2, 1, 1],
    },
    refresh_sets: Some(RefreshSets { n_sets: 16, t_rfc: 95, t_rrefd: 7 }),
    supplies: &[Currents {
        idd0_a: 0.065,
        idd2n_a: 0.040,
        idd2p_a: 0.028,
        idd3n_a: 0.055,
        idd3p_a: 0.040,
        idd4r_a: 0.390,
        idd4w_a: 0.500,
        idd5_a: 0.250,
        vdd_v: 1.2,
    }],
};

/// DDR5-4800, one channel of 32 bits, 8 GiB.
///
/// Source of times: Ramulator 2, commit 3894015, python/ramulator/dram/ddr5.py, DDR5_4800BN and DDR5_16Gb_x8; same-bank refresh: commit
/// 525d045, src/dram/impl/DDR5.cpp, tRFCsb of 16 Gbit 130 ns, and nREFSBRD, whose 30 is read as ns here, not as clocks, because
/// it does not grow with the rate. Source of currents and of tXP, max(7.5 ns, 8 clocks): gem5, commit f2f86a3,
/// dram_interfaces/ddr5.py, DDR5_4400_4x8, which are Micron's for DDR5-4800 in 16 Gbit x8. VPP is left out: that table has none.
pub const DDR5_4800: DramDevice = DramDevice {
    id: "ddr5-4800",
    clock_s: 0.416e-9,
    n_chips: 4,
    burst_byte: 64,
    banks: BankShape::EightGroups,
    column_bits: 6,
    row_bits: 16,
    address: row_bank_column(16, 5, 12),
    timing: Timing {
        t_rcd: 36,
        t_rcd_wr: 36,
        t_rp: 36,
        t_rp_ab: 36,
        t_ras: 77,
        t_rc: 113,
        t_rrd: 8,
        t_rrd_l: 12,
        t_faw: 49,
        t_ccd: 8,
        t_ccd_l: 12,
        t_ccd_l_wr: 48,
        t_rtp: 18,
        rl: 36,
        wl: 34,
        t_wr: 72,
        t_wtr: 6,
        t_wtr_l: 24,
        t_rtw: 14,
        burst: 8,
        t_refi: 9375,
        t_rfc: 710,
        t_cke: 19,
        t_xp: 19,
        command: [2, 2, 1],
    },
    refresh_sets: Some(RefreshSets { n_sets: 4, t_rfc: 313, t_rrefd: 73 }),
    supplies: &[Currents {
        idd0_a: 0.122,
        idd2n_a: 0.092,
        idd2p_a: 0.088,
        idd3n_a: 0.142,
        idd3p_a: 0.140,
        idd4r_a: 0.530,
        idd4w_a: 0.479,
        idd5_a: 0.277,
        vdd_v: 1.1,
    }],
};

/// All of them.
pub const DEVICES: [DramDevice; 5] = [DDR3_1600, DDR4_2400, LPDDR4_3200, HBM2_2000, DDR5_4800];

impl DramDevice {
    /// The device called `id`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn named(id: &str) -> Result<Self, UnknownName> {
        let known = DEVICES.into_iter().find(|device| device.id == id);
        known.ok_or_else(|| UnknownName::among("memory", id, DEVICES.iter().map(|device| device.id)))
    }
}

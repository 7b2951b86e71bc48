//! Section 6: the earliest clock of each command, kept as a maximum over the commands before it.

use super::Clock;
use super::device::{N_BANKS, Timing};
use super::report::CommandKind;

/// Clocks from one command to another, sums of JEDEC's times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    act_to_act: Clock,
    act_to_act_rank: Clock,
    act_to_fifth_act: Clock,
    act_to_access: Clock,
    act_to_pre: Clock,
    pre_to_act: Clock,
    access_to_same: Clock,
    rd_to_wr: Clock,
    wr_to_rd: Clock,
    wr_to_rda: Clock,
    rd_to_pre: Clock,
    wr_to_pre: Clock,
    ref_to_act: Clock,
    /// RD to its last data.
    pub(super) rd_to_end: Clock,
    /// WR to its last data.
    pub(super) wr_to_end: Clock,
}

impl Gaps {
    pub(super) fn new(timing: &Timing) -> Self {
        let wr_to_end = timing.wl + timing.burst;
        Self {
            act_to_act: timing.t_rc,
            act_to_act_rank: timing.t_rrd,
            act_to_fifth_act: timing.t_faw,
            act_to_access: timing.t_rcd,
            act_to_pre: timing.t_ras,
            pre_to_act: timing.t_rp,
            access_to_same: timing.t_ccd.max(timing.burst),
            // Two clocks for the data bus to change direction: JESD79-3F, section 4.13, RL + tCCD + 2 tCK - WL.
            rd_to_wr: timing.rl + timing.burst + 2 - timing.wl,
            wr_to_rd: wr_to_end + timing.t_wtr,
            wr_to_rda: wr_to_end + timing.t_wr - timing.t_rtp,
            rd_to_pre: timing.t_rtp,
            wr_to_pre: wr_to_end + timing.t_wr,
            ref_to_act: timing.t_rfc,
            rd_to_end: timing.rl + timing.burst,
            wr_to_end,
        }
    }
}

/// Earliest clocks of the commands of one bank, as far as that bank's own commands say.
#[derive(Debug, Clone, Copy, Default)]
struct BankGates {
    act: Clock,
    /// RD, WR and WRA.
    access: Clock,
    rda: Clock,
    pre: Clock,
}

/// Earliest clocks as far as commands of the whole rank say, and those of each bank.
///
/// A command has passed its own gate, so what it sets that gate to is later; only other gates need a maximum.
#[derive(Debug, Clone)]
pub(super) struct Gates {
    pub(super) gaps: Gaps,
    banks: [BankGates; N_BANKS],
    /// One command a clock.
    bus: Clock,
    act: Clock,
    rd: Clock,
    wr: Clock,
    /// REFA, as far as PREA and REFA say.
    refa: Clock,
    /// When the window of each of the last four ACT ends, a ring; `oldest` is the next to be overwritten.
    windows: [Clock; 4],
    oldest: usize,
}

impl Gates {
    pub(super) fn new(timing: &Timing) -> Self {
        Self {
            gaps: Gaps::new(timing),
            banks: [BankGates::default(); N_BANKS],
            bus: 0,
            act: 0,
            rd: 0,
            wr: 0,
            refa: 0,
            windows: [0; 4],
            oldest: 0,
        }
    }

    /// ACT of a bank at `clock`.
    #[inline]
    pub(super) fn activated(&mut self, bank: usize, clock: Clock) {
        let gaps = &self.gaps;
        self.banks[bank] = BankGates {
            act: clock + gaps.act_to_act,
            access: clock + gaps.act_to_access,
            rda: clock + gaps.act_to_access,
            pre: clock + gaps.act_to_pre,
        };
        self.windows[self.oldest % 4] = clock + gaps.act_to_fifth_act;
        self.oldest = (self.oldest + 1) % 4;
        self.act = (clock + gaps.act_to_act_rank).max(self.windows[self.oldest]);
        self.bus = clock + 1;
    }

    /// PRE of a bank at `clock`.
    #[inline]
    pub(super) fn precharged(&mut self, bank: usize, clock: Clock) {
        let gates = &mut self.banks[bank];
        gates.act = gates.act.max(clock + self.gaps.pre_to_act);
        self.bus = clock + 1;
    }

    /// RD or RDA of a bank at `clock`. Returns when the row may be closed.
    #[inline]
    pub(super) fn read(&mut self, bank: usize, clock: Clock, is_closing: bool) -> Clock {
        let gaps = &self.gaps;
        let gates = &mut self.banks[bank];
        let closes = clock + gaps.rd_to_pre;
        gates.pre = gates.pre.max(closes);
        if is_closing {
            gates.act = gates.act.max(closes + gaps.pre_to_act);
        }
        self.rd = clock + gaps.access_to_same;
        self.wr = self.wr.max(clock + gaps.rd_to_wr);
        self.bus = clock + 1;
        gates.pre
    }

    /// WR or WRA of a bank at `clock`. Returns when the row may be closed.
    #[inline]
    pub(super) fn written(&mut self, bank: usize, clock: Clock, is_closing: bool) -> Clock {
        let gaps = &self.gaps;
        let gates = &mut self.banks[bank];
        let closes = clock + gaps.wr_to_pre;
        gates.pre = gates.pre.max(closes);
        gates.rda = gates.rda.max(clock + gaps.wr_to_rda);
        if is_closing {
            gates.act = gates.act.max(closes + gaps.pre_to_act);
        }
        self.rd = self.rd.max(clock + gaps.wr_to_rd);
        self.wr = clock + gaps.access_to_same;
        self.bus = clock + 1;
        gates.pre
    }

    /// PREA at `clock`.
    pub(super) fn all_precharged(&mut self, clock: Clock) {
        self.act = self.act.max(clock + self.gaps.pre_to_act);
        self.refa = self.refa.max(clock + self.gaps.pre_to_act);
        self.bus = clock + 1;
    }

    /// REFA at `clock`.
    pub(super) fn refreshed(&mut self, clock: Clock) {
        self.act = self.act.max(clock + self.gaps.ref_to_act);
        self.refa = clock + self.gaps.ref_to_act;
        self.bus = clock + 1;
    }

    /// The earliest clock of a command as far as its own bank says.
    #[inline]
    pub(super) fn of_bank(&self, kind: CommandKind, bank: usize) -> Clock {
        let gates = &self.banks[bank];
        match kind {
            CommandKind::Act => gates.act,
            CommandKind::Rd | CommandKind::Wr | CommandKind::Wra => gates.access,
            CommandKind::Rda => gates.rda,
            CommandKind::Pre => gates.pre,
            CommandKind::Prea | CommandKind::Refa => 0,
        }
    }

    /// The earliest clock of a command as far as the rank and the command bus say.
    #[inline]
    pub(super) fn of_rank(&self, kind: CommandKind) -> Clock {
        let most = |gate: fn(&BankGates) -> Clock| self.banks.iter().map(gate).fold(0, Clock::max);
        let gate = match kind {
            CommandKind::Act => self.act,
            CommandKind::Rd | CommandKind::Rda => self.rd,
            CommandKind::Wr | CommandKind::Wra => self.wr,
            CommandKind::Pre => 0,
            // All banks are closed at once, and all must be closed for a refresh as for an ACT.
            CommandKind::Prea => most(|gates| gates.pre),
            CommandKind::Refa => self.refa.max(most(|gates| gates.act)),
        };
        gate.max(self.bus)
    }
}

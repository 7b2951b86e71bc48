//! Section 6: the earliest clock of each command, kept as a maximum over the commands before it.

use super::Clock;
use super::device::DramDevice;
use super::report::CommandKind;

/// Clocks from one command to another, sums of JEDEC's times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    act_to_act: Clock,
    act_to_act_rank: Clock,
    act_to_act_group: Clock,
    act_to_fifth_act: Clock,
    act_to_rd: Clock,
    act_to_wr: Clock,
    act_to_pre: Clock,
    pre_to_act: Clock,
    prea_to_act: Clock,
    rd_to_rd: Clock,
    rd_to_rd_group: Clock,
    wr_to_wr: Clock,
    wr_to_wr_group: Clock,
    rd_to_wr: Clock,
    wr_to_rd: Clock,
    wr_to_rd_group: Clock,
    wr_to_rda: Clock,
    rd_to_pre: Clock,
    wr_to_pre: Clock,
    ref_to_act: Clock,
    set_ref_to_act: Clock,
    set_ref_to_other_act: Clock,
    /// Clocks that ACT, an access, and PRE or REF hold their bus.
    command: [Clock; 3],
    /// End of power-down to any command.
    power_up: Clock,
    /// RD to its last data.
    pub(super) rd_to_end: Clock,
    /// WR to its last data.
    pub(super) wr_to_end: Clock,
}

impl Gaps {
    pub(super) fn new(device: &DramDevice) -> Self {
        let timing = &device.timing;
        let wr_to_end = timing.wl + timing.burst;
        let (set_ref_to_act, set_ref_to_other_act) =
            device.refresh_sets.map_or((0, 0), |sets| (sets.t_rfc, sets.t_rrefd));
        Self {
            act_to_act: timing.t_rc,
            act_to_act_rank: timing.t_rrd,
            act_to_act_group: timing.t_rrd_l,
            act_to_fifth_act: timing.t_faw,
            act_to_rd: timing.t_rcd,
            act_to_wr: timing.t_rcd_wr,
            act_to_pre: timing.t_ras,
            pre_to_act: timing.t_rp,
            prea_to_act: timing.t_rp_ab,
            rd_to_rd: timing.t_ccd.max(timing.burst),
            rd_to_rd_group: timing.t_ccd_l,
            wr_to_wr: timing.t_ccd.max(timing.burst),
            wr_to_wr_group: timing.t_ccd_l_wr,
            rd_to_wr: timing.t_rtw,
            wr_to_rd: wr_to_end + timing.t_wtr,
            wr_to_rd_group: wr_to_end + timing.t_wtr_l,
            wr_to_rda: wr_to_end + timing.t_wr - timing.t_rtp,
            rd_to_pre: timing.t_rtp,
            wr_to_pre: wr_to_end + timing.t_wr,
            ref_to_act: timing.t_rfc,
            set_ref_to_act,
            set_ref_to_other_act,
            command: timing.command,
            power_up: timing.t_xp,
            rd_to_end: timing.rl + timing.burst,
            wr_to_end,
        }
    }
}

/// Commands that banks propose, by what the rank lets pass together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Class {
    Act,
    Read,
    Write,
    Pre,
}

/// Earliest clocks of the commands of one bank, as far as that bank's own commands say.
#[derive(Debug, Clone, Copy, Default)]
struct BankGates {
    act: Clock,
    rd: Clock,
    /// WR and WRA.
    wr: Clock,
    rda: Clock,
    pre: Clock,
}

/// Earliest clocks as far as commands of the pseudo channel say, or of the bank's group.
#[derive(Debug, Clone, Copy, Default)]
struct SharedGates {
    act: Clock,
    rd: Clock,
    wr: Clock,
}

/// When the window of each of the last four ACT ends, a ring; `oldest` is the next to be overwritten.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    ends: [Clock; 4],
    oldest: usize,
}

/// Earliest clocks as far as commands of the whole rank say, and those of each of `B` banks in `G` groups in `R` pseudo channels.
///
/// Of a bank's number, the lowest bits are its pseudo channel, and those with the next its group. A command has passed its own gate,
/// so what it sets that gate to is later; only other gates need a maximum.
#[derive(Debug, Clone)]
pub(super) struct Gates<const B: usize, const G: usize, const R: usize> {
    pub(super) gaps: Gaps,
    banks: [BankGates; B],
    groups: [SharedGates; G],
    ranks: [SharedGates; R],
    windows: [Window; R],
    /// One command at a time: on the bus of rows, which is the only one unless there are pseudo channels, and on that of columns.
    buses: [Clock; 2],
    /// REFA, as far as PREA and REFA say.
    refa: Clock,
    /// REF of a set, as far as those before say.
    refs: Clock,
}

impl<const B: usize, const G: usize, const R: usize> Gates<B, G, R> {
    /// Whether bank groups have gates of their own.
    const IS_GROUPED: bool = G > R;
    /// The bus that accesses go over.
    const COLUMNS: usize = if R > 1 { 1 } else { 0 };

    pub(super) fn new(device: &DramDevice) -> Self {
        Self {
            gaps: Gaps::new(device),
            banks: [BankGates::default(); B],
            groups: [SharedGates::default(); G],
            ranks: [SharedGates::default(); R],
            windows: [Window::default(); R],
            buses: [0; 2],
            refa: 0,
            refs: 0,
        }
    }

    /// ACT of a bank at `clock`.
    #[inline]
    pub(super) fn activated(&mut self, bank: usize, clock: Clock) {
        let gaps = &self.gaps;
        self.banks[bank] = BankGates {
            act: clock + gaps.act_to_act,
            rd: clock + gaps.act_to_rd,
            wr: clock + gaps.act_to_wr,
            rda: clock + gaps.act_to_rd,
            pre: clock + gaps.act_to_pre,
        };
        let window = &mut self.windows[bank % R];
        window.ends[window.oldest % 4] = clock + gaps.act_to_fifth_act;
        window.oldest = (window.oldest + 1) % 4;
        self.ranks[bank % R].act = (clock + gaps.act_to_act_rank).max(window.ends[window.oldest]);
        if Self::IS_GROUPED {
            self.groups[bank % G].act = clock + gaps.act_to_act_group;
        }
        self.buses[0] = clock + gaps.command[0];
    }

    /// PRE of a bank at `clock`.
    #[inline]
    pub(super) fn precharged(&mut self, bank: usize, clock: Clock) {
        let gates = &mut self.banks[bank];
        gates.act = gates.act.max(clock + self.gaps.pre_to_act);
        self.buses[0] = clock + self.gaps.command[2];
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
        let rank = &mut self.ranks[bank % R];
        rank.rd = clock + gaps.rd_to_rd;
        rank.wr = rank.wr.max(clock + gaps.rd_to_wr);
        if Self::IS_GROUPED {
            let group = &mut self.groups[bank % G];
            group.rd = group.rd.max(clock + gaps.rd_to_rd_group);
        }
        self.buses[Self::COLUMNS] = clock + gaps.command[1];
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
        let rank = &mut self.ranks[bank % R];
        rank.rd = rank.rd.max(clock + gaps.wr_to_rd);
        rank.wr = clock + gaps.wr_to_wr;
        if Self::IS_GROUPED {
            let group = &mut self.groups[bank % G];
            group.rd = group.rd.max(clock + gaps.wr_to_rd_group);
            group.wr = group.wr.max(clock + gaps.wr_to_wr_group);
        }
        self.buses[Self::COLUMNS] = clock + gaps.command[1];
        gates.pre
    }

    /// PREA at `clock`.
    pub(super) fn all_precharged(&mut self, clock: Clock) {
        for rank in &mut self.ranks {
            rank.act = rank.act.max(clock + self.gaps.prea_to_act);
        }
        self.refa = self.refa.max(clock + self.gaps.prea_to_act);
        self.buses[0] = clock + self.gaps.command[2];
    }

    /// REFA at `clock`.
    pub(super) fn refreshed(&mut self, clock: Clock) {
        for rank in &mut self.ranks {
            rank.act = rank.act.max(clock + self.gaps.ref_to_act);
        }
        self.refa = clock + self.gaps.ref_to_act;
        self.buses[0] = clock + self.gaps.command[2];
    }

    /// REF of the banks of a set at `clock`.
    pub(super) fn set_refreshed(&mut self, set: impl Iterator<Item = usize>, clock: Clock) {
        for bank in set {
            self.banks[bank].act = clock + self.gaps.set_ref_to_act;
        }
        for rank in &mut self.ranks {
            rank.act = rank.act.max(clock + self.gaps.set_ref_to_other_act);
        }
        self.refs = clock + self.gaps.set_ref_to_act;
        self.buses[0] = clock + self.gaps.command[2];
    }

    /// Power-down ended at `clock`.
    pub(super) fn powered_up(&mut self, clock: Clock) {
        for bus in &mut self.buses {
            *bus = (*bus).max(clock + self.gaps.power_up);
        }
    }

    /// The earliest clock of a command as far as its own bank says; 0 for what no bank proposes.
    #[inline]
    pub(super) fn of_bank(&self, kind: CommandKind, bank: usize) -> Clock {
        let gates = &self.banks[bank];
        match kind {
            CommandKind::Act => gates.act,
            CommandKind::Rd => gates.rd,
            CommandKind::Wr | CommandKind::Wra => gates.wr,
            CommandKind::Rda => gates.rda,
            CommandKind::Pre => gates.pre,
            CommandKind::Prea | CommandKind::Refa | CommandKind::Presb | CommandKind::Refsb => 0,
        }
    }

    /// The earliest clocks of commands of a bank of `group` from `clock` on, by [`Class`], as far as its group, its rank and the command
    /// bus say.
    #[inline]
    pub(super) fn of_group(&self, group: usize, clock: Clock) -> [Clock; 4] {
        let rank = &self.ranks[group % R];
        let (rows, columns) = (self.buses[0].max(clock), self.buses[Self::COLUMNS].max(clock));
        let gates = [rank.act.max(rows), rank.rd.max(columns), rank.wr.max(columns), rows];
        if !Self::IS_GROUPED {
            return gates;
        }
        let shared = &self.groups[group];
        [gates[0].max(shared.act), gates[1].max(shared.rd), gates[2].max(shared.wr), gates[3]]
    }

    /// The earliest clock of PRE of all of `banks`.
    pub(super) fn of_precharges(&self, banks: impl Iterator<Item = usize>) -> Clock {
        banks.map(|bank| self.banks[bank].pre).fold(self.buses[0], Clock::max)
    }

    /// The earliest clock of REFA: all banks must be closed as for an ACT.
    pub(super) fn of_refresh(&self) -> Clock {
        self.banks.iter().map(|gates| gates.act).fold(self.refa.max(self.buses[0]), Clock::max)
    }

    /// The earliest clock of REF of a set: its banks must be closed as for an ACT.
    pub(super) fn of_set_refresh(&self, set: impl Iterator<Item = usize>) -> Clock {
        set.map(|bank| self.banks[bank].act).fold(self.refs.max(self.buses[0]), Clock::max)
    }
}

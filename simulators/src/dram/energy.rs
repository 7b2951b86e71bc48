//! Section 10: energy from counts of commands and clocks of standby, as DRAMPower has it, without termination.

use super::Clock;
use super::controller::RefreshPolicy;
use super::device::{Currents, DramDevice};
use super::refresh::sets;
use super::report::{CommandKind, Counts, Energy};

/// Counts what energy depends on while a run goes on.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) counts: Counts,
    /// Clocks with no bank active, as far as they are settled.
    precharged: Clock,
    /// When the last bank closed or will close.
    closes: Clock,
    /// When the last row closes by an access: an entry of its own in DRAMPower's list of commands.
    closes_by_access: Clock,
    /// Clocks in power-down, with no bank active and with one.
    slept: [Clock; 2],
    /// The last command.
    last: (Clock, CommandKind),
    tails: Tails,
    /// Sets of banks that are refreshed in turn.
    n_sets: usize,
}

/// Clocks that an entry adds to the account if it is the last.
#[derive(Debug, Clone, Copy)]
struct Tails {
    read: Clock,
    write: Clock,
    act: Clock,
    pre: Clock,
    refresh: Clock,
}

impl Account {
    pub(super) fn new(device: &DramDevice, policy: RefreshPolicy) -> Self {
        let timing = &device.timing;
        let (n_sets, _) = sets(policy, device);
        let t_rfc = match device.refresh_sets {
            Some(sets) if n_sets > 1 => sets.t_rfc,
            _ => timing.t_rfc,
        };
        let tails = Tails {
            read: timing.rl + timing.burst,
            write: timing.wl + timing.burst + timing.t_wr - 1,
            act: timing.t_rcd - 1,
            pre: timing.t_rp - 1,
            // Source: section 10: a refresh counts as active until the precharge that ends it.
            refresh: t_rfc - timing.t_rp,
        };
        Self {
            counts: Counts::default(),
            precharged: 0,
            closes: 0,
            closes_by_access: 0,
            slept: [0; 2],
            last: (0, CommandKind::Pre),
            tails,
            n_sets,
        }
    }

    /// A command of any kind; the clocks of commands grow.
    #[inline]
    pub(super) fn issued(&mut self, clock: Clock, kind: CommandKind) {
        self.last = (clock, kind);
    }

    /// ACT; `is_first` if no other bank is active.
    #[inline]
    pub(super) fn activated(&mut self, clock: Clock, is_first: bool) {
        if is_first {
            self.precharged += clock.saturating_sub(self.closes);
        }
        self.counts.activates += 1;
    }

    /// PRE, or PREA with `n_open` active banks.
    #[inline]
    pub(super) fn precharged(&mut self, clock: Clock, n_open: u64) {
        self.counts.precharges += n_open;
        self.closes = self.closes.max(clock);
    }

    /// The access just counted closes its row at `closes`.
    #[inline]
    pub(super) fn closed(&mut self, closes: Clock) {
        self.counts.precharges += 1;
        self.closes = self.closes.max(closes);
        self.closes_by_access = self.closes_by_access.max(closes);
    }

    /// REF of all banks or of a set. Returns when it ends, for what comes after.
    pub(super) fn refreshed(&mut self, clock: Clock, has_open_bank: bool) -> Clock {
        self.counts.refreshes += 1;
        if !has_open_bank {
            self.precharged += clock.saturating_sub(self.closes);
        }
        let ends = clock + self.tails.refresh;
        self.closes = self.closes.max(ends);
        ends + self.tails.pre + 1
    }

    /// So many clocks were spent in power-down.
    pub(super) fn slept(&mut self, clocks: Clock, has_open_bank: bool) {
        self.slept[usize::from(has_open_bank)] += clocks;
    }

    /// Clock at which the account ends. A row closed by an access stands before the commands of its clock.
    fn end(&self) -> Clock {
        let (clock, kind) = self.last;
        if self.closes_by_access > clock {
            return self.closes_by_access + self.tails.pre;
        }
        clock
            + match kind {
                CommandKind::Act => self.tails.act,
                CommandKind::Rd | CommandKind::Rda => self.tails.read,
                CommandKind::Wr | CommandKind::Wra => self.tails.write,
                CommandKind::Pre | CommandKind::Prea | CommandKind::Presb => self.tails.pre,
                CommandKind::Refa | CommandKind::Refsb => self.tails.refresh,
            }
    }

    /// Energy of all chips, and the clocks that it was spent in.
    pub(super) fn settled(&self, device: &DramDevice, has_open_bank: bool) -> (Energy, Clock) {
        let end = self.end();
        let rest = if has_open_bank { 0 } else { end.saturating_sub(self.closes) };
        let clocks = [self.precharged + rest, end - (self.precharged + rest)];
        let energies = device.supplies.iter().map(|supply| self.of_supply(device, supply, clocks));
        (energies.fold(Energy::default(), Energy::plus), end)
    }

    /// Energy from one supply; `clocks`: with all banks precharged, and with one active.
    fn of_supply(&self, device: &DramDevice, currents: &Currents, clocks: [Clock; 2]) -> Energy {
        let timing = &device.timing;
        let clock_j = currents.vdd_v * device.clock_s * f64::from(device.n_chips);
        let spent = |clocks: u64, current_a: f64| clocks as f64 * current_a * clock_j;
        let counts = &self.counts;
        // Ours: a pseudo channel draws its share of the channel's current, and a set of banks its share of a refresh's energy, since
        // the tables have currents of the whole channel, and of refreshes by set only their mean over time.
        let share = 1.0 / device.banks.n_pseudo_channels() as f64;
        let refresh_j = spent(timing.t_rfc * counts.refreshes, currents.idd5_a - currents.idd3n_a);
        let [precharged, active] = clocks;
        let slept = [self.slept[0].min(precharged), self.slept[1].min(active)];
        Energy {
            activate_j: share * spent(timing.t_ras * counts.activates, currents.idd0_a - currents.idd3n_a),
            precharge_j: share * spent(timing.t_rp * counts.precharges, currents.idd0_a - currents.idd2n_a),
            read_j: share * spent(timing.burst * counts.reads, currents.idd4r_a - currents.idd3n_a),
            write_j: share * spent(timing.burst * counts.writes, currents.idd4w_a - currents.idd3n_a),
            refresh_j: refresh_j / self.n_sets as f64,
            background_j: spent(precharged - slept[0], currents.idd2n_a)
                + spent(active - slept[1], currents.idd3n_a)
                + (spent(slept[0], currents.idd2p_a) + spent(slept[1], currents.idd3p_a)),
        }
    }
}

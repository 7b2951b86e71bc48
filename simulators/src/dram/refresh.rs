//! Section 7: refreshes, put off while requests are stored and pulled in while none are.

use super::controller::RefreshPolicy;
use super::device::DramDevice;
use super::{Clock, NEVER};

/// What the refresh step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Precharge,
    Refresh,
}

#[derive(Debug, Clone)]
pub(super) struct Refresh {
    interval: Clock,
    max_postponed: i64,
    max_pulled_in: i64,
    /// Sets of banks that are refreshed in turn: one if all are at once.
    pub(super) n_sets: usize,
    /// The set that is next.
    pub(super) set: usize,
    /// The clock from which the next refresh is thought about.
    pub(super) due: Clock,
    /// Refreshes put off; negative if some were done ahead.
    debt: i64,
    is_pulling: bool,
    /// Whether the banks of the set propose nothing until a refresh is done.
    pub(super) is_blocking: bool,
}

/// How many sets of banks are refreshed in turn, at which distance.
///
/// # Panics
/// If the policy asks for sets that the device does not have.
pub(super) fn sets(policy: RefreshPolicy, device: &DramDevice) -> (usize, Clock) {
    let n_sets = match policy {
        RefreshPolicy::NoRefresh | RefreshPolicy::AllBank { .. } => 1,
        RefreshPolicy::BySet { .. } => {
            device.refresh_sets.expect("invariant: only devices that have sets are refreshed by set").n_sets
        }
    };
    (n_sets, device.timing.t_refi / n_sets as u64)
}

impl Refresh {
    pub(super) fn new(policy: RefreshPolicy, device: &DramDevice) -> Self {
        let (n_sets, interval) = sets(policy, device);
        let mut refresh = Self {
            interval,
            max_postponed: 0,
            max_pulled_in: 0,
            n_sets,
            set: 0,
            due: NEVER,
            debt: 0,
            is_pulling: false,
            is_blocking: false,
        };
        if let RefreshPolicy::AllBank { max_postponed, max_pulled_in }
        | RefreshPolicy::BySet { max_postponed, max_pulled_in } = policy
        {
            // Limits are in refreshes of all banks.
            let of_sets = |most: std::num::NonZeroU32| i64::from(most.get()) * n_sets as i64;
            refresh.max_postponed = of_sets(max_postponed);
            refresh.max_pulled_in = of_sets(max_pulled_in);
            refresh.due = interval;
        }
        refresh
    }

    /// The step of an evaluation at `clock`. `is_busy`: whether any request for the set's banks is stored; `has_open_bank`: whether
    /// one of them is active.
    pub(super) fn step(&mut self, clock: Clock, is_busy: bool, has_open_bank: bool) -> Wish {
        if clock < self.due {
            return Wish::Nothing;
        }
        if clock >= self.due + self.interval {
            self.due += self.interval;
            self.is_pulling = false;
        }
        if self.is_pulling {
            if is_busy {
                self.is_pulling = false;
                self.due += self.interval;
                return Wish::Nothing;
            }
            return if has_open_bank { Wish::Precharge } else { Wish::Refresh };
        }
        if self.debt == self.max_postponed {
            self.is_blocking = true;
        } else if is_busy {
            self.debt += 1;
            self.due += self.interval;
            return Wish::Nothing;
        }
        if has_open_bank { Wish::Precharge } else { Wish::Refresh }
    }

    /// REF was issued. A forced one does not reduce the debt.
    pub(super) fn done(&mut self) {
        self.is_blocking = false;
        self.set = (self.set + 1) % self.n_sets;
        if self.is_pulling {
            self.debt -= 1;
        } else {
            self.is_pulling = true;
        }
        if self.debt == -self.max_pulled_in {
            self.is_pulling = false;
            self.due += self.interval;
        }
    }
}

//! Section 7: refreshes of all banks, put off while requests are stored and pulled in while none are.

use super::controller::RefreshPolicy;
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
    /// The clock from which the next refresh is thought about.
    pub(super) due: Clock,
    /// Refreshes put off; negative if some were done ahead.
    debt: i64,
    is_pulling: bool,
    /// Whether banks propose nothing until a refresh is done.
    pub(super) is_blocking: bool,
}

impl Refresh {
    pub(super) fn new(policy: RefreshPolicy, interval: Clock) -> Self {
        let (max_postponed, max_pulled_in, due) = match policy {
            RefreshPolicy::NoRefresh => (0, 0, NEVER),
            RefreshPolicy::AllBank { max_postponed, max_pulled_in } => {
                (i64::from(max_postponed.get()), i64::from(max_pulled_in.get()), interval)
            }
        };
        let (debt, is_pulling, is_blocking) = (0, false, false);
        Self { interval, max_postponed, max_pulled_in, due, debt, is_pulling, is_blocking }
    }

    /// The step of an evaluation at `clock`. `is_busy`: whether any request is stored.
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
            return Wish::Refresh;
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

    /// REFA was issued. A forced one does not reduce the debt.
    pub(super) fn done(&mut self) {
        self.is_blocking = false;
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

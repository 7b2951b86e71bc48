//! Section 11: power-down while nothing is stored.

use std::num::NonZeroU32;

use super::device::DramDevice;
use super::{Clock, NEVER};

/// When the memory is put into power-down.
#[derive(Debug, Clone)]
pub(super) struct PowerDown {
    /// Idle clocks before it; none if never.
    after: Option<Clock>,
    /// Least stay.
    stay: Clock,
    /// Since when nothing is to be done; `NEVER` while something is.
    idle: Clock,
}

/// A stay in power-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sleep {
    /// When it ends.
    pub(super) end: Clock,
    pub(super) clocks: Clock,
}

impl PowerDown {
    pub(super) fn new(after: Option<NonZeroU32>, device: &DramDevice) -> Self {
        let after = after.map(|clocks| Clock::from(clocks.get()));
        Self { after, stay: device.timing.t_cke, idle: NEVER }
    }

    #[inline]
    pub(super) fn is_enabled(&self) -> bool {
        self.after.is_some()
    }

    /// From `clock` on nothing is to be done.
    pub(super) fn idle_from(&mut self, clock: Clock) {
        self.idle = clock;
    }

    /// Something is to be done at `clock`. Returns the stay in power-down that this ends, if there is one.
    pub(super) fn end(&mut self, clock: Clock) -> Option<Sleep> {
        let idle = std::mem::replace(&mut self.idle, NEVER);
        let begin = idle.checked_add(self.after?)?;
        let end = clock.max(begin + self.stay);
        (clock > begin).then_some(Sleep { end, clocks: end - begin })
    }
}

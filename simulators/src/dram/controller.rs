//! What a design sets (section 2). What has no effect cannot be said, so controllers that are provably equal are the same value.

use std::num::NonZeroU32;

/// The ten parameters of ArchGym's controller, and what newer ones have beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Controller {
    /// When a row is closed.
    pub page_policy: PagePolicy,
    /// Which request a bank turns to.
    pub scheduler: Scheduler,
    /// What the buffer of requests is counted by.
    pub buffer: SchedulerBuffer,
    /// Requests that the buffer holds, each time it is counted.
    pub buffer_size: NonZeroU32,
    /// Order of responses within the controller.
    pub responses: ResponseQueue,
    /// Whether rows are refreshed, and how freely.
    pub refresh: RefreshPolicy,
    /// What stands between the player of the trace and the controller.
    pub arbiter: Arbiter,
    /// Idle clocks after which the memory is put into power-down; none if never.
    pub power_down: Option<NonZeroU32>,
}

/// When a row is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PagePolicy {
    /// When another is wanted.
    Open,
    /// As `Open`, and with the access when others wait for the bank but none for this row.
    OpenAdaptive,
    /// With every access.
    Closed,
    /// With the access, unless another for this row waits.
    ClosedAdaptive,
}

impl PagePolicy {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("open", Self::Open),
        ("open-adaptive", Self::OpenAdaptive),
        ("closed", Self::Closed),
        ("closed-adaptive", Self::ClosedAdaptive),
    ];
}

/// Which request a bank turns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheduler {
    /// The oldest.
    Fifo,
    /// The oldest for the open row, else the oldest.
    FrFcfs,
    /// As `FrFcfs`, and of those for the open row first what the last access was, a read or a write.
    FrFcfsGrp,
    /// As `FrFcfs` among reads, until `high` writes are stored or no reads; then among writes, until `low` are left and reads are there.
    WriteDrain {
        /// Stored writes at which reads stop.
        high: NonZeroU32,
        /// Stored writes at which reads go on; below `high`.
        low: u32,
    },
}

impl Scheduler {
    /// ArchGym's, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("fifo", Self::Fifo), ("fr-fcfs", Self::FrFcfs), ("fr-fcfs-grp", Self::FrFcfsGrp)];
}

/// What the buffer of requests is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchedulerBuffer {
    /// By bank.
    Bankwise,
    /// Reads and writes apart.
    ReadWrite,
    /// All together.
    Shared,
}

impl SchedulerBuffer {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("bankwise", Self::Bankwise), ("read-write", Self::ReadWrite), ("shared", Self::Shared)];
}

/// Order of responses within the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResponseQueue {
    /// As the accesses were issued.
    Fifo,
    /// As the requests arrived.
    Reorder,
}

impl ResponseQueue {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 2] = [("fifo", Self::Fifo), ("reorder", Self::Reorder)];
}

/// Whether rows are refreshed, and how freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefreshPolicy {
    /// Never: a real chip loses its data.
    NoRefresh,
    /// All banks at once.
    AllBank {
        /// Refreshes that may be put off.
        max_postponed: NonZeroU32,
        /// Refreshes that may be done ahead.
        max_pulled_in: NonZeroU32,
    },
    /// One bank, or one of each group, after the other, as the device has it ([`RefreshSets`](super::RefreshSets)).
    BySet {
        /// Refreshes of all banks that may be put off.
        max_postponed: NonZeroU32,
        /// Refreshes of all banks that may be done ahead.
        max_pulled_in: NonZeroU32,
    },
}

/// What stands between the player of the trace and the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arbiter {
    /// A wire: the next request when the last was stored.
    Simple,
    /// A queue; responses in the controller's order.
    Fifo {
        /// Requests between admission and response.
        max_active: NonZeroU32,
    },
    /// A queue; responses in the order of the requests.
    Reorder {
        /// Requests between admission and response.
        max_active: NonZeroU32,
    },
}

impl Arbiter {
    /// Requests between admission and response, where they are limited.
    pub fn max_active(self) -> Option<usize> {
        match self {
            Self::Simple => None,
            Self::Fifo { max_active } | Self::Reorder { max_active } => Some(max_active.get() as usize),
        }
    }
}

impl Controller {
    /// The controller that answers a trace of reads alone exactly like this one, the same for all that do: without writes
    /// `FrFcfsGrp` and `WriteDrain` are `FrFcfs`, and a buffer for reads is one for all.
    #[must_use]
    pub fn for_reads_alone(mut self) -> Self {
        if matches!(self.scheduler, Scheduler::FrFcfsGrp | Scheduler::WriteDrain { .. }) {
            self.scheduler = Scheduler::FrFcfs;
        }
        if self.buffer == SchedulerBuffer::ReadWrite {
            self.buffer = SchedulerBuffer::Shared;
        }
        self
    }

    /// Whether responses leave in the order of the requests (section 4).
    pub(super) fn is_in_request_order(&self) -> bool {
        self.responses == ResponseQueue::Reorder || matches!(self.arbiter, Arbiter::Reorder { .. })
    }
}

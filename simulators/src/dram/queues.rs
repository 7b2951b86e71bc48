//! Section 5: the stored requests of each bank in order of arrival, whether there is space for one more, and which of them a
//! bank turns to.

use super::controller::{Controller, PagePolicy, Scheduler, SchedulerBuffer};
use super::placed::Placed;
use super::trace::Operation;

/// Row of a precharged bank.
pub(super) const NO_ROW: u32 = u32::MAX;

/// A stored request, as much of it as choosing needs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    pub(super) row: u32,
    /// Its number in the trace.
    pub(super) index: u32,
    pub(super) is_write: bool,
}

/// What a bank with an open row turns to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick {
    /// Its place in the queue of the bank.
    pub(super) position: usize,
    pub(super) entry: Entry,
    pub(super) is_hit: bool,
    /// Whether the access closes the row.
    pub(super) is_closing: bool,
}

/// The queues of `B` banks. `X`: whether the scheduler may be `WriteDrain`.
pub(super) struct Queues<'a, const B: usize, const X: bool> {
    scheduler: Scheduler,
    /// Whether an access closes the row: by whether others wait for the bank, and others for the row.
    closes: [[bool; 2]; 2],
    buffer: SchedulerBuffer,
    size: u32,
    /// The queue of each bank lies in a part of its own, so wide that it seldom has to be moved to the part's front.
    entries: &'a mut [Entry],
    stride: usize,
    starts: [u32; B],
    lengths: [u32; B],
    rows: [u32; B],
    /// Stored requests for the open row of each bank.
    n_hits: [u32; B],
    n_reads: u32,
    n_writes: u32,
    /// Bank of the last stored request.
    last_bank: usize,
    has_space: bool,
    /// What is preferred: with `FrFcfsGrp` what the last access was, with `WriteDrain` what is drained.
    preferred: Operation,
    /// With `WriteDrain`, whether the last request that came or went changed what is preferred.
    is_turned: bool,
}

/// Section 5, the table of policies, by whether others wait for the bank, and others for the row.
fn closes(policy: PagePolicy) -> [[bool; 2]; 2] {
    match policy {
        PagePolicy::Open => [[false; 2]; 2],
        PagePolicy::OpenAdaptive => [[false; 2], [true, false]],
        PagePolicy::Closed => [[true; 2]; 2],
        PagePolicy::ClosedAdaptive => [[true, false]; 2],
    }
}

impl<'a, const B: usize, const X: bool> Queues<'a, B, X> {
    /// Empty queues for controllers that store no more than `controller`.
    pub(super) fn new(controller: &Controller, entries: &'a mut Vec<Entry>) -> Self {
        let size = controller.buffer_size.get();
        // Fewer than `size` reads and fewer writes may be stored when one more is: at most twice `size` at once.
        let stride = 16 * size as usize;
        let n_entries = B * stride;
        if entries.len() < n_entries {
            entries.resize(n_entries, Entry::default());
        }
        Self {
            scheduler: controller.scheduler,
            closes: closes(controller.page_policy),
            buffer: controller.buffer,
            size,
            entries: &mut entries[..n_entries],
            stride,
            starts: std::array::from_fn(|bank| (bank * stride) as u32),
            lengths: [0; B],
            rows: [NO_ROW; B],
            n_hits: [0; B],
            n_reads: 0,
            n_writes: 0,
            last_bank: 0,
            has_space: true,
            preferred: Operation::Read,
            is_turned: false,
        }
    }

    /// What designs set is `controller` from now on; it stores no more than the one that this was made for.
    pub(super) fn reconfigure(&mut self, controller: &Controller) {
        self.scheduler = controller.scheduler;
        self.closes = closes(controller.page_policy);
        self.buffer = controller.buffer;
        self.size = controller.buffer_size.get();
        self.count_space();
        if X && let Scheduler::WriteDrain { high, low } = self.scheduler {
            self.turn(high.get(), low);
        }
    }

    /// Section 3: whether one more request may be stored, whichever it is.
    #[inline]
    pub(super) fn has_space(&self) -> bool {
        self.has_space
    }

    #[inline]
    fn count_space(&mut self) {
        self.has_space = match self.buffer {
            SchedulerBuffer::Shared => self.n_reads + self.n_writes < self.size,
            SchedulerBuffer::ReadWrite => self.n_reads.max(self.n_writes) < self.size,
            SchedulerBuffer::Bankwise => self.lengths[self.last_bank] < self.size,
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_reads + self.n_writes == 0
    }

    /// Whether the request that came last changed what all banks prefer.
    #[inline]
    pub(super) fn is_turned(&self) -> bool {
        X && self.is_turned
    }

    /// Section 5, `WriteDrain`: whether reads or writes are preferred, now that there are so many of each.
    fn turn(&mut self, high: u32, low: u32) {
        let before = self.preferred;
        self.preferred = match before {
            Operation::Read if self.n_writes >= high || (self.n_reads == 0 && self.n_writes > 0) => {
                Operation::Write
            }
            Operation::Write if self.n_writes == 0 || (self.n_writes <= low && self.n_reads > 0) => {
                Operation::Read
            }
            same => same,
        };
        self.is_turned = self.preferred != before;
    }

    /// Adds request `index` to the queue of its bank. Returns whether all banks may prefer others now.
    #[inline]
    pub(super) fn store(&mut self, index: usize, request: &Placed) -> bool {
        let bank = request.bank::<B>();
        let mut end = (self.starts[bank] + self.lengths[bank]) as usize;
        if end == (bank + 1) * self.stride {
            end = self.move_to_front(bank);
        }
        let is_write = request.operation == Operation::Write;
        self.entries[end] = Entry { row: request.row, index: index as u32, is_write };
        self.lengths[bank] += 1;
        self.n_hits[bank] += u32::from(request.row == self.rows[bank]);
        self.n_writes += u32::from(is_write);
        self.n_reads += u32::from(!is_write);
        self.last_bank = bank;
        self.count_space();
        if X && let Scheduler::WriteDrain { high, low } = self.scheduler {
            self.turn(high.get(), low);
        }
        self.is_turned()
    }

    /// Returns where the queue of a bank ends.
    #[cold]
    fn move_to_front(&mut self, bank: usize) -> usize {
        let (start, length) = (self.starts[bank] as usize, self.lengths[bank] as usize);
        let front = bank * self.stride;
        self.entries.copy_within(start..start + length, front);
        self.starts[bank] = front as u32;
        front + length
    }

    /// Takes the request at `position` out of the queue of `bank`, for its access. Returns whether all banks may prefer others now.
    #[inline]
    pub(super) fn remove(&mut self, bank: usize, position: usize) -> bool {
        let start = self.starts[bank] as usize;
        let queue = &mut self.entries[start..=start + position];
        let entry = queue[position];
        // Those before it move up, of which there are few or none.
        for place in (1..queue.len()).rev() {
            queue[place] = queue[place - 1];
        }
        self.starts[bank] += 1;
        self.lengths[bank] -= 1;
        self.n_hits[bank] -= 1;
        self.n_writes -= u32::from(entry.is_write);
        self.n_reads -= u32::from(!entry.is_write);
        self.count_space();
        match self.scheduler {
            Scheduler::FrFcfsGrp => {
                let last = if entry.is_write { Operation::Write } else { Operation::Read };
                std::mem::replace(&mut self.preferred, last) != last
            }
            Scheduler::WriteDrain { high, low } if X => {
                self.turn(high.get(), low);
                self.is_turned
            }
            _ => false,
        }
    }

    /// The queue of a bank, oldest first.
    #[inline]
    pub(super) fn of_bank(&self, bank: usize) -> &[Entry] {
        let start = self.starts[bank] as usize;
        &self.entries[start..start + self.lengths[bank] as usize]
    }

    /// The open row of a bank; `NO_ROW` if it is precharged.
    #[inline]
    pub(super) fn row(&self, bank: usize) -> u32 {
        self.rows[bank]
    }

    /// A row of a bank was opened.
    #[inline]
    pub(super) fn open(&mut self, bank: usize, row: u32) {
        self.rows[bank] = row;
        self.n_hits[bank] = self.of_bank(bank).iter().map(|entry| u32::from(entry.row == row)).sum();
    }

    /// The row of a bank was closed.
    #[inline]
    pub(super) fn close(&mut self, bank: usize) {
        self.rows[bank] = NO_ROW;
        self.n_hits[bank] = 0;
    }

    /// What a bank turns to, if to anything.
    #[inline]
    pub(super) fn pick(&self, bank: usize, requests: &[Placed]) -> Option<Pick> {
        let (queue, row, n_hits) = (self.of_bank(bank), self.rows[bank], self.n_hits[bank]);
        let head = *queue.first()?;
        let (position, is_hit, other_hit) = match self.scheduler {
            // Only the second entry is looked at.
            Scheduler::Fifo => (0, head.row == row, queue.get(1).is_some_and(|entry| entry.row == row)),
            Scheduler::WriteDrain { .. } if X => {
                let position = self.drained(queue, row, requests)?;
                (position, queue[position].row == row, n_hits > 1)
            }
            _ if n_hits == 0 => (0, false, false),
            Scheduler::FrFcfsGrp if n_hits > 1 => (self.same_direction(queue, row, requests), true, true),
            _ => (first_hit(queue, row), true, n_hits > 1),
        };
        let is_closing = self.closes[usize::from(queue.len() > 1)][usize::from(other_hit)];
        Some(Pick { position, entry: queue[position], is_hit, is_closing })
    }

    /// Section 5, `FrFcfsGrp`: the first of the requests for the open row that does what the last access did and has none before it
    /// for the same address; else the first for the open row.
    fn same_direction(&self, queue: &[Entry], row: u32, requests: &[Placed]) -> usize {
        let wants_write = self.preferred == Operation::Write;
        let address = |entry: &Entry| requests[entry.index as usize].address;
        let is_free = |&position: &usize| {
            let entry = &queue[position];
            let is_candidate = entry.row == row && entry.is_write == wants_write;
            let is_same = |earlier: &Entry| earlier.row == row && address(earlier) == address(entry);
            is_candidate && !queue[..position].iter().any(is_same)
        };
        (0..queue.len()).find(is_free).unwrap_or_else(|| first_hit(queue, row))
    }

    /// Section 5, `WriteDrain`: of the preferred kind the first for the open row, else the first, unless one before it is for the same
    /// address; the head if that holds all of them back; nothing if there are none.
    fn drained(&self, queue: &[Entry], row: u32, requests: &[Placed]) -> Option<usize> {
        let wants_write = self.preferred == Operation::Write;
        let address = |entry: &Entry| requests[entry.index as usize].address;
        let mut preferred = (0..queue.len()).filter(|&position| queue[position].is_write == wants_write);
        let mut free = preferred.clone().filter(|&position| {
            let is_same = |earlier: &Entry| address(earlier) == address(&queue[position]);
            !queue[..position].iter().any(is_same)
        });
        let first = free.clone().next().or_else(|| preferred.next().map(|_| 0));
        free.find(|&position| queue[position].row == row).or(first)
    }
}

/// The place of the first request for the open row, of which there is one.
#[inline]
fn first_hit(queue: &[Entry], row: u32) -> usize {
    queue.iter().position(|entry| entry.row == row).expect("a hit was counted")
}

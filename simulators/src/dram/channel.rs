//! The controller's inside, one evaluation at a time: banks propose, the oldest ready proposal is issued.
//!
//! Sections 5 to 7. Who calls decides in which order things happen within a clock: `arrivals_first` and `as_booked`.

use super::controller::Controller;
use super::device::{DramDevice, N_BANKS};
use super::energy::Account;
use super::gates::Gates;
use super::placed::Placed;
use super::queues::{NO_ROW, Queues};
use super::refresh::{Refresh, Wish};
use super::report::{Command, CommandKind};
use super::{Clock, NEVER};

/// A clock, an age and a bank in one number, so that the least is the earliest, and the oldest of those. Refreshes have age 0,
/// request i the age i + 1.
type Key = u64;

/// Bits of the bank.
const BANK_BITS: u32 = N_BANKS.ilog2();
/// Bits of age and bank.
const WHO_BITS: u32 = 24 + BANK_BITS;
const WHO: Key = (1 << WHO_BITS) - 1;

/// Commands that banks propose, by what the rank lets pass together.
#[derive(Debug, Clone, Copy)]
enum Class {
    Act,
    Read,
    Write,
    Pre,
}

/// What a bank proposes beside the key.
#[derive(Debug, Clone, Copy)]
struct Proposal {
    kind: CommandKind,
    /// Place in the queue of the bank, for an access.
    position: usize,
}

/// An access that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// The request, counted from 0.
    pub(super) index: usize,
    /// Section 4: clock of its last data.
    pub(super) end: Clock,
}

pub(super) struct Channel<'a> {
    requests: &'a [Placed],
    queues: Queues<'a>,
    gates: Gates,
    refresh: Refresh,
    pub(super) account: Account,
    /// Whether the open row was accessed.
    is_used: [bool; N_BANKS],
    n_open: u64,
    /// Who, and the earliest clock as far as the bank says; `NEVER` if it proposes nothing.
    keys: [Key; N_BANKS],
    /// Age and bank alone.
    whos: [Key; N_BANKS],
    /// What each bank proposes.
    classes: [Class; N_BANKS],
    proposals: [Proposal; N_BANKS],
    /// Section 7: whether the banks' proposals are void since the last evaluation.
    is_blocked: bool,
    wish: Wish,
    wish_key: Key,
    log: Option<&'a mut Vec<Command>>,
}

impl<'a> Channel<'a> {
    pub(super) fn new(
        device: &DramDevice,
        controller: &Controller,
        requests: &'a [Placed],
        queues: Queues<'a>,
        log: Option<&'a mut Vec<Command>>,
    ) -> Self {
        Self {
            requests,
            queues,
            gates: Gates::new(&device.timing),
            refresh: Refresh::new(controller.refresh, device.timing.t_refi),
            account: Account::new(device),
            is_used: [false; N_BANKS],
            n_open: 0,
            keys: [NEVER; N_BANKS],
            whos: [0; N_BANKS],
            classes: [Class::Act; N_BANKS],
            proposals: [Proposal { kind: CommandKind::Act, position: 0 }; N_BANKS],
            is_blocked: false,
            wish: Wish::Nothing,
            wish_key: NEVER,
            log,
        }
    }

    /// Whether one more request may be stored.
    #[inline]
    pub(super) fn has_space(&self) -> bool {
        self.queues.has_space()
    }

    #[inline]
    pub(super) fn has_open_bank(&self) -> bool {
        self.n_open > 0
    }

    /// Section 8, step 1 or 4: stores a request, for which there is space, and its bank proposes.
    #[inline]
    pub(super) fn store(&mut self, index: usize) {
        let request = &self.requests[index];
        self.queues.store(index, request);
        self.propose(request.bank());
    }

    /// The clock from which on the refresh step has to be done.
    #[inline]
    pub(super) fn due(&self) -> Clock {
        self.refresh.due
    }

    /// The next clock at which the refresh step has to be done, if it has not been reached.
    pub(super) fn due_after(&self, clock: Clock) -> Clock {
        if self.refresh.due > clock { self.refresh.due } else { NEVER }
    }

    /// Section 8, step 2. Returns whether anything may have changed.
    #[inline]
    pub(super) fn refresh(&mut self, clock: Clock) -> bool {
        if clock < self.refresh.due {
            return false;
        }
        self.wish = self.refresh.step(clock, !self.queues.is_empty(), self.has_open_bank());
        self.wish_key = match self.wish {
            Wish::Nothing => NEVER,
            Wish::Precharge => self.gates.of_rank(CommandKind::Prea) << WHO_BITS,
            Wish::Refresh => self.gates.of_rank(CommandKind::Refa) << WHO_BITS,
        };
        true
    }

    /// The earliest clocks of all classes from `clock` on, as far as the rank says, each in the place of a key's clock.
    #[inline]
    fn rank_gates(&self, clock: Clock) -> [Key; 4] {
        let gate = |kind| self.gates.of_rank(kind).max(clock) << WHO_BITS;
        [gate(CommandKind::Act), gate(CommandKind::Rd), gate(CommandKind::Wr), gate(CommandKind::Pre)]
    }

    /// Section 6, choice: the proposal that wins at `clock`.
    #[inline]
    pub(super) fn choice(&self, clock: Clock) -> Choice {
        let wish = self.wish_key.max(clock << WHO_BITS);
        if self.is_blocked {
            return Choice(wish);
        }
        let gates = self.rank_gates(clock);
        let of_bank = |bank: usize| self.keys[bank].max(gates[self.classes[bank] as usize] | self.whos[bank]);
        // Two chains of minima instead of one, for the processor's sake.
        let (mut even, mut odd) = (wish, NEVER);
        for pair in 0..N_BANKS / 2 {
            even = even.min(of_bank(2 * pair));
            odd = odd.min(of_bank(2 * pair + 1));
        }
        Choice(even.min(odd))
    }

    /// The proposal that wins at `clock` after request `index` was stored then, if before that it was `choice`.
    pub(super) fn choice_with(&self, choice: Choice, index: usize, clock: Clock) -> Choice {
        let bank = self.requests[index].bank();
        if self.is_blocked {
            return choice;
        }
        if choice.bank() == Some(bank) {
            return self.choice(clock);
        }
        let gate = self.rank_gates(clock)[self.classes[bank] as usize] | self.whos[bank];
        Choice(choice.0.min(self.keys[bank].max(gate)))
    }

    /// Section 8, step 3: issues a choice at its clock. Returns the access, if it is one.
    #[inline]
    pub(super) fn issue(&mut self, choice: Choice) -> Option<Access> {
        let clock = choice.clock();
        let Some(bank) = choice.bank() else {
            self.issue_refresh(clock);
            return None;
        };
        let Proposal { kind, position } = self.proposals[bank];
        self.note(clock, kind, Some(bank));
        match kind {
            CommandKind::Act => self.activate(clock, bank),
            CommandKind::Pre => {
                self.gates.precharged(bank, clock);
                self.account.precharged(clock, 1);
                self.close(bank);
            }
            _ => return Some(self.access(clock, bank, Proposal { kind, position }, choice.request())),
        }
        self.propose(bank);
        None
    }

    /// Section 8, step 5, after at most one command at `clock`: refresh proposes anew, and blocked banks fall silent. Banks that
    /// were touched have proposed already. Returns whether another proposal may win than before, without a command.
    #[inline]
    pub(super) fn settle(&mut self, clock: Clock) -> bool {
        let was_blocked = self.is_blocked;
        self.is_blocked = self.refresh.is_blocking;
        self.refresh(clock) || self.is_blocked != was_blocked
    }

    #[inline]
    fn activate(&mut self, clock: Clock, bank: usize) {
        let row = self.queues.of_bank(bank)[0].row;
        self.account.activated(clock, self.n_open == 0);
        self.gates.activated(bank, clock);
        self.n_open += 1;
        self.queues.open(bank, row);
        self.is_used[bank] = false;
    }

    #[inline]
    fn close(&mut self, bank: usize) {
        self.queues.close(bank);
        self.n_open -= 1;
    }

    #[inline]
    fn access(&mut self, clock: Clock, bank: usize, proposal: Proposal, index: usize) -> Access {
        let is_closing = matches!(proposal.kind, CommandKind::Rda | CommandKind::Wra);
        let is_read = matches!(proposal.kind, CommandKind::Rd | CommandKind::Rda);
        let (closes, end) = if is_read {
            self.account.counts.reads += 1;
            (self.gates.read(bank, clock, is_closing), clock + self.gates.gaps.rd_to_end)
        } else {
            self.account.counts.writes += 1;
            (self.gates.written(bank, clock, is_closing), clock + self.gates.gaps.wr_to_end)
        };
        self.account.counts.row_hits += u64::from(self.is_used[bank]);
        self.is_used[bank] = true;
        let before = self.queues.last_operation;
        self.queues.remove(bank, proposal.position);
        if is_closing {
            self.account.closed(closes);
            self.close(bank);
        }
        if self.queues.is_direction_grouped() && self.queues.last_operation != before {
            self.propose_all();
        } else {
            self.propose(bank);
        }
        Access { index, end }
    }

    fn issue_refresh(&mut self, clock: Clock) {
        if self.wish == Wish::Precharge {
            self.note(clock, CommandKind::Prea, None);
            self.gates.all_precharged(clock);
            self.account.precharged(clock, self.n_open);
            (0..N_BANKS).for_each(|bank| self.queues.close(bank));
            self.n_open = 0;
        } else {
            self.note(clock, CommandKind::Refa, None);
            self.gates.refreshed(clock);
            self.account.refreshed(clock);
            self.refresh.done();
        }
        self.wish = Wish::Nothing;
        self.wish_key = NEVER;
        self.propose_all();
    }

    fn propose_all(&mut self) {
        (0..N_BANKS).for_each(|bank| self.propose(bank));
    }

    /// Section 5: what a bank wants next.
    #[inline]
    fn propose(&mut self, bank: usize) {
        let Some(head) = self.queues.of_bank(bank).first() else {
            self.keys[bank] = NEVER;
            return;
        };
        let (kind, position, entry, class) = if self.queues.row(bank) == NO_ROW {
            (CommandKind::Act, 0, *head, Class::Act)
        } else {
            let pick = self.queues.pick(bank, self.requests);
            let (kind, class) = match (pick.is_hit, pick.entry.is_write, pick.is_closing) {
                (true, false, false) => (CommandKind::Rd, Class::Read),
                (true, false, true) => (CommandKind::Rda, Class::Read),
                (true, true, false) => (CommandKind::Wr, Class::Write),
                (true, true, true) => (CommandKind::Wra, Class::Write),
                (false, ..) => (CommandKind::Pre, Class::Pre),
            };
            (kind, pick.position, pick.entry, class)
        };
        self.proposals[bank] = Proposal { kind, position };
        let who = ((u64::from(entry.index) + 1) << BANK_BITS) | bank as u64;
        self.classes[bank] = class;
        self.whos[bank] = who;
        self.keys[bank] = (self.gates.of_bank(kind, bank) << WHO_BITS) | who;
    }

    #[inline]
    fn note(&mut self, clock: Clock, kind: CommandKind, bank: Option<usize>) {
        self.account.issued(clock, kind);
        if let Some(log) = &mut self.log {
            log.push(Command { clock, kind, bank });
        }
    }
}

/// The proposal that wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice(Key);

impl Choice {
    /// When it can be issued; beyond every clock of a run if nothing is proposed.
    #[inline]
    pub(super) fn clock(self) -> Clock {
        if self.0 == NEVER { NEVER } else { self.0 >> WHO_BITS }
    }

    /// The bank whose command it is; none for a refresh.
    #[inline]
    fn bank(self) -> Option<usize> {
        (self.0 != NEVER && self.0 & WHO > 0).then_some(self.0 as usize % N_BANKS)
    }

    /// The request of a bank's command.
    #[inline]
    fn request(self) -> usize {
        ((self.0 & WHO) >> BANK_BITS) as usize - 1
    }
}

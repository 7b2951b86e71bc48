//! The controller's inside, one evaluation at a time: banks propose, the oldest ready proposal is issued.
//!
//! Sections 5 to 7. Who calls decides in which order things happen within a clock: `fast_order` and `as_booked`.

use super::controller::Controller;
use super::device::DramDevice;
use super::energy::Account;
use super::gates::{Class, Gates};
use super::placed::Placed;
use super::power_down::PowerDown;
use super::queues::{NO_ROW, Queues};
use super::refresh::{Refresh, Wish};
use super::report::{Command, CommandKind};
use super::{Clock, NEVER};

/// A clock, an age and, of eight banks, a bank in one number, so that the least is the earliest, and the oldest of those. Refreshes
/// have age 0, request i the age i + 1. Of more banks, the request tells which it is.
type Key = u64;

/// Bits of the bank.
const BANK_BITS: u32 = 3;
/// Banks whose number is in a key.
const N_KEYED_BANKS: usize = 1 << BANK_BITS;
/// Bits of age and bank.
const WHO_BITS: u32 = 24 + BANK_BITS;
const WHO: Key = (1 << WHO_BITS) - 1;

/// A clock beyond those of all runs.
pub(super) const NO_CLOCK: Clock = Clock::MAX >> WHO_BITS;

/// The key of what never happens.
const NO_KEY: Key = NO_CLOCK << WHO_BITS;

/// What a bank wants next. All of a bank stands together: what was just written is read again at once, each part alone.
#[derive(Debug, Clone, Copy)]
struct Proposal {
    /// Who, and the earliest clock as far as the bank says; `NO_KEY` if it proposes nothing.
    key: Key,
    /// Age and bank alone.
    who: Key,
    /// The place of the request in the queue of the bank.
    position: u32,
    kind: CommandKind,
    class: Class,
}

impl Proposal {
    const NOTHING: Self =
        Self { key: NO_KEY, who: 0, position: 0, kind: CommandKind::Act, class: Class::Act };

    /// Its key, now that there are these gates of its group beside its bank's.
    #[inline]
    fn at(&self, gates: &[Key; 4]) -> Key {
        self.key.max(gates[self.class as usize] | self.who)
    }
}

/// An access that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// The request, counted from 0.
    pub(super) index: usize,
    /// Section 4: clock of its last data.
    pub(super) end: Clock,
}

/// A controller of `B` banks in `G` groups in `R` pseudo channels. `X`: whether it may have more than ArchGym's parameters, for which
/// nothing is asked otherwise.
pub(super) struct Channel<'a, const B: usize, const G: usize, const R: usize, const X: bool> {
    requests: &'a [Placed],
    queues: Queues<'a, B, X>,
    gates: Gates<B, G, R>,
    pub(super) refresh: Refresh,
    pub(super) account: Account,
    power_down: PowerDown,
    /// Whether the open row was accessed.
    is_used: [bool; B],
    n_open: u64,
    proposals: [Proposal; B],
    /// Section 7: banks whose proposals are void since the last evaluation, a bit each.
    blocked: u32,
    wish: Wish,
    wish_key: Key,
    log: Option<&'a mut Vec<Command>>,
}

impl<'a, const B: usize, const G: usize, const R: usize, const X: bool> Channel<'a, B, G, R, X> {
    pub(super) fn new(
        device: &DramDevice,
        controller: &Controller,
        requests: &'a [Placed],
        queues: Queues<'a, B, X>,
        log: Option<&'a mut Vec<Command>>,
    ) -> Self {
        Self {
            requests,
            queues,
            gates: Gates::new(device),
            refresh: Refresh::new(controller.refresh, device),
            account: Account::new(device, controller.refresh),
            power_down: PowerDown::new(controller.power_down, device),
            is_used: [false; B],
            n_open: 0,
            proposals: [Proposal::NOTHING; B],
            blocked: 0,
            wish: Wish::Nothing,
            wish_key: NO_KEY,
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

    /// Section 8, step 1 or 4: stores a request at `clock`, for which there is space, and its bank proposes.
    #[inline]
    pub(super) fn store(&mut self, index: usize, clock: Clock) {
        let request = &self.requests[index];
        self.wake(clock);
        if self.queues.store(index, request) {
            self.propose_all();
        } else {
            self.propose(request.bank::<B>());
        }
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

    /// When the controller would next be woken by itself after `clock`, if `choice` wins.
    pub(super) fn wake_up(&self, choice: Choice, clock: Clock) -> Clock {
        choice.clock().min(self.due_after(clock))
    }

    /// Section 8, step 2. Returns whether anything may have changed.
    #[inline]
    pub(super) fn refresh(&mut self, clock: Clock) -> bool {
        if clock < self.refresh.due {
            return false;
        }
        let (is_busy, has_open_bank) = if self.refresh.n_sets == 1 {
            (!self.queues.is_empty(), self.has_open_bank())
        } else {
            let mut set = self.set();
            (
                set.clone().any(|bank| !self.queues.of_bank(bank).is_empty()),
                set.any(|bank| self.is_open(bank)),
            )
        };
        self.wish = self.refresh.step(clock, is_busy, has_open_bank);
        if self.wish != Wish::Nothing {
            self.wake(clock);
        }
        let gate = match (self.wish, self.refresh.n_sets == 1) {
            (Wish::Nothing, _) => NEVER,
            (Wish::Precharge, true) => self.gates.of_precharges(0..B),
            (Wish::Precharge, false) => {
                self.gates.of_precharges(self.set().filter(|&bank| self.is_open(bank)))
            }
            (Wish::Refresh, true) => self.gates.of_refresh(),
            (Wish::Refresh, false) => self.gates.of_set_refresh(self.set()),
        };
        self.wish_key = if gate == NEVER { NO_KEY } else { gate << WHO_BITS };
        true
    }

    /// The banks that are refreshed next.
    fn set(&self) -> impl Iterator<Item = usize> + Clone + use<B, G, R, X> {
        let width = B / self.refresh.n_sets;
        (self.refresh.set * width..B).take(width)
    }

    fn is_open(&self, bank: usize) -> bool {
        self.queues.row(bank) != NO_ROW
    }

    /// Section 6, choice: the proposal that wins at `clock`.
    ///
    /// Not inlined, and `issue` always: the other way round the fast order takes up to a third longer.
    #[inline(never)]
    pub(super) fn choice(&self, clock: Clock) -> Choice {
        let gates: [_; G] = std::array::from_fn(|group| self.gates_of(group, clock));
        let key = |bank: usize| self.proposals[bank].at(&gates[bank % G]);
        // Chains of minima side by side, for the processor's sake.
        let (mut even, mut odd) = (self.wish_key.max(clock << WHO_BITS), NO_KEY);
        for pair in 0..B / 2 {
            even = even.min(key(2 * pair));
            odd = odd.min(key(2 * pair + 1));
        }
        Choice(even.min(odd))
    }

    /// The earliest clocks of commands of a bank of `group` from `clock` on, each in the place of a key's clock.
    #[inline]
    fn gates_of(&self, group: usize, clock: Clock) -> [Key; 4] {
        self.gates.of_group(group, clock).map(|gate| gate << WHO_BITS)
    }

    /// The proposal that wins at `clock` after request `index` was stored then, if before that it was `choice`.
    pub(super) fn choice_with(&self, choice: Choice, index: usize, clock: Clock) -> Choice {
        let bank = self.requests[index].bank::<B>();
        if self.bank_of(choice) == Some(bank) || self.queues.is_turned() {
            return self.choice(clock);
        }
        Choice(choice.0.min(self.proposals[bank].at(&self.gates_of(bank % G, clock))))
    }

    /// The bank whose command it is; none for a refresh.
    #[inline]
    fn bank_of(&self, choice: Choice) -> Option<usize> {
        choice.request().map(|index| self.bank_of_request(choice, index))
    }

    /// The bank of the request whose command a choice is.
    #[inline]
    fn bank_of_request(&self, choice: Choice, index: usize) -> usize {
        if B <= N_KEYED_BANKS { choice.0 as usize % B } else { self.requests[index].bank::<B>() }
    }

    /// Section 8, step 3: issues a choice at its clock. Returns the access, if it is one.
    #[inline(always)]
    pub(super) fn issue(&mut self, choice: Choice) -> Option<Access> {
        let clock = choice.clock();
        let Some(index) = choice.request() else {
            self.issue_refresh(clock);
            return None;
        };
        let bank = self.bank_of_request(choice, index);
        let kind = self.proposals[bank].kind;
        self.note(clock, kind, Some(bank));
        match kind {
            CommandKind::Act => self.activate(clock, bank),
            CommandKind::Pre => {
                self.gates.precharged(bank, clock);
                self.account.precharged(clock, 1);
                self.close(bank);
            }
            _ => return Some(self.access(clock, bank, index)),
        }
        self.propose(bank);
        None
    }

    /// Section 8, step 5, after at most one command at `clock`: refresh proposes anew, and blocked banks fall silent. Banks that
    /// were touched have proposed already. Returns whether another proposal may win than before, without a command.
    #[inline]
    pub(super) fn settle(&mut self, clock: Clock) -> bool {
        let is_blocked_anew = self.refresh.is_blocking && self.blocked == 0;
        if is_blocked_anew {
            for bank in self.set() {
                self.blocked |= 1 << bank;
                self.proposals[bank].key = NO_KEY;
            }
        }
        self.refresh(clock) || is_blocked_anew
    }

    #[inline]
    fn activate(&mut self, clock: Clock, bank: usize) {
        let row = self.queues.of_bank(bank)[self.proposals[bank].position as usize].row;
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
    fn access(&mut self, clock: Clock, bank: usize, index: usize) -> Access {
        let kind = self.proposals[bank].kind;
        let is_closing = matches!(kind, CommandKind::Rda | CommandKind::Wra);
        let is_read = matches!(kind, CommandKind::Rd | CommandKind::Rda);
        let (closes, end) = if is_read {
            self.account.counts.reads += 1;
            (self.gates.read(bank, clock, is_closing), clock + self.gates.gaps.rd_to_end)
        } else {
            self.account.counts.writes += 1;
            (self.gates.written(bank, clock, is_closing), clock + self.gates.gaps.wr_to_end)
        };
        self.account.counts.row_hits += u64::from(self.is_used[bank]);
        self.is_used[bank] = true;
        let are_all_changed = self.queues.remove(bank, self.proposals[bank].position as usize);
        if is_closing {
            self.account.closed(closes);
            self.close(bank);
        }
        if are_all_changed {
            self.propose_all();
        } else {
            self.propose(bank);
        }
        if X && self.power_down.is_enabled() && self.queues.is_empty() {
            self.power_down.idle_from(end.max(closes));
        }
        Access { index, end }
    }

    fn issue_refresh(&mut self, clock: Clock) {
        match (self.wish, self.refresh.n_sets == 1) {
            (Wish::Precharge, true) => {
                self.note(clock, CommandKind::Prea, None);
                self.gates.all_precharged(clock);
                self.account.precharged(clock, self.n_open);
                (0..B).for_each(|bank| self.queues.close(bank));
                self.n_open = 0;
            }
            (Wish::Precharge, false) => {
                self.note(clock, CommandKind::Presb, None);
                for bank in self.set() {
                    if self.is_open(bank) {
                        self.gates.precharged(bank, clock);
                        self.account.precharged(clock, 1);
                        self.close(bank);
                    }
                }
            }
            (_, is_of_all) => {
                if is_of_all {
                    self.note(clock, CommandKind::Refa, None);
                    self.gates.refreshed(clock);
                } else {
                    self.note(clock, CommandKind::Refsb, None);
                    self.gates.set_refreshed(self.set(), clock);
                }
                let ends = self.account.refreshed(clock, self.n_open > 0);
                self.refresh.done();
                self.blocked = 0;
                if X && self.power_down.is_enabled() && self.queues.is_empty() {
                    self.power_down.idle_from(ends);
                }
            }
        }
        self.wish = Wish::Nothing;
        self.wish_key = NO_KEY;
        self.propose_all();
    }

    /// Something is to be done at `clock`: if the memory is in power-down, that ends.
    #[inline]
    fn wake(&mut self, clock: Clock) {
        if X && self.power_down.is_enabled()
            && let Some(sleep) = self.power_down.end(clock)
        {
            self.gates.powered_up(sleep.end);
            self.account.slept(sleep.clocks, self.n_open > 0);
        }
    }

    /// What designs set is `controller` from now on, as far as the channel knows it; limits of refreshes stay.
    pub(super) fn reconfigure(&mut self, controller: &Controller) {
        self.queues.reconfigure(controller);
        self.propose_all();
    }

    fn propose_all(&mut self) {
        (0..B).for_each(|bank| self.propose(bank));
    }

    /// Section 5: what a bank wants next.
    #[inline]
    fn propose(&mut self, bank: usize) {
        let Some(pick) = self.queues.pick(bank, self.requests) else {
            self.proposals[bank].key = NO_KEY;
            return;
        };
        let (kind, class) = match (self.is_open(bank), pick.is_hit, pick.entry.is_write, pick.is_closing) {
            (false, ..) => (CommandKind::Act, Class::Act),
            (true, true, false, false) => (CommandKind::Rd, Class::Read),
            (true, true, false, true) => (CommandKind::Rda, Class::Read),
            (true, true, true, false) => (CommandKind::Wr, Class::Write),
            (true, true, true, true) => (CommandKind::Wra, Class::Write),
            (true, false, ..) => (CommandKind::Pre, Class::Pre),
        };
        let who = ((u64::from(pick.entry.index) + 1) << BANK_BITS) | (bank % N_KEYED_BANKS) as u64;
        let is_blocked = self.blocked >> bank & 1 == 1;
        let key = if is_blocked { NO_KEY } else { (self.gates.of_bank(kind, bank) << WHO_BITS) | who };
        self.proposals[bank] = Proposal { key, who, position: pick.position as u32, kind, class };
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
        self.0 >> WHO_BITS
    }

    /// Whether there is one.
    pub(super) fn is_any(self) -> bool {
        self.0 != NO_KEY
    }

    /// The request of a bank's command; none for a refresh.
    #[inline]
    fn request(self) -> Option<usize> {
        ((self.0 & WHO) as usize >> BANK_BITS).checked_sub(1)
    }
}

//! Section 8: the fast order. An arrival and a command of one clock come in the order that rules give; clocks in which nothing
//! happens are not visited.

use super::channel::{Channel, Choice, NO_CLOCK};
use super::controller::Controller;
use super::front_end::FrontEnd;
use super::{Clock, NEVER};

/// Runs a trace to its last response. Returns its clock.
pub(super) fn run<const B: usize, const G: usize, const R: usize, const X: bool>(
    channel: &mut Channel<'_, B, G, R, X>,
    front: &mut FrontEnd<'_>,
) -> Clock {
    let mut clock = 0;
    let mut choice = channel.choice(clock);
    let mut wake_ups = WakeUps::new(channel.wake_up(choice, clock));
    loop {
        let arrival = if channel.has_space() { front.arrival } else { NEVER };
        // While a refresh waits to be issued, it is due.
        let event = arrival.min(channel.due()).min(NO_CLOCK);
        if choice.clock() < event {
            // Most commands come with nothing else, and need steps 3 and 4 alone.
            clock = choice.clock();
            issue(channel, front, choice);
            choice = channel.choice(clock);
            continue;
        }
        let next = choice.clock().min(arrival).min(channel.due_after(clock)).max(clock);
        if let Some(last) = front.last_response()
            && next > last
        {
            return last;
        }
        assert!(
            next < NO_CLOCK,
            "a request without response has a command, an arrival or a refresh before it"
        );
        clock = next;
        choice = evaluate(channel, front, choice, clock, &mut wake_ups);
    }
}

/// Runs a trace for as many windows of `window` requests as there are `controllers`, each of which has one, or to its end. Calls
/// `visit` with the channel and the front end after each. Section 13.
pub(super) fn run_windows<const B: usize, const G: usize, const R: usize>(
    channel: &mut Channel<'_, B, G, R, true>,
    front: &mut FrontEnd<'_>,
    controllers: &[Controller],
    window: usize,
    mut visit: impl FnMut(&Channel<'_, B, G, R, true>, &FrontEnd<'_>),
) {
    let mut clock = 0;
    for (index, controller) in controllers.iter().enumerate() {
        channel.reconfigure(controller);
        if index > 0 {
            front.limit(controller, clock);
        }
        let mut choice = channel.choice(clock);
        let mut wake_ups = WakeUps::new(channel.wake_up(choice, clock));
        while front.n_known() < (index + 1) * window && front.last_response().is_none() {
            let arrival = if channel.has_space() { front.arrival } else { NEVER };
            let next = choice.clock().min(arrival).min(channel.due_after(clock)).max(clock);
            assert!(
                next < NO_CLOCK,
                "a request without response has a command, an arrival or a refresh before it"
            );
            clock = next;
            choice = evaluate(channel, front, choice, clock, &mut wake_ups);
        }
        visit(channel, front);
        if front.last_response().is_some() {
            return;
        }
    }
}

/// All steps of a clock. Returns what wins next.
fn evaluate<const B: usize, const G: usize, const R: usize, const X: bool>(
    channel: &mut Channel<'_, B, G, R, X>,
    front: &mut FrontEnd<'_>,
    before: Choice,
    clock: Clock,
    wake_ups: &mut WakeUps,
) -> Choice {
    let mut choice = before;
    wake_ups.have_run_to(clock, channel.wake_up(before, clock.saturating_sub(1)));
    let is_late =
        front.is_late || (before.clock() == clock && front.is_just_offered() && wake_ups.void != clock);
    // Step 1.
    if front.arrival == clock && !is_late && channel.has_space() {
        let index = front.next;
        store(channel, front, clock);
        choice = channel.choice_with(choice, index, clock);
    }
    // Step 2.
    if channel.refresh(clock) {
        choice = channel.choice(clock);
    }
    let is_issued = choice.clock() == clock;
    if is_issued {
        issue(channel, front, choice);
    }
    if channel.settle(clock) || is_issued {
        choice = channel.choice(clock);
        wake_ups.book(clock, channel.wake_up(choice, clock));
    }
    // Step 6.
    if is_late && front.arrival == clock && channel.has_space() {
        store(channel, front, clock);
        if !is_issued {
            channel.refresh(clock);
            choice = channel.choice(clock);
            if choice.clock() == clock {
                issue(channel, front, choice);
            }
            channel.settle(clock);
        }
        choice = channel.choice(clock);
    }
    wake_ups.book(clock, channel.wake_up(choice, clock));
    choice
}

/// What the controller of section 9 would have booked to be woken at, as far as the order of one clock hangs on it.
///
/// A player who has just offered a request is woken by the arbiter one clock later, and after the controller, whose booking for that
/// clock is older; but a void booking for it, which was overtaken by an earlier one, puts the kernel's heap the other way round.
struct WakeUps {
    pending: Clock,
    /// The last booking that became void. Keeping eight makes one of 20,000 random controllers more equal to the exact order.
    void: Clock,
}

impl WakeUps {
    fn new(pending: Clock) -> Self {
        Self { pending, void: NEVER }
    }

    /// Before `clock`, what was booked has run and booked `next`.
    fn have_run_to(&mut self, clock: Clock, next: Clock) {
        if self.pending < clock {
            self.pending = next;
        }
    }

    /// Books at `now` to be woken at `clock`: of two bookings the earlier stays, the other is void.
    fn book(&mut self, now: Clock, clock: Clock) {
        if self.pending <= now {
            self.pending = clock;
        } else if clock < self.pending {
            (self.pending, self.void) = (clock, self.pending);
        }
    }
}

#[inline]
fn store<const B: usize, const G: usize, const R: usize, const X: bool>(
    channel: &mut Channel<'_, B, G, R, X>,
    front: &mut FrontEnd<'_>,
    clock: Clock,
) {
    channel.store(front.next, clock);
    front.stored(clock);
}

/// Steps 3 and 4: issues a choice at its clock.
#[inline]
fn issue<const B: usize, const G: usize, const R: usize, const X: bool>(
    channel: &mut Channel<'_, B, G, R, X>,
    front: &mut FrontEnd<'_>,
    choice: Choice,
) {
    if let Some(access) = channel.issue(choice) {
        front.answered(access.index, access.end);
        let clock = choice.clock();
        let is_waiting = front.arrival < clock || (front.arrival == clock && !front.is_late);
        if is_waiting && channel.has_space() {
            store(channel, front, clock);
        }
    }
}

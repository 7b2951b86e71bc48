//! Section 8: the fast order. Of what happens in one clock, arrivals come first; clocks in which nothing happens are not visited.

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
        choice = evaluate(channel, front, choice, clock);
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
        while front.n_known() < (index + 1) * window && front.last_response().is_none() {
            let arrival = if channel.has_space() { front.arrival } else { NEVER };
            let next = choice.clock().min(arrival).min(channel.due_after(clock)).max(clock);
            assert!(
                next < NO_CLOCK,
                "a request without response has a command, an arrival or a refresh before it"
            );
            clock = next;
            choice = evaluate(channel, front, choice, clock);
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
) -> Choice {
    let mut choice = before;
    // Step 1.
    if front.arrival == clock && !front.is_late && channel.has_space() {
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
    }
    // Step 6.
    if front.is_late && front.arrival == clock && channel.has_space() {
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
    choice
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

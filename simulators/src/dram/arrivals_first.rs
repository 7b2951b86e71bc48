//! Section 8: the fast order. Of what happens in one clock, arrivals come first; clocks in which nothing happens are not visited.

use super::channel::{Channel, Choice};
use super::front_end::FrontEnd;
use super::{Clock, NEVER};

/// Runs a trace to its last response. Returns its clock.
pub(super) fn run(channel: &mut Channel<'_>, front: &mut FrontEnd<'_>) -> Clock {
    let mut clock = 0;
    let mut choice = channel.choice(clock);
    loop {
        let arrival = if channel.has_space() { front.arrival } else { NEVER };
        let next = choice.clock().min(arrival).min(channel.due_after(clock)).max(clock);
        if let Some(last) = front.last_response()
            && next > last
        {
            return last;
        }
        assert!(next < NEVER, "a request without response has a command, an arrival or a refresh before it");
        clock = next;
        // Step 1.
        if arrival == clock && !front.is_late {
            let index = front.next;
            store(channel, front, clock);
            choice = channel.choice_with(choice, index, clock);
        }
        // Step 2.
        if channel.refresh(clock) {
            choice = channel.choice(clock);
        }
        let is_issued = issue(channel, front, &mut choice, clock);
        // Step 6.
        if front.is_late && front.arrival == clock && channel.has_space() {
            store(channel, front, clock);
            if !is_issued {
                channel.refresh(clock);
                choice = channel.choice(clock);
                issue(channel, front, &mut choice, clock);
            } else {
                choice = channel.choice(clock);
            }
        }
    }
}

#[inline]
fn store(channel: &mut Channel<'_>, front: &mut FrontEnd<'_>, clock: Clock) {
    channel.store(front.next);
    front.stored(clock);
}

/// Steps 3 to 5, after which `choice` is what wins next. Returns whether a command was issued.
#[inline]
fn issue(channel: &mut Channel<'_>, front: &mut FrontEnd<'_>, choice: &mut Choice, clock: Clock) -> bool {
    let is_ready = choice.clock() == clock;
    if is_ready && let Some(access) = channel.issue(*choice) {
        front.answered(access.index, access.end);
        let is_waiting = front.arrival < clock || (front.arrival == clock && !front.is_late);
        if is_waiting && channel.has_space() {
            store(channel, front, clock);
        }
    }
    if channel.settle(clock) || is_ready {
        *choice = channel.choice(clock);
    }
    is_ready
}

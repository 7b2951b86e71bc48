//! Section 8: the fast order. Of what happens in one clock, arrivals come first; clocks in which nothing happens are not visited.

use super::channel::{Channel, Choice};
use super::front_end::FrontEnd;
use super::{Clock, NEVER};

/// Runs a trace to its last response. Returns its clock.
pub(super) fn run(channel: &mut Channel<'_>, front: &mut FrontEnd<'_>) -> Clock {
    let mut clock = 0;
    loop {
        let mut choice = channel.choice(clock);
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
        let is_stored = arrival == clock && !front.is_late;
        if is_stored {
            store(channel, front, clock);
        }
        // Step 2.
        if channel.refresh(clock) || is_stored {
            choice = channel.choice(clock);
        }
        let is_issued = issue(channel, front, choice, clock);
        // Step 6.
        if front.is_late && front.arrival == clock && channel.has_space() {
            store(channel, front, clock);
            if !is_issued {
                channel.refresh(clock);
                issue(channel, front, channel.choice(clock), clock);
            }
        }
    }
}

fn store(channel: &mut Channel<'_>, front: &mut FrontEnd<'_>, clock: Clock) {
    channel.store(front.next);
    front.stored(clock);
}

/// Steps 3 to 5. Returns whether a command was issued.
fn issue(channel: &mut Channel<'_>, front: &mut FrontEnd<'_>, choice: Choice, clock: Clock) -> bool {
    let is_ready = choice.clock() == clock;
    if is_ready && let Some(access) = channel.issue(choice) {
        front.answered(access.index, access.end);
        let is_waiting = front.arrival < clock || (front.arrival == clock && !front.is_late);
        if is_waiting && channel.has_space() {
            store(channel, front, clock);
        }
    }
    channel.settle(clock);
    is_ready
}

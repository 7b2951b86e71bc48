//! Section 9: when processes run that wake one another, in the order of SystemC's kernel.
//!
//! Source: IEEE 1666-2011, section 4.2.1, for delta steps and notifications. The order within a step, which the standard leaves open,
//! is that of Accellera's kernel 2.3: delta notifications from the last to the first, timed ones as a binary heap gives them.

use super::Clock;

/// What processes are woken by. A notification holds at most one booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The player's messages.
    Player,
    /// The arbiter's messages.
    Arbiter,
    /// A request for the controller.
    Request,
    /// The controller's response was taken.
    Release,
    /// A command can be issued, or a refresh is due.
    WakeUp,
    /// The last data of an access.
    Data,
}

const N_EVENTS: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Booked {
    #[default]
    Nothing,
    /// For the next delta step.
    Next,
    /// The `Timed` with this number.
    At(Clock, u64),
}

#[derive(Debug, Clone, Copy)]
struct Timed {
    clock: Clock,
    event: Event,
    number: u64,
}

/// The clock, and what is booked.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    pub(super) now: Clock,
    /// Delta steps so far.
    pub(super) n_steps: u64,
    booked: [Booked; N_EVENTS],
    next: Vec<Event>,
    /// A binary heap by clock alone; the children of i are 2 i + 1 and 2 i + 2. Cancelled bookings stay in it.
    heap: Vec<Timed>,
    n_timed: u64,
}

impl Kernel {
    /// Back to clock 0, nothing booked.
    pub(super) fn restart(&mut self) {
        (self.now, self.n_steps, self.n_timed) = (0, 0, 0);
        self.booked = Default::default();
        self.next.clear();
        self.heap.clear();
    }

    /// Books `event` after `delay` clocks, or for the next delta step if that is 0. The next step beats all, of two clocks the
    /// earlier stays.
    pub(super) fn book(&mut self, event: Event, delay: Clock) {
        let booked = &mut self.booked[event as usize];
        if *booked == Booked::Next {
            return;
        }
        if delay == 0 {
            *booked = Booked::Next;
            self.next.push(event);
            return;
        }
        let clock = self.now + delay;
        if matches!(*booked, Booked::At(earlier, _) if earlier <= clock) {
            return;
        }
        *booked = Booked::At(clock, self.n_timed);
        let number = self.n_timed;
        self.n_timed += 1;
        self.insert(Timed { clock, event, number });
    }

    /// Goes to the next delta step, which may be at a later clock, and puts what it wakes into `woken`, in order.
    pub(super) fn step(&mut self, woken: &mut Vec<Event>) {
        woken.clear();
        self.n_steps += 1;
        while let Some(event) = self.next.pop() {
            self.booked[event as usize] = Booked::Nothing;
            woken.push(event);
        }
        while woken.is_empty() {
            let clock = self.heap[0].clock;
            while self.heap.first().is_some_and(|timed| timed.clock == clock) {
                let timed = self.extract();
                if self.booked[timed.event as usize] == Booked::At(clock, timed.number) {
                    self.booked[timed.event as usize] = Booked::Nothing;
                    self.now = clock;
                    woken.push(timed.event);
                }
            }
        }
    }

    /// Sifts up only past strictly later parents.
    fn insert(&mut self, timed: Timed) {
        let mut place = self.heap.len();
        self.heap.push(timed);
        while place > 0 && self.heap[(place - 1) / 2].clock > timed.clock {
            self.heap.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
    }

    /// Puts the last booking at the root, and sifts it down to the left child if that is strictly earlier, and to the right one if
    /// that is strictly earlier than the choice so far.
    fn extract(&mut self) -> Timed {
        let first = self.heap.swap_remove(0);
        let mut place = 0;
        loop {
            let mut least = place;
            for child in [2 * place + 1, 2 * place + 2] {
                if child < self.heap.len() && self.heap[child].clock < self.heap[least].clock {
                    least = child;
                }
            }
            if least == place {
                return first;
            }
            self.heap.swap(place, least);
            place = least;
        }
    }
}

//! Section 9: messages between processes, which are delivered in the next delta step or at a later clock.

use std::collections::VecDeque;

use super::Clock;
use super::kernel::{Event, Kernel};

/// What player and arbiter are told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message {
    /// To the arbiter: the player offers this request.
    Request(usize),
    /// To the arbiter: the controller has stored its request.
    Stored,
    /// To the arbiter, then to the player.
    Response(usize),
    /// To the arbiter: the player has the response.
    Done,
    /// To the player: the request that it offers was taken.
    Taken,
}

/// Messages on their way to one process.
#[derive(Debug)]
pub(super) struct Mailbox {
    event: Event,
    /// For the next delta step and for this one, by whether the step's number is odd.
    steps: [Vec<Message>; 2],
    /// For later clocks, in order.
    timed: VecDeque<(Clock, Message)>,
}

impl Mailbox {
    pub(super) fn new(event: Event) -> Self {
        Self { event, steps: [Vec::new(), Vec::new()], timed: VecDeque::new() }
    }

    pub(super) fn clear(&mut self) {
        self.steps.iter_mut().for_each(Vec::clear);
        self.timed.clear();
    }

    pub(super) fn send(&mut self, kernel: &mut Kernel, message: Message, delay: Clock) {
        if delay == 0 {
            self.steps[(kernel.n_steps + 1) as usize % 2].push(message);
        } else {
            let clock = kernel.now + delay;
            let place = self.timed.partition_point(|&(other, _)| other <= clock);
            self.timed.insert(place, (clock, message));
        }
        kernel.book(self.event, delay);
    }

    /// The message that is delivered as number `n` of this step.
    pub(super) fn receive(&mut self, kernel: &Kernel, n: usize) -> Option<Message> {
        if let Some(&message) = self.steps[kernel.n_steps as usize % 2].get(n) {
            return Some(message);
        }
        if self.timed.front().is_some_and(|&(clock, _)| clock == kernel.now) {
            return self.timed.pop_front().map(|(_, message)| message);
        }
        None
    }

    /// All messages of this step are delivered.
    pub(super) fn finish(&mut self, kernel: &mut Kernel) {
        self.steps[kernel.n_steps as usize % 2].clear();
        if let Some(&(clock, _)) = self.timed.front() {
            kernel.book(self.event, clock - kernel.now);
        }
    }
}

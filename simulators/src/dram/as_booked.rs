//! Section 9: the exact order. Player, arbiter and controller are processes that send one another messages.

use std::collections::VecDeque;

use super::channel::Channel;
use super::controller::{Arbiter, Controller, ResponseQueue};
use super::kernel::{Event, Kernel};
use super::mailbox::{Mailbox, Message};
use super::placed::{Clocks, Placed};
use super::{Clock, NEVER};

/// The kernel, messages and lists of a run, kept for the next.
#[derive(Debug)]
pub(super) struct Fabric {
    kernel: Kernel,
    /// To the player.
    player: Mailbox,
    /// To the arbiter.
    arbiter: Mailbox,
    /// Accesses in the order issued.
    issued: Vec<usize>,
    /// Responses that wait for the player, in the order in which the controller sent them.
    waiting: VecDeque<usize>,
    /// Whether each request's response has come to an arbiter that puts them in order.
    is_waiting: Vec<bool>,
    woken: Vec<Event>,
}

impl Default for Fabric {
    fn default() -> Self {
        Self {
            kernel: Kernel::default(),
            player: Mailbox::new(Event::Player),
            arbiter: Mailbox::new(Event::Arbiter),
            issued: Vec::new(),
            waiting: VecDeque::new(),
            is_waiting: Vec::new(),
            woken: Vec::new(),
        }
    }
}

impl Fabric {
    fn restart(&mut self, n: usize) {
        self.kernel.restart();
        self.player.clear();
        self.arbiter.clear();
        self.issued.clear();
        self.waiting.clear();
        self.is_waiting.clear();
        self.is_waiting.resize(n, false);
    }
}

/// Runs a trace to its last response. Returns its clock.
pub(super) fn run<const B: usize, const G: usize, const R: usize, const X: bool>(
    channel: &mut Channel<'_, B, G, R, X>,
    controller: &Controller,
    requests: &[Placed],
    clocks: &mut Clocks,
    fabric: &mut Fabric,
) -> Clock {
    fabric.restart(requests.len());
    clocks.responses.fill(0);
    let mut woken = std::mem::take(&mut fabric.woken);
    let mut system = System {
        channel,
        requests,
        clocks,
        fabric,
        arbiter: controller.arbiter,
        responses: controller.responses,
        n_offered: 0,
        n_delivered: 0,
        last_delivery: 0,
        desk: Desk::default(),
        hall: Hall::default(),
    };
    system.control();
    system.offer();
    while system.n_delivered < requests.len() {
        system.fabric.kernel.step(&mut woken);
        // Each process runs once in a step, when it is first woken.
        let is_controller = |event: &Event| !matches!(event, Event::Player | Event::Arbiter);
        let first = woken.iter().position(is_controller);
        for (place, event) in woken.iter().enumerate() {
            match event {
                Event::Player => system.play(),
                Event::Arbiter => system.arbitrate(),
                _ if Some(place) == first => system.control(),
                _ => {}
            }
        }
    }
    system.fabric.woken = woken;
    system.last_delivery
}

/// What the controller keeps beside its channel.
#[derive(Debug)]
struct Desk {
    /// A request that waits to be stored, and the clock from which it can be.
    request: Option<(usize, Clock)>,
    /// Whether a response was sent that is not taken off.
    is_out: bool,
    /// When the last response was taken; `NEVER` while it is out.
    released: Clock,
    /// Requests stored or without response.
    n_inside: usize,
    /// Responses sent.
    n_sent: usize,
}

impl Default for Desk {
    fn default() -> Self {
        Self { request: None, is_out: false, released: NEVER, n_inside: 0, n_sent: 0 }
    }
}

/// What the arbiters that queue keep.
#[derive(Debug)]
struct Hall {
    /// Requests between admission and response.
    n_active: usize,
    /// Requests admitted.
    n_admitted: usize,
    /// Requests sent to the controller.
    n_sent: usize,
    /// A request that was not admitted.
    held: Option<usize>,
    /// Whether the controller's entry holds a request.
    is_entry_taken: bool,
    last_stored: Clock,
    is_player_busy: bool,
    last_done: Clock,
    /// Responses sent to the player.
    n_answered: usize,
}

impl Default for Hall {
    fn default() -> Self {
        Self {
            n_active: 0,
            n_admitted: 0,
            n_sent: 0,
            held: None,
            is_entry_taken: false,
            last_stored: NEVER,
            is_player_busy: false,
            last_done: NEVER,
            n_answered: 0,
        }
    }
}

struct System<'r, 'c, const B: usize, const G: usize, const R: usize, const X: bool> {
    channel: &'r mut Channel<'c, B, G, R, X>,
    requests: &'r [Placed],
    clocks: &'r mut Clocks,
    fabric: &'r mut Fabric,
    arbiter: Arbiter,
    responses: ResponseQueue,
    n_offered: usize,
    n_delivered: usize,
    last_delivery: Clock,
    desk: Desk,
    hall: Hall,
}

/// The player.
impl<const B: usize, const G: usize, const R: usize, const X: bool> System<'_, '_, B, G, R, X> {
    fn play(&mut self) {
        let mut n = 0;
        while let Some(message) = self.fabric.player.receive(&self.fabric.kernel, n) {
            n += 1;
            match message {
                Message::Taken => self.offer(),
                Message::Response(index) => {
                    let now = self.fabric.kernel.now;
                    self.clocks.latencies[index] = now - self.clocks.latencies[index];
                    self.last_delivery = now;
                    self.n_delivered += 1;
                    self.tell_arbiter(Message::Done, 0);
                }
                _ => unreachable!("the player is told of nothing else"),
            }
        }
        self.fabric.player.finish(&mut self.fabric.kernel);
    }

    fn offer(&mut self) {
        if let Some(request) = self.requests.get(self.n_offered) {
            let now = self.fabric.kernel.now;
            let least = if self.n_offered == 0 { 0 } else { 1 };
            let delay = request.cycle.saturating_sub(now).max(least);
            self.tell_arbiter(Message::Request(self.n_offered), delay);
            self.n_offered += 1;
        }
    }

    fn tell_player(&mut self, message: Message, delay: Clock) {
        self.fabric.player.send(&mut self.fabric.kernel, message, delay);
    }

    fn tell_arbiter(&mut self, message: Message, delay: Clock) {
        self.fabric.arbiter.send(&mut self.fabric.kernel, message, delay);
    }
}

/// The arbiter.
impl<const B: usize, const G: usize, const R: usize, const X: bool> System<'_, '_, B, G, R, X> {
    fn arbitrate(&mut self) {
        let mut n = 0;
        while let Some(message) = self.fabric.arbiter.receive(&self.fabric.kernel, n) {
            n += 1;
            if self.arbiter == Arbiter::Simple {
                self.pass_on(message);
            } else {
                self.queue(message);
            }
        }
        self.fabric.arbiter.finish(&mut self.fabric.kernel);
    }

    /// The arbiter that is a wire.
    fn pass_on(&mut self, message: Message) {
        match message {
            Message::Request(index) => {
                self.clocks.latencies[index] = self.fabric.kernel.now;
                self.tell_controller(index, 0);
            }
            Message::Stored => self.tell_player(Message::Taken, 0),
            Message::Response(_) => self.tell_player(message, 0),
            Message::Done => self.release(),
            Message::Taken => unreachable!("only the player is told"),
        }
    }

    /// The arbiters that queue.
    fn queue(&mut self, message: Message) {
        let now = self.fabric.kernel.now;
        match message {
            Message::Request(index) => {
                if self.arbiter.max_active().is_some_and(|most| self.hall.n_active < most) {
                    self.hall.n_active += 1;
                    self.admit(index);
                } else {
                    self.hall.held = Some(index);
                }
                self.send_request();
            }
            Message::Stored => {
                self.hall.last_stored = now;
                self.hall.is_entry_taken = false;
                self.send_request();
            }
            Message::Response(index) => {
                self.release();
                match self.arbiter {
                    Arbiter::Reorder { .. } => self.fabric.is_waiting[index] = true,
                    _ => self.fabric.waiting.push_back(index),
                }
                if !self.hall.is_player_busy {
                    self.send_response(if self.hall.last_done == now { 1 } else { 0 });
                }
            }
            Message::Done => {
                self.hall.last_done = now;
                if let Some(index) = self.hall.held.take() {
                    self.admit(index);
                    self.send_request();
                } else {
                    self.hall.n_active -= 1;
                }
                self.hall.is_player_busy = false;
                self.send_response(1);
            }
            Message::Taken => unreachable!("only the player is told"),
        }
    }

    fn admit(&mut self, index: usize) {
        self.clocks.latencies[index] = self.fabric.kernel.now;
        self.hall.n_admitted += 1;
        self.tell_player(Message::Taken, 0);
    }

    /// The oldest admitted request goes to the controller if its entry is free.
    fn send_request(&mut self) {
        let hall = &mut self.hall;
        if hall.is_entry_taken || hall.n_sent == hall.n_admitted {
            return;
        }
        let index = hall.n_sent;
        hall.n_sent += 1;
        hall.is_entry_taken = true;
        let delay = if hall.last_stored == self.fabric.kernel.now { 1 } else { 0 };
        self.tell_controller(index, delay);
    }

    /// The next response goes to the player, who is free.
    fn send_response(&mut self, delay: Clock) {
        let next = match self.arbiter {
            Arbiter::Reorder { .. } => {
                let next = self.hall.n_answered;
                self.fabric.is_waiting.get(next).is_some_and(|&waits| waits).then_some(next)
            }
            _ => self.fabric.waiting.pop_front(),
        };
        if let Some(index) = next {
            self.hall.n_answered += 1;
            self.hall.is_player_busy = true;
            self.tell_player(Message::Response(index), delay);
        }
    }

    fn tell_controller(&mut self, index: usize, delay: Clock) {
        self.desk.request = Some((index, self.fabric.kernel.now + delay));
        self.fabric.kernel.book(Event::Request, delay);
    }

    fn release(&mut self) {
        self.desk.released = self.fabric.kernel.now;
        self.fabric.kernel.book(Event::Release, 0);
    }
}

/// The controller.
impl<const B: usize, const G: usize, const R: usize, const X: bool> System<'_, '_, B, G, R, X> {
    fn control(&mut self) {
        let now = self.fabric.kernel.now;
        self.respond();
        // Section 8, steps 1 to 5.
        self.take();
        self.channel.refresh(now);
        let choice = self.channel.choice(now);
        if choice.clock() == now
            && let Some(access) = self.channel.issue(choice)
        {
            self.take();
            self.fabric.issued.push(access.index);
            self.clocks.responses[access.index] = access.end;
            self.book_data();
        }
        self.channel.settle(now);
        let choice = self.channel.choice(now);
        let wake = self.channel.due_after(now).min(if choice.is_any() { choice.clock() } else { NEVER });
        if wake < NEVER {
            self.fabric.kernel.book(Event::WakeUp, wake - now);
        }
    }

    /// The request that waits is stored if there is space.
    fn take(&mut self) {
        if let Some((index, from)) = self.desk.request
            && from <= self.fabric.kernel.now
            && self.channel.has_space()
        {
            self.desk.request = None;
            self.desk.n_inside += 1;
            self.channel.store(index, self.fabric.kernel.now);
            self.tell_arbiter(Message::Stored, 0);
        }
    }

    fn respond(&mut self) {
        let now = self.fabric.kernel.now;
        let is_released = self.desk.released == now;
        if !self.desk.is_out {
            self.send_next(if is_released { 1 } else { 0 });
        } else if is_released {
            self.desk.is_out = false;
            self.desk.n_inside -= 1;
            if self.desk.n_inside > 0 {
                self.send_next(1);
            }
        }
    }

    /// The next response that is due is sent; if none is, its data are waited for.
    fn send_next(&mut self, delay: Clock) {
        match self.next_response() {
            Some((index, end)) if end <= self.fabric.kernel.now => {
                self.desk.n_sent += 1;
                self.desk.is_out = true;
                self.desk.released = NEVER;
                self.tell_arbiter(Message::Response(index), delay);
            }
            _ => self.book_data(),
        }
    }

    /// Section 4: the response that is sent next, and the clock of its data, if its access was issued.
    fn next_response(&self) -> Option<(usize, Clock)> {
        let index = match self.responses {
            ResponseQueue::Fifo => *self.fabric.issued.get(self.desk.n_sent)?,
            ResponseQueue::Reorder => self.desk.n_sent,
        };
        let end = *self.clocks.responses.get(index)?;
        (end > 0).then_some((index, end))
    }

    fn book_data(&mut self) {
        let now = self.fabric.kernel.now;
        if let Some((_, end)) = self.next_response()
            && end > now
        {
            self.fabric.kernel.book(Event::Data, end - now);
        }
    }
}

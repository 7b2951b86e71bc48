//! Sections 3 and 4: when requests arrive at the controller and when responses leave, as recurrences over the requests.

use super::controller::Controller;
use super::placed::{Clocks, Placed};
use super::{Clock, NEVER};

pub(super) struct FrontEnd<'a> {
    requests: &'a [Placed],
    /// `A`: clock at which the arbiter admits each request; once its response is known, its latency.
    latencies: &'a mut [Clock],
    /// `R`: clocks of the responses in the order in which they leave; of the last data, while a response must wait for others.
    responses: &'a mut [Clock],
    n_known: usize,
    /// `R` of the last response that is known.
    responded: Clock,
    is_in_request_order: bool,
    /// `M`: requests between admission and response; none if the arbiter is a wire.
    max_active: Option<usize>,
    /// The request that arrives next.
    pub(super) next: usize,
    /// `a`: when it arrives; `NEVER` while that hangs on a response, or if all have arrived.
    pub(super) arrival: Clock,
    /// Whether it arrives only after the controller has done its work of that clock.
    pub(super) is_late: bool,
    /// `c`: when the player offers it.
    offered: Clock,
    /// `A` of it.
    admitted: Clock,
    /// `E` of the request before, plus 1.
    free: Clock,
}

impl<'a> FrontEnd<'a> {
    pub(super) fn new(controller: &Controller, requests: &'a [Placed], clocks: &'a mut Clocks) -> Self {
        let Clocks { latencies, responses } = clocks;
        // A response that is not known is at clock 0, where none can be.
        responses.fill(0);
        let mut front = Self {
            requests,
            latencies,
            responses,
            n_known: 0,
            responded: 0,
            is_in_request_order: controller.is_in_request_order(),
            max_active: controller.arbiter.max_active(),
            next: 0,
            arrival: NEVER,
            is_late: false,
            offered: requests[0].cycle,
            admitted: 0,
            free: 0,
        };
        front.resolve();
        front
    }

    /// Whether the arbiter is a wire, and the next request was offered when the one before was taken, not ahead of its time.
    pub(super) fn is_just_offered(&self) -> bool {
        self.max_active.is_none() && self.requests.get(self.next).is_some_and(|next| next.cycle <= self.free)
    }

    /// The next request was stored at `clock`.
    #[inline]
    pub(super) fn stored(&mut self, clock: Clock) {
        let taken = if self.max_active.is_some() { self.admitted } else { clock };
        self.next += 1;
        self.free = clock + 1;
        match self.requests.get(self.next) {
            Some(request) => {
                self.offered = request.cycle.max(taken + 1);
                self.resolve();
            }
            None => self.unknown(),
        }
    }

    #[inline]
    fn unknown(&mut self) {
        self.arrival = NEVER;
        self.is_late = false;
    }

    /// Works out when the next request arrives, if what that hangs on is known.
    #[inline]
    fn resolve(&mut self) {
        let freed = match self.max_active {
            Some(max_active) if self.next >= max_active => {
                let response = self.next - max_active;
                if response >= self.n_known {
                    return self.unknown();
                }
                self.responses[response]
            }
            _ => 0,
        };
        self.admitted = self.offered.max(freed);
        self.latencies[self.next] = self.admitted;
        self.arrival = self.admitted.max(self.free);
        self.is_late = self.arrival == freed && freed > 0;
    }

    /// Request `index` has its last data at `end`.
    #[inline(always)]
    pub(super) fn answered(&mut self, index: usize, end: Clock) {
        if !self.is_in_request_order {
            self.responded = end;
            self.responses[self.n_known] = end;
            self.latencies[index] = end - self.latencies[index];
            self.n_known += 1;
        } else {
            self.responses[index] = end;
            if index != self.n_known {
                return;
            }
            while let Some(response) = self.responses.get_mut(self.n_known).filter(|end| **end > 0) {
                *response = (*response).max(self.responded + 1);
                self.responded = *response;
                self.latencies[self.n_known] = *response - self.latencies[self.n_known];
                self.n_known += 1;
            }
        }
        if self.arrival == NEVER && self.next < self.requests.len() {
            self.resolve();
        }
    }

    /// Requests whose responses are known.
    pub(super) fn n_known(&self) -> usize {
        self.n_known
    }

    /// Clock of the last response that is known.
    pub(super) fn responded(&self) -> Clock {
        self.responded
    }

    /// From `clock` on so many requests may be between admission and response. One that waits for admission is offered anew.
    pub(super) fn limit(&mut self, controller: &Controller, clock: Clock) {
        self.max_active = controller.arbiter.max_active();
        if self.arrival == NEVER && self.next < self.requests.len() {
            self.offered = self.offered.max(clock + 1);
            self.free = self.free.max(clock + 1);
            self.resolve();
        }
        if self.arrival <= clock {
            // There was no space for it; now there may be.
            (self.arrival, self.is_late) = (clock + 1, false);
        }
    }

    /// Latencies of the requests from `first` to the last that is known, in clocks, if responses leave in the order of the requests.
    pub(super) fn known_latencies(&self, first: usize) -> &[Clock] {
        &self.latencies[first..self.n_known]
    }

    /// Clock of the last response, if it is known.
    pub(super) fn last_response(&self) -> Option<Clock> {
        (self.n_known == self.requests.len()).then_some(self.responded)
    }
}

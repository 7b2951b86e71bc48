//! ArchGym's two design spaces of the controller, and which designs of one are provably equal.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use tapeout_core::space::{CategoryParameter, CountParameter};
use tapeout_core::{Design, DesignSpace, Parameter, SpaceError};
use tapeout_simulators::dram::{
    Arbiter, Controller, PagePolicy, RefreshPolicy, ResponseQueue, Scheduler, SchedulerBuffer,
};

/// Which of ArchGym's spaces is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DramSpace {
    /// Every number: 28,311,552 designs.
    #[default]
    Full,
    /// Powers of two where their number matters: 442,368 designs.
    Powers,
}

/// An arbiter for a limit of requests.
type MakeArbiter = fn(NonZeroU32) -> Arbiter;

/// The arbiters by name, each for a limit of requests between admission and response.
const ARBITERS: [(&str, MakeArbiter); 3] = [
    ("simple", |_| Arbiter::Simple),
    ("fifo", |max_active| Arbiter::Fifo { max_active }),
    ("reorder", |max_active| Arbiter::Reorder { max_active }),
];

/// The refresh policies by name: whether rows are refreshed.
const REFRESH_POLICIES: [(&str, bool); 2] = [("no-refresh", false), ("all-bank", true)];

/// A space of controllers.
pub(super) struct Controllers {
    pub(super) space: DesignSpace,
    page_policy: CategoryParameter<PagePolicy>,
    scheduler: CategoryParameter<Scheduler>,
    buffer: CategoryParameter<SchedulerBuffer>,
    buffer_size: CountParameter,
    responses: CategoryParameter<ResponseQueue>,
    /// Whether rows are refreshed.
    is_refreshed: CategoryParameter<bool>,
    max_postponed: CountParameter,
    max_pulled_in: CountParameter,
    arbiter: CategoryParameter<MakeArbiter>,
    max_active: CountParameter,
    /// Designs that differ in what matters to refreshes alone.
    n_refreshes: u32,
    /// Designs that differ in what matters to limited arbiters alone.
    n_max_active: u32,
    /// Whether nothing is written, so that some parameters have no effect.
    is_reads_alone: bool,
}

impl Controllers {
    /// # Errors
    /// Never: the levels are well formed. [`SpaceError`] if they were not.
    pub(super) fn new(choice: DramSpace, is_reads_alone: bool) -> Result<Self, SpaceError> {
        let space = DesignSpace::new(parameters(choice), Vec::new())?;
        let n_levels = |name: &str| {
            let named = space.parameters().iter().filter(|parameter| parameter.name() == name);
            named.map(Parameter::n_levels).product::<u32>()
        };
        Ok(Self {
            page_policy: space.category("page_policy", PagePolicy::ALL)?,
            scheduler: space.category("scheduler", Scheduler::ALL)?,
            buffer: space.category("scheduler_buffer", SchedulerBuffer::ALL)?,
            buffer_size: space.count("request_buffer_size")?,
            responses: space.category("response_queue", ResponseQueue::ALL)?,
            is_refreshed: space.category("refresh_policy", REFRESH_POLICIES)?,
            max_postponed: space.count("refresh_max_postponed")?,
            max_pulled_in: space.count("refresh_max_pulled_in")?,
            arbiter: space.category("arbiter", ARBITERS)?,
            max_active: space.count("max_active_transactions")?,
            n_refreshes: n_levels("refresh_max_postponed") * n_levels("refresh_max_pulled_in"),
            n_max_active: n_levels("max_active_transactions"),
            space,
            is_reads_alone,
        })
    }

    /// The controller of a design; the same for designs that are provably equal on the trace.
    pub(super) fn controller(&self, design: &Design) -> Controller {
        let number = |parameter: &CountParameter| {
            let number = u32::try_from(parameter.of(design)).ok().and_then(NonZeroU32::new);
            number.expect("invariant: levels are from 1 to 128")
        };
        let controller = Controller {
            page_policy: *self.page_policy.of(design),
            scheduler: *self.scheduler.of(design),
            buffer: *self.buffer.of(design),
            buffer_size: number(&self.buffer_size),
            responses: *self.responses.of(design),
            refresh: if *self.is_refreshed.of(design) {
                let (max_postponed, max_pulled_in) =
                    (number(&self.max_postponed), number(&self.max_pulled_in));
                RefreshPolicy::AllBank { max_postponed, max_pulled_in }
            } else {
                RefreshPolicy::NoRefresh
            },
            arbiter: self.arbiter.of(design)(number(&self.max_active)),
        };
        if self.is_reads_alone { controller.for_reads_alone() } else { controller }
    }

    /// How many designs have this controller, which is one that [`Controllers::controller`] gave.
    pub(super) fn n_equal(&self, controller: &Controller) -> u32 {
        let mut n = 1;
        if self.is_reads_alone && controller.scheduler == Scheduler::FrFcfs {
            n *= 2;
        }
        if self.is_reads_alone && controller.buffer == SchedulerBuffer::Shared {
            n *= 2;
        }
        if controller.refresh == RefreshPolicy::NoRefresh {
            n *= self.n_refreshes;
        }
        if controller.arbiter == Arbiter::Simple {
            n *= self.n_max_active;
        }
        n
    }
}

fn names<T>(all: &[(&'static str, T)]) -> Vec<&'static str> {
    all.iter().map(|(name, _)| *name).collect()
}

/// Source of names and levels: Krishnan et al. (2023), doi:10.1145/3579371.3589049, and its code, srivatsankrishnan/oss-arch-gym
/// 53f745af: the spaces of its genetic algorithm and Bayesian optimization (full) and of its reinforcement learner (powers).
fn parameters(choice: DramSpace) -> Vec<Parameter> {
    let number = |name: &str, most: u32| match choice {
        DramSpace::Full => Parameter::integer(name, 1, i64::from(most)),
        DramSpace::Powers => Parameter::power_of_two(name, 1, most),
    };
    let buffer_most = match choice {
        DramSpace::Full => 8,
        DramSpace::Powers => 128,
    };
    vec![
        Parameter::categorical("page_policy", &names(&PagePolicy::ALL)).about("when a row is closed"),
        Parameter::categorical("scheduler", &names(&Scheduler::ALL)).about("which request a bank turns to"),
        Parameter::categorical("scheduler_buffer", &names(&SchedulerBuffer::ALL))
            .about("what the buffer of requests is counted by"),
        number("request_buffer_size", buffer_most)
            .about("requests that the buffer holds, each time it is counted"),
        Parameter::categorical("response_queue", &names(&ResponseQueue::ALL))
            .about("order of responses within the controller"),
        Parameter::categorical("refresh_policy", &names(&REFRESH_POLICIES))
            .about("whether rows are refreshed"),
        number("refresh_max_postponed", 8).about("refreshes that may be put off"),
        number("refresh_max_pulled_in", 8).about("refreshes that may be done ahead"),
        Parameter::categorical("arbiter", &names(&ARBITERS))
            .about("what stands between the requests and the controller"),
        number("max_active_transactions", 128)
            .about("requests between admission and response, where the arbiter limits them"),
    ]
}

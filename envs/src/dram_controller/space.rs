//! ArchGym's two design spaces of the controller, and which designs of one are provably equal.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
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

/// Names of the arbiters, in the order of their levels.
const ARBITERS: [&str; 3] = ["simple", "fifo", "reorder"];

/// Names of the refresh policies, in the order of their levels.
const REFRESH_POLICIES: [&str; 2] = ["no-refresh", "all-bank"];

/// A space of controllers.
pub(super) struct Controllers {
    pub(super) space: DesignSpace,
    /// Whether nothing is written, so that some parameters have no effect.
    is_reads_alone: bool,
}

impl Controllers {
    /// # Errors
    /// Never: the levels are well formed. [`SpaceError`] if they were not.
    pub(super) fn new(choice: DramSpace, is_reads_alone: bool) -> Result<Self, SpaceError> {
        Ok(Self { space: DesignSpace::new(parameters(choice), Vec::new())?, is_reads_alone })
    }

    /// The controller of a design; the same for designs that are provably equal on the trace.
    pub(super) fn controller(&self, design: &Design) -> Controller {
        let level = |index: usize| design.levels()[index] as usize;
        let number = |index: usize| {
            NonZeroU32::new(self.space.number(design, index) as u32)
                .expect("invariant: levels are at least 1")
        };
        let controller = Controller {
            page_policy: PagePolicy::ALL[level(0)].1,
            scheduler: Scheduler::ALL[level(1)].1,
            buffer: SchedulerBuffer::ALL[level(2)].1,
            buffer_size: number(3),
            responses: ResponseQueue::ALL[level(4)].1,
            refresh: match level(5) {
                0 => RefreshPolicy::NoRefresh,
                _ => RefreshPolicy::AllBank { max_postponed: number(6), max_pulled_in: number(7) },
            },
            arbiter: match level(8) {
                0 => Arbiter::Simple,
                1 => Arbiter::Fifo { max_active: number(9) },
                _ => Arbiter::Reorder { max_active: number(9) },
            },
        };
        if self.is_reads_alone { controller.for_reads_alone() } else { controller }
    }

    /// How many designs have this controller, which is one that [`Controllers::controller`] gave.
    pub(super) fn n_equal(&self, controller: &Controller) -> u32 {
        let n_levels = |index: usize| self.space.parameters()[index].n_levels();
        let mut n = 1;
        if self.is_reads_alone && controller.scheduler == Scheduler::FrFcfs {
            n *= 2;
        }
        if self.is_reads_alone && controller.buffer == SchedulerBuffer::Shared {
            n *= 2;
        }
        if controller.refresh == RefreshPolicy::NoRefresh {
            n *= n_levels(6) * n_levels(7);
        }
        if controller.arbiter == Arbiter::Simple {
            n *= n_levels(9);
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
        Parameter::categorical("refresh_policy", &REFRESH_POLICIES).about("whether rows are refreshed"),
        number("refresh_max_postponed", 8).about("refreshes that may be put off"),
        number("refresh_max_pulled_in", 8).about("refreshes that may be done ahead"),
        Parameter::categorical("arbiter", &ARBITERS)
            .about("what stands between the requests and the controller"),
        number("max_active_transactions", 128)
            .about("requests between admission and response, where the arbiter limits them"),
    ]
}

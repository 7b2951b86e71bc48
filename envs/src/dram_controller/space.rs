//! ArchGym's two design spaces of the controller, and which designs of one are provably equal.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use tapeout_core::space::{CategoryParameter, CountParameter};
use tapeout_core::{Design, DesignSpace, EqualLevelsText, Parameter, SpaceError};
use tapeout_simulators::dram::{
    AddressOrder, Arbiter, Controller, DramDevice, PagePolicy, RefreshPolicy, ResponseQueue, Scheduler,
    SchedulerBuffer,
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
    /// As `Powers`, and what newer controllers have: write drain, refreshes by set where the memory has them, power-down, address maps.
    Extended,
}

/// An arbiter for a limit of requests.
type MakeArbiter = fn(NonZeroU32) -> Arbiter;

/// The arbiters by name, each for a limit of requests between admission and response.
const ARBITERS: [(&str, MakeArbiter); 3] = [
    ("simple", |_| Arbiter::Simple),
    ("fifo", |max_active| Arbiter::Fifo { max_active }),
    ("reorder", |max_active| Arbiter::Reorder { max_active }),
];

/// A refresh policy for limits of refreshes put off and done ahead.
type MakeRefresh = fn(NonZeroU32, NonZeroU32) -> RefreshPolicy;

/// The refresh policies by name.
const REFRESH_POLICIES: [(&str, MakeRefresh); 3] = [
    ("no-refresh", |_, _| RefreshPolicy::NoRefresh),
    ("all-bank", |max_postponed, max_pulled_in| RefreshPolicy::AllBank { max_postponed, max_pulled_in }),
    ("by-set", |max_postponed, max_pulled_in| RefreshPolicy::BySet { max_postponed, max_pulled_in }),
];

/// A scheduler for the marks of write drain.
type MakeScheduler = fn(NonZeroU32, u32) -> Scheduler;

/// The schedulers by name.
const SCHEDULERS: [(&str, MakeScheduler); 4] = [
    ("fifo", |_, _| Scheduler::Fifo),
    ("fr-fcfs", |_, _| Scheduler::FrFcfs),
    ("fr-fcfs-grp", |_, _| Scheduler::FrFcfsGrp),
    ("write-drain", |high, low| Scheduler::WriteDrain { high, low }),
];

/// Stored writes at which draining begins and ends. Ours: halves and quarters of buffers up to 32, none of the second above the first.
const DRAIN_HIGH: [u32; 3] = [4, 8, 16];
const DRAIN_LOW: [u32; 2] = [0, 2];

/// Idle clocks before power-down. Ours: from about the time that it takes to a share of a refresh interval.
const POWER_DOWN: [(&str, Option<u32>); 4] =
    [("never", None), ("16", Some(16)), ("128", Some(128)), ("1024", Some(1024))];

/// Orders of addresses, and whether banks are permuted by row.
const ADDRESS_MAPS: [(&str, (AddressOrder, bool)); 6] = [
    ("row-bank-column", (AddressOrder::RowBankColumn, false)),
    ("bank-row-column", (AddressOrder::BankRowColumn, false)),
    ("row-column-bank", (AddressOrder::RowColumnBank, false)),
    ("row-bank-column-xor", (AddressOrder::RowBankColumn, true)),
    ("bank-row-column-xor", (AddressOrder::BankRowColumn, true)),
    ("row-column-bank-xor", (AddressOrder::RowColumnBank, true)),
];

/// What the extended space sets beside ArchGym's parameters.
struct Extension {
    drain_high: CountParameter,
    drain_low: CountParameter,
    power_down: CategoryParameter<Option<u32>>,
    address_map: CategoryParameter<usize>,
}

/// A space of controllers.
pub(super) struct Controllers {
    pub(super) space: DesignSpace,
    page_policy: CategoryParameter<PagePolicy>,
    scheduler: CategoryParameter<MakeScheduler>,
    buffer: CategoryParameter<SchedulerBuffer>,
    buffer_size: CountParameter,
    responses: CategoryParameter<ResponseQueue>,
    refresh: CategoryParameter<MakeRefresh>,
    max_postponed: CountParameter,
    max_pulled_in: CountParameter,
    arbiter: CategoryParameter<MakeArbiter>,
    max_active: CountParameter,
    /// Designs that differ in what matters to refreshes alone.
    n_refreshes: u32,
    /// Designs that differ in what matters to limited arbiters alone.
    n_max_active: u32,
    /// Designs that differ in what matters to write drain alone.
    n_drains: u32,
    /// Schedulers that are equal on reads alone.
    n_drain_schedulers: u32,
    extension: Option<Extension>,
    /// Whether nothing is written, so that some parameters have no effect.
    is_reads_alone: bool,
}

/// A controller, and the address map by its place in [`address_maps`].
pub(super) type Setting = (Controller, usize);

/// The device with each address map of a space.
pub(super) fn address_maps(choice: DramSpace, device: &DramDevice) -> Vec<DramDevice> {
    match choice {
        DramSpace::Full | DramSpace::Powers => vec![device.clone()],
        DramSpace::Extended => {
            ADDRESS_MAPS.iter().map(|&(_, (order, by_row))| device.with_addresses(order, by_row)).collect()
        }
    }
}

impl Controllers {
    /// # Errors
    /// Never: the levels are well formed. [`SpaceError`] if they were not.
    pub(super) fn new(
        choice: DramSpace,
        device: &DramDevice,
        is_reads_alone: bool,
    ) -> Result<Self, SpaceError> {
        let space = DesignSpace::new(parameters(choice, device), Vec::new())?
            .with_equal_levels(&equal_levels(choice))?;
        let is_extended = choice == DramSpace::Extended;
        let extension = || -> Result<Extension, SpaceError> {
            let maps: Vec<(&str, usize)> =
                ADDRESS_MAPS.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
            Ok(Extension {
                drain_high: space.count("drain_high")?,
                drain_low: space.count("drain_low")?,
                power_down: space.category("power_down", POWER_DOWN)?,
                address_map: space.category("address_map", maps)?,
            })
        };
        let n_levels = |name: &str| {
            let named = space.parameters().iter().filter(|parameter| parameter.name() == name);
            named.map(Parameter::n_levels).product::<u32>()
        };
        Ok(Self {
            page_policy: space.category("page_policy", PagePolicy::ALL)?,
            scheduler: space.category("scheduler", schedulers(choice).to_vec())?,
            buffer: space.category("scheduler_buffer", SchedulerBuffer::ALL)?,
            buffer_size: space.count("request_buffer_size")?,
            responses: space.category("response_queue", ResponseQueue::ALL)?,
            refresh: space.category("refresh_policy", refresh_policies(choice, device).to_vec())?,
            max_postponed: space.count("refresh_max_postponed")?,
            max_pulled_in: space.count("refresh_max_pulled_in")?,
            arbiter: space.category("arbiter", ARBITERS)?,
            max_active: space.count("max_active_transactions")?,
            n_refreshes: n_levels("refresh_max_postponed") * n_levels("refresh_max_pulled_in"),
            n_max_active: n_levels("max_active_transactions"),
            n_drains: n_levels("drain_high") * n_levels("drain_low"),
            n_drain_schedulers: if is_extended { 3 } else { 2 },
            extension: if is_extended { Some(extension()?) } else { None },
            space,
            is_reads_alone,
        })
    }

    /// The controller and the address map of a design; the same for designs that are provably equal on the trace.
    pub(super) fn setting(&self, design: &Design) -> Setting {
        let number = |parameter: &CountParameter| {
            let number = u32::try_from(parameter.of(design)).ok().and_then(NonZeroU32::new);
            number.expect("invariant: levels are from 1 to 128")
        };
        let extension = self.extension.as_ref();
        let (high, low) = extension.map_or((NonZeroU32::MIN, 0), |extension| {
            (number(&extension.drain_high), extension.drain_low.of(design) as u32)
        });
        let power_down = extension.and_then(|extension| *extension.power_down.of(design));
        let controller = Controller {
            page_policy: *self.page_policy.of(design),
            scheduler: self.scheduler.of(design)(high, low),
            buffer: *self.buffer.of(design),
            buffer_size: number(&self.buffer_size),
            responses: *self.responses.of(design),
            refresh: self.refresh.of(design)(number(&self.max_postponed), number(&self.max_pulled_in)),
            arbiter: self.arbiter.of(design)(number(&self.max_active)),
            power_down: power_down.and_then(NonZeroU32::new),
        };
        let controller = if self.is_reads_alone { controller.for_reads_alone() } else { controller };
        (controller, extension.map_or(0, |extension| *extension.address_map.of(design)))
    }

    /// How many designs have this controller and a given address map; it is one that [`Controllers::setting`] gave.
    pub(super) fn n_equal(&self, controller: &Controller) -> u32 {
        let mut n = 1;
        if self.is_reads_alone && controller.scheduler == Scheduler::FrFcfs {
            n *= self.n_drain_schedulers;
        }
        if !matches!(controller.scheduler, Scheduler::WriteDrain { .. }) {
            n *= self.n_drains;
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

fn schedulers(choice: DramSpace) -> &'static [(&'static str, MakeScheduler)] {
    if choice == DramSpace::Extended { &SCHEDULERS } else { &SCHEDULERS[..3] }
}

fn refresh_policies(choice: DramSpace, device: &DramDevice) -> &'static [(&'static str, MakeRefresh)] {
    let has_sets = choice == DramSpace::Extended && device.refresh_sets.is_some();
    if has_sets { &REFRESH_POLICIES } else { &REFRESH_POLICIES[..2] }
}

/// What has no effect whatever the trace: limits on refreshes without refreshes, on transactions with the arbiter that has none, and marks
/// of write drain with other schedulers. What is equal on reads alone is not stated, since data sets may hold several traces.
fn equal_levels(choice: DramSpace) -> Vec<EqualLevelsText> {
    let mut stated = vec![
        EqualLevelsText::without_effect("refresh_max_postponed", "refresh_policy", &["no-refresh"]),
        EqualLevelsText::without_effect("refresh_max_pulled_in", "refresh_policy", &["no-refresh"]),
        EqualLevelsText::without_effect("max_active_transactions", "arbiter", &["simple"]),
    ];
    if choice == DramSpace::Extended {
        let others = ["fifo", "fr-fcfs", "fr-fcfs-grp"];
        stated.extend(
            ["drain_high", "drain_low"].map(|it| EqualLevelsText::without_effect(it, "scheduler", &others)),
        );
    }
    stated
}

/// Source of names and levels: Krishnan et al. (2023), doi:10.1145/3579371.3589049, and its code, srivatsankrishnan/oss-arch-gym
/// 53f745af: the spaces of its genetic algorithm and Bayesian optimization (full) and of its reinforcement learner (powers).
///
/// The extended space is ours; its own parameters come last.
fn parameters(choice: DramSpace, device: &DramDevice) -> Vec<Parameter> {
    let number = |name: &str, most: u32| match choice {
        DramSpace::Full => Parameter::integer(name, 1, i64::from(most)),
        DramSpace::Powers | DramSpace::Extended => Parameter::power_of_two(name, 1, most),
    };
    let buffer_most = match choice {
        DramSpace::Full => 8,
        DramSpace::Powers | DramSpace::Extended => 128,
    };
    let mut parameters = vec![
        Parameter::categorical("page_policy", &names(&PagePolicy::ALL)).about("when a row is closed"),
        Parameter::categorical("scheduler", &names(schedulers(choice)))
            .about("which request a bank turns to"),
        Parameter::categorical("scheduler_buffer", &names(&SchedulerBuffer::ALL))
            .about("what the buffer of requests is counted by"),
        number("request_buffer_size", buffer_most)
            .about("requests that the buffer holds, each time it is counted"),
        Parameter::categorical("response_queue", &names(&ResponseQueue::ALL))
            .about("order of responses within the controller"),
        Parameter::categorical("refresh_policy", &names(refresh_policies(choice, device)))
            .about("whether rows are refreshed"),
        number("refresh_max_postponed", 8).about("refreshes that may be put off"),
        number("refresh_max_pulled_in", 8).about("refreshes that may be done ahead"),
        Parameter::categorical("arbiter", &names(&ARBITERS))
            .about("what stands between the requests and the controller"),
        number("max_active_transactions", 128)
            .about("requests between admission and response, where the arbiter limits them"),
    ];
    if choice == DramSpace::Extended {
        parameters.extend([
            Parameter::ordinal("drain_high", DRAIN_HIGH)
                .about("stored writes at which reads stop, with write-drain"),
            Parameter::ordinal("drain_low", DRAIN_LOW)
                .about("stored writes at which reads go on, with write-drain"),
            Parameter::categorical("power_down", &names(&POWER_DOWN))
                .about("idle clocks before the memory is put into power-down"),
            Parameter::categorical("address_map", &names(&ADDRESS_MAPS))
                .about("what follows what as addresses grow, and whether banks are permuted by row"),
        ]);
    }
    parameters
}

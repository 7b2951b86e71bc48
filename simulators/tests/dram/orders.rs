//! The fast order of simultaneous events against the exact one.

use std::num::NonZeroU32;

use proptest::prelude::*;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tapeout_core::Seed;
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, Operation, Order, PagePolicy, Pattern, RefreshPolicy, Report,
    ResponseQueue, Scheduler, SchedulerBuffer, Scratch, Simulator,
};

use crate::golden;

/// How far the fast order may be off, relative to the exact one.
const TOLERANCE: f64 = 0.005;

fn time_and_energy(report: &Report) -> [f64; 2] {
    [report.time_s, report.energy.total_j()]
}

/// The relative errors of time and energy.
fn error(simulator: &Simulator, controller: &Controller, scratch: &mut Scratch) -> [f64; 2] {
    let fast = time_and_energy(&simulator.run(controller, Order::ArrivalsFirst, scratch));
    let exact = time_and_energy(&simulator.run(controller, Order::AsBooked, scratch));
    [0, 1].map(|metric| (fast[metric] / exact[metric] - 1.0).abs())
}

#[test]
fn on_every_run_of_dramsys_the_fast_order_is_within_half_a_percent() {
    for (name, trace, runs) in golden::all() {
        let simulator = Simulator::new(&DDR3_1600, &trace);
        let errors: Vec<[f64; 2]> = runs
            .par_iter()
            .map_init(Scratch::new, |scratch, run| error(&simulator, &run.controller, scratch))
            .collect();
        let worst = [0, 1].map(|metric| errors.iter().map(|error| error[metric]).fold(0.0, f64::max));
        let n_exact = [0, 1].map(|metric| errors.iter().filter(|error| error[metric] < 1e-12).count());
        println!("{name}: worst {worst:?}, exact {n_exact:?} of {}", errors.len());
        assert!(worst.iter().all(|&worst| worst <= TOLERANCE), "{name}: {worst:?}");
    }
}

fn controller() -> impl Strategy<Value = Controller> {
    let small = 1u32..=8;
    let page_policy = prop::sample::select(vec![
        PagePolicy::Open,
        PagePolicy::OpenAdaptive,
        PagePolicy::Closed,
        PagePolicy::ClosedAdaptive,
    ]);
    let scheduler = prop::sample::select(vec![Scheduler::Fifo, Scheduler::FrFcfs, Scheduler::FrFcfsGrp]);
    let buffer = prop::sample::select(vec![
        SchedulerBuffer::Bankwise,
        SchedulerBuffer::ReadWrite,
        SchedulerBuffer::Shared,
    ]);
    let sizes = (small.clone(), small.clone(), small, 1u32..=128).prop_map(|(a, b, c, d)| [a, b, c, d]);
    (page_policy, scheduler, buffer, sizes, any::<[bool; 2]>(), 0..3usize).prop_map(
        |(page_policy, scheduler, buffer, sizes, [in_order, is_refreshed], arbiter)| {
            let [buffer_size, max_postponed, max_pulled_in, max_active] =
                sizes.map(|size| NonZeroU32::new(size).unwrap());
            Controller {
                page_policy,
                scheduler,
                buffer,
                buffer_size,
                responses: [ResponseQueue::Fifo, ResponseQueue::Reorder][usize::from(in_order)],
                refresh: if is_refreshed {
                    RefreshPolicy::AllBank { max_postponed, max_pulled_in }
                } else {
                    RefreshPolicy::NoRefresh
                },
                arbiter: [Arbiter::Simple, Arbiter::Fifo { max_active }, Arbiter::Reorder { max_active }]
                    [arbiter],
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    // Claim: half a percent, for any controller on any of our workloads of the length that is searched.
    #[test]
    fn for_any_controller_the_fast_order_is_within_half_a_percent(
        controller in controller(),
        pattern in 0..Pattern::ALL.len(),
        seed in any::<u64>(),
    ) {
        let (name, pattern) = Pattern::ALL[pattern];
        let simulator = Simulator::new(&DDR3_1600, &pattern.trace(10_000, Seed::new(seed)).unwrap());
        let [time, energy] = error(&simulator, &controller, &mut Scratch::new());
        prop_assert!(time <= TOLERANCE && energy <= TOLERANCE, "{name}: {time} {energy}");
    }

    // Claim: laws that hold in both orders: every request is accessed once, rows are opened no more often than closed and still
    // open, and no request is answered before its latency's least, an access and its burst.
    #[test]
    fn nothing_is_lost_and_nothing_is_free(controller in controller(), seed in any::<u64>()) {
        let trace = Pattern::Mixed.trace(1000, Seed::new(seed)).unwrap();
        let n_writes = trace.requests().iter().filter(|request| request.operation == Operation::Write).count();
        let simulator = Simulator::new(&DDR3_1600, &trace);
        for order in [Order::ArrivalsFirst, Order::AsBooked] {
            let report = simulator.run(&controller, order, &mut Scratch::new());
            let counts = report.counts;
            prop_assert_eq!((counts.reads, counts.writes), (1000 - n_writes as u64, n_writes as u64));
            prop_assert!(counts.activates >= counts.precharges && counts.activates <= counts.precharges + 8);
            prop_assert!(counts.row_hits + counts.activates >= 1000);
            prop_assert!(report.latency.p50_s >= 12.0 * 1.25e-9 && report.latency.max_s <= report.time_s);
            // 12.8 GB/s: 8 byte at each edge of an 800 MHz clock.
            prop_assert!(report.bandwidth_byte_per_s < 12.8e9);
        }
    }
}

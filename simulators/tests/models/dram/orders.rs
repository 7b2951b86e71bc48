//! The fast order of simultaneous events against the exact one.

use std::num::NonZeroU32;

use proptest::prelude::*;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tapeout_core::Seed;
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, DramReport, Operation, Order, PagePolicy, Pattern, RefreshPolicy,
    ResponseQueue, Scheduler, SchedulerBuffer, Scratch, Simulator,
};

use super::golden;

/// How far the fast order may be off, relative to the exact one.
const TOLERANCE: f64 = 0.005;

fn time_and_energy(report: &DramReport) -> [f64; 2] {
    [report.time_s, report.energy.total_j()]
}

/// Time and energy in the fast order, and in the exact one.
fn both(simulator: &Simulator, controller: &Controller, scratch: &mut Scratch) -> [[f64; 2]; 2] {
    [Order::Fast, Order::AsBooked].map(|order| time_and_energy(&simulator.run(controller, order, scratch)))
}

/// The relative errors of time and energy.
fn error([fast, exact]: [[f64; 2]; 2]) -> [f64; 2] {
    [0, 1].map(|metric| (fast[metric] / exact[metric] - 1.0).abs())
}

/// Ranks from 0, equals sharing the mean of theirs; shape `[n]`.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: &f64| {
        let first = sorted.partition_point(|other| other < value);
        let end = sorted.partition_point(|other| other <= value);
        (first + end - 1) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// Spearman's rank correlation. Source: Spearman (1904), doi:10.2307/1412159: Pearson's correlation of the ranks.
fn rank_correlation(one: &[f64], other: &[f64]) -> f64 {
    let mean = (one.len() - 1) as f64 / 2.0;
    let (one, other) = (ranks(one), ranks(other));
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt()
}

#[test]
fn on_every_run_of_dramsys_the_fast_order_is_within_half_a_percent_and_ranks_alike() {
    for (name, trace, runs) in golden::all() {
        let simulator = Simulator::new(&DDR3_1600, &trace);
        let pairs: Vec<[[f64; 2]; 2]> = runs
            .par_iter()
            .map_init(Scratch::new, |scratch, run| both(&simulator, &run.controller, scratch))
            .collect();
        for (metric, label) in ["time", "energy"].into_iter().enumerate() {
            let errors: Vec<f64> = pairs.iter().map(|&pair| error(pair)[metric]).collect();
            let worst = errors.iter().copied().fold(0.0, f64::max);
            let n_equal = errors.iter().filter(|&&error| error < 1e-12).count();
            let [fast, exact] =
                [0, 1].map(|order| pairs.iter().map(|pair| pair[order][metric]).collect::<Vec<_>>());
            let correlation = rank_correlation(&fast, &exact);
            println!(
                "{name}, {label}: worst {worst:e}, equal {n_equal} of {}, ranks {correlation}",
                errors.len()
            );
            assert!(worst <= TOLERANCE && correlation >= 0.999, "{name}, {label}: {worst} {correlation}");
        }
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
                power_down: None,
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
        let simulator = Simulator::new(&DDR3_1600, &pattern.trace(&DDR3_1600, 10_000, Seed::new(seed)).unwrap());
        let [time, energy] = error(both(&simulator, &controller, &mut Scratch::new()));
        prop_assert!(time <= TOLERANCE && energy <= TOLERANCE, "{name}: {time} {energy}");
    }

    // Claim: laws that hold in both orders: every request is accessed once, rows are opened no more often than closed and still
    // open, and no request is answered before its latency's least, an access and its burst.
    #[test]
    fn nothing_is_lost_and_nothing_is_free(controller in controller(), seed in any::<u64>()) {
        let trace = Pattern::Mixed.trace(&DDR3_1600, 1000, Seed::new(seed)).unwrap();
        let n_writes = trace.requests().iter().filter(|request| request.operation == Operation::Write).count();
        let simulator = Simulator::new(&DDR3_1600, &trace);
        for order in [Order::Fast, Order::AsBooked] {
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

//! Random controllers on traces of 10,000 requests, one after another on one core, none of them merged with its equals: all of them as they
//! come, and the sum of the least times of each, which other programs on the machine disturb little; and a trace of 1,000,000 requests.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::RngExt;
use tapeout_core::{Seed, Stream};
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, Order, PagePolicy, Pattern, RefreshPolicy, ResponseQueue, Scheduler,
    SchedulerBuffer, Scratch, Simulator,
};

/// A uniformly random controller of ArchGym's larger space, with refreshes or without.
fn controller(rng: &mut Stream) -> Controller {
    use {PagePolicy as Page, SchedulerBuffer as Buffer};
    let mut number = |most: u32| NonZeroU32::new(rng.random_range(1..=most)).expect("at least 1");
    let [page, scheduler, buffer, response, refresh, arbiter] =
        [4, 3, 3, 2, 2, 3].map(|most| number(most).get() as usize - 1);
    let (buffer_size, max_active) = (number(8), number(128));
    let (max_postponed, max_pulled_in) = (number(8), number(8));
    Controller {
        page_policy: [Page::Open, Page::OpenAdaptive, Page::Closed, Page::ClosedAdaptive][page],
        scheduler: [Scheduler::Fifo, Scheduler::FrFcfs, Scheduler::FrFcfsGrp][scheduler],
        buffer: [Buffer::Bankwise, Buffer::ReadWrite, Buffer::Shared][buffer],
        buffer_size,
        responses: [ResponseQueue::Fifo, ResponseQueue::Reorder][response],
        refresh: [RefreshPolicy::NoRefresh, RefreshPolicy::AllBank { max_postponed, max_pulled_in }][refresh],
        arbiter: [Arbiter::Simple, Arbiter::Fifo { max_active }, Arbiter::Reorder { max_active }][arbiter],
        power_down: None,
    }
}

fn designs(criterion: &mut Criterion) {
    let mut rng = Seed::new(0).stream("controllers");
    let controllers: Vec<Controller> = (0..256).map(|_| controller(&mut rng)).collect();
    for (order, name) in [(Order::Fast, "fast"), (Order::AsBooked, "exact")] {
        let mut group = criterion.benchmark_group(format!("dram_256_designs_{name}"));
        group.throughput(Throughput::Elements(controllers.len() as u64)).sample_size(10);
        for (workload, pattern) in Pattern::ALL {
            let trace = pattern.trace(&DDR3_1600, 10_000, Seed::new(0)).expect("a legal number");
            let (simulator, mut scratch) = (Simulator::new(&DDR3_1600, &trace), Scratch::new());
            group.bench_function(workload, |bencher| {
                bencher.iter(|| {
                    let times_s = controllers
                        .iter()
                        .map(|controller| simulator.run(black_box(controller), order, &mut scratch).time_s);
                    times_s.sum::<f64>()
                });
            });
        }
        group.finish();
    }
}

/// Runs of each controller, of which the fastest counts.
const N_REPEATS: usize = 9;

#[expect(clippy::disallowed_methods, reason = "what is timed is a bench")]
fn least_times(criterion: &mut Criterion) {
    let mut rng = Seed::new(0).stream("controllers");
    let controllers: Vec<Controller> = (0..256).map(|_| controller(&mut rng)).collect();
    let mut group = criterion.benchmark_group("dram_256_designs_least");
    group.throughput(Throughput::Elements(controllers.len() as u64)).sample_size(10);
    for (workload, pattern) in Pattern::ALL {
        let trace = pattern.trace(&DDR3_1600, 10_000, Seed::new(0)).expect("a legal number");
        let (simulator, mut scratch) = (Simulator::new(&DDR3_1600, &trace), Scratch::new());
        let mut least = |controller: &Controller| {
            let mut time = || {
                let begin = Instant::now();
                black_box(simulator.run(black_box(controller), Order::Fast, &mut scratch));
                begin.elapsed()
            };
            (0..N_REPEATS).map(|_| time()).min().unwrap_or_default()
        };
        group.bench_function(workload, |bencher| {
            bencher
                .iter_custom(|n| (0..n).map(|_| controllers.iter().map(&mut least).sum::<Duration>()).sum());
        });
    }
    group.finish();
}

fn a_million_requests(criterion: &mut Criterion) {
    let trace = Pattern::Random.trace(&DDR3_1600, 1_000_000, Seed::new(0)).expect("a legal number");
    let (simulator, mut scratch) = (Simulator::new(&DDR3_1600, &trace), Scratch::new());
    let mut rng = Seed::new(0).stream("controllers");
    let controllers: Vec<Controller> = (0..8).map(|_| controller(&mut rng)).collect();
    let mut group = criterion.benchmark_group("dram_million_requests");
    group.throughput(Throughput::Elements(controllers.len() as u64)).sample_size(10);
    group.bench_function("8_designs", |bencher| {
        bencher.iter(|| {
            let times_s = controllers
                .iter()
                .map(|controller| simulator.run(black_box(controller), Order::Fast, &mut scratch).time_s);
            times_s.sum::<f64>()
        });
    });
    group.finish();
}

criterion_group!(benches, designs, least_times, a_million_requests);
criterion_main!(benches);

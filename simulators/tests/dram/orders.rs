//! The fast order of simultaneous events against the exact one.

use proptest::prelude::*;
use rayon::prelude::*;
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, Operation, Order, PagePolicy, RefreshPolicy, Report, Request,
    ResponseQueue, Scheduler, SchedulerBuffer, Scratch, Simulator, Trace,
};

use crate::golden;

/// How far the fast order may be off, relative to the exact one.
const TOLERANCE: f64 = 0.005;

fn time_and_energy(report: &Report) -> [f64; 2] {
    [report.time_s, report.energy.total_j()]
}

/// The larger of the relative errors of time and energy.
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

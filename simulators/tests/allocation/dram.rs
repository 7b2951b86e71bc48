//! A run allocates nothing once its scratch has grown to the trace and the buffers.

use std::num::NonZeroU32;

use tapeout_core::Seed;
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, Order, PagePolicy, Pattern, RefreshPolicy, ResponseQueue, Scheduler,
    SchedulerBuffer, Scratch, Simulator,
};

use crate::allocations;

/// Controllers of all kinds, with small buffers and large.
fn controllers() -> Vec<Controller> {
    let number = |number| NonZeroU32::new(number).expect("at least 1");
    let refresh = RefreshPolicy::AllBank { max_postponed: number(2), max_pulled_in: number(3) };
    let arbiters = [
        Arbiter::Simple,
        Arbiter::Fifo { max_active: number(64) },
        Arbiter::Reorder { max_active: number(5) },
    ];
    let mut controllers = Vec::new();
    for scheduler in [Scheduler::Fifo, Scheduler::FrFcfs, Scheduler::FrFcfsGrp] {
        for buffer in [SchedulerBuffer::Bankwise, SchedulerBuffer::ReadWrite, SchedulerBuffer::Shared] {
            for arbiter in arbiters {
                for (buffer_size, responses) in [(1, ResponseQueue::Fifo), (32, ResponseQueue::Reorder)] {
                    let page_policy = PagePolicy::OpenAdaptive;
                    let buffer_size = number(buffer_size);
                    controllers.push(Controller {
                        page_policy,
                        scheduler,
                        buffer,
                        buffer_size,
                        responses,
                        refresh,
                        arbiter,
                        power_down: None,
                    });
                }
            }
        }
    }
    controllers
}

#[test]
fn runs_allocate_nothing_once_their_scratch_has_grown() {
    let controllers = controllers();
    for pattern in [Pattern::Random, Pattern::Mixed, Pattern::Sparse] {
        let simulator = Simulator::new(&DDR3_1600, &pattern.trace(&DDR3_1600, 2000, Seed::new(0)).unwrap());
        for order in [Order::Fast, Order::AsBooked] {
            let mut scratch = Scratch::new();
            let mut run = || {
                for controller in &controllers {
                    assert!(simulator.run(controller, order, &mut scratch).time_s > 0.0);
                }
            };
            run();
            let before = allocations();
            assert!(before > 0, "the allocator is not counted");
            run();
            assert_eq!(allocations(), before, "{pattern:?} {order:?}");
        }
    }
}

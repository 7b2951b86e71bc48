//! A run allocates nothing once its scratch has grown to the trace and the buffers.

#![expect(unsafe_code, reason = "an allocator that counts cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZeroU32;

use tapeout_core::Seed;
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, Order, PagePolicy, Pattern, RefreshPolicy, ResponseQueue, Scheduler,
    SchedulerBuffer, Scratch, Simulator,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting what the current thread asks of it.
struct Counting;

// SAFETY: every call is passed on to `System` unchanged, and counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
        let simulator = Simulator::new(&DDR3_1600, &pattern.trace(2000, Seed::new(0)).unwrap());
        for order in [Order::ArrivalsFirst, Order::AsBooked] {
            let mut scratch = Scratch::new();
            let mut run = || {
                for controller in &controllers {
                    assert!(simulator.run(controller, order, &mut scratch).time_s > 0.0);
                }
            };
            run();
            let before = ALLOCATIONS.with(Cell::get);
            assert!(before > 0, "the allocator is not counted");
            run();
            assert_eq!(ALLOCATIONS.with(Cell::get), before, "{pattern:?} {order:?}");
        }
    }
}

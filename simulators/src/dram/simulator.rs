//! The question: a device, a trace, a controller.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Clock;
use super::as_booked::{self, Fabric};
use super::channel::Channel;
use super::controller::{Controller, RefreshPolicy, ResponseQueue, Scheduler};
use super::device::{BankShape, DramDevice};
use super::fast_order;
use super::front_end::FrontEnd;
use super::placed::{Clocks, Placed};
use super::queues::{Entry, Queues};
use super::refresh::sets;
use super::report::{Command, Counts, DramReport, Energy, Latency, Window};
use super::trace::Trace;

/// Order of what happens in one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As the rules of section 8 have it.
    Fast,
    /// As the processes of DRAMSys book one another, section 9: exact, some ten times slower.
    AsBooked,
}

/// A device and what is asked of it.
#[derive(Debug, Clone)]
pub struct Simulator {
    device: DramDevice,
    requests: Vec<Placed>,
}

/// Memory of a run, kept for the next; it grows to some 16 byte for each request.
#[derive(Debug, Default)]
pub struct Scratch {
    clocks: Clocks,
    entries: Vec<Entry>,
    bin: Vec<Clock>,
    fabric: Fabric,
}

impl Scratch {
    /// Empty memory.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Simulator {
    /// The trace on the device. Takes 24 byte for each request.
    pub fn new(device: &DramDevice, trace: &Trace) -> Self {
        let placed = trace.requests().iter().map(|request| {
            let (bank, row) = device.address.place(request.address);
            let (cycle, address, operation) = (request.cycle, request.address, request.operation);
            Placed { cycle, address, row, bank: bank as u8, operation }
        });
        Self { device: device.clone(), requests: placed.collect() }
    }

    /// What `controller` makes of the trace. A function of the three; allocates nothing once `scratch` has grown.
    ///
    /// # Panics
    /// If the controller refreshes by sets and the device has none.
    ///
    /// ```
    /// # use std::num::NonZeroU32;
    /// use tapeout_simulators::dram::*;
    /// let request = Request { cycle: 0, address: 0, operation: Operation::Read };
    /// let simulator = Simulator::new(&DDR3_1600, &Trace::new(vec![request])?);
    /// let controller = Controller {
    ///     page_policy: PagePolicy::Open,
    ///     scheduler: Scheduler::Fifo,
    ///     buffer: SchedulerBuffer::Shared,
    ///     buffer_size: NonZeroU32::MIN,
    ///     responses: ResponseQueue::Fifo,
    ///     refresh: RefreshPolicy::NoRefresh,
    ///     arbiter: Arbiter::Simple,
    ///     power_down: None,
    /// };
    /// let report = simulator.run(&controller, Order::AsBooked, &mut Scratch::new());
    /// // ACT at clock 0, RD at 10, its last data at 24; a clock is 1.25 ns.
    /// assert!((report.time_s - 30e-9).abs() < 1e-15);
    /// # Ok::<(), TraceError>(())
    /// ```
    pub fn run(&self, controller: &Controller, order: Order, scratch: &mut Scratch) -> DramReport {
        self.run_with(controller, order, scratch, None)
    }

    /// As [`Simulator::run`], and appends all commands to `log`, in order.
    pub fn run_logged(
        &self,
        controller: &Controller,
        order: Order,
        scratch: &mut Scratch,
        log: &mut Vec<Command>,
    ) -> DramReport {
        self.run_with(controller, order, scratch, Some(log))
    }

    /// Runs the trace with a controller for each window of `window` requests, one after the other, for as many windows as there are
    /// controllers, or to its end. Appends to `windows` what became of each. In the fast order; responses leave in the order of the
    /// requests, and of the controllers' parameters those of refreshes and power-down are the first one's.
    ///
    /// # Panics
    /// If there is no controller.
    pub fn run_windows(
        &self,
        controllers: &[Controller],
        window: NonZeroUsize,
        scratch: &mut Scratch,
        windows: &mut Vec<Window>,
    ) {
        match self.device.banks {
            BankShape::Eight => self.windows::<8, 1, 1>(controllers, window, scratch, windows),
            BankShape::FourGroups => self.windows::<16, 4, 1>(controllers, window, scratch, windows),
            BankShape::EightGroups => self.windows::<32, 8, 1>(controllers, window, scratch, windows),
            BankShape::PseudoChannels => self.windows::<32, 8, 2>(controllers, window, scratch, windows),
        }
    }

    fn windows<const B: usize, const G: usize, const R: usize>(
        &self,
        controllers: &[Controller],
        window: NonZeroUsize,
        scratch: &mut Scratch,
        windows: &mut Vec<Window>,
    ) {
        let largest = controllers.iter().map(|controller| controller.buffer_size).max();
        let buffer_size = largest.unwrap_or(controllers[0].buffer_size);
        let first = Controller { responses: ResponseQueue::Reorder, buffer_size, ..controllers[0] };
        let (requests, n) = (self.requests.as_slice(), self.requests.len());
        scratch.clocks.latencies.resize(n, 0);
        scratch.clocks.responses.resize(n, 0);
        let queues = Queues::new(&first, &mut scratch.entries);
        let mut channel = Channel::<B, G, R, true>::new(&self.device, &first, requests, queues, None);
        let mut front = FrontEnd::new(&first, requests, &mut scratch.clocks);
        let (mut clock, mut energy_j, mut counts, mut n_known) = (0, 0.0, Counts::default(), 0);
        fast_order::run_windows(&mut channel, &mut front, controllers, window.get(), |channel, front| {
            let latencies = front.known_latencies(n_known);
            let total: u64 = latencies.iter().sum();
            let (energy, _) = channel.account.settled(&self.device, channel.has_open_bank());
            let now = channel.account.counts;
            windows.push(Window {
                n_requests: latencies.len(),
                time_s: (front.responded() - clock) as f64 * self.device.clock_s,
                latency_mean_s: total as f64 / latencies.len().max(1) as f64 * self.device.clock_s,
                latency_max_s: latencies.iter().copied().max().unwrap_or(0) as f64 * self.device.clock_s,
                energy_j: energy.total_j() - energy_j,
                row_hits: now.row_hits - counts.row_hits,
                reads: now.reads - counts.reads,
                writes: now.writes - counts.writes,
                is_last: front.last_response().is_some(),
            });
            (clock, energy_j, counts, n_known) = (front.responded(), energy.total_j(), now, front.n_known());
        });
    }

    fn run_with(
        &self,
        controller: &Controller,
        order: Order,
        scratch: &mut Scratch,
        log: Option<&mut Vec<Command>>,
    ) -> DramReport {
        let has_more = controller.power_down.is_some()
            || matches!(controller.scheduler, Scheduler::WriteDrain { .. })
            || matches!(controller.refresh, RefreshPolicy::BySet { .. });
        match self.device.banks {
            BankShape::Eight if !has_more => {
                self.run_shaped::<8, 1, 1, false>(controller, order, scratch, log)
            }
            BankShape::Eight => self.run_shaped::<8, 1, 1, true>(controller, order, scratch, log),
            BankShape::FourGroups => self.run_shaped::<16, 4, 1, true>(controller, order, scratch, log),
            BankShape::EightGroups => self.run_shaped::<32, 8, 1, true>(controller, order, scratch, log),
            BankShape::PseudoChannels => self.run_shaped::<32, 8, 2, true>(controller, order, scratch, log),
        }
    }

    /// A run of a [`Channel`] with these.
    fn run_shaped<const B: usize, const G: usize, const R: usize, const X: bool>(
        &self,
        controller: &Controller,
        order: Order,
        scratch: &mut Scratch,
        log: Option<&mut Vec<Command>>,
    ) -> DramReport {
        let (requests, n) = (self.requests.as_slice(), self.requests.len());
        let clocks = &mut scratch.clocks;
        clocks.latencies.resize(n, 0);
        clocks.responses.resize(n, 0);
        let queues = Queues::new(controller, &mut scratch.entries);
        let mut channel = Channel::<B, G, R, X>::new(&self.device, controller, requests, queues, log);
        let last = match order {
            Order::Fast => fast_order::run(&mut channel, &mut FrontEnd::new(controller, requests, clocks)),
            Order::AsBooked => {
                as_booked::run(&mut channel, controller, requests, clocks, &mut scratch.fabric)
            }
        };
        let (energy, spent) = channel.account.settled(&self.device, channel.has_open_bank());
        let latency = Latency::of(&scratch.clocks.latencies, self.device.clock_s, &mut scratch.bin);
        let interval = sets(controller.refresh, &self.device).1;
        let counts = channel.account.counts;
        let refresh_debt = (last / interval) as i64 - counts.refreshes as i64;
        self.report(&Totals { last, energy, spent, latency, counts, refresh_debt })
    }

    fn report(&self, totals: &Totals) -> DramReport {
        let device = &self.device;
        let Totals { last, energy, spent, latency, counts, refresh_debt } = *totals;
        let time_s = last as f64 * device.clock_s;
        let bytes = self.requests.len() as f64 * f64::from(device.burst_byte);
        DramReport {
            time_s,
            power_w: energy.total_j() / (spent as f64 * device.clock_s),
            energy,
            bandwidth_byte_per_s: bytes / time_s,
            latency,
            counts,
            refresh_debt,
        }
    }
}

/// What a run came to.
#[derive(Clone, Copy)]
struct Totals {
    /// Clock of the last response.
    last: Clock,
    energy: Energy,
    /// Clocks that the energy was spent in.
    spent: Clock,
    latency: Latency,
    counts: Counts,
    refresh_debt: i64,
}

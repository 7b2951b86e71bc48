//! The memory controller while it runs: its parameters are chosen anew after every window of requests.
//!
//! What is chosen in one window meets what was left by the one before, so this is no design to be evaluated but an episode to be acted in. The
//! Gymnasium view of it is `tapeout::gymnasium::DramOnlineEpisodes`.

use std::num::{NonZeroU32, NonZeroUsize};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::{ConfigError, Seed};
use tapeout_simulators::dram::{
    Arbiter, Controller, DDR3_1600, DramDevice, MAX_REQUESTS, PagePolicy, Pattern, RefreshPolicy, Request,
    ResponseQueue, Scheduler, SchedulerBuffer, Scratch, Simulator, Trace, Window,
};

/// Traffic, memory, and what is wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DramOnlineConfig {
    /// The memory: `ddr3-1600`, `ddr4-2400`, `lpddr4-3200`, `hbm2-2000` or `ddr5-4800`.
    pub memory: String,
    /// Requests from one choice to the next: at least 128, as many as may be under way at once, so that no window passes unseen.
    pub window: NonZeroUsize,
    /// Windows of an episode.
    pub windows: NonZeroUsize,
    /// Windows in a row with traffic of one kind, drawn from `stream`, `random`, `mixed` and `sparse`.
    pub phase: NonZeroUsize,
    /// What a window is rewarded for.
    pub objective: OnlineObjective,
}

/// What a window is rewarded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnlineObjective {
    /// Short waits: the mean latency, negative, in units of 100 ns.
    #[default]
    Latency,
    /// Little energy: the energy of a request, negative, in units of 10 nJ.
    Energy,
}

impl Default for DramOnlineConfig {
    fn default() -> Self {
        let number = |number| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        // Ours: windows long enough for a choice to tell, episodes short enough that a learner sees thousands.
        Self {
            memory: DDR3_1600.id.to_owned(),
            window: number(250),
            windows: number(32),
            phase: number(4),
            objective: OnlineObjective::Latency,
        }
    }
}

/// Kinds of traffic of a phase.
const PHASES: [Pattern; 4] = [Pattern::Stream, Pattern::Random, Pattern::Mixed, Pattern::Sparse];

/// What can be chosen: levels of page policy, scheduler, buffer, buffer size and active transactions.
const PAGE_POLICIES: [PagePolicy; 4] =
    [PagePolicy::Open, PagePolicy::OpenAdaptive, PagePolicy::Closed, PagePolicy::ClosedAdaptive];
const SCHEDULERS: [Scheduler; 4] = [
    Scheduler::Fifo,
    Scheduler::FrFcfs,
    Scheduler::FrFcfsGrp,
    Scheduler::WriteDrain { high: NonZeroU32::new(8).expect("8 is not 0"), low: 2 },
];
const BUFFERS: [SchedulerBuffer; 3] =
    [SchedulerBuffer::Bankwise, SchedulerBuffer::ReadWrite, SchedulerBuffer::Shared];
/// Powers of two of the buffer's size, from 1.
const N_SIZES: u32 = 6;
/// Powers of two of active transactions, from 1.
const N_ACTIVE: u32 = 8;

/// Requests that may be under way at once, at most.
const MOST_ACTIVE: usize = 1 << (N_ACTIVE - 1);

/// How many levels each choice has.
pub const ONLINE_LEVELS: [u32; 5] = [4, 4, 3, N_SIZES, N_ACTIVE];

/// Numbers that are seen after a window.
pub const N_ONLINE_OBSERVATIONS: usize = 7;

/// The controller, its memory and its traffic.
#[derive(Debug)]
pub struct DramOnline {
    config: DramOnlineConfig,
    device: DramDevice,
    simulator: Simulator,
    /// The controllers of the windows so far.
    controllers: Vec<Controller>,
    scratch: Scratch,
    windows: Vec<Window>,
}

impl DramOnline {
    /// The controller before the first window of the traffic of seed 0.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no such memory, a window has fewer than 128 requests, or an episode more than a trace may hold.
    pub fn new(config: DramOnlineConfig) -> Result<Self, ConfigError> {
        let device = DramDevice::named(&config.memory)
            .map_err(|unknown| ConfigError::new("memory", unknown.to_string()))?;
        let simulator = Simulator::new(&device, &traffic(&config, &device, Seed::new(0))?);
        let (controllers, windows) = (Vec::new(), Vec::new());
        Ok(Self { config, device, simulator, controllers, scratch: Scratch::new(), windows })
    }

    /// Begins anew, with the traffic of a seed.
    pub fn reset(&mut self, seed: Seed) {
        let trace = traffic(&self.config, &self.device, seed)
            .expect("invariant: traffic of seed 0 could be made, and all have one length");
        self.simulator = Simulator::new(&self.device, &trace);
        self.controllers.clear();
    }

    /// Lets the controller of these levels, each below that of [`ONLINE_LEVELS`], work for a window. Returns what became of it.
    ///
    /// The windows so far are simulated again, so that an episode is a function of its choices.
    pub fn act(&mut self, levels: [u32; 5]) -> Window {
        self.controllers.push(controller(levels));
        self.windows.clear();
        let Self { simulator, config, controllers, scratch, windows, .. } = self;
        simulator.run_windows(controllers, config.window, scratch, windows);
        *self.windows.last().expect("invariant: each controller has a window, and none comes after the last")
    }

    /// What a window is worth.
    pub fn reward(&self, window: &Window) -> f64 {
        match self.config.objective {
            OnlineObjective::Latency => -window.latency_mean_s / 100e-9,
            OnlineObjective::Energy => -window.energy_j / window.n_requests as f64 / 10e-9,
        }
    }

    /// What is seen of a window, each in [0, 1]: mean and maximum of the latency, x / (x + 100 ns) and x / (x + 1 us); share of the peak
    /// bandwidth; share of row hits; share of writes; energy of a request, x / (x + 10 nJ); share of the episode that is over.
    pub fn observation(&self, window: &Window) -> [f32; N_ONLINE_OBSERVATIONS] {
        let n = window.n_requests.max(1) as f64;
        let bytes = n * f64::from(self.device.burst_byte);
        let accesses = (window.reads + window.writes).max(1) as f64;
        let squashed = |value: f64, unit: f64| value / (value + unit);
        [
            squashed(window.latency_mean_s, 100e-9),
            squashed(window.latency_max_s, 1e-6),
            bytes / window.time_s.max(self.device.clock_s) / self.device.peak_byte_per_s(),
            window.row_hits as f64 / accesses,
            window.writes as f64 / accesses,
            squashed(window.energy_j / n, 10e-9),
            self.controllers.len() as f64 / self.config.windows.get() as f64,
        ]
        .map(|value| value.clamp(0.0, 1.0) as f32)
    }

    /// Whether the last window was.
    pub fn is_over(&self) -> bool {
        self.controllers.len() == self.config.windows.get()
    }
}

/// The requests of an episode: phases of one kind of traffic each, one after the other.
fn traffic(config: &DramOnlineConfig, device: &DramDevice, seed: Seed) -> Result<Trace, ConfigError> {
    let (window, windows) = (config.window.get(), config.windows.get());
    if window < MOST_ACTIVE {
        let message =
            format!("{window} requests are fewer than the {MOST_ACTIVE} that may be under way at once");
        return Err(ConfigError::new("window", message));
    }
    if window.checked_mul(windows).is_none_or(|requests| requests > MAX_REQUESTS) {
        let message =
            format!("{windows} windows of {window} requests are more than the {MAX_REQUESTS} of a trace");
        return Err(ConfigError::new("windows", message));
    }
    let mut rng = seed.stream("dram phases");
    let (mut requests, mut clock): (Vec<Request>, u64) = (Vec::new(), 0);
    let error = |error: tapeout_simulators::dram::TraceError| ConfigError::new("window", error.to_string());
    for first in (0..windows).step_by(config.phase.get()) {
        let n = config.phase.get().min(windows - first) * window;
        let kind = PHASES[rng.random_range(0..PHASES.len())];
        let phase_seed = Seed::new(rng.random::<u64>());
        let phase = kind.trace(device, n, phase_seed).map_err(error)?;
        let last = phase.requests().iter().map(|request| request.cycle).max().unwrap_or(0);
        requests.extend(
            phase.requests().iter().map(|request| Request { cycle: request.cycle + clock, ..*request }),
        );
        clock += last + 1;
    }
    Trace::new(requests).map_err(error)
}

/// The controller of levels; what cannot be chosen is as in DRAMSys's defaults.
fn controller([page_policy, scheduler, buffer, size, active]: [u32; 5]) -> Controller {
    let power = |exponent: u32| NonZeroU32::new(1 << exponent).expect("a power of two");
    let most = power(3);
    Controller {
        page_policy: PAGE_POLICIES[page_policy as usize],
        scheduler: SCHEDULERS[scheduler as usize],
        buffer: BUFFERS[buffer as usize],
        buffer_size: power(size),
        responses: ResponseQueue::Reorder,
        refresh: RefreshPolicy::AllBank { max_postponed: most, max_pulled_in: most },
        arbiter: Arbiter::Fifo { max_active: power(active) },
        power_down: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_simulators::dram::Order;

    fn short() -> DramOnlineConfig {
        let number = |number| NonZeroUsize::new(number).unwrap();
        DramOnlineConfig { window: number(128), windows: number(8), phase: number(2), ..Default::default() }
    }

    // Law: a controller that never changes is a run: its windows add up to the time and the accesses of the whole trace, whatever is chosen.
    #[test]
    fn a_choice_that_never_changes_is_a_run() {
        for levels in [[0, 0, 2, 5, 7], [1, 1, 0, 3, 4], [2, 2, 1, 2, 7], [3, 3, 2, 5, 5], [0, 3, 1, 0, 0]] {
            let mut online = DramOnline::new(short()).unwrap();
            online.reset(Seed::new(7));
            let windows: Vec<Window> = (0..8).map(|_| online.act(levels)).collect();
            let trace = traffic(&short(), &DDR3_1600, Seed::new(7)).unwrap();
            let simulator = Simulator::new(&DDR3_1600, &trace);
            let report = simulator.run(&controller(levels), Order::Fast, &mut Scratch::new());
            let time_s: f64 = windows.iter().map(|window| window.time_s).sum();
            assert!((time_s - report.time_s).abs() < 1e-15, "{levels:?}: {time_s} {}", report.time_s);
            let n: usize = windows.iter().map(|window| window.n_requests).sum();
            let mean: f64 =
                windows.iter().map(|w| w.latency_mean_s * w.n_requests as f64).sum::<f64>() / n as f64;
            assert!((mean / report.latency.mean_s - 1.0).abs() < 1e-12, "{levels:?}");
            assert_eq!((n, windows[7].is_last, online.is_over()), (1024, true, true));
            let accesses: u64 = windows.iter().map(|window| window.reads + window.writes).sum();
            assert_eq!(accesses, 1024);
        }
    }

    // Law: what is chosen later changes no window before it, and a change tells: between few transactions and many, whose waits differ.
    #[test]
    fn later_choices_leave_earlier_windows_alone() {
        let play = |last: [u32; 5]| {
            let mut online = DramOnline::new(short()).unwrap();
            online.reset(Seed::new(3));
            let mut windows: Vec<Window> = (0..4).map(|_| online.act([1, 1, 2, 4, 1])).collect();
            windows.extend((0..4).map(|_| online.act(last)));
            windows
        };
        let (one, other) = (play([1, 1, 2, 4, 1]), play([0, 3, 0, 5, 7]));
        assert_eq!(one[..4], other[..4]);
        assert!(one[4..] != other[4..]);
    }

    // Law: whatever is drawn at each step, every request is answered, and what is seen is in [0, 1].
    #[test]
    fn any_choices_answer_every_request() {
        for memory in ["ddr3-1600", "lpddr4-3200", "hbm2-2000"] {
            let mut rng = Seed::new(1).stream("choices");
            for seed in 0..20 {
                let mut online =
                    DramOnline::new(DramOnlineConfig { memory: memory.to_owned(), ..short() }).unwrap();
                online.reset(Seed::new(seed));
                let mut n = 0;
                while !online.is_over() {
                    let window = online.act(ONLINE_LEVELS.map(|levels| rng.random_range(0..levels)));
                    n += window.n_requests;
                    assert!(window.n_requests > 0, "{memory} {seed}");
                    assert!(online.observation(&window).iter().all(|value| (0.0..=1.0).contains(value)));
                    assert!(online.reward(&window) <= 0.0);
                }
                assert_eq!(n, 1024, "{memory}");
            }
        }
    }

    #[test]
    fn episodes_that_cannot_be_played_are_refused_before_they_are_made() {
        let number = |number| NonZeroUsize::new(number).unwrap();
        let refused = |window, windows| {
            let config =
                DramOnlineConfig { window: number(window), windows: number(windows), ..Default::default() };
            DramOnline::new(config).err().unwrap().to_string()
        };
        assert_eq!(
            refused(127, 8),
            "`window`: 127 requests are fewer than the 128 that may be under way at once"
        );
        let most = "requests are more than the 16777214 of a trace";
        assert_eq!(refused(128, 131_072), format!("`windows`: 131072 windows of 128 {most}"));
        assert!(refused(usize::MAX, 2).ends_with(most), "{}", refused(usize::MAX, 2));
    }
}

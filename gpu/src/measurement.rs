//! What a measurement says, and under which circumstances it was made.

use std::fmt;

use serde::{Deserialize, Serialize};
use tapeout_simulators::gpu_gemm::{Gemm, Stage, Tile};

use crate::written::{WrittenGemm, WrittenStage, WrittenTile};

/// What is measured: one product by one kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The product.
    #[serde(with = "WrittenGemm")]
    pub gemm: Gemm,
    /// What computes it.
    pub by: By,
}

/// What computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A kernel of the family.
    Tile(#[serde(with = "WrittenTile")] Tile),
    /// NVIDIA's library, with the algorithm that its heuristic puts first. Baselines only.
    CublasLt,
}

/// How kernels are timed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimingMethod {
    /// Launches before any is timed.
    pub warm_ups: u32,
    /// Launches between two events; a sample is their mean.
    pub launches: u32,
    /// Samples; their median is the time.
    pub samples: u32,
    /// Seconds for which a kernel is repeated to read its energy; 0 if nobody wants to know.
    pub energy_s: f64,
}

impl Default for TimingMethod {
    /// At least 3, 20 and 5 are what makes the median of a kernel of tens of microseconds repeat within a per cent; more
    /// warm-ups let the clocks settle.
    fn default() -> Self {
        Self { warm_ups: 10, launches: 20, samples: 7, energy_s: 0.0 }
    }
}

impl TimingMethod {
    /// The command of a program that measures this way in a process of its own: `measure-worker` and its flags.
    pub fn worker_arguments(&self) -> Vec<String> {
        let flags = [
            ("--warm-ups", self.warm_ups.to_string()),
            ("--launches", self.launches.to_string()),
            ("--samples", self.samples.to_string()),
            ("--energy-s", self.energy_s.to_string()),
        ];
        let flags = flags.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        [Self::WORKER_COMMAND.to_owned()].into_iter().chain(flags).collect()
    }

    /// The command's name.
    pub const WORKER_COMMAND: &str = "measure-worker";
}

/// The device and the software that measurements were made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Whether these are times of a device or of a model that stood in for it.
    pub origin: Origin,
    /// The device's name, as its driver gives it.
    pub device: String,
    /// Ten times the major number plus the minor one.
    pub compute_capability: u32,
    /// The driver's version.
    pub driver: String,
    /// The compiler and its version.
    pub compiler: String,
    /// Highest clock of the multiprocessors that the device may run at; none where nobody could say.
    pub sm_clock_max_hz: Option<f64>,
    /// Highest clock of the memory.
    pub memory_clock_max_hz: Option<f64>,
    /// Power that the device is held to.
    pub power_limit_w: Option<f64>,
    /// How kernels were timed.
    pub method: TimingMethod,
}

/// Where times come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A device ran the kernels.
    Device,
    /// A rehearsal: the analytical model's time, with noise.
    Model,
}

/// A kernel that ran and was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Every sample: the mean time of one launch, as often as the method says.
    pub samples_s: Vec<f64>,
    /// Energy of the device for one launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_j: Option<f64>,
    /// The largest error of the product, as a share of the bound that it was held to.
    pub error_share: f64,
    /// What the compiler said; none of a library's kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiled: Option<Compiled>,
    /// The device while it ran; none where nobody could say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DeviceState>,
}

impl Measured {
    /// The median of the samples; the mean of the middle two of an even number.
    pub fn time_s(&self) -> f64 {
        median(self.samples_s.clone())
    }
}

/// The median of `values`, of which there is at least one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

/// What the compiler said of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiled {
    /// Registers of a thread.
    pub registers: u32,
    /// Bytes spilled, stores and loads.
    pub spill_byte: u32,
}

/// A device at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceState {
    /// Clock of the multiprocessors.
    pub sm_clock_hz: f64,
    /// Clock of the memory.
    pub memory_clock_hz: f64,
    /// Temperature of the die, in degrees Celsius.
    pub temperature_c: f64,
    /// Power of the board.
    pub power_w: f64,
    /// Why clocks are held back, as a set of bits; 0 if they are not.
    /// Source: NVML API reference, "NvmlClocksEventReasons".
    pub throttle: u64,
}

/// Why a kernel has no time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{stage} rule `{rule}`: {reason}")]
pub struct Fault {
    /// When it showed.
    #[serde(with = "WrittenStage")]
    pub stage: Stage,
    /// A short stable name of what went wrong.
    pub rule: FaultRule,
    /// What compiler, driver or comparison said.
    pub reason: String,
}

impl Fault {
    /// A fault.
    pub fn new(stage: Stage, rule: FaultRule, reason: impl fmt::Display) -> Self {
        Self { stage, rule, reason: reason.to_string() }
    }
}

/// What can go wrong with a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultRule {
    /// The compiler or its assembler refused the kernel.
    CompileRefused,
    /// It was not compiled in time.
    CompileTimeLimit,
    /// The driver did not load it.
    ModuleLoad,
    /// The driver did not grant its shared memory.
    SharedMemoryLimit,
    /// The driver did not launch it.
    LaunchRefused,
    /// The product was wrong.
    WrongResult,
    /// It did not end in time.
    RunTimeLimit,
    /// It broke the context of its process: an illegal or misaligned address, for instance.
    StickyError,
    /// The process that measured it died.
    ProcessDied,
    /// The library that was to compute it is missing or refused.
    LibraryRefused,
}

impl FaultRule {
    /// Its name in tables and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CompileRefused => "compile_refused",
            Self::CompileTimeLimit => "compile_time_limit",
            Self::ModuleLoad => "module_load",
            Self::SharedMemoryLimit => "shared_memory_limit",
            Self::LaunchRefused => "launch_refused",
            Self::WrongResult => "wrong_result",
            Self::RunTimeLimit => "run_time_limit",
            Self::StickyError => "sticky_error",
            Self::ProcessDied => "process_died",
            Self::LibraryRefused => "library_refused",
        }
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

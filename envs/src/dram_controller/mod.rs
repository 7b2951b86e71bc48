//! ArchGym's memory controller: ten parameters in front of a DDR3 device.
//!
//! Source: Krishnan et al. (2023), "ArchGym: an open-source gymnasium for machine learning assisted architecture design",
//! doi:10.1145/3579371.3589049. The simulator is [`tapeout_simulators::dram`], which equals DRAMSys 4.

mod layer;
mod optima;
mod space;

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome, Seed,
};
use tapeout_simulators::dram::{
    Controller, DDR3_1600, DramDevice, DramReport, Order, Pattern, RefreshPolicy, Scratch, Simulator, Trace,
    read_trace,
};

pub use optima::{DramOptimum, dram_optima};
pub use space::DramSpace;
use space::{Controllers, Setting, address_maps};

/// Which requests, which space, and what is taken for granted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DramControllerConfig {
    /// A kind of traffic: `stream`, `random`, `cloud`, `mixed` or `sparse`. Not read if `layer` or `trace` is given.
    pub workload: String,
    /// How many requests of it.
    pub requests: usize,
    /// The seed that they are drawn from.
    pub workload_seed: Seed,
    /// A layer of a network, such as `resnet50:layer1.0.conv2`, as the largest published class of the edge accelerator's template
    /// runs it: its first `requests` accesses to DRAM. Not read if `trace` is given.
    pub layer: Option<String>,
    /// A file of requests: DRAMSys's `.stl`, Ramulator's `LD` and `ST`, `address READ|WRITE cycle`, or CSV.
    pub trace: Option<String>,
    /// The memory: `ddr3-1600`, `ddr4-2400`, `lpddr4-3200`, `hbm2-2000` or `ddr5-4800`.
    pub memory: String,
    /// `full`, `powers` or `extended`.
    pub space: DramSpace,
    /// Whether designs without refreshes, which lose data on a real chip, are evaluated like others.
    pub allow_no_refresh: bool,
    /// Order of what happens in one clock: `fast`, or `as-booked`, which equals DRAMSys.
    pub order: Order,
}

impl Default for DramControllerConfig {
    fn default() -> Self {
        Self {
            workload: "cloud".to_owned(),
            // Source: oss-arch-gym 53f745af: the length of its traces.
            requests: 10_000,
            workload_seed: Seed::new(0),
            layer: None,
            trace: None,
            memory: DDR3_1600.id.to_owned(),
            space: DramSpace::Full,
            allow_no_refresh: false,
            order: Order::Fast,
        }
    }
}

/// Controllers whose outcome is remembered. Ours: some 15 MB at most.
const MAX_REMEMBERED: usize = 1 << 16;

/// The controller as an environment.
pub struct DramController {
    controllers: Controllers,
    metrics: Vec<Metric>,
    /// One for each address map.
    simulators: Vec<Simulator>,
    n_requests: usize,
    is_refresh_optional: bool,
    order: Order,
    /// What became of controllers, so that designs that are provably equal are simulated once.
    remembered: Mutex<BTreeMap<Setting, Outcome>>,
    /// Memory of simulations, as many as ran at once.
    scratches: Mutex<Vec<Scratch>>,
}

impl DramController {
    /// The controller and the number of the address map of a design; the same for designs that are provably equal on the trace.
    pub fn setting(&self, design: &Design) -> (Controller, usize) {
        self.controllers.setting(design)
    }

    /// What a controller makes of the trace under an address map, simulated whether it was before or not.
    pub fn simulate(&self, (controller, map): &(Controller, usize)) -> DramReport {
        let scratch = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = scratch.unwrap_or_default();
        let report = self.simulators[*map].run(controller, self.order, &mut scratch);
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        report
    }

    fn outcome(&self, setting: &Setting) -> Outcome {
        let DramReport { time_s, energy, power_w, bandwidth_byte_per_s, latency, counts, refresh_debt } =
            self.simulate(setting);
        Outcome::Measured(vec![
            time_s,
            energy.total_j(),
            power_w,
            bandwidth_byte_per_s,
            latency.mean_s,
            latency.p50_s,
            latency.p99_s,
            latency.max_s,
            counts.row_hits as f64 / self.n_requests as f64,
            counts.refreshes as f64,
            refresh_debt as f64,
            f64::from(self.controllers.n_equal(&setting.0)),
        ])
    }

    /// The rule that a controller without refreshes breaks.
    fn refused(&self, (controller, _): &Setting) -> Option<Outcome> {
        let is_lossy = controller.refresh == RefreshPolicy::NoRefresh && !self.is_refresh_optional;
        is_lossy.then(|| Outcome::infeasible("refresh", 1.0))
    }
}

impl Env for DramController {
    fn space(&self) -> &DesignSpace {
        &self.controllers.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let setting = self.setting(design);
        if let Some(refused) = self.refused(&setting) {
            return Ok(refused);
        }
        let remembered = || self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = remembered().get(&setting) {
            return Ok(outcome.clone());
        }
        let outcome = self.outcome(&setting);
        let mut remembered = remembered();
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(setting, outcome.clone());
        }
        Ok(outcome)
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.refused(&self.setting(design))
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["workload", "requests", "workload_seed", "layer", "trace"]
    }
}

impl BuildEnv for DramController {
    const ID: &'static str = "dram-controller";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "ArchGym's memory controller: ten parameters in front of DDR3, equal to DRAMSys command by command";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["trace", "layer"];
    const DESIGNS: Option<u128> = Some(28_311_552);
    type Config = DramControllerConfig;

    fn build(config: DramControllerConfig) -> Result<Self, ConfigError> {
        let device = DramDevice::named(&config.memory)
            .map_err(|unknown| ConfigError::new("memory", unknown.to_string()))?;
        let trace = trace(&config, &device)?;
        let controllers = Controllers::new(config.space, &device, trace.is_reads_alone())
            .map_err(|error| ConfigError::new("space", error.to_string()))?;
        Ok(Self {
            controllers,
            metrics: metrics(),
            simulators: address_maps(config.space, &device)
                .iter()
                .map(|device| Simulator::new(device, &trace))
                .collect(),
            n_requests: trace.requests().len(),
            is_refresh_optional: config.allow_no_refresh,
            order: config.order,
            remembered: Mutex::new(BTreeMap::new()),
            scratches: Mutex::new(Vec::new()),
        })
    }

    /// Ours: what pulls in different directions. Time and energy hardly do, and the least power is the slowest controller's.
    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![
                Objective::minimize("latency_p99_s"),
                Objective::maximize("bandwidth_byte_per_s"),
                Objective::minimize("energy_j"),
            ],
            constraints: Vec::new(),
        }
    }
}

fn trace(config: &DramControllerConfig, device: &DramDevice) -> Result<Trace, ConfigError> {
    if let Some(path) = &config.trace {
        return trace_file(Path::new(path)).map_err(|message| ConfigError::new("trace", message));
    }
    if let Some(layer) = &config.layer {
        return layer::trace(layer, config.requests, device);
    }
    let pattern = Pattern::named(&config.workload)
        .map_err(|unknown| ConfigError::new("workload", unknown.to_string()))?;
    pattern
        .trace(device, config.requests, config.workload_seed)
        .map_err(|error| ConfigError::new("requests", error.to_string()))
}

/// The trace in a file, or what is wrong with it.
fn trace_file(path: &Path) -> Result<Trace, String> {
    let name = path.display();
    // DRAMSys tells the two apart by the name alone.
    if path.extension().is_some_and(|extension| extension == "rstl") {
        return Err(format!(
            "`{name}`: times relative to the request before cannot be read; expected `.stl`"
        ));
    }
    let file = tapeout_input::open(path).map_err(|error| format!("`{name}`: {error}"))?;
    read_trace(BufReader::new(file)).map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        format!("`{name}`: {error}{cause}")
    })
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("time_s", "s", "from the first clock to the last response"),
        Metric::new("energy_j", "J", "energy of all chips"),
        Metric::new("power_w", "W", "energy over the time that it was spent in"),
        Metric::new("bandwidth_byte_per_s", "byte/s", "bytes of all requests over the time"),
        Metric::new("latency_mean_s", "s", "from a request's admission to its response, the mean"),
        Metric::new("latency_p50_s", "s", "the latency that half of the requests do not exceed"),
        Metric::new("latency_p99_s", "s", "the latency that 99 % of the requests do not exceed"),
        Metric::new("latency_max_s", "s", "the longest latency"),
        Metric::new("row_hit_rate", "", "accesses to a row that another access had used since it was opened"),
        Metric::new("refreshes", "", "refreshes of all banks"),
        Metric::new("refresh_debt", "", "refreshes owed at the end; negative if some were done ahead"),
        Metric::new(
            "equal_designs",
            "",
            "designs of the space that are provably equal to this one, itself included",
        ),
    ]
}

#[cfg(test)]
mod tests;

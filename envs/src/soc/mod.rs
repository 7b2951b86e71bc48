//! Systems on chip for a graph of tasks: blocks, their topology, and where tasks run and keep their data.
//!
//! Source: Boroujerdian et al. (ACM TECS 2023), "FARSI", doi:10.1145/3544016. The model is [`tapeout_simulators::soc`].

mod config;
mod space;

use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
    SpaceError,
};
use tapeout_simulators::soc::{MAX_MEMORY_BYTE, Soc, SocFault, SocWorkload, simulate};

pub use config::SocConfig;
use space::Knobs;

/// Systems for a workload as an environment.
#[derive(Debug)]
pub struct SocDesign {
    space: DesignSpace,
    knobs: Knobs,
    workload: SocWorkload,
    metrics: Vec<Metric>,
}

impl SocDesign {
    /// What runs.
    pub fn workload(&self) -> &SocWorkload {
        &self.workload
    }

    /// The system of `design`.
    pub fn soc(&self, design: &Design) -> Soc {
        self.knobs.read(design, &self.workload)
    }
}

impl Env for SocDesign {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let report = match simulate(&self.workload, &self.soc(design)) {
            Ok(report) => report,
            Err(fault) => return Ok(Outcome::infeasible(fault.rule(), violation(&fault))),
        };
        Ok(Outcome::Measured(vec![
            report.latency_s,
            report.power_w,
            report.area_m2,
            report.energy_j,
            report.memory_area_m2,
            report.window_power_w,
        ]))
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["workload"]
    }
}

/// What a memory lacks over what it has, and 1 for what is only there or not.
fn violation(fault: &SocFault) -> f64 {
    match fault {
        SocFault::MemorySize { byte, .. } => byte / MAX_MEMORY_BYTE - 1.0,
        _ => 1.0,
    }
}

impl BuildEnv for SocDesign {
    const ID: &'static str = "soc";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "systems on chip for a graph of tasks: cores, accelerators, buses, memories, topology and mapping, FARSI's workloads";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["workload"];
    const DESIGNS: Option<u128> = Some(21_859_115_597_386_965_319_680_000_000);
    type Config = SocConfig;

    fn build(config: SocConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let workload = config.workload()?;
        let space = space::space(&config, &workload).map_err(|error| match error {
            SpaceError::TooLarge => {
                let message = format!("{error}; lower `cores`, `buses` or `memories`, or take fewer tasks");
                ConfigError::new("workload", message)
            }
            other => other.into(),
        })?;
        let knobs = Knobs::of(&space, &config, &workload)?;
        Ok(Self { space, knobs, workload, metrics: metrics() })
    }

    fn default_goal(&self) -> Goal {
        let constraints = self.workload.budget().map_or_else(Vec::new, |budget| {
            vec![
                Constraint::at_most("latency_s", budget.latency_s),
                Constraint::at_most("power_w", budget.power_w),
                Constraint::at_most("area_m2", budget.area_m2),
            ]
        });
        Goal { objectives: vec![Objective::minimize("area_m2")], constraints }
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("latency_s", "s", "when the last task has ended"),
        Metric::new("power_w", "W", "the largest mean power of a window as FARSI cuts them"),
        Metric::new("area_m2", "m2", "area of all blocks that are used"),
        Metric::new("energy_j", "J", "energy of all blocks"),
        Metric::new("memory_area_m2", "m2", "the part of the area that is memories"),
        Metric::new("window_power_w", "W", "the largest mean power of any 10 ms, or of a shorter run"),
    ]
}

#[cfg(test)]
mod tests;

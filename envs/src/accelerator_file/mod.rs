//! Accelerators of one's own: an architecture file whose numbers are parameters and expressions, as an environment.
//!
//! The file and the cost of a design are [`tapeout_simulators::accelerator_file`]; here it becomes a space.

mod config;
mod space;

use tapeout_core::breakdown::Breakdown;
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
    Seed, Value,
};
use tapeout_simulators::accelerator_file::{
    AcceleratorFile, BuiltAccelerator, FileWorkload, Unbuildable, Unrunnable,
};
use tapeout_simulators::network_cost::NetworkCost;

use crate::accelerator::{ByNetwork, breakdown, features, mapping_gap, weighted};
pub use config::AcceleratorFileConfig;

/// Designs that are built to see whether a file makes sense. Ours: enough to find one of a few per cent that can be built.
const TRIED: usize = 200;

/// The designs of an architecture file.
pub struct AcceleratorFileEnv {
    space: DesignSpace,
    metrics: Vec<Metric>,
    context: Vec<ContextFeature>,
    by_network: ByNetwork,
    file: AcceleratorFile,
    workload: FileWorkload,
}

impl AcceleratorFileEnv {
    /// What a design builds, or the infeasible outcome.
    fn chip(&self, design: &Design) -> Result<BuiltAccelerator, Outcome> {
        self.file.build(&self.settings(design)).map_err(|broken| outcome(&broken))
    }

    fn settings(&self, design: &Design) -> Vec<Value> {
        self.space.values(design).map(|(_, value)| value).collect()
    }

    fn run(&self, chip: &BuiltAccelerator) -> Result<Result<NetworkCost, Outcome>, EvalError> {
        match self.file.run(chip, &self.workload) {
            Ok(cost) => Ok(Ok(cost)),
            Err(Unrunnable::Infeasible(broken)) => Ok(Err(outcome(&broken))),
            Err(error @ Unrunnable::Mapping(_)) => {
                Err(EvalError::caused_by("the file fits no mapping", error))
            }
        }
    }

    /// Fails if a number of the file is none in any of many designs, which is the file's fault and not theirs.
    fn check(&self) -> Result<(), ConfigError> {
        let mut draw = Seed::new(0).stream("designs that are tried");
        let first = self.space.unrank(0);
        let drawn = (1..TRIED).map(|_| self.space.sample(&mut draw));
        let mut fault = None;
        for design in std::iter::once(first).chain(drawn) {
            match self.file.build(&self.settings(&design)) {
                Err(why) if why.is_malformed => fault.get_or_insert(why),
                _ => return Ok(()),
            };
        }
        let why = fault.map_or_else(String::new, |why| why.to_string());
        let message = format!("none of {TRIED} designs can be built; the first breaks {why}");
        Err(ConfigError::new("architecture", message))
    }
}

impl Env for AcceleratorFileEnv {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let chip = match self.chip(design) {
            Ok(chip) => chip,
            Err(broken) => return Ok(broken),
        };
        let cost = match self.run(&chip)? {
            Ok(cost) => cost,
            Err(broken) => return Ok(broken),
        };
        let latency_s = cost.latency_s(chip.clock_hz());
        let energy_j = cost.energy_j();
        let mut metrics = vec![latency_s, energy_j, energy_j * latency_s, chip.area_m2()];
        metrics.extend([cost.utilization(), cost.mapping_gap()]);
        metrics.extend(self.by_network.values(&cost, chip.clock_hz()));
        Ok(Outcome::Measured(metrics))
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.chip(design).err()
    }

    fn breakdown(&self, design: &Design) -> Result<Option<Breakdown>, EvalError> {
        let Ok(chip) = self.chip(design) else { return Ok(None) };
        let Ok(cost) = self.run(&chip)? else { return Ok(None) };
        let outside: Vec<_> = chip.outside().iter().map(|part| (part.name.clone(), part.area_m2)).collect();
        Ok(Some(breakdown(&cost, chip.clock_hz(), &self.by_network, &outside)))
    }

    fn enforced(&self) -> Vec<Constraint> {
        self.file.area_limit_m2().into_iter().map(|limit| Constraint::at_most("area_m2", limit)).collect()
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["networks", "weights", "batch"]
    }

    fn context(&self) -> Vec<ContextFeature> {
        self.context.clone()
    }
}

impl BuildEnv for AcceleratorFileEnv {
    const ID: &'static str = "accelerator";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str =
        "an accelerator of your own: an architecture file with parameters and expressions, on real networks";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["architecture", "networks"];
    const DESIGNS: Option<u128> = Some(452_760_000);
    type Config = AcceleratorFileConfig;

    fn build(config: AcceleratorFileConfig) -> Result<Self, ConfigError> {
        let workload = weighted(&config.networks, &config.weights, config.batch)?;
        let file = config.file()?;
        let space = space::of(&file)?;
        let by_network = ByNetwork::of(&workload);
        let env = Self {
            metrics: metrics().into_iter().chain(by_network.metrics()).collect(),
            context: features(&workload),
            by_network,
            workload: FileWorkload::new(&file, &workload),
            space,
            file,
        };
        env.check()?;
        Ok(env)
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::minimize("energy_j")],
            constraints: Vec::new(),
        }
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new(
            "latency_s",
            "s",
            "time of all layers, one after the other; a weighted sum over the networks",
        ),
        Metric::new("energy_j", "J", "energy of what the file prices, leakage included; a weighted sum"),
        Metric::new("energy_delay_js", "J s", "energy times latency"),
        Metric::new("area_m2", "m2", "area of what the file prices"),
        Metric::new("utilization", "", "multiply-accumulates over what the chip could do in that time"),
        mapping_gap(),
    ]
}

fn outcome(Unbuildable { rule, violation, .. }: &Unbuildable) -> Outcome {
    Outcome::infeasible(rule, *violation)
}

#[cfg(test)]
mod tests;

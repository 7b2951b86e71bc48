//! Where in a scratchpad each buffer goes, so that the memory is as low as can be.
//!
//! Source: Moffitt (2023), "MiniMalloc", doi:10.1145/3623278.3624752, for the instances and for placing from the bottom up.
//! The model is [`tapeout_simulators::scratchpad`].

mod config;
mod space;

use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_simulators::scratchpad::Buffers;

pub use config::{Overflow, PlacementDesigns, ScratchpadConfig};
use space::{Knobs, MAX_ORDERED, Rules};

/// Placing buffers as an environment.
#[derive(Debug)]
pub struct Scratchpad {
    space: DesignSpace,
    knobs: Knobs,
    buffers: Buffers,
    metrics: Vec<Metric>,
    config: ScratchpadConfig,
}

impl Scratchpad {
    /// What is placed.
    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Where `design` puts each buffer, shape `[n]`.
    pub fn offsets_byte(&self, design: &Design) -> Vec<u64> {
        self.knobs.offsets(design, &self.buffers)
    }
}

impl Env for Scratchpad {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let height_byte = self.buffers.height_byte(&self.offsets_byte(design));
        let height_byte =
            height_byte.map_err(|error| EvalError::caused_by("the allocation is none", error))?;
        let capacity_byte = self.config.capacity_byte;
        let ratio = height_byte as f64 / capacity_byte as f64;
        if self.config.overflow == Overflow::Refused && height_byte > capacity_byte {
            return Ok(Outcome::infeasible("capacity", ratio - 1.0));
        }
        let beyond_byte = height_byte.saturating_sub(capacity_byte);
        Ok(Outcome::Measured(vec![height_byte as f64, ratio, beyond_byte as f64]))
    }

    fn enforced(&self) -> Vec<Constraint> {
        match self.config.overflow {
            Overflow::Measured => Vec::new(),
            Overflow::Refused => vec![Constraint::at_most("height_byte", self.config.capacity_byte as f64)],
        }
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["instance", "network", "layers", "tokens"]
    }
}

impl BuildEnv for Scratchpad {
    const ID: &'static str = "scratchpad";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "offsets of buffers with lifetimes in one memory: rules or orders that place them, MiniMalloc's instances";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["instance"];
    const DESIGNS: Option<u128> = Some(5_355_545_334_472_872_250_000);
    type Config = ScratchpadConfig;

    fn build(config: ScratchpadConfig) -> Result<Self, ConfigError> {
        let buffers = config.buffers()?;
        let (space, knobs) = match config.designs {
            PlacementDesigns::Rules => {
                let (space, rules) = Rules::new(&buffers)?;
                (space, Knobs::Rules(rules))
            }
            PlacementDesigns::Orders => {
                let n = buffers.buffers().len();
                if !(2..=MAX_ORDERED).contains(&n) {
                    let message =
                        format!("`orders` needs 2 to {MAX_ORDERED} buffers; there are {n}: use `rules`");
                    return Err(ConfigError::new("designs", message));
                }
                Knobs::orders(&buffers)?
            }
        };
        Ok(Self { space, knobs, buffers, metrics: metrics(), config })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("height_byte")], constraints: Vec::new() }
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("height_byte", "byte", "the highest end of a buffer"),
        Metric::new("height_over_capacity", "", "that over what the memory holds"),
        Metric::new("beyond_byte", "byte", "how much more than the memory holds is needed"),
    ]
}

#[cfg(test)]
mod tests;

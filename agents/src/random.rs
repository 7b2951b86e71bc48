//! Random search: designs drawn uniformly from the legal ones, without repetition.
//!
//! Source: Bergstra & Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13:281-305.
//! Departs from it: a design is not drawn twice.

use serde::{Deserialize, Serialize};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

use crate::parts::seen::Seen;

/// Draws designs; learns nothing but what it drew.
pub struct Random {
    seen: Seen,
    rng: Stream,
}

/// Random search has no hyperparameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomConfig {}

impl Agent for Random {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        Ok((0..count).map(|_| self.seen.draw(&mut self.rng)).collect())
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        Ok(())
    }
}

impl BuildAgent for Random {
    const ID: &'static str = "random";
    const SUMMARY: &'static str = "Uniform draws from the legal designs, none twice";
    const DESCRIPTION: &'static str = include_str!("random.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = RandomConfig;

    fn build(problem: &Problem, _: RandomConfig, seed: Seed) -> Result<Self, ConfigError> {
        Ok(Self { seen: Seen::new(problem.space()), rng: seed.stream("random") })
    }
}

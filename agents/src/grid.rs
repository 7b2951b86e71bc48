//! Exhaustive search: every legal design once, in the order of the space's enumeration.

use serde::{Deserialize, Serialize};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Problem, Seed, Trial,
};

/// Counts through the ranks of a space.
pub struct Grid {
    space: DesignSpace,
    next_rank: u128,
}

/// The grid has no hyperparameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GridConfig {}

impl Agent for Grid {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let end = self.space.cardinality().min(self.next_rank.saturating_add(count as u128));
        let designs = (self.next_rank..end).map(|rank| self.space.unrank(rank)).collect();
        self.next_rank = end;
        Ok(designs)
    }

    fn observe(&mut self, _: &[Trial]) -> Result<(), AgentError> {
        Ok(()) // nothing that is seen changes the order
    }
}

impl BuildAgent for Grid {
    const ID: &'static str = "grid";
    const SUMMARY: &'static str = "Every legal design once, in order; then finished";
    const DESCRIPTION: &'static str = include_str!("grid.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = GridConfig;

    fn build(problem: &Problem, _: GridConfig, _: Seed) -> Result<Self, ConfigError> {
        Ok(Self { space: problem.space().clone(), next_rank: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    #[test]
    fn every_legal_design_comes_once_and_then_none() {
        let toy = Toy::tied();
        let mut grid = Grid::build(&toy.problem(), GridConfig {}, Seed::new(0)).unwrap();
        let mut proposed = Vec::new();
        loop {
            let designs = grid.suggest(5).unwrap();
            if designs.is_empty() {
                break;
            }
            proposed.extend(designs);
        }
        assert_eq!(proposed, toy.space().iter().collect::<Vec<_>>());
        assert!(grid.suggest(5).unwrap().is_empty());
    }
}

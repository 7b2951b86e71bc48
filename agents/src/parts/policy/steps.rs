//! The decisions that make designs, laid out for learning.

use tapeout_core::{Design, DesignSpace, Episode};

/// Every decision of some designs, in the order taken. `n` decisions.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// What could be seen, shape `[n][inputs]`: [`Episode::observe`].
    observations: Vec<f32>,
    n_inputs: usize,
    decisions: Vec<Decision>,
}

/// One parameter decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Which of the designs it belongs to.
    pub design: usize,
    /// The parameter that was decided.
    pub parameter: usize,
    /// The levels that could be chosen.
    pub allowed: Allowed,
    /// Which of these was chosen.
    pub chosen: usize,
}

/// The levels that can be chosen for a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowed {
    /// The levels, increasing, shape `[choices]`.
    pub levels: Vec<u32>,
    /// ln of the share of the legal designs that each leads to, shape `[choices]`. A policy adds them to its logits, so that
    /// before it has learned anything it draws every legal design alike, and not every level.
    pub log_shares: Vec<f32>,
}

impl Allowed {
    /// The levels that can be chosen now.
    pub fn now(episode: &Episode<'_>) -> Self {
        let log_shares = episode.shares().into_iter().map(|share| share.ln() as f32).collect();
        Self { levels: episode.allowed(), log_shares }
    }
}

impl Steps {
    /// The decisions that lead to each of `designs`.
    pub fn of<'a>(space: &DesignSpace, designs: impl Iterator<Item = &'a Design>) -> Self {
        let n_inputs = Episode::observation_len(space);
        let mut steps = Self { n_inputs, ..Self::default() };
        for (index, design) in designs.enumerate() {
            let mut episode = Episode::new(space);
            while let Some(parameter) = episode.parameter() {
                let start = steps.observations.len();
                steps.observations.resize(start + n_inputs, 0.0);
                episode.observe(&mut steps.observations[start..]);
                let (allowed, level) = (Allowed::now(&episode), design.levels()[parameter]);
                let chosen = allowed.levels.binary_search(&level).expect("a design is legal in its space");
                steps.decisions.push(Decision { design: index, parameter, allowed, chosen });
                episode.choose(level);
            }
        }
        steps
    }

    /// The decisions, design by design.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// What could be seen before each of the decisions at `indices`, shape `[n indices][inputs]`.
    pub fn observations(&self, indices: &[usize]) -> Vec<f32> {
        let row = |&index: &usize| &self.observations[index * self.n_inputs..(index + 1) * self.n_inputs];
        indices.iter().flat_map(row).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    #[test]
    fn choosing_what_was_chosen_makes_the_design_again() {
        let toy = Toy::tied();
        let designs: Vec<Design> = toy.space().iter().collect();
        let steps = Steps::of(toy.space(), designs.iter());
        assert_eq!(steps.decisions().len(), designs.len() * toy.space().n_parameters());
        for (index, design) in designs.iter().enumerate() {
            let mut episode = Episode::new(toy.space());
            for decision in steps.decisions().iter().filter(|decision| decision.design == index) {
                assert_eq!(episode.parameter(), Some(decision.parameter));
                episode.choose(decision.allowed.levels[decision.chosen]);
            }
            assert_eq!(episode.design().as_ref(), Some(design));
        }
    }
}

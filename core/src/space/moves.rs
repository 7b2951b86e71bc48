//! Steps from one legal design to another.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::block::Block;
use super::{Design, DesignSpace};

/// Which designs count as neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Neighbourhood {
    /// One parameter differs, in any way.
    Hamming,
    /// One parameter differs, by one level if its levels have an order.
    Adjacent,
}

impl DesignSpace {
    /// The legal designs that differ from `design` in one parameter.
    pub fn neighbours(&self, design: &Design, neighbourhood: Neighbourhood) -> Vec<Design> {
        let mut found = Vec::new();
        for index in 0..self.n_parameters() {
            let level = design.0[index];
            let is_adjacent_only =
                neighbourhood == Neighbourhood::Adjacent && !self.inner.parameters[index].is_categorical();
            let is_near = |&other: &u32| other != level && (!is_adjacent_only || other.abs_diff(level) == 1);
            let candidates = (0..self.inner.parameters[index].n_levels()).filter(is_near);
            found.extend(candidates.filter_map(|other| self.with_level(design, index, other)));
        }
        found
    }

    /// `design` with one parameter at another level, if that is legal.
    pub fn with_level(&self, design: &Design, parameter: usize, level: u32) -> Option<Design> {
        let mut levels = design.0.clone();
        levels[parameter] = level;
        self.is_legal(&levels).then_some(Design(levels))
    }

    /// A legal design one random step from `design`: another level of a random parameter.
    ///
    /// Where the rules leave no such step, the design keeps a random prefix of the decision order and the rest is
    /// drawn anew. Returns `design` itself only if it is alone in its space.
    pub fn mutate(&self, design: &Design, rng: &mut impl Rng) -> Design {
        let n = self.n_parameters();
        let start = rng.random_range(0..n as u32) as usize;
        for index in (0..n).map(|offset| (start + offset) % n) {
            let mut levels = design.0.clone();
            let mut is_step = |&level: &u32| {
                levels[index] = level;
                level != design.0[index] && self.is_legal(&levels)
            };
            let steps: Vec<u32> =
                (0..self.inner.parameters[index].n_levels()).filter(|level| is_step(level)).collect();
            if !steps.is_empty() {
                levels[index] = steps[rng.random_range(0..steps.len() as u32) as usize];
                return Design(levels);
            }
        }
        self.redraw_tail(design, rng)
    }

    fn redraw_tail(&self, design: &Design, rng: &mut impl Rng) -> Design {
        if self.inner.cardinality == 1 {
            return design.clone();
        }
        let n = self.n_parameters() as u32;
        let mut kept = rng.random_range(0..n);
        loop {
            let mut walk = self.walk();
            for _ in 0..kept {
                let parameter = walk.parameter().expect("fewer steps than parameters");
                walk.choose(design.0[parameter]);
            }
            let drawn = walk.finish(rng);
            if drawn != *design {
                return drawn;
            }
            kept = kept.saturating_sub(1); // a shorter prefix leaves more designs to draw from
        }
    }

    /// The legal design that keeps to `levels` as closely as one pass over the decision order allows.
    ///
    /// Levels beyond the last are taken as the last. Crossover, rounding and any other arithmetic on levels ends here.
    ///
    /// # Panics
    /// Unless there is a level for each parameter.
    pub fn repair(&self, levels: &[u32]) -> Design {
        assert_eq!(levels.len(), self.n_parameters(), "a design has a level for each parameter");
        let clamped = levels
            .iter()
            .zip(&self.inner.parameters)
            .map(|(&level, parameter)| level.min(parameter.n_levels() - 1));
        let mut levels: Vec<u32> = clamped.collect();
        for block in &self.inner.blocks {
            if let Block::Tied(diagram) = block
                && diagram.rank(&levels).is_none()
            {
                diagram.repair(&self.inner.parameters, &mut levels);
            }
        }
        Design(levels.into())
    }
}

//! A problem as a Markov decision process: one parameter a step, and the design is judged at the end.
//!
//! Reinforcement learners and the Gymnasium view are both built on this. Steps follow the space's decision order, and
//! only levels from which a legal design can be reached are allowed, so every episode ends in a legal design and every
//! legal design can be reached.

use crate::encoding::unit;
use crate::space::{Design, DesignSpace, Walk};

/// One pass through the decisions of a space.
#[derive(Clone)]
pub struct Episode<'a> {
    space: &'a DesignSpace,
    walk: Walk<'a>,
    chosen: Vec<Option<u32>>,
}

impl<'a> Episode<'a> {
    /// An episode in which nothing is decided yet.
    pub fn new(space: &'a DesignSpace) -> Self {
        Self { space, walk: space.walk(), chosen: vec![None; space.n_parameters()] }
    }

    /// The parameter to decide now; none at the end.
    pub fn parameter(&self) -> Option<usize> {
        self.walk.parameter()
    }

    /// The levels that can be chosen now, increasing.
    pub fn allowed(&self) -> Vec<u32> {
        self.walk.allowed()
    }

    /// The share of the designs still possible that each of the allowed levels leads to: [`Walk::shares`].
    pub fn shares(&self) -> Vec<f64> {
        self.walk.shares()
    }

    /// Whether `level` can be chosen now.
    pub fn allows(&self, level: u32) -> bool {
        self.walk.allows(level)
    }

    /// Decides the parameter at hand.
    ///
    /// # Panics
    /// If the level is not [allowed](Episode::allows).
    pub fn choose(&mut self, level: u32) {
        let parameter = self.walk.parameter().expect("an episode that is over takes no more steps");
        self.walk.choose(level);
        self.chosen[parameter] = Some(level);
    }

    /// The design, at the end.
    pub fn design(&self) -> Option<Design> {
        self.walk.design()
    }

    /// The level of each parameter decided so far, shape `[d]` for `d` parameters.
    pub fn chosen(&self) -> &[Option<u32>] {
        &self.chosen
    }

    /// The length of an observation: [`Episode::observe`].
    pub fn observation_len(space: &DesignSpace) -> usize {
        3 * space.n_parameters()
    }

    /// Writes what can be seen, three numbers in [0, 1] for each parameter: its level in the unit cube (0 if open),
    /// whether it is decided, whether it is to be decided now. Shape `[3 d]` for `d` parameters.
    ///
    /// # Panics
    /// If `row` has another length.
    pub fn observe(&self, row: &mut [f32]) {
        assert_eq!(
            row.len(),
            Self::observation_len(self.space),
            "a row has three entries for each parameter"
        );
        let now = self.parameter();
        for (index, columns) in row.chunks_exact_mut(3).enumerate() {
            let level = self.chosen[index];
            let n_levels = self.space.parameters()[index].n_levels();
            columns[0] = level.map_or(0.0, |level| unit(level, n_levels) as f32);
            columns[1] = f32::from(u8::from(level.is_some()));
            columns[2] = f32::from(u8::from(now == Some(index)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::toy::Toy;
    use crate::env::Env;
    use crate::parameter::Parameter;
    use crate::rule::Rule;

    fn space() -> DesignSpace {
        let tied = Rule::new("b_divides_a", "a % b == 0", &["a", "b"], |v| v.int("a") % v.int("b") == 0);
        DesignSpace::new(vec![Parameter::ordinal("a", [4, 6]), Parameter::ordinal("b", [3, 4])], vec![tied])
            .unwrap()
    }

    /// a = 4 leaves b = 4 only; a = 6 leaves b = 3 only.
    #[test]
    fn only_levels_that_lead_somewhere_are_allowed() {
        let space = space();
        let mut episode = Episode::new(&space);
        assert_eq!(episode.parameter(), Some(0));
        episode.choose(0);
        assert_eq!(episode.allowed(), [1]);
        let mut seen = [0.0; 6];
        episode.observe(&mut seen);
        assert_eq!(seen, [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        episode.choose(1);
        assert_eq!(episode.design(), Some(space.design(&[0, 1]).unwrap()));
    }

    /// Law: the shares along the way to a design multiply to one over the number of designs, whichever it is.
    #[test]
    fn shares_make_all_designs_equally_likely() {
        for toy in [Toy::tied(), Toy::bowl()] {
            let space = toy.space();
            for rank in 0..37 {
                let design = space.unrank(rank);
                let (mut episode, mut p) = (Episode::new(space), 1.0);
                while let Some(parameter) = episode.parameter() {
                    let level = design.levels()[parameter];
                    let place = episode.allowed().iter().position(|&allowed| allowed == level).unwrap();
                    p *= episode.shares()[place];
                    episode.choose(level);
                }
                assert!((p * space.cardinality() as f64 - 1.0).abs() < 1e-9, "{rank}: {p}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "cannot be chosen")]
    fn an_illegal_choice_is_a_bug() {
        let space = space();
        let mut episode = Episode::new(&space);
        episode.choose(0);
        episode.choose(0);
    }
}

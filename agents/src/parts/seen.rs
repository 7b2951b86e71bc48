//! The designs an agent knows of, and how to get one it does not.
//!
//! An evaluation tells nothing new of a design that was evaluated before, so agents propose such a design only when
//! there is no other left. Then they do repeat: a noisy environment may answer differently.

use tapeout_core::{Design, DesignIndex, DesignSpace, Stream, Trial};

/// How often a search operator may come up with known designs before a random one is drawn in its place.
/// Enough to leave a converged population of a few dozen; a dozen microseconds at worst.
const MAX_TRIES: usize = 16;

/// Every design that was proposed or observed.
#[derive(Debug, Clone)]
pub struct Seen {
    space: DesignSpace,
    designs: DesignIndex,
}

impl Seen {
    /// Nothing of `space` is known yet.
    pub fn new(space: &DesignSpace) -> Self {
        Self { space: space.clone(), designs: DesignIndex::new(space) }
    }

    /// The space.
    pub fn space(&self) -> &DesignSpace {
        &self.space
    }

    /// Whether the design is known.
    pub fn contains(&self, design: &Design) -> bool {
        self.designs.find(design).is_some()
    }

    /// Whether every design of the space is known.
    pub fn is_complete(&self) -> bool {
        self.designs.len() as u128 >= self.space.cardinality()
    }

    /// Takes note of a design; returns whether it is new.
    pub fn insert(&mut self, design: &Design) -> bool {
        self.designs.insert(design)
    }

    /// Takes note of the designs of `trials`; to be called first thing in `observe`.
    pub fn observe(&mut self, trials: &[Trial]) {
        for trial in trials {
            self.insert(&trial.design);
        }
    }

    /// A design drawn uniformly from those not known, which then is known; from all if none is left.
    pub fn draw(&mut self, rng: &mut Stream) -> Design {
        let is_complete = self.is_complete();
        loop {
            let design = self.space.sample(rng);
            if self.insert(&design) || is_complete {
                return design;
            }
        }
    }

    /// Random designs for the free places of a population of `capacity`, at most `count`; `count` of them while it has no member
    /// to make others of.
    pub fn draw_members(
        &mut self,
        n_members: usize,
        capacity: usize,
        count: usize,
        rng: &mut Stream,
    ) -> Vec<Design> {
        let n_free = if n_members == 0 { count } else { capacity.saturating_sub(n_members) };
        (0..n_free.min(count)).map(|_| self.draw(rng)).collect()
    }

    /// The first new design out of a few that `make` makes; a [random](Seen::draw) one if all of them were known.
    /// It then is known. Once every design is, whatever `make` makes.
    pub fn propose(
        &mut self,
        rng: &mut Stream,
        mut make: impl FnMut(&DesignSpace, &mut Stream) -> Design,
    ) -> Design {
        if self.is_complete() {
            return make(&self.space, rng);
        }
        for _ in 0..MAX_TRIES {
            let design = make(&self.space, rng);
            if self.insert(&design) {
                return design;
            }
        }
        self.draw(rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    #[test]
    fn draws_do_not_repeat_until_every_design_is_known() {
        let toy = Toy::tied();
        let mut seen = Seen::new(toy.space());
        let mut rng = Seed::new(0).stream("test");
        let mut drawn: Vec<Design> = Vec::new();
        while !seen.is_complete() {
            drawn.push(seen.draw(&mut rng));
        }
        assert_eq!(drawn.len() as u128, toy.space().cardinality());
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len() as u128, toy.space().cardinality());
        assert!(seen.contains(&seen.clone().draw(&mut rng)));
    }

    /// Ten wanted for a population of four: all ten while it is empty, one for its last place, none once it is full.
    #[test]
    fn free_places_are_filled_at_random() {
        let toy = Toy::bowl();
        let mut seen = Seen::new(toy.space());
        let mut rng = Seed::new(0).stream("test");
        let n_drawn = [0, 3, 4, 5].map(|n_members| seen.draw_members(n_members, 4, 10, &mut rng).len());
        assert_eq!(n_drawn, [10, 1, 0, 0]);
        assert_eq!(seen.draw_members(1, 4, 2, &mut rng).len(), 2);
    }

    #[test]
    fn an_operator_that_makes_only_what_is_known_is_replaced_by_a_draw() {
        let toy = Toy::bowl();
        let mut seen = Seen::new(toy.space());
        let mut rng = Seed::new(0).stream("test");
        let first = toy.space().unrank(0);
        assert_eq!(seen.propose(&mut rng, |space, _| space.unrank(0)), first);
        assert_ne!(seen.propose(&mut rng, |space, _| space.unrank(0)), first);
    }

    #[test]
    fn a_space_that_is_known_whole_can_still_be_proposed_from() {
        let toy = Toy::single();
        let mut seen = Seen::new(toy.space());
        let mut rng = Seed::new(0).stream("test");
        for _ in 0..3 {
            assert_eq!(seen.propose(&mut rng, DesignSpace::sample), toy.space().unrank(0));
        }
    }
}

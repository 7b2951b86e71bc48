//! Actors that take turns in one episode.

use std::collections::BTreeMap;

use tapeout_core::{Design, DesignSpace, Episode, Stream};

use super::actor::Actor;
use super::categorical::Categorical;
use super::steps::{Allowed, Steps};

/// Actors, each deciding its parameters when their turn comes.
pub struct Team {
    actors: Vec<Actor>,
    actor_by_parameter: Vec<usize>,
    /// The levels that can be drawn after those decided so far, and how likely each is. Designs proposed between two lessons begin alike, and the more so
    /// the more has been learned: most decisions need no network.
    known: BTreeMap<Vec<u32>, (Vec<u32>, Categorical)>,
}

impl Team {
    /// One actor for each of `groups` of parameters, which hold each parameter once; `actor` makes it.
    pub fn new(space: &DesignSpace, groups: &[Vec<usize>], actor: impl FnMut(&Vec<usize>) -> Actor) -> Self {
        let mut actor_by_parameter = vec![0; space.n_parameters()];
        for (index, group) in groups.iter().enumerate() {
            group.iter().for_each(|&parameter| actor_by_parameter[parameter] = index);
        }
        Self { actors: groups.iter().map(actor).collect(), actor_by_parameter, known: BTreeMap::new() }
    }

    /// An actor.
    pub fn actor(&self, index: usize) -> &Actor {
        &self.actors[index]
    }

    /// An actor, to be taught.
    pub fn actor_mut(&mut self, index: usize) -> &mut Actor {
        self.known.clear();
        &mut self.actors[index]
    }

    /// A design as the actors make it.
    pub fn sample(&mut self, space: &DesignSpace, rng: &mut Stream) -> Design {
        let mut episode = Episode::new(space);
        let mut observation = vec![0.0; Episode::observation_len(space)];
        let mut decided = Vec::with_capacity(space.n_parameters());
        while let Some(parameter) = episode.parameter() {
            if !self.known.contains_key(&decided) {
                episode.observe(&mut observation);
                let allowed = Allowed::now(&episode);
                let actor = &self.actors[self.actor_by_parameter[parameter]];
                let distribution = actor.distribution(&observation, parameter, &allowed);
                self.known.insert(decided.clone(), (allowed.levels, distribution));
            }
            let (levels, distribution) = &self.known[&decided];
            let level = levels[distribution.sample(rng)];
            episode.choose(level);
            decided.push(level);
        }
        episode.design().expect("an episode that is over has a design")
    }

    /// The decisions of each actor, in the order taken; shape `[actors][]`.
    pub fn rows_by_actor(&self, steps: &Steps) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.actors.len()];
        for (row, decision) in steps.decisions().iter().enumerate() {
            rows[self.actor_by_parameter[decision.parameter]].push(row);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    fn team(space: &DesignSpace, groups: &[Vec<usize>]) -> Team {
        let mut weights = Seed::new(0).stream("weights");
        Team::new(space, groups, |group| Actor::new(space, group, &[8], 0.1, &mut weights))
    }

    /// Teaches the actors that decide something in `design` to make it, by one large step each.
    fn teach(team: &mut Team, space: &DesignSpace, design: &Design) {
        let steps = Steps::of(space, std::iter::once(design));
        for (index, rows) in team.rows_by_actor(&steps).into_iter().enumerate() {
            let decisions: Vec<_> = rows.iter().map(|&row| &steps.decisions()[row]).collect();
            team.actor_mut(index).learn(&steps.observations(&rows), &decisions, |at, distribution| {
                distribution.log_p_gradient(decisions[at].chosen).map(|slope| -slope).collect()
            });
        }
    }

    fn probability(team: &Team, space: &DesignSpace, design: &Design) -> f32 {
        let steps = Steps::of(space, std::iter::once(design));
        let mut log_p = 0.0;
        for (index, rows) in team.rows_by_actor(&steps).into_iter().enumerate() {
            let decisions: Vec<_> = rows.iter().map(|&row| &steps.decisions()[row]).collect();
            let distributions = team.actor(index).distributions(&steps.observations(&rows), &decisions);
            let pairs = distributions.iter().zip(&decisions);
            log_p += pairs.map(|(distribution, decision)| distribution.log_p(decision.chosen)).sum::<f32>();
        }
        log_p.exp()
    }

    /// Law: one actor or many, taught or not, every legal design can be made, and nothing else can.
    #[test]
    fn the_legal_designs_share_all_the_probability() {
        let toy = Toy::tied();
        let space = toy.space();
        for groups in [vec![vec![0, 1, 2, 3, 4]], vec![vec![4, 0], vec![1], vec![2, 3]]] {
            let mut team = team(space, &groups);
            teach(&mut team, space, &space.unrank(5));
            let p: Vec<f32> = space.iter().map(|design| probability(&team, space, &design)).collect();
            assert!(p.iter().all(|&p| p > 0.0), "{p:?}");
            assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{}", p.iter().sum::<f32>());
        }
    }

    /// A policy that has learned nothing draws each of the 37 legal designs alike, whatever rules tie their levels; the last layer
    /// starts small, not at zero, and leaves a few per cent.
    #[test]
    fn at_first_all_legal_designs_are_about_equally_likely() {
        let toy = Toy::tied();
        let team = team(toy.space(), &[vec![0, 1, 2, 3, 4]]);
        for design in toy.space().iter() {
            let p = probability(&team, toy.space(), &design);
            assert!((37.0 * p - 1.0).abs() < 0.05, "{p}");
        }
    }

    /// A design with probability p turns up in 2,000 draws 2,000 p times, give or take 5 standard deviations; also after a
    /// lesson, when what was known no longer holds.
    #[test]
    fn designs_are_drawn_as_often_as_they_are_probable() {
        let toy = Toy::tied();
        let space = toy.space();
        let mut team = team(space, &[vec![0, 1, 2, 3, 4]]);
        let mut rng = Seed::new(0).stream("draws");
        let design = space.unrank(5);
        for _ in 0..2 {
            let n = (0..2000).filter(|_| team.sample(space, &mut rng) == design).count();
            let p = probability(&team, space, &design);
            let deviation = (2000.0 * p * (1.0 - p)).sqrt();
            assert!((n as f32 - 2000.0 * p).abs() < 5.0 * deviation, "{n} of 2000, p = {p}");
            teach(&mut team, space, &design);
        }
    }
}

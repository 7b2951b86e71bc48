//! Ant colony optimization: designs are built choice by choice, each level chosen as often as its trail is strong.
//!
//! Source: Blum & Dorigo (2004), "The hyper-cube framework for ant colony optimization",
//! doi:10.1109/TSMCB.2003.821450: trails lie between 0 and 1 and move towards the designs that reinforce them, so the
//! losses' scale does not matter. Bounds of Stuetzle & Hoos (2000), "MAX-MIN ant system",
//! doi:10.1016/S0167-739X(00)00043-1, section 3.2, around them.
//! Departs from them: there is no visibility, an ant knowing nothing of a level but its trail; ants choose among
//! legal levels alone, on a walk through the space; known designs are not proposed again. A trail is a weighted mean
//! of itself, 0 and 1, so it cannot become negative. The public ant colony of ArchGym (Krishnan et al. 2023,
//! doi:10.1145/3579371.3589049) has no such bound, and drives the pheromone of the best design below 0.

use std::ops::Bound::{Excluded, Included};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Problem, Seed, Stream,
    Trial,
};

use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AntColonyConfig {
    /// How many designs are built before trails change.
    pub n_ants: usize,
    /// `rho`: how far a trail moves towards the reinforcing designs, and otherwise evaporates.
    pub evaporation_rate: f64,
    /// `p_best`: how likely an ant builds the best design when all trails are at their bounds.
    pub p_best: f64,
}

impl Default for AntColonyConfig {
    /// Stuetzle & Hoos (2000), with rho = 0.2 (persistence 0.8) where an iteration is worth much. Their p_best = 0.05
    /// and tens of ants are for tens of thousands of designs; 5 ants and 0.5 were chosen on synthetic spaces, as the
    /// page says.
    fn default() -> Self {
        Self { n_ants: 5, evaporation_rate: 0.2, p_best: 0.5 }
    }
}

/// Trails, and the ants that have not laid theirs yet.
pub struct AntColony {
    config: AntColonyConfig,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    trails: Trails,
    /// Observed since trails were changed.
    returned: Vec<Trial>,
    best: Option<Trial>,
}

/// The strength of each level of each parameter, between 0 and 1.
struct Trails {
    strengths: Vec<Vec<f64>>,
    /// The least and the largest strength of each parameter's levels.
    bounds: Vec<(f64, f64)>,
}

impl Trails {
    /// Half as strong as can be, everywhere, as Blum & Dorigo (2004) begin.
    fn new(space: &DesignSpace, best_probability: f64) -> Self {
        let n_levels: Vec<f64> = space.parameters().iter().map(|p| f64::from(p.n_levels())).collect();
        let n_choices = n_levels.iter().filter(|&&n| n > 1.0).count().max(1);
        // All n choices right with probability p_best, so each with its n-th root p: Stuetzle & Hoos (2000), section
        // 3.2. With strength t_max there and t_min at n_levels - 1 other levels, p = t_max / (t_max + (n_levels - 1)
        // t_min).
        let p = best_probability.powf(1.0 / n_choices as f64);
        let bounds = |n: &f64| {
            let ratio = if *n > 1.0 { (1.0 - p) / ((n - 1.0) * p) } else { 1.0 };
            (ratio.min(1.0), 1.0)
        };
        let strengths = n_levels.iter().map(|&n| vec![0.5; n as usize]).collect();
        Self { strengths, bounds: n_levels.iter().map(bounds).collect() }
    }

    /// A design, each level chosen with the probability of its strength among the legal ones.
    fn build(&self, space: &DesignSpace, rng: &mut Stream) -> Design {
        let mut walk = space.walk();
        while let Some(parameter) = walk.parameter() {
            let strengths = &self.strengths[parameter];
            let allowed = walk.allowed();
            let sum: f64 = allowed.iter().map(|&level| strengths[level as usize]).sum();
            let mut left = sum * rng.random::<f64>();
            let chosen = allowed.iter().find(|&&level| {
                left -= strengths[level as usize];
                left < 0.0
            });
            // Rounding may leave a little after the last.
            walk.choose(*chosen.or(allowed.last()).expect("a walk has no dead ends"));
        }
        walk.design().expect("all is decided")
    }

    /// Moves every trail towards the share of `designs` that it is part of.
    fn reinforce(&mut self, designs: &[&Design], evaporation: f64) {
        let share = 1.0 / designs.len() as f64;
        for (parameter, strengths) in self.strengths.iter_mut().enumerate() {
            strengths.iter_mut().for_each(|strength| *strength *= 1.0 - evaporation);
            for design in designs {
                strengths[design.levels()[parameter] as usize] += evaporation * share;
            }
            let (low, high) = self.bounds[parameter];
            strengths.iter_mut().for_each(|strength| *strength = strength.clamp(low, high));
        }
    }
}

impl AntColony {
    /// The best ant of the iteration and the best of all lay their trails.
    fn lay_trails(&mut self) {
        self.scalarizer.redraw();
        let merit = |trial: &&Trial| self.scalarizer.merit(&trial.judgement);
        let Some(leader) = self.returned.iter().min_by_key(merit) else { return };
        let best = self.best.iter().chain([leader]).min_by_key(merit).unwrap_or(leader).clone();
        self.trails.reinforce(&[&leader.design, &best.design], self.config.evaporation_rate);
        self.best = Some(best);
        self.returned.clear();
    }
}

impl Agent for AntColony {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let trails = &self.trails;
        let ant = |_| self.seen.propose(&mut self.rng, |space, rng| trails.build(space, rng));
        Ok((0..count).map(ant).collect())
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        for trial in trials {
            self.returned.push(trial.clone());
            if self.returned.len() >= self.config.n_ants {
                self.lay_trails();
            }
        }
        Ok(())
    }
}

impl BuildAgent for AntColony {
    const ID: &'static str = "aco";
    const SUMMARY: &'static str = "Ant colony: trails over levels, bounded on both sides";
    const DESCRIPTION: &'static str = include_str!("ant_colony.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = AntColonyConfig;

    fn build(problem: &Problem, config: AntColonyConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("n_ants", config.n_ants, 1..)?;
        check("evaporation_rate", config.evaporation_rate, 0.0..=1.0)?;
        check("p_best", config.p_best, (Excluded(0.0), Included(1.0)))?;
        Ok(Self {
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("ant colony"),
            trails: Trails::new(problem.space(), config.p_best),
            returned: Vec::with_capacity(config.n_ants),
            best: None,
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    /// Six choices, p_best = 0.05: p = 0.05^(1/6) = 0.60696. For 16 levels t_min = 0.39304 / (15 * 0.60696) =
    /// 0.043170, for three 0.39304 / (2 * 0.60696) = 0.32378.
    #[test]
    fn converged_trails_build_the_best_design_as_often_as_is_asked() {
        let toy = Toy::bowl();
        let mut trails = Trails::new(toy.space(), 0.05);
        assert!((trails.bounds[0].0 - 0.043_170).abs() < 1e-5, "{:?}", trails.bounds);
        assert!((trails.bounds[5].0 - 0.323_78).abs() < 1e-4, "{:?}", trails.bounds);
        let best = toy.space().repair(&[11, 3, 7, 12, 5, 2]);
        (0..500).for_each(|_| trails.reinforce(&[&best], 0.1));
        let mut rng = Seed::new(0).stream("test");
        let n_best = (0..4000).filter(|_| trails.build(toy.space(), &mut rng) == best).count();
        // Binomial(4000, 0.05): mean 200, standard deviation 13.8; 5 of them is 69.
        assert!(n_best.abs_diff(200) < 69, "{n_best}");
    }

    /// 0.5 * 0.9 + 0.1 = 0.55 where both designs pass, 0.5 where one of two does, 0.45 elsewhere.
    #[test]
    fn trails_move_towards_the_reinforcing_designs_by_hand() {
        let toy = Toy::bowl();
        let mut trails = Trails::new(toy.space(), 0.05);
        let [a, b] = [[0, 1, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]].map(|levels| toy.space().repair(&levels));
        trails.reinforce(&[&a, &b], 0.1);
        assert!((trails.strengths[0][0] - 0.55).abs() < 1e-12);
        assert!((trails.strengths[1][1] - 0.50).abs() < 1e-12);
        assert!((trails.strengths[1][3] - 0.45).abs() < 1e-12);
    }

    /// Law: whatever the losses, every trail stays within its bounds, which are positive.
    #[test]
    fn no_trail_becomes_negative_when_all_losses_are() {
        let toy = Toy::bowl();
        let mut agent = AntColony::build(&toy.problem(), AntColonyConfig::default(), Seed::new(0)).unwrap();
        for round in 0..50 {
            let trial = |design| {
                toy.problem().trial(design, tapeout_core::Outcome::Measured(vec![-1e6 - f64::from(round)]))
            };
            let trials: Vec<Trial> = agent.suggest(7).unwrap().into_iter().map(trial).collect();
            agent.observe(&trials).unwrap();
            for (strengths, (low, high)) in agent.trails.strengths.iter().zip(&agent.trails.bounds) {
                assert!(*low > 0.0 && strengths.iter().all(|strength| (low..=high).contains(&strength)));
            }
        }
    }
}

//! Particle swarm: particles with inertia, drawn to the best places they and a few others have been at.
//!
//! Source: Kennedy & Eberhart (1995), doi:10.1109/ICNN.1995.488968, as "SPSO 2006" in Clerc (2012), "Standard
//! Particle Swarm Optimisation", hal-00764996: the size of the swarm, the coefficients, informants at random,
//! confinement.
//! Departs from it: a particle flies in the unit cube over levels, with an axis for each category, drawn in
//! proportion, after Strasser, Goodman, Sheppard & Butcher (2016), "A new discrete particle swarm optimization
//! algorithm", doi:10.1145/2908812.2908935; half of the parameters come to rest at the level of one of the two best places, as half do in
//! Kennedy (2003), "Bare bones particle swarms", doi:10.1109/SIS.2003.1202251, at its own; the nearest legal design is evaluated;
//! informants are drawn anew for each move; a particle that comes upon a known design flies on, and one that comes upon nothing else is replaced.

use std::collections::HashMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::encoding::unit;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Parameter, Problem,
    Seed, Stream, Trial,
};

use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;
use crate::parts::variation::{legal, redrawn};

/// Hyperparameters; the defaults are those of SPSO 2006.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParticleSwarmConfig {
    /// `S`: the number of particles; 10 + 2 sqrt(n) for n parameters if absent.
    pub n_particles: Option<usize>,
    /// `w`: how much of its velocity a particle keeps.
    pub inertia_weight: f64,
    /// `c`: the largest pull of its own best place, and of its informants' best.
    pub acceleration_coefficient: f64,
    /// `K`: how many particles, drawn at random, inform a particle besides itself.
    pub n_informants: usize,
    /// How likely a parameter has the level of one of the two best places, wherever the particle is.
    pub exploitation: f64,
    /// How likely each parameter is drawn anew; one over the number of parameters if absent.
    pub craziness: Option<f64>,
}

impl Default for ParticleSwarmConfig {
    /// Clerc (2012), SPSO 2006: w = 1 / (2 ln 2), c = 1/2 + ln 2, K = 3. Kennedy (2003), BBExp: 0.5.
    fn default() -> Self {
        let ln_2 = std::f64::consts::LN_2;
        Self {
            n_particles: None,
            inertia_weight: 0.5 / ln_2,
            acceleration_coefficient: 0.5 + ln_2,
            n_informants: 3,
            exploitation: 0.5,
            craziness: None,
        }
    }
}

/// A swarm whose particles move in turn.
pub struct ParticleSwarm {
    config: ParticleSwarmConfig,
    capacity: usize,
    cube: Cube,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    swarm: Vec<Particle>,
    /// The next particle to move.
    turn: usize,
    /// Moves not yet answered, with the particle that made them.
    pending: HashMap<Design, usize>,
    /// Random designs not yet answered, with the particle each is to replace.
    resting: HashMap<Design, usize>,
}

/// A place, a velocity, and the best design found on the way. Shapes `[d]`.
struct Particle {
    position: Vec<f64>,
    velocity: Vec<f64>,
    best: Trial,
    best_position: Vec<f64>,
}

/// Designs as points of the unit cube with `d` axes: one for an ordered parameter, one for each category.
struct Cube {
    dimension: usize,
    /// How likely a category is at the position of a design that has it.
    kept: f64,
}

impl Cube {
    fn new(space: &DesignSpace) -> Self {
        let n_categories = space.parameters().iter().filter(|parameter| parameter.is_categorical()).count();
        // CatCMA (Hamano et al. 2024, doi:10.1145/3638529.3654198) keeps all categories together with probability 0.73.
        let kept = 0.73f64.powf(1.0 / n_categories.max(1) as f64);
        Self { dimension: space.parameters().iter().map(width).sum(), kept }
    }

    fn position(&self, design: &Design, space: &DesignSpace) -> Vec<f64> {
        let mut position = Vec::with_capacity(self.dimension);
        for (&level, parameter) in design.levels().iter().zip(space.parameters()) {
            if parameter.is_categorical() {
                let n_others = parameter.n_levels().max(2) - 1;
                let other = (1.0 - self.kept) / f64::from(n_others);
                position
                    .extend((0..parameter.n_levels()).map(|l| if l == level { self.kept } else { other }));
            } else {
                position.push(unit(level, parameter.n_levels()));
            }
        }
        position
    }

    /// The levels on either side of a position, the nearer the likelier, legal or not; each category with a probability in proportion to its axis.
    fn levels(&self, position: &[f64], space: &DesignSpace, rng: &mut Stream) -> Vec<u32> {
        let mut at = 0;
        let level = |parameter: &Parameter| {
            let axes = &position[at..at + width(parameter)];
            at += axes.len();
            if parameter.is_categorical() {
                let mut left = axes.iter().sum::<f64>() * rng.random::<f64>();
                let drawn = axes.iter().position(|axis| {
                    left -= axis;
                    left < 0.0
                });
                // Of axes that are all 0, any.
                return drawn.map_or_else(|| rng.random_range(0..parameter.n_levels()), |level| level as u32);
            }
            // Up with the probability of the fraction: a particle is between two levels as long as it moves, however few there are.
            let last = parameter.n_levels() - 1;
            let level = (axes[0] * f64::from(last) + rng.random::<f64>()).floor() as u32;
            level.min(last) // at the last level the sum may be rounded up to a whole
        };
        space.parameters().iter().map(level).collect()
    }
}

/// The levels, each with probability `share` that of one of two designs. Sizes that fit lie between sizes that do not, and a particle
/// halfway from one to another is at neither.
fn inherited(mut levels: Vec<u32>, designs: &[Design; 2], share: f64, rng: &mut Stream) -> Vec<u32> {
    for (index, level) in levels.iter_mut().enumerate() {
        if rng.random_bool(share) {
            *level = designs[usize::from(rng.random::<bool>())].levels()[index];
        }
    }
    levels
}

/// How many axes a parameter has.
fn width(parameter: &Parameter) -> usize {
    if parameter.is_categorical() { parameter.n_levels() as usize } else { 1 }
}

impl ParticleSwarm {
    /// The best place known to a particle: its own, or that of one of its informants.
    fn informed(&mut self, place: usize) -> usize {
        let mut best = place;
        for _ in 0..self.config.n_informants {
            let other = self.rng.random_range(0..self.swarm.len());
            let merit = |place: usize| self.scalarizer.merit(&self.swarm[place].best.judgement);
            if merit(other) < merit(best) {
                best = other;
            }
        }
        best
    }

    /// The next particle in turn moves until it comes to a design that is not known.
    fn fly(&mut self) -> Design {
        if self.turn >= self.swarm.len() {
            self.turn = 0;
            self.scalarizer.redraw();
        }
        let place = self.turn;
        self.turn += 1;
        let informed = self.informed(place);
        let bests = [place, informed].map(|place| self.swarm[place].best.design.clone());
        let informed = self.swarm[informed].best_position.clone();
        let (particle, cube, config) = (&mut self.swarm[place], &self.cube, &self.config);
        let mut last = None;
        let craziness = config.craziness.unwrap_or(1.0 / self.seen.space().n_parameters() as f64);
        let design = self.seen.propose(&mut self.rng, |space, rng| {
            let design = legal(space, || {
                particle.fly(&informed, config, rng);
                let levels = cube.levels(&particle.position, space, rng);
                let levels = inherited(levels, &bests, config.exploitation, rng);
                redrawn(levels, space, craziness, rng)
            });
            last = Some(design.clone());
            design
        });
        // A particle that flies only among known designs is at rest: a new one is to begin at a random design.
        if last.as_ref() == Some(&design) {
            self.pending.insert(design.clone(), place);
        } else {
            self.resting.insert(design.clone(), place);
        }
        design
    }

    /// A trial that no particle made becomes a particle while there is room, and then the best of the worst one if it
    /// is better.
    fn take_in(&mut self, trial: &Trial) {
        if self.swarm.len() < self.capacity {
            let particle = self.begin(trial);
            self.swarm.push(particle);
            return;
        }
        if self.swarm.iter().any(|particle| particle.best.design == trial.design) {
            return;
        }
        let merit = |trial: &Trial| self.scalarizer.merit(&trial.judgement);
        let worst = self.swarm.iter_mut().max_by_key(|particle| merit(&particle.best));
        let worst = worst.expect("a full swarm is not empty");
        if merit(trial) < merit(&worst.best) {
            worst.best_position = self.cube.position(&trial.design, self.seen.space());
            worst.best = trial.clone();
        }
    }

    /// A particle at a design, with half the way to another random place as its velocity. Clerc (2012), SPSO 2006.
    fn begin(&mut self, trial: &Trial) -> Particle {
        let position = self.cube.position(&trial.design, self.seen.space());
        let velocity = position.iter().map(|x| 0.5 * (self.rng.random::<f64>() - x)).collect();
        Particle { best_position: position.clone(), position, velocity, best: trial.clone() }
    }

    /// The trial's particle takes the place of one at rest, unless that knows the best place of all.
    fn replace(&mut self, place: usize, trial: &Trial) {
        let merit = |trial: &Trial| self.scalarizer.merit(&trial.judgement);
        let is_beaten = self.swarm.iter().any(|other| merit(&other.best) < merit(&self.swarm[place].best));
        if is_beaten || merit(trial) < merit(&self.swarm[place].best) {
            self.swarm[place] = self.begin(trial);
        }
    }
}

impl Particle {
    /// One move. Each axis is pulled by itself.
    fn fly(&mut self, informed: &[f64], config: &ParticleSwarmConfig, rng: &mut Stream) {
        let axes = self.position.iter_mut().zip(&mut self.velocity).zip(&self.best_position).zip(informed);
        for (((x, v), own), other) in axes {
            let mut pull = |to: f64| config.acceleration_coefficient * rng.random::<f64>() * (to - *x);
            *v = config.inertia_weight * *v + pull(*own) + pull(*other);
            *x += *v;
            if !(0.0..=1.0).contains(x) {
                (*x, *v) = (x.clamp(0.0, 1.0), 0.0); // confined
            }
        }
    }
}

impl Agent for ParticleSwarm {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = self.seen.draw_members(self.swarm.len(), self.capacity, count, &mut self.rng);
        while designs.len() < count {
            designs.push(self.fly());
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        for trial in trials {
            if let Some(place) = self.resting.remove(&trial.design) {
                self.replace(place, trial);
                continue;
            }
            let Some(place) = self.pending.remove(&trial.design) else {
                self.take_in(trial);
                continue;
            };
            let merit = |trial: &Trial| self.scalarizer.merit(&trial.judgement);
            if merit(trial) < merit(&self.swarm[place].best) {
                self.swarm[place].best_position = self.cube.position(&trial.design, self.seen.space());
                self.swarm[place].best = trial.clone();
            }
        }
        Ok(())
    }
}

impl BuildAgent for ParticleSwarm {
    const ID: &'static str = "pso";
    const SUMMARY: &'static str = "Particle swarm: inertia, and the pull of the best places known";
    const DESCRIPTION: &'static str = include_str!("particle_swarm.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = ParticleSwarmConfig;

    fn build(problem: &Problem, config: ParticleSwarmConfig, seed: Seed) -> Result<Self, ConfigError> {
        let n = problem.space().n_parameters() as f64;
        // Clerc (2012), SPSO 2006: S = 10 + [2 sqrt(D)].
        let capacity = config.n_particles.unwrap_or(10 + (2.0 * n.sqrt()) as usize);
        check("n_particles", capacity, 1..)?;
        check("inertia_weight", config.inertia_weight, 0.0..=1.0)?;
        check("acceleration_coefficient", config.acceleration_coefficient, 0.0..)?;
        check("exploitation", config.exploitation, 0.0..=1.0)?;
        check("craziness", config.craziness.unwrap_or(0.0), 0.0..=1.0)?;
        Ok(Self {
            capacity,
            cube: Cube::new(problem.space()),
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("particle swarm"),
            swarm: Vec::with_capacity(capacity),
            turn: 0,
            pending: HashMap::new(),
            resting: HashMap::new(),
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    /// One category of three values: at a design's position its own is drawn with probability 0.73, and the levels
    /// are its own.
    #[test]
    fn the_levels_at_a_design_are_its_own_but_for_some_categories() {
        let toy = Toy::bowl();
        let cube = Cube::new(toy.space());
        let mut rng = Seed::new(0).stream("test");
        let mut n_kept = 0;
        for _ in 0..1000 {
            let design = toy.space().sample(&mut rng);
            let levels = cube.levels(&cube.position(&design, toy.space()), toy.space(), &mut rng);
            assert_eq!(levels[..5], design.levels()[..5]);
            n_kept += usize::from(levels[5] == design.levels()[5]);
        }
        // Binomial(1000, 0.73): standard deviation 14; 5 of them is 70.
        assert!(n_kept.abs_diff(730) < 70, "{n_kept}");
        // Levels 0..=15: 0.5 * 15 = 7.5 is 7 or 8, 0.03 * 15 = 0.45 is 1 with that probability; the second category alone is possible.
        // Binomial(1000, 0.5) and (1000, 0.45): standard deviation 16; 5 of them is 80.
        let position = [0.5, 0.03, 0.0, 1.0, 0.2, 0.0, 0.4, 0.0];
        let drawn: Vec<Vec<u32>> = (0..1000).map(|_| cube.levels(&position, toy.space(), &mut rng)).collect();
        let n_up = |index: usize, level: u32| drawn.iter().filter(|levels| levels[index] == level).count();
        assert!(n_up(0, 8).abs_diff(500) < 80 && n_up(0, 7) + n_up(0, 8) == 1000);
        assert!(n_up(1, 1).abs_diff(450) < 80 && n_up(1, 0) + n_up(1, 1) == 1000);
        assert!(drawn.iter().all(|levels| levels[2..] == [0, 15, 3, 1]));
    }

    /// A particle that is nowhere near its best places has a level of theirs in half of all parameters, of either alike.
    #[test]
    fn half_of_the_levels_are_inherited_from_either_of_two_designs() {
        let toy = Toy::bowl();
        let designs = [[1; 6], [2; 6]].map(|levels| toy.space().repair(&levels));
        let mut rng = Seed::new(0).stream("test");
        let mut n_inherited = [0_u32; 2];
        for _ in 0..1000 {
            for level in inherited(vec![9; 5], &designs, 0.5, &mut rng) {
                match level {
                    1 | 2 => n_inherited[level as usize - 1] += 1,
                    other => assert_eq!(other, 9),
                }
            }
        }
        // Binomial(5000, 1/4): standard deviation 31; 5 of them is 153.
        assert!(n_inherited.iter().all(|n| n.abs_diff(1250) < 153), "{n_inherited:?}");
    }

    /// Pulls average to half the acceleration: from 0.5 with velocity 0.1, best places at 0.6 and 0.9, the mean
    /// velocity is 0.721 * 0.1 + 0.597 * (0.1 + 0.4) = 0.370, hence beyond 1 at times, where it stops.
    #[test]
    fn a_particle_keeps_some_velocity_and_is_pulled_twice() {
        let toy = Toy::bowl();
        let mut rng = Seed::new(0).stream("test");
        let best = toy.problem().trial(toy.space().unrank(0), toy.evaluate(&toy.space().unrank(0)).unwrap());
        let (mut sum, mut n_stopped) = (0.0, 0);
        for _ in 0..4000 {
            let mut particle = Particle {
                position: vec![0.5],
                velocity: vec![0.1],
                best: best.clone(),
                best_position: vec![0.6],
            };
            particle.fly(&[0.9], &ParticleSwarmConfig::default(), &mut rng);
            assert!((0.0..=1.0).contains(&particle.position[0]));
            if particle.velocity[0] == 0.0 {
                assert_eq!(particle.position[0], 1.0);
                n_stopped += 1;
            } else {
                sum += particle.velocity[0];
            }
        }
        // Without confinement pulls reach 0.072 + 0.119 + 0.477 = 0.669 at most. Beyond 0.5 it stops; the mean of the
        // others is lower.
        let mean = sum / f64::from(4000 - n_stopped);
        assert!(n_stopped > 400 && (0.25..0.37).contains(&mean), "{n_stopped} {mean}");
    }
}

//! Simulated annealing: a walk that takes every step down, and steps up the less often the colder it gets.
//!
//! Source: Kirkpatrick, Gelatt & Vecchi (1983), doi:10.1126/science.220.4598.671, with the scale of White (1984),
//! "Concepts of scale in simulated annealing", ICCD, 646-651: temperatures are in units of the spread of losses over
//! random designs.
//! Departs from them: the spread is the interquartile range, which a few bad designs do not move; when the walk is
//! cold it is heated again from the best design; a step onto known designs goes on until it leaves them; of steps
//! proposed together each is judged against where the walk then is.

use std::ops::Bound::{Excluded, Included};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::{above, check};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

use crate::parts::moves::step;
use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulatedAnnealingConfig {
    /// Random designs at the start: they set the scale, and the best is where the walk begins.
    pub n_initial_points: usize,
    /// The first temperature, in units of the spread of their losses.
    pub initial_temperature: f64,
    /// The temperature, in the same units, at which the walk is heated again.
    pub final_temperature: f64,
    /// What the temperature is multiplied by after each evaluation.
    pub cooling_factor: f64,
}

impl Default for SimulatedAnnealingConfig {
    /// The factor of Johnson, Aragon, McGeoch & Schevon (1989), doi:10.1287/opre.37.6.865 (TEMPFACTOR = 0.95), but
    /// for each evaluation, so that a cycle of 90 fits into budgets of a few hundred. Temperatures chosen on
    /// synthetic spaces: the page says how.
    fn default() -> Self {
        Self {
            n_initial_points: 10,
            initial_temperature: 0.1,
            final_temperature: 0.001,
            cooling_factor: 0.95,
        }
    }
}

/// One walk, and the best design it came by.
pub struct SimulatedAnnealing {
    config: SimulatedAnnealingConfig,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    /// The random designs before the walk begins.
    sample: Vec<Trial>,
    /// Where the walk is; nowhere until the sample is complete.
    current: Option<Trial>,
    best: Option<Trial>,
    /// The interquartile range of the sample's acceptable losses.
    spread: f64,
    temperature: f64,
}

impl SimulatedAnnealing {
    /// The walk begins at the best of the sample.
    fn begin(&mut self) {
        let mut losses: Vec<f64> = self
            .sample
            .iter()
            .filter_map(|trial| trial.judgement.accepted())
            .map(|losses| self.scalarizer.loss(losses))
            .collect();
        losses.sort_by(f64::total_cmp);
        let quartile = |share: usize| losses.get(losses.len() * share / 4).copied();
        self.spread = quartile(1).zip(quartile(3)).map_or(0.0, |(low, high)| high - low);
        let sample = std::mem::take(&mut self.sample);
        self.current = sample.into_iter().min_by_key(|trial| self.scalarizer.merit(&trial.judgement));
        self.best.clone_from(&self.current);
    }

    /// The criterion of Metropolis: downhill always, uphill by `loss` with probability exp(-loss / temperature). What
    /// falls short of acceptable is a step up that is taken only from what falls short by as much.
    fn is_taken(&mut self, from: &Trial, to: &Trial) -> bool {
        let (here, there) = (self.scalarizer.merit(&from.judgement), self.scalarizer.merit(&to.judgement));
        if there <= here {
            return true;
        }
        let uphill = there.amount - here.amount;
        let is_acceptable = here.class == 0 && there.class == 0;
        is_acceptable && self.rng.random::<f64>() < (-uphill / (self.temperature * self.spread)).exp()
    }

    fn walk(&mut self, trial: &Trial) {
        let Some(current) = self.current.take() else { return };
        let is_taken = self.is_taken(&current, trial);
        self.current = Some(if is_taken { trial.clone() } else { current });
        let merit = |trial: &Trial| self.scalarizer.merit(&trial.judgement);
        if self.best.as_ref().is_none_or(|best| merit(trial) < merit(best)) {
            self.best = Some(trial.clone());
        }
        self.temperature *= self.config.cooling_factor;
        if self.temperature < self.config.final_temperature {
            self.temperature = self.config.initial_temperature;
            self.scalarizer.redraw();
            self.current.clone_from(&self.best);
        }
    }
}

impl Agent for SimulatedAnnealing {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = Vec::with_capacity(count);
        for _ in 0..count {
            match &self.current {
                Some(current) => {
                    let mut place = current.design.clone();
                    designs.push(self.seen.propose(&mut self.rng, |space, rng| {
                        place = step(space, &place, rng);
                        place.clone()
                    }));
                }
                None => {
                    designs.push(self.seen.draw(&mut self.rng));
                }
            }
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        if self.current.is_some() {
            trials.iter().for_each(|trial| self.walk(trial));
            return Ok(());
        }
        self.sample.extend_from_slice(trials);
        if self.sample.len() >= self.config.n_initial_points {
            self.begin();
        }
        Ok(())
    }
}

impl BuildAgent for SimulatedAnnealing {
    const ID: &'static str = "sa";
    const SUMMARY: &'static str = "Simulated annealing, heated again when cold";
    const DESCRIPTION: &'static str = include_str!("simulated_annealing.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = SimulatedAnnealingConfig;

    fn build(problem: &Problem, config: SimulatedAnnealingConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("n_initial_points", config.n_initial_points, 1..)?;
        check("initial_temperature", config.initial_temperature, above(0.0))?;
        check(
            "final_temperature",
            config.final_temperature,
            (Excluded(0.0), Included(config.initial_temperature)),
        )?;
        check("cooling_factor", config.cooling_factor, 0.0..=1.0)?;
        Ok(Self {
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("simulated annealing"),
            sample: Vec::with_capacity(config.n_initial_points),
            current: None,
            best: None,
            spread: 0.0,
            temperature: config.initial_temperature,
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn trial(rank: u128, loss: f64) -> Trial {
        let toy = Toy::bowl();
        toy.problem().trial(toy.space().unrank(rank), Outcome::Measured(vec![loss]))
    }

    /// Losses 0, 1, ..., 7: the quartiles are at places 2 and 6, the spread is 4. At temperature 0.5 a step up by 2
    /// is taken with probability exp(-2 / (0.5 * 4)) = 0.368.
    #[test]
    fn steps_up_are_taken_as_often_as_metropolis_says() {
        let config = SimulatedAnnealingConfig {
            n_initial_points: 8,
            initial_temperature: 0.5,
            ..SimulatedAnnealingConfig::default()
        };
        let mut agent = SimulatedAnnealing::build(&Toy::bowl().problem(), config, Seed::new(0)).unwrap();
        let sample: Vec<Trial> = (0..8).map(|rank| trial(rank, rank as f64)).collect();
        agent.observe(&sample).unwrap();
        assert_eq!(agent.spread, 4.0);
        let (from, to) = (trial(0, 3.0), trial(1, 5.0));
        assert!(agent.is_taken(&to, &from) && agent.is_taken(&from, &from));
        let n_taken = (0..1000).filter(|_| agent.is_taken(&from, &to)).count();
        // Binomial(1000, 0.368): standard deviation 15.2; 5 of them is 76.
        assert!(n_taken.abs_diff(368) < 76, "{n_taken}");
        let broken =
            Toy::bowl().problem().trial(Toy::bowl().space().unrank(2), Outcome::infeasible("too_wide", 1.0));
        assert!((0..100).all(|_| !agent.is_taken(&from, &broken)));
    }

    /// 0.5 * 0.95^89 = 0.0052, 0.5 * 0.95^90 = 0.0049.
    #[test]
    fn the_walk_is_heated_again_from_the_best_when_it_is_cold() {
        let config = SimulatedAnnealingConfig {
            n_initial_points: 2,
            initial_temperature: 0.5,
            final_temperature: 0.005,
            ..SimulatedAnnealingConfig::default()
        };
        let mut agent = SimulatedAnnealing::build(&Toy::bowl().problem(), config, Seed::new(0)).unwrap();
        agent.observe(&[trial(0, 1.0), trial(1, 1e3)]).unwrap();
        for _ in 0..89 {
            agent.walk(&trial(2, 1.0)); // as good, so the walk goes there
        }
        assert!(agent.temperature < 0.0053);
        assert_eq!(agent.current, Some(trial(2, 1.0)));
        agent.walk(&trial(2, 1.0));
        assert_eq!(agent.temperature, 0.5);
        assert_eq!(agent.current, Some(trial(0, 1.0)));
    }
}

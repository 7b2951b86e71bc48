//! Hill climbing with random restarts.
//!
//! Source: Russell & Norvig (2021), "Artificial Intelligence: A Modern Approach", 4th edition, section 4.1.1:
//! stochastic hill climbing that takes a step as soon as it is no worse, with random restarts.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tapeout::core::config::check;
use tapeout::prelude::*;

/// Climbs from a random design, one changed parameter at a time, and begins again when it is stuck.
pub struct HillClimber {
    problem: Problem,
    rng: Stream,
    patience: u32,
    incumbent: Option<Trial>,
    /// How many trials ago anything better was seen.
    n_without_gain: u32,
}

/// When the climber begins again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HillClimberConfig {
    /// After this many trials without anything better; at least 1.
    pub patience: u32,
}

impl Default for HillClimberConfig {
    fn default() -> Self {
        Self { patience: 50 }
    }
}

impl Agent for HillClimber {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let space = self.problem.space();
        let propose = |_| match &self.incumbent {
            Some(incumbent) => space.mutate(&incumbent.design, &mut self.rng),
            None => space.sample(&mut self.rng),
        };
        Ok((0..count).map(propose).collect())
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        for trial in trials {
            let ordering =
                self.incumbent.as_ref().map_or(Ordering::Less, |incumbent| compare(trial, incumbent));
            match ordering {
                Ordering::Less => self.n_without_gain = 0,
                Ordering::Equal | Ordering::Greater => self.n_without_gain += 1,
            }
            if ordering.is_le() {
                self.incumbent = Some(trial.clone());
            }
        }
        // Only now: what is left of a batch lies around the design that is given up.
        if self.n_without_gain >= self.patience {
            self.incumbent = None;
        }
        Ok(())
    }
}

/// Acceptable before unacceptable before infeasible, the lesser violation first, then the lesser sum of losses.
fn compare(a: &Trial, b: &Trial) -> Ordering {
    let loss = |trial: &Trial| trial.judgement.losses().map_or(0.0, |losses| losses.iter().sum::<f64>());
    a.judgement.compare_shortfall(&b.judgement).then(loss(a).total_cmp(&loss(b)))
}

impl BuildAgent for HillClimber {
    const ID: &'static str = "hill-climber";
    const SUMMARY: &'static str = "One random change at a time, with random restarts";
    const DESCRIPTION: &'static str = include_str!("hill_climber.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = HillClimberConfig;

    fn build(problem: &Problem, settings: HillClimberConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("patience", settings.patience, 1..)?;
        Ok(Self {
            problem: problem.clone(),
            rng: seed.stream("hill climber"),
            patience: settings.patience,
            incumbent: None,
            n_without_gain: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout::core::check::toy::Toy;

    /// The least loss in `n` trials, one at a time, of designs whose metrics are given by `evaluate`.
    fn search(
        problem: &Problem,
        settings: HillClimberConfig,
        seed: u64,
        n: usize,
        evaluate: impl Fn(&Design) -> Outcome,
    ) -> f64 {
        let mut climber = HillClimber::build(problem, settings, Seed::new(seed)).unwrap();
        let mut best = f64::INFINITY;
        for _ in 0..n {
            let design = climber.suggest(1).unwrap().remove(0);
            let outcome = evaluate(&design);
            let trial = problem.trial(design, outcome);
            best = trial.judgement.accepted().map_or(best, |losses| best.min(losses[0]));
            climber.observe(&[trial]).unwrap();
        }
        best
    }

    #[test]
    fn it_keeps_the_contract_of_agents() {
        check_agent(&AgentEntry::of::<HillClimber>()).unwrap();
    }

    /// Of the toy's 3,145,728 designs 131 lie within 3 of the optimum, all feasible: those whose steps away from it, one
    /// level each, are at most three. 500 random designs hit one with odds of 2.1 %, and in five searches of five with
    /// odds of 4 * 10^-9.
    #[test]
    fn it_comes_nearer_than_random_search() {
        let toy = Toy::bowl();
        for seed in 0..5 {
            let best = search(&toy.problem(), HillClimberConfig::default(), seed, 500, |design| {
                toy.evaluate(design).unwrap()
            });
            assert!(best <= 3.0, "seed {seed} came no nearer than {best}");
        }
    }

    /// Every pair of equal levels is a peak, and only one of the eight is the highest: a single change leads down.
    #[test]
    fn restarts_lead_away_from_a_peak_that_is_not_the_highest() {
        let parameters = vec![Parameter::integer("a", 0, 7), Parameter::integer("b", 0, 7)];
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let goal = Goal { objectives: vec![Objective::minimize("depth")], constraints: Vec::new() };
        let problem =
            Problem::new(space, vec![Metric::new("depth", "", "depth below the peak")], goal).unwrap();
        let depth = |design: &Design| {
            Outcome::Measured(vec![match design.levels() {
                [7, 7] => 0.0,
                [a, b] if a == b => 1.0,
                _ => 2.0,
            }])
        };
        assert_eq!(search(&problem, HillClimberConfig { patience: 30 }, 1, 2000, depth), 0.0);
        assert_eq!(search(&problem, HillClimberConfig { patience: u32::MAX }, 1, 2000, depth), 1.0);
    }

    #[test]
    fn no_patience_at_all_is_refused() {
        let error =
            HillClimber::build(&Toy::bowl().problem(), HillClimberConfig { patience: 0 }, Seed::new(0)).err();
        assert_eq!(error.unwrap().to_string(), "`patience`: got 0, expected at least 1");
    }
}

//! The trials of a run, by the million: as columns, in a fifth of the memory that they take one by one.

use std::collections::HashMap;
use std::fmt;
use std::iter::FusedIterator;

use tapeout_core::{Design, Outcome, PackedDesigns, Problem, Trial};

/// Trials of one problem, in the order of its log. Each is made when it is asked for, as it was.
#[derive(Clone)]
pub struct Trials {
    problem: Problem,
    designs: PackedDesigns,
    places: Vec<Place>,
    /// Shape `[n][k]`, of those that were measured.
    metrics: Vec<f64>,
    /// Of those that are infeasible, the rule by its place among `rules`, and by how much it is broken.
    violations: Vec<(u32, f64)>,
    rules: Vec<String>,
    rule_by_name: HashMap<String, u32>,
    causes: Vec<String>,
}

/// Where the outcome of a trial stands among those of its kind.
#[derive(Clone, Copy)]
enum Place {
    Measured(u32),
    Infeasible(u32),
    Failed(u32),
}

impl Trials {
    /// None of `problem` yet.
    pub fn new(problem: &Problem) -> Self {
        Self {
            designs: PackedDesigns::new(problem.space()),
            problem: problem.clone(),
            places: Vec::new(),
            metrics: Vec::new(),
            violations: Vec::new(),
            rules: Vec::new(),
            rule_by_name: HashMap::new(),
            causes: Vec::new(),
        }
    }

    /// Adds a design of the problem's space and what became of it.
    ///
    /// # Panics
    /// If what was measured has not a number for each metric, or there are 2^32 already.
    pub fn push(&mut self, design: &Design, outcome: &Outcome) {
        let place = |n: usize| u32::try_from(n).expect("no machine evaluates 2^32 designs");
        self.designs.push(design);
        self.places.push(match outcome {
            Outcome::Measured(metrics) => {
                assert_eq!(metrics.len(), self.n_metrics(), "a measured trial has a number for each metric");
                self.metrics.extend_from_slice(metrics);
                Place::Measured(place(self.places.len() - self.violations.len() - self.causes.len()))
            }
            Outcome::Infeasible { rule, violation } => {
                let known = self.rule_by_name.get(rule).copied().unwrap_or_else(|| {
                    let new = place(self.rules.len());
                    self.rules.push(rule.clone());
                    self.rule_by_name.insert(rule.clone(), new);
                    new
                });
                self.violations.push((known, *violation));
                Place::Infeasible(place(self.violations.len() - 1))
            }
            Outcome::Failed { cause } => {
                self.causes.push(cause.clone());
                Place::Failed(place(self.causes.len() - 1))
            }
        });
    }

    fn n_metrics(&self) -> usize {
        self.problem.metrics().len()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The trial at this place, from 0; none behind the last.
    pub fn get(&self, index: usize) -> Option<Trial> {
        (index < self.len()).then(|| self.at(index))
    }

    /// The trial at this place, from 0.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn at(&self, index: usize) -> Trial {
        let outcome = match self.places[index] {
            Place::Measured(at) => {
                let (at, n_metrics) = (at as usize, self.n_metrics());
                Outcome::Measured(self.metrics[at * n_metrics..(at + 1) * n_metrics].to_vec())
            }
            Place::Infeasible(at) => {
                let (rule, violation) = self.violations[at as usize];
                Outcome::Infeasible { rule: self.rules[rule as usize].clone(), violation }
            }
            Place::Failed(at) => Outcome::Failed { cause: self.causes[at as usize].clone() },
        };
        self.problem.trial(self.designs.get(index), outcome)
    }

    /// All of them, one by one: five times the memory.
    pub fn to_vec(&self) -> Vec<Trial> {
        self.iter().collect()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> TrialIter<'_> {
        TrialIter { trials: self, next: 0 }
    }
}

impl PartialEq for Trials {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl fmt::Debug for Trials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Trials {
    type Item = Trial;
    type IntoIter = TrialIter<'a>;

    fn into_iter(self) -> TrialIter<'a> {
        self.iter()
    }
}

/// Trials, each made when it is its turn.
#[derive(Clone)]
pub struct TrialIter<'a> {
    trials: &'a Trials,
    next: usize,
}

impl Iterator for TrialIter<'_> {
    type Item = Trial;

    fn next(&mut self) -> Option<Trial> {
        let trial = self.trials.get(self.next)?;
        self.next += 1;
        Some(trial)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.trials.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for TrialIter<'_> {}
impl FusedIterator for TrialIter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;
    use tapeout_core::check::toy::Toy;

    /// Law: of whatever kind, in whatever order, trials come back as they were.
    #[test]
    fn trials_come_back_as_they_were() {
        let env = Toy::tradeoff();
        let problem = env.problem();
        let mut rng = Seed::new(0).stream("designs");
        let mut trials = Trials::new(&problem);
        let mut listed = Vec::new();
        for index in 0..60 {
            let outcome = match index % 4 {
                0 => Outcome::infeasible(["too_wide", "too_hot"][index % 8 / 4], index as f64 + 1.0),
                1 => Outcome::failed(&format!("exit code {index}")),
                _ => Outcome::Measured(vec![index as f64; problem.metrics().len()]),
            };
            let trial = problem.trial(problem.space().sample(&mut rng), outcome);
            trials.push(&trial.design, &trial.outcome);
            listed.push(trial);
        }
        assert_eq!(trials.iter().collect::<Vec<_>>(), listed);
        assert_eq!((trials.len(), trials.get(59).as_ref(), trials.get(60)), (60, listed.last(), None));
        assert_eq!((trials.iter().len(), trials.rules.len()), (60, 2));
        assert_eq!(trials, trials.clone());
    }
}

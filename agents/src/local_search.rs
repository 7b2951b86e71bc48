//! Iterated local search: descend to a local optimum, kick it, descend again; a tabu list keeps kicks apart.
//!
//! Source: Lourenco, Martin & Stuetzle (2003), "Iterated local search", doi:10.1007/0-306-48056-5_11: first
//! improvement, kicks from the better of two local optima. The strength of the kick grows while kicks fail, and falls
//! back when one helps, after Hansen & Mladenovic (2001), "Variable neighborhood search",
//! doi:10.1016/S0377-2217(00)00100-4. The tabu list is that of Glover (1989), "Tabu search, part I",
//! doi:10.1287/ijoc.1.3.190, over parameters.
//! Departs from them: known designs are not evaluated again, so a neighbourhood is searched only where it is new; a
//! kick of all parameters is a random design.

use std::collections::{HashSet, VecDeque};

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::space::Neighbourhood;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Problem, Seed, Stream,
    Trial,
};

use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalSearchConfig {
    /// Random designs at the start, the best of which is the first to be descended from.
    pub n_initial_points: usize,
    /// How many parameters the first kick changes.
    pub perturbation_strength: usize,
    /// For how many kicks a parameter that was changed is left alone.
    pub tabu_tenure: usize,
    /// Which designs are tried around one.
    pub neighbourhood: Neighbourhood,
}

impl Default for LocalSearchConfig {
    /// Lourenco et al. (2003) leave all of these to the problem at hand: these are first guesses, and no others were
    /// tried but for `kick` = 3 and `samples` = 5, which were alike on synthetic spaces.
    fn default() -> Self {
        Self {
            n_initial_points: 10,
            perturbation_strength: 2,
            tabu_tenure: 2,
            neighbourhood: Neighbourhood::Hamming,
        }
    }
}

/// One descent after another.
pub struct IteratedLocalSearch {
    config: LocalSearchConfig,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    sample: Vec<Trial>,
    /// Where the descent is; nowhere until the sample is complete.
    current: Option<Trial>,
    /// Neighbours of `current` not tried yet, in random order.
    untried: Vec<Design>,
    /// The best local optimum, from which kicks start.
    home: Option<Trial>,
    /// How many parameters the next kick changes.
    strength: usize,
    /// The parameters that each of the last kicks changed.
    tabu: VecDeque<Vec<usize>>,
    /// Kicks not yet answered.
    kicks: HashSet<Design>,
}

impl IteratedLocalSearch {
    fn descend_from(&mut self, trial: Trial) {
        let neighbours = self.seen.space().neighbours(&trial.design, self.config.neighbourhood);
        self.untried = neighbours.into_iter().filter(|design| !self.seen.contains(design)).collect();
        shuffle(&mut self.untried, &mut self.rng);
        self.current = Some(trial);
    }

    /// The descent is over: it ends at the better of where it is and where it was kicked from, and a kick from there
    /// follows.
    fn kick(&mut self) -> Design {
        if self.kicks.is_empty() {
            self.settle();
        }
        let n = self.seen.space().n_parameters();
        let home = self.home.as_ref().expect("a descent has begun").design.clone();
        let free: Vec<usize> =
            (0..n).filter(|index| !self.tabu.iter().flatten().any(|tabu| tabu == index)).collect();
        let mut changed = Vec::new();
        let (strength, config) = (self.strength.min(n), &self.config);
        let design = if strength == n {
            self.seen.draw(&mut self.rng)
        } else {
            self.seen.propose(&mut self.rng, |space, rng| {
                let mut order = free.clone();
                shuffle(&mut order, rng);
                order.truncate(strength);
                changed = order;
                kicked(&home, &changed, space, rng)
            })
        };
        self.tabu.push_back(changed);
        if self.tabu.len() > config.tabu_tenure {
            self.tabu.pop_front();
        }
        self.kicks.insert(design.clone());
        design
    }

    /// Compares the local optimum with the one kicked from.
    fn settle(&mut self) {
        let merit = |trial: &Trial| self.scalarizer.merit(&trial.judgement);
        let Some(current) = &self.current else { return };
        match &self.home {
            Some(home) if merit(home) <= merit(current) => self.strength += 1,
            _ => {
                self.home = Some(current.clone());
                self.strength = self.config.perturbation_strength;
            }
        }
        if self.strength > self.seen.space().n_parameters() {
            self.strength = self.config.perturbation_strength;
            self.scalarizer.redraw();
        }
    }

    /// Goes to the best of the kicks answered, and else to each better neighbour.
    fn learn(&mut self, trials: &[Trial]) {
        let merit = |trial: &&Trial| self.scalarizer.merit(&trial.judgement);
        let kicks: Vec<&Trial> = trials.iter().filter(|trial| self.kicks.remove(&trial.design)).collect();
        let landed = kicks.into_iter().min_by_key(merit);
        let best = trials.iter().min_by_key(merit);
        let is_better =
            |trial: &&Trial| self.current.as_ref().is_none_or(|current| merit(trial) < merit(&current));
        let next = best.filter(is_better).or(landed).cloned();
        if !trials.is_empty() {
            self.kicks.clear(); // an answer that did not come with its batch will not come
        }
        if let Some(trial) = next {
            self.descend_from(trial);
        }
    }
}

/// `home` with each of `parameters` at another level, made legal.
fn kicked(home: &Design, parameters: &[usize], space: &DesignSpace, rng: &mut Stream) -> Design {
    let mut levels = home.levels().to_vec();
    for &index in parameters {
        let last = space.parameters()[index].n_levels() - 1;
        if last > 0 {
            let other = rng.random_range(0..last);
            levels[index] = if other < levels[index] { other } else { other + 1 };
        }
    }
    space.repair(&levels)
}

fn shuffle<T>(items: &mut [T], rng: &mut Stream) {
    for last in (1..items.len()).rev() {
        items.swap(last, rng.random_range(0..=last)); // Fisher-Yates
    }
}

impl Agent for IteratedLocalSearch {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = Vec::with_capacity(count);
        for _ in 0..count {
            if self.current.is_none() {
                designs.push(self.seen.draw(&mut self.rng));
                continue;
            }
            let neighbour = self.untried.pop();
            designs.push(match neighbour {
                Some(neighbour) => {
                    self.seen.insert(&neighbour);
                    neighbour
                }
                None => self.kick(),
            });
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        if self.current.is_some() {
            self.learn(trials);
            return Ok(());
        }
        self.sample.extend_from_slice(trials);
        if self.sample.len() >= self.config.n_initial_points {
            let sample = std::mem::take(&mut self.sample);
            let best = sample.into_iter().min_by_key(|trial| self.scalarizer.merit(&trial.judgement));
            best.into_iter().for_each(|best| self.descend_from(best));
        }
        Ok(())
    }
}

impl BuildAgent for IteratedLocalSearch {
    const ID: &'static str = "ils";
    const SUMMARY: &'static str = "Iterated local search: descents, kicks, and a tabu list";
    const DESCRIPTION: &'static str = include_str!("local_search.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = LocalSearchConfig;

    fn build(problem: &Problem, config: LocalSearchConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("n_initial_points", config.n_initial_points, 1..)?;
        check("perturbation_strength", config.perturbation_strength, 1..)?;
        Ok(Self {
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("iterated local search"),
            sample: Vec::with_capacity(config.n_initial_points),
            current: None,
            untried: Vec::new(),
            home: None,
            strength: config.perturbation_strength,
            tabu: VecDeque::new(),
            kicks: HashSet::new(),
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn agent(config: LocalSearchConfig) -> IteratedLocalSearch {
        IteratedLocalSearch::build(&Toy::bowl().problem(), config, Seed::new(0)).unwrap()
    }

    fn trial(design: Design, loss: f64) -> Trial {
        Toy::bowl().problem().trial(design, Outcome::Measured(vec![loss]))
    }

    fn n_differing(a: &Design, b: &Design) -> usize {
        a.levels().iter().zip(b.levels()).filter(|(a, b)| a != b).count()
    }

    /// Every neighbour is tried once, and the first that is better is descended from.
    #[test]
    fn the_first_improvement_is_taken() {
        let mut agent = agent(LocalSearchConfig { n_initial_points: 1, ..LocalSearchConfig::default() });
        let start = Toy::bowl().space().repair(&[8, 8, 8, 8, 8, 1]);
        agent.observe(&[trial(start.clone(), 5.0)]).unwrap();
        let tried = agent.suggest(10).unwrap();
        assert!(tried.iter().all(|design| n_differing(design, &start) == 1));
        agent.observe(&[trial(tried[0].clone(), 6.0)]).unwrap();
        assert_eq!(agent.current.as_ref().unwrap().design, start);
        agent.observe(&[trial(tried[1].clone(), 4.0)]).unwrap();
        assert_eq!(agent.current.as_ref().unwrap().design, tried[1]);
        assert!(agent.suggest(10).unwrap().iter().all(|design| n_differing(design, &tried[1]) == 1));
    }

    /// A bowl's design has 5 * 15 + 2 = 77 neighbours. When none is better, kicks of two parameters follow, no two in
    /// a row of the same ones, each followed by a descent from where it landed, however bad; and when they fail, of
    /// three, four, ...
    #[test]
    fn a_local_optimum_is_kicked_harder_and_harder() {
        let mut agent =
            agent(LocalSearchConfig { n_initial_points: 1, tabu_tenure: 1, ..LocalSearchConfig::default() });
        let start = Toy::bowl().space().repair(&[8, 8, 8, 8, 8, 1]);
        agent.observe(&[trial(start.clone(), 5.0)]).unwrap();
        let mut last: Vec<usize> = Vec::new();
        for strength in 2..=3 {
            while !agent.untried.is_empty() {
                let tried = agent.suggest(1).unwrap();
                agent.observe(&[trial(tried[0].clone(), 9.0)]).unwrap();
            }
            let kicked = agent.suggest(1).unwrap().remove(0);
            let changed: Vec<usize> = (0..6).filter(|&p| kicked.levels()[p] != start.levels()[p]).collect();
            assert_eq!(changed.len(), strength, "{kicked:?}");
            assert!(changed.iter().all(|p| !last.contains(p)), "{changed:?} after {last:?}");
            last = changed;
            agent.observe(&[trial(kicked.clone(), 8.0)]).unwrap();
            assert_eq!(agent.current.as_ref().unwrap().design, kicked);
        }
        assert_eq!(agent.home.as_ref().unwrap().design, start);
    }
}

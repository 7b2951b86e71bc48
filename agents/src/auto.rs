//! Several agents as one: each design is proposed by the agent that has found more of late.
//!
//! Source: Hoffman, Brochu & de Freitas (2011), "Portfolio Allocation for Bayesian Optimization", UAI, 327-336, for choosing between
//! searches by what their proposals came to; DaCosta, Fialho, Schoenauer & Sebag (2008), doi:10.1145/1389095.1389272, for credit
//! that fades.
//! Departs from them: who proposes is drawn in proportion to the share of recent proposals that were improvements, and never with less than
//! a least chance; all agents learn from all trials; the first designs are the first agent's alone.

use std::collections::HashMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::pareto::Archive;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

use crate::gaussian_process::GaussianProcessSearch;
use crate::genetic::Genetic;
use crate::nsga2::Nsga2;
use crate::parts::seen::Seen;
use crate::tpe::Tpe;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoConfig {
    /// Trials that come before the choice between agents: so long all designs are proposed by `gp`.
    pub n_first: usize,
    /// What is left of an agent's credit at each further proposal of it.
    pub memory: f64,
    /// The least chance of each agent to propose the next design.
    pub least_share: f64,
}

impl Default for AutoConfig {
    /// Ours, tried on members of a family of arithmetic accelerators that the page does not report.
    fn default() -> Self {
        Self { n_first: 50, memory: 0.95, least_share: 0.2 }
    }
}

/// One of the agents, and what its proposals came to.
struct Member {
    agent: Box<dyn Agent>,
    /// Improvements and proposals, both fading.
    found: f64,
    proposed: f64,
}

/// Agents that learn from each other's trials.
pub struct Auto {
    config: AutoConfig,
    /// The first proposes alone at the start.
    members: Vec<Member>,
    seen: Seen,
    rng: Stream,
    /// By whom a design was proposed whose outcome is not known yet.
    open: HashMap<Design, usize>,
    /// The best so far.
    archive: Archive,
    n_trials: usize,
}

impl Member {
    fn new(agent: impl Agent + 'static) -> Self {
        Self { agent: Box::new(agent), found: 0.0, proposed: 0.0 }
    }

    /// The share of recent proposals that were improvements, as if there had been two more and one of them had been one: 1/2 for an agent
    /// of which nothing is known, and near its own share after many proposals.
    fn rate(&self) -> f64 {
        (self.found + 1.0) / (self.proposed + 2.0)
    }
}

impl Auto {
    /// Who proposes the next design, after `n_chosen` that this batch has already.
    fn choose(&mut self, n_chosen: usize) -> usize {
        if self.n_trials + self.open.len() + n_chosen < self.config.n_first {
            return 0;
        }
        let total: f64 = self.members.iter().map(Member::rate).sum();
        let rest = 1.0 - self.config.least_share * self.members.len() as f64;
        let mut left: f64 = self.rng.random();
        for (index, member) in self.members.iter().enumerate() {
            left -= self.config.least_share + rest * member.rate() / total;
            if left < 0.0 {
                return index;
            }
        }
        0 // rounding: chances add up to 1 but for the last bits
    }

    /// Whether a trial adds to the best so far, which it then is part of.
    fn is_improvement(&mut self, trial: &Trial) -> bool {
        let Some(losses) = trial.judgement.accepted() else { return false };
        self.archive
            .insert(self.n_trials, losses)
            .expect("invariant: losses are finite, and as many as objectives")
    }
}

impl Agent for Auto {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut counts = vec![0; self.members.len()];
        (0..count).for_each(|n_chosen| counts[self.choose(n_chosen)] += 1);
        let mut designs = Vec::with_capacity(count);
        for (index, wanted) in counts.into_iter().enumerate().filter(|&(_, wanted)| wanted > 0) {
            for design in self.members[index].agent.suggest(wanted)? {
                // Two agents may propose the same in one batch, and all repeat once nothing new is left.
                if self.seen.insert(&design) || self.seen.is_complete() {
                    self.open.insert(design.clone(), index);
                    designs.push(design);
                }
            }
        }
        while designs.len() < count && !self.seen.is_complete() {
            designs.push(self.seen.draw(&mut self.rng));
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        for trial in trials {
            let is_improvement = self.is_improvement(trial);
            self.n_trials += 1;
            if let Some(index) = self.open.remove(&trial.design) {
                let member = &mut self.members[index];
                member.found = self.config.memory * member.found + f64::from(u8::from(is_improvement));
                member.proposed = self.config.memory * member.proposed + 1.0;
            }
        }
        self.members.iter_mut().try_for_each(|member| member.agent.observe(trials))
    }
}

impl BuildAgent for Auto {
    const ID: &'static str = "auto";
    const SUMMARY: &'static str = "Several agents as one: gp, tpe and a genetic search, by what each finds";
    const DESCRIPTION: &'static str = include_str!("auto.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = AutoConfig;

    fn build(problem: &Problem, config: AutoConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("memory", config.memory, 0.0..=1.0)?;
        check("least_share", config.least_share, 0.0..=1.0 / 3.0)?;
        let seed_of = |index| seed.child("member", index);
        let genetic = if problem.n_objectives() == 1 {
            Member::new(Genetic::build(problem, Default::default(), seed_of(2))?)
        } else {
            Member::new(Nsga2::build(problem, Default::default(), seed_of(2))?)
        };
        let members = vec![
            Member::new(GaussianProcessSearch::build(problem, Default::default(), seed_of(0))?),
            Member::new(Tpe::build(problem, Default::default(), seed_of(1))?),
            genetic,
        ];
        Ok(Self {
            members,
            seen: Seen::new(problem.space()),
            rng: seed.stream("auto"),
            open: HashMap::new(),
            archive: Archive::new(problem.n_objectives()),
            n_trials: 0,
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// Two proposals of the second agent, the first of which is an improvement: credit 0.95 of 1.95, a rate of 1.95 / 3.95. A trial that
    /// nobody proposed counts for nobody.
    #[test]
    fn credit_by_hand() {
        let toy = Toy::bowl();
        let mut auto = Auto::build(&toy.problem(), AutoConfig::default(), Seed::new(0)).unwrap();
        let trial = |rank, loss| toy.problem().trial(toy.space().unrank(rank), Outcome::Measured(vec![loss]));
        for rank in [0, 1] {
            auto.open.insert(toy.space().unrank(rank), 1);
        }
        auto.observe(&[trial(0, 5.0), trial(1, 7.0), trial(2, 1.0)]).unwrap();
        assert!((auto.members[1].rate() - 1.95 / 3.95).abs() < 1e-12);
        assert_eq!(auto.members[0].rate(), 0.5);
        assert!(auto.open.is_empty());
    }

    /// Claim: a batch leaves the first agent alone up to the first 50 designs and no further. Of 200 choices by equal chances, 30 or fewer
    /// of one of three would happen by chance with probability 1.1e-8.
    #[test]
    fn the_first_agent_is_alone_up_to_the_first_designs_also_within_a_batch() {
        let toy = Toy::bowl();
        let mut auto = Auto::build(&toy.problem(), AutoConfig::default(), Seed::new(0)).unwrap();
        let chosen: Vec<usize> = (0..250).map(|n_chosen| auto.choose(n_chosen)).collect();
        assert!(chosen[..50].iter().all(|&index| index == 0));
        assert!((0..3).all(|member| chosen[50..].iter().filter(|&&index| index == member).count() > 30));
    }
}

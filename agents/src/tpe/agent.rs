//! The agent `tpe`: which trials are good, and the most promising of samples from their density.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::pareto::{crowding_distance, front};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, Judgement, ObjectiveSupport, Problem, Seed, Stream,
    Trial,
};

use super::density::{Centers, Good, Others, densities};
use crate::parts::seen::Seen;

/// Rounds of samples that may bring nothing new before a design is drawn at random.
const ROUNDS: usize = 4;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TpeConfig {
    /// Random designs before the first model.
    pub n_startup_trials: usize,
    /// `beta`: the share of all trials that counts as good.
    pub gamma: f64,
    /// No more trials than this count as good.
    pub max_good_trials: usize,
    /// Samples from the good designs' density, of which the most promising is proposed.
    pub n_ei_candidates: usize,
    /// `Delta`: the least bandwidth, as a share of a parameter's range.
    pub min_bandwidth_factor: f64,
}

impl Default for TpeConfig {
    /// Watanabe (2023), the recommended setting: beta = 0.15, Delta = 0.03; Optuna 4: 10 random designs, at most 25 good, 24
    /// samples.
    fn default() -> Self {
        Self {
            n_startup_trials: 10,
            gamma: 0.15,
            max_good_trials: 25,
            n_ei_candidates: 24,
            min_bandwidth_factor: 0.03,
        }
    }
}

/// Two densities over designs, and the trials they are made of.
pub struct Tpe {
    config: TpeConfig,
    n_objectives: usize,
    seen: Seen,
    rng: Stream,
    n_initial: usize,
    judgements: Vec<Judgement>,
    centers: Centers,
    /// Trials from best to worst; with several objectives, those that are acceptable stand first, in any order.
    order: Vec<usize>,
}

impl Tpe {
    /// The trials that count as good, at least one. Watanabe (2023), section 3.1.
    fn good(&self) -> Vec<usize> {
        let share = (self.config.gamma * self.judgements.len() as f64).ceil() as usize;
        let count = share.clamp(1, self.config.max_good_trials);
        if self.n_objectives == 1 {
            return self.order[..count].to_vec();
        }
        let n_accepted = self.order.partition_point(|&trial| self.judgements[trial].accepted().is_some());
        let mut left: Vec<(usize, &[f64])> = self.order[..n_accepted]
            .iter()
            .filter_map(|&trial| self.judgements[trial].accepted().map(|losses| (trial, losses)))
            .collect();
        let mut good = Vec::with_capacity(count);
        while good.len() < count && !left.is_empty() {
            let points: Vec<&[f64]> = left.iter().map(|&(_, losses)| losses).collect();
            let mut chosen = front(&points);
            if good.len() + chosen.len() > count {
                let members: Vec<&[f64]> = chosen.iter().map(|&index| points[index]).collect();
                let crowding = crowding_distance(&members);
                let mut lonely: Vec<usize> = (0..chosen.len()).collect();
                lonely.sort_by(|&a, &b| crowding[b].total_cmp(&crowding[a]));
                chosen = lonely[..count - good.len()].iter().map(|&index| chosen[index]).collect();
            }
            chosen.sort_unstable();
            good.extend(chosen.iter().map(|&index| left[index].0));
            let mut index = 0;
            left.retain(|_| {
                index += 1;
                chosen.binary_search(&(index - 1)).is_err()
            });
        }
        let n_missing = count - good.len();
        good.extend_from_slice(&self.order[n_accepted..][..n_missing]);
        good
    }

    /// How much better than the best of the others each good trial is, if that is known; the weights "EI" of Watanabe
    /// (2023), section 3.2.
    fn good_weights(&self, good: &[usize]) -> Vec<f64> {
        let next = self.order.get(good.len()).map(|&trial| &self.judgements[trial]);
        let threshold = match next.and_then(|judgement| judgement.accepted()) {
            Some([loss]) => *loss,
            _ => return vec![1.0; good.len()],
        };
        let gain = |&trial: &usize| {
            self.judgements[trial].accepted().map_or(0.0, |losses| (threshold - losses[0]).max(0.0))
        };
        let gains: Vec<f64> = good.iter().map(gain).collect();
        if gains.iter().sum::<f64>() > 0.0 { gains } else { vec![1.0; good.len()] }
    }

    /// `count` designs, each the most promising of some samples.
    fn proposals(&mut self, count: usize) -> Vec<Design> {
        let good = self.good();
        let gains = self.good_weights(&good);
        let (good, mut others) = densities(&self.centers, &good, &gains, self.config.min_bandwidth_factor);
        (0..count).map(|_| self.proposal(&good, &mut others)).collect()
    }

    /// A new design that is likely among the good and unlikely among the others.
    fn proposal(&mut self, good: &Good, others: &mut Others) -> Design {
        for _ in 0..ROUNDS {
            let samples = (0..self.config.n_ei_candidates).filter_map(|_| {
                let design = self.seen.space().repair(&good.sample(&mut self.rng));
                (!self.seen.contains(&design)).then(|| (good.log_density(&design), design))
            });
            let mut samples: Vec<(f64, Design)> = samples.collect();
            // The likeliest among the good come first: one of them is often the best, and ends the sums of the rest early.
            samples.sort_by(|(a, _), (b, _)| b.total_cmp(a));
            samples.dedup();
            let mut best: Option<(f64, Design)> = None;
            for (log_good, design) in samples {
                let most = best.as_ref().map_or(f64::INFINITY, |(value, _)| (log_good - value).exp());
                let Some(log_others) = others.log_density(&design, &self.centers, most) else { continue };
                let value = log_good - log_others;
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    best = Some((value, design));
                }
            }
            if let Some((_, design)) = best {
                self.seen.insert(&design);
                return design;
            }
        }
        self.seen.draw(&mut self.rng)
    }

    /// Acceptable ones by loss if there is but one, the others by shortfall.
    fn compare(&self, a: &Judgement, b: &Judgement) -> Ordering {
        match (a.accepted(), b.accepted()) {
            (Some([a]), Some([b])) => a.total_cmp(b),
            _ => a.compare_shortfall(b),
        }
    }
}

impl Agent for Tpe {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = Vec::with_capacity(count);
        while designs.len() < count && (self.n_initial > 0 || self.judgements.is_empty()) {
            self.n_initial = self.n_initial.saturating_sub(1);
            designs.push(self.seen.draw(&mut self.rng));
        }
        if designs.len() < count {
            designs.extend(self.proposals(count - designs.len()));
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        for trial in trials {
            let place = self.order.partition_point(|&earlier| {
                self.compare(&self.judgements[earlier], &trial.judgement).is_le()
            });
            self.order.insert(place, self.judgements.len());
            self.judgements.push(trial.judgement.clone());
            self.centers.push(&trial.design);
        }
        if self.judgements.len() >= self.config.n_startup_trials {
            self.n_initial = 0; // perhaps by an earlier log
        }
        Ok(())
    }
}

impl BuildAgent for Tpe {
    const ID: &'static str = "tpe";
    const SUMMARY: &'static str = "TPE: what is likely among good designs and unlikely among the others";
    const DESCRIPTION: &'static str = include_str!("tpe.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = TpeConfig;

    fn build(problem: &Problem, config: TpeConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("n_startup_trials", config.n_startup_trials, 1..)?;
        check("max_good_trials", config.max_good_trials, 1..)?;
        check("n_ei_candidates", config.n_ei_candidates, 1..)?;
        check("gamma", config.gamma, 0.0..=1.0)?;
        check("min_bandwidth_factor", config.min_bandwidth_factor, 1e-3..=1.0)?;
        Ok(Self {
            n_objectives: problem.n_objectives(),
            seen: Seen::new(problem.space()),
            rng: seed.stream("tpe"),
            n_initial: config.n_startup_trials,
            judgements: Vec::new(),
            centers: Centers::new(problem.space()),
            order: Vec::new(),
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn agent(toy: &Toy, config: TpeConfig) -> Tpe {
        Tpe::build(&toy.problem(), config, Seed::new(0)).unwrap()
    }

    /// Ten trials, of which 15 % are good: two. Losses 0 to 6 and three infeasible: the best two are good, with weights
    /// 2 - 0 and 2 - 1 over the best of the others. Without enough acceptable ones the least violation counts as good.
    #[test]
    fn the_split_by_hand() {
        let toy = Toy::bowl();
        let mut agent = agent(&toy, TpeConfig::default());
        let trial = |(rank, outcome): (u128, Outcome)| toy.problem().trial(toy.space().unrank(rank), outcome);
        let broken = |violation| Outcome::infeasible("too_wide", violation);
        agent.observe(&[trial((0, broken(3.0))), trial((1, broken(1.0))), trial((2, broken(2.0)))]).unwrap();
        assert_eq!(agent.good(), [1]);
        for loss in [5, 1, 6, 0, 2, 4, 3] {
            agent.observe(&[trial((10 + loss, Outcome::Measured(vec![loss as f64])))]).unwrap();
        }
        let good = agent.good();
        assert_eq!(good, [6, 4]);
        assert_eq!(agent.good_weights(&good), [2.0, 1.0]);
    }

    /// Of 20 trials three are good. The front holds (0, 9), (1, 8), (4, 4) and (9, 0): its ends, and of the inner two the less
    /// crowded, (4, 4).
    #[test]
    fn the_split_of_a_front_by_hand() {
        let toy = Toy::tradeoff();
        let mut agent = agent(&toy, TpeConfig::default());
        let trial = |(rank, losses): (usize, [f64; 2])| {
            toy.problem().trial(toy.space().unrank(rank as u128), Outcome::Measured(losses.to_vec()))
        };
        let mut points = vec![[0.0, 9.0], [1.0, 8.0], [4.0, 4.0], [9.0, 0.0]];
        points.resize(20, [10.0, 10.0]);
        agent.observe(&points.into_iter().enumerate().map(trial).collect::<Vec<_>>()).unwrap();
        assert_eq!(agent.good(), [0, 2, 3]);
    }
}

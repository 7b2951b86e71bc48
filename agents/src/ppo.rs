//! PPO: proximal policy optimization, an actor and a critic that learn from each batch of episodes several times over.
//!
//! Source: Schulman, Wolski, Dhariwal, Radford & Klimov (2017), "Proximal policy optimization algorithms", arXiv:1707.06347.
//! Departs from it: an episode is the making of one design; rewards are standardised ranks, levels that lead to no legal
//! design are masked, the policy starts with all legal designs nearly alike, known designs are not proposed again, and an
//! earlier log is imitated.

use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

use crate::parts::policy::actor::{Actor, Critic};
use crate::parts::policy::advantage::{Horizon, standardise};
use crate::parts::policy::categorical::Categorical;
use crate::parts::policy::reward::{Rewards, imitation_weights};
use crate::parts::policy::steps::{Decision, Steps};
use crate::parts::policy::team::Team;
use crate::parts::seen::Seen;

/// Hyperparameters; the defaults are the paper's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// `T`: how many decisions are collected before the networks learn from them, rounded up to whole designs.
    pub n_steps: usize,
    /// Adam's step size.
    pub learning_rate: f64,
    /// `K`: how often the networks learn from each decision.
    pub n_epochs: usize,
    /// `M`: decisions in a step of the optimizer.
    pub batch_size: usize,
    /// gamma: what a reward is worth one decision earlier.
    pub gamma: f64,
    /// lambda of generalised advantage estimation.
    pub gae_lambda: f64,
    /// epsilon: how far the probability of a decision may move, as a ratio, before the gain from it is ignored.
    pub clip_range: f64,
    /// c2: what a nat of entropy is worth.
    pub ent_coef: f64,
    /// Widths of the hidden layers of actor and critic.
    pub hidden_layer_sizes: Vec<usize>,
    /// Steps of the optimizer in which an earlier log is imitated.
    pub log_updates: usize,
}

impl Default for PpoConfig {
    /// Schulman et al. (2017): step size, epochs, minibatch, gamma and lambda of table 3; epsilon of table 1; layers of section
    /// 6.1; horizon and entropy coefficient of table 5. `log_updates` is ours: enough to imitate a hundred designs.
    fn default() -> Self {
        Self {
            n_steps: 128,
            learning_rate: 3e-4,
            n_epochs: 10,
            batch_size: 64,
            gamma: 0.99,
            gae_lambda: 0.95,
            clip_range: 0.2,
            ent_coef: 0.01,
            hidden_layer_sizes: vec![64, 64],
            log_updates: 300,
        }
    }
}

impl PpoConfig {
    /// # Errors
    /// [`ConfigError`] if one is out of range.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        check("n_steps", self.n_steps, 1..)?;
        check("learning_rate", self.learning_rate, 0.0..=1.0)?;
        check("n_epochs", self.n_epochs, 1..)?;
        check("batch_size", self.batch_size, 1..)?;
        check("gamma", self.gamma, 0.0..=1.0)?;
        check("gae_lambda", self.gae_lambda, 0.0..=1.0)?;
        check("clip_range", self.clip_range, 0.0..=1.0)?;
        check("ent_coef", self.ent_coef, 0.0..=1.0)?;
        self.hidden_layer_sizes.iter().try_for_each(|&width| check("hidden_layer_sizes", width, 1..))
    }

    fn horizon(&self) -> Horizon {
        Horizon { discount: self.gamma as f32, gae_lambda: self.gae_lambda as f32 }
    }
}

/// Whose reward each critic expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Critics {
    /// One critic for all actors.
    Shared,
    /// One for each.
    Separate,
}

/// Algorithm 1, for any number of actors that take turns in one episode; one is PPO.
pub(crate) struct Proximal {
    config: PpoConfig,
    team: Team,
    /// The critics: as many as actors, or one.
    critics: Vec<Critic>,
    rewards: Rewards,
    seen: Seen,
    rng: Stream,
    /// Trials of an earlier log, until they are learned from.
    log: Vec<Trial>,
    /// Own trials not yet learned from.
    batch: Vec<Trial>,
    has_proposed: bool,
}

/// What an actor and its critic learn from: `n` of the decisions in some [`Steps`].
#[derive(Default)]
struct Lesson {
    /// Which decisions, shape `[n]`.
    rows: Vec<usize>,
    /// What the actor thought of each choice when it was made, shape `[n]`.
    old_log_p: Vec<f32>,
    /// Standardised, shape `[n]`.
    advantages: Vec<f32>,
    /// What the critic should have said, shape `[n]`.
    targets: Vec<f32>,
}

impl Proximal {
    /// An actor for each of `groups`, which hold each parameter once.
    pub(crate) fn new(
        problem: &Problem,
        config: PpoConfig,
        seed: Seed,
        groups: &[Vec<usize>],
        critics: Critics,
    ) -> Self {
        let space = problem.space();
        let mut weights = seed.stream("networks");
        let learning_rate = config.learning_rate as f32;
        let hidden = &config.hidden_layer_sizes;
        let actor = |group: &Vec<usize>| Actor::new(space, group, hidden, learning_rate, &mut weights);
        let team = Team::new(space, groups, actor);
        let n_critics = if critics == Critics::Shared { 1 } else { groups.len() };
        let critic = |_| Critic::new(space, hidden, learning_rate, &mut weights);
        Self {
            team,
            critics: (0..n_critics).map(critic).collect(),
            rewards: Rewards::new(problem, seed),
            seen: Seen::new(space),
            rng: seed.stream("ppo"),
            log: Vec::new(),
            batch: Vec::new(),
            has_proposed: false,
            config,
        }
    }

    /// The critic of an actor.
    fn critic(&self, actor: usize) -> usize {
        actor % self.critics.len()
    }

    /// Imitates the log, the better designs more; the critics learn what became of them.
    fn learn_from_log(&mut self) {
        let trials = std::mem::take(&mut self.log);
        let rewards = self.rewards.of(&trials);
        let weights = imitation_weights(&rewards);
        let steps = Steps::of(self.seen.space(), trials.iter().map(|trial| &trial.design));
        let entropy = self.config.ent_coef as f32;
        // With lambda = 1 and no value expected, an advantage is the discounted reward itself.
        let horizon = Horizon { gae_lambda: 1.0, ..self.config.horizon() };
        for (index, rows) in self.team.rows_by_actor(&steps).into_iter().enumerate() {
            let returns = by_design(&steps, &rows, |design, places| {
                horizon.advantages(&vec![0.0; places.len()], rewards[design])
            });
            let critic = self.critic(index);
            for _ in 0..self.config.log_updates {
                let draw = |_| self.rng.random_range(0..rows.len());
                let places: Vec<usize> = (0..self.config.batch_size).map(draw).collect();
                let (observations, decisions) = minibatch(&steps, &rows, &places);
                self.team.actor_mut(index).learn(&observations, &decisions, |at, distribution| {
                    let pull = weights[decisions[at].design];
                    by_logits(distribution, decisions[at].chosen, pull, entropy)
                });
                let targets: Vec<f32> = places.iter().map(|&place| returns[place]).collect();
                self.critics[critic].learn(&observations, &targets);
            }
        }
    }

    /// Algorithm 1: estimate advantages, then optimise the surrogate for some epochs of minibatches.
    fn learn_from_batch(&mut self) {
        let trials = std::mem::take(&mut self.batch);
        let rewards = self.rewards.of(&trials);
        let steps = Steps::of(self.seen.space(), trials.iter().map(|trial| &trial.design));
        let lessons: Vec<Lesson> = self
            .team
            .rows_by_actor(&steps)
            .into_iter()
            .enumerate()
            .map(|(actor, rows)| self.lesson(actor, &steps, rows, &rewards))
            .collect();
        for (index, lesson) in lessons.iter().enumerate() {
            let critic = self.critic(index);
            for _ in 0..self.config.n_epochs {
                let mut places: Vec<usize> = (0..lesson.rows.len()).collect();
                places.shuffle(&mut self.rng);
                for places in places.chunks(self.config.batch_size) {
                    let (observations, decisions) = minibatch(&steps, &lesson.rows, places);
                    self.team.actor_mut(index).learn(&observations, &decisions, |at, distribution| {
                        surrogate_gradient(
                            distribution,
                            decisions[at].chosen,
                            lesson,
                            places[at],
                            &self.config,
                        )
                    });
                    let targets: Vec<f32> = places.iter().map(|&place| lesson.targets[place]).collect();
                    self.critics[critic].learn(&observations, &targets);
                }
            }
        }
    }

    fn lesson(&self, actor: usize, steps: &Steps, rows: Vec<usize>, rewards: &[f32]) -> Lesson {
        let all: Vec<usize> = (0..rows.len()).collect();
        let (observations, decisions) = minibatch(steps, &rows, &all);
        let values = self.critics[self.critic(actor)].values(&observations);
        let horizon = self.config.horizon();
        let mut advantages =
            by_design(steps, &rows, |design, places| horizon.advantages(&values[places], rewards[design]));
        let targets = advantages.iter().zip(&values).map(|(advantage, value)| advantage + value).collect();
        standardise(&mut advantages);
        let distributions = self.team.actor(actor).distributions(&observations, &decisions);
        let log_p =
            |(distribution, decision): (&Categorical, &&Decision)| distribution.log_p(decision.chosen);
        let old_log_p = distributions.iter().zip(&decisions).map(log_p).collect();
        Lesson { rows, old_log_p, advantages, targets }
    }
}

/// The observations and decisions at some places among `rows`.
fn minibatch<'a>(steps: &'a Steps, rows: &[usize], places: &[usize]) -> (Vec<f32>, Vec<&'a Decision>) {
    let rows: Vec<usize> = places.iter().map(|&place| rows[place]).collect();
    (steps.observations(&rows), rows.iter().map(|&row| &steps.decisions()[row]).collect())
}

/// What `of` makes of the places, among `rows`, that each design takes; one after the other. Shape `[n rows]`.
fn by_design(
    steps: &Steps,
    rows: &[usize],
    of: impl Fn(usize, std::ops::Range<usize>) -> Vec<f32>,
) -> Vec<f32> {
    let design = |row: usize| steps.decisions()[row].design;
    let mut all = Vec::with_capacity(rows.len());
    for own in rows.chunk_by(|&a, &b| design(a) == design(b)) {
        all.extend(of(design(own[0]), all.len()..all.len() + own.len()));
    }
    all
}

/// The gradient by the logits of -L^CLIP - c2 S, the actor's part of equation 9.
fn surrogate_gradient(
    distribution: &Categorical,
    chosen: usize,
    lesson: &Lesson,
    place: usize,
    config: &PpoConfig,
) -> Vec<f32> {
    let (advantage, clip) = (lesson.advantages[place], config.clip_range as f32);
    let ratio = (distribution.log_p(chosen) - lesson.old_log_p[place]).exp();
    // Equation 7: where the clipped term is the smaller of the two, nothing is to be gained.
    let is_clipped = if advantage > 0.0 { ratio > 1.0 + clip } else { ratio < 1.0 - clip };
    let pull = if is_clipped { 0.0 } else { ratio * advantage };
    by_logits(distribution, chosen, pull, config.ent_coef as f32)
}

/// The gradient by the logits of -(pull ln p(chosen) + entropy H).
fn by_logits(distribution: &Categorical, chosen: usize, pull: f32, entropy: f32) -> Vec<f32> {
    let slopes = distribution.log_p_gradient(chosen).zip(distribution.entropy_gradient());
    slopes.map(|(by_log_p, by_entropy)| -(pull * by_log_p + entropy * by_entropy)).collect()
}

impl Agent for Proximal {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.has_proposed = true;
        if !self.log.is_empty() {
            self.learn_from_log();
        }
        let team = &mut self.team;
        let mut propose = || self.seen.propose(&mut self.rng, |space, rng| team.sample(space, rng));
        Ok((0..count).map(|_| propose()).collect())
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.rewards.observe(trials);
        if !self.has_proposed {
            self.log.extend_from_slice(trials);
            return Ok(());
        }
        self.batch.extend_from_slice(trials);
        if self.batch.len() * self.seen.space().n_parameters() >= self.config.n_steps {
            self.learn_from_batch();
        }
        Ok(())
    }
}

/// One actor, one critic.
pub struct Ppo(Proximal);

impl Agent for Ppo {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.0.suggest(count)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.0.observe(trials)
    }
}

impl BuildAgent for Ppo {
    const ID: &'static str = "ppo";
    const SUMMARY: &'static str = "PPO: actor and critic networks, clipped policy updates";
    const DESCRIPTION: &'static str = include_str!("ppo.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = PpoConfig;

    fn build(problem: &Problem, config: PpoConfig, seed: Seed) -> Result<Self, ConfigError> {
        config.check()?;
        let everything = (0..problem.space().n_parameters()).collect();
        Ok(Self(Proximal::new(problem, config, seed, &[everything], Critics::Separate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// Two choices at probability 1/2 each, so the gradient of ln p of the first is (1/2, -1/2) and that of the entropy 0.
    /// The pull is the ratio times the advantage, unless the ratio has left 0.8 to 1.2 on the side the advantage points to.
    #[test]
    fn the_clipped_surrogate_by_hand() {
        let distribution = Categorical::new([0.0, 0.0].into_iter());
        for (ratio, advantage, pull) in [
            (1.0, 2.0, 2.0),
            (1.1, 2.0, 2.2),
            (1.5, 2.0, 0.0),
            (1.5, -2.0, -3.0),
            (0.5, -2.0, 0.0),
            (0.5, 2.0, 1.0),
        ] {
            let lesson = Lesson {
                old_log_p: vec![(0.5f32 / ratio).ln()],
                advantages: vec![advantage],
                ..Lesson::default()
            };
            let gradient = surrogate_gradient(&distribution, 0, &lesson, 0, &PpoConfig::default());
            let expected: [f32; 2] = [-0.5 * pull, 0.5 * pull];
            for (got, expected) in gradient.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-5, "ratio {ratio}, advantage {advantage}: {gradient:?}");
            }
        }
    }

    /// With nothing to be gained, a step down the loss is a step towards equal probabilities.
    #[test]
    fn the_entropy_bonus_draws_choices_together() {
        let distribution = Categorical::new([2.0, 0.0].into_iter());
        let gradient = by_logits(&distribution, 0, 0.0, 0.01);
        assert!(gradient[0] > 0.0 && gradient[1] < 0.0, "{gradient:?}");
    }

    /// The decisions of two designs, of which an actor made the first and the third of each.
    #[test]
    fn each_design_is_seen_by_itself() {
        let toy = Toy::bowl();
        let designs = [toy.space().unrank(0), toy.space().unrank(1)];
        let steps = Steps::of(toy.space(), designs.iter());
        let seen = by_design(&steps, &[0, 2, 6, 8], |design, places| vec![design as f32; places.len()]);
        assert_eq!(seen, [0.0, 0.0, 1.0, 1.0]);
    }

    /// Half the levels of the first parameter are better, and nothing else matters. One batch of 40 designs moves the mean
    /// level the right way. Levels 0 to 15 have standard deviation 4.6, the mean of 1,000 thus 0.15: a change of 0.75 is five of
    /// these.
    #[test]
    fn what_was_better_becomes_more_likely() {
        let toy = Toy::bowl();
        let config = PpoConfig { n_steps: 240, learning_rate: 3e-3, ..PpoConfig::default() };
        let everything = vec![(0..6).collect()];
        let mut agent = Proximal::new(&toy.problem(), config, Seed::new(0), &everything, Critics::Separate);
        let mean_level = |agent: &mut Proximal| {
            let mut rng = Seed::new(1).stream("draws");
            let levels = (0..1000).map(|_| agent.team.sample(toy.space(), &mut rng).levels()[0]);
            f64::from(levels.sum::<u32>()) / 1000.0
        };
        let before = mean_level(&mut agent);
        let designs = agent.suggest(40).unwrap();
        let trial = |design: Design| {
            let loss = f64::from(design.levels()[0] / 8);
            toy.problem().trial(design, Outcome::Measured(vec![loss]))
        };
        agent.observe(&designs.into_iter().map(trial).collect::<Vec<_>>()).unwrap();
        let after = mean_level(&mut agent);
        assert!(after < before - 0.75, "{before} {after}");
    }
}

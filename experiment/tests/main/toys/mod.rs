//! Toys that the loop is tested and measured with: environments over `check::toy`, and agents whose proposals depend on
//! everything they were told.

#![allow(dead_code, reason = "each test uses some of the toys")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::check::toy::Toy;
use tapeout_core::{
    Agent, AgentEntry, AgentError, BuildAgent, BuildEnv, Catalog, ConfigError, Design, DesignSpace, Env,
    EnvEntry, EvalError, Goal, Judgement, Metric, Objective, ObjectiveSupport, Outcome, Problem, Seed,
    Stream, Trial,
};
use tapeout_experiment::{Budget, RunOptions, Spec};

/// Environments and agents by name.
pub fn catalog() -> Catalog {
    Catalog::new()
        .with_env(EnvEntry::of::<Bowl>())
        .with_env(EnvEntry::of::<Tradeoff>())
        .with_env(EnvEntry::of::<Tied>())
        .with_agent(AgentEntry::of::<Random>())
        .with_agent(AgentEntry::of::<Climber>())
        .with_agent(AgentEntry::of::<Parrot>())
        .with_agent(AgentEntry::of::<Quitter>())
}

pub fn budget(trials: usize) -> Budget {
    Budget::trials(NonZeroUsize::new(trials).unwrap())
}

/// `agent` on `env`, eight designs at once.
pub fn spec(env: &str, agent: &str, trials: usize) -> Spec {
    let mut spec = Spec::new(env, agent, budget(trials));
    spec.batch = NonZeroUsize::new(8).unwrap();
    spec
}

pub fn threads(threads: usize) -> RunOptions<'static> {
    RunOptions { threads: NonZeroUsize::new(threads).unwrap(), interrupt: None, ..RunOptions::default() }
}

/// `log` as version 1 had it: without checksums.
pub fn unchecked(log: &str) -> String {
    let line = |line: &str| match line.split_once(",\"check\":\"") {
        Some((front, rest)) => format!("{front}{}\n", &rest[rest.find(',').expect("timing")..]),
        None => format!("{line}\n"),
    };
    log.replacen("\"version\":3", "\"version\":1", 1).lines().map(line).collect()
}

/// The log in `folder`, without the timings.
pub fn log_without_timings(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join("trials.jsonl")).unwrap();
    let (header, trials) = log.split_once('\n').unwrap();
    let lines =
        trials.lines().map(|line| line.split_once(",\"timing\":").expect("a trial ends in its timing").0);
    [header].into_iter().chain(lines).flat_map(|line| [line, "\n"]).collect()
}

/// How the toy environments misbehave, if they do.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ToyConfig {
    /// How long an evaluation takes.
    pub delay_us: u64,
    /// Designs whose level of `a` is this fail to evaluate.
    pub fails_at: Option<u32>,
    /// Designs whose level of `a` is this or more fail to evaluate.
    pub fails_from: Option<u32>,
    /// Designs whose level of `a` is this measure NaN.
    pub nan_at: Option<u32>,
    /// Designs whose level of `a` is this make it panic.
    pub panics_at: Option<u32>,
    /// All of that is so as long as there is a file here, if a path is given.
    pub faults_while: Option<PathBuf>,
    /// Whether answers are asked for anew each time.
    pub is_noisy: bool,
}

struct Wrapped {
    toy: Toy,
    config: ToyConfig,
}

impl Wrapped {
    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        if self.config.delay_us > 0 {
            thread::sleep(Duration::from_micros(self.config.delay_us));
        }
        if self.config.faults_while.as_ref().is_some_and(|path| !path.exists()) {
            return self.toy.evaluate(design);
        }
        let a = Some(design.levels()[0]);
        if a == self.config.fails_at || self.config.fails_from.is_some_and(|least| a >= Some(least)) {
            return Err(EvalError::caused_by("the device does not answer", EvalError::new("it is off")));
        }
        if a == self.config.nan_at {
            return Ok(Outcome::Measured(vec![f64::NAN; self.toy.metrics().len()]));
        }
        assert_ne!(a, self.config.panics_at, "a bug of the toy");
        self.toy.evaluate(design)
    }
}

macro_rules! toy_env {
    ($name:ident, $id:literal, $toy:expr) => {
        pub struct $name(Wrapped);

        impl Env for $name {
            fn space(&self) -> &DesignSpace {
                self.0.toy.space()
            }

            fn metrics(&self) -> &[Metric] {
                self.0.toy.metrics()
            }

            fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
                self.0.evaluate(design)
            }

            fn is_noisy(&self) -> bool {
                self.0.config.is_noisy
            }
        }

        impl BuildEnv for $name {
            const ID: &'static str = $id;
            const VERSION: u32 = 0;
            const SUMMARY: &'static str = "a toy";
            const DESCRIPTION: &'static str = "a toy";
            type Config = ToyConfig;

            fn build(config: ToyConfig) -> Result<Self, ConfigError> {
                Ok(Self(Wrapped { toy: $toy, config }))
            }

            fn default_goal(&self) -> Goal {
                let objectives = self.metrics().iter().map(|metric| Objective::minimize(&metric.name));
                Goal { objectives: objectives.collect(), constraints: Vec::new() }
            }
        }
    };
}

toy_env!(Bowl, "bowl", Toy::bowl());
toy_env!(Tradeoff, "tradeoff", Toy::tradeoff());
toy_env!(Tied, "tied", Toy::tied());

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct NoConfig {}

/// Uniform draws: the cheapest agent there is.
pub struct Random {
    space: DesignSpace,
    rng: Stream,
}

impl Agent for Random {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        Ok((0..count).map(|_| self.space.sample(&mut self.rng)).collect())
    }

    fn observe(&mut self, _: &[Trial]) -> Result<(), AgentError> {
        Ok(())
    }
}

impl BuildAgent for Random {
    const ID: &'static str = "random";
    const SUMMARY: &'static str = "uniform draws";
    const DESCRIPTION: &'static str = "uniform draws";
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = NoConfig;

    fn build(problem: &Problem, _: NoConfig, seed: Seed) -> Result<Self, ConfigError> {
        Ok(Self { space: problem.space().clone(), rng: seed.stream("random") })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClimberConfig {
    /// The share of proposals that are drawn at random, in [0, 1].
    pub exploration: f64,
}

impl Default for ClimberConfig {
    fn default() -> Self {
        Self { exploration: 0.25 }
    }
}

/// Mutates the best it was told of; how often it draws from its stream depends on every answer, so it forgets nothing and
/// forgives nothing.
pub struct Climber {
    space: DesignSpace,
    rng: Stream,
    exploration: f64,
    best: Option<(Judgement, Design)>,
}

impl Agent for Climber {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = Vec::with_capacity(count);
        for _ in 0..count {
            designs.push(match &self.best {
                Some((_, best)) if self.rng.random::<f64>() >= self.exploration => {
                    self.space.mutate(best, &mut self.rng)
                }
                _ => self.space.sample(&mut self.rng),
            });
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        for trial in trials {
            if self.best.as_ref().is_none_or(|(best, _)| trial.judgement.dominates(best)) {
                self.best = Some((trial.judgement.clone(), trial.design.clone()));
            }
            if trial.judgement.accepted().is_some_and(|losses| losses[0].to_bits().count_ones() % 2 == 1) {
                self.rng.random::<u32>();
            }
        }
        Ok(())
    }
}

impl BuildAgent for Climber {
    const ID: &'static str = "climber";
    const SUMMARY: &'static str = "mutates the best";
    const DESCRIPTION: &'static str = "mutates the best";
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = ClimberConfig;

    fn build(problem: &Problem, config: ClimberConfig, seed: Seed) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&config.exploration) {
            let message = format!("{} is out of range; expected 0 to 1", config.exploration);
            return Err(ConfigError::new("exploration", message));
        }
        Ok(Self {
            space: problem.space().clone(),
            rng: seed.stream("climber"),
            exploration: config.exploration,
            best: None,
        })
    }
}

/// How many designs the parrot knows.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ParrotConfig {
    /// It proposes the first so many designs of the space, each twice ...
    pub known: u32,
    /// ... and then falls silent, or begins again.
    pub is_endless: bool,
}

/// Proposes the same few designs.
pub struct Parrot {
    space: DesignSpace,
    config: ParrotConfig,
    said: u32,
}

impl Agent for Parrot {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = Vec::new();
        while designs.len() < count && (self.config.is_endless || self.said < 2 * self.config.known) {
            designs.push(self.space.unrank(u128::from(self.said / 2 % self.config.known)));
            self.said += 1;
        }
        Ok(designs)
    }

    fn observe(&mut self, _: &[Trial]) -> Result<(), AgentError> {
        Ok(())
    }
}

impl BuildAgent for Parrot {
    const ID: &'static str = "parrot";
    const SUMMARY: &'static str = "repeats itself";
    const DESCRIPTION: &'static str = "repeats itself";
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = ParrotConfig;

    fn build(problem: &Problem, config: ParrotConfig, _: Seed) -> Result<Self, ConfigError> {
        Ok(Self { space: problem.space().clone(), config, said: 0 })
    }
}

/// Proposes one batch, in the order of the space, and then gives up.
pub struct Quitter {
    space: DesignSpace,
    has_proposed: bool,
}

impl Agent for Quitter {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        if self.has_proposed {
            return Err(AgentError::new("it has no more to say"));
        }
        self.has_proposed = true;
        Ok(self.space.iter().take(count).collect())
    }

    fn observe(&mut self, _: &[Trial]) -> Result<(), AgentError> {
        Ok(())
    }
}

impl BuildAgent for Quitter {
    const ID: &'static str = "quitter";
    const SUMMARY: &'static str = "gives up";
    const DESCRIPTION: &'static str = "gives up";
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = NoConfig;

    fn build(problem: &Problem, _: NoConfig, _: Seed) -> Result<Self, ConfigError> {
        Ok(Self { space: problem.space().clone(), has_proposed: false })
    }
}

//! Toys of the core as tasks and as rows of a catalog.

use std::sync::Arc;

use tapeout::core::check::toy::Toy;
use tapeout::gymnasium::spaces::Mask;
use tapeout::gymnasium::{Beginning, DesignTask, Environment, Info, ResetOptions, RewardPolicy, Step};
use tapeout::prelude::*;

/// The toy's own goal: all its metrics, minimised.
pub fn goal_of(toy: &Toy) -> Goal {
    let problem = toy.problem();
    Goal { objectives: problem.objectives().to_vec(), constraints: problem.constraints().to_vec() }
}

pub fn task(toy: Toy) -> DesignTask {
    let goal = goal_of(&toy);
    DesignTask::new(Arc::new(toy), goal, RewardPolicy::weighted_sum()).unwrap()
}

pub fn begin(env: &mut dyn Environment, seed: Option<u64>) -> Beginning {
    env.reset(seed, &ResetOptions::default()).unwrap()
}

/// Plays an episode to its end with random actions under the mask.
pub fn play(env: &mut dyn Environment, seed: u64) -> Vec<Step> {
    let mut rng = Seed::new(seed).stream("play");
    let (_, mut info) = begin(env, Some(seed));
    let mut steps = Vec::new();
    loop {
        let action = env.action_space().sample(&mut rng, info.action_mask.as_ref());
        let step = env.step(&action).unwrap();
        info = step.info.clone();
        steps.push(step);
        if steps.last().is_some_and(|step| step.terminated || step.truncated) {
            return steps;
        }
    }
}

/// The actions a mask of a discrete space allows.
pub fn allowed(info: &Info) -> Vec<i64> {
    let Some(Mask::Discrete(mask)) = &info.action_mask else { panic!("no mask in {info:?}") };
    (0..mask.len()).filter(|&index| mask[index]).map(|index| index as i64).collect()
}

macro_rules! toy_env {
    ($name:ident, $toy:expr, $id:expr, $version:expr) => {
        pub struct $name(Toy);

        impl Env for $name {
            fn space(&self) -> &DesignSpace {
                self.0.space()
            }
            fn metrics(&self) -> &[Metric] {
                self.0.metrics()
            }
            fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
                self.0.evaluate(design)
            }
        }

        impl BuildEnv for $name {
            const ID: &'static str = $id;
            const VERSION: u32 = $version;
            const SUMMARY: &'static str = "A toy.";
            const DESCRIPTION: &'static str = "A toy.";
            type Config = std::collections::BTreeMap<String, f64>;
            fn build(_: Self::Config) -> Result<Self, ConfigError> {
                Ok(Self($toy))
            }
            fn default_goal(&self) -> Goal {
                goal_of(&self.0)
            }
        }
    };
}

toy_env!(Bowl, Toy::bowl(), "deep-bowl", 2);
toy_env!(Tied, Toy::tied(), "tied-sizes-4d", 0);

pub fn catalog() -> Catalog {
    Catalog::new().with_env(EnvEntry::of::<Bowl>()).with_env(EnvEntry::of::<Tied>())
}

/// Says no the first time it is asked, and is one physical device: it must not be asked twice at once.
pub struct Device {
    toy: Toy,
    n_asked: std::sync::atomic::AtomicU32,
    n_inside: std::sync::atomic::AtomicU32,
}

impl Device {
    pub fn new() -> Self {
        Self { toy: Toy::tradeoff(), n_asked: 0.into(), n_inside: 0.into() }
    }

    pub fn task() -> DesignTask {
        let device = Self::new();
        let goal = goal_of(&device.toy);
        DesignTask::new(Arc::new(device), goal, RewardPolicy::weighted_sum()).unwrap()
    }
}

impl Env for Device {
    fn space(&self) -> &DesignSpace {
        self.toy.space()
    }
    fn metrics(&self) -> &[Metric] {
        self.toy.metrics()
    }
    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        use std::sync::atomic::Ordering::SeqCst;
        if self.n_asked.fetch_add(1, SeqCst) == 0 {
            return Err(EvalError::new("the device does not answer"));
        }
        assert_eq!(self.n_inside.fetch_add(1, SeqCst), 0, "the device was asked twice at once");
        std::thread::yield_now();
        let outcome = self.toy.evaluate(design);
        self.n_inside.fetch_sub(1, SeqCst);
        outcome
    }
    fn is_parallel(&self) -> bool {
        false
    }
}

//! Who answers: models learned from the log, searches that ask the simulator, designs at random, the best of the log.

use std::fmt;

use tapeout::core::{BuildLearner, Seed};
use tapeout::offline::Recipe;
use tapeout::surrogates::features::Inputs;
use tapeout::surrogates::learners::prime::{Negatives, Preset, PrimeConfig, Units};
use tapeout::surrogates::learners::{Coms, Improved, MlpEnsemble, Paper, Prime, RamListNet};
use tapeout::surrogates::{TrainingConfig, TrainingDefaults};

use crate::plan::StudyPlan;

type ComsConfig = <Coms as BuildLearner>::Config;
type MlpEnsembleConfig = <MlpEnsemble as BuildLearner>::Config;
type RamListNetConfig = <RamListNet as BuildLearner>::Config;

/// At most so many passes over the log. Ours: more than any training makes, so that steps alone end it.
const PASSES: usize = 1_000;
/// Looks at the validation trials in a training. Ours: often enough to find where it was best.
const LOOKS: usize = 20;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesignMethod {
    /// A model, searched by fireflies.
    Learned(&'static str),
    /// An agent that asks the simulator.
    Online {
        /// Which.
        agent: &'static str,
        /// About how many designs.
        designs: usize,
    },
    /// As many random designs as others propose.
    Random {
        /// Whether those that arithmetic alone rules out are drawn again.
        is_checked: bool,
    },
    /// The best design that was logged and trained on, or where that was not for this question, the best of those that are
    /// best for one workload.
    Logged,
}

/// A learned method.
pub struct Learned {
    /// Its name in the study.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Who learns, with networks of the plan's size and what is switched.
    pub recipe: fn(&StudyPlan, Seed) -> Recipe,
    /// Whether its search is told what arithmetic alone rules out.
    pub exact_checks: bool,
    /// Whether the model can tell feasible designs from others, so that a probability of a half can be asked for.
    pub has_feasibility: bool,
    /// By how many standard deviations metrics are taken to be worse than expected.
    pub kappa: f64,
}

const fn learned(name: &'static str, about: &'static str, recipe: fn(&StudyPlan, Seed) -> Recipe) -> Learned {
    Learned { name, about, recipe, exact_checks: true, has_feasibility: true, kappa: 0.0 }
}

/// PRIME as the plan has it, but for what `switch` sets.
fn prime<P: Preset>(plan: &StudyPlan, seed: Seed, switch: fn(&mut PrimeConfig<P>)) -> Recipe {
    let mut config = PrimeConfig::default();
    config.training = training(plan);
    switch(&mut config);
    Recipe::of::<Prime<P>>(&config, seed)
}

/// PRIME with all improvements, but for what `switch` sets.
fn improved(plan: &StudyPlan, seed: Seed, switch: fn(&mut PrimeConfig<Improved>)) -> Recipe {
    prime(plan, seed, switch)
}

/// The plan's networks and steps, and else what is the learner's own.
fn training<L: TrainingDefaults>(plan: &StudyPlan) -> TrainingConfig<L> {
    TrainingConfig {
        hidden_layer_sizes: plan.hidden.clone(),
        batch_size: plan.batch_of_training,
        max_steps: plan.steps,
        max_epochs: PASSES,
        check_every: (plan.steps / LOOKS).max(1),
        ..L::training()
    }
}

/// PRIME that learns nothing from infeasible designs.
fn no_infeasible(config: &mut PrimeConfig<Improved>) {
    (config.beta, config.feasibility_head) = (0.0, false);
}

/// The same, and without negatives.
fn neither(config: &mut PrimeConfig<Improved>) {
    no_infeasible(config);
    config.negatives = Negatives::None;
}

/// The method that the study is about.
pub const PRIME: DesignMethod = DesignMethod::Learned("prime");

/// PRIME, and PRIME with one switch after the other.
pub const ABLATED: &[Learned] = &[
    learned("prime", "all improvements", |plan, seed| improved(plan, seed, |_| ())),
    Learned {
        exact_checks: false,
        has_feasibility: false,
        ..learned("prime-paper", "the paper's form, with fewer steps; no exact checks", |plan, seed| {
            prime::<Paper>(plan, seed, |_| ())
        })
    },
    learned("no-negatives", "without negatives", |plan, seed| {
        improved(plan, seed, |config| config.negatives = Negatives::None)
    }),
    Learned {
        has_feasibility: false,
        ..learned("no-infeasible", "without infeasible designs", |plan, seed| {
            improved(plan, seed, no_infeasible)
        })
    },
    Learned {
        has_feasibility: false,
        ..learned("neither", "without both", |plan, seed| improved(plan, seed, neither))
    },
    Learned {
        exact_checks: false,
        ..learned("no-exact-checks", "area and memories are left to the model", |plan, seed| {
            improved(plan, seed, |_| ())
        })
    },
    Learned {
        exact_checks: false,
        has_feasibility: false,
        ..learned("unchecked-no-infeasible", "without infeasible designs, no exact checks", |plan, seed| {
            improved(plan, seed, no_infeasible)
        })
    },
    Learned {
        exact_checks: false,
        has_feasibility: false,
        ..learned("unchecked-neither", "without both, no exact checks", |plan, seed| {
            improved(plan, seed, neither)
        })
    },
    learned("gradient-negatives", "negatives down the gradient, not by fireflies", |plan, seed| {
        improved(plan, seed, |config| config.negatives = Negatives::Gradient)
    }),
    learned("no-hinge", "costs are pushed up without end", |plan, seed| {
        improved(plan, seed, |config| config.hinge = false)
    }),
    learned("keep-known", "negatives may be in the data", |plan, seed| {
        improved(plan, seed, |config| config.skip_known = false)
    }),
    Learned {
        has_feasibility: false,
        ..learned("no-head", "no output for feasibility", |plan, seed| {
            improved(plan, seed, |config| config.feasibility_head = false)
        })
    },
    // A hinge a millisecond below the least cost would be nowhere.
    learned("raw-units", "milliseconds, not normalised units; the hinge at the least cost", |plan, seed| {
        improved(plan, seed, |config| (config.units, config.margin) = (Units::Milli, 0.0))
    }),
    learned("level-inputs", "a column for each level, no numbers", |plan, seed| {
        improved(plan, seed, |config| config.inputs = Inputs::Levels)
    }),
];

/// The learners that PRIME is compared with.
pub const OTHERS: &[Learned] = &[
    learned("mlp-ensemble", "plain networks with a spread", |plan, seed| {
        let config = MlpEnsembleConfig {
            inputs: Inputs::Numbers,
            hidden_layer_sizes: plan.hidden.clone(),
            max_steps: plan.steps,
            batch_size: plan.batch_of_training,
            max_epochs: PASSES,
            ..MlpEnsembleConfig::default()
        };
        Recipe::of::<MlpEnsemble>(&config, seed)
    }),
    learned("boosted-trees", "gradient-boosted trees", |_, seed| Recipe::named("boosted-trees", seed)),
    learned("random-forest", "a random forest", |_, seed| Recipe::named("random-forest", seed)),
    learned("coms", "conservative objective models", |plan, seed| {
        let config = ComsConfig { training: training(plan), ..ComsConfig::default() };
        Recipe::of::<Coms>(&config, seed)
    }),
    learned("ram-listnet", "learns the order", |plan, seed| {
        let config = RamListNetConfig { training: training(plan) };
        Recipe::of::<RamListNet>(&config, seed)
    }),
    Learned {
        kappa: 1.0,
        ..learned("support-proximity", "stays near the data", |_, seed| {
            Recipe::named("support-proximity", seed)
        })
    },
];

/// The learned method of that name.
///
/// # Panics
/// If there is none.
pub fn learned_method(name: &str) -> &'static Learned {
    let found = ABLATED.iter().chain(OTHERS).find(|learned| learned.name == name);
    found.expect("a learned method is in the list")
}

impl fmt::Display for DesignMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Learned(name) => write!(formatter, "{name}"),
            Self::Online { agent, designs } => write!(formatter, "{agent} {designs}"),
            Self::Random { is_checked: false } => write!(formatter, "random"),
            Self::Random { is_checked: true } => write!(formatter, "random, exact checks"),
            Self::Logged => write!(formatter, "best in data"),
        }
    }
}

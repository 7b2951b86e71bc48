//! What the study asks, of whom, and with what budget.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tapeout_core::{Goal, Objective};
use tapeout_experiment::EnvSpec;

/// The environment that is studied.
pub const ENV: &str = "edge-accelerator";

/// What is made small.
pub const LATENCY: &str = "latency_s";

/// The nine workloads, in the order and the roles of the paper's table 3 (Kumar et al. 2022, arXiv:2110.11346). `M4` to `M6` of the
/// paper are private object detectors: public ones of about their size stand in.
pub const WORKLOADS: [(&str, &str); 9] = [
    ("mobilenet-edgetpu", "MobileNetEdgeTPU"),
    ("mobilenet-v2", "MobileNetV2"),
    ("mobilenet-v3-large", "MobileNetV3"),
    ("ssd-mobilenet-v1", "in place of M4"),
    ("ssdlite-mobilenet-v2", "in place of M5"),
    ("ssdlite-mobilenet-v3", "in place of M6"),
    ("unet", "U-Net"),
    ("rnnt-decoder", "t-RNN Dec"),
    ("rnnt-encoder", "t-RNN Enc"),
];

/// The two whose rows carry the paper's geometric mean: online searches got stuck on them.
pub const CARRYING: [&str; 2] = ["rnnt-decoder", "rnnt-encoder"];

/// How much is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Designs logged for each workload, infeasible ones included.
    pub designs: usize,
    /// Of the acceptable designs of a workload, the share to train on: the worst.
    pub worst: f64,
    /// The share, next better, that chooses among models. The best are hidden.
    pub band: f64,
    /// Seeds 0 to this.
    pub seeds: u64,
    /// How often a search asks a model.
    pub model_calls: NonZeroUsize,
    /// Proposals that the simulator sees, once.
    pub proposals: usize,
    /// Designs that fireflies may ask the simulator about.
    pub firefly_designs: usize,
    /// Designs that a Gaussian process may ask the simulator about.
    pub gp_designs: usize,
    /// After so many simulated designs, online searches are compared with proposals.
    pub stops: Vec<usize>,
    /// Designs asked for at once, by whoever searches.
    pub batch: NonZeroUsize,
    /// The largest area, in square metres.
    pub area_limit_m2: f64,
    /// Hidden layers of every network.
    pub hidden: Vec<usize>,
    /// Steps of every network's training.
    pub steps: usize,
    /// Designs in a step.
    pub batch_of_training: usize,
}

impl Plan {
    /// What fits into about two hours on two cores. Cut from the full study: designs, calls of models and of the simulator, steps
    /// and widths of networks.
    pub fn short() -> Self {
        Self {
            designs: 10_000,
            worst: 0.5,
            band: 0.3,
            seeds: 8,
            model_calls: NonZeroUsize::new(3_000).expect("3000 is not 0"),
            proposals: 16,
            // 13 to 15 % of random designs are not ruled out by arithmetic: the log costs some 1,400 simulations.
            firefly_designs: 2_500,
            gp_designs: 500,
            stops: vec![16, 140, 1_400],
            batch: NonZeroUsize::new(23).expect("23 is not 0"), // the fireflies of ten parameters: one move of each
            area_limit_m2: 29e-6,                               // Kumar et al. 2022, table 4: 29 mm2
            hidden: vec![128, 128],
            steps: 2_000,
            batch_of_training: 128,
        }
    }

    /// All of it: days on two cores.
    pub fn full() -> Self {
        Self {
            designs: 100_000,
            model_calls: NonZeroUsize::new(20_000).expect("20000 is not 0"),
            firefly_designs: 25_000,
            gp_designs: 2_000,
            stops: vec![16, 140, 1_400, 14_000],
            hidden: vec![256, 256],
            steps: 20_000,
            batch_of_training: 256,
            ..Self::short()
        }
    }

    /// What is wanted: the least latency. A chip above the area limit cannot be had at all, as in the paper.
    pub fn goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize(LATENCY)], constraints: Vec::new() }
    }

    /// The environment, with what all workloads share.
    pub fn env(&self) -> EnvSpec {
        let config = [("area_limit_m2".to_owned(), json!(self.area_limit_m2))].into_iter().collect();
        EnvSpec { id: ENV.to_owned(), version: None, config }
    }

    fn firefly(&self) -> Method {
        Method::Online { agent: "firefly", designs: self.firefly_designs }
    }

    fn gp(&self) -> Method {
        Method::Online { agent: "gp", designs: self.gp_designs }
    }

    /// Every question with the methods that answer it.
    pub fn questions(&self) -> Vec<(Question, Vec<Method>)> {
        let mut questions = Vec::new();
        for (workload, _) in WORKLOADS {
            let mut methods: Vec<Method> =
                ABLATED.iter().chain(OTHERS).map(|learned| Method::Learned(learned.name)).collect();
            methods.extend([
                self.firefly(),
                self.gp(),
                Method::Random { is_checked: false },
                Method::Random { is_checked: true },
                Method::Logged,
            ]);
            questions.push((Question::One(workload.to_owned()), methods));
        }
        let several = [
            Method::Learned("prime"),
            Method::Learned("mlp-ensemble"),
            Method::Online { agent: "firefly", designs: self.gp_designs },
            self.gp(),
            Method::Random { is_checked: false },
            Method::Random { is_checked: true },
            Method::Logged,
        ];
        questions.push((Question::Several, several.to_vec()));
        for (workload, _) in WORKLOADS {
            let learned = [Method::Learned("prime"), Method::Learned("mlp-ensemble")];
            let others =
                [Method::Random { is_checked: false }, Method::Random { is_checked: true }, Method::Logged];
            let methods = [&learned[..], &others].concat();
            questions.push((Question::Unseen(workload.to_owned()), methods));
        }
        questions
    }

    /// The hyperparameters of a learned method.
    pub fn settings(&self, learned: &Learned) -> Value {
        let mut settings = Map::new();
        if NETWORKS.contains(&learned.learner) {
            let mut training = Map::new();
            training.insert("hidden_layer_sizes".to_owned(), json!(self.hidden));
            training.insert("max_steps".to_owned(), json!(self.steps));
            training.insert("batch_size".to_owned(), json!(self.batch_of_training));
            training.insert("max_epochs".to_owned(), json!(1_000));
            if learned.learner == "mlp-ensemble" {
                settings = training;
            } else {
                training.insert("check_every".to_owned(), json!((self.steps / 20).max(1)));
                settings.insert("training".to_owned(), Value::Object(training));
            }
        }
        for &(key, value) in learned.switches {
            settings.insert(key.to_owned(), serde_json::from_str(value).expect("a switch is JSON"));
        }
        Value::Object(settings)
    }
}

/// The learned method of that name.
///
/// # Panics
/// If there is none.
pub fn learned_method(name: &str) -> &'static Learned {
    let found = ABLATED.iter().chain(OTHERS).find(|learned| learned.name == name);
    found.expect("a learned method is in the list")
}

/// A learned method.
pub struct Learned {
    /// Its name in the study.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Who learns.
    pub learner: &'static str,
    /// What is switched in the learner: hyperparameters and values as JSON.
    pub switches: &'static [(&'static str, &'static str)],
    /// Whether its search is told what arithmetic alone rules out.
    pub exact_checks: bool,
    /// Whether the model can tell feasible designs from others, so that a probability of a half can be asked for.
    pub has_feasibility: bool,
    /// By how many standard deviations metrics are taken to be worse than expected.
    pub kappa: f64,
}

const fn learned(
    name: &'static str,
    about: &'static str,
    learner: &'static str,
    switches: &'static [(&'static str, &'static str)],
) -> Learned {
    Learned { name, about, learner, switches, exact_checks: true, has_feasibility: true, kappa: 0.0 }
}

/// The learners whose networks have the size of the plan, and are trained for as many steps.
const NETWORKS: [&str; 5] = ["prime", "prime-paper", "mlp-ensemble", "coms", "ram-listnet"];

/// What makes PRIME learn nothing from infeasible designs.
const NO_INFEASIBLE: &[(&str, &str)] = &[("beta", "0.0"), ("feasibility_head", "false")];
/// The same, and without negatives.
const NEITHER: &[(&str, &str)] = &[("negatives", "\"none\""), ("beta", "0.0"), ("feasibility_head", "false")];
/// Raw units, and the hinge at the least cost: a millisecond below it would be nowhere.
const RAW_UNITS: &[(&str, &str)] = &[("units", "\"milli\""), ("margin", "0.0")];

/// The method that the study is about.
pub const PRIME: Method = Method::Learned("prime");

/// PRIME, and PRIME with one switch after the other.
pub const ABLATED: &[Learned] = &[
    learned("prime", "all improvements", "prime", &[]),
    Learned {
        exact_checks: false,
        has_feasibility: false,
        ..learned("prime-paper", "the paper's form, with fewer steps; no exact checks", "prime-paper", &[])
    },
    learned("no-negatives", "without negatives", "prime", &[("negatives", "\"none\"")]),
    Learned {
        has_feasibility: false,
        ..learned("no-infeasible", "without infeasible designs", "prime", NO_INFEASIBLE)
    },
    Learned { has_feasibility: false, ..learned("neither", "without both", "prime", NEITHER) },
    Learned {
        exact_checks: false,
        ..learned("no-exact-checks", "area and memories are left to the model", "prime", &[])
    },
    Learned {
        exact_checks: false,
        has_feasibility: false,
        ..learned(
            "unchecked-no-infeasible",
            "without infeasible designs, no exact checks",
            "prime",
            NO_INFEASIBLE,
        )
    },
    Learned {
        exact_checks: false,
        has_feasibility: false,
        ..learned("unchecked-neither", "without both, no exact checks", "prime", NEITHER)
    },
    learned(
        "gradient-negatives",
        "negatives down the gradient, not by fireflies",
        "prime",
        &[("negatives", "\"gradient\"")],
    ),
    learned("no-hinge", "costs are pushed up without end", "prime", &[("hinge", "false")]),
    learned("keep-known", "negatives may be in the data", "prime", &[("skip_known", "false")]),
    Learned {
        has_feasibility: false,
        ..learned("no-head", "no output for feasibility", "prime", &[("feasibility_head", "false")])
    },
    learned(
        "raw-units",
        "milliseconds, not normalised units; the hinge at the least cost",
        "prime",
        RAW_UNITS,
    ),
    learned("level-inputs", "a column for each level, no numbers", "prime", &[("inputs", "\"levels\"")]),
];

/// The learners that PRIME is compared with.
pub const OTHERS: &[Learned] = &[
    learned("mlp-ensemble", "plain networks with a spread", "mlp-ensemble", &[("inputs", "\"numbers\"")]),
    learned("boosted-trees", "gradient-boosted trees", "boosted-trees", &[]),
    learned("random-forest", "a random forest", "random-forest", &[]),
    learned("coms", "conservative objective models", "coms", &[]),
    learned("ram-listnet", "learns the order", "ram-listnet", &[]),
    Learned { kappa: 1.0, ..learned("support-proximity", "stays near the data", "support-proximity", &[]) },
];

/// What a design is wanted for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// One workload, whose log is there.
    One(String),
    /// All nine at once, each weighted by one over the best latency in its log.
    Several,
    /// One workload that was never logged; the logs of the other eight are there.
    Unseen(String),
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
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

impl Question {
    /// The same question about a workload that was logged, if it is about one that was not.
    pub fn as_logged(&self) -> Option<Self> {
        match self {
            Self::Unseen(name) => Some(Self::One(name.clone())),
            Self::One(_) | Self::Several => None,
        }
    }

    /// Whether it is about this workload alone.
    pub fn is_of(&self, workload: &str) -> bool {
        matches!(self, Self::One(name) | Self::Unseen(name) if name == workload)
    }

    /// How many workloads a design is for: so often is the simulator asked about it.
    pub fn n_workloads(&self) -> usize {
        match self {
            Self::One(_) | Self::Unseen(_) => 1,
            Self::Several => WORKLOADS.len(),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(workload) => write!(formatter, "{workload}"),
            Self::Several => write!(formatter, "all nine"),
            Self::Unseen(workload) => write!(formatter, "unseen {workload}"),
        }
    }
}

impl fmt::Display for Method {
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

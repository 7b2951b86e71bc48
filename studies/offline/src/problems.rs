//! What is designed, and by whom.

use serde_json::{Map, Value, json};

/// A problem: an environment, what is wanted, and how many designs of it are logged.
pub struct StudyProblem {
    /// Its name in the report.
    pub name: &'static str,
    /// The environment.
    pub env: &'static str,
    /// Its settings as JSON.
    pub settings: fn() -> Value,
    /// What is to be made small.
    pub objective: &'static str,
}

/// Six problems whose infeasible designs no arithmetic on one parameter rules out: kernels that fail when they are run, mappings that
/// happen not to fit; and in `gemm` one where all is feasible, so that a conservative learner has nothing but its negatives.
pub const PROBLEMS: [StudyProblem; 6] = [
    StudyProblem {
        name: "convolution",
        env: "recorded-kernel",
        settings: || json!({ "kernel": "convolution-a100" }),
        objective: "time_s",
    },
    StudyProblem {
        name: "gemm",
        env: "recorded-kernel",
        settings: || json!({ "kernel": "gemm-rtx-3090" }),
        objective: "time_s",
    },
    StudyProblem { name: "mapping-resnet", env: "mapping", settings: || json!({}), objective: "energy_j" },
    StudyProblem {
        name: "mapping-alexnet",
        env: "mapping",
        settings: || json!({ "architecture": "eyeriss-like", "network": "alexnet", "layer": "conv3" }),
        objective: "energy_j",
    },
    StudyProblem {
        name: "mapping-product",
        env: "mapping",
        settings: || json!({ "gemm": [128, 768, 768] }),
        objective: "energy_j",
    },
    StudyProblem { name: "dram", env: "dram-controller", settings: || json!({}), objective: "energy_j" },
];

/// Learners that are compared, each with its defaults; behind `+` the one that is asked about all that the first has searched, as `tapeout
/// offline` does, so that proposals are what both like.
pub const LEARNERS: [&str; 8] = [
    "random-forest",
    "boosted-trees",
    "gaussian-process",
    "mlp-ensemble",
    "coms",
    "ram-listnet",
    "prime",
    "prime+gaussian-process",
];

/// Searches that ask the environment as often as learners propose.
pub const SEARCHES: [&str; 2] = ["random", "firefly"];

impl StudyProblem {
    /// The settings of the environment.
    pub fn config(&self) -> Map<String, Value> {
        match (self.settings)() {
            Value::Object(settings) => settings,
            _ => Map::new(),
        }
    }
}

//! What the study is about, and with what budget.

use std::num::NonZeroUsize;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tapeout::core::{Goal, Objective};
use tapeout::envs::{AcceleratorEnv, EdgeAccelerator, EdgeAcceleratorConfig};

use crate::error::StudyError;

/// The simulator that is asked, or not asked.
pub type EdgeEnv = AcceleratorEnv<EdgeAccelerator>;

/// The metric that is made small.
pub const LATENCY: &str = "latency_s";

/// The nine workloads, in the order and the roles of the paper's table 3 (Kumar et al. 2022, arXiv:2110.11346). `M4` to `M6` of the
/// paper are private object detectors: public ones of about their size are in their place.
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
pub struct StudyPlan {
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

impl StudyPlan {
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

    /// The plan of a study that was begun.
    ///
    /// # Errors
    /// [`StudyError`] if the file cannot be read, or says something else.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let failed = |source| StudyError::File { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        serde_json::from_str(&text).map_err(|error| StudyError::Ledger {
            path: path.to_owned(),
            line: error.line(),
            message: error.to_string(),
        })
    }

    /// What is wanted: the least latency. A chip above the area limit cannot be had at all, as in the paper.
    pub fn goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize(LATENCY)], constraints: Vec::new() }
    }

    /// The environment that is studied: what all workloads share.
    pub fn env(&self) -> EdgeAcceleratorConfig {
        EdgeAcceleratorConfig { area_limit_m2: self.area_limit_m2, ..EdgeAcceleratorConfig::default() }
    }
}

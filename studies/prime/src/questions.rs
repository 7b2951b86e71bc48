//! What the study asks, and of whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::methods::{ABLATED, DesignMethod, OTHERS};
use crate::plan::{StudyPlan, WORKLOADS};

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

impl StudyPlan {
    fn firefly(&self) -> DesignMethod {
        DesignMethod::Online { agent: "firefly", designs: self.firefly_designs }
    }

    fn gp(&self) -> DesignMethod {
        DesignMethod::Online { agent: "gp", designs: self.gp_designs }
    }

    /// Every question with the methods that answer it.
    pub fn questions(&self) -> Vec<(Question, Vec<DesignMethod>)> {
        let mut questions = Vec::new();
        for (workload, _) in WORKLOADS {
            let mut methods: Vec<DesignMethod> =
                ABLATED.iter().chain(OTHERS).map(|learned| DesignMethod::Learned(learned.name)).collect();
            methods.extend([
                self.firefly(),
                self.gp(),
                DesignMethod::Random { is_checked: false },
                DesignMethod::Random { is_checked: true },
                DesignMethod::Logged,
            ]);
            questions.push((Question::One(workload.to_owned()), methods));
        }
        let several = [
            DesignMethod::Learned("prime"),
            DesignMethod::Learned("mlp-ensemble"),
            DesignMethod::Online { agent: "firefly", designs: self.gp_designs },
            self.gp(),
            DesignMethod::Random { is_checked: false },
            DesignMethod::Random { is_checked: true },
            DesignMethod::Logged,
        ];
        questions.push((Question::Several, several.to_vec()));
        for (workload, _) in WORKLOADS {
            let learned = [DesignMethod::Learned("prime"), DesignMethod::Learned("mlp-ensemble")];
            let others = [
                DesignMethod::Random { is_checked: false },
                DesignMethod::Random { is_checked: true },
                DesignMethod::Logged,
            ];
            let methods = [&learned[..], &others].concat();
            questions.push((Question::Unseen(workload.to_owned()), methods));
        }
        questions
    }
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

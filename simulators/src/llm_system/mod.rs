//! Clusters that train language models: time and memory of a step under a way of dividing the work.
//!
//! Source: Isaev et al. (SC 2023), "Calculon: a methodology and tool for high-level codesign of systems and large language models",
//! doi:10.1145/3581784.3607102, and calculon-ai/calculon @ caa4b11. Checked against: its times for 240 plans (`tests/golden/llm_system`), and eight steps that
//! Megatron took on Selene. Departs from it: the output layer is counted, on the last stage; activations in memory are those of Korthikanti et al. (MLSys 2023),
//! arXiv 2205.05198; gradients have 32 bits; gradients that are exchanged beside the backward pass are counted block by block.
//! `docs/concepts/llm-system.md` has the figures.

mod block;
mod cluster;
mod exchange;
mod memory;
mod model;
mod order;
mod plan;
mod schedule;
pub mod serving;
mod step;
mod zero_bubble_v;

pub use cluster::{
    CLUSTERS, Cluster, ClusterNetwork, CollectiveCost, EfficiencyCurve, FITTED, MemoryTier, Rate, Transfer,
    cluster,
};
pub use memory::MemoryByKind;
pub use model::{LANGUAGE_MODELS, LanguageModel, ModelError, language_model};
pub use order::PassOrder;
pub use plan::{
    GradientExchange, NodeTraffic, Offload, OptimizerState, PipelineSchedule, Recompute, TensorCommunication,
    TrainingPlan,
};
pub use schedule::{PassTimes, PipelineReport, run_pipeline};
pub use step::{PlanError, TrainingStep, training_step};

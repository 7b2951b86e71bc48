//! Attention on a square array with a vector unit: cascades of einsums, fused or not.
//!
//! Sources: Nayak et al. (MICRO 2024), "FuseMax: leveraging extended einsums to optimize attention accelerator design",
//! arXiv 2406.10491, for the one-pass cascade, its bindings and the machine; Kao et al. (ASPLOS 2023), "FLAT: an optimized dataflow for
//! mitigating attention bottlenecks", doi:10.1145/3575693.3575747, for the row-wise one. Checked against the tables of FuseMax's
//! artifact (`tests/golden/fusemax`): latency, traffic and utilization of 96 rows to 1e-12 and of 24 unfused ones to 0.4 %, energy;
//! `docs/concepts/attention.md` has the figures and what they rest on.
//!
//! | cascade | passes over the scores | scores of a row |
//! |---|---|---|
//! | [`Unfused`] | five, each over DRAM | go to DRAM and come back |
//! | [`FlatMapping`] | three | stay in the buffer, what does not fit is spilled |
//! | [`TwoPass`] | two | stay in the buffer, or are computed twice |
//! | [`OnePass`] | one | never exist as a whole |
//!
//! All keys are seen by all queries, as in the paper: nothing is saved where a mask would be. Bytes are real numbers, since words may
//! have less than eight bits.

mod costs;
mod flat;
mod machine;
mod one_pass;
mod product;
mod report;
mod shape;
mod tiles;
mod two_pass;
mod unfused;

pub use costs::AttentionCosts;
pub use flat::{FlatMapping, Place, Stationarity};
pub use machine::AttentionMachine;
pub use one_pass::{Binding, EinsumCycles, OnePass};
pub use product::{MatrixProduct, ProductReport};
pub use report::{AttentionReport, Moved, Operations};
pub use shape::AttentionShape;
pub use two_pass::{ScoreReuse, TwoPass};
pub use unfused::Unfused;

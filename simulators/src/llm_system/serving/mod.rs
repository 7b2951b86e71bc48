//! Clusters that serve language models: requests that come one by one, prefill, decode, continuous batching, and both phases on processors of their
//! own.
//!
//! A request waits, its prompt goes through the model (prefill), which makes its first token, and every further pass makes one more (decode).
//! Sequences join and leave between passes: Yu et al. (OSDI 2022), "Orca". Parts of prompts beside tokens of others: Agrawal et al. (OSDI 2024),
//! arXiv 2403.02310, "Sarathi-Serve". Phases apart: Zhong et al. (OSDI 2024), arXiv 2401.09670, "DistServe". Times of operators are those of training
//! ([`super`]), forward alone, but scores stay on the chip.
//! Checked against: a layer of GPT-3 measured on four A100, bounds worked by hand, and closed forms of uniform and of random loads.
//! `docs/concepts/llm-system.md` has the figures.

mod instance;
mod pass;
mod plan;
mod requests;
mod simulation;
#[cfg(test)]
mod tests;

pub use pass::{PassModel, PassWork, ServingGroup, ServingMemory};
pub use plan::{Batching, ServingFault, ServingPlan, ServingReport};
pub use requests::{MAX_REQUESTS, MAX_TOKENS, RequestLoad, RequestsError, ServingRequest, requests_from_csv};
pub use simulation::serve;

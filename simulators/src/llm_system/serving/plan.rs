//! How requests are served, and what became of them.

use super::pass::{ServingGroup, ServingMemory};

/// What a pass is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// Prompts that wait go first, as whole ones; then a token of every sequence.
    Whole,
    /// A token of every sequence, and parts of prompts beside them.
    Chunked,
}

/// How requests are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingPlan {
    /// Processors that hold the model once.
    pub group: ServingGroup,
    /// How many such groups there are.
    pub instances: u64,
    /// Groups that read prompts and do nothing else, and what they are made of; the others then read none.
    pub prefill: Option<(u64, ServingGroup)>,
    /// What a pass is made of.
    pub batching: Batching,
    /// Most tokens of a pass; a longer prompt has a pass of its own, unless prompts go in parts.
    pub pass_tokens: u64,
    /// Most sequences at once on an instance.
    pub batch: u64,
}

impl ServingPlan {
    /// All processors.
    pub fn processors(&self) -> u64 {
        let prefill = self.prefill.map_or(0, |(count, group)| count * group.processors());
        self.instances * self.group.processors() + prefill
    }
}

/// Why a plan cannot serve: weights, activations and the longest request do not fit in a processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServingFault {
    /// What they need.
    pub need_byte: f64,
    /// What there is.
    pub have_byte: f64,
}

impl ServingFault {
    /// What is needed over what there is, less one.
    pub fn violation(&self) -> f64 {
        self.need_byte / self.have_byte - 1.0
    }
}

/// What became of the requests.
#[derive(Debug, Clone, PartialEq)]
pub struct ServingReport {
    /// By request: from its coming to its first token, in s.
    pub first_token_s: Vec<f64>,
    /// By request: from its first token to its last, over the tokens after the first, in s; none for requests of one token.
    pub token_s: Vec<Option<f64>>,
    /// By request: from its coming to its last token, in s.
    pub latency_s: Vec<f64>,
    /// From the first request's coming to the last token, in s.
    pub span_s: f64,
    /// Tokens that were made.
    pub tokens: u64,
    /// Passes of all instances.
    pub passes: u64,
    /// What a processor of an instance holds; of the pools apart, of the one that holds more.
    pub memory: ServingMemory,
    /// Most bytes of keys and values on one processor, of all requests that were there at once.
    pub cache_byte: f64,
}

//! Settings of `llm-serving`.

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{ConfigError, Seed};
use tapeout_simulators::llm_system::serving::{
    MAX_REQUESTS, MAX_TOKENS, RequestLoad, ServingRequest, requests_from_csv,
};
use tapeout_simulators::llm_system::{Cluster, LanguageModel, cluster};

use super::space::LEAST_PASS_TOKENS;
use crate::llm_system::config::{check_price, named_model};
use crate::settings_file;

/// Bytes of a file of requests; ours: some thirty for each of the most that there may be.
const MAX_FILE_BYTE: u64 = 1 << 22;
/// Most passes that all requests may take one by one, with prompts in the smallest parts, which bounds the time of an evaluation. Ours: some seconds.
const MAX_PASSES: u64 = 1 << 22;

/// What is served to whom on what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmServingConfig {
    /// The model, or a file of one's own that ends in `.toml`, as in `llm-system`.
    pub model: String,
    /// The processors: `a100-80` or `h100-80`, eight in a node.
    pub cluster: String,
    /// How many there are at most.
    pub processors: u64,
    /// Requests of the load.
    pub requests: u64,
    /// Requests a second, in the mean.
    pub rate_per_s: f64,
    /// Tokens of a prompt, in the mean.
    pub prompt_tokens: u64,
    /// Tokens that a request asks for, in the mean.
    pub output_tokens: u64,
    /// Both differ by up to this share of the mean.
    pub spread: f64,
    /// What the load is drawn from.
    pub seed: u64,
    /// A file of requests instead, which ends in `.csv`: `arrival_s`, `prompt_tokens`, `output_tokens`; empty for none.
    pub trace: String,
    /// What a processor costs in an hour, in money of any kind; there is a metric `cost_per_million_tokens` if it is given.
    pub price_per_hour: Option<f64>,
}

impl Default for LlmServingConfig {
    fn default() -> Self {
        Self {
            model: "llama-3-70b".to_owned(),
            cluster: "h100-80".to_owned(),
            processors: 32,
            requests: 200,
            rate_per_s: 8.0,
            prompt_tokens: 1024,
            output_tokens: 256,
            spread: 0.5,
            seed: 0,
            trace: String::new(),
            price_per_hour: None,
        }
    }
}

impl LlmServingConfig {
    /// Settings held to their ranges.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // The network between nodes has no more.
        check("processors", self.processors, 1..=65_536)?;
        check("requests", self.requests, 1..=MAX_REQUESTS as u64)?;
        // Ours: months for the most requests, and all of them within a second.
        check("rate_per_s", self.rate_per_s, 0.01..=1e6)?;
        check("prompt_tokens", self.prompt_tokens, 1..=MAX_TOKENS / 2)?;
        check("output_tokens", self.output_tokens, 1..=MAX_TOKENS / 2)?;
        check("spread", self.spread, 0.0..=1.0)?;
        check_price(self.price_per_hour)
    }

    /// The model.
    pub(super) fn model(&self) -> Result<LanguageModel, ConfigError> {
        named_model(&self.model)
    }

    /// The cluster.
    pub(super) fn cluster(&self) -> Result<Cluster, ConfigError> {
        cluster(&self.cluster).map_err(|error| ConfigError::new("cluster", error.to_string()))
    }

    /// The requests, of the file or drawn.
    pub(super) fn load(&self) -> Result<Vec<ServingRequest>, ConfigError> {
        let (field, requests) = if self.trace.is_empty() {
            let load = RequestLoad {
                count: self.requests as usize,
                rate_per_s: self.rate_per_s,
                prompt: self.prompt_tokens,
                output: self.output_tokens,
                spread: self.spread,
            };
            ("output_tokens", load.draw(&mut Seed::new(self.seed).stream("requests")))
        } else {
            let refused = |message: String| ConfigError::new("trace", format!("{}: {message}", self.trace));
            let text = settings_file::read(&self.trace, MAX_FILE_BYTE).map_err(refused)?;
            ("trace", requests_from_csv(&text).map_err(|error| refused(error.to_string()))?)
        };
        let passes: u64 =
            requests.iter().map(|it| it.output + it.prompt.div_ceil(u64::from(LEAST_PASS_TOKENS))).sum();
        if passes > MAX_PASSES {
            let message = format!(
                "requests may take {passes} passes one by one, expected at most {MAX_PASSES}: take fewer or shorter ones"
            );
            return Err(ConfigError::new(field, message));
        }
        Ok(requests)
    }
}

//! Models as files: a fitted surrogate, and what it was fitted for.
//!
//! A model file is one line of JSON, the card with the learner and its schema, and then the bytes that the surrogate saved,
//! so `head -n 1` shows what a file holds. The card names the environment whose designs the model knows; its space is made
//! by that environment, not read from the file, since rules are code.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::Metric;
use crate::problem::Goal;
use crate::saved::{LoadError, Saved};
use crate::seed::{Seed, fnv1a};
use crate::surrogate::{Surrogate, WorkloadContext};

/// The version of the model file's first line.
const SCHEMA: u32 = 2;

/// What a model was fitted for, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The environment whose trials were learned from.
    pub env: String,
    /// Its version.
    pub env_version: u32,
    /// [`DesignSpace::fingerprint`](crate::DesignSpace::fingerprint) of its space.
    pub space: u64,
    /// Its metrics, shape `[k]`.
    pub metrics: Vec<Metric>,
    /// What was wanted of it.
    pub goal: Goal,
    /// The names of the numbers in a context, shape `[c]`.
    pub context_names: Vec<String>,
    /// The workloads learned from.
    pub sources: Vec<ModelSource>,
    /// All hyperparameters of the learner.
    pub hyperparameters: Value,
    /// The seed of the fit.
    pub seed: Seed,
}

/// A workload, and the settings of the environment that evaluates designs for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSource {
    /// The workload.
    pub workload: WorkloadContext,
    /// Settings of the card's environment.
    pub settings: Value,
}

/// A model file that has been read, but not yet been made into a surrogate.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// What the model was fitted for.
    pub card: ModelCard,
    /// The surrogate.
    pub saved: Saved,
}

/// The first line of a model file.
#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    schema: u32,
    learner: String,
    learner_schema: u32,
    card: Value,
    payload_bytes: usize,
    payload_fnv1a: u64,
}

/// What [`Head::format`] says.
const FORMAT: &str = "tapeout-model";

impl ModelFile {
    /// The file of a surrogate fitted for what the card says.
    pub fn new(card: ModelCard, surrogate: &dyn Surrogate) -> Self {
        Self { card, saved: surrogate.save() }
    }

    /// The file as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            format: FORMAT.to_owned(),
            schema: SCHEMA,
            learner: self.saved.learner.clone(),
            learner_schema: self.saved.schema,
            card: serde_json::to_value(&self.card).expect("a card is plain data with text keys"),
            payload_bytes: self.saved.payload.len(),
            payload_fnv1a: fnv1a(&self.saved.payload),
        };
        let mut bytes = serde_json::to_vec(&head).expect("a card is plain data with text keys");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.saved.payload);
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`LoadError`] if it is not a model file of a version known here, or is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        let end = bytes.iter().position(|&byte| byte == b'\n').ok_or(LoadError::NotAModel)?;
        let head: Value = serde_json::from_slice(&bytes[..end]).map_err(|_| LoadError::NotAModel)?;
        if head.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(LoadError::NotAModel);
        }
        let schema = head.get("schema").and_then(Value::as_u64).unwrap_or_default();
        if schema != u64::from(SCHEMA) {
            return Err(LoadError::FileSchema { got: schema, expected: SCHEMA });
        }
        let corrupt = |error: serde_json::Error| LoadError::Corrupt { message: error.to_string() };
        let head: Head = serde_json::from_value(head).map_err(corrupt)?;
        let payload = bytes[end + 1..].to_vec();
        if payload.len() != head.payload_bytes || fnv1a(&payload) != head.payload_fnv1a {
            let message = format!(
                "{} bytes follow the first line; it announces {} others",
                payload.len(),
                head.payload_bytes
            );
            return Err(LoadError::Corrupt { message });
        }
        let saved = Saved { learner: head.learner, schema: head.learner_schema, payload };
        Ok(Self { card: serde_json::from_value(head.card).map_err(corrupt)?, saved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::toy::Toy;
    use crate::env::Env;
    use crate::problem::Objective;

    fn file() -> ModelFile {
        let toy = Toy::bowl();
        let workload = WorkloadContext { name: "a".to_owned(), context: vec![0.1] };
        let card = ModelCard {
            env: "bowl".to_owned(),
            env_version: 1,
            space: toy.space().fingerprint(),
            metrics: toy.metrics().to_vec(),
            goal: Goal { objectives: vec![Objective::minimize("distance")], constraints: Vec::new() },
            context_names: vec!["size".to_owned()],
            sources: vec![ModelSource { workload, settings: serde_json::json!({ "networks": ["a"] }) }],
            hyperparameters: Value::Null,
            seed: Seed::new(3),
        };
        ModelFile { card, saved: Saved::new("nobody", 1, &vec![0.1f64, 1e-300]) }
    }

    #[test]
    fn what_is_written_is_read() {
        let read = ModelFile::from_bytes(&file().to_bytes()).unwrap();
        assert_eq!(read, file());
        assert_eq!(read.saved.state::<Vec<f64>>().unwrap(), [0.1, 1e-300]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        let refusal = |bytes: &[u8]| ModelFile::from_bytes(bytes).unwrap_err().to_string();
        assert_eq!(refusal(b"{}\n"), "this is no model file; `tapeout fit` writes them");
        let bytes = file().to_bytes();
        let text =
            String::from_utf8_lossy(&bytes).replace("\"schema\":2,\"learner\"", "\"schema\":1,\"learner\"");
        assert_eq!(refusal(text.as_bytes()), "the model file has schema 1; this version reads 2");
        assert!(refusal(&bytes[..bytes.len() - 1]).starts_with("the model is damaged"));
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(refusal(&flipped).starts_with("the model is damaged"));
    }
}

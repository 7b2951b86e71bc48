//! A surrogate as bytes, and why bytes are not one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::names::UnknownName;

/// A surrogate as bytes, with the learner that can read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The learner's name: [`BuildLearner::ID`](crate::BuildLearner::ID).
    pub learner: String,
    /// The version of the bytes: [`BuildLearner::SCHEMA`](crate::BuildLearner::SCHEMA).
    pub schema: u32,
    /// The model, in the form of postcard 1.
    pub payload: Vec<u8>,
}

impl Saved {
    /// The bytes of `state`, plain data, which the learner `learner` writes in its version `schema`.
    pub fn new(learner: &str, schema: u32, state: &impl Serialize) -> Self {
        let payload = postcard::to_allocvec(state).expect("the state of a model is plain data");
        Self { learner: learner.to_owned(), schema, payload }
    }

    /// The state that the bytes say.
    ///
    /// # Errors
    /// [`LoadError::Corrupt`] if they say none.
    pub fn state<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        let (state, rest) = postcard::take_from_bytes(&self.payload)
            .map_err(|error| LoadError::Corrupt { message: error.to_string() })?;
        if !rest.is_empty() {
            let message = format!("{} bytes are left over", rest.len());
            return Err(LoadError::Corrupt { message });
        }
        Ok(state)
    }
}

/// Why a model cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Some other file.
    #[error("this is no model file; `tapeout fit` writes them")]
    NotAModel,
    /// A file of another version.
    #[error("the model file has schema {got}; this version reads {expected}")]
    FileSchema {
        /// Its version.
        got: u64,
        /// The one known here.
        expected: u32,
    },
    /// A learner that is not in the catalog.
    #[error(transparent)]
    UnknownLearner(#[from] UnknownName),
    /// Another learner's bytes.
    #[error("the model was saved by learner `{got}`; expected `{expected}`")]
    OtherLearner {
        /// Whose they are.
        got: String,
        /// Who was to read them.
        expected: &'static str,
    },
    /// Bytes of another version.
    #[error("the model of learner `{learner}` has schema {got}; this version reads {expected}: fit it again")]
    LearnerSchema {
        /// The learner.
        learner: &'static str,
        /// Their version.
        got: u32,
        /// The one known here.
        expected: u32,
    },
    /// The designs of another space.
    #[error("the model knows designs of space {got:#018x} of environment `{env}`; expected {expected:#018x}")]
    OtherSpace {
        /// The environment it was fitted for.
        env: String,
        /// The fingerprint of the model's space.
        got: u64,
        /// The fingerprint of the space at hand.
        expected: u64,
    },
    /// The bytes say nothing.
    #[error("the model is damaged: {message}")]
    Corrupt {
        /// How.
        message: String,
    },
}

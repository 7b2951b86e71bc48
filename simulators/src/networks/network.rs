//! A network: layers with counts, and what was published about it.

use serde::Deserialize;

use super::{Layer, LayerError};

/// A published total.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The figure as printed, in units.
    pub value: u64,
    /// Half a unit of its last printed digit; 0 if it is printed exactly.
    pub within: u64,
    /// Document and table.
    pub source: String,
}

/// Parameters of a network that no layer multiplies by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// What the parameters are.
    pub name: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Why no layer has these parameters.
    pub why: String,
}

/// A neural network as a table of distinct layers with counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeuralNetwork {
    parts: Parts,
}

/// What a network is made of; only [`NeuralNetwork::from_parts`] makes one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub id: String,
    pub title: String,
    pub source: String,
    pub licence: String,
    pub notes: String,
    pub published_macs: Option<Published>,
    pub published_parameters: Option<Published>,
    pub outside: Vec<Outside>,
    pub layers: Vec<Layer>,
}

/// Where in which file a network was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {problem}", .line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct NetworkError {
    /// The file, as the caller named it.
    pub path: String,
    /// The line, from 1; none if the problem is that of the whole file, or the file has no lines.
    pub line: Option<usize>,
    /// The problem on that line.
    pub problem: NetworkProblem,
}

/// Why a network was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkProblem {
    /// Not TOML, or not the fields of a network: what the parser found and expected.
    #[error("{0}")]
    Syntax(String),
    /// A file form that this version does not read.
    #[error("`schema` is {got}, expected {expected}")]
    Schema {
        /// The version in the file.
        got: u64,
        /// The version that is read.
        expected: u64,
    },
    /// A row without, or with two, operations.
    #[error("layer `{name}` has {got} of `conv2d`, `matmul` and `contraction`, expected one")]
    Operation {
        /// The layer.
        name: String,
        /// `several` or `none`.
        got: &'static str,
    },
    /// Two rows with one name.
    #[error("two layers are called `{name}`, expected different names")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A layer whose sizes are out of range.
    #[error("layer `{name}`: {reason}")]
    Layer {
        /// The layer.
        name: String,
        /// The layer's problem.
        reason: Box<LayerError>,
    },
    /// Nothing to run.
    #[error("the network has no layers, expected at least one")]
    Empty,
    /// A total beyond 64 bits.
    #[error("the totals of the network exceed 64 bits")]
    Overflow,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// A size that the file leaves open, and nobody gives.
    #[error("size {axis} of input `{input}` is open; give it by name: `{name}`")]
    OpenSize {
        /// The input.
        input: String,
        /// Which of its sizes, from 0.
        axis: usize,
        /// The name under which it can be given.
        name: String,
    },
    /// A template whose network is another if another file is edited.
    #[error(
        "is a template that reads other files; make one file of it first: `tapeout network import FILE --out FILE.toml`"
    )]
    ReadsOthers,
    /// None of the forms that are read here.
    #[error(
        "not a network in a form that is read here: TOML, a topology of SCALE-Sim (.csv), a table of GAMMA (.csv), a network of MAESTRO (.m), an ONNX model (.onnx) or a problem of Timeloop (.yaml)"
    )]
    UnknownForm,
}

impl NeuralNetwork {
    /// A network of at least one layer whose totals fit 64 bits, or why not.
    pub(super) fn from_parts(parts: Parts) -> Result<Self, NetworkProblem> {
        if parts.layers.is_empty() {
            return Err(NetworkProblem::Empty);
        }
        let macs = parts.layers.iter().map(Layer::total_macs).try_fold(0, u64::checked_add);
        let outside = parts.outside.iter().map(|outside| outside.parameters);
        let parameters =
            parts.layers.iter().map(Layer::parameters).chain(outside).try_fold(0, u64::checked_add);
        match (macs, parameters) {
            (Some(_), Some(_)) => Ok(Self { parts }),
            _ => Err(NetworkProblem::Overflow),
        }
    }

    /// The same network for `factor` times as many inputs at once.
    ///
    /// The products of several inputs share their weights; attention products do not, and multiply.
    ///
    /// # Errors
    /// [`LayerError`] if the factor is zero or a size overflows.
    ///
    /// ```
    /// # use tapeout_simulators::networks::{LayerError, network};
    /// let alexnet = network("alexnet").expect("a built-in network");
    /// let batched = alexnet.with_batch(4)?;
    /// assert_eq!(batched.macs(), 4 * alexnet.macs());
    /// assert_eq!(batched.parameters(), alexnet.parameters());
    /// # Ok::<(), LayerError>(())
    /// ```
    pub fn with_batch(&self, factor: u64) -> Result<Self, LayerError> {
        let layers =
            self.parts.layers.iter().map(|layer| layer.with_batch(factor)).collect::<Result<_, _>>()?;
        Self::from_parts(Parts { layers, published_macs: None, ..self.parts.clone() })
            .map_err(|_| LayerError::Overflow)
    }

    /// Its name on the command line and in specs.
    pub fn id(&self) -> &str {
        &self.parts.id
    }

    /// What it is, with input size and batch.
    pub fn title(&self) -> &str {
        &self.parts.title
    }

    /// Where its shapes are published.
    pub fn source(&self) -> &str {
        &self.parts.source
    }

    /// Licence of the table; empty if the file does not say.
    pub fn licence(&self) -> &str {
        &self.parts.licence
    }

    /// Assumptions and substitutes; empty if there are none.
    pub fn notes(&self) -> &str {
        &self.parts.notes
    }

    /// Published multiply-accumulates, if there are any for this input.
    pub fn published_macs(&self) -> Option<&Published> {
        self.parts.published_macs.as_ref()
    }

    /// Published parameters, if there are any.
    pub fn published_parameters(&self) -> Option<&Published> {
        self.parts.published_parameters.as_ref()
    }

    /// Parameters that no layer multiplies by.
    pub fn outside(&self) -> &[Outside] {
        &self.parts.outside
    }

    /// The distinct layers, at least one, in the order in which they first run.
    pub fn layers(&self) -> &[Layer] {
        &self.parts.layers
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> u64 {
        self.parts.layers.iter().map(Layer::total_macs).sum()
    }

    /// Weights of convolutions and matrix products: no biases, norms or embeddings.
    pub fn weights(&self) -> u64 {
        self.parts.layers.iter().map(Layer::weights).sum()
    }

    /// All parameters: weights, biases, norms, and what is [outside](Self::outside) the layers.
    pub fn parameters(&self) -> u64 {
        let outside: u64 = self.parts.outside.iter().map(|outside| outside.parameters).sum();
        self.parts.layers.iter().map(Layer::parameters).sum::<u64>() + outside
    }
}

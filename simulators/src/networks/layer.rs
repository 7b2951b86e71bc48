//! One layer: an operation, how often it runs and on how many sets of weights.

use super::{LayerError, Op};
use crate::loop_nest::Einsum;

/// Parameters beside the weights, per output channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// One bias.
    pub bias: bool,
    /// Scale and shift of a normalization (its running statistics are not parameters).
    pub norm: bool,
}

/// A layer that runs `count` times, on `weight_copies` sets of weights.
///
/// All counts fit 64 bits: a layer that would overflow cannot be made.
///
/// ```
/// # use tapeout_simulators::networks::{Layer, MatMul, Op, SecondOperand};
/// let product = MatMul { batch: 1, m: 1, n: 1000, k: 512, second: SecondOperand::Weight };
/// let layer = Layer::new("fc", Op::MatMul(product))?;
/// assert_eq!((layer.macs(), layer.input_words(), layer.output_words()), (512_000, 512, 1000));
/// # Ok::<(), tapeout_simulators::networks::LayerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    name: String,
    op: Op,
    count: u64,
    weight_copies: u64,
    extras: Extras,
    einsum: Einsum,
    macs: u64,
    words: Words,
}

/// Words of the three tensors of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words {
    inputs: u64,
    weights: u64,
    outputs: u64,
}

impl Layer {
    /// A layer that runs once, without bias or normalization.
    ///
    /// # Errors
    /// [`LayerError`] naming the field that is out of range.
    pub fn new(name: &str, op: Op) -> Result<Self, LayerError> {
        op.check()?;
        let einsum = op.einsum()?;
        let words = Words { inputs: op.input_words(), weights: einsum.words(0)?, outputs: einsum.words(2)? };
        let macs = einsum.macs()?;
        let weight_copies = u64::from(op.has_weights());
        let layer = Self {
            name: name.to_owned(),
            op,
            count: 1,
            weight_copies,
            extras: Extras::default(),
            einsum,
            macs,
            words,
        };
        layer.checked()
    }

    /// The same layer run `count` times, on as many sets of weights.
    ///
    /// # Errors
    /// [`LayerError`] if the count is zero or a total overflows.
    pub fn repeated(mut self, count: u64) -> Result<Self, LayerError> {
        self.count = count;
        self.weight_copies = if self.op.has_weights() { count } else { 0 };
        self.checked()
    }

    /// The same layer, its runs sharing `copies` sets of weights: 1 for the steps of a recurrent layer, 0 if
    /// the weights are those of another row.
    ///
    /// # Errors
    /// [`LayerError`] if there are more copies than runs, or no weights at all.
    pub fn with_weight_copies(mut self, copies: u64) -> Result<Self, LayerError> {
        self.weight_copies = copies;
        self.checked()
    }

    /// The same layer with biases or a normalization.
    ///
    /// # Errors
    /// [`LayerError`] if the layer has no weights, or a total overflows.
    pub fn with_extras(mut self, extras: Extras) -> Result<Self, LayerError> {
        self.extras = extras;
        self.checked()
    }

    /// The same layer for `factor` times as many inputs at once.
    ///
    /// # Errors
    /// [`LayerError`] if the factor is zero or a size overflows.
    pub fn with_batch(&self, factor: u64) -> Result<Self, LayerError> {
        let op = self.op.with_batch(factor)?;
        Self {
            weight_copies: self.weight_copies,
            extras: self.extras,
            count: self.count,
            ..Self::new(&self.name, op)?
        }
        .checked()
    }

    /// Its name, unique in the network.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operation.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// How often it runs in one inference.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many sets of weights its runs use.
    pub fn weight_copies(&self) -> u64 {
        self.weight_copies
    }

    /// Parameters it has beside the weights.
    pub fn extras(&self) -> Extras {
        self.extras
    }

    /// One run as a loop nest over the tensors `Weights`, `Inputs` and `Outputs`, in that order.
    ///
    /// Convolution: dimensions N (batch), G (groups), K and C (output and input channels of a group), P and Q
    /// (output height and width), R and S (kernel height and width); a depthwise one has K = C = 1. Product:
    /// B (batch), M, N, K; `Weights` is the second operand, whatever it is. Contraction: its own. Unit dimensions are listed too,
    /// so the names do not depend on the shape. `Inputs` of a convolution includes the padding.
    pub fn einsum(&self) -> &Einsum {
        &self.einsum
    }

    /// Multiply-accumulates of one run.
    pub fn macs(&self) -> u64 {
        self.macs
    }

    /// Multiply-accumulates of all runs.
    pub fn total_macs(&self) -> u64 {
        self.macs * self.count
    }

    /// Input words of one run, without padding: the box from the first point read to the last.
    pub fn input_words(&self) -> u64 {
        self.words.inputs
    }

    /// Words of the second operand of one run, weights or not.
    pub fn weight_words(&self) -> u64 {
        self.words.weights
    }

    /// Output words of one run.
    pub fn output_words(&self) -> u64 {
        self.words.outputs
    }

    /// Weights of all runs: the words a network file holds for them, without bias and normalization.
    pub fn weights(&self) -> u64 {
        self.words.weights * self.weight_copies
    }

    /// Weights, biases, and scales and shifts of normalizations of all runs.
    pub fn parameters(&self) -> u64 {
        (self.words.weights + self.extras.per_channel() * self.op.out_channels()) * self.weight_copies
    }

    /// This layer if its counts are consistent and its totals fit 64 bits.
    fn checked(self) -> Result<Self, LayerError> {
        let (count, copies) = (self.count, self.weight_copies);
        if count == 0 {
            return Err(LayerError::Zero { field: "count" });
        }
        if !self.op.has_weights() && (copies > 0 || self.extras != Extras::default()) {
            return Err(LayerError::NoWeights);
        }
        if copies > count {
            return Err(LayerError::Copies { copies, count });
        }
        let extras = self.extras.per_channel().checked_mul(self.op.out_channels());
        let parameters = extras.and_then(|extras| self.words.weights.checked_add(extras)?.checked_mul(count));
        match (self.macs.checked_mul(count), parameters) {
            (Some(_), Some(_)) => Ok(self),
            _ => Err(LayerError::Overflow),
        }
    }
}

impl Extras {
    fn per_channel(self) -> u64 {
        u64::from(self.bias) + 2 * u64::from(self.norm)
    }
}

//! What a layer computes: its shape as published, and the loop nest of that shape.

use serde::Deserialize;

use super::LayerError;
use crate::loop_nest::{Einsum, EinsumError, Role, TensorSpec};

/// A 2-D convolution. Pairs are height, width.
///
/// A convolution with `groups == in_channels == out_channels` is depthwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// Images.
    #[serde(default = "one")]
    pub batch: u64,
    /// Input channels, over all groups.
    pub in_channels: u64,
    /// Output channels, over all groups.
    pub out_channels: u64,
    /// Output height and width.
    pub output: [u64; 2],
    /// Kernel height and width.
    pub kernel: [u64; 2],
    /// Step between outputs.
    #[serde(default = "ones")]
    pub stride: [u64; 2],
    /// Step between taps of the kernel.
    #[serde(default = "ones")]
    pub dilation: [u64; 2],
    /// Rows and columns of zeros, both edges together.
    #[serde(default)]
    pub padding: [u64; 2],
    /// Groups of channels that do not see each other.
    #[serde(default = "one")]
    pub groups: u64,
}

/// `batch` independent matrix products of `m` x `k` by `k` x `n`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatMul {
    /// Independent products, each with its own second operand (the heads of an attention).
    #[serde(default = "one")]
    pub batch: u64,
    /// Rows of the output.
    pub m: u64,
    /// Columns of the output.
    pub n: u64,
    /// Length of the sums.
    pub k: u64,
    /// What the `k` x `n` operand is.
    pub second: SecondOperand,
}

/// What the second operand of a [`MatMul`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondOperand {
    /// Parameters of the network.
    Weight,
    /// Computed at run time: keys and values of an attention.
    Activation,
}

/// Sums of products of two operands over dimensions of any kind: a convolution of a volume, a product of tensors. The index of a tensor is
/// that of its ranks, each the sum of `coefficient * dimension` over its terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contraction {
    /// Dimensions with their sizes.
    pub dims: Vec<(String, u64)>,
    /// Ranks of the weights.
    pub weights: Vec<Vec<(String, u64)>>,
    /// Ranks of the inputs.
    pub inputs: Vec<Vec<(String, u64)>>,
    /// Ranks of the outputs.
    pub outputs: Vec<Vec<(String, u64)>>,
}

/// What a layer computes. Equal operations cost the same, so this is the key under which results may be kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// A convolution.
    Conv2d(Conv2d),
    /// A matrix product.
    MatMul(MatMul),
    /// What is neither.
    Contraction(Contraction),
}

impl Op {
    /// Whether the second operand is a parameter of the network.
    pub fn has_weights(&self) -> bool {
        !matches!(self, Self::MatMul(MatMul { second: SecondOperand::Activation, .. }))
    }

    /// Whether this is a convolution in which every channel is on its own.
    pub fn is_depthwise(&self) -> bool {
        matches!(self, Self::Conv2d(conv) if conv.groups > 1 && conv.groups == conv.in_channels && conv.groups == conv.out_channels)
    }

    /// Sizes of at least one, and channels that can be dealt out.
    pub(super) fn check(&self) -> Result<(), LayerError> {
        match self {
            Self::Conv2d(conv) => conv.check(),
            Self::MatMul(MatMul { batch, m, n, k, .. }) => {
                at_least_one(&[("batch", *batch), ("m", *m), ("n", *n), ("k", *k)])
            }
            // Its Einsum says what is wrong with it, by the name of the dimension.
            Self::Contraction(_) => Ok(()),
        }
    }

    /// The same operation on `factor` times as many inputs: with weights, rows join one product; without,
    /// products multiply.
    pub(super) fn with_batch(&self, factor: u64) -> Result<Self, LayerError> {
        let times = |size: u64| size.checked_mul(factor).ok_or(LayerError::Overflow);
        Ok(match self {
            Self::Conv2d(conv) => Self::Conv2d(Conv2d { batch: times(conv.batch)?, ..conv.clone() }),
            Self::MatMul(product) if self.has_weights() => {
                Self::MatMul(MatMul { m: times(product.m)?, ..product.clone() })
            }
            Self::MatMul(product) => Self::MatMul(MatMul { batch: times(product.batch)?, ..product.clone() }),
            Self::Contraction(contraction) => {
                let mut contraction = contraction.clone();
                match contraction.rows() {
                    Some(row) => contraction.dims[row].1 = times(contraction.dims[row].1)?,
                    None => contraction.add_rows(factor),
                }
                Self::Contraction(contraction)
            }
        })
    }

    pub(super) fn einsum(&self) -> Result<Einsum, EinsumError> {
        match self {
            Self::Conv2d(conv) => conv.einsum(),
            Self::MatMul(product) => product.einsum(),
            Self::Contraction(contraction) => contraction.einsum(),
        }
    }

    /// Call only once the Einsum is known to fit 64 bits.
    pub(super) fn input_words(&self) -> u64 {
        match self {
            Self::Conv2d(conv) => {
                conv.unpadded_words().expect("invariant: an Einsum of more words than these was made")
            }
            Self::MatMul(product) => product.batch * product.m * product.k,
            Self::Contraction(contraction) => {
                let words = contraction.einsum().and_then(|einsum| einsum.words(INPUTS));
                words.expect("invariant: its Einsum was made")
            }
        }
    }

    /// Output channels that have a bias or a scale of their own.
    pub(super) fn out_channels(&self) -> u64 {
        match self {
            Self::Conv2d(conv) => conv.out_channels,
            Self::MatMul(product) => product.batch * product.n,
            Self::Contraction(contraction) => {
                let is_channel = |name: &str| {
                    let has =
                        |ranks: &[Vec<(String, u64)>]| ranks.iter().flatten().any(|(dim, _)| dim == name);
                    has(&contraction.weights) && has(&contraction.outputs)
                };
                let channels = contraction.dims.iter().filter(|(name, _)| is_channel(name));
                channels.map(|(_, size)| size).product()
            }
        }
    }
}

/// Where the inputs stand among the tensors of a layer.
const INPUTS: usize = 1;

/// Whether a loop nest has the dimensions of a convolution, and no other.
pub(crate) fn is_convolution(layer: &Einsum) -> bool {
    let has_channels = layer.dims().iter().any(|dim| dim.name == "C");
    has_channels && layer.dims().iter().all(|dim| CONV2D_DIMS.contains(&dim.name.as_str()))
}

/// The dimensions of a convolution.
pub(crate) const CONV2D_DIMS: [&str; 8] = ["N", "G", "K", "C", "P", "Q", "R", "S"];
/// The dimensions of a matrix product.
pub(crate) const MATMUL_DIMS: [&str; 4] = ["B", "M", "N", "K"];

impl Contraction {
    /// A dimension that is a rank of inputs and of outputs and has nothing to do with the weights.
    fn rows(&self) -> Option<usize> {
        let is_rank = |ranks: &[Vec<(String, u64)>], name: &str| {
            ranks.iter().any(|rank| matches!(rank.as_slice(), [(dim, 1)] if dim == name))
        };
        let moves = |ranks: &[Vec<(String, u64)>], name: &str| {
            ranks.iter().flatten().filter(|(dim, _)| dim == name).count()
        };
        let is_row = |name: &str| {
            let once = moves(&self.inputs, name) == 1 && moves(&self.outputs, name) == 1;
            let apart = is_rank(&self.inputs, name) && is_rank(&self.outputs, name);
            once && apart && moves(&self.weights, name) == 0
        };
        self.dims.iter().position(|(name, _)| is_row(name))
    }

    /// Adds such a dimension; if its name is taken, the Einsum says so.
    fn add_rows(&mut self, size: u64) {
        const ROWS: &str = "batch";
        self.dims.push((ROWS.to_owned(), size));
        for ranks in [&mut self.inputs, &mut self.outputs] {
            ranks.push(vec![(ROWS.to_owned(), 1)]);
        }
    }

    fn einsum(&self) -> Result<Einsum, EinsumError> {
        let dims: Vec<(&str, u64)> = self.dims.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        let tensor = |name: &str, role, ranks: &Vec<Vec<(String, u64)>>| TensorSpec {
            name: name.to_owned(),
            role,
            ranks: ranks.clone(),
            stored_words: None,
        };
        Einsum::new(
            &dims,
            &[
                tensor("Weights", Role::Input, &self.weights),
                tensor("Inputs", Role::Input, &self.inputs),
                tensor("Outputs", Role::Output, &self.outputs),
            ],
        )
    }
}

impl Conv2d {
    fn check(&self) -> Result<(), LayerError> {
        at_least_one(&[
            ("batch", self.batch),
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("output", self.output[0].min(self.output[1])),
            ("kernel", self.kernel[0].min(self.kernel[1])),
            ("stride", self.stride[0].min(self.stride[1])),
            ("dilation", self.dilation[0].min(self.dilation[1])),
            ("groups", self.groups),
        ])?;
        for (field, channels) in [("in_channels", self.in_channels), ("out_channels", self.out_channels)] {
            if !channels.is_multiple_of(self.groups) {
                return Err(LayerError::Groups { field, channels, groups: self.groups });
            }
        }
        for (index, axis) in ["height", "width"].into_iter().enumerate() {
            let (padding, extent) = (self.padding[index], self.swept(index).ok_or(LayerError::Overflow)?);
            if padding >= extent {
                return Err(LayerError::Padding { axis, padding, extent });
            }
        }
        Ok(())
    }

    /// Input points from the first tap of the first output to the last of the last, padding included.
    fn swept(&self, axis: usize) -> Option<u64> {
        let outputs = (self.output[axis] - 1).checked_mul(self.stride[axis])?;
        let taps = (self.kernel[axis] - 1).checked_mul(self.dilation[axis])?;
        outputs.checked_add(taps)?.checked_add(1)
    }

    /// Words of the image from the first one read to the last; `None` past 64 bits.
    fn unpadded_words(&self) -> Option<u64> {
        let axis = |axis: usize| self.swept(axis)?.checked_sub(self.padding[axis]);
        self.batch.checked_mul(self.in_channels)?.checked_mul(axis(0)?)?.checked_mul(axis(1)?)
    }

    fn einsum(&self) -> Result<Einsum, EinsumError> {
        let [p, q] = self.output;
        let [r, s] = self.kernel;
        let (k, c) = (self.out_channels / self.groups, self.in_channels / self.groups);
        let rows: &[(&str, u64)] = &[("P", self.stride[0]), ("R", self.dilation[0])];
        let columns: &[(&str, u64)] = &[("Q", self.stride[1]), ("S", self.dilation[1])];
        let inputs = TensorSpec::input("Inputs", &[&[("N", 1)], &[("G", 1)], &[("C", 1)], rows, columns]);
        Einsum::new(
            &[
                ("N", self.batch),
                ("G", self.groups),
                ("K", k),
                ("C", c),
                ("P", p),
                ("Q", q),
                ("R", r),
                ("S", s),
            ],
            &[
                TensorSpec::input(
                    "Weights",
                    &[&[("G", 1)], &[("K", 1)], &[("C", 1)], &[("R", 1)], &[("S", 1)]],
                ),
                TensorSpec { stored_words: self.unpadded_words(), ..inputs },
                TensorSpec::output(
                    "Outputs",
                    &[&[("N", 1)], &[("G", 1)], &[("K", 1)], &[("P", 1)], &[("Q", 1)]],
                ),
            ],
        )
    }
}

impl MatMul {
    fn einsum(&self) -> Result<Einsum, EinsumError> {
        Einsum::new(
            &[("B", self.batch), ("M", self.m), ("N", self.n), ("K", self.k)],
            &[
                TensorSpec::input("Weights", &[&[("B", 1)], &[("K", 1)], &[("N", 1)]]),
                TensorSpec::input("Inputs", &[&[("B", 1)], &[("M", 1)], &[("K", 1)]]),
                TensorSpec::output("Outputs", &[&[("B", 1)], &[("M", 1)], &[("N", 1)]]),
            ],
        )
    }
}

fn at_least_one(sizes: &[(&'static str, u64)]) -> Result<(), LayerError> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some(&(field, _)) => Err(LayerError::Zero { field }),
        None => Ok(()),
    }
}

fn one() -> u64 {
    1
}

fn ones() -> [u64; 2] {
    [1, 1]
}

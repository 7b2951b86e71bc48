//! A layer made ready for mapping: the role of each dimension, worked out once.

use crate::loop_nest::{Dim, Einsum, MAX_DIMS, Rank, Tensor, TensorSpec};
use crate::networks::{Layer, Op, Workload};

/// Tensors of a layer's Einsum, by index.
pub(super) const WEIGHTS: usize = 0;
pub(super) const INPUTS: usize = 1;
pub(super) const OUTPUTS: usize = 2;

/// What a dimension indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Weights and outputs: output channels, columns of a product.
    Weight,
    /// Inputs and outputs: images, rows and columns of an image, rows of a product.
    Input,
    /// Everything: groups, heads.
    Shared,
    /// Weights and inputs, added up: input channels.
    Sum,
    /// Weights, and inputs together with an output dimension, added up: the window of a convolution.
    Window,
}

/// A layer and how often it runs.
#[derive(Debug, Clone)]
pub struct PreparedLayer {
    einsum: Einsum,
    kinds: Vec<Kind>,
    tensors: Vec<TensorSpec>,
    macs: u64,
    runs: f64,
}

/// The layers of a workload, each distinct one once.
#[derive(Debug, Clone)]
pub struct PreparedWorkload {
    layers: Vec<PreparedLayer>,
}

impl PreparedWorkload {
    /// Prepares the distinct layers of `workload`.
    pub fn new(workload: &Workload) -> Self {
        let prepare = |(op, runs): (&Op, f64)| {
            let layer =
                Layer::new("layer", op.clone()).expect("invariant: the workload holds checked layers");
            PreparedLayer::new(&layer, runs)
        };
        Self { layers: workload.distinct_ops().into_iter().map(prepare).collect() }
    }

    /// The layers, each distinct one once.
    pub fn layers(&self) -> &[PreparedLayer] {
        &self.layers
    }

    /// Multiply-accumulates of all runs.
    pub fn macs(&self) -> f64 {
        self.layers.iter().map(|layer| layer.runs * layer.macs as f64).sum()
    }
}

impl PreparedLayer {
    /// Prepares a layer that runs `runs` times.
    pub fn new(layer: &Layer, runs: f64) -> Self {
        let einsum = layer.einsum().clone();
        let kinds = (0..einsum.dims().len()).map(|dim| kind(&einsum, dim)).collect();
        let tensors = einsum.tensors().iter().map(|tensor| spec(tensor, einsum.dims())).collect();
        Self { kinds, tensors, macs: layer.macs(), runs, einsum }
    }

    /// Multiply-accumulates of one run.
    pub fn macs(&self) -> u64 {
        self.macs
    }

    /// How often it runs.
    pub fn runs(&self) -> f64 {
        self.runs
    }

    pub(super) fn n_dims(&self) -> usize {
        self.kinds.len()
    }

    pub(super) fn size(&self, dim: usize) -> u64 {
        self.einsum.dims()[dim].size
    }

    /// Dimensions of one kind, in the order of the Einsum.
    pub(super) fn of_kind(&self, kind: Kind) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.kinds.len()).filter(move |&dim| self.kinds[dim] == kind)
    }

    /// Words of `tensor`'s box for these points per dimension.
    pub(super) fn box_words(&self, tensor: usize, extents: &[u64; MAX_DIMS]) -> u64 {
        let length = |rank: &Rank| {
            1 + rank.terms().iter().map(|&(dim, coefficient)| coefficient * (extents[dim] - 1)).sum::<u64>()
        };
        self.einsum.tensors()[tensor].ranks().iter().map(length).product()
    }

    pub(super) fn uses(&self, tensor: usize, dim: usize) -> bool {
        self.einsum.tensors()[tensor].uses(dim)
    }

    /// The layer's Einsum with its dimensions padded to `sizes`.
    pub(super) fn padded(&self, sizes: &[u64; MAX_DIMS]) -> Einsum {
        let dims = self.einsum.dims();
        if dims.iter().zip(sizes).all(|(dim, &size)| dim.size == size) {
            return self.einsum.clone();
        }
        let padded: Vec<(&str, u64)> =
            dims.iter().zip(sizes).map(|(dim, &size)| (dim.name.as_str(), size)).collect();
        Einsum::new(&padded, &self.tensors)
            .expect("invariant: padding to the array keeps sizes within 64 bits")
    }
}

fn kind(einsum: &Einsum, dim: usize) -> Kind {
    let uses = |tensor: usize| einsum.tensors()[tensor].uses(dim);
    match (uses(WEIGHTS), uses(INPUTS), uses(OUTPUTS)) {
        (true, false, _) => Kind::Weight,
        (false, _, _) => Kind::Input,
        (true, true, true) => Kind::Shared,
        (true, true, false) => {
            let mut ranks = einsum.tensors()[INPUTS].ranks().iter();
            let slides =
                ranks.any(|rank| rank.terms().len() > 1 && rank.terms().iter().any(|&(d, _)| d == dim));
            if slides { Kind::Window } else { Kind::Sum }
        }
    }
}

fn spec(tensor: &Tensor, dims: &[Dim]) -> TensorSpec {
    let term = |&(dim, coefficient): &(usize, u64)| (dims[dim].name.clone(), coefficient);
    let ranks = tensor.ranks().iter().map(|rank| rank.terms().iter().map(term).collect());
    TensorSpec { name: tensor.name().to_owned(), role: tensor.role(), ranks: ranks.collect() }
}

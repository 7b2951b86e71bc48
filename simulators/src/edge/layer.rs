//! A layer made ready for mapping: the role of each dimension, worked out once.

use std::sync::{Arc, Mutex, PoisonError};

use super::key::MappingKey;
use crate::loop_nest::Einsum;
use crate::mapper::{Best, DimSet, MappingCache, NoMapping};
use crate::networks::{Layer, Workload};

/// Tensors of a layer's Einsum, by index.
pub(super) const WEIGHTS: usize = 0;
pub(super) const INPUTS: usize = 1;
pub(super) const OUTPUTS: usize = 2;

/// Mappings of one layer that are kept, about half a megabyte: what is asked again is mostly a design of late whose
/// program memory changed.
const CACHED_MAPPINGS: usize = 64;

/// A layer and how often it runs.
#[derive(Debug)]
pub struct PreparedLayer {
    name: String,
    einsum: Einsum,
    reductions: DimSet,
    outputs: DimSet,
    channels: DimSet,
    macs: u64,
    runs: f64,
    /// As a search is deterministic, what was kept changes no result.
    mappings: Mutex<MappingCache<MappingKey>>,
}

/// The layers of a workload, each distinct one once.
#[derive(Debug)]
pub struct PreparedWorkload {
    layers: Vec<PreparedLayer>,
}

impl PreparedWorkload {
    /// Prepares the distinct layers of `workload`.
    pub fn new(workload: &Workload) -> Self {
        let layers = workload.distinct_layers().into_iter();
        Self { layers: layers.map(|(layer, runs)| PreparedLayer::new(layer, runs)).collect() }
    }

    /// The layers, each distinct one once.
    pub fn layers(&self) -> &[PreparedLayer] {
        &self.layers
    }
}

impl PreparedLayer {
    /// Prepares a layer that runs `runs` times.
    pub fn new(layer: &Layer, runs: f64) -> Self {
        let einsum = layer.einsum().clone();
        let uses = |tensor: usize, dim: &usize| einsum.tensors()[tensor].uses(*dim);
        let set = |dims: &dyn Fn(&usize) -> bool| {
            (0..einsum.dims().len()).filter(dims).fold(DimSet::EMPTY, DimSet::with)
        };
        Self {
            name: layer.name().to_owned(),
            reductions: set(&|dim| !uses(OUTPUTS, dim)),
            outputs: set(&|dim| uses(OUTPUTS, dim)),
            channels: set(&|dim| uses(OUTPUTS, dim) && uses(WEIGHTS, dim)),
            macs: layer.macs(),
            runs,
            mappings: Mutex::new(MappingCache::new(CACHED_MAPPINGS)),
            einsum,
        }
    }

    /// Its name; of layers with the same operation, the first one's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Multiply-accumulates of one run.
    pub fn macs(&self) -> u64 {
        self.macs
    }

    /// Runs of the layer, weighted.
    pub fn runs(&self) -> f64 {
        self.runs
    }

    pub(super) fn einsum(&self) -> &Einsum {
        &self.einsum
    }

    /// Dimensions that are added up: input channels, windows.
    pub(super) fn reductions(&self) -> DimSet {
        self.reductions
    }

    /// Dimensions of the outputs.
    pub(super) fn outputs(&self) -> DimSet {
        self.outputs
    }

    /// Dimensions of the outputs that index weights too: output channels, groups, columns of a product.
    pub(super) fn channels(&self) -> DimSet {
        self.channels
    }

    /// The mapping under `key`, from an earlier search or from `search`.
    pub(super) fn mapping(
        &self,
        key: &MappingKey,
        search: impl FnOnce() -> Result<Best, NoMapping>,
    ) -> Result<Arc<Best>, NoMapping> {
        // The cache is whole between its calls, so a panic elsewhere does not spoil it. Nobody waits while a search runs.
        let cache = || self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cache().get(key);
        known.unwrap_or_else(|| {
            let found = search();
            cache().insert(key, found)
        })
    }
}

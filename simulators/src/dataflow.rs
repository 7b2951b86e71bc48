//! The words in which accelerator templates say what of a mapping they fix: dimensions and tensors of a layer by name.

use crate::loop_nest::{Einsum, TensorSet};
use crate::mapper::{DimSet, LevelConstraints};

/// Those of the dimensions called `names` that `layer` has: kinds of layers differ in their dimensions.
pub(crate) fn dims(layer: &Einsum, names: &[&str]) -> DimSet {
    let known = names.iter().filter_map(|name| layer.dims().iter().position(|dim| dim.name == *name));
    known.collect()
}

/// The tensors called `names`: `Weights`, `Inputs`, `Outputs`.
pub(crate) fn tensors(layer: &Einsum, names: &[&str]) -> TensorSet {
    let index =
        |name: &&str| layer.tensor_index(name).expect("invariant: layers have weights, inputs and outputs");
    names.iter().map(index).fold(TensorSet::EMPTY, TensorSet::with)
}

/// A level that keeps these tensors and no others, and may run `temporal` in time and nothing over instances.
pub(crate) fn keeping(must_keep: TensorSet, temporal: DimSet) -> LevelConstraints {
    LevelConstraints {
        must_keep,
        may_keep: TensorSet::EMPTY,
        temporal,
        spatial_x: DimSet::EMPTY,
        spatial_y: DimSet::EMPTY,
    }
}

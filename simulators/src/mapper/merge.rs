//! Dimensions that all tensors use alike, merged into one.
//!
//! Rows and columns of the output of a 1x1 convolution are such, and so are images and rows of a fully connected layer. What
//! such dimensions cost depends on their product alone, so that merging them loses nothing, gives more ways to divide
//! the steps, and makes a convolution and the product that it is one problem.

use super::constraints::{DimSet, LevelConstraints, MappingConstraints};
use crate::loop_nest::{Einsum, Quirks, Rank, Role, Tensor, TensorSpec};

/// The layer with dimensions merged, and constraints on it; `None` if there is nothing to merge.
pub(super) fn merge(
    einsum: &Einsum,
    constraints: &MappingConstraints,
    quirks: Quirks,
) -> Option<(Einsum, MappingConstraints)> {
    let n_dims = einsum.dims().len();
    // By dimension, the first one that is like it.
    let first: Vec<usize> = (0..n_dims)
        .map(|dim| {
            (0..dim)
                .find(|&other| are_alike(einsum, constraints, quirks.strided_boxes, other, dim))
                .unwrap_or(dim)
        })
        .collect();
    if (0..n_dims).all(|dim| first[dim] == dim) {
        return None;
    }
    let kept: Vec<usize> = (0..n_dims).filter(|&dim| first[dim] == dim).collect();
    let group = |dim: usize| (0..n_dims).filter(|&other| first[other] == dim).collect::<Vec<_>>();
    let name = |dim: usize| {
        let names: Vec<&str> = group(dim).into_iter().map(|dim| einsum.dims()[dim].name.as_str()).collect();
        names.join("*")
    };
    let names: Vec<String> = (0..n_dims).map(name).collect();
    let sizes: Vec<(&str, u64)> = kept
        .iter()
        .map(|&dim| {
            (names[dim].as_str(), group(dim).into_iter().map(|dim| einsum.dims()[dim].size).product())
        })
        .collect();
    let mut tensors: Vec<TensorSpec> =
        einsum.tensors().iter().map(|tensor| merged(einsum, tensor, &first, &names)).collect();
    // Words that are stepped over are no longer there, so that of what is there the same share is stored.
    let bare = Einsum::new(&sizes, &tensors).ok()?;
    for (index, (spec, tensor)) in tensors.iter_mut().zip(einsum.tensors()).enumerate() {
        if let Some((stored, of)) = tensor.stored() {
            let all = bare.words(index).ok()?;
            let share = (u128::from(stored) * u128::from(all)).div_ceil(u128::from(of));
            spec.stored_words = Some(u64::try_from(share).ok()?);
        }
    }
    let numbered = |set: DimSet| (0..kept.len()).filter(|&dim| set.contains(kept[dim])).collect::<DimSet>();
    let levels = constraints.levels.iter().map(|entry| LevelConstraints {
        temporal: numbered(entry.temporal),
        spatial_x: numbered(entry.spatial_x),
        spatial_y: numbered(entry.spatial_y),
        ..*entry
    });
    let constraints = MappingConstraints { levels: levels.collect() };
    Some((Einsum::new(&sizes, &tensors).ok()?, constraints))
}

/// The tensor without the ranks of dimensions that are merged into others. Without boxes, a step in the index of a merged
/// dimension is none: what it steps over is never touched.
fn merged(einsum: &Einsum, tensor: &Tensor, first: &[usize], names: &[String]) -> TensorSpec {
    let is_merged = |dim: usize| first.iter().enumerate().any(|(other, &to)| other != dim && to == dim);
    let mut ranks: Vec<Vec<(&str, u64)>> = Vec::new();
    for rank in tensor.ranks() {
        match moving(einsum, rank)[..] {
            [(dim, _)] if first[dim] != dim => {}
            [(dim, _)] if is_merged(dim) => ranks.push(vec![(&names[dim], 1)]),
            _ => ranks.push(rank.terms().iter().map(|&(dim, c)| (names[dim].as_str(), c)).collect()),
        }
    }
    let ranks: Vec<&[(&str, u64)]> = ranks.iter().map(Vec::as_slice).collect();
    match tensor.role() {
        Role::Input => TensorSpec::input(tensor.name(), &ranks),
        Role::Output => TensorSpec::output(tensor.name(), &ranks),
    }
}

/// Terms of `rank` over dimensions of more than one point, which alone move an index.
fn moving(einsum: &Einsum, rank: &Rank) -> Vec<(usize, u64)> {
    rank.terms().iter().copied().filter(|&(dim, _)| einsum.dims()[dim].size > 1).collect()
}

/// Whether two dimensions of more than one point may run in the same places, and each tensor either has a rank of its own
/// for each or uses neither.
fn are_alike(einsum: &Einsum, constraints: &MappingConstraints, boxes: bool, a: usize, b: usize) -> bool {
    let has_rank = |tensor: &Tensor, dim: usize| {
        let mut ranks = tensor.ranks().iter().map(|rank| moving(einsum, rank));
        let is_step = |step: u64| step == 1 || !boxes;
        ranks.clone().filter(|terms| terms.iter().any(|&(other, _)| other == dim)).count() == 1
            && ranks.any(|terms| matches!(terms[..], [(other, step)] if other == dim && is_step(step)))
    };
    let same_places = constraints.levels.iter().all(|entry| {
        let sets = [entry.temporal, entry.spatial_x, entry.spatial_y];
        sets.iter().all(|set| set.contains(a) == set.contains(b))
    });
    let same_tensors = einsum.tensors().iter().all(|tensor| match (tensor.uses(a), tensor.uses(b)) {
        (true, true) => has_rank(tensor, a) && has_rank(tensor, b),
        (false, false) => true,
        _ => false,
    });
    same_places && same_tensors && einsum.dims()[a].size > 1 && einsum.dims()[b].size > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loop_nest::TensorSet;

    #[test]
    fn rows_and_columns_of_a_pointwise_convolution_are_one_dimension() {
        let tensors = [
            TensorSpec::input("W", &[&[("K", 1)], &[("C", 1)]]),
            TensorSpec::input("I", &[&[("C", 1)], &[("P", 1)], &[("Q", 1)]]),
            TensorSpec::output("Z", &[&[("K", 1)], &[("P", 1)], &[("Q", 1)]]),
        ];
        let einsum = Einsum::new(&[("K", 8), ("C", 4), ("P", 7), ("Q", 5)], &tensors).unwrap();
        let all = TensorSet::all(3);
        let level = LevelConstraints { may_keep: all, ..LevelConstraints::FREE };
        let mut free = MappingConstraints { levels: vec![level; 2] };
        let (merged, _) = merge(&einsum, &free, Quirks::default()).unwrap();
        let dims: Vec<_> = merged.dims().iter().map(|dim| (dim.name.as_str(), dim.size)).collect();
        assert_eq!(dims, [("K", 8), ("C", 4), ("P*Q", 35)]);
        assert_eq!(merged.words(1), einsum.words(1));
        // Where only one of them may run over instances they differ.
        free.levels[0].spatial_x = DimSet::ALL.without(2);
        assert!(merge(&einsum, &free, Quirks::default()).is_none());
    }
}

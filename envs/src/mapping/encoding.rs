//! How a design says a mapping: tiles, what runs side by side, and the order of loops.
//!
//! A tile of a level is what it holds of a dimension at once. Tiles nest: a rule of the space asks that the tile of a
//! level is made of whole tiles of the level inside it, or is the whole dimension, which is then padded to whole ones.
//! Everything else holds by construction, so every design is a mapping of the layer; whether its tiles fit together
//! shows on evaluation.

use tapeout_core::{CategoryParameter, CountParameter, Design, DesignSpace, Parameter, Rule, SpaceError};
use tapeout_simulators::loop_nest::{Architecture, Einsum, LevelMapping, Loop, Mapping, TensorSet};

/// A dimension of more than one point.
struct Dim {
    /// Index into [`Einsum::dims`].
    index: usize,
    size: u64,
}

/// The parameters of one level.
struct LevelKnobs {
    /// By dimension; none at the outermost level, which holds everything.
    tiles: Option<Vec<CountParameter>>,
    /// By dimension but the first; none at the innermost level, where no order changes what is moved.
    order: Option<Vec<CountParameter>>,
    /// The dimension in x and in y, as an index into [`Encoding::dims`]; none where there is one instance below.
    parallel: [Option<CategoryParameter<usize>>; 2],
    /// Instances below one instance, in x and y.
    fanout: [u64; 2],
}

/// The parameters of a layer on an architecture, and what they mean.
pub(super) struct Encoding {
    dims: Vec<Dim>,
    levels: Vec<LevelKnobs>,
    /// Tensors that each level keeps.
    keep: Vec<TensorSet>,
    pub(super) space: DesignSpace,
}

/// What a design says.
pub(super) struct Decoded {
    pub(super) mapping: Mapping,
    /// Points of every dimension of the layer, padding included.
    pub(super) sizes: Vec<u64>,
}

impl Encoding {
    /// `keep`: the tensors that each level keeps, the innermost level first.
    ///
    /// # Errors
    /// [`SpaceError`] if a level cannot hold one word of every tensor it keeps, or all dimensions have one point.
    pub(super) fn new(
        architecture: &Architecture,
        einsum: &Einsum,
        keep: Vec<TensorSet>,
    ) -> Result<Self, SpaceError> {
        let sized = einsum.dims().iter().enumerate().filter(|(_, dim)| dim.size > 1);
        let dims: Vec<Dim> = sized.map(|(index, dim)| Dim { index, size: dim.size }).collect();
        let names: Vec<&str> = dims.iter().map(|dim| einsum.dims()[dim.index].name.as_str()).collect();
        let (mut parameters, mut rules) = (Vec::new(), Vec::new());
        let outermost = architecture.levels().len() - 1;
        for (index, level) in architecture.levels().iter().enumerate() {
            if index < outermost {
                let usable = level.entries.map(|entries| (entries as f64 / level.multiple_buffering) as u64);
                for (dim, name) in dims.iter().zip(&names) {
                    parameters.push(tile(&level.name, name, &tile_sizes(einsum, dim, keep[index], usable)));
                }
            }
            if let Some(inner) = index.checked_sub(1).filter(|_| index < outermost) {
                let inner = &architecture.levels()[inner].name;
                let pairs = dims.iter().zip(&names);
                rules.extend(pairs.map(|(dim, name)| whole_tiles(name, inner, &level.name, dim.size)));
            }
            let spread = AXES.iter().zip(fanout(architecture, index)).filter(|&(_, instances)| instances > 1);
            if !names.is_empty() {
                parameters.extend(spread.map(|(axis, _)| parallel(axis, &level.name, &names)));
            }
            if index > 0 {
                parameters.extend((1..dims.len()).map(|before| order(&level.name, &names, before)));
            }
        }
        let space = DesignSpace::new(parameters, rules)?;
        let levels = (0..=outermost).map(|index| LevelKnobs::of(&space, architecture, index, &names));
        Ok(Self { levels: levels.collect::<Result<_, _>>()?, dims, keep, space })
    }

    /// The mapping that `design` says, of `einsum` padded to [`Decoded::sizes`].
    pub(super) fn decode(&self, design: &Design, einsum: &Einsum) -> Decoded {
        let kept = |&keep: &TensorSet| LevelMapping { keep, ..LevelMapping::default() };
        let mut levels: Vec<LevelMapping> = self.keep.iter().map(kept).collect();
        let mut sizes: Vec<u64> = einsum.dims().iter().map(|dim| dim.size).collect();
        // Steps in time by level and dimension.
        let mut steps = vec![vec![1; self.dims.len()]; self.levels.len()];
        for (place, dim) in self.dims.iter().enumerate() {
            let mut inside = 1;
            sizes[dim.index] = 1;
            for (level, knobs) in self.levels.iter().enumerate() {
                let tile = knobs.tiles.as_ref().map_or(dim.size, |tiles| tiles[place].of(design));
                let mut left = tile.div_ceil(inside);
                let entry = &mut levels[level];
                for (axis, loops) in [&mut entry.spatial_x, &mut entry.spatial_y].into_iter().enumerate() {
                    let parallel = knobs.parallel[axis].as_ref();
                    if parallel.is_some_and(|parallel| *parallel.of(design) == place) {
                        let count = spread(left, knobs.fanout[axis], tile == dim.size);
                        left = left.div_ceil(count);
                        sizes[dim.index] *= count;
                        if count > 1 {
                            loops.push(Loop::new(dim.index, count));
                        }
                    }
                }
                steps[level][place] = left;
                sizes[dim.index] *= left;
                inside = tile;
            }
        }
        for (level, knobs) in self.levels.iter().enumerate() {
            let outer_to_inner = match &knobs.order {
                Some(order) => permutation(order.iter().map(|place| place.of(design) as usize)),
                None => (0..self.dims.len()).collect(),
            };
            let loops = outer_to_inner.into_iter().filter(|&place| steps[level][place] > 1);
            levels[level].temporal =
                loops.map(|place| Loop::new(self.dims[place].index, steps[level][place])).collect();
        }
        Decoded { mapping: Mapping { levels }, sizes }
    }
}

impl LevelKnobs {
    /// The parameters of level `index` in `space`; `names`: the dimensions.
    fn of(
        space: &DesignSpace,
        architecture: &Architecture,
        index: usize,
        names: &[&str],
    ) -> Result<Self, SpaceError> {
        let level = &architecture.levels()[index].name;
        let is_outermost = index + 1 == architecture.levels().len();
        let tiles = names.iter().map(|dim| space.count(&tile_name(dim, level)));
        let tiles = if is_outermost { None } else { Some(tiles.collect::<Result<_, _>>()?) };
        let order = names.iter().skip(1).map(|dim| space.count(&order_name(dim, level)));
        let order = if index == 0 { None } else { Some(order.collect::<Result<_, _>>()?) };
        let fanout = fanout(architecture, index);
        let parallel = |axis: usize| {
            let name = parallel_name(AXES[axis], level);
            let is_there = fanout[axis] > 1 && !names.is_empty();
            is_there.then(|| space.category(&name, names.iter().copied().zip(0..))).transpose()
        };
        Ok(Self { tiles, order, parallel: [parallel(0)?, parallel(1)?], fanout })
    }
}

/// Names of the two directions in which instances stand.
const AXES: [&str; 2] = ["x", "y"];

/// Instances below one instance of level `index`, in x and y.
fn fanout(architecture: &Architecture, index: usize) -> [u64; 2] {
    let (x, y) = architecture.fanout(index);
    [x, y]
}

/// Instances over which `left` steps are spread: as many as take the fewest steps. Inside a larger tile they divide the
/// steps, as that tile has no room for padding; where the tile is the whole dimension, the last step may be partly idle.
fn spread(left: u64, instances: u64, may_pad: bool) -> u64 {
    if may_pad {
        return left.div_ceil(left.div_ceil(instances));
    }
    let widest = left.min(instances);
    (1..=widest).rev().find(|count| left.is_multiple_of(*count)).unwrap_or(1)
}

/// The order, outer to inner, in which loop `k + 1` stands inside of `places[k]` of the loops before it.
/// Source: Lehmer (1960), "Teaching combinatorial tricks to a computer": a number below 2, one below 3, and so on stand for
/// a permutation, and every permutation is reached once.
fn permutation(places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut order = vec![0];
    for (before, place) in places.enumerate() {
        order.insert(place, before + 1);
    }
    order
}

/// Tiles of a dimension worth asking for: for each number of steps over the dimension, the smallest that takes no more;
/// of these, those that a level of `usable` words which keeps `kept` can hold with all other dimensions at one point.
fn tile_sizes(einsum: &Einsum, dim: &Dim, kept: TensorSet, usable: Option<u64>) -> Vec<u64> {
    let mut tiles = Vec::new();
    let mut tile = dim.size;
    loop {
        tiles.push(tile);
        if tile == 1 {
            break;
        }
        // One step more than `tile` takes, and the smallest tile for that many.
        tile = dim.size.div_ceil(dim.size.div_ceil(tile) + 1).min(tile - 1);
    }
    tiles.reverse();
    let fits = |&tile: &u64| {
        let mut sizes = vec![1; einsum.dims().len()];
        sizes[dim.index] = tile;
        let alone = einsum.with_sizes(&sizes).expect("invariant: a part of a layer is no larger than it");
        let words = |tensor| alone.words(tensor).expect("invariant: a part of a layer is no larger than it");
        let tensors = (0..alone.tensors().len()).filter(|&tensor| kept.contains(tensor));
        usable.is_none_or(|usable| tensors.map(words).sum::<u64>() <= usable)
    };
    tiles.retain(fits);
    tiles
}

fn tile_name(dim: &str, level: &str) -> String {
    format!("tile_{dim}_{level}")
}

fn parallel_name(axis: &str, level: &str) -> String {
    format!("parallel_{axis}_{level}")
}

fn order_name(dim: &str, level: &str) -> String {
    format!("order_{dim}_{level}")
}

fn tile(level: &str, dim: &str, sizes: &[u64]) -> Parameter {
    Parameter::ordinal(&tile_name(dim, level), sizes.iter().map(|&size| size as f64))
        .about(&format!("points of `{dim}` that `{level}` holds at once"))
}

fn parallel(axis: &str, level: &str, dims: &[&str]) -> Parameter {
    Parameter::categorical(&parallel_name(axis, level), dims)
        .about(&format!("dimension spread over the instances below `{level}` in {axis}"))
}

fn order(level: &str, dims: &[&str], before: usize) -> Parameter {
    let dim = dims[before];
    let earlier = dims[..before].join(", ");
    Parameter::integer(&order_name(dim, level), 0, before as i64)
        .about(&format!("how many of the loops over {earlier} at `{level}` stand outside that over `{dim}`"))
}

fn whole_tiles(dim: &str, inner: &str, outer: &str, size: u64) -> Rule {
    let (inner, outer) = (tile_name(dim, inner), tile_name(dim, outer));
    let text = format!("{outer} % {inner} == 0 or {outer} == {size}");
    let (inside, outside) = (inner.clone(), outer.clone());
    Rule::new(&format!("whole_{outer}"), &text, &[inner.as_str(), outer.as_str()], move |values| {
        let tile = values.int(&outside);
        tile % values.int(&inside) == 0 || tile as u64 == size
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_order_of_four_loops_is_reached_once() {
        let mut seen = BTreeSet::new();
        for (a, b, c) in (0..2).flat_map(|a| (0..3).flat_map(move |b| (0..4).map(move |c| (a, b, c)))) {
            assert!(seen.insert(permutation([a, b, c].into_iter())));
        }
        assert_eq!(seen.len(), 24);
        // Loop 1 inside of loop 0; loop 2 outside of both; loop 3 inside of one of the three.
        assert_eq!(permutation([1, 0, 1].into_iter()), [2, 3, 0, 1]);
    }

    // Claim: instances take as few steps as they can, and only a tile that is the whole dimension is padded.
    #[test]
    fn steps_are_spread_without_padding_inside_a_larger_tile() {
        // 13 steps over 8 instances: two rounds, so 7 do.
        assert_eq!(spread(13, 8, true), 7);
        assert_eq!(spread(13, 8, false), 1);
        assert_eq!(spread(12, 8, false), 6);
        assert_eq!(spread(5, 8, false), 5);
    }

    #[test]
    fn tiles_are_the_smallest_of_each_number_of_steps() {
        let product = tapeout_simulators::networks::MatMul {
            batch: 1,
            m: 13,
            n: 2,
            k: 2,
            second: tapeout_simulators::networks::SecondOperand::Weight,
        };
        let layer = tapeout_simulators::networks::Layer::new(
            "product",
            tapeout_simulators::networks::Op::MatMul(product),
        );
        let einsum = layer.unwrap().einsum().clone();
        let dim = Dim { index: einsum.dim_index("M").unwrap(), size: 13 };
        // 1, 2, 3, 4, 5, 7 and 13 steps take tiles of 13, 7, 5, 4, 3, 2 and 1.
        let all = TensorSet::all(3);
        assert_eq!(tile_sizes(&einsum, &dim, all, None), [1, 2, 3, 4, 5, 7, 13]);
        // A tile of m rows has m inputs, 1 weight and m outputs: 11 words hold 5 rows.
        assert_eq!(tile_sizes(&einsum, &dim, all, Some(11)), [1, 2, 3, 4, 5]);
        // A level of outputs alone holds 7 of them.
        let outputs = TensorSet::EMPTY.with(einsum.tensor_index("Outputs").unwrap());
        assert_eq!(tile_sizes(&einsum, &dim, outputs, Some(11)), [1, 2, 3, 4, 5, 7]);
        assert_eq!(tile_sizes(&einsum, &dim, all, Some(2)), [0; 0]);
    }
}

//! A question made ready: shapes, costs per word and the places where loops may run.

use super::constraints::{DimSet, MappingConstraints};
use super::options::Objective;
use super::outcome::NoMapping;
use crate::loop_nest::{
    Architecture, Delivery, Einsum, Level, MAX_DIMS, MAX_LEVELS, Quirks, Role, Tensor, TensorSet,
};

/// Most places for loops: in time, x and y at every level.
pub(super) const MAX_POSITIONS: usize = 3 * MAX_LEVELS;

/// How a position's loops run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Time,
    X,
    Y,
}

/// A place where loops may run. The first positions are the levels in time, the innermost first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) level: usize,
    pub(super) way: Way,
    /// Dimensions that may run here.
    pub(super) dims: DimSet,
    /// Most iterations altogether.
    pub(super) limit: u64,
}

/// How the dimensions of more than one point address a tensor.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) output: bool,
    pub(super) uses: DimSet,
    /// `(dimension, coefficient)` by rank; ranks of one point are left out.
    pub(super) ranks: Vec<Vec<(usize, u64)>>,
    /// The same, each dimension only in the first rank that has it: counts of different indices multiply over these.
    pub(super) groups: Vec<Vec<(usize, u64)>>,
    /// Whether some rank is indexed by several dimensions, so that tiles can overlap.
    pub(super) slides: bool,
}

/// What a word costs at one level.
#[derive(Debug, Clone, Copy)]
pub(super) struct LevelCost {
    pub(super) capacity_words: Option<u64>,
    pub(super) read_j: f64,
    pub(super) fill_j: f64,
    pub(super) update_j: f64,
    pub(super) leak_j_per_cycle: f64,
    pub(super) cluster_size: u64,
    pub(super) instances: u64,
    pub(super) read_cycles: f64,
    pub(super) write_cycles: f64,
    pub(super) shared_cycles: f64,
    pub(super) single_buffered: bool,
    pub(super) systolic: bool,
    /// Whether neighbours below hand words to each other, so that the level reads fewer.
    pub(super) linked: bool,
}

/// A layer, a machine and what is asked.
pub(super) struct Problem<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) einsum: &'a Einsum,
    pub(super) objective: Objective,
    pub(super) quirks: Quirks,
    pub(super) n_levels: usize,
    /// Dimensions of more than one point.
    pub(super) dims: Vec<usize>,
    pub(super) sizes: [u64; MAX_DIMS],
    pub(super) shapes: Vec<Shape>,
    pub(super) costs: Vec<LevelCost>,
    pub(super) mac_j: f64,
    pub(super) positions: Vec<Position>,
    /// Where the positions over the instances below each level begin.
    place_starts: [usize; MAX_LEVELS + 1],
    pub(super) must_keep: [TensorSet; MAX_LEVELS],
    /// Tensors that must or may be kept.
    pub(super) may_keep: [TensorSet; MAX_LEVELS],
    /// The outermost level where a dimension may run in time.
    pub(super) homes: [Option<usize>; MAX_DIMS],
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        architecture: &'a Architecture,
        einsum: &'a Einsum,
        objective: Objective,
        quirks: Quirks,
        constraints: &MappingConstraints,
    ) -> Result<Self, NoMapping> {
        let (n_levels, n_tensors) = (architecture.levels().len(), einsum.tensors().len());
        if constraints.levels.len() != n_levels {
            return Err(NoMapping::LevelCount { got: constraints.levels.len(), expected: n_levels });
        }
        let mut sizes = [1; MAX_DIMS];
        sizes.iter_mut().zip(einsum.dims()).for_each(|(size, dim)| *size = dim.size);
        let dims: Vec<usize> = (0..einsum.dims().len()).filter(|&dim| sizes[dim] > 1).collect();
        let mut problem = Self {
            architecture,
            einsum,
            objective,
            quirks,
            n_levels,
            shapes: einsum.tensors().iter().map(|tensor| Shape::new(tensor, &sizes)).collect(),
            costs: architecture.levels().iter().map(|level| LevelCost::new(level, quirks)).collect(),
            mac_j: architecture.mac().energy_j,
            positions: positions(architecture, constraints),
            place_starts: [n_levels; MAX_LEVELS + 1],
            must_keep: [TensorSet::EMPTY; MAX_LEVELS],
            may_keep: [TensorSet::EMPTY; MAX_LEVELS],
            homes: [None; MAX_DIMS],
            dims,
            sizes,
        };
        for (level, entry) in constraints.levels.iter().enumerate() {
            let below = problem.positions[n_levels..].iter().filter(|place| place.level == level).count();
            problem.place_starts[level + 1] = problem.place_starts[level] + below;
            problem.must_keep[level] = entry.must_keep;
            let either = |set: TensorSet, tensor: usize| match entry.may_keep.contains(tensor) {
                true => set.with(tensor),
                false => set,
            };
            problem.may_keep[level] = (0..n_tensors).fold(entry.must_keep, either);
            for &dim in &problem.dims {
                if entry.temporal.contains(dim) {
                    problem.homes[dim] = Some(level);
                }
            }
        }
        problem.check_kept()?;
        Ok(problem)
    }

    /// Positions over instances.
    pub(super) fn places(&self) -> std::ops::Range<usize> {
        self.n_levels..self.positions.len()
    }

    /// Positions over the instances below `level`.
    pub(super) fn places_of(&self, level: usize) -> std::ops::Range<usize> {
        self.place_starts[level]..self.place_starts[level + 1]
    }

    /// Dimensions as the index arithmetic of `shape` sees them: words of a tile of `extents` points per dimension.
    pub(super) fn words(shape: &Shape, extents: &[u64; MAX_DIMS]) -> u64 {
        let length = |rank: &Vec<(usize, u64)>| {
            1 + rank.iter().map(|&(dim, coefficient)| coefficient * (extents[dim] - 1)).sum::<u64>()
        };
        shape.ranks.iter().map(length).fold(1, u64::saturating_mul)
    }

    /// Why a mapping whose tiles are as small as the constraints allow does not fit, if that is so.
    pub(super) fn check_smallest(&self) -> Result<(), NoMapping> {
        for level in 0..self.n_levels {
            let Some(available) = self.costs[level].capacity_words else { continue };
            let mut extents = [1; MAX_DIMS];
            for &dim in self.dims.iter().filter(|&&dim| self.homes[dim].is_some_and(|home| home <= level)) {
                extents[dim] = self.sizes[dim].div_ceil(self.widest_above(dim, level));
            }
            let (mut needed, mut largest) = (0u64, (0, 0));
            for (tensor, shape) in self.shapes.iter().enumerate() {
                if self.must_keep[level].contains(tensor) {
                    let words = Self::words(shape, &extents);
                    needed = needed.saturating_add(words);
                    if words > largest.1 {
                        largest = (tensor, words);
                    }
                }
            }
            if needed > available {
                return Err(NoMapping::Capacity {
                    level: self.architecture.levels()[level].name.clone(),
                    tensor: self.einsum.tensors()[largest.0].name().to_owned(),
                    tensor_words: largest.1,
                    needed,
                    available,
                });
            }
        }
        Ok(())
    }

    /// What to say when tiles that are smallest one by one fit, but no mapping does.
    pub(super) fn nothing_fits(&self) -> NoMapping {
        let tensor = (0..self.shapes.len()).find(|&tensor| !self.can_be_backed(tensor)).unwrap_or(0);
        NoMapping::KeptNowhere { tensor: self.einsum.tensors()[tensor].name().to_owned() }
    }

    /// Whether the outermost level that must or may keep `tensor` can hold the whole of it.
    fn can_be_backed(&self, tensor: usize) -> bool {
        let words = Self::words(&self.shapes[tensor], &self.sizes);
        (0..self.n_levels).any(|level| {
            let fits = self.costs[level].capacity_words.is_none_or(|have| words <= have);
            self.may_keep[level].contains(tensor) && fits
        })
    }

    /// Points of `dim` that the array takes at most, below levels outside of `level`.
    pub(super) fn widest_above(&self, dim: usize, level: usize) -> u64 {
        let above = self.positions[self.places()].iter().filter(|place| place.level > level);
        above.filter(|place| place.dims.contains(dim)).map(|place| place.limit).product()
    }

    fn check_kept(&self) -> Result<(), NoMapping> {
        for (tensor, entry) in self.einsum.tensors().iter().enumerate() {
            if !self.may_keep.iter().any(|set| set.contains(tensor)) {
                return Err(NoMapping::KeptNowhere { tensor: entry.name().to_owned() });
            }
        }
        for &dim in self.dims.iter().filter(|&&dim| self.homes[dim].is_none()) {
            let places = self.positions[self.places()].iter().filter(|place| place.dims.contains(dim));
            let most: u64 = places.map(|place| place.limit).product();
            if most < self.sizes[dim] {
                let name = self.einsum.dims()[dim].name.clone();
                return Err(NoMapping::NowhereToRun { dim: name, size: self.sizes[dim], most });
            }
        }
        Ok(())
    }
}

fn positions(architecture: &Architecture, constraints: &MappingConstraints) -> Vec<Position> {
    let in_time = constraints.levels.iter().enumerate();
    let mut positions: Vec<Position> = in_time
        .map(|(level, entry)| Position { level, way: Way::Time, dims: entry.temporal, limit: u64::MAX })
        .collect();
    for (level, entry) in constraints.levels.iter().enumerate() {
        let (x, y) = architecture.fanout(level);
        for (way, dims, limit) in [(Way::X, entry.spatial_x, x), (Way::Y, entry.spatial_y, y)] {
            if limit > 1 && !dims.is_empty() {
                positions.push(Position { level, way, dims, limit });
            }
        }
    }
    positions
}

impl Shape {
    fn new(tensor: &Tensor, sizes: &[u64; MAX_DIMS]) -> Self {
        let active = |terms: &[(usize, u64)]| -> Vec<(usize, u64)> {
            terms.iter().copied().filter(|&(dim, _)| sizes[dim] > 1).collect()
        };
        let ranks: Vec<_> = tensor.ranks().iter().map(|rank| active(rank.terms())).collect();
        let ranks: Vec<_> = ranks.into_iter().filter(|rank| !rank.is_empty()).collect();
        let mut uses = DimSet::EMPTY;
        let mut groups = Vec::new();
        for rank in &ranks {
            let fresh: Vec<_> = rank.iter().copied().filter(|&(dim, _)| !uses.contains(dim)).collect();
            uses = rank.iter().fold(uses, |set, &(dim, _)| set.with(dim));
            if !fresh.is_empty() {
                groups.push(fresh);
            }
        }
        let slides = ranks.iter().any(|rank| rank.len() > 1);
        Self { output: tensor.role() == Role::Output, uses, ranks, groups, slides }
    }
}

impl LevelCost {
    fn new(level: &Level, quirks: Quirks) -> Self {
        let per_word = |block_j: f64| block_j / level.block_words as f64;
        let cycles = |limit: Option<f64>| limit.map_or(0.0, f64::recip);
        Self {
            capacity_words: level.entries.map(|n| (n as f64 / level.multiple_buffering).floor() as u64),
            read_j: per_word(level.energy.read_j),
            fill_j: per_word(level.energy.fill_j),
            update_j: per_word(level.energy.update_j),
            leak_j_per_cycle: level.energy.leak_j_per_cycle,
            cluster_size: level.cluster_size,
            instances: level.instances,
            read_cycles: cycles(level.bandwidth.read_words_per_cycle),
            write_cycles: cycles(level.bandwidth.write_words_per_cycle),
            shared_cycles: cycles(level.bandwidth.shared_words_per_cycle),
            single_buffered: level.multiple_buffering < 2.0,
            systolic: level.network.delivery == Delivery::Systolic,
            linked: quirks.links_everywhere || level.network.neighbour_links,
        }
    }
}

//! A question made ready: shapes, costs per word and the places where loops may run.

use super::constraints::{DimSet, MappingConstraints};
use super::outcome::NoMapping;
use crate::loop_nest::{
    Architecture, Delivery, Einsum, MAX_DIMS, MAX_LEVELS, Quirks, Role, Tensor, TensorSet,
};

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

/// How the dimensions address a tensor.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) output: bool,
    pub(super) uses: DimSet,
    /// `(dimension, coefficient)` by rank; ranks of one point are left out.
    pub(super) ranks: Vec<Vec<(usize, f64)>>,
    /// Dimensions that are a rank of their own, and the other ranks.
    plain: Vec<usize>,
    pub(super) windows: Vec<Vec<(usize, f64)>>,
    /// Terms by rank, each dimension only in the first rank that has it, what all of a rank step over divided out: counts of different
    /// indices multiply over these.
    groups: Vec<Vec<(usize, f64)>>,
    /// Whether every rank is one dimension of its own, so that tiles never overlap and their words are products.
    pub(super) is_plain: bool,
    /// Whether some rank is indexed by several dimensions, so that tiles can overlap.
    pub(super) slides: bool,
    /// Whether words that a strided access steps over count.
    boxes: bool,
    /// Share of the words that the outermost level holds.
    stored: f64,
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
    /// Cycles of a word at the ports for reads, for writes, and for both; 0 without a limit.
    pub(super) read_cycles: f64,
    pub(super) write_cycles: f64,
    pub(super) shared_cycles: f64,
    pub(super) single_buffered: bool,
    pub(super) reduces_in_place: bool,
    pub(super) hop_j: f64,
    pub(super) router_j: f64,
    /// Instances below in x and y, if they are a systolic array.
    pub(super) array: Option<[f64; 2]>,
    /// Whether neighbours below hand words to each other, so that the level reads fewer.
    pub(super) linked: bool,
}

/// A layer, a machine and what is asked. Dimensions are numbered anew, those of one point left out.
pub(super) struct Problem<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) einsum: &'a Einsum,
    pub(super) quirks: Quirks,
    pub(super) n_levels: usize,
    pub(super) n_dims: usize,
    /// Index into [`Einsum::dims`] of each dimension.
    names: Vec<usize>,
    pub(super) sizes: [u64; MAX_DIMS],
    pub(super) shapes: Vec<Shape>,
    pub(super) costs: Vec<LevelCost>,
    pub(super) mac_j: f64,
    pub(super) positions: Vec<Position>,
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
        quirks: Quirks,
        constraints: &MappingConstraints,
    ) -> Result<Self, NoMapping> {
        let (n_levels, n_tensors) = (architecture.levels().len(), einsum.tensors().len());
        if constraints.levels.len() != n_levels {
            return Err(NoMapping::LevelCount { got: constraints.levels.len(), expected: n_levels });
        }
        let names = canonical_order(einsum, constraints);
        let mut sizes = [1; MAX_DIMS];
        sizes.iter_mut().zip(&names).for_each(|(size, &name)| *size = einsum.dims()[name].size);
        let mut problem = Self {
            architecture,
            einsum,
            quirks,
            n_levels,
            shapes: einsum.tensors().iter().map(|tensor| Shape::new(tensor, &names, quirks)).collect(),
            costs: (0..n_levels).map(|level| LevelCost::new(architecture, level, quirks)).collect(),
            mac_j: architecture.mac().energy_j,
            positions: positions(architecture, constraints, &names),
            must_keep: [TensorSet::EMPTY; MAX_LEVELS],
            may_keep: [TensorSet::EMPTY; MAX_LEVELS],
            homes: [None; MAX_DIMS],
            n_dims: names.len(),
            names,
            sizes,
        };
        for (level, entry) in constraints.levels.iter().enumerate() {
            problem.must_keep[level] = entry.must_keep;
            let either = |set: TensorSet, tensor: usize| match entry.may_keep.contains(tensor) {
                true => set.with(tensor),
                false => set,
            };
            problem.may_keep[level] = (0..n_tensors).fold(entry.must_keep, either);
            for dim in problem.positions[level].dims.iter() {
                problem.homes[dim] = Some(level);
            }
        }
        problem.check_kept()?;
        Ok(problem)
    }

    /// Positions over instances.
    pub(super) fn places(&self) -> std::ops::Range<usize> {
        self.n_levels..self.positions.len()
    }

    /// The loop dimension of the Einsum that `dim` stands for.
    pub(super) fn name(&self, dim: usize) -> usize {
        self.names[dim]
    }

    /// Points of every dimension of the Einsum, if those looked at have `points`.
    pub(super) fn all_sizes(&self, points: &[u64; MAX_DIMS]) -> [u64; MAX_DIMS] {
        let mut sizes = [1; MAX_DIMS];
        self.names.iter().zip(points).for_each(|(&name, &points)| sizes[name] = points);
        sizes
    }

    /// Why a mapping whose tiles are as small as the constraints allow does not fit, if that is so.
    pub(super) fn check_smallest(&self) -> Result<(), NoMapping> {
        for level in 0..self.n_levels {
            let Some(available) = self.costs[level].capacity_words else { continue };
            let mut extents = [1.0; MAX_DIMS];
            for dim in (0..self.n_dims).filter(|&dim| self.homes[dim].is_some_and(|home| home <= level)) {
                extents[dim] = self.sizes[dim].div_ceil(self.widest_above(dim, level)) as f64;
            }
            let (mut needed, mut largest) = (0u64, (0, 0));
            for (tensor, shape) in self.shapes.iter().enumerate() {
                if self.must_keep[level].contains(tensor) {
                    let words = shape.words(&extents) as u64;
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
        match (0..self.shapes.len()).find(|&tensor| !self.can_be_backed(tensor)) {
            Some(tensor) => {
                NoMapping::KeptNowhere { tensor: self.einsum.tensors()[tensor].name().to_owned() }
            }
            None => NoMapping::NotTogether,
        }
    }

    /// Whether the outermost level that must or may keep `tensor` can hold the whole of it.
    fn can_be_backed(&self, tensor: usize) -> bool {
        let words = self.shapes[tensor].words(&self.sizes.map(|size| size as f64)) as u64;
        (0..self.n_levels).any(|level| {
            let fits = self.costs[level].capacity_words.is_none_or(|have| words <= have);
            self.may_keep[level].contains(tensor) && fits
        })
    }

    /// Share of the words of `tensor` asked of `level` that are read there, at least: others are made on the way if no level
    /// further out keeps the tensor.
    pub(super) fn stored(&self, tensor: usize, level: usize) -> f64 {
        let is_inside = self.must_keep[level + 1..].iter().any(|keep| keep.contains(tensor));
        if is_inside { 1.0 } else { self.shapes[tensor].stored }
    }

    /// Whether every word of `tensor` that `level` holds counts as filled into it: what neighbours hand on below one of several parents may
    /// be averaged over the instances below all of them.
    pub(super) fn counts_fills(&self, tensor: usize, level: usize) -> bool {
        let hand_on = |parent: &LevelCost| parent.linked && parent.instances > 1;
        let is_averaged = self.quirks.peers_over_all_instances && self.shapes[tensor].slides;
        !(is_averaged && self.costs.get(level + 1).is_some_and(hand_on))
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
        for dim in (0..self.n_dims).filter(|&dim| self.homes[dim].is_none()) {
            let places = self.positions[self.places()].iter().filter(|place| place.dims.contains(dim));
            let most: u64 = places.map(|place| place.limit).product();
            if most < self.sizes[dim] {
                let name = self.einsum.dims()[self.name(dim)].name.clone();
                return Err(NoMapping::NowhereToRun { dim: name, size: self.sizes[dim], most });
            }
        }
        Ok(())
    }
}

/// Dimensions of more than one point, in an order that depends neither on their names nor on how they are listed as long
/// as no two are alike: by the tensors that they index, and by size.
fn canonical_order(einsum: &Einsum, constraints: &MappingConstraints) -> Vec<usize> {
    let mut names: Vec<usize> =
        (0..einsum.dims().len()).filter(|&name| einsum.dims()[name].size > 1).collect();
    let key = |&name: &usize| {
        let uses = |role: Role| {
            let tensors = einsum.tensors().iter().filter(move |tensor| tensor.role() == role);
            tensors.filter(|tensor| tensor.uses(name)).count()
        };
        let allowed = |entry: &super::constraints::LevelConstraints| {
            [entry.temporal, entry.spatial_x, entry.spatial_y].map(|dims| dims.contains(name))
        };
        let allowed: Vec<_> = constraints.levels.iter().map(allowed).collect();
        (uses(Role::Output), uses(Role::Input), std::cmp::Reverse(einsum.dims()[name].size), allowed)
    };
    names.sort_by_cached_key(key);
    names
}

fn positions(
    architecture: &Architecture,
    constraints: &MappingConstraints,
    names: &[usize],
) -> Vec<Position> {
    let numbered = |set: DimSet| (0..names.len()).filter(|&dim| set.contains(names[dim])).collect::<DimSet>();
    let in_time = constraints.levels.iter().enumerate();
    let mut positions: Vec<Position> = in_time
        .map(|(level, entry)| Position {
            level,
            way: Way::Time,
            dims: numbered(entry.temporal),
            limit: u64::MAX,
        })
        .collect();
    for (level, entry) in constraints.levels.iter().enumerate() {
        let (x, y) = architecture.fanout(level);
        for (way, dims, limit) in [(Way::X, entry.spatial_x, x), (Way::Y, entry.spatial_y, y)] {
            let dims = numbered(dims);
            if limit > 1 && !dims.is_empty() {
                positions.push(Position { level, way, dims, limit });
            }
        }
    }
    positions
}

impl Shape {
    fn new(tensor: &Tensor, names: &[usize], quirks: Quirks) -> Self {
        let numbered = |&(name, coefficient): &(usize, u64)| {
            names.iter().position(|&other| other == name).map(|dim| (dim, coefficient))
        };
        // Terms over `step`.
        let over = |terms: &[(usize, u64)], step: u64| -> Vec<(usize, f64)> {
            terms.iter().map(|&(dim, coefficient)| (dim, (coefficient / step) as f64)).collect()
        };
        let common = |terms: &[(usize, u64)]| terms.iter().fold(0, |common, &(_, c)| gcd(common, c)).max(1);
        let (mut ranks, mut groups, mut uses) = (Vec::new(), Vec::new(), DimSet::EMPTY);
        for rank in tensor.ranks() {
            let terms: Vec<(usize, u64)> = rank.terms().iter().filter_map(numbered).collect();
            if terms.is_empty() {
                continue;
            }
            // What all terms step over does not count unless boxes do.
            ranks.push(over(&terms, if quirks.strided_boxes { 1 } else { common(&terms) }));
            let fresh: Vec<_> = terms.iter().copied().filter(|&(dim, _)| !uses.contains(dim)).collect();
            uses = terms.iter().map(|&(dim, _)| dim).fold(uses, DimSet::with);
            if !fresh.is_empty() {
                groups.push(over(&fresh, common(&fresh)));
            }
        }
        let slides = ranks.iter().any(|rank| rank.len() > 1);
        let is_index = |rank: &Vec<(usize, f64)>| rank.len() == 1 && rank[0].1 == 1.0;
        let plain: Vec<usize> = ranks.iter().filter(|rank| is_index(rank)).map(|rank| rank[0].0).collect();
        let windows: Vec<_> = ranks.iter().filter(|rank| !is_index(rank)).cloned().collect();
        // No dimension is listed twice.
        let is_plain =
            windows.is_empty() && plain.iter().copied().collect::<DimSet>().iter().count() == plain.len();
        Self {
            output: tensor.role() == Role::Output,
            uses,
            ranks,
            plain,
            windows,
            is_plain,
            groups,
            slides,
            boxes: quirks.strided_boxes,
            stored: match tensor.stored().filter(|_| !quirks.padding_from_memory) {
                Some((some, all)) => some as f64 / all as f64,
                None => 1.0,
            },
        }
    }

    /// Words of a tile of `extents` points per dimension.
    pub(super) fn words(&self, extents: &[f64; MAX_DIMS]) -> f64 {
        let plain: f64 = self.plain.iter().map(|&dim| extents[dim]).product();
        self.windows.iter().fold(plain, |words, rank| words * self.points(rank, extents))
    }

    /// Points of `rank` that count in a tile of `extents` points per dimension.
    pub(super) fn points(&self, rank: &[(usize, f64)], extents: &[f64; MAX_DIMS]) -> f64 {
        match *rank {
            [a, b] if !self.boxes => sums(a, b, extents),
            _ => length(rank, extents),
        }
    }

    /// Different words that `extents` points per dimension use, at least, whatever a tile around them counts: no mapping fetches fewer,
    /// but one whose tiles step over a word may fetch fewer than [`Shape::words`].
    pub(super) fn used_words(&self, extents: &[f64; MAX_DIMS]) -> f64 {
        let values = |group: &Vec<(usize, f64)>| match group[..] {
            [a, b] => sums(a, b, extents),
            _ => fewest_sums(group, extents),
        };
        self.groups.iter().map(values).product()
    }

    /// Different tiles among those of `counts` instances or steps per dimension, at least: sums of two indices take as many
    /// values as if both had one step.
    pub(super) fn distinct(&self, counts: &[f64; MAX_DIMS]) -> f64 {
        self.groups.iter().map(|group| fewest_sums(group, counts)).product()
    }

    /// The same if neighbours hand words of overlapping tiles to each other: only tiles that differ in an index of one dimension count.
    /// Such an index moves further in a step than instances are apart.
    pub(super) fn distinct_apart(&self, counts: &[f64; MAX_DIMS]) -> f64 {
        self.plain.iter().map(|&dim| counts[dim]).product()
    }

    /// Instances over the most of them that share one tile, if there are `counts` per dimension: of two indices that are added, a sum
    /// is taken as often as the shorter is long, at most.
    pub(super) fn least_apart(&self, counts: &[f64; MAX_DIMS]) -> f64 {
        let longest =
            |group: &Vec<(usize, f64)>| group.iter().map(|&(dim, _)| counts[dim]).fold(1.0, f64::max);
        self.groups.iter().map(longest).product()
    }

    /// Whether `dim` is in one rank alone.
    pub(super) fn is_in_one_rank(&self, dim: usize) -> bool {
        self.ranks.iter().filter(|rank| rank.iter().any(|&(other, _)| other == dim)).count() == 1
    }
}

/// Values of a sum of two indices without a common divisor: pairs less those that lead to the value of another pair.
fn sums((a_dim, a): (usize, f64), (b_dim, b): (usize, f64), extents: &[f64; MAX_DIMS]) -> f64 {
    let (n, m) = (extents[a_dim], extents[b_dim]);
    n * m - (n - b).max(0.0) * (m - a).max(0.0)
}

/// Values of a sum of indices, at least: as many as if each had a step of one.
fn fewest_sums(terms: &[(usize, f64)], extents: &[f64; MAX_DIMS]) -> f64 {
    1.0 + terms.iter().map(|&(dim, _)| extents[dim] - 1.0).sum::<f64>()
}

/// Points that a rank spans in a tile of `extents` points per dimension.
pub(super) fn length(rank: &[(usize, f64)], extents: &[f64; MAX_DIMS]) -> f64 {
    rank.iter().fold(1.0, |length, &(dim, coefficient)| length + coefficient * (extents[dim] - 1.0))
}

/// The greatest common divisor.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl LevelCost {
    fn new(architecture: &Architecture, index: usize, quirks: Quirks) -> Self {
        let (level, (x, y)) = (&architecture.levels()[index], architecture.fanout(index));
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
            single_buffered: !level.fills_overlap(),
            reduces_in_place: level.reduces_in_place,
            hop_j: level.network.hop_j,
            router_j: level.network.router_j,
            array: (level.network.delivery == Delivery::Systolic).then_some([x as f64, y as f64]),
            linked: quirks.links_everywhere || level.network.neighbour_links,
        }
    }
}

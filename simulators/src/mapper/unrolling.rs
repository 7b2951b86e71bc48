//! Ways to run the layer over the instances of the array: factors at every place, and the padding that they need.
//!
//! A dimension of `n` points over `w` instances takes `ceil(n / w)` steps and is padded to `w` times that. Of the factors
//! that take as many steps only the smallest are in the space.

use super::prices::ROUNDING;
use super::problem::Problem;
use crate::loop_nest::MAX_DIMS;

/// Factors of every place, and what follows from them.
#[derive(Debug, Clone)]
pub(super) struct Unrolling {
    /// Shape `[places][dimensions]`, flat, in the order of [`Problem::places`].
    factors: Box<[u32]>,
    /// Iterations in time by dimension, to be divided over the levels.
    pub(super) steps: [u64; MAX_DIMS],
    /// Points by dimension, padding included.
    pub(super) padded: [u64; MAX_DIMS],
}

impl Unrolling {
    /// That of `factors`, or `None` if a factor is larger than the steps need or a dimension has nowhere to run in time.
    fn new(problem: &Problem, factors: Box<[u32]>) -> Option<Self> {
        let (mut steps, mut padded) = ([1; MAX_DIMS], [1; MAX_DIMS]);
        for dim in 0..problem.n_dims {
            (steps[dim], padded[dim]) = steps_and_points(problem, &factors, dim)?;
        }
        Some(Self { factors, steps, padded })
    }

    /// Factor of `dim` at the place `place`, an index from 0.
    pub(super) fn factor(&self, problem: &Problem, place: usize, dim: usize) -> u64 {
        u64::from(self.factors[place * problem.n_dims + dim])
    }

    /// Iterations in time altogether.
    pub(super) fn iterations(&self) -> f64 {
        self.steps.iter().map(|&steps| steps as f64).product()
    }
}

/// Steps in time and points, padding included, of `dim`; `None` if a factor is larger than the steps need or the dimension has nowhere
/// to run in time.
fn steps_and_points(problem: &Problem, factors: &[u32], dim: usize) -> Option<(u64, u64)> {
    let own = || factors.iter().skip(dim).step_by(problem.n_dims).map(|&factor| u64::from(factor));
    let (size, width) = (problem.sizes[dim], own().product::<u64>());
    let steps = size.div_ceil(width);
    let is_spare = |factor: u64| size.div_ceil(width / factor * (factor - 1)) == steps;
    if own().any(|factor| factor > 1 && is_spare(factor)) || problem.homes[dim].is_none() && steps > 1 {
        return None;
    }
    Some((steps, steps * width))
}

/// The factors of an unrolling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sketch {
    factors: Box<[u32]>,
    /// Iterations in time.
    pub(super) iterations: u64,
}

impl Sketch {
    pub(super) fn new(problem: &Problem, factors: &[u32]) -> Option<Self> {
        let mut iterations = 1u64;
        for dim in 0..problem.n_dims {
            iterations = iterations.saturating_mul(steps_and_points(problem, factors, dim)?.0);
        }
        Some(Self::of_valid(factors, iterations))
    }

    /// That of `factors` that are known to be no larger than the steps need.
    pub(super) fn of_valid(factors: &[u32], iterations: u64) -> Self {
        Self { factors: factors.into(), iterations }
    }

    /// The unrolling.
    pub(super) fn unrolling(&self, problem: &Problem) -> Unrolling {
        Unrolling::new(problem, self.factors.clone())
            .expect("invariant: a sketch is of factors that were tried")
    }

    /// By level and dimension: instances below one of the level that take different points.
    fn widths(&self, problem: &Problem) -> Vec<u32> {
        let mut widths = vec![1; problem.n_levels * problem.n_dims];
        for (index, place) in problem.places().enumerate() {
            let level = problem.positions[place].level;
            let own = self.factors[index * problem.n_dims..].iter().take(problem.n_dims);
            widths[level * problem.n_dims..].iter_mut().zip(own).for_each(|(width, factor)| *width *= factor);
        }
        widths
    }
}

/// Those of `list` that can differ in cost: how the factors of a level are divided over x and y matters where hops are priced or
/// neighbours hand words on; elsewhere one division stands for all.
pub(super) fn distinct(problem: &Problem, mut list: Vec<Sketch>) -> Vec<Sketch> {
    let matters = |level: usize| {
        let cost = &problem.costs[level];
        cost.hop_j > 0.0 || cost.router_j > 0.0 || cost.linked
    };
    if problem.places().any(|place| matters(problem.positions[place].level)) {
        return list;
    }
    let mut keyed: Vec<(Vec<u32>, Sketch)> =
        list.drain(..).map(|sketch| (sketch.widths(problem), sketch)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    keyed.dedup_by(|(a, _), (b, _)| a == b);
    keyed.into_iter().map(|(_, sketch)| sketch).collect()
}

/// The unrollings that differ from `sketch` at one place and fit; where capacity is what limits another place, also those that
/// then take there what fits.
pub(super) fn neighbours(problem: &Problem, sketch: &Sketch) -> Vec<Sketch> {
    let n_places = problem.places().len();
    let mut list = Vec::new();
    let add = |factors: &[u32], list: &mut Vec<Sketch>| {
        let mut factors = factors.to_vec();
        narrow(problem, &mut factors);
        list.extend(Sketch::new(problem, &factors).filter(|_| fits(problem, &factors)));
    };
    let limited: Vec<usize> =
        (0..n_places).filter(|&place| !widest(problem, &sketch.factors, place, |_| true).1).collect();
    for place in 0..n_places {
        for factors in with_other_loops(problem, &sketch.factors, place) {
            add(&factors, &mut list);
            for &other in limited.iter().filter(|&&other| other != place) {
                let (factors, _) = widest(problem, &factors, other, |factors| fits(problem, factors));
                add(&factors, &mut list);
            }
        }
    }
    list.sort();
    list.dedup();
    distinct(problem, list)
}

/// `factors` with every choice of loops at `place`.
fn with_other_loops(problem: &Problem, factors: &[u32], place: usize) -> Vec<Vec<u32>> {
    let n_dims = problem.n_dims;
    let mut others = factors.to_vec();
    others[place * n_dims..(place + 1) * n_dims].fill(1);
    let mut width = [1; MAX_DIMS];
    for (dim, width) in width.iter_mut().enumerate().take(n_dims) {
        *width = others.iter().skip(dim).step_by(n_dims).map(|&factor| u64::from(factor)).product();
    }
    let mut extensions = Vec::new();
    Partial { factors: Vec::new(), width, steps: 1.0 }.extend(problem, place, 0, &mut extensions);
    let with = |extension: &Extension| {
        let mut factors = others.clone();
        for (dim, factor) in extension.loops.into_iter().filter(|&(_, factor)| factor > 1) {
            factors[place * n_dims + dim] = factor as u32;
        }
        factors
    };
    extensions.iter().map(with).collect()
}

/// `factors` with the loops at `place` that take the fewest steps of those that are `allowed`, and whether they fit.
fn widest(
    problem: &Problem,
    factors: &[u32],
    place: usize,
    allowed: impl Fn(&[u32]) -> bool,
) -> (Vec<u32>, bool) {
    let steps = |factors: &[u32]| -> f64 {
        let dims = 0..problem.n_dims;
        let width = |dim: usize| {
            factors.iter().skip(dim).step_by(problem.n_dims).map(|&factor| u64::from(factor)).product::<u64>()
        };
        dims.map(|dim| problem.sizes[dim].div_ceil(width(dim)) as f64).product()
    };
    let choices = with_other_loops(problem, factors, place).into_iter().filter(|factors| allowed(factors));
    let best = choices.map(|factors| (steps(&factors), factors)).reduce(|a, b| if b.0 < a.0 { b } else { a });
    let widest = best.map_or_else(|| factors.to_vec(), |(_, factors)| factors);
    let is_fit = fits(problem, &widest);
    (widest, is_fit)
}

/// Whether what all instances below a level take at once fits into it, of the tensors that it must keep.
fn fits(problem: &Problem, factors: &[u32]) -> bool {
    let mut extents = [1.0; MAX_DIMS];
    (0..problem.n_levels).all(|level| {
        for (index, place) in problem.places().enumerate() {
            if problem.positions[place].level == level {
                let own = &factors[index * problem.n_dims..(index + 1) * problem.n_dims];
                extents.iter_mut().zip(own).for_each(|(points, &factor)| *points *= f64::from(factor));
            }
        }
        let Some(capacity) = problem.costs[level].capacity_words else { return true };
        let kept = problem
            .shapes
            .iter()
            .enumerate()
            .filter(|&(tensor, _)| problem.must_keep[level].contains(tensor));
        kept.map(|(_, shape)| shape.words(&extents)).sum::<f64>() <= capacity as f64 * (1.0 + ROUNDING)
    })
}

/// The unrollings of the fewest steps that a beam of `most` over the places finds.
pub(super) fn fewest_steps(problem: &Problem, most: usize) -> Vec<Sketch> {
    let steps = problem.sizes[..problem.n_dims].iter().map(|&size| size as f64).product();
    let mut beam = vec![Partial { factors: Vec::new(), width: [1; MAX_DIMS], steps }];
    let mut extensions = Vec::new();
    for place in 0..problem.places().len() {
        extensions.clear();
        for (parent, partial) in beam.iter().enumerate() {
            partial.extend(problem, place, parent, &mut extensions);
        }
        // Two loops may be listed in both orders, so twice as many are enough.
        let order = |a: &Extension, b: &Extension| a.steps.total_cmp(&b.steps).then(a.cmp_loops(b));
        if extensions.len() > 2 * most {
            extensions.select_nth_unstable_by(2 * most, order);
            extensions.truncate(2 * most);
        }
        extensions.sort_unstable_by(order);
        extensions.dedup_by(|a, b| a.cmp_loops(b).is_eq());
        extensions.truncate(most);
        beam = extensions.iter().map(|extension| beam[extension.parent].with(extension, place)).collect();
    }
    // The one that uses no array is always there.
    beam.push(Partial { factors: Vec::new(), width: [1; MAX_DIMS], steps });
    let list = beam.iter().filter_map(|partial| {
        let mut factors = vec![1; problem.places().len() * problem.n_dims];
        for &(place, (dim, factor)) in &partial.factors {
            factors[place * problem.n_dims + dim] = factor as u32;
        }
        narrow(problem, &mut factors);
        Sketch::new(problem, &factors)
    });
    distinct(problem, list.collect())
}

/// Makes every factor as small as the steps allow.
fn narrow(problem: &Problem, factors: &mut [u32]) {
    for dim in 0..problem.n_dims {
        let size = problem.sizes[dim];
        let own = (dim..factors.len()).step_by(problem.n_dims);
        let mut width: u64 = own.clone().map(|index| u64::from(factors[index])).product();
        let steps = size.div_ceil(width);
        for index in own {
            let others = width / u64::from(factors[index]);
            let factor = size.div_ceil(steps).div_ceil(others);
            factors[index] = factor as u32;
            width = others * factor;
        }
    }
}

/// Factors of the first places.
struct Partial {
    /// Place, dimension and factor, where that is not 1.
    factors: Vec<(usize, (usize, u64))>,
    width: [u64; MAX_DIMS],
    /// Steps in time that are left.
    steps: f64,
}

/// What one place adds.
struct Extension {
    parent: usize,
    steps: f64,
    /// Dimensions and factors in the order of dimensions; a factor of 1 is none.
    loops: [(usize, u64); 2],
}

impl Extension {
    fn cmp_loops(&self, other: &Self) -> std::cmp::Ordering {
        (self.parent, self.loops).cmp(&(other.parent, other.loops))
    }
}

impl Partial {
    /// This with one dimension at `place`, or two, or none.
    fn extend(&self, problem: &Problem, place: usize, parent: usize, next: &mut Vec<Extension>) {
        let position = problem.positions[problem.n_levels + place];
        let none = Extension { parent, steps: self.steps, loops: [(0, 1); 2] };
        for first in position.dims.iter() {
            for width in self.widths(problem, first, position.limit) {
                let steps = self.steps_with(problem, self.steps, first, width);
                next.push(Extension { steps, loops: [(first, width), (first, 1)], ..none });
                let room = position.limit / width;
                for second in position.dims.without(first).iter().filter(|_| room > 1) {
                    if let Some(other) = self.widths(problem, second, room).next() {
                        let mut loops = [(first, width), (second, other)];
                        loops.sort_unstable();
                        let steps = self.steps_with(problem, steps, second, other);
                        next.push(Extension { steps, loops, ..none });
                    }
                }
            }
        }
        next.push(none);
    }

    /// What is left of `total` steps if another `factor` instances take points of `dim`.
    fn steps_with(&self, problem: &Problem, total: f64, dim: usize, factor: u64) -> f64 {
        let steps = |width: u64| problem.sizes[dim].div_ceil(width) as f64;
        total / steps(self.width[dim]) * steps(self.width[dim] * factor)
    }

    fn with(&self, extension: &Extension, place: usize) -> Self {
        let mut partial = Self { factors: self.factors.clone(), steps: extension.steps, ..*self };
        for (dim, factor) in extension.loops.into_iter().filter(|&(_, factor)| factor > 1) {
            partial.factors.push((place, (dim, factor)));
            partial.width[dim] *= factor;
        }
        partial
    }

    /// Factors of `dim` worth trying where `limit` instances are free: as many as the fewest steps need, and those that
    /// divide what is left; the largest first.
    fn widths(&self, problem: &Problem, dim: usize, limit: u64) -> impl Iterator<Item = u64> + use<> {
        let left = problem.sizes[dim].div_ceil(self.width[dim]);
        let fewest = left.div_ceil(left.div_ceil(limit.max(1)));
        let dividing =
            (2..=limit.min(left)).rev().filter(move |&width| width != fewest && left.is_multiple_of(width));
        std::iter::once(fewest).filter(|&width| width > 1).chain(dividing)
    }
}

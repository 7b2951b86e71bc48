//! All unrollings that can differ in cost, dimension by dimension.

use super::problem::Problem;
use super::unrolling::{self, Sketch};
use crate::loop_nest::MAX_LEVELS;

/// Rows that are looked at for the work of a set of factors. Ours: a row that there is no room for takes nanoseconds.
const CHECKS: u64 = 50;

/// Unrollings, and what was left out of them.
pub(super) struct Listing {
    pub(super) sketches: Vec<Sketch>,
    /// Sets of factors that were tried.
    pub(super) n_tried: u64,
    /// No unrolling that was left out takes fewer iterations; `None` if none was.
    pub(super) least_left_out: Option<f64>,
}

/// Factors of one dimension, none of them larger than the steps need.
#[derive(Default)]
struct Rows {
    /// Shape `[rows][places]`, flat.
    factors: Vec<u32>,
    /// By row.
    steps: Vec<u64>,
}

impl Rows {
    /// Those of `dim`; `None` once `left` are used up.
    fn new(problem: &Problem, dim: usize, left: &mut u64) -> Option<Self> {
        let (size, n_places) = (problem.sizes[dim], problem.places().len());
        let (mut factors, mut widths) = (vec![1; n_places], vec![1u64]);
        for (index, place) in problem.places().enumerate() {
            let position = problem.positions[place];
            // What is added wants no more of this place.
            for row in (0..widths.len()).filter(|_| position.dims.contains(dim)) {
                // Of the factors that leave as many steps the smallest each.
                let needed = size.div_ceil(widths[row]);
                let mut steps = needed;
                while steps > 1 {
                    let factor = needed.div_ceil(steps - 1);
                    if factor > position.limit {
                        break;
                    }
                    steps = needed.div_ceil(factor);
                    *left = left.checked_sub(1)?;
                    factors.extend_from_within(row * n_places..(row + 1) * n_places);
                    factors[widths.len() * n_places + index] = factor as u32;
                    widths.push(widths[row] * factor);
                }
            }
        }
        let mut rows = Self::default();
        for (own, &width) in factors.chunks_exact(n_places.max(1)).zip(&widths) {
            let steps = size.div_ceil(width);
            let is_spare = |&factor: &u32| {
                factor > 1 && size.div_ceil(width / u64::from(factor) * u64::from(factor - 1)) == steps
            };
            let has_home = problem.homes[dim].is_some() || steps == 1;
            if has_home && !own.iter().any(is_spare) {
                rows.factors.extend_from_slice(own);
                rows.steps.push(steps);
            }
        }
        if n_places == 0 && (problem.homes[dim].is_some() || size == 1) {
            rows.steps.push(size);
        }
        Some(rows)
    }
}

/// The unrollings of fewer than `enough` iterations, or `None` if more than `most` sets of factors are to be tried.
///
/// How the factors of a level are divided over x and y matters where hops are priced or neighbours hand words on;
/// elsewhere one division stands for all.
pub(super) fn all(problem: &Problem, enough: f64, most: u64) -> Option<Listing> {
    let mut left = most;
    let rows: Option<Vec<Rows>> = (0..problem.n_dims).map(|dim| Rows::new(problem, dim, &mut left)).collect();
    let rows = rows?;
    // What the dimensions from each on take at least.
    let mut least = vec![1.0; problem.n_dims + 1];
    for dim in (0..problem.n_dims).rev() {
        let fewest = rows[dim].steps.iter().map(|&steps| steps as f64).reduce(f64::min);
        least[dim] = least[dim + 1] * fewest.unwrap_or(f64::INFINITY);
    }
    let mut fill = Fill {
        rows: &rows,
        least: &least,
        enough,
        room: std::array::from_fn(|index| {
            problem.positions.get(problem.n_levels + index).map_or(1, |position| position.limit)
        }),
        n_places: problem.places().len(),
        factors: vec![1; problem.places().len() * problem.n_dims],
        left,
        list: Vec::new(),
        least_left_out: None,
    };
    fill.extend(0, 1)?;
    let Fill { mut list, left, least_left_out, .. } = fill;
    list.sort_unstable();
    Some(Listing { sketches: unrolling::distinct(problem, list), n_tried: most - left, least_left_out })
}

/// Rows of the first dimensions, put together.
struct Fill<'a> {
    /// By dimension.
    rows: &'a [Rows],
    least: &'a [f64],
    enough: f64,
    /// By place: instances that are free.
    room: [u64; 2 * MAX_LEVELS],
    n_places: usize,
    /// Shape `[places][dimensions]`, flat.
    factors: Vec<u32>,
    left: u64,
    list: Vec<Sketch>,
    least_left_out: Option<f64>,
}

impl Fill<'_> {
    /// Adds every row of `dim` that there is room for, and all dimensions that follow; `None` once nothing is left to try.
    fn extend(&mut self, dim: usize, iterations: u64) -> Option<()> {
        let Some(rows) = self.rows.get(dim) else {
            self.list.push(Sketch::of_valid(&self.factors, iterations));
            return Some(());
        };
        let (n_dims, n_places) = (self.rows.len(), self.n_places);
        self.left = self.left.checked_sub(rows.steps.len() as u64 / CHECKS)?;
        for (row, &steps) in rows.steps.iter().enumerate() {
            let iterations = iterations.saturating_mul(steps);
            let least = iterations as f64 * self.least[dim + 1];
            if least >= self.enough {
                self.least_left_out = Some(self.least_left_out.map_or(least, |known| known.min(least)));
                continue;
            }
            let own = &rows.factors[row * n_places..(row + 1) * n_places];
            if own.iter().zip(&self.room).any(|(&factor, &room)| room < u64::from(factor)) {
                continue;
            }
            self.left = self.left.checked_sub(1)?;
            let before = self.room;
            for (place, &factor) in own.iter().enumerate() {
                self.room[place] /= u64::from(factor);
                self.factors[place * n_dims + dim] = factor;
            }
            self.extend(dim + 1, iterations)?;
            self.room = before;
        }
        for place in 0..n_places {
            self.factors[place * n_dims + dim] = 1;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::constraints::MappingConstraints;
    use super::*;
    use crate::architectures::architecture;
    use crate::loop_nest::Quirks;
    use crate::networks::{Layer, MatMul, Op, SecondOperand};

    fn product(m: u64, n: u64, k: u64) -> Layer {
        let product = MatMul { batch: 1, m, n, k, second: SecondOperand::Weight };
        Layer::new("product", Op::MatMul(product)).unwrap()
    }

    /// Every set of factors that fits and is no larger than the steps need.
    fn one_by_one(problem: &Problem) -> Vec<Sketch> {
        let n_dims = problem.n_dims;
        let mut sets: Vec<Vec<u32>> = vec![Vec::new()];
        for place in problem.places() {
            let position = problem.positions[place];
            for dim in 0..n_dims {
                let most =
                    if position.dims.contains(dim) { position.limit.min(problem.sizes[dim]) } else { 1 };
                let extended = sets.iter().flat_map(|set| {
                    (1..=most as u32).map(move |factor| set.iter().copied().chain([factor]).collect())
                });
                sets = extended.collect();
            }
            let own = sets[0].len() - n_dims;
            sets.retain(|set: &Vec<u32>| {
                set[own..].iter().map(|&factor| u64::from(factor)).product::<u64>() <= position.limit
            });
        }
        let mut sketches: Vec<Sketch> = sets.iter().filter_map(|set| Sketch::new(problem, set)).collect();
        sketches.sort();
        unrolling::distinct(problem, sketches)
    }

    // Claim: the list is what a look at every set of factors gives, and nothing that is left out takes fewer iterations than is said.
    #[test]
    fn all_unrollings_are_listed_and_those_left_out_are_bounded() {
        let machine = architecture("edge-like").unwrap();
        let layer = product(6, 5, 4);
        let free = MappingConstraints::free(&machine, layer.einsum());
        let problem = Problem::new(&machine, layer.einsum(), Quirks::default(), &free).unwrap();
        let expected = one_by_one(&problem);
        assert!(expected.len() > 50, "{}", expected.len());
        for enough in [f64::INFINITY, 30.0, 8.0, 1.0] {
            let listing = all(&problem, enough, 1 << 20).unwrap();
            let (listed, left): (Vec<_>, Vec<_>) =
                expected.iter().cloned().partition(|sketch| (sketch.iterations as f64) < enough);
            assert_eq!(listing.sketches, listed, "{enough}");
            let least = left.iter().map(|sketch| sketch.iterations as f64).reduce(f64::min);
            assert_eq!(listing.least_left_out.is_none(), least.is_none(), "{enough}");
            if let Some((stated, least)) = listing.least_left_out.zip(least) {
                assert!((enough..=least).contains(&stated), "{enough}: {stated}, {least}");
            }
        }
    }

    // Claim: ways to run a large product over a large array are listed for the work of those that fit; rows that there is no room for
    // are half a million, which would be more than is allowed here.
    #[test]
    fn rows_without_room_cost_little() {
        let machine = architecture("edge-like").unwrap();
        let layer = product(512, 3072, 768);
        let free = MappingConstraints::free(&machine, layer.einsum());
        let problem = Problem::new(&machine, layer.einsum(), Quirks::default(), &free).unwrap();
        assert!(all(&problem, f64::INFINITY, 100_000).is_some());
    }
}

//! Words of tiles that overlap, as those of the inputs of a convolution: at least how many of them are fetched.
//!
//! Let `V` be the words of the tile and `n` loops of a few dimensions the innermost that move it. While they run through
//! once, at least all the words that they touch are fetched, less those that the tile before them left:
//!
//! ```text
//! F >= T / n (union_n - overlap) + overlap        overlap <= V
//! ```
//!
//! `T` are all trips that move the tile. If the loops move a rank that no other dimension moves, the tile that they begin
//! with is no nearer to the one before than one step, which limits the overlap.

use super::constraints::DimSet;
use super::problem::{Problem, Shape, gcd, length};
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS};

/// A tile of a level, and by dimension the trips outside of it; by level and dimension the instances below one of the level that take
/// different points, over which a step leads.
pub(super) struct Window<'a> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) shape: &'a Shape,
    pub(super) tile: [f64; MAX_DIMS],
    pub(super) trips: [u64; MAX_DIMS],
    pub(super) widths: &'a [[f64; MAX_DIMS]; MAX_LEVELS],
    /// The level of the tile.
    pub(super) level: usize,
}

/// Words of a tile. In any order of loops, `F >= base + linear U / run`.
#[derive(Clone, Copy)]
pub(super) struct Overlap {
    pub(super) linear: f64,
    pub(super) base: f64,
    pub(super) words: f64,
}

/// The loops outside of a tile.
pub(super) struct Steps {
    /// Trips outside of the loops right above the tile, by dimension.
    pub(super) outside: [u64; MAX_DIMS],
    /// All trips that move the tile.
    pub(super) trips: f64,
    /// Another tensor that the innermost loops leave where it is.
    pub(super) still: Option<usize>,
}

impl Window<'_> {
    /// How far the least step of a dimension moves a rank in which it has `coefficient`; every step is a multiple of that.
    fn step(&self, dim: usize, coefficient: f64) -> f64 {
        coefficient * self.tile[dim] * self.widths[self.level + 1][dim]
    }

    /// Whether all steps of the innermost loop over `dim` are the least: no instances further out lie in between.
    fn has_least_steps(&self, dim: usize) -> bool {
        (self.level + 2..self.problem.n_levels).all(|level| self.widths[level][dim] == 1.0)
    }

    /// Whether some rank that `dim` moves has holes in a tile.
    fn has_holes(&self, dim: usize) -> bool {
        let moved = self.shape.ranks.iter().filter(|rank| rank.iter().any(|&(other, _)| other == dim));
        moved.into_iter().any(|rank| self.shape.points(rank, &self.tile) < length(rank, &self.tile))
    }

    /// What holds in any order of loops.
    pub(super) fn overlap(&self) -> Overlap {
        let words = self.shape.words(&self.tile);
        let fresh = words * self.least_fresh();
        let moves: f64 = self.shape.uses.iter().map(|dim| self.trips[dim] as f64).product();
        Overlap { linear: moves * fresh, base: words - fresh, words }
    }

    /// Words fetched at least, the order of the loops right outside of the tile being known in part; `words` are those of
    /// the tile.
    pub(super) fn fetched(&self, words: f64, steps: &Steps) -> f64 {
        let moving: DimSet =
            self.shape.uses.iter().filter(|&dim| self.trips[dim] > steps.outside[dim]).collect();
        let stays =
            |dim: &usize| steps.still.is_some_and(|still| !self.problem.shapes[still].uses.contains(*dim));
        let inner: DimSet = moving.iter().filter(stays).collect();
        if self.problem.quirks.reset_on_turn {
            let first = if inner.is_empty() { moving } else { inner };
            return first
                .iter()
                .map(|dim| self.fetched_one_way(words, steps, dim))
                .reduce(f64::min)
                .unwrap_or(words);
        }
        if !inner.is_empty() {
            return self.fetched_by(words, steps, inner);
        }
        let each = moving.iter().map(|dim| self.fetched_by(words, steps, DimSet::EMPTY.with(dim)));
        each.reduce(f64::min).unwrap_or(words)
    }

    /// The same if loops over `inner` are the innermost that move the tile.
    fn fetched_by(&self, words: f64, steps: &Steps, inner: DimSet) -> f64 {
        let mut overlap = words;
        for rank in &self.shape.ranks {
            let moving = || rank.iter().filter(|&&(dim, _)| self.trips[dim] > 1);
            let mut runs = moving().filter(|&&(dim, _)| inner.contains(dim));
            let (Some(&(dim, coefficient)), None) = (runs.next(), runs.next()) else { continue };
            let (length, points) = (length(rank, &self.tile), self.shape.points(rank, &self.tile));
            if points < length
                || moving().count() > 2
                || !rank.iter().all(|&(dim, _)| self.shape.is_in_one_rank(dim))
            {
                continue;
            }
            // From where a run ends to where the next one begins, whatever else of the rank moves in between.
            let step = self.step(dim, coefficient);
            let factor = (self.trips[dim] / steps.outside[dim]) as f64;
            let other = moving().find(|&&(other, _)| other != dim).map(|&(dim, c)| self.step(dim, c));
            let outer = (steps.outside[dim] > 1).then_some(factor * step);
            let back = least_distance((factor - 1.0) * step, [other, outer]);
            overlap *= (1.0 - back / length).max(0.0);
        }
        let (mut runs, mut tile) = (steps.trips, self.tile);
        for dim in inner.iter() {
            let factor = (self.trips[dim] / steps.outside[dim]) as f64;
            runs /= factor;
            // Tiles with holes that are instances apart may lie within each other: more than one of them is not sure.
            if self.widths[self.level + 1][dim] == 1.0 || !self.has_holes(dim) {
                tile[dim] *= factor;
            }
        }
        runs * (self.shape.words(&tile) - overlap).max(0.0) + overlap
    }

    /// The same where words are kept only while the tile goes on by the steps of the innermost loop that moves it, over `dim`
    /// ([`Quirks::reset_on_turn`](crate::loop_nest::Quirks::reset_on_turn)). A run begins with the whole tile, unless the step to it is taken
    /// for one of those: from the run before over two iterations of the same loop, or where another dimension moves the rank too.
    fn fetched_one_way(&self, words: f64, steps: &Steps, dim: usize) -> f64 {
        let ranks = || self.shape.ranks.iter().filter(|rank| rank.iter().any(|&(other, _)| other == dim));
        let share = ranks()
            .flat_map(|rank| rank.iter().filter(|term| term.0 == dim).map(|&term| self.share(rank, term)))
            .fold(1.0, f64::min);
        let factor = (self.trips[dim] / steps.outside[dim]) as f64;
        let runs = steps.trips / factor;
        let first = match ranks().all(|rank| self.is_alone(rank)) {
            true if factor == 2.0 && steps.outside[dim] > 1 => share,
            true => 1.0,
            false => 0.0,
        };
        words * (1.0 + (runs - 1.0) * first + (steps.trips - runs) * share)
    }

    /// Whether one dimension alone moves `rank`, and no other rank with it.
    fn is_alone(&self, rank: &[(usize, f64)]) -> bool {
        rank.iter().filter(|&&(dim, _)| self.trips[dim] > 1).count() == 1
            && rank.iter().all(|&(dim, _)| self.shape.is_in_one_rank(dim))
    }

    /// The share of new words in a step of a loop over `dim`, which has `coefficient` in `rank`, at least.
    fn share(&self, rank: &[(usize, f64)], (dim, coefficient): (usize, f64)) -> f64 {
        let (length, points) = (length(rank, &self.tile), self.shape.points(rank, &self.tile));
        let step = self.step(dim, coefficient);
        match (points < length, self.has_least_steps(dim)) {
            (false, _) => (step / length).min(1.0),
            (true, true) => self.share_after(rank, step),
            (true, false) => self.least_share(rank, step),
        }
    }

    /// The share of new words in a tile with holes that `rank` moved by `distance`: it is not displaced onto itself, so that one point is
    /// new.
    fn share_after(&self, rank: &[(usize, f64)], distance: f64) -> f64 {
        let points = self.shape.points(rank, &self.tile);
        (1.0 - met_again(rank, &self.tile, distance) / points).max(1.0 / points)
    }

    /// The same after any number of steps: more of them may bring less than one.
    fn least_share(&self, rank: &[(usize, f64)], step: f64) -> f64 {
        let most = (length(rank, &self.tile) / step) as u64;
        (1..=most).map(|n| self.share_after(rank, n as f64 * step)).fold(1.0, f64::min)
    }

    /// Share of new words in a step, on average and at least, whichever loop is the innermost that moves the tile.
    fn least_fresh(&self) -> f64 {
        self.shape.ranks.iter().map(|rank| self.least_fresh_by(rank)).fold(1.0, f64::min)
    }

    /// The same if that loop moves `rank`. It depends on tile and trips in the dimensions of `rank` alone.
    pub(super) fn least_fresh_by(&self, rank: &[(usize, f64)]) -> f64 {
        let (length, points) = (length(rank, &self.tile), self.shape.points(rank, &self.tile));
        let is_alone = self.is_alone(rank);
        let least_of = |&(dim, coefficient): &(usize, f64)| {
            let share = self.share(rank, (dim, coefficient));
            let step = self.step(dim, coefficient);
            // Where another dimension moves the rank too, the first step of each run may bring less; so it may if it leads back.
            let first = match (self.problem.quirks.reset_on_turn, is_alone) {
                (true, true) => share,
                (true, false) => 0.0,
                (false, true) if points < length => self.least_share(rank, step),
                (false, true) => share,
                (false, false) => self.least_first(rank, (dim, step), length, points),
            };
            let per_run = 1.0 / least_prime(self.trips[dim]) as f64;
            share + (first.min(share) - share) * per_run
        };
        rank.iter().filter(|&&(dim, _)| self.trips[dim] > 1).map(least_of).fold(1.0, f64::min)
    }

    /// The share of new words in the first step of a run over `dim`, whose steps are of `step`, at least: the run before went as far as
    /// it can, and other dimensions of the rank moved.
    fn least_first(&self, rank: &[(usize, f64)], (dim, step): (usize, f64), length: f64, points: f64) -> f64 {
        let trips = self.trips[dim];
        let mut others = rank.iter().filter(|&&(other, _)| other != dim && self.trips[other] > 1);
        let (Some(&(other, coefficient)), None) = (others.next(), others.next()) else { return 0.0 };
        let apart = rank.iter().all(|&(dim, _)| self.shape.is_in_one_rank(dim));
        // What can be divided may run in parts, of any length.
        if points < length || !apart || least_prime(trips) != trips {
            return 0.0;
        }
        let back = least_distance((trips - 1) as f64 * step, [Some(self.step(other, coefficient)), None]);
        (back / length).min(1.0)
    }
}

/// How near `distance` can come to 0 by multiples of `steps`.
fn least_distance(distance: f64, steps: [Option<f64>; 2]) -> f64 {
    let step = match steps {
        [None, None] => return distance,
        [Some(step), None] | [None, Some(step)] => step,
        [Some(one), Some(other)] => gcd(one as u64, other as u64) as f64,
    };
    let rest = distance % step;
    rest.min(step - rest)
}

/// Points of `rank` that a tile has in common with the same tile displaced by `step`, at most: all pairs of points that are as far apart.
///
/// Two points `a` and `b` apart in two dimensions of coefficients `c` and `d` are `c a + d b` apart in the rank, and there are as
/// many of them as the tile is wider than that in both.
fn met_again(rank: &[(usize, f64)], tile: &[f64; MAX_DIMS], step: f64) -> f64 {
    let &[(one, c), (other, d)] = rank else { return f64::INFINITY };
    // Along the shorter of the two.
    let ((width, c), (short, d)) = match tile[one] < tile[other] {
        true => ((tile[other], d), (tile[one], c)),
        false => ((tile[one], c), (tile[other], d)),
    };
    let reach = short as i64 - 1;
    let pairs = (-reach..=reach).map(|b| {
        let a = (step - d * b as f64) / c;
        if a.fract() == 0.0 { (width - a.abs()).max(0.0) * (short - b.abs() as f64) } else { 0.0 }
    });
    pairs.sum()
}

fn least_prime(n: u64) -> u64 {
    (2..).take_while(|d| d * d <= n).find(|&d| n.is_multiple_of(d)).unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::RngExt;
    use tapeout_core::{Seed, Stream};

    use super::*;
    use crate::levels::plain_level;
    use crate::loop_nest::{
        AccessEnergy, Architecture, Einsum, Evaluator, Level, LevelMapping, Loop, Mac, Mapping, Quirks,
        Report, TensorSet, TensorSpec, Workspace,
    };
    use crate::mapper::MappingConstraints;

    /// Tiles of an input `c P + d R` on their way through two levels of loops and instances, while K leaves them where they are.
    #[derive(Debug)]
    struct Walk {
        /// `c` and `d`.
        coefficients: [u64; 2],
        /// Points of P and R in a tile.
        tile: [u64; 2],
        /// By level, iterations over P, R and K.
        bounds: [[u64; 3]; 2],
        /// By level, instances below those loops that take different points of P and R.
        instances: [[u64; 2]; 2],
        /// By level: dimension, iterations and points of a step, the outermost first.
        loops: [Vec<(usize, u64, u64)>; 2],
        /// Points of P, R and K altogether.
        sizes: [u64; 3],
    }

    impl Walk {
        fn draw(draw: &mut Stream) -> Self {
            let mut walk = Self {
                coefficients: [draw.random_range(1..4), draw.random_range(1..3)],
                tile: [draw.random_range(1..5), draw.random_range(1..4)],
                bounds: [[4, 4, 3], [3, 3, 3]].map(|ends| ends.map(|end| draw.random_range(1..end))),
                instances: [[3; 2]; 2].map(|ends| ends.map(|end| draw.random_range(1..end))),
                loops: [Vec::new(), Vec::new()],
                sizes: [1; 3],
            };
            walk.sizes[..2].copy_from_slice(&walk.tile);
            for level in 0..2 {
                let mut own = Vec::new();
                for dim in 0..3 {
                    walk.sizes[dim] *= if dim < 2 { walk.instances[level][dim] } else { 1 };
                    if walk.bounds[level][dim] > 1 {
                        own.push((dim, walk.bounds[level][dim], walk.sizes[dim]));
                    }
                    walk.sizes[dim] *= walk.bounds[level][dim];
                }
                if own.len() > 1 {
                    let (from, to) = (draw.random_range(0..own.len()), draw.random_range(0..own.len()));
                    own.swap(from, to);
                }
                walk.loops[level] = own;
            }
            walk
        }

        /// Words fetched in all, counted one by one: each step those that the tile before did not have.
        fn fetched(&self) -> f64 {
            let loops: Vec<_> = self.loops.iter().rev().flatten().collect();
            let total: u64 = loops.iter().map(|&&(_, bound, _)| bound).product();
            let (mut held, mut words) = (BTreeSet::new(), 0);
            for iteration in 0..total {
                let (mut rest, mut at) = (iteration, [0; 3]);
                for &&(dim, bound, points) in loops.iter().rev() {
                    at[dim] += rest % bound * points;
                    rest /= bound;
                }
                let pairs = (0..self.tile[0]).flat_map(|p| (0..self.tile[1]).map(move |r| (p, r)));
                let [c, d] = self.coefficients;
                let now: BTreeSet<u64> = pairs.map(|(p, r)| c * (at[0] + p) + d * (at[1] + r)).collect();
                words += now.difference(&held).count();
                held = now;
            }
            words as f64
        }

        /// Iterations over K, less those of the innermost loops.
        fn unused(&self) -> f64 {
            let innermost =
                self.loops.iter().flat_map(|loops| loops.iter().rev()).take_while(|&&(dim, ..)| dim == 2);
            let run: u64 = innermost.map(|&(_, bound, _)| bound).product();
            (self.bounds[0][2] * self.bounds[1][2] / run) as f64
        }

        /// Iterations over P and R.
        fn moves(&self) -> f64 {
            self.bounds.iter().map(|bounds| (bounds[0] * bounds[1]) as f64).product()
        }

        fn einsum(&self, sizes: [u64; 3]) -> Einsum {
            let [p, r, k] = sizes;
            let [c, d] = self.coefficients;
            let tensors = [
                TensorSpec::input("Weights", &[&[("R", 1)], &[("K", 1)]]),
                TensorSpec::input("Inputs", &[&[("P", c), ("R", d)]]),
                TensorSpec::output("Outputs", &[&[("P", 1)], &[("K", 1)]]),
            ];
            Einsum::new(&[("P", p), ("R", r), ("K", k)], &tensors).unwrap()
        }

        /// Words fetched in all, as the model counts them.
        fn counted(&self, architecture: &Architecture, quirks: Quirks) -> f64 {
            let tile = (0..2).map(|dim| Loop::new(dim, self.tile[dim])).collect();
            let mut levels =
                vec![LevelMapping { keep: TensorSet::all(3), temporal: tile, ..Default::default() }];
            for (loops, instances) in self.loops.iter().zip(&self.instances) {
                let temporal = loops.iter().map(|&(dim, bound, _)| Loop::new(dim, bound)).collect();
                let spatial_x = (0..2).map(|dim| Loop::new(dim, instances[dim])).collect();
                levels.push(LevelMapping { temporal, spatial_x, ..Default::default() });
            }
            levels[2].keep = TensorSet::all(3);
            let mut report = Report::new();
            Evaluator::new(architecture, &self.einsum(self.sizes), quirks)
                .unwrap()
                .evaluate(&Mapping { levels }, &mut Workspace::new(), &mut report)
                .unwrap();
            report.tensor(0, 1).fills as f64
        }

        /// Fails if the model counts other words than are fetched, or some bound is above them.
        fn check(&self, architecture: &Architecture) {
            let quirks = Quirks::default();
            assert_eq!(self.counted(architecture, quirks), self.fetched(), "{self:?}");
            self.check_bounds(architecture, quirks);
            self.check_bounds(architecture, Quirks { reset_on_turn: true, ..quirks });
        }

        fn check_bounds(&self, architecture: &Architecture, quirks: Quirks) {
            // A dimension of one point would have no number.
            let einsum = self.einsum(self.sizes.map(|size| size.max(2)));
            let constraints = MappingConstraints::free(architecture, &einsum);
            let problem = Problem::new(architecture, &einsum, quirks, &constraints).unwrap();
            let (mut tile, mut trips, mut outside) = ([1.0; MAX_DIMS], [1; MAX_DIMS], [1; MAX_DIMS]);
            let mut widths = [[1.0; MAX_DIMS]; MAX_LEVELS];
            for dim in 0..problem.n_dims {
                let name = problem.name(dim);
                trips[dim] = self.bounds[0][name] * self.bounds[1][name];
                outside[dim] = self.bounds[1][name];
                if name < 2 {
                    tile[dim] = self.tile[name] as f64;
                    (0..2).for_each(|level| widths[level + 1][dim] = self.instances[level][name] as f64);
                }
            }
            let shape = &problem.shapes[1];
            let window = Window { problem: &problem, shape, tile, trips, widths: &widths, level: 0 };
            let Overlap { linear, base, words } = window.overlap();
            let in_any_order = base + linear * self.unused();
            let steps = Steps { outside, trips: self.unused() * self.moves(), still: None };
            let counted = self.counted(architecture, quirks);
            for bound in [in_any_order, window.fetched(words, &steps)] {
                assert!(bound <= counted + 1e-9, "{bound} words at least, {counted} are fetched: {self:?}");
            }
        }
    }

    #[test]
    fn no_order_of_loops_fetches_fewer_words_of_a_window_than_the_bounds_say() {
        let mac = Mac { instances: 16, mesh_x: 16, word_bits: 8, energy_j: 0.0, area_m2: None };
        let level = |(name, instances)| Level {
            instances,
            mesh_x: instances,
            ..plain_level(name, 8, AccessEnergy::default())
        };
        let levels = [("inner", 16), ("middle", 4), ("outer", 1)].map(level).to_vec();
        let architecture = Architecture::new(mac, levels).unwrap();
        let mut draw = Seed::new(7).stream("windows");
        (0..4000).for_each(|_| Walk::draw(&mut draw).check(&architecture));
    }
}

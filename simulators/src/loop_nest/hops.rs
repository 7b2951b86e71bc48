//! Hops of words to the instances that share them, without going through the instances one by one.
//!
//! Where loops fill rows of the mesh, an instance is a *digit* for each loop, which moves it along x or along y. What a
//! set needs fixes the digits of some loops and leaves the others free: those in x give its columns, those in y how far a
//! column goes. If one index is the sum of a loop in x and one in y, as rows of inputs are that meet rows of filters, its
//! sets are chains `(i, j), (i + s, j - t), ..`, as in [`super::spatial`].

use super::projection::{Shift, gcd};
use super::report::Delivered;
use super::spatial::{Array, up_and_down};

/// Most digits; instances of more loops are listed. Ours: each at least doubles the instances below one level.
const MOST_DIGITS: usize = 12;

/// A loop over instances, or a part of one.
#[derive(Debug, Clone, Copy, Default)]
struct Digit {
    dim: usize,
    bound: u64,
    /// Points of the dimension between two values.
    points: u64,
    /// How far a step moves along x, and along y; one of the two is 0.
    column: u64,
    row: u64,
}

/// The digits of an array.
struct Digits {
    list: [Digit; MOST_DIGITS],
    len: usize,
}

impl Digits {
    /// `None` if rows of the mesh end within a loop that they do not divide.
    fn new(array: &Array) -> Option<Self> {
        let (mesh_x, _) = array.mesh;
        let mut digits = Self { list: [Digit::default(); MOST_DIGITS], len: 0 };
        let mut inside = 1;
        for item in array.loops {
            let digit = Digit { dim: item.dim, bound: item.bound, points: item.stride, column: 0, row: 0 };
            if inside >= mesh_x {
                digits.push(Digit { row: inside / mesh_x, ..digit })?;
            } else if inside * item.bound <= mesh_x {
                digits.push(Digit { column: inside, ..digit })?;
            } else {
                let in_row = mesh_x / inside;
                if !mesh_x.is_multiple_of(inside) || !item.bound.is_multiple_of(in_row) {
                    return None;
                }
                digits.push(Digit { column: inside, bound: in_row, ..digit })?;
                let (bound, points) = (item.bound / in_row, item.stride * in_row);
                digits.push(Digit { row: 1, bound, points, ..digit })?;
            }
            inside *= item.bound;
        }
        Some(digits)
    }

    fn push(&mut self, digit: Digit) -> Option<()> {
        *self.list.get_mut(self.len)? = digit;
        self.len += 1;
        Some(())
    }

    fn iter(&self) -> impl Iterator<Item = &Digit> {
        self.list[..self.len].iter()
    }
}

/// Where the sets of one tensor are.
#[derive(Default)]
struct Sets {
    /// Instances of a set, but for those of a chain.
    multicast: u64,
    /// Columns of a set, and the distance from its first to its last; rows likewise.
    n_columns: u64,
    columns: u64,
    rows: u64,
    /// Digits in x that tell sets apart: how many values they have, and their mean.
    n_starts: u64,
    mean_start: f64,
    /// Two digits whose index is a sum, with what a step of each adds to it.
    chain: Option<[(Digit, u64); 2]>,
}

impl Array<'_> {
    /// Sizes and numbers of the sets that share a read, with hops and with `words` 0, in rising order of sizes, if they have
    /// a closed form.
    pub(super) fn sets_with_hops(&self, sets: &mut Vec<Delivered>) -> bool {
        let Some(digits) = Digits::new(self) else { return false };
        let Some(found) = self.place(&digits) else { return false };
        let (_, mesh_y) = self.mesh;
        // The first row of a set is the sum of the digits in y that tell sets apart.
        let in_chain = |digit: &Digit| {
            let own = |(other, _): &(Digit, u64)| other.dim == digit.dim;
            found.chain.as_ref().is_some_and(|chain| chain.iter().any(own))
        };
        let starts =
            || digits.iter().filter(|it| it.row > 0 && self.projection.uses(it.dim) && !in_chain(it));
        let n_rows: u64 = starts().map(|digit| digit.bound).product();
        let row = |index: u64| {
            let mut rest = index;
            starts().fold(0, |row, digit| {
                let value = rest % digit.bound;
                rest /= digit.bound;
                row + value * digit.row
            })
        };
        let vertical = |first: u64, last: u64| -> f64 {
            let of = |index| up_and_down(mesh_y, row(index) + first, row(index) + last + found.rows);
            found.n_columns as f64 * (0..n_rows).map(of).sum::<f64>()
        };
        sets.clear();
        let Some([one, other]) = &found.chain else {
            let hops = found.mean_start + found.columns as f64 + vertical(0, 0) / n_rows as f64;
            let (multicast, scatter) = (found.multicast, found.n_starts * n_rows);
            sets.push(Delivered { multicast, scatter, words: 0, average_words: 0.0, hops });
            return true;
        };
        let each = found.mean_start + found.columns as f64;
        chains(one, other, |length, farthest, rows| {
            let up_and_down: f64 = match one.0.column + other.0.column {
                // Within one column.
                0 => vertical(rows[0].min(rows[1]), rows[0].max(rows[1])),
                _ => {
                    let step = (rows[1] as i64 - rows[0] as i64) / (length.max(2) - 1) as i64;
                    let at = |index: u64| (rows[0] as i64 + step * index as i64) as u64;
                    (0..length).map(|index| vertical(at(index), at(index))).sum()
                }
            };
            let hops = n_rows as f64 * (each + farthest as f64) + up_and_down;
            let multicast = found.multicast * length;
            match sets.iter_mut().find(|known| known.multicast == multicast) {
                Some(known) => {
                    known.scatter += n_rows;
                    known.hops += hops;
                }
                None => {
                    let scatter = n_rows;
                    sets.push(Delivered { multicast, scatter, words: 0, average_words: 0.0, hops });
                }
            }
        });
        for set in sets.iter_mut() {
            set.hops /= set.scatter as f64;
            set.scatter *= found.n_starts;
        }
        sets.sort_unstable_by_key(|set| set.multicast);
        true
    }

    /// Sorts the digits by what they do to a set; `None` if they do more than is counted here.
    fn place(&self, digits: &Digits) -> Option<Sets> {
        let mut found = Sets { multicast: 1, n_columns: 1, n_starts: 1, ..Sets::default() };
        for (index, digit) in digits.iter().enumerate() {
            if !self.projection.uses(digit.dim) {
                found.multicast *= digit.bound;
                found.n_columns *= if digit.column > 0 { digit.bound } else { 1 };
                found.columns += digit.column * (digit.bound - 1);
                found.rows += digit.row * (digit.bound - 1);
                continue;
            }
            let (rank, _) = self.projection.single(digit.dim)?;
            let others = digits.iter().enumerate().filter(|&(other, it)| {
                other != index && self.projection.single(it.dim).is_some_and(|single| single.0 == rank)
            });
            let mut others = others.map(|(_, it)| it);
            match (others.next(), others.next()) {
                (Some(other), None) if other.dim != digit.dim => {
                    let pair = [digit, other].map(|it| (*it, self.step_of(it)));
                    if found.chain.is_some_and(|known| known.iter().all(|(it, _)| it.dim != digit.dim)) {
                        return None;
                    }
                    found.chain = Some(pair);
                }
                // The digits of one dimension are those of one number.
                (Some(other), None) if other.dim == digit.dim => found.start(digit),
                (None, _) => found.start(digit),
                _ => return None,
            }
        }
        Some(found)
    }

    /// How far a step of `digit`, which moves one rank, moves it.
    fn step_of(&self, digit: &Digit) -> u64 {
        self.projection.single(digit.dim).map_or(0, |(_, coefficient)| coefficient as u64 * digit.points)
    }

    /// Whether some instance can stand as far ahead of a neighbour as `shift` goes.
    pub(super) fn has_neighbours_apart(&self, shift: &Shift) -> bool {
        let Some(digits) = Digits::new(self) else { return true };
        [false, true].into_iter().any(|in_y| {
            // Neighbours differ by a step of one digit, all inside of it starting again.
            let mut carry = Shift::default();
            digits.iter().filter(|digit| (digit.row > 0) == in_y).any(|digit| {
                let step = self.projection.shift(digit.dim, digit.points);
                let mut differs = [false; 2];
                for ((carry, step), shift) in carry.iter_mut().zip(step).zip(shift) {
                    differs[0] |= step - *carry != *shift;
                    differs[1] |= *carry - step != *shift;
                    *carry += step * (digit.bound - 1) as i64;
                }
                !(differs[0] && differs[1])
            })
        })
    }
}

impl Sets {
    /// Takes in a digit that tells sets apart.
    fn start(&mut self, digit: &Digit) {
        if digit.column > 0 {
            self.n_starts *= digit.bound;
            self.mean_start += (digit.column * (digit.bound - 1)) as f64 / 2.0;
        }
    }
}

/// Calls `give` with every chain of pairs of one index: its length, its farthest column, and the rows of its ends.
fn chains(one: &(Digit, u64), other: &(Digit, u64), mut give: impl FnMut(u64, u64, [u64; 2])) {
    let ((i, a), (j, b)) = (one, other);
    let divisor = gcd(*a, *b);
    let (step_i, step_j) = (b / divisor, a / divisor);
    let column = |at: (u64, u64)| at.0 * i.column + at.1 * j.column;
    let row = |at: (u64, u64)| at.0 * i.row + at.1 * j.row;
    for first_i in 0..i.bound {
        for first_j in (0..j.bound).filter(|first_j| first_i < step_i || first_j + step_j >= j.bound) {
            let steps = ((i.bound - 1 - first_i) / step_i).min(first_j / step_j);
            let (first, last) = ((first_i, first_j), (first_i + steps * step_i, first_j - steps * step_j));
            give(steps + 1, column(first).max(column(last)), [row(first), row(last)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::einsum::{Einsum, TensorSpec};
    use super::super::loops::FlatLoop;
    use super::super::projection::{Projection, Touched};
    use super::super::spatial::OffsetTable;
    use super::*;

    /// Inputs `[C][stride P + R]` over loops `(dimension, bound)` of K, C, P, R on a mesh.
    fn both(stride: u64, bounds: &[(usize, u64)], mesh: (u64, u64)) -> Option<[Vec<Delivered>; 2]> {
        let sizes = [("K", 64), ("C", 64), ("P", 64), ("R", 64)];
        let tensors = [TensorSpec::output("I", &[&[("C", 1)], &[("P", stride), ("R", 1)]])];
        let einsum = Einsum::new(&sizes, &tensors).unwrap();
        let projection = Projection::new(&einsum, 0, Touched::Box);
        let mut strides = [1; 4];
        let loops: Vec<FlatLoop> = bounds
            .iter()
            .map(|&(dim, bound)| {
                let item = FlatLoop { dim, bound, residual: bound, stride: strides[dim], level: 0 };
                strides[dim] *= bound;
                item
            })
            .collect();
        let fanout = bounds.iter().map(|&(_, bound)| bound).product();
        let array = Array { projection: &projection, loops: &loops, fanout, mesh };
        let (mut closed, mut listed) = (Vec::new(), Vec::new());
        array.list_sets(None, &mut OffsetTable::default(), &mut listed).unwrap();
        listed.sort_unstable_by_key(|set| set.multicast);
        array.sets_with_hops(&mut closed).then_some([closed, listed])
    }

    // 4 outputs along x, 3 taps along y, on a mesh of 4 by 3, whose middle row is 1. One input is at (0, 0): 0 along x, 1 up.
    // The next is at (1, 0) and (0, 1): 1 along x, 1 up and 0. The third is at (2, 0), (1, 1) and (0, 2): 2, then 1 + 0 + 1.
    // The fourth at (3, 0), (2, 1), (1, 2): 3 and 2. The others at (3, 1), (2, 2): 3 and 1; at (3, 2): 3 and 1.
    #[test]
    fn inputs_that_meet_on_a_diagonal_go_along_x_and_then_up_and_down() {
        let [closed, _] = both(1, &[(2, 4), (3, 3)], (4, 3)).unwrap();
        let found: Vec<_> = closed.iter().map(|set| (set.multicast, set.scatter, set.hops)).collect();
        assert_eq!(found, [(1, 2, (1.0 + 4.0) / 2.0), (2, 2, (2.0 + 4.0) / 2.0), (3, 2, (4.0 + 5.0) / 2.0)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn closed_form_and_listing_agree(
            stride in 1..4u64, order in Just(vec![0usize, 1, 2, 3, 1, 0]).prop_shuffle(),
            bounds in prop::collection::vec(1..4u64, 6), n_x in 0..5usize, spare in (0..3u64, 0..3u64)
        ) {
            let loops: Vec<(usize, u64)> =
                order.into_iter().zip(bounds).filter(|&(_, bound)| bound > 1).take(5).collect();
            let n_x = n_x.min(loops.len());
            let side = |loops: &[(usize, u64)]| loops.iter().map(|&(_, bound)| bound).product::<u64>();
            // Where columns are to spare, instances are numbered on as if the mesh was that wide.
            let mesh = (side(&loops[..n_x]) + spare.0, side(&loops[n_x..]) + spare.1);
            let Some([closed, listed]) = both(stride, &loops, mesh) else { return Ok(()) };
            prop_assert_eq!(closed.len(), listed.len());
            for (closed, listed) in closed.iter().zip(&listed) {
                prop_assert_eq!((closed.multicast, closed.scatter), (listed.multicast, listed.scatter));
                prop_assert!((closed.hops - listed.hops).abs() < 1e-9, "{} against {}", closed.hops, listed.hops);
            }
        }
    }
}

//! Which instances below a level need the same words, so that one read serves them all.
//!
//! Instances are numbered x first; one needs the parent's tile displaced by its offset in tensor space. Instances of
//! equal offset share a read. Source: Parashar et al. (2019), section VI-A, "multicast".

use super::loops::FlatLoop;
use super::projection::{Projection, Shift, gcd};
use super::report::{Delivered, Illegal};

/// The instances below one instance of a level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Array<'a> {
    pub(super) projection: &'a Projection,
    /// Spatial loops of the level, the innermost first.
    pub(super) loops: &'a [FlatLoop],
    /// Their product.
    pub(super) fanout: u64,
    /// Instances of the chip in x and y below one instance of the level.
    pub(super) mesh: (u64, u64),
}

/// What a delivery has to look at besides words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Whether neighbours may hand words to each other.
    pub(super) links: bool,
    /// Whether hops are wanted.
    pub(super) hops: bool,
}

/// Offsets of all instances; reused between evaluations.
#[derive(Debug, Clone, Default)]
pub(super) struct OffsetTable {
    /// By instance, its offset as one number; see [`Array::weights`].
    keys: Vec<i64>,
    /// Key and instance.
    order: Vec<(i64, u32)>,
    linked: Vec<bool>,
    set: Vec<u32>,
    columns: Columns,
}

/// By column of the mesh, the first and the last row of a set, [`NO_ROWS`] between uses.
pub(super) type Columns = Vec<(u32, u32)>;

const NO_ROWS: (u32, u32) = (u32::MAX, 0);

const TOO_FAR: Illegal = Illegal::Overflow { what: "offsets of instances" };

impl Array<'_> {
    /// Size and number of the sets that share a read, if they are plainly all of one size.
    #[inline]
    pub(super) fn even_sets(&self) -> Option<(u64, u64)> {
        let (mut multicast, mut scatter) = (1, 1);
        // Instances along a dimension that the tensor does not have need the same words; along one that moves only one rank,
        // by 1 a point, all need others.
        for item in self.loops {
            *if self.projection.uses(item.dim) { &mut scatter } else { &mut multicast } *= item.bound;
        }
        (scatter == 1 || self.projection.plain).then_some((multicast, scatter))
    }

    /// Whether what one instance holds can be what another needs later. Tiles of a plain tensor move past all of the
    /// array in each step, and those that the array does not tell apart are the same at any time.
    pub(super) fn may_share_over_time(&self) -> bool {
        !self.projection.plain && self.loops.iter().any(|item| self.projection.uses(item.dim))
    }

    /// Sizes and numbers of the sets that share a read, with `words` 0, if they have a closed form.
    ///
    /// Ranks that no dimension couples are independent, and the sets of a tensor are products of sets of its ranks.
    pub(super) fn sets(&self, sets: &mut Vec<Delivered>) -> bool {
        sets.clear();
        let mut multicast = 1;
        let mut relevant = false;
        for item in self.loops {
            if !self.projection.uses(item.dim) {
                multicast *= item.bound;
            } else if self.projection.is_diagonal(item.dim) {
                return false;
            } else {
                relevant = true;
            }
        }
        // One set so far, of all instances that nothing tells apart; each rank splits it further.
        sets.push(Delivered { multicast, scatter: 1, words: 0, average_words: 0.0, hops: 0.0 });
        !relevant || (0..self.projection.n_ranks).all(|rank| self.split_rank(rank, sets))
    }

    /// Multiplies `sets` by those of one rank.
    fn split_rank(&self, rank: usize, sets: &mut Vec<Delivered>) -> bool {
        let mut moving = [(0, 0); 2];
        let mut n_moving = 0;
        for &(dim, coefficient) in self.projection.terms(rank) {
            // Loops of one dimension in one block are contiguous: the innermost has their stride.
            let mut loops = self.loops.iter().filter(|item| item.dim == dim);
            let Some(innermost) = loops.next() else { continue };
            // Three dimensions in one index have no closed form here; the instances are listed.
            if n_moving == 2 {
                return false;
            }
            let count = loops.fold(innermost.bound, |count, item| count * item.bound);
            moving[n_moving] = (coefficient * innermost.stride, count);
            n_moving += 1;
        }
        match n_moving {
            0 => {}
            1 => sets.iter_mut().for_each(|set| set.scatter *= moving[0].1),
            _ => multiply(sets, moving[0], moving[1]),
        }
        true
    }

    /// Sets that share a read, with hops, among the instances that no neighbour serves when every tile moves by
    /// `shift`. Returns how many instances neighbours serve; [`Illegal::Overflow`] if offsets do not fit 64 bits.
    pub(super) fn list_sets(
        &self,
        shift: Option<&Shift>,
        table: &mut OffsetTable,
        sets: &mut Vec<Delivered>,
    ) -> Result<u64, Illegal> {
        sets.clear();
        let weights = self.weights().ok_or(TOO_FAR)?;
        self.fill_keys(&weights, table);
        let n_linked = shift.map_or(0, |shift| self.mark_linked(key(shift, &weights), table));
        let OffsetTable { keys, order, linked, set, columns } = table;
        // Sorted by offset, instances that need the same words stand side by side; by number among equals, as hops need it.
        order.clear();
        order.extend(
            (0..self.fanout as u32)
                .filter(|&element| !linked[element as usize])
                .map(|element| (keys[element as usize], element)),
        );
        order.sort_unstable();
        for alike in order.chunk_by(|a, b| a.0 == b.0) {
            set.clear();
            set.extend(alike.iter().map(|&(_, element)| element));
            let (multicast, hops) = (set.len() as u64, self.hops(set, columns));
            match sets.iter_mut().find(|known| known.multicast == multicast) {
                Some(known) => {
                    known.scatter += 1;
                    known.hops += hops;
                }
                None => sets.push(Delivered { multicast, scatter: 1, words: 0, average_words: 0.0, hops }),
            }
        }
        sets.iter_mut().for_each(|set| set.hops /= set.scatter as f64);
        Ok(n_linked)
    }

    /// What the components of an offset count in its key. Two instances are no further apart than the array reaches, in
    /// either direction, so that differences of offsets are equal if those of keys are. `None` if keys do not fit 64 bits.
    fn weights(&self) -> Option<Shift> {
        let (reach, mut weights) = (self.projection.reach(self.loops), Shift::default());
        let mut weight = 1i64;
        for (slot, reach) in weights.iter_mut().zip(reach) {
            *slot = weight;
            weight = weight.checked_mul(reach.checked_mul(2)?.checked_add(1)?)?;
        }
        Some(weights)
    }

    fn fill_keys(&self, weights: &Shift, table: &mut OffsetTable) {
        table.keys.clear();
        table.keys.push(0);
        for item in self.loops {
            let step = key(&self.projection.shift(item.dim, item.stride), weights);
            let inside = table.keys.len();
            for iteration in 1..item.bound as i64 {
                for element in 0..inside {
                    table.keys.push(table.keys[element] + iteration * step);
                }
            }
        }
        // No instance is served by a neighbour until `mark_linked` finds one.
        table.linked.clear();
        table.linked.resize(self.fanout as usize, false);
    }

    /// Marks the instances whose new words one of the four neighbours had before.
    fn mark_linked(&self, shift: i64, table: &mut OffsetTable) -> u64 {
        let (mesh_x, mesh_y) = self.mesh;
        let mut n_linked = 0;
        for element in 0..self.fanout {
            let (x, y) = (element % mesh_x, element / mesh_x);
            let neighbours = [
                (x > 0).then(|| element - 1),
                (x + 1 < mesh_x).then(|| element + 1),
                (y > 0).then(|| element.wrapping_sub(mesh_x)),
                (y + 1 < mesh_y).then(|| element + mesh_x),
            ];
            // The tile moves by `shift`: what is new to this instance is where the neighbour's tile was, if that stood as far
            // ahead of it as the step goes.
            let own = table.keys[element as usize];
            let holds = |&neighbour: &u64| {
                table.keys.get(neighbour as usize).is_some_and(|other| other - own == shift)
            };
            let linked = neighbours.iter().flatten().any(holds);
            table.linked[element as usize] = linked;
            n_linked += u64::from(linked);
        }
        n_linked
    }

    /// Hops from the edge of the mesh to a set of instances, listed in rising order: along x to the farthest, then up and
    /// down its columns from the middle. Source: Timeloop 4cf6d4c, `nest-analysis.cpp`, multicast hops.
    pub(super) fn hops(&self, set: &[u32], columns: &mut Columns) -> f64 {
        let (mesh_x, mesh_y) = self.mesh;
        if let [element] = *set {
            let (column, row) = (u64::from(element) % mesh_x, u64::from(element) / mesh_x);
            return column as f64 + up_and_down(mesh_y, row, row);
        }
        columns.resize(columns.len().max(mesh_x as usize), NO_ROWS);
        for &element in set {
            let row = element / mesh_x as u32;
            let (first, last) = &mut columns[element as usize % mesh_x as usize];
            *first = row.min(*first);
            *last = row;
        }
        let (mut farthest, mut vertical) = (0, 0.0);
        for &element in set {
            let column = element as usize % mesh_x as usize;
            // The first element of a column takes its rows.
            let (first, last) = std::mem::replace(&mut columns[column], NO_ROWS);
            if first <= last {
                farthest = column.max(farthest);
                vertical += up_and_down(mesh_y, u64::from(first), u64::from(last));
            }
        }
        farthest as f64 + vertical
    }
}

/// Hops from the middle row to a column's first and last row.
pub(super) fn up_and_down(mesh_y: u64, first: u64, last: u64) -> f64 {
    let middle = (mesh_y - 1) as f64 / 2.0;
    (middle - first as f64).max(0.0) + (last as f64 - middle).max(0.0)
}

fn key(offset: &Shift, weights: &Shift) -> i64 {
    offset.iter().zip(weights).map(|(component, weight)| component * weight).sum()
}

/// Multiplies `sets` by those of the index `i a + j b`, `i` and `j` below two counts.
///
/// `(i, j)` and `(i + b / g, j - a / g)`, `g` the greatest common divisor, have one index: sets are chains of such
/// steps. With `f(k)` the number of `(i, j)` that have room for `k` steps, `f(k - 1) - 2 f(k) + f(k + 1)` chains
/// have `k` elements.
fn multiply(sets: &mut Vec<Delivered>, (a, n_i): (u64, u64), (b, n_j): (u64, u64)) {
    // The shortest way from one pair to another of the same index; longer ones are several of it.
    let divisor = gcd(a, b);
    let (step_i, step_j) = (b / divisor, a / divisor);
    let room =
        |k: u64| n_i.saturating_sub(k.saturating_mul(step_i)) * n_j.saturating_sub(k.saturating_mul(step_j));
    // No pair has room for a step: every index is reached once.
    if room(1) == 0 {
        sets.iter_mut().for_each(|set| set.scatter *= n_i * n_j);
        return;
    }
    let n_sets = sets.len();
    for length in (1..).take_while(|&length| room(length - 1) > 0) {
        let chains = room(length - 1) + room(length + 1) - 2 * room(length);
        for index in 0..if chains > 0 { n_sets } else { 0 } {
            let Delivered { multicast, scatter, .. } = sets[index];
            let set = Delivered { multicast: multicast * length, scatter: scatter * chains, ..sets[index] };
            match sets[n_sets..].iter_mut().find(|known| known.multicast == set.multicast) {
                Some(known) => known.scatter += set.scatter,
                None => sets.push(set),
            }
        }
    }
    sets.drain(..n_sets);
}

#[cfg(test)]
mod tests {
    use super::super::einsum::{Einsum, TensorSpec};
    use super::super::projection::Touched;
    use super::*;

    /// `(multicast, scatter)` of an input of index `stride P + dilation R` over `n_p` by `n_r` instances, counted by
    /// the closed form and by listing all offsets.
    fn both(stride: u64, n_p: u64, dilation: u64, n_r: u64, n_k: u64) -> [Vec<(u64, u64)>; 2] {
        let dims = [("P", n_p), ("R", n_r), ("K", n_k)];
        let tensors = [TensorSpec::output("I", &[&[("P", stride), ("R", dilation)]])];
        let einsum = Einsum::new(&dims, &tensors).unwrap();
        let projection = Projection::new(&einsum, 0, Touched::Box);
        let bounds = [(0, n_p), (1, n_r), (2, n_k)];
        let loops = bounds.map(|(dim, bound)| FlatLoop { dim, bound, residual: bound, stride: 1, level: 0 });
        let fanout = n_p * n_r * n_k;
        let array = Array { projection: &projection, loops: &loops, fanout, mesh: (fanout, 1) };
        let mut closed = Vec::new();
        assert!(array.sets(&mut closed));
        let mut listed = Vec::new();
        array.list_sets(None, &mut OffsetTable::default(), &mut listed).unwrap();
        [closed, listed].map(|sets| {
            let mut pairs: Vec<_> = sets.iter().map(|set| (set.multicast, set.scatter)).collect();
            pairs.sort_unstable();
            pairs
        })
    }

    #[test]
    fn a_diagonal_of_pixels_shares_reads() {
        // 3 taps by 4 outputs: p + r is 0..=5, with 1, 2, 3, 3, 2, 1 pairs.
        assert_eq!(both(1, 4, 1, 3, 1)[0], [(1, 2), (2, 2), (3, 2)]);
    }

    #[test]
    fn closed_form_and_listing_agree() {
        for stride in 1..5 {
            for dilation in 1..5 {
                for (n_p, n_r, n_k) in [(2, 3, 1), (7, 3, 2), (4, 5, 3), (1, 6, 2), (8, 2, 1)] {
                    let [closed, listed] = both(stride, n_p, dilation, n_r, n_k);
                    assert_eq!(closed, listed, "stride {stride} dilation {dilation} {n_p} x {n_r} x {n_k}");
                }
            }
        }
    }

    // Three ranks of 2^21 points each, in both directions: 2^66 offsets.
    #[test]
    fn offsets_beyond_64_bits_are_refused() {
        let far = 1 << 21;
        let einsum = Einsum::new(
            &[("P", 2), ("Q", 2), ("R", 2)],
            &[TensorSpec::output("I", &[&[("P", far)], &[("Q", far)], &[("R", far)]])],
        );
        let einsum = einsum.unwrap();
        let projection = Projection::new(&einsum, 0, Touched::Box);
        let loops = [0, 1, 2].map(|dim| FlatLoop { dim, bound: 2, residual: 2, stride: 1, level: 0 });
        let array = Array { projection: &projection, loops: &loops, fanout: 8, mesh: (8, 1) };
        let listed = array.list_sets(None, &mut OffsetTable::default(), &mut Vec::new());
        assert_eq!(listed, Err(TOO_FAR));
    }
}

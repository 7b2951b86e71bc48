//! Words that a level delivers under imperfect factors: the last tiles are smaller, and the last instances have less
//! to do than the others, or nothing.
//!
//! Every step is looked at for every instance, and what an instance does not hold yet is fetched; an instance without
//! work keeps what it has. Of those iterations of a loop that are complete, the first is run through, the second on
//! behalf of all that follow, and the last for what it leaves behind. Factors that leave a remainder are those of Ruby,
//! Horeni et al. (2022), doi:10.1109/ISPASS55109.2022.00030. By default words are not handed from neighbour to neighbour.

use super::einsum::MAX_DIMS;
use super::fresh::{FreshSets, Held};
use super::loops::FlatLoop;
use super::nest::Nest;
use super::report::{Delivered, Illegal, NetworkTraffic};
use super::spatial::{Array, Columns, Scope};

/// Most steps of instances that are looked at: about a second's work.
const MAX_STEPS: u64 = 1 << 24;

const TOO_MANY: Illegal = Illegal::Overflow { what: "words moved" };

/// The instances below one level, and what runs above them.
#[derive(Clone, Copy)]
pub(super) struct Partial<'a> {
    pub(super) array: Array<'a>,
    pub(super) nest: &'a Nest,
    pub(super) level: usize,
    /// Points per dimension of the tile of an instance.
    pub(super) extents: &'a [u64; MAX_DIMS],
    /// Whether instances hold their tile until the next; units of arithmetic do not.
    pub(super) holds: bool,
    pub(super) scope: Scope,
    /// [`Quirks::first_instance_counts`](super::Quirks::first_instance_counts): counts are those of the first parent. The
    /// instances at work then stand in the mesh without gaps, and may hand words to their neighbours.
    pub(super) first: bool,
}

/// Scratch memory.
#[derive(Debug, Clone, Default)]
pub(super) struct PartialScratch {
    instances: Vec<Instance>,
    fresh: FreshSets,
    /// The new words of the step before.
    before: FreshSets,
    /// By instance, where its new words stand in `before`.
    places: Vec<usize>,
    linked: Vec<u32>,
    set: Vec<u32>,
    columns: Columns,
    /// Instances of each set of one step.
    sizes: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Instance {
    /// Points between the first instance and this one.
    points: [u64; MAX_DIMS],
    held: Option<Held>,
}

/// Delivers the tiles of the run, on average over the instances of the level.
pub(super) fn deliver_partial(
    partial: Partial,
    scratch: &mut PartialScratch,
    traffic: &mut NetworkTraffic,
) -> Result<(), Illegal> {
    traffic.link_transfers = 0;
    traffic.sets = 0;
    traffic.delivered.clear();
    let Partial { array, nest, level, .. } = partial;
    let loops = nest.temporal.from(level);
    // Parents are told apart only by where they are in dimensions that leave a remainder.
    let (mut parents, mut alike) = (1u64, 1u64);
    for item in nest.spatial.from(level + 1) {
        let counter = if nest.is_imperfect(item.dim) { &mut parents } else { &mut alike };
        *counter *= item.bound;
    }
    if partial.first {
        (parents, alike) = (1, 1);
    }
    // The walk visits at most three iterations of a loop on behalf of all that are complete, and one that is cut short.
    let visits = loops.iter().try_fold(parents, |steps, item| steps.checked_mul(item.bound.min(4)));
    if visits.and_then(|steps| steps.checked_mul(array.fanout)).is_none_or(|steps| steps > MAX_STEPS) {
        return Err(Illegal::Unsupported { what: "imperfect factors among so many loops and instances" });
    }
    for parent in 0..parents {
        let mut origin = [0; MAX_DIMS];
        let mut rest = parent;
        for item in nest.spatial.from(level + 1).iter().filter(|item| nest.is_imperfect(item.dim)) {
            origin[item.dim] += item.stride * (rest % item.bound);
            rest /= item.bound;
        }
        Walk::new(&partial, scratch, traffic).run(loops.len(), origin, alike)?;
    }
    // Counts were added up over all parents, and a report is of an average one.
    let n_parents = parents * alike;
    for row in &mut traffic.delivered {
        row.average_words = row.words as f64 / n_parents as f64;
        row.words = row.words.checked_add(n_parents / 2).ok_or(TOO_MANY)? / n_parents;
    }
    Ok(())
}

struct Walk<'a> {
    partial: &'a Partial<'a>,
    scratch: &'a mut PartialScratch,
    traffic: &'a mut NetworkTraffic,
}

impl<'a> Walk<'a> {
    fn new(
        partial: &'a Partial<'a>,
        scratch: &'a mut PartialScratch,
        traffic: &'a mut NetworkTraffic,
    ) -> Self {
        scratch.instances.clear();
        scratch.before.clear();
        scratch.places.clear();
        for element in 0..partial.array.fanout {
            let mut points = [0; MAX_DIMS];
            let mut rest = element;
            for item in partial.array.loops {
                points[item.dim] += item.stride * (rest % item.bound);
                rest /= item.bound;
            }
            scratch.instances.push(Instance { points, held: None });
        }
        Self { partial, scratch, traffic }
    }

    /// Points of `dim` that loops inside the loop at `index` and the instances reach together.
    fn reach(&self, index: usize, dim: usize) -> u64 {
        let Partial { array, nest, level, extents, .. } = self.partial;
        let inside = array.loops.iter().chain(&nest.temporal.from(*level)[..index]);
        let steps = |item: &FlatLoop| (item.bound - 1) * item.stride;
        extents[dim] + inside.filter(|item| item.dim == dim).map(steps).sum::<u64>()
    }

    /// Runs the loops below `depth`, which begin at `origin`, on behalf of `times` runs.
    fn run(&mut self, depth: usize, origin: [u64; MAX_DIMS], times: u64) -> Result<(), Illegal> {
        let Some(index) = depth.checked_sub(1) else { return self.arrive(&origin, times) };
        let nest = self.partial.nest;
        let FlatLoop { dim, bound, stride, .. } = nest.temporal.from(self.partial.level)[index];
        // Iterations that begin inside the dimension, and of these the ones that all loops inside can run to their ends.
        let left = nest.size(dim).saturating_sub(origin[dim]);
        let some = left.div_ceil(stride).min(bound);
        let full = match left.checked_sub(self.reach(index, dim)) {
            Some(spare) => (spare / stride + 1).min(bound),
            None => 0,
        };
        // The last complete iteration stands for no run of its own: it puts the tiles where what follows finds them.
        let complete = [(0, 1), (1, full.saturating_sub(1)), (full.saturating_sub(1), 0)];
        let complete = complete.into_iter().take(full.min(3) as usize);
        for (iteration, repeats) in complete.chain((full..some).map(|iteration| (iteration, 1))) {
            let mut here = origin;
            here[dim] += stride * iteration;
            self.run(index, here, times.checked_mul(repeats).ok_or(TOO_MANY)?)?;
        }
        Ok(())
    }

    /// One step of all instances.
    fn arrive(&mut self, origin: &[u64; MAX_DIMS], times: u64) -> Result<(), Illegal> {
        let Partial { array, nest, extents, holds, scope, first, .. } = *self.partial;
        let links = scope.links && first && holds;
        let PartialScratch { instances, fresh, .. } = &mut *self.scratch;
        fresh.clear();
        let mut at_work = 0;
        for (index, instance) in instances.iter_mut().enumerate() {
            let Some(now) = tile(array, nest, extents, origin, &instance.points) else { continue };
            let number = if first { at_work } else { index as u32 };
            at_work += 1;
            let mut words = array.projection.footprint(&now.extents).words;
            // A unit that holds nothing fetches all it needs in every step.
            let before = instance.held.replace(now).filter(|_| holds);
            let shared = before.filter(|before| {
                let mut shift = now.corner;
                shift.iter_mut().zip(before.corner).for_each(|(total, part)| *total -= part);
                let common = array.projection.common(&before.extents, &now.extents, &shift);
                words -= common;
                common > 0
            });
            if words > 0 && (times > 0 || links) {
                fresh.push(array.projection, &now, shared.as_ref(), words, number);
            }
        }
        if links {
            self.hand_over(times)?;
        }
        if times > 0 { self.book(times) } else { Ok(()) }
    }

    /// Leaves out instances whose new words were new to a neighbour in the step before, if that spares a read.
    fn hand_over(&mut self, times: u64) -> Result<(), Illegal> {
        let PartialScratch { fresh, before, places, linked, .. } = &mut *self.scratch;
        let mesh_x = self.partial.array.mesh.0 as u32;
        fresh.sort();
        linked.clear();
        let mut words = 0u64;
        for (index, new) in fresh.list().iter().enumerate() {
            let (column, own) = (new.instance % mesh_x, new.instance);
            let beside = [(column > 0).then(|| own - 1), (column + 1 < mesh_x).then(|| own + 1)];
            let above = [own.checked_sub(mesh_x), own.checked_add(mesh_x)];
            let has_them = |other: u32| {
                places.get(other as usize).is_some_and(|&place| fresh.is_in(index, before, place))
            };
            if beside.into_iter().chain(above).flatten().any(has_them) {
                linked.push(own);
                words += new.words;
            }
        }
        before.clone_from(fresh);
        places.clear();
        places.resize(self.partial.array.fanout as usize, usize::MAX);
        for (place, new) in before.list().iter().enumerate() {
            places[new.instance as usize] = place;
        }
        linked.sort_unstable();
        let left = fresh
            .sets()
            .filter(|set| set.iter().any(|new| linked.binary_search(&new.instance).is_err()))
            .count();
        if left < fresh.sets().count() {
            let moved = words.checked_mul(times).ok_or(TOO_MANY)?;
            let transfers = &mut self.traffic.link_transfers;
            *transfers = transfers.checked_add(moved).ok_or(TOO_MANY)?;
            fresh.remove(linked);
        }
        Ok(())
    }

    /// Books the reads for the new words of all instances, those that need the same together.
    fn book(&mut self, times: u64) -> Result<(), Illegal> {
        let PartialScratch { fresh, set, sizes, columns, .. } = &mut *self.scratch;
        // Instances that lack the same words stand side by side once sorted, and one read serves them.
        fresh.sort();
        sizes.clear();
        sizes.extend(fresh.sets().map(<[_]>::len));
        let (rows, first) = (&mut self.traffic.delivered, self.partial.first);
        for chunk in fresh.sets() {
            let multicast = chunk.len() as u64;
            let words = chunk[0].words.checked_mul(times).ok_or(TOO_MANY)?;
            let mut hops = 0.0;
            if self.partial.scope.hops {
                set.clear();
                set.extend(chunk.iter().map(|new| new.instance));
                hops = self.partial.array.hops(set, columns);
            }
            // A row is told by the size of its sets alone; its number of sets is the most that were served in one step. Timeloop
            // tells rows by both.
            let alike = sizes.iter().filter(|&&size| size == chunk.len()).count();
            let is_same =
                |row: &&mut Delivered| row.multicast == multicast && (!first || row.scatter == alike as u64);
            let row = match rows.iter_mut().find(is_same) {
                Some(row) => row,
                None => {
                    rows.push(Delivered { multicast, scatter: 0, words: 0, average_words: 0.0, hops: 0.0 });
                    rows.last_mut().expect("invariant: a row was pushed just now")
                }
            };
            let total = row.words.checked_add(words).ok_or(TOO_MANY)?;
            row.hops = (row.hops * row.words as f64 + hops * words as f64) / total as f64;
            row.words = total;
            row.scatter = row.scatter.max(alike as u64);
        }
        self.traffic.sets = self.traffic.sets.max(sizes.len() as u64);
        Ok(())
    }
}

/// The tile of an instance `points` from the first one, if it has any.
fn tile(
    array: Array,
    nest: &Nest,
    extents: &[u64; MAX_DIMS],
    origin: &[u64; MAX_DIMS],
    points: &[u64; MAX_DIMS],
) -> Option<Held> {
    let mut here = *origin;
    let mut inside = *extents;
    for (dim, (at, extent)) in here.iter_mut().zip(&mut inside).enumerate().take(nest.n_dims) {
        *at += points[dim];
        // Beyond the end of a dimension there is no work; at its end, less than a tile of it.
        *extent = nest.size(dim).checked_sub(*at).filter(|&left| left > 0)?.min(*extent);
    }
    Some(Held { corner: array.projection.corner(&here), extents: inside })
}

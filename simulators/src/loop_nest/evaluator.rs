//! The model, prepared once for an architecture and an Einsum and then asked about many mappings.

use rayon::prelude::*;

use super::architecture::{Architecture, MAX_LEVELS};
use super::delivery::{Run, Scratch, deliver, deliver_tiles};
use super::einsum::{Einsum, MAX_DIMS, MAX_TENSORS};
use super::energy;
use super::latency::Timing;
use super::mapping::Mapping;
use super::nest::Nest;
use super::partial::{Partial, deliver_partial};
use super::projection::{Projection, Touched};
use super::quirks::Quirks;
use super::report::{Illegal, Report};
use super::residual::Residual;
use super::spatial::{Array, Scope};
use super::temporal::Tile;
use super::traffic::{Flow, account};

/// Scratch memory of one thread; reused, so that evaluations allocate nothing once it has grown.
#[derive(Debug, Clone)]
pub struct Workspace {
    nest: Nest,
    scratch: Scratch,
    /// Words of tiles, and of the tiles of all instances below, by tensor and level.
    tile_words: [[u64; MAX_LEVELS]; MAX_TENSORS],
    unrolled_words: [[u64; MAX_LEVELS]; MAX_TENSORS],
}

impl Workspace {
    /// Empty scratch memory.
    pub fn new() -> Self {
        Self {
            nest: Nest::new(),
            scratch: Scratch::default(),
            tile_words: [[0; MAX_LEVELS]; MAX_TENSORS],
            unrolled_words: [[0; MAX_LEVELS]; MAX_TENSORS],
        }
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}

/// When the hops of words over a network are worked out; they take time and mostly cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hops {
    /// Only below levels whose network costs energy.
    #[default]
    WherePriced,
    /// Below all levels.
    Everywhere,
}

/// The model of one Einsum on one architecture.
#[derive(Debug, Clone)]
pub struct Evaluator {
    architecture: Architecture,
    einsum: Einsum,
    quirks: Quirks,
    projections: Vec<Projection>,
    macs: u64,
    tensor_words: [u64; MAX_TENSORS],
    capacity_words: [Option<u64>; MAX_LEVELS],
    reduces_in_place: [bool; MAX_LEVELS],
    hops: [bool; MAX_LEVELS],
    meshes: [(u64, u64); MAX_LEVELS],
}

impl Evaluator {
    /// The model of `einsum` on `architecture`.
    ///
    /// # Errors
    /// [`Illegal::Overflow`] if a tensor is too large to be indexed with 62 bits.
    pub fn new(architecture: &Architecture, einsum: &Einsum, quirks: Quirks) -> Result<Self, Illegal> {
        let too_large = Illegal::Overflow { what: "size of a tensor" };
        let touched = if quirks.strided_boxes { Touched::Box } else { Touched::Used };
        let macs = einsum.macs().map_err(|_| Illegal::Overflow { what: "number of multiply-accumulates" })?;
        let mut sizes = [1; MAX_DIMS];
        for (size, dim) in sizes.iter_mut().zip(einsum.dims()) {
            *size = dim.size;
        }
        let mut projections = Vec::with_capacity(einsum.tensors().len());
        let mut tensor_words = [0; MAX_TENSORS];
        for (tensor, words) in tensor_words.iter_mut().enumerate().take(einsum.tensors().len()) {
            // Displacements are signed, and two of them are added: two bits stay free.
            einsum.words(tensor).ok().filter(|&words| words < 1 << 62).ok_or(too_large)?;
            let mut projection = Projection::new(einsum, tensor, touched);
            projection.stored = einsum.tensors()[tensor].stored().filter(|_| !quirks.padding_from_memory);
            *words = projection.footprint(&sizes).words;
            projections.push(projection);
        }
        let mut evaluator = Self {
            architecture: architecture.clone(),
            einsum: einsum.clone(),
            quirks,
            projections,
            macs,
            tensor_words,
            capacity_words: [None; MAX_LEVELS],
            reduces_in_place: [true; MAX_LEVELS],
            hops: [false; MAX_LEVELS],
            meshes: [(1, 1); MAX_LEVELS],
        };
        for (index, level) in architecture.levels().iter().enumerate() {
            // Truncation is the point: a part of a word stores nothing.
            let usable = |entries: u64| (entries as f64 / level.multiple_buffering).floor() as u64;
            evaluator.capacity_words[index] = level.entries.map(usable);
            evaluator.reduces_in_place[index] = level.reduces_in_place;
            // Hops are worked out only where somebody pays for them.
            evaluator.hops[index] = level.network.hop_j > 0.0 || level.network.router_j > 0.0;
            evaluator.meshes[index] = architecture.fanout(index);
        }
        Ok(evaluator)
    }

    /// The same model, with hops worked out as told.
    #[must_use]
    pub fn with_hops(mut self, hops: Hops) -> Self {
        if hops == Hops::Everywhere {
            self.hops = [true; MAX_LEVELS];
        }
        self
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The Einsum.
    pub fn einsum(&self) -> &Einsum {
        &self.einsum
    }

    /// Costs `mapping` into `report`. Neither argument but `report` is meaningful afterwards.
    ///
    /// # Errors
    /// [`Illegal`] if the mapping cannot run; `report` is then not meaningful either.
    pub fn evaluate(
        &self,
        mapping: &Mapping,
        workspace: &mut Workspace,
        report: &mut Report,
    ) -> Result<(), Illegal> {
        let n_levels = self.architecture.levels().len();
        workspace.nest.set(mapping, &self.meshes[..n_levels], &self.einsum)?;
        report.resize(n_levels, self.projections.len());
        // Tiles first: this is the least work that shows that a mapping does not fit.
        self.fit_tiles(mapping, workspace, report)?;
        for tensor in 0..self.projections.len() {
            self.move_tensor(tensor, mapping, workspace, report)?;
        }
        report.macs = self.macs;
        report.used_macs = workspace.nest.used_macs;
        let timing = Timing {
            architecture: &self.architecture,
            projections: &self.projections,
            nest: &workspace.nest,
            meshes: &self.meshes,
            quirks: self.quirks,
        };
        // Energy last, since leakage goes by the cycles.
        timing.account(report)?;
        energy::account(&self.architecture, &workspace.nest, self.quirks, report);
        report.utilization =
            self.macs as f64 / self.architecture.mac().instances as f64 / report.cycles as f64;
        Ok(())
    }

    /// Costs many mappings in parallel and keeps of each report what `keep` takes from it, in the order given.
    pub fn evaluate_batch<T: Send>(
        &self,
        mappings: &[Mapping],
        keep: impl Fn(&Report) -> T + Sync,
    ) -> Vec<Result<T, Illegal>> {
        let start = || (Workspace::new(), Report::new());
        let cost = |(workspace, report): &mut (Workspace, Report), mapping: &Mapping| {
            self.evaluate(mapping, workspace, report).map(|()| keep(report))
        };
        mappings.par_iter().map_init(start, cost).collect()
    }

    /// Works out all tiles and rejects those that do not fit.
    fn fit_tiles(
        &self,
        mapping: &Mapping,
        workspace: &mut Workspace,
        report: &mut Report,
    ) -> Result<(), Illegal> {
        let Workspace { nest, tile_words, unrolled_words, .. } = workspace;
        for (level, entry) in mapping.levels.iter().enumerate() {
            let mut need = 0u64;
            let mut largest = (0, 0);
            for (tensor, projection) in self.projections.iter().enumerate() {
                // A tile is one word at the units; spatial loops, then temporal ones, make it the tile of the next level.
                let below = level.checked_sub(1).map_or(1, |child| tile_words[tensor][child]);
                let unrolled = nest.grown(projection, below, nest.spatial.at(level), &nest.unrolled[level]);
                let words = nest.grown(projection, unrolled, nest.temporal.at(level), &nest.tile[level]);
                unrolled_words[tensor][level] = unrolled;
                tile_words[tensor][level] = words;
                let kept = entry.keep.contains(tensor);
                let slot = report.tensor_mut(level, tensor);
                (slot.kept, slot.tile_words) = (kept, words);
                if kept {
                    need = need.checked_add(words).ok_or(Illegal::Overflow { what: "words of tiles" })?;
                    if words > largest.1 {
                        largest = (tensor, words);
                    }
                }
            }
            if let Some(have) = self.capacity_words[level].filter(|&have| need > have) {
                let (tensor, tensor_words) = largest;
                return Err(Illegal::Capacity { level, tensor, tensor_words, need, have });
            }
        }
        if self.quirks.unbacked_tensors { Ok(()) } else { self.check_backed(mapping, tile_words) }
    }

    fn check_backed(
        &self,
        mapping: &Mapping,
        tile_words: &[[u64; MAX_LEVELS]; MAX_TENSORS],
    ) -> Result<(), Illegal> {
        for (tensor, tiles) in tile_words.iter().enumerate().take(self.projections.len()) {
            // Nothing above the outermost level that keeps a tensor could bring the rest of it.
            let level = mapping.levels.iter().rposition(|level| level.keep.contains(tensor));
            let level = level.ok_or(Illegal::KeptNowhere { tensor })?;
            let (need, have) = (self.tensor_words[tensor], tiles[level]);
            if have < need {
                return Err(Illegal::Unbacked { tensor, level, need, have });
            }
        }
        Ok(())
    }

    /// Works out the traffic of one tensor.
    fn move_tensor(
        &self,
        tensor: usize,
        mapping: &Mapping,
        workspace: &mut Workspace,
        report: &mut Report,
    ) -> Result<(), Illegal> {
        let Workspace { nest, scratch, tile_words, unrolled_words } = workspace;
        let projection = &self.projections[tensor];
        let n_levels = mapping.levels.len();
        let mut peers = nest.fanout;
        for (level, entry) in mapping.levels.iter().enumerate() {
            let loops = nest.temporal.from(level);
            let array = Array {
                projection,
                loops: nest.spatial.at(level),
                fanout: nest.fanout[level],
                mesh: self.meshes[level],
            };
            let linked =
                self.quirks.links_everywhere || self.architecture.levels()[level].network.neighbour_links;
            let links = linked && !entry.no_link_transfer.contains(tensor);
            // With a single instance below there are no hops to count.
            let scope = Scope { links, hops: self.hops[level] && array.fanout > 1 };
            let traffic = &mut report.tensor_mut(level, tensor).network;
            if self.quirks.peers_over_all_instances && level > 0 {
                peers[level] = nest.used_instances[level - 1];
            }
            // Where instances differ, or every iteration counts as what it is, each instance is followed through its steps.
            if nest.imperfect && (nest.uneven || !self.quirks.skipped_iterations) {
                let (extents, holds) = match level.checked_sub(1) {
                    Some(child) => (&nest.tile[child], true),
                    None => (&[1; MAX_DIMS], false),
                };
                let first = self.quirks.first_instance_counts;
                let partial = Partial { array, nest, level, extents, holds, scope, first };
                deliver_partial(partial, &mut scratch.partial, traffic)?;
                continue;
            }
            // A MAC unit keeps nothing: every iteration asks for a word of every tensor.
            let Some(child) = level.checked_sub(1) else {
                deliver(nest.iterations, array, scope, scratch, traffic)?;
                continue;
            };
            // Tiles of the level below are delivered whether it keeps them or not; bypass is worked out from these counts.
            let (extents, words) = (&nest.tile[child], tile_words[tensor][child]);
            let Quirks { reset_on_turn, idle_loops_forget, .. } = self.quirks;
            let tile = Tile { projection, extents, words, reset_on_turn, idle_loops_forget };
            let residual = nest.imperfect.then_some(Residual {
                last_extents: &nest.last_tile[child],
                uniform_innermost: array.fanout == 1 && loops.first().is_some_and(|item| item.level == level),
            });
            let run = Run { tile, loops, around: nest.temporal.around(level), residual };
            deliver_tiles(run, array, scope, scratch, traffic)?;
        }
        let flow = Flow {
            tensor,
            output: projection.output,
            fanout: &nest.fanout[..n_levels],
            peers: &peers[..n_levels],
            unrolled_words: &unrolled_words[tensor][..n_levels],
            reduces_in_place: &self.reduces_in_place[..n_levels],
            stored: projection.stored,
            quirks: self.quirks,
        };
        account(&flow, report)
    }
}

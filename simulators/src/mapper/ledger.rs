//! Words that go from a level to the next one inside: what each costs, and what they add up to.
//!
//! Words depend on which loop runs innermost above the tile that is fetched. Crossings below the same loops share that
//! loop, so they are collected first; then the loop is chosen that makes them cheapest together.

use super::constraints::DimSet;
use crate::loop_nest::{MAX_LEVELS, MAX_TENSORS};

/// What happens to the words of one tensor between a level and the next one inside that keeps it, or the
/// multiply-accumulate units; and what each access costs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Toll {
    pub(super) parent: usize,
    pub(super) child: Option<usize>,
    /// Words of the child's tile, if they are known, and whether no tile arrives there while another is in use.
    pub(super) tile: Option<f64>,
    pub(super) waits: bool,
    /// Words that the parent accesses for a word that each instance of the child fetches.
    pub(super) accesses: f64,
    /// Partial sums that the parent need not read and the child need not be filled with, as they are the first.
    pub(super) first_reads: f64,
    pub(super) first_fills: f64,
    /// 1 if words also come back, as those of an output do.
    pub(super) updates: f64,
    pub(super) read: Price,
    pub(super) update: Price,
    pub(super) fill: Price,
}

/// Joules, and cycles of the levels involved.
pub(super) type Price = [f64; 2];

/// Accesses of one instance.
struct Flow {
    reads: f64,
    updates: f64,
    fills: f64,
}

impl Toll {
    #[inline]
    fn flow(&self, words: f64) -> Flow {
        let accesses = words * self.accesses;
        Flow {
            reads: (accesses - self.first_reads).max(0.0),
            updates: accesses * self.updates,
            fills: if self.child.is_some() { (words - self.first_fills).max(0.0) } else { 0.0 },
        }
    }

    #[inline]
    fn price(&self, words: f64) -> Price {
        let Flow { reads, updates, fills } = self.flow(words);
        std::array::from_fn(|i| reads * self.read[i] + updates * self.update[i] + fills * self.fill[i])
    }
}

/// Words that cross a boundary, per instance of the child, for each kind of innermost loop above its tile.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crossing {
    /// Dimensions that the tensor uses: a loop over one moves the tile.
    pub(super) uses: DimSet,
    /// If the innermost loop moves the tile, and if it does not.
    pub(super) moved: f64,
    pub(super) still: f64,
    /// Dimension that slides the tile, and the words if it is innermost.
    pub(super) slid: Option<(usize, f64)>,
}

/// What the innermost loop does to a tile.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Moved,
    Still,
    Slid,
}

impl Crossing {
    #[inline]
    fn kind(&self, dim: usize) -> Kind {
        match self.slid {
            Some((slides, _)) if slides == dim => Kind::Slid,
            _ if self.uses.contains(dim) => Kind::Moved,
            _ => Kind::Still,
        }
    }

    /// Words if the loop over `dim` is innermost.
    #[inline]
    fn words(&self, dim: usize) -> f64 {
        match self.kind(dim) {
            Kind::Moved => self.moved,
            Kind::Still => self.still,
            Kind::Slid => self.slid.map_or(self.moved, |(_, words)| words),
        }
    }
}

/// Crossings whose innermost loop is one of the same level.
const MAX_PENDING: usize = MAX_TENSORS;

/// What is to be least among the innermost loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Least {
    /// Energy; among equals, cycles.
    Energy,
    /// Cycles; among equals, energy.
    Cycles,
    /// Energy and words, each with the loop that is best for it: no choice does better.
    Each,
}

/// Accesses and energy so far, and crossings whose innermost loop is not chosen yet.
pub(super) struct Ledger {
    least: Least,
    pub(super) energy_j: f64,
    /// Accesses of one instance by level.
    pub(super) reads: [f64; MAX_LEVELS],
    pub(super) writes: [f64; MAX_LEVELS],
    /// Of the writes, those from above; tiles that follow each other with a gap; and words of inputs that are shifted
    /// in where instances are a systolic array.
    pub(super) fills: [f64; MAX_LEVELS],
    pub(super) passes: [f64; MAX_LEVELS],
    pub(super) shifted: [f64; MAX_LEVELS],
    /// By level, the dimension chosen to run innermost.
    pub(super) innermost: [Option<u8>; MAX_LEVELS],
    run: Option<(usize, DimSet)>,
    pending: [(Toll, Crossing); MAX_PENDING],
    n_pending: usize,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            least: Least::Energy,
            energy_j: 0.0,
            reads: [0.0; MAX_LEVELS],
            writes: [0.0; MAX_LEVELS],
            fills: [0.0; MAX_LEVELS],
            passes: [1.0; MAX_LEVELS],
            shifted: [0.0; MAX_LEVELS],
            innermost: [None; MAX_LEVELS],
            run: None,
            pending: [(Toll::default(), Crossing::default()); MAX_PENDING],
            n_pending: 0,
        }
    }

    /// Forgets everything. Faster than a new ledger, as what is pending need not be written.
    pub(super) fn clear(&mut self, least: Least) {
        self.least = least;
        self.energy_j = 0.0;
        self.reads = [0.0; MAX_LEVELS];
        self.writes = [0.0; MAX_LEVELS];
        self.fills = [0.0; MAX_LEVELS];
        self.passes = [1.0; MAX_LEVELS];
        self.shifted = [0.0; MAX_LEVELS];
        self.innermost = [None; MAX_LEVELS];
        self.run = None;
        self.n_pending = 0;
    }

    /// Opens the accounts of tiles that the loops `run` of a level move, closing those of others.
    pub(super) fn open(&mut self, run: Option<(usize, DimSet)>, n_tensors: usize) {
        // Tensors that cross above the same loops share their order: which loop runs innermost is one choice for all of them.
        if run != self.run || self.n_pending + n_tensors > MAX_PENDING {
            self.settle();
            self.run = run;
        }
    }

    /// Books a crossing once the loop above it is chosen.
    pub(super) fn add(&mut self, toll: Toll, crossing: Crossing) {
        if self.run.is_none() {
            self.book(&toll, crossing.moved);
        } else {
            self.pending[self.n_pending] = (toll, crossing);
            self.n_pending += 1;
        }
    }

    /// Chooses the innermost loop that all pending crossings share, and books what crosses then.
    pub(super) fn settle(&mut self) {
        let Some((level, loops)) = self.run.filter(|_| self.n_pending > 0) else { return };
        let n_pending = std::mem::take(&mut self.n_pending);
        let (dim, least_j) = self.choose(loops, n_pending);
        self.innermost[level] = Some(dim as u8);
        let before_j = self.energy_j;
        for index in 0..n_pending {
            let (toll, crossing) = self.pending[index];
            let words = match self.least {
                // Each tensor with the order that suits it best: no order does that for all, so it is a bound.
                Least::Each => crossing.moved.min(crossing.still),
                _ => crossing.words(dim),
            };
            self.book(&toll, words);
        }
        if self.least == Least::Each {
            self.energy_j = before_j + least_j;
        }
    }

    /// The loop that makes the pending crossings cheapest together if it runs innermost, and their energy then, if that is what
    /// is asked for.
    fn choose(&self, loops: DimSet, n_pending: usize) -> (usize, f64) {
        let first = loops.iter().next().expect("invariant: a run has loops");
        if loops.without(first).is_empty() && self.least != Least::Each {
            return (first, 0.0);
        }
        let pending = &self.pending[..n_pending];
        // A crossing has three prices at most, whatever the number of loops: one that moves the tile, one that lets it rest, one
        // that slides it.
        let mut prices = [[[0.0; 2]; 3]; MAX_PENDING];
        for (price, (toll, crossing)) in prices.iter_mut().zip(pending) {
            *price = [crossing.moved, crossing.still, crossing.slid.map_or(0.0, |(_, words)| words)]
                .map(|words| toll.price(words));
        }
        let mut best = (0, [f64::INFINITY; 2]);
        for dim in loops.iter() {
            let mut sum = [0.0; 2];
            for (price, (_, crossing)) in prices.iter().zip(pending) {
                let price = price[crossing.kind(dim) as usize];
                sum = [sum[0] + price[0], sum[1] + price[1]];
            }
            let [first, second] = if self.least == Least::Cycles { [1, 0] } else { [0, 1] };
            let (_, least) = best;
            if sum[first] < least[first] || sum[first] == least[first] && sum[second] < least[second] {
                best = (dim, sum);
            }
        }
        (best.0, best.1[0])
    }

    /// Books `words` that each instance of the child fetches.
    pub(super) fn book(&mut self, toll: &Toll, words: f64) {
        let Flow { reads, updates, fills } = toll.flow(words);
        self.reads[toll.parent] += reads;
        self.writes[toll.parent] += updates;
        if let Some(child) = toll.child {
            self.writes[child] += fills;
            self.fills[child] += fills;
            if let Some(tile) = toll.tile {
                let arrived = if toll.waits { words } else { tile };
                self.passes[child] = self.passes[child].max(arrived / tile);
                self.shifted[child] += arrived * (1.0 - toll.updates);
            }
        }
        self.energy_j += toll.price(words)[0];
    }
}

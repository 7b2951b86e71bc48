//! Energy and cycles from a candidate's factors alone, its loop orders left open: a bound, or a guess.
//!
//! For every boundary between a level and the next one that keeps a tensor, words follow from the tile and from which
//! dimension runs innermost above it: tensors that it indexes move with every iteration, the others stay for as long
//! as the loops right above the tile leave them where they are. The bound takes the cheapest dimension and everything
//! that a sliding window can save at best; the guess takes what it saves mostly. As a bound it also takes candidates
//! whose inner levels are not decided yet: there, every instance receives each word that it needs at least once.

use super::candidate::Candidate;
use super::options::Objective;
use super::problem::{LevelCost, Problem, Shape, Way};
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS, MAX_TENSORS};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No legal completion of the candidate costs less. Factors in time are those of levels from `decided` outwards.
    Bound { decided: usize },
    /// About what the candidate costs with its best orders; all factors are there.
    Guess,
}

/// The result.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Estimate {
    pub(super) energy_j: f64,
    pub(super) cycles: f64,
    /// By level, the dimension that best runs innermost, if it matters.
    pub(super) innermost: [Option<u8>; MAX_LEVELS],
}

impl Estimate {
    pub(super) fn score(&self, objective: Objective) -> (f64, f64) {
        objective.score(self.energy_j, self.cycles)
    }
}

/// The estimate of `candidate`, or `None` if a decided tile does not fit or a tensor is not kept as a whole.
pub(super) fn estimate(problem: &Problem, candidate: &Candidate, mode: Mode) -> Option<Estimate> {
    Pass::new(problem, candidate, mode).run()
}

/// A tensor on its way from a level to the next one inside that keeps it, or to the multiply-accumulate units.
#[derive(Debug, Clone, Copy, Default)]
struct Boundary {
    tensor: usize,
    parent: usize,
    child: Option<usize>,
    /// Different tiles among the instances of the child below one of the parent.
    groups: f64,
    /// Words of the tensor that pass through one instance of the child.
    share: f64,
}

/// Words that cross a boundary, per instance of the child, for each kind of innermost loop above its tile.
#[derive(Debug, Clone, Copy, Default)]
struct Crossing {
    boundary: Boundary,
    /// If the innermost loop moves the tile.
    moved: f64,
    /// If it does not.
    still: f64,
    /// Dimension that slides the tile, and the words if it is innermost.
    slid: Option<(usize, f64)>,
}

/// Most crossings that are looked at together; more are looked at in turns.
const MAX_PENDING: usize = 6;

/// Crossings whose innermost loop is at level `run`.
struct Pending {
    run: Option<usize>,
    list: [Crossing; MAX_PENDING],
    len: usize,
}

struct Pass<'a> {
    problem: &'a Problem<'a>,
    candidate: &'a Candidate,
    decided: usize,
    is_bound: bool,
    /// Iterations in time, and instances, per dimension above the tile looked at.
    time: [u64; MAX_DIMS],
    space: [u64; MAX_DIMS],
    /// Instances per dimension below the level above the tile.
    block: [u64; MAX_DIMS],
    /// By tensor: the level that supplies it, different tiles among the instances below that, and from the top.
    parents: [Option<usize>; MAX_TENSORS],
    groups: [f64; MAX_TENSORS],
    all_groups: [f64; MAX_TENSORS],
    block_groups: [f64; MAX_TENSORS],
    used: [f64; MAX_LEVELS],
    /// The same, those that share an access counted once.
    clusters: [f64; MAX_LEVELS],
    /// Points per dimension of the tile of each level, if it is known, and its words by tensor if it is kept.
    tiles: [[u64; MAX_DIMS]; MAX_LEVELS],
    words: [[u64; MAX_LEVELS]; MAX_TENSORS],
    reads: [f64; MAX_LEVELS],
    writes: [f64; MAX_LEVELS],
    exposed: f64,
    /// Words of every output.
    output_words: [f64; MAX_TENSORS],
    pending: Pending,
    result: Estimate,
}

impl<'a> Pass<'a> {
    fn new(problem: &'a Problem<'a>, candidate: &'a Candidate, mode: Mode) -> Self {
        let (decided, is_bound) = match mode {
            Mode::Bound { decided } => (decided, true),
            Mode::Guess => (0, false),
        };
        let mut output_words = [0.0; MAX_TENSORS];
        for (words, shape) in output_words.iter_mut().zip(&problem.shapes).filter(|(_, shape)| shape.output) {
            *words = Problem::words(shape, &candidate.padded) as f64;
        }
        Self {
            problem,
            candidate,
            decided,
            is_bound,
            output_words,
            pending: Pending { run: None, list: [Crossing::default(); MAX_PENDING], len: 0 },
            time: [1; MAX_DIMS],
            space: [1; MAX_DIMS],
            block: [1; MAX_DIMS],
            parents: [None; MAX_TENSORS],
            groups: [1.0; MAX_TENSORS],
            all_groups: [1.0; MAX_TENSORS],
            block_groups: [1.0; MAX_TENSORS],
            used: [1.0; MAX_LEVELS],
            clusters: [1.0; MAX_LEVELS],
            tiles: [[1; MAX_DIMS]; MAX_LEVELS],
            words: [[1; MAX_LEVELS]; MAX_TENSORS],
            reads: [0.0; MAX_LEVELS],
            writes: [0.0; MAX_LEVELS],
            exposed: 0.0,
            result: Estimate::default(),
        }
    }

    fn run(mut self) -> Option<Estimate> {
        let problem = self.problem;
        self.set_tiles()?;
        let mut instances = 1.0;
        let mut fanout = 1.0;
        for level in (0..problem.n_levels).rev() {
            self.used[level] = instances;
            let cluster_size = problem.costs[level].cluster_size;
            self.clusters[level] =
                if cluster_size == 1 { instances } else { (instances / cluster_size as f64).ceil() };
            if level + 1 < self.decided {
                self.keep_undecided(level);
            } else {
                self.keep(level, fanout)?;
            }
            fanout = self.enter(level);
            instances *= fanout;
        }
        self.settle();
        if self.parents[..problem.shapes.len()].contains(&None) {
            return None;
        }
        let product =
            |values: &[u64; MAX_DIMS]| problem.dims.iter().map(|&dim| values[dim] as f64).product::<f64>();
        let macs = product(&self.candidate.padded);
        let iterations = macs / product(&self.space);
        for tensor in 0..problem.shapes.len() {
            let parent = self.parents[tensor].expect("invariant: checked above");
            self.cross(&self.boundary(tensor, parent, None), iterations);
        }
        let mut cycles = iterations;
        for (level, cost) in problem.costs.iter().enumerate() {
            let (read, written) = (self.reads[level], self.writes[level]);
            let busy = (read * cost.read_cycles)
                .max(written * cost.write_cycles)
                .max((read + written) * cost.shared_cycles);
            cycles = cycles.max(busy);
        }
        if !problem.quirks.perfect_overlap {
            cycles += self.exposed;
        }
        self.result.cycles = cycles;
        self.result.energy_j += macs * problem.mac_j;
        for (level, cost) in problem.costs.iter().enumerate() {
            let gated = problem.quirks.idle_instances_gated;
            let leaking = if gated { self.used[level] } else { cost.instances as f64 };
            self.result.energy_j += cost.leak_j_per_cycle * cycles * leaking;
        }
        Some(self.result)
    }

    /// Works out the tiles that are known; `None` if they do not fit.
    fn set_tiles(&mut self) -> Option<()> {
        let (problem, candidate) = (self.problem, self.candidate);
        let innermost = self.decided.saturating_sub(1);
        let mut extents = [1; MAX_DIMS];
        if self.decided > 0 {
            // What is not decided is in this tile.
            extents = candidate.padded;
            for index in (self.decided..problem.n_levels).chain(problem.places()) {
                if problem.positions[index].level > innermost {
                    problem.dims.iter().for_each(|&dim| extents[dim] /= candidate.factors[index][dim]);
                }
            }
        }
        for level in innermost..problem.n_levels {
            if level > innermost || self.decided == 0 {
                for index in problem.places_of(level).chain(std::iter::once(level)) {
                    problem.dims.iter().for_each(|&dim| extents[dim] *= candidate.factors[index][dim]);
                }
            }
            self.tiles[level] = extents;
            let mut need = 0u64;
            for (tensor, shape) in problem.shapes.iter().enumerate() {
                if candidate.keep[level].contains(tensor) {
                    self.words[tensor][level] = Problem::words(shape, &extents);
                    need = need.saturating_add(self.words[tensor][level]);
                }
            }
            if problem.costs[level].capacity_words.is_some_and(|have| need > have) {
                return None;
            }
        }
        Some(())
    }

    /// Passes the loops of `level` on the way inwards. Returns the instances in use below it.
    fn enter(&mut self, level: usize) -> f64 {
        let (problem, factors) = (self.problem, &self.candidate.factors);
        self.block = [1; MAX_DIMS];
        let mut across = [1.0; 2];
        for index in problem.places_of(level) {
            let axis = usize::from(problem.positions[index].way == Way::Y);
            for &dim in &problem.dims {
                self.block[dim] *= factors[index][dim];
                self.space[dim] *= factors[index][dim];
                across[axis] *= factors[index][dim] as f64;
            }
        }
        if level >= self.decided {
            problem.dims.iter().for_each(|&dim| self.time[dim] *= factors[level][dim]);
        }
        if across[0] * across[1] > 1.0 {
            for (tensor, shape) in problem.shapes.iter().enumerate() {
                let groups = distinct(shape, &self.block, self.is_bound);
                self.block_groups[tensor] = groups;
                self.groups[tensor] *= groups;
                self.all_groups[tensor] *= if shape.slides { 1.0 } else { groups };
            }
        } else {
            self.block_groups = [1.0; MAX_TENSORS];
        }
        if problem.costs[level].systolic {
            let held_twice = level > 0 && !problem.costs[level - 1].single_buffered;
            let passes: f64 = problem.dims.iter().map(|&dim| self.time[dim] as f64).product();
            self.exposed += (across[0] + across[1] - 2.0) * if held_twice { 1.0 } else { passes };
        }
        across[0] * across[1]
    }

    /// Fills `level` with tiles that are known.
    fn keep(&mut self, level: usize, fanout_above: f64) -> Option<()> {
        let (problem, candidate) = (self.problem, self.candidate);
        let extents = self.tiles[level];
        let iterations: f64 = problem.dims.iter().map(|&dim| self.time[dim] as f64).product();
        let run = self.innermost_loops(level);
        if run != self.pending.run || self.pending.len + problem.shapes.len() > MAX_PENDING {
            self.settle();
            self.pending.run = run;
        }
        let (mut load, mut store, mut load_above, mut store_above) = (0.0, 0.0, 0.0, 0.0);
        for (tensor, shape) in problem.shapes.iter().enumerate() {
            if !candidate.keep[level].contains(tensor) {
                continue;
            }
            let Some(parent) = self.parents[tensor] else {
                let is_whole =
                    |&dim: &usize| !shape.uses.contains(dim) || extents[dim] == candidate.padded[dim];
                if !problem.quirks.unbacked_tensors && !problem.dims.iter().all(is_whole) {
                    return None;
                }
                self.adopt(tensor, level);
                continue;
            };
            let words = self.words[tensor][level] as f64;
            let boundary = self.boundary(tensor, parent, Some(level));
            let crossing = self.crossing(boundary, &extents, words, iterations, run);
            let sets =
                if self.is_bound && shape.slides { 1.0 } else { self.block_groups[tensor].min(fanout_above) };
            let above = if level + 1 == parent { words * sets } else { 0.0 };
            let once =
                if problem.costs[level].single_buffered { crossing.moved.min(crossing.still) } else { words };
            match (shape.output, problem.costs[level].single_buffered) {
                (false, _) => (load, load_above) = (load + once, load_above + above),
                (true, _) => (store, store_above) = (store + words, store_above + above),
            }
            self.pending.list[self.pending.len] = crossing;
            self.pending.len += 1;
            self.adopt(tensor, level);
        }
        self.exposed +=
            load * written_cycles(&problem.costs[level]) + store * read_cycles(&problem.costs[level]);
        if let Some(cost) = problem.costs.get(level + 1) {
            self.exposed += load_above * read_cycles(cost) + store_above * written_cycles(cost);
        }
        Some(())
    }

    /// Fills `level` with tiles that are not known: every instance receives what it needs at least once.
    fn keep_undecided(&mut self, level: usize) {
        let (problem, candidate) = (self.problem, self.candidate);
        let mut reached = [1; MAX_DIMS];
        for &dim in &problem.dims {
            reached[dim] = candidate.padded[dim] / self.space[dim];
        }
        for (tensor, shape) in problem.shapes.iter().enumerate() {
            if candidate.keep[level].contains(tensor) {
                if let Some(parent) = self.parents[tensor] {
                    let words = distinct(shape, &reached, true);
                    self.cross(&self.boundary(tensor, parent, Some(level)), words);
                }
                self.adopt(tensor, level);
            }
        }
    }

    fn adopt(&mut self, tensor: usize, level: usize) {
        self.parents[tensor] = Some(level);
        self.groups[tensor] = 1.0;
    }

    /// The innermost level above `level` that has loops in time.
    fn innermost_loops(&self, level: usize) -> Option<usize> {
        let factors = &self.candidate.factors;
        (level + 1..self.problem.n_levels).find(|&l| self.problem.dims.iter().any(|&dim| factors[l][dim] > 1))
    }

    fn crossing(
        &self,
        boundary: Boundary,
        extents: &[u64; MAX_DIMS],
        words: f64,
        iterations: f64,
        run: Option<usize>,
    ) -> Crossing {
        let shape = &self.problem.shapes[boundary.tensor];
        let Some(run) = run else {
            return Crossing { boundary, moved: words, still: words, slid: None };
        };
        // Iterations during which the tile can stay, its innermost loops being those that leave it where it is.
        let mut stay = 1.0;
        for level in run..self.problem.n_levels {
            // What runs innermost further out was chosen before.
            let chosen = self.result.innermost[level].filter(|_| level > run && !self.is_bound);
            if chosen.is_some_and(|dim| shape.uses.contains(usize::from(dim))) {
                break;
            }
            let mut moves = false;
            for &dim in &self.problem.dims {
                let factor = self.candidate.factors[level][dim];
                match shape.uses.contains(dim) {
                    true => moves |= factor > 1,
                    false => stay *= factor as f64,
                }
            }
            if moves {
                break;
            }
        }
        let steps = iterations / stay;
        let (mut moved, mut still) = (words * iterations, words * steps);
        let mut slid = None;
        if shape.slides && self.is_bound {
            let (fresh, union) = self.least_fresh(shape, extents, words);
            moved = (words + (iterations - 1.0) * fresh).max(union);
            still = (words + (steps - 1.0) * fresh).max(union);
        } else if shape.slides {
            let mut most = 0.0;
            for rank in shape.ranks.iter().filter(|rank| rank.len() > 1) {
                let length = 1 + rank.iter().map(|&(dim, c)| c * (extents[dim] - 1)).sum::<u64>();
                for &(dim, coefficient) in rank {
                    let factor = self.candidate.factors[run][dim];
                    let travel =
                        coefficient * extents[dim] * if run == boundary.parent { self.block[dim] } else { 1 };
                    if factor > 1 && travel < length {
                        let kept =
                            words * (length - travel) as f64 / length as f64 * (1.0 - 1.0 / factor as f64);
                        if kept > most {
                            most = kept;
                            slid = Some((dim, (words - kept) * iterations));
                        }
                    }
                }
            }
            still = (words - most) * steps;
        }
        Crossing { boundary, moved, still, slid }
    }

    /// New words of the cheapest step, and words of all tiles together, at least.
    fn least_fresh(&self, shape: &Shape, extents: &[u64; MAX_DIMS], words: f64) -> (f64, f64) {
        if self.problem.quirks.reset_on_turn {
            return (0.0, words);
        }
        let (mut fresh, mut union) = (words, 1.0);
        for rank in &shape.ranks {
            let length = 1 + rank.iter().map(|&(dim, c)| c * (extents[dim] - 1)).sum::<u64>();
            let (mut n_moving, mut longest) = (0, length);
            for &(dim, coefficient) in rank.iter().filter(|&&(dim, _)| self.time[dim] > 1) {
                let travel = (coefficient * extents[dim]).min(length);
                longest = longest.max(length + (self.time[dim] - 1) * travel);
                fresh = fresh.min(words * travel as f64 / length as f64);
                n_moving += 1;
            }
            if n_moving > 1 {
                fresh = 0.0;
            }
            // A dimension of two ranks moves both at once.
            union *= if rank.iter().all(|&(dim, _)| self.is_in_one_rank(shape, dim)) {
                longest as f64
            } else {
                1.0
            };
        }
        (fresh, union.max(words))
    }

    fn is_in_one_rank(&self, shape: &Shape, dim: usize) -> bool {
        shape.ranks.iter().filter(|rank| rank.iter().any(|&(other, _)| other == dim)).count() == 1
    }

    fn boundary(&self, tensor: usize, parent: usize, child: Option<usize>) -> Boundary {
        let share = self.output_words[tensor] / self.all_groups[tensor];
        Boundary { tensor, parent, child, groups: self.groups[tensor], share }
    }

    /// Chooses the innermost loop that all pending crossings share, and books what crosses then.
    fn settle(&mut self) {
        let Some(run) = self.pending.run.filter(|_| self.pending.len > 0) else {
            for index in 0..std::mem::take(&mut self.pending.len) {
                let Crossing { boundary, moved, .. } = self.pending.list[index];
                self.cross(&boundary, moved);
            }
            return;
        };
        let mut prices = [Prices::default(); MAX_PENDING];
        for (price, crossing) in prices.iter_mut().zip(&self.pending.list[..self.pending.len]) {
            price.moved = self.price(&crossing.boundary, crossing.moved);
            price.still = self.price(&crossing.boundary, crossing.still);
            price.slid =
                crossing.slid.map(|(_, words)| self.price(&crossing.boundary, words)).unwrap_or_default();
        }
        let mut best = ((f64::INFINITY, f64::INFINITY), self.problem.dims[0]);
        for &dim in self.problem.dims.iter().filter(|&&dim| self.candidate.factors[run][dim] > 1) {
            let crossings = &self.pending.list[..self.pending.len];
            let price = crossings.iter().zip(&prices).fold((0.0, 0.0), |sum, (crossing, price)| {
                let price = price.of(crossing.kind(self.problem, dim));
                (sum.0 + price.0, sum.1 + price.1)
            });
            let by_cycles = self.problem.objective == Objective::Latency && !self.is_bound;
            let rank = if by_cycles { (price.1, price.0) } else { price };
            if rank < best.0 {
                best = (rank, dim);
            }
        }
        let ((least_j, _), dim) = best;
        self.result.innermost[run] = Some(dim as u8);
        let before = self.result.energy_j;
        for index in 0..std::mem::take(&mut self.pending.len) {
            let crossing = self.pending.list[index];
            let words = match crossing.kind(self.problem, dim) {
                // The fewest words and the least energy may be those of different loops.
                _ if self.is_bound => crossing.moved.min(crossing.still),
                Kind::Moved => crossing.moved,
                Kind::Still => crossing.still,
                Kind::Slid => crossing.slid.map_or(crossing.moved, |(_, words)| words),
            };
            self.cross(&crossing.boundary, words);
        }
        if self.is_bound {
            self.result.energy_j = before + least_j;
        }
    }

    /// Energy, and cycles of the two levels together, of `words` that cross.
    fn price(&self, boundary: &Boundary, words: f64) -> (f64, f64) {
        let flow = self.flow(boundary, words);
        let parent = &self.problem.costs[boundary.parent];
        let filling = boundary.child.map_or(0.0, |child| written_cycles(&self.problem.costs[child]));
        let cycles =
            flow.reads * read_cycles(parent) + flow.updates * written_cycles(parent) + flow.fills * filling;
        (flow.energy_j, cycles)
    }

    /// Books `words` that each instance of the child fetches.
    fn cross(&mut self, boundary: &Boundary, words: f64) {
        let flow = self.flow(boundary, words);
        self.reads[boundary.parent] += flow.reads;
        self.writes[boundary.parent] += flow.updates;
        if let Some(child) = boundary.child {
            self.writes[child] += flow.fills;
        }
        self.result.energy_j += flow.energy_j;
    }

    fn flow(&self, boundary: &Boundary, words: f64) -> Flow {
        let problem = self.problem;
        let &Boundary { tensor, parent, child, groups, share } = boundary;
        let cost = &problem.costs[parent];
        let accesses = if self.is_spared(boundary) { 0.0 } else { words * groups };
        let mut flow = Flow { reads: accesses, updates: 0.0, fills: 0.0, energy_j: 0.0 };
        if problem.shapes[tensor].output {
            // The first partial sum of every word is not fetched.
            flow.updates = accesses;
            flow.reads = (accesses - (share * groups).min(self.output_words[tensor])).max(0.0);
        }
        flow.energy_j = self.clusters[parent] * (flow.reads * cost.read_j + flow.updates * cost.update_j);
        if let Some(child) = child {
            flow.fills = (words - share).max(0.0);
            flow.energy_j += self.clusters[child] * flow.fills * problem.costs[child].fill_j;
        }
        flow
    }

    /// Whether neighbours may hand words to each other that the parent then does not read: how many depends on orders.
    fn is_spared(&self, boundary: &Boundary) -> bool {
        let between = boundary.child.map_or(0, |child| child + 1)..=boundary.parent;
        self.is_bound && self.problem.costs[between].iter().any(|cost| cost.linked)
    }
}

/// What the innermost loop does to a tile.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Moved,
    Still,
    Slid,
}

impl Crossing {
    fn kind(&self, problem: &Problem, dim: usize) -> Kind {
        match self.slid {
            Some((slides, _)) if slides == dim => Kind::Slid,
            _ if problem.shapes[self.boundary.tensor].uses.contains(dim) => Kind::Moved,
            _ => Kind::Still,
        }
    }
}

/// Energy and cycles of a crossing by kind of the innermost loop.
#[derive(Debug, Clone, Copy, Default)]
struct Prices {
    moved: (f64, f64),
    still: (f64, f64),
    slid: (f64, f64),
}

impl Prices {
    fn of(&self, kind: Kind) -> (f64, f64) {
        match kind {
            Kind::Moved => self.moved,
            Kind::Still => self.still,
            Kind::Slid => self.slid,
        }
    }
}

/// Words per instance.
struct Flow {
    reads: f64,
    updates: f64,
    fills: f64,
    energy_j: f64,
}

/// Cycles of a word that is read, if nothing is written.
fn read_cycles(cost: &LevelCost) -> f64 {
    cost.read_cycles.max(cost.shared_cycles)
}

/// Cycles of a word that is written, if nothing is read.
fn written_cycles(cost: &LevelCost) -> f64 {
    cost.write_cycles.max(cost.shared_cycles)
}

/// Different tiles among those of `counts` instances or steps per dimension: at least, or about.
fn distinct(shape: &Shape, counts: &[u64; MAX_DIMS], is_bound: bool) -> f64 {
    let of_rank = |rank: &Vec<(usize, u64)>| match is_bound || rank.len() == 1 {
        true => rank.iter().map(|&(dim, _)| counts[dim]).max().unwrap_or(1),
        false => 1 + rank.iter().map(|&(dim, _)| counts[dim] - 1).sum::<u64>(),
    };
    shape.groups.iter().map(|rank| of_rank(rank) as f64).product()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::constraints::MappingConstraints;
    use super::super::spread;
    use super::*;
    use crate::loop_nest::{
        AccessEnergy, Architecture, Bandwidth, Delivery, Einsum, Evaluator, Level, Loop, Mac, Mapping,
        Network, Quirks, Report, TensorSet, TensorSpec, Workspace,
    };

    fn level(name: &str, instances: u64, word_j: f64) -> Level {
        Level {
            name: name.to_owned(),
            instances,
            mesh_x: instances,
            word_bits: 8,
            block_words: 1,
            cluster_size: 1,
            entries: None,
            multiple_buffering: 2.0,
            bandwidth: Bandwidth { shared_words_per_cycle: Some(2.0), ..Bandwidth::default() },
            energy: AccessEnergy {
                read_j: word_j,
                fill_j: word_j,
                update_j: word_j,
                leak_j_per_cycle: 1e-13,
            },
            network: Network { delivery: Delivery::Systolic, ..Network::default() },
            reduces_in_place: true,
            area_m2: None,
        }
    }

    /// Three levels; two units below each of two register files.
    fn machine() -> Architecture {
        let mac = Mac { instances: 4, mesh_x: 4, word_bits: 8, energy_j: 1e-12, area_m2: None };
        let single = Level { multiple_buffering: 1.0, ..level("RF", 2, 1e-12) };
        let levels = vec![single, level("GLB", 1, 6e-12), level("DRAM", 1, 2e-10)];
        Architecture::new(mac, levels).expect("the machine is well formed")
    }

    fn layer(stride: u64) -> Einsum {
        let tensors = [
            TensorSpec::input("W", &[&[("K", 1)], &[("C", 1)], &[("R", 1)]]),
            TensorSpec::input("I", &[&[("C", 1)], &[("P", stride), ("R", 1)]]),
            TensorSpec::output("Z", &[&[("K", 1)], &[("P", 1)]]),
        ];
        Einsum::new(&[("K", 4), ("C", 4), ("P", 8), ("R", 3)], &tensors).expect("the layer is well formed")
    }

    /// Cycles and energy by the model, the loops of every level in the order of `order`.
    fn costed(evaluator: &Evaluator, candidate: &Candidate, order: &[usize]) -> (f64, f64) {
        let loops = |position: usize| {
            order.iter().map(|&dim| Loop::new(dim, candidate.factors[position][dim])).collect::<Vec<_>>()
        };
        let mut mapping = Mapping { levels: vec![Default::default(); 3] };
        for (index, entry) in mapping.levels.iter_mut().enumerate() {
            entry.keep = candidate.keep[index];
            entry.temporal = loops(index);
        }
        // The positions after the three levels are those in x below the register files and below the buffer.
        mapping.levels[0].spatial_x = loops(3);
        mapping.levels[1].spatial_x = loops(4);
        let mut report = Report::new();
        evaluator.evaluate(&mapping, &mut Workspace::new(), &mut report).expect("buffers are unlimited");
        (report.energy_j, report.cycles as f64)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        /// What makes a proof of the exhaustive search.
        #[test]
        fn the_bound_of_a_candidate_and_of_its_outer_levels_is_never_above_its_cost(
            stride in 1..4u64, pick in any::<prop::sample::Index>(), moves in prop::collection::vec(0..2usize, 16),
            keep in (0..8u8, 0..8u8), order in Just(vec![0usize, 1, 2, 3]).prop_shuffle()
        ) {
            let (architecture, einsum) = (machine(), layer(stride));
            let free = MappingConstraints::free(&architecture, &einsum);
            let problem = Problem::new(&architecture, &einsum, Objective::Energy, Quirks::default(), &free).unwrap();
            let mut candidate = pick.get(&spread::all(&problem)).clone();
            // Prime factors go inwards from DRAM one by one.
            for (index, &to) in moves.iter().enumerate() {
                let dim = index % 4;
                let left = candidate.factors[2][dim];
                if let Some(prime) = (2..=left).find(|&prime| left.is_multiple_of(prime)) {
                    candidate.factors[2][dim] /= prime;
                    candidate.factors[to][dim] *= prime;
                }
            }
            for (level, bits) in [keep.0, keep.1].into_iter().enumerate() {
                let kept = (0..3).filter(|tensor| bits >> tensor & 1 == 1);
                candidate.keep[level] = kept.fold(TensorSet::EMPTY, TensorSet::with);
            }
            let padded = einsum.with_sizes(&candidate.padded).unwrap();
            let evaluator = Evaluator::new(&architecture, &padded, Quirks::default()).unwrap();
            let (energy_j, cycles) = costed(&evaluator, &candidate, &order);
            for decided in 0..=3 {
                let bound = estimate(&problem, &candidate, Mode::Bound { decided }).expect("buffers are unlimited");
                prop_assert!(bound.energy_j <= energy_j * (1.0 + 1e-9), "{} > {energy_j}, {decided}", bound.energy_j);
                prop_assert!(bound.cycles <= cycles * (1.0 + 1e-9), "{} > {cycles}, {decided}", bound.cycles);
            }
        }
    }
}

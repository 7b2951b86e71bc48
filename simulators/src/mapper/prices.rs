//! What a word between two levels adds to energy and cycles under one unrolling: all that does not depend on tiles.
//!
//! A cost is a vector of *metrics*, each a sum over all crossings: energy; cycles if only work and what nothing hides
//! counted; and for each port of limited bandwidth, what nothing hides and its transfers that are no part of that. A run takes as
//! long as the longest of those cycles. A lower bound of each metric is one of the result.
//!
//! Let `F` be the words that one instance of the child fetches, `V` those of its tile, and `groups` the different tiles
//! among the instances of the child below one of the parent. Then the parent reads `F groups`, the child is filled with
//! `F`, and an output is updated with `F groups` words, of which the first time around are not read or filled.
//! Source: `loop_nest/traffic.rs`, `loop_nest/latency.rs` and `loop_nest/energy.rs`, of which this is the sum.

use super::plan::{Crossing, Plan};
use super::problem::{LevelCost, Problem, Way};
use super::unrolling::Unrolling;
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS, MAX_TENSORS};

/// Most metrics: energy, work, and this many ports less 2, the outermost first; ports beyond are left out of bounds. Ours: bounds
/// the size of a sum.
pub(super) const MAX_METRICS: usize = 10;

/// Share by which a sum of whole numbers may be off. Ours: some thousand roundings.
pub(super) const ROUNDING: f64 = 1e-12;

/// A value for each metric.
pub(super) type Metrics = [f64; MAX_METRICS];

/// Index of the energy, and of the cycles of work and what nothing hides.
pub(super) const ENERGY: usize = 0;
pub(super) const WORK: usize = 1;

/// What shares the bandwidth of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Shared,
}

/// A port of limited bandwidth.
#[derive(Debug, Clone, Copy)]
struct Port {
    level: usize,
    kind: Kind,
    /// Cycles of a word.
    cycles: f64,
}

/// What the words of a crossing cost, linear in `F` and in `V`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Toll {
    pub(super) per_word: Metrics,
    pub(super) per_tile_word: Metrics,
    pub(super) fixed: Metrics,
}

/// A crossing, and what of its toll does not depend on the unrolling.
struct Route {
    crossing: Crossing,
    /// Share of the words asked for that the parent reads.
    stored: f64,
    /// Ports of parent and child.
    ports: Vec<usize>,
    /// Levels outside of the child whose network costs energy.
    networks: Vec<usize>,
    /// Whether no level outside of the child takes longer to read a word than the parent, and to write one.
    reads_slowest: bool,
    writes_slowest: bool,
}

/// The tolls of one unrolling.
pub(super) struct Prices<'a> {
    problem: &'a Problem<'a>,
    routes: Vec<Route>,
    /// By crossing of the plan.
    pub(super) tolls: Vec<Toll>,
    ports: Vec<Port>,
    pub(super) n_metrics: usize,
    /// Instances of each level in use, and those that share an access counted once.
    used: [f64; MAX_LEVELS],
    clusters: [f64; MAX_LEVELS],
    /// By level and dimension: instances below one of the level that take different points.
    pub(super) widths: [[f64; MAX_DIMS]; MAX_LEVELS],
    /// By level: whether there are instances below one that may take different points.
    spreads: [bool; MAX_LEVELS],
    /// By level and tensor: different tiles among those instances, at least.
    groups: [[f64; MAX_TENSORS]; MAX_LEVELS],
    /// By level and tensor: hops of a word, at least.
    hops: [[f64; MAX_TENSORS]; MAX_LEVELS],
    /// Words of the tensors, padding included.
    words: [f64; MAX_TENSORS],
    /// Where every mapping starts.
    pub(super) start: Metrics,
    /// Leakage of a cycle.
    leak_j_per_cycle: f64,
}

impl<'a> Prices<'a> {
    pub(super) fn new(problem: &'a Problem<'a>, plan: &Plan) -> Self {
        let ports = ports(problem);
        Self {
            problem,
            routes: plan.crossings.iter().map(|&crossing| Route::new(problem, &ports, crossing)).collect(),
            tolls: Vec::new(),
            n_metrics: ports.len() + 2,
            ports,
            used: [1.0; MAX_LEVELS],
            clusters: [1.0; MAX_LEVELS],
            widths: [[1.0; MAX_DIMS]; MAX_LEVELS],
            spreads: std::array::from_fn(|level| {
                problem.places().any(|place| problem.positions[place].level == level)
            }),
            groups: [[1.0; MAX_TENSORS]; MAX_LEVELS],
            hops: [[0.0; MAX_TENSORS]; MAX_LEVELS],
            words: [1.0; MAX_TENSORS],
            start: [0.0; MAX_METRICS],
            leak_j_per_cycle: 0.0,
        }
    }

    /// Takes in `unrolling`.
    pub(super) fn set(&mut self, unrolling: &Unrolling) {
        let problem = self.problem;
        self.widths = [[1.0; MAX_DIMS]; MAX_LEVELS];
        for (index, place) in problem.places().enumerate() {
            let level = problem.positions[place].level;
            for dim in 0..problem.n_dims {
                self.widths[level][dim] *= unrolling.factor(problem, index, dim) as f64;
            }
        }
        let mut used = 1.0;
        self.leak_j_per_cycle = 0.0;
        for (level, cost) in problem.costs.iter().enumerate().rev() {
            self.used[level] = used;
            self.clusters[level] = match problem.quirks.spread_over_clusters {
                true => f64::min(used, (cost.instances / cost.cluster_size) as f64),
                false => (used / cost.cluster_size as f64).ceil(),
            };
            let leaking = if problem.quirks.idle_instances_gated { used } else { cost.instances as f64 };
            self.leak_j_per_cycle += cost.leak_j_per_cycle * leaking;
            if !self.spreads[level] {
                continue;
            }
            used *= self.widths[level][..problem.n_dims].iter().product::<f64>();
            for (tensor, shape) in problem.shapes.iter().enumerate() {
                let widths = &self.widths[level];
                self.groups[level][tensor] =
                    if level == 0 { shape.used_words(widths) } else { shape.distinct(widths) };
            }
            if cost.hop_j > 0.0 || cost.router_j > 0.0 {
                self.hops[level] = hops(problem, unrolling, level);
            }
        }
        let padded = unrolling.padded.map(|points| points as f64);
        for (words, shape) in self.words.iter_mut().zip(&problem.shapes) {
            *words = shape.words(&padded);
        }
        let iterations = unrolling.iterations();
        self.start = [0.0; MAX_METRICS];
        self.start[ENERGY] = iterations * used * problem.mac_j;
        let array_cycles = if problem.quirks.perfect_overlap { 0.0 } else { array_cycles(problem) };
        self.start[WORK] = iterations + array_cycles;
        for (metric, _) in self.ports.iter().enumerate() {
            self.start[metric + 2] = array_cycles;
        }
        let mut tolls = std::mem::take(&mut self.tolls);
        tolls.clear();
        tolls.extend(self.routes.iter().map(|route| self.toll(route)));
        self.tolls = tolls;
    }

    /// Leakage of a cycle.
    pub(super) fn leak_j_per_cycle(&self) -> f64 {
        self.leak_j_per_cycle
    }

    /// Energy and cycles that `metrics` amount to.
    #[inline]
    pub(super) fn total(&self, metrics: &Metrics) -> (f64, f64) {
        let cycles = metrics[WORK..self.n_metrics].iter().fold(0.0, |a: f64, &b| a.max(b));
        // Cycles are whole; the floating-point error of the sum must not make one of nothing.
        let cycles = (cycles * (1.0 - ROUNDING)).ceil();
        (metrics[ENERGY] + self.leak_j_per_cycle * cycles, cycles)
    }

    /// Instances below one of `parent` that hold different tiles of the level `child`.
    fn groups_between(&self, tensor: usize, child: Option<usize>, parent: usize) -> f64 {
        let levels = child.map_or(0, |child| child + 1)..=parent;
        levels.map(|level| self.groups[level][tensor]).product()
    }

    /// Of the words that one instance of the child fetches, those that are read above for all instances below `level`, at least.
    ///
    /// Neighbours may hand words of overlapping tiles to each other that the parent then does not read. Where a level lets the
    /// tensor pass, its network keeps the proportion of words that arrive to words that are sent, which is no more than the
    /// most instances that share a tile. Source: `loop_nest/delivery.rs`, `loop_nest/traffic.rs`.
    fn groups_read(&self, crossing: Crossing, level: usize) -> f64 {
        let shape = &self.problem.shapes[crossing.tensor];
        if !shape.slides || !self.problem.costs[level].linked {
            return self.groups[level][crossing.tensor];
        }
        let first = crossing.child.map_or(0, |child| child + 1);
        let widths = &self.widths[level];
        if level == first { shape.distinct_apart(widths) } else { shape.least_apart(widths) }
    }

    /// The share of a tensor that passes through one instance of `child`.
    fn share(&self, tensor: usize, child: Option<usize>) -> f64 {
        let shape = &self.problem.shapes[tensor];
        let levels = child.map_or(0, |child| child + 1)..self.problem.n_levels;
        // Of tiles that overlap the share is not known; more is taken off than there is.
        let groups =
            if shape.slides { 1.0 } else { levels.map(|level| self.groups[level][tensor]).product() };
        self.words[tensor] / groups
    }

    fn toll(&self, route: &Route) -> Toll {
        let Route { crossing, stored, .. } = *route;
        let Crossing { tensor, child, parent } = crossing;
        let (problem, shape) = (self.problem, &self.problem.shapes[tensor]);
        let between = child.map_or(0, |child| child + 1)..=parent;
        let groups: f64 = between.map(|level| self.groups_read(crossing, level)).product();
        let updates = if shape.output { 1.0 } else { 0.0 };
        let first_fills =
            if problem.quirks.first_sums_filled { 0.0 } else { updates * self.share(tensor, child) };
        let first_reads = updates
            * (self.share(tensor, child) * self.groups_between(tensor, child, parent))
                .min(self.words[tensor]);
        let mut toll = Toll {
            per_word: [0.0; MAX_METRICS],
            per_tile_word: [0.0; MAX_METRICS],
            fixed: [0.0; MAX_METRICS],
        };
        let above = &problem.costs[parent];
        let energy = self.clusters[parent] * groups;
        toll.per_word[ENERGY] = energy * (stored * above.read_j + updates * above.update_j);
        toll.fixed[ENERGY] = -self.clusters[parent] * above.read_j * first_reads;
        let filled = child.filter(|&child| problem.counts_fills(tensor, child));
        if let Some(child) = filled {
            let fill_j = self.clusters[child] * problem.costs[child].fill_j;
            toll.per_word[ENERGY] += fill_j;
            toll.fixed[ENERGY] -= fill_j * first_fills;
        }
        for &level in &route.networks {
            self.add_network(&mut toll, crossing, level);
        }
        let is_timed = !problem.quirks.perfect_overlap;
        let single = child.is_some_and(|child| problem.costs[child].single_buffered);
        for &index in &route.ports {
            let port = &self.ports[index];
            let (read, written) = (port.kind != Kind::Write, port.kind != Kind::Read);
            let Toll { per_word, per_tile_word, fixed } = &mut toll;
            let (per_word, per_tile_word, fixed) =
                (&mut per_word[index + 2], &mut per_tile_word[index + 2], &mut fixed[index + 2]);
            // What is waited for is no part of the pace: all that goes to a single buffer, else the first tile of an operand; the last
            // one of an output.
            let waits = is_timed && child.is_some();
            if port.level == parent {
                if read && !(waits && single) {
                    *per_word += port.cycles * groups * stored;
                    // A share of words is rounded up, for all and for the tile that is waited for.
                    let rounded = if stored < 1.0 { 1.0 } else { 0.0 };
                    *fixed -= port.cycles * (first_reads + rounded);
                    *per_tile_word -=
                        if waits && !shape.output { port.cycles * groups * stored } else { 0.0 };
                }
                if written {
                    *per_word += port.cycles * groups * updates;
                    *per_tile_word -= if waits { port.cycles * groups * updates } else { 0.0 };
                }
            }
            if Some(port.level) == filled && written && !(waits && single) {
                *per_word += port.cycles;
                *fixed -= port.cycles * first_fills;
                *per_tile_word -= if waits && !shape.output { port.cycles } else { 0.0 };
            }
        }
        if let Some(child) = child.filter(|_| is_timed) {
            self.expose(&mut toll, route, child, [first_fills, first_reads], groups);
        }
        toll
    }

    /// Adds the energy of words on their way through the network below `level`.
    fn add_network(&self, toll: &mut Toll, crossing: Crossing, level: usize) {
        let Crossing { tensor, child, .. } = crossing;
        let cost = &self.problem.costs[level];
        let quirks = self.problem.quirks;
        // What these quirks leave of hops and passes is not worked out here; a bound may leave all of it out.
        let is_scaled = quirks.hops_before_bypass && level > child.map_or(0, |child| child + 1);
        let is_halved = quirks.hops_one_way && !cost.reduces_in_place;
        let hops = if is_scaled || is_halved { 0.0 } else { self.hops[level][tensor] };
        let router_j = if quirks.truncated_passes { 0.0 } else { cost.router_j };
        let word_j = self.used[level] * (hops * cost.hop_j + (1.0 + hops.floor()) * router_j);
        let words = self.groups_between(tensor, child, level);
        let both_ways = self.problem.shapes[tensor].output && !cost.reduces_in_place;
        let stored = if level == crossing.parent { self.problem.stored(tensor, level) } else { 1.0 };
        toll.per_word[ENERGY] += word_j * words * if both_ways { 2.0 } else { stored };
        // The first partial sums go one way; a level that lets a tensor pass counts none as the first.
        if both_ways && level == crossing.parent {
            toll.fixed[ENERGY] -= word_j * self.share(tensor, Some(level));
        }
    }

    /// Adds the cycles of loads and stores that nothing hides, to all metrics of cycles. `firsts` are the words that a child
    /// is not filled with the first time around, and those that the parent does not read then, for `groups` of children.
    fn expose(&self, toll: &mut Toll, route: &Route, child: usize, firsts: [f64; 2], groups: f64) {
        let crossing = route.crossing;
        let (problem, shape) = (self.problem, &self.problem.shapes[crossing.tensor]);
        let cost = &problem.costs[child];
        let [first_fills, first_reads] = firsts;
        let (mut per_word, mut per_tile_word, mut fixed) = (0.0, 0.0, 0.0);
        let above = &problem.costs[crossing.parent];
        let supplied = read_cycles(above) * route.stored;
        let sets = self.groups_between(crossing.tensor, Some(child), crossing.parent);
        if cost.single_buffered {
            if problem.counts_fills(crossing.tensor, child) {
                per_word += written_cycles(cost);
                fixed -= written_cycles(cost) * first_fills;
            }
            if route.reads_slowest {
                per_word += supplied * groups;
                fixed -= supplied * first_reads;
            }
        } else if !shape.output {
            per_tile_word += written_cycles(cost);
            per_tile_word += if route.reads_slowest { supplied * sets } else { 0.0 };
        }
        if shape.output {
            per_tile_word += read_cycles(cost);
            per_tile_word += if route.writes_slowest { written_cycles(above) * sets } else { 0.0 };
        }
        for metric in WORK..self.n_metrics {
            toll.per_word[metric] += per_word;
            toll.per_tile_word[metric] += per_tile_word;
            toll.fixed[metric] += fixed;
        }
    }
}

impl Route {
    fn new(problem: &Problem, ports: &[Port], crossing: Crossing) -> Self {
        let Crossing { tensor, child, parent } = crossing;
        let first = child.map_or(0, |child| child + 1);
        // Levels above work side by side, so that only the slowest is sure to count.
        let is_slowest = |supply: fn(&LevelCost) -> f64| {
            let supply = |level: usize| supply(&problem.costs[level]);
            let above = first..problem.n_levels;
            above.max_by(|&a, &b| supply(a).total_cmp(&supply(b)).then(a.cmp(&b))) == Some(parent)
        };
        let is_met = |&index: &usize| ports[index].level == parent || Some(ports[index].level) == child;
        let has_network = |&level: &usize| {
            let cost = &problem.costs[level];
            !problem.shapes[tensor].slides && (cost.hop_j > 0.0 || cost.router_j > 0.0)
        };
        Self {
            crossing,
            stored: problem.stored(tensor, parent),
            ports: (0..ports.len()).filter(is_met).collect(),
            networks: (first..=parent).filter(has_network).collect(),
            reads_slowest: is_slowest(read_cycles),
            writes_slowest: is_slowest(written_cycles),
        }
    }
}

/// Cycles of a word that is read, if nothing is written.
fn read_cycles(cost: &LevelCost) -> f64 {
    cost.read_cycles.max(cost.shared_cycles)
}

/// Cycles of a word that is written, if nothing is read.
fn written_cycles(cost: &LevelCost) -> f64 {
    cost.write_cycles.max(cost.shared_cycles)
}

fn ports(problem: &Problem) -> Vec<Port> {
    let levels = problem.costs.iter().enumerate().rev();
    let ports = levels.flat_map(|(level, cost)| {
        let kinds = [
            (Kind::Read, cost.read_cycles),
            (Kind::Write, cost.write_cycles),
            (Kind::Shared, cost.shared_cycles),
        ];
        kinds.into_iter().map(move |(kind, cycles)| Port { level, kind, cycles })
    });
    ports.filter(|port| port.cycles > 0.0).take(MAX_METRICS - 2).collect()
}

/// Cycles in which arrays of neighbours fill and drain, at least: once each.
pub(super) fn array_cycles(problem: &Problem) -> f64 {
    let arrays = problem.costs.iter().filter_map(|cost| cost.array);
    let cycles: f64 = arrays.map(|[x, y]| x + y - 2.0).sum();
    // Counted from cycle 0.
    (cycles - 1.0).max(0.0)
}

/// Hops of a word of each tensor below `level`, on average over the sets of instances that share it.
/// Source: `loop_nest/spatial.rs`; instances are numbered along the loops, x inside y, and stand in the mesh by number.
fn hops(problem: &Problem, unrolling: &Unrolling, level: usize) -> [f64; MAX_TENSORS] {
    let (mesh_x, mesh_y) = problem.architecture.fanout(level);
    let middle = (mesh_y - 1) as f64 / 2.0;
    // Loops from the innermost: those in x, then those in y, the last dimension of each innermost.
    let mut loops = Vec::new();
    for way in [Way::X, Way::Y] {
        for (index, place) in problem.places().enumerate() {
            let position = problem.positions[place];
            if position.level == level && position.way == way {
                let factors =
                    (0..problem.n_dims).rev().map(|dim| (dim, unrolling.factor(problem, index, dim)));
                loops.extend(factors.filter(|&(_, factor)| factor > 1));
            }
        }
    }
    let n_instances: u64 = loops.iter().map(|&(_, factor)| factor).product();
    let mut hops = [0.0; MAX_TENSORS];
    if n_instances == 1 {
        return hops;
    }
    for (hops, shape) in hops.iter_mut().zip(&problem.shapes) {
        let n_sets: u64 =
            loops.iter().filter(|(dim, _)| shape.uses.contains(*dim)).map(|&(_, factor)| factor).product();
        // Set and column of every instance, and its row.
        let mut places: Vec<(u64, u64)> = Vec::with_capacity(n_instances as usize);
        for number in 0..n_instances {
            let (mut rest, mut set, mut n) = (number, 0, 1);
            for &(dim, factor) in &loops {
                if shape.uses.contains(dim) {
                    set += rest % factor * n;
                    n *= factor;
                }
                rest /= factor;
            }
            places.push((set * mesh_x + number % mesh_x, number / mesh_x));
        }
        places.sort_unstable();
        for set in places.chunk_by(|a, b| a.0 / mesh_x == b.0 / mesh_x) {
            let farthest = set.last().map_or(0, |&(column, _)| column % mesh_x);
            *hops += farthest as f64;
            for column in set.chunk_by(|a, b| a.0 == b.0) {
                let row = |place: Option<&(u64, u64)>| place.map_or(middle, |&(_, row)| row as f64);
                *hops += (middle - row(column.first())).max(0.0) + (row(column.last()) - middle).max(0.0);
            }
        }
        *hops /= n_sets as f64;
    }
    hops
}

//! Energy and cycles from a candidate's factors alone, its loop orders left open: a bound, or a guess.
//!
//! For every boundary between a level and the next one that keeps a tensor, words follow from the tile and from which
//! dimension runs innermost above it: tensors that it indexes move with every iteration, the others stay for as long
//! as the loops right above the tile leave them where they are. The bound takes the cheapest dimension and everything
//! that a sliding window can save at best; the guess takes what it saves mostly. As a bound it also takes candidates
//! whose inner levels are not decided yet: there, every instance receives each word that it needs at least once.

use super::candidate::Candidate;
use super::crossing::{Outside, View};
use super::ledger::{Least, Ledger, Toll};
use super::options::Objective;
use super::problem::{LevelCost, Problem};
use super::tiling::Tiling;
use crate::loop_nest::{MAX_LEVELS, MAX_TENSORS};

/// The result.
#[derive(Debug, Clone, Copy)]
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

/// Scratch memory for estimates, one after the other.
pub(super) struct Estimator<'a> {
    problem: &'a Problem<'a>,
    decided: usize,
    /// Iterations in time outside of the level looked at, and the innermost level that has some.
    iterations: f64,
    run: Option<usize>,
    /// By tensor: the level that supplies it, different tiles among the instances below that, and from the top.
    parents: [Option<usize>; MAX_TENSORS],
    groups: [f64; MAX_TENSORS],
    all_groups: [f64; MAX_TENSORS],
    /// Instances in use by level, and those that share an access counted once.
    used: [f64; MAX_LEVELS],
    clusters: [f64; MAX_LEVELS],
    /// Cycles of each level that nothing hides: for first tiles, or at a single-buffered level for what supplies them,
    /// and for last ones.
    loaded: [f64; MAX_LEVELS],
    stored: [f64; MAX_LEVELS],
    ledger: Ledger,
}

impl<'a> Estimator<'a> {
    pub(super) fn new(problem: &'a Problem<'a>) -> Self {
        Self {
            problem,
            decided: 0,
            iterations: 1.0,
            run: None,
            parents: [None; MAX_TENSORS],
            groups: [1.0; MAX_TENSORS],
            all_groups: [1.0; MAX_TENSORS],
            used: [1.0; MAX_LEVELS],
            clusters: [1.0; MAX_LEVELS],
            loaded: [0.0; MAX_LEVELS],
            stored: [0.0; MAX_LEVELS],
            ledger: Ledger::new(),
        }
    }

    /// About what `candidate` costs with its best orders, or `None` if a tile does not fit or a tensor is not kept as
    /// a whole. All factors are there, and `tiling` is what follows from them.
    pub(super) fn guess(&mut self, candidate: &Candidate, tiling: &Tiling) -> Option<Estimate> {
        let least = match self.problem.objective {
            Objective::Latency => Least::Cycles,
            Objective::Energy | Objective::EnergyDelay => Least::Energy,
        };
        self.decided = 0;
        fits(self.problem, candidate, tiling, 0).then(|| self.pass::<false>(candidate, tiling, least))?
    }

    /// No legal completion of `candidate` costs less; `None` if there is none. Factors in time are those of levels
    /// from `decided` outwards.
    pub(super) fn bound(&mut self, candidate: &Candidate, decided: usize) -> Option<Estimate> {
        let tiling = Tiling::new(self.problem, candidate, decided);
        self.decided = decided;
        let fits = fits(self.problem, candidate, &tiling, decided);
        fits.then(|| self.pass::<true>(candidate, &tiling, Least::Each))?
    }
}

/// Whether all tiles that are known fit.
fn fits(problem: &Problem, candidate: &Candidate, tiling: &Tiling, decided: usize) -> bool {
    (decided.saturating_sub(1)..problem.n_levels).all(|level| {
        problem.costs[level].capacity_words.is_none_or(|have| {
            let kept = candidate.keep[level];
            let words = tiling.words[level][..problem.shapes.len()].iter().enumerate();
            words.filter(|&(tensor, _)| kept.contains(tensor)).map(|(_, words)| words).sum::<f64>()
                <= have as f64
        })
    })
}

impl Estimator<'_> {
    /// Goes through the levels from the outermost inwards.
    fn pass<const BOUND: bool>(
        &mut self,
        candidate: &Candidate,
        tiling: &Tiling,
        least: Least,
    ) -> Option<Estimate> {
        let problem = self.problem;
        self.ledger.clear(least);
        (self.iterations, self.run) = (1.0, None);
        self.loaded = [0.0; MAX_LEVELS];
        self.stored = [0.0; MAX_LEVELS];
        self.parents = [None; MAX_TENSORS];
        self.groups = [1.0; MAX_TENSORS];
        self.all_groups = [1.0; MAX_TENSORS];
        let view = View::<BOUND> { problem, candidate, tiling };
        let mut instances = 1.0;
        for level in (0..problem.n_levels).rev() {
            self.used[level] = instances;
            let cluster_size = problem.costs[level].cluster_size;
            self.clusters[level] =
                if cluster_size == 1 { instances } else { (instances / cluster_size as f64).ceil() };
            if level + 1 < self.decided {
                self.keep_undecided(view, level);
            } else {
                self.keep(view, level)?;
            }
            instances *= self.enter(view, level);
        }
        self.ledger.settle();
        let iterations = tiling.macs / instances;
        for tensor in 0..problem.shapes.len() {
            let toll = self.toll(view, tensor, self.parents[tensor]?, None);
            self.ledger.book(&toll, iterations);
        }
        Some(self.total(tiling.macs, iterations))
    }

    fn total(&self, macs: f64, iterations: f64) -> Estimate {
        let (problem, ledger) = (self.problem, &self.ledger);
        let mut cycles = iterations;
        // Levels work side by side, so the slowest alone sets the steady pace; reads and writes of one level may have ports of
        // their own or share one, and whichever is short of bandwidth counts.
        for (level, cost) in problem.costs.iter().enumerate() {
            let (read, written) = (ledger.reads[level], ledger.writes[level]);
            let busy = (read * cost.read_cycles)
                .max(written * cost.write_cycles)
                .max((read + written) * cost.shared_cycles);
            cycles = cycles.max(busy);
        }
        if !problem.quirks.perfect_overlap {
            cycles += self.exposed();
        }
        // Leakage comes last: it is charged for the cycles, which all else has to be known for.
        let mut energy_j = ledger.energy_j + macs * problem.mac_j;
        for (level, cost) in problem.costs.iter().enumerate() {
            let gated = problem.quirks.idle_instances_gated;
            let leaking = if gated { self.used[level] } else { cost.instances as f64 };
            energy_j += cost.leak_j_per_cycle * cycles * leaking;
        }
        Estimate { energy_j, cycles, innermost: ledger.innermost }
    }

    /// Passes the loops of `level` on the way inwards. Returns the instances in use below one of it.
    fn enter<const BOUND: bool>(&mut self, view: View<BOUND>, level: usize) -> f64 {
        let (problem, tiling) = (self.problem, view.tiling);
        let [x, y] = tiling.across[level];
        if !tiling.loops[level].is_empty() && level >= self.decided {
            self.iterations *= tiling.steps[level];
            self.run = Some(level);
        }
        if x * y > 1.0 {
            for (tensor, shape) in problem.shapes.iter().enumerate() {
                // Instances that are given the same words are one group, and the parent reads for a group once. With a remainder
                // over instances some groups are not full: a bound takes the fewest that there can be.
                let (about, least) = tiling.groups[level][tensor];
                let groups = if BOUND { least } else { about };
                self.groups[tensor] *= groups;
                // Windows of neighbours overlap, so their words do not add up to the tensor: nothing is divided by them.
                self.all_groups[tensor] *= if shape.slides { 1.0 } else { groups };
            }
        }
        x * y
    }

    /// Fills `level` with tiles that are known.
    fn keep<const BOUND: bool>(&mut self, view: View<BOUND>, level: usize) -> Option<()> {
        let View { problem, candidate, tiling } = view;
        let run = self.run.map(|run| (run, tiling.loops[run]));
        self.ledger.open(run, problem.shapes.len());
        let cost = &problem.costs[level];
        // By level above: words that it reads or takes in. Levels work side by side.
        let (mut read_above, mut written_above) = ([0.0; MAX_LEVELS], [0.0; MAX_LEVELS]);
        let (mut load, mut store) = (0.0, 0.0);
        for (tensor, shape) in problem.shapes.iter().enumerate() {
            if !candidate.keep[level].contains(tensor) {
                continue;
            }
            let Some(parent) = self.parents[tensor] else {
                if !problem.quirks.unbacked_tensors && !view.is_whole(level, shape) {
                    return None;
                }
                self.adopt(tensor, level);
                continue;
            };
            let words = tiling.words[level][tensor];
            // Overlapping windows are read from the parent once where it can tell: a bound has to assume that it can.
            let sets = if BOUND && shape.slides { 1.0 } else { self.groups[tensor] };
            if shape.output {
                store += words;
                written_above[parent] += words * sets;
            } else {
                load += words;
                read_above[parent] += words * sets;
            }
            let outside =
                Outside { iterations: self.iterations, run: self.run, innermost: &self.ledger.innermost };
            let crossing = view.crossing(outside, tensor, level, parent);
            let toll = self.toll(view, tensor, parent, Some(level));
            self.ledger.add(toll, crossing);
            self.adopt(tensor, level);
        }
        // First tiles of a level come from several parents at once, which do not wait for each other.
        let (mut above_load, mut above_store) = (0.0f64, 0.0f64);
        for (above, cost) in problem.costs.iter().enumerate().skip(level + 1) {
            above_load = above_load.max(read_above[above] * read_cycles(cost));
            above_store = above_store.max(written_above[above] * written_cycles(cost));
        }
        // What fills a single-buffered level is known once the loops are chosen.
        let load = if cost.single_buffered { 0.0 } else { load * written_cycles(cost) };
        self.loaded[level] = above_load + load;
        self.stored[level] = above_store + store * read_cycles(cost);
        Some(())
    }

    /// Cycles that nothing hides: see `loop_nest/latency.rs`.
    fn exposed(&self) -> f64 {
        let (costs, ledger) = (&self.problem.costs, &self.ledger);
        let (mut exchange, mut array) = (0.0, 0.0);
        for (level, cost) in costs.iter().enumerate() {
            let fills = if cost.single_buffered { ledger.fills[level] * written_cycles(cost) } else { 0.0 };
            let loaded = self.loaded[level] + fills;
            // Exchanges follow each other from level to level: an inner level can only be filled with what has come in.
            exchange += loaded + self.stored[level];
            if let Some([x, y]) = costs.get(level + 1).and_then(|parent| parent.array) {
                // A wave takes x + y - 2 cycles to cross a systolic array, each time it starts; shifting a new tile in takes a cycle
                // a row, but for what the load above hides.
                array += ledger.passes[level] * (x + y - 2.0) + (ledger.shifted[level] * y - loaded).max(0.0);
            }
        }
        if let Some([x, y]) = costs[0].array {
            array += x + y - 2.0;
        }
        // Counted from cycle 0.
        exchange + (array - 1.0).max(0.0)
    }

    /// Fills `level` with tiles that are not known: every instance receives what it needs at least once.
    fn keep_undecided<const BOUND: bool>(&mut self, view: View<BOUND>, level: usize) {
        let View { problem, candidate, tiling } = view;
        // What the loops outside leave for one instance, as if it were kept whole: less than this nothing can receive, however
        // the steps that are not decided are divided.
        let mut reached = candidate.padded.map(|points| points as f64);
        for outer in level + 1..problem.n_levels {
            reached.iter_mut().zip(&tiling.blocks[outer]).for_each(|(points, width)| *points /= width);
        }
        for (tensor, shape) in problem.shapes.iter().enumerate() {
            if candidate.keep[level].contains(tensor) {
                if let Some(parent) = self.parents[tensor] {
                    let (_, words) = shape.distinct(&reached);
                    let toll = self.toll(view, tensor, parent, Some(level));
                    self.ledger.book(&toll, words);
                }
                self.adopt(tensor, level);
            }
        }
    }

    fn adopt(&mut self, tensor: usize, level: usize) {
        self.parents[tensor] = Some(level);
        self.groups[tensor] = 1.0;
    }

    fn toll<const BOUND: bool>(
        &self,
        view: View<BOUND>,
        tensor: usize,
        parent: usize,
        child: Option<usize>,
    ) -> Toll {
        let problem = self.problem;
        let groups = self.groups[tensor];
        // Neighbours may hand words to each other that the parent then does not read: how many depends on orders.
        let linked = |level: usize| problem.costs[level].linked;
        let is_spared = BOUND && (child.map_or(0, |child| child + 1)..=parent).any(linked);
        let cost = &problem.costs[parent];
        let price = |level: usize, energy_j: f64, cycles: f64| [self.clusters[level] * energy_j, cycles];
        let mut toll = Toll {
            parent,
            child,
            accesses: if is_spared { 0.0 } else { groups },
            // Tiles that a single-buffered level waits for while a systolic array takes them in.
            tile: child
                .filter(|&child| problem.costs[child + 1].array.is_some() && child + 1 >= self.decided)
                .map(|child| view.tiling.words[child][tensor]),
            waits: child.is_some_and(|child| problem.costs[child].single_buffered),
            first_reads: 0.0,
            first_fills: 0.0,
            updates: 0.0,
            read: price(parent, cost.read_j, read_cycles(cost)),
            update: price(parent, cost.update_j, written_cycles(cost)),
            fill: child.map_or([0.0; 2], |child| {
                price(child, problem.costs[child].fill_j, written_cycles(&problem.costs[child]))
            }),
        };
        if problem.shapes[tensor].output {
            // The outermost tile is the whole tensor.
            let words = view.tiling.words[problem.n_levels - 1][tensor];
            let share = words / self.all_groups[tensor];
            // The first partial sum of every word is not fetched.
            toll.first_reads = (share * groups).min(words);
            toll.first_fills = share;
            toll.updates = 1.0;
        }
        toll
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::constraints::MappingConstraints;
    use super::super::unrolling;
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
            let mut candidate = pick.get(&unrolling::all(&problem)).clone();
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
                let bound = Estimator::new(&problem).bound(&candidate, decided).expect("buffers are unlimited");
                prop_assert!(bound.energy_j <= energy_j * (1.0 + 1e-9), "{} > {energy_j}, {decided}", bound.energy_j);
                prop_assert!(bound.cycles <= cycles * (1.0 + 1e-9), "{} > {cycles}, {decided}", bound.cycles);
            }
        }
    }
}

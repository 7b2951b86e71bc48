//! Bounds of all mappings, whatever their unrolling: of what a search goes by, and, closer, of what is said at its end.
//!
//! Words count that some access uses, once each, not those that a tile steps over.

use super::prices::{ROUNDING, array_cycles};
use super::problem::Problem;
use crate::loop_nest::MAX_DIMS;

/// What a bound counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Work, units that are fed, and each word once between the outermost level and the next one: most of the rest shows in the outlines of
    /// unrollings.
    Outermost,
    /// Also each word once at every level that must keep its tensor, in energy; in cycles, each word that is filled into such a level, and
    /// what feeds the units; leakage; arrays that fill and drain; and no more instances than the dimensions can run over.
    All,
}

/// Energy and cycles that no mapping is below.
pub(super) fn compulsory(problem: &Problem, counted: Counted) -> (f64, f64) {
    let sizes = problem.sizes.map(|size| size as f64);
    let macs: f64 = sizes[..problem.n_dims].iter().product();
    let of_tensors = 0..problem.shapes.len();
    let energy_j = of_tensors.fold(macs * problem.mac_j, |energy_j, tensor| {
        energy_j + compulsory_energy(problem, counted, tensor, macs, &sizes)
    });
    let transfers = |level: usize| compulsory_transfers(problem, counted, level, macs, &sizes);
    if counted == Counted::Outermost {
        let units: f64 = problem.places().map(|place| problem.positions[place].limit as f64).product();
        return (energy_j, (macs / units).max(transfers(problem.n_levels - 1)));
    }
    let cycles = (0..problem.n_levels).map(transfers).fold(fewest_iterations(problem), f64::max);
    let cycles = cycles + if problem.quirks.perfect_overlap { 0.0 } else { array_cycles(problem) };
    let gated = problem.quirks.idle_instances_gated;
    let leaking = problem
        .costs
        .iter()
        .map(|cost| if gated { 1.0 } else { cost.instances as f64 } * cost.leak_j_per_cycle);
    (energy_j + leaking.sum::<f64>() * cycles, cycles)
}

/// Instances below the levels from `first` to `last` that may be told apart by nothing that `tensor` uses, at most.
fn alike(problem: &Problem, tensor: usize, first: usize, last: usize) -> f64 {
    let shape = &problem.shapes[tensor];
    let places = problem.positions[problem.places()].iter();
    // Indices that add up can be alike, too.
    let idle = places.filter(|place| shape.slides || place.dims.iter().any(|dim| !shape.uses.contains(dim)));
    idle.filter(|place| (first..=last).contains(&place.level)).map(|place| place.limit as f64).product()
}

/// Cycles that a port of `level` is busy at least. Words on their way to a level further in count at the outermost level alone: below it, the
/// first of them may be waited for elsewhere.
fn compulsory_transfers(
    problem: &Problem,
    counted: Counted,
    level: usize,
    macs: f64,
    sizes: &[f64; MAX_DIMS],
) -> f64 {
    let (top, cost) = (problem.n_levels - 1, &problem.costs[level]);
    let (mut read, mut written) = (0.0, 0.0);
    let shapes = problem.shapes.iter().enumerate();
    for (tensor, shape) in shapes.filter(|&(tensor, _)| problem.must_keep[level].contains(tensor)) {
        let (words, stored) = (shape.used_words(sizes), problem.stored(tensor, level));
        let feeds_units = (0..level).all(|inner| !problem.may_keep[inner].contains(tensor));
        let is_filled = (level + 1..=top).any(|outer| problem.must_keep[outer].contains(tensor))
            && problem.counts_fills(tensor, level);
        if feeds_units && counted == Counted::All {
            let (reads, updates) = fed(problem, tensor, level, macs, sizes);
            read += reads;
            written += updates;
        } else if level == top {
            *if shape.output { &mut written } else { &mut read } += stored * words;
        }
        written += if is_filled && !shape.output { words } else { 0.0 };
    }
    let cycles =
        (read * cost.read_cycles).max(written * cost.write_cycles).max((read + written) * cost.shared_cycles);
    cycles / cost.instances as f64
}

/// Words of `tensor` that are read at `level` and updated there at least, if it feeds the units.
fn fed(problem: &Problem, tensor: usize, level: usize, macs: f64, sizes: &[f64; MAX_DIMS]) -> (f64, f64) {
    let shape = &problem.shapes[tensor];
    let accesses = macs / alike(problem, tensor, 0, level);
    if !shape.output {
        return (accesses * problem.stored(tensor, level), 0.0);
    }
    // Each of those that add to one sum begins it once, without reading it: of all words that tiles count, those stepped over included.
    let first = shape.words(sizes) * alike(problem, tensor, level + 1, problem.n_levels - 1);
    ((accesses - first).max(0.0), accesses)
}

/// What the accesses for `tensor` take at least: of the units to the level that supplies them, and of each level outside of that which must
/// keep the tensor, once a word.
fn compulsory_energy(
    problem: &Problem,
    counted: Counted,
    tensor: usize,
    macs: f64,
    sizes: &[f64; MAX_DIMS],
) -> f64 {
    let (shape, top) = (&problem.shapes[tensor], problem.n_levels - 1);
    let words = shape.used_words(sizes);
    let must_keep = |level: usize| problem.must_keep[level].contains(tensor);
    // Of each word that comes to a level from one further out.
    let filled_j = |level: usize| {
        let is_filled =
            !shape.output && (level + 1..=top).any(must_keep) && problem.counts_fills(tensor, level);
        if is_filled && counted == Counted::All { problem.costs[level].fill_j } else { 0.0 }
    };
    let mut least = f64::INFINITY;
    for level in 0..problem.n_levels {
        if !problem.may_keep[level].contains(tensor) {
            continue;
        }
        let cost = &problem.costs[level];
        let (reads, updates) = fed(problem, tensor, level, macs, sizes);
        let own_j = reads * cost.read_j + updates * cost.update_j + words * filled_j(level);
        let outer_j = |outer: usize| {
            let cost = &problem.costs[outer];
            let handed_j =
                if shape.output { cost.update_j } else { problem.stored(tensor, outer) * cost.read_j };
            words * (handed_j + filled_j(outer)) / cost.cluster_size as f64
        };
        let outside = (level + 1..=top).filter(|&outer| outer == top || counted == Counted::All);
        let outer_j: f64 = outside.filter(|&outer| must_keep(outer)).map(outer_j).sum();
        least = least.min(own_j / cost.cluster_size as f64 + outer_j);
        if must_keep(level) {
            break;
        }
    }
    least
}

/// Iterations in time that every unrolling takes: those over some of the dimensions are divided over the places that may run one of them
/// alone.
fn fewest_iterations(problem: &Problem) -> f64 {
    let mut fewest = 1.0f64;
    for set in 1u32..1 << problem.n_dims {
        let has = |dim: usize| set >> dim & 1 == 1;
        let points: f64 =
            (0..problem.n_dims).filter(|&dim| has(dim)).map(|dim| problem.sizes[dim] as f64).product();
        let places = problem.positions[problem.places()].iter().filter(|place| place.dims.iter().any(has));
        let units: f64 = places.map(|place| place.limit as f64).product();
        fewest = fewest.max(points / units);
    }
    // Whole; the floating-point error of the quotient must not make one of nothing.
    (fewest * (1.0 - ROUNDING)).ceil()
}

#[cfg(test)]
mod tests {
    use super::super::constraints::MappingConstraints;
    use super::super::options::{Objective, Options};
    use super::super::search::best_mapping;
    use super::*;
    use crate::architectures::{ARCHITECTURES, architecture, from_toml};
    use crate::gemmini::{GemminiDataflow, GemminiSetting, GemminiTemplate};
    use crate::loop_nest::{Architecture, Einsum, Quirks, TensorSpec};
    use crate::networks::network;
    use crate::technology::{DramKind, Node};

    /// Whether what is compulsory is more than what the loose bound says, in energy or cycles.
    fn is_closer(
        machine: &Architecture,
        layer: &Einsum,
        constraints: &MappingConstraints,
        quirks: Quirks,
    ) -> bool {
        let problem = Problem::new(machine, layer, quirks, constraints).unwrap();
        let [(least_j, least_cycles), loose] =
            [Counted::All, Counted::Outermost].map(|counted| compulsory(&problem, counted));
        for objective in Objective::ALL {
            let options = Options { effort: 20_000, quirks, ..Options::quick() };
            let report = best_mapping(machine, layer, objective, constraints, options).unwrap().report;
            assert!(least_j <= report.energy_j * (1.0 + 1e-12), "{least_j} J, {} J", report.energy_j);
            assert!(least_cycles <= report.cycles as f64, "{least_cycles}, {} cycles", report.cycles);
        }
        assert!(least_j >= loose.0 * (1.0 - 1e-12) && least_cycles >= loose.1 * (1.0 - 1e-12));
        least_j > 1.001 * loose.0 || least_cycles > 1.001 * loose.1
    }

    fn layer(id: &str, name: &str) -> Einsum {
        let network = network(id).unwrap();
        network.layers().iter().find(|layer| layer.name() == name).unwrap().einsum().clone()
    }

    // Law: no mapping that a search finds for any goal is below what is compulsory, which is no less than the loose bound. The layer of
    // stride 2 has windows of one point: tiles of one point fetch none of the words that the box around the whole steps over.
    #[test]
    fn no_mapping_is_below_what_is_compulsory() {
        let mut layers: Vec<Einsum> =
            [("alexnet", 0), ("alexnet", 2), ("resnet50", 1), ("mobilenet-v2", 1), ("bert-base", 0)]
                .map(|(id, index)| network(id).unwrap().layers()[index].einsum().clone())
                .into();
        layers.push(layer("resnet50", "layer2.0.downsample"));
        let setting = GemminiSetting {
            node: Node::new(22).unwrap(),
            clock_hz: 1e9,
            dram: DramKind::Lpddr4,
            dataflow: GemminiDataflow::WeightStationary,
        };
        let template = GemminiTemplate { array: 16, scratchpad_bytes: 32 << 10, accumulator_bytes: 8 << 10 };
        let gemmini = template.architecture(&setting).unwrap();
        for quirks in [Quirks::default(), Quirks::timeloop_compat()] {
            let mut n_closer = 0;
            for layer in &layers {
                for row in ARCHITECTURES {
                    let machine = architecture(row.id).unwrap();
                    let constraints = MappingConstraints::free(&machine, layer);
                    n_closer += usize::from(is_closer(&machine, layer, &constraints, quirks));
                }
                let dataflow = GemminiDataflow::WeightStationary.constraints(layer);
                n_closer += usize::from(is_closer(&gemmini, layer, &dataflow, quirks));
            }
            assert!(n_closer >= 18, "{n_closer} of 24 closer");
        }
    }

    /// A window of `r` points over `p`, of step `stride`.
    fn window(p: u64, r: u64, stride: u64) -> Einsum {
        let tensors = [
            TensorSpec::input("W", &[&[("R", 1)]]),
            TensorSpec::input("I", &[&[("P", stride), ("R", 1)]]),
            TensorSpec::output("O", &[&[("P", 1)]]),
        ];
        Einsum::new(&[("P", p), ("R", r)], &tensors).unwrap()
    }

    const LINKED: &str = r#"
[mac]
instances = 4
mesh_x = 4
word_bits = 8
energy_j = 0.0
[[levels]]
name = "register"
instances = 4
mesh_x = 4
word_bits = 8
energy = { read_j = 0.0, fill_j = 1e-12, update_j = 0.0 }
[[levels]]
name = "buffer"
instances = 2
mesh_x = 2
word_bits = 8
energy = { read_j = 1e-18, fill_j = 0.0, update_j = 0.0 }
network = { neighbour_links = true }
[[levels]]
name = "memory"
instances = 1
mesh_x = 1
word_bits = 8
energy = { read_j = 1e-18, fill_j = 0.0, update_j = 0.0 }
"#;

    // Claim: words of a window that neighbours may hand on below one of two parents count as filled only where they are not averaged over
    // the instances below both. By hand: 16 words of inputs, 9 of weights, each filled once into registers at 1 pJ.
    #[test]
    fn words_from_neighbours_count_as_filled_where_they_do() {
        let (machine, layer) = (from_toml(LINKED, "linked").unwrap(), window(8, 9, 1));
        let constraints = MappingConstraints::keep_all(&machine, &layer);
        for (peers_over_all_instances, n_filled) in [(false, 25.0), (true, 9.0)] {
            let quirks = Quirks { peers_over_all_instances, ..Quirks::default() };
            let problem = Problem::new(&machine, &layer, quirks, &constraints).unwrap();
            let (least_j, _) = compulsory(&problem, Counted::All);
            assert!((least_j * 1e12 - n_filled).abs() < 1e-3, "{least_j} J");
            is_closer(&machine, &layer, &constraints, quirks);
        }
    }

    // Claim: the words that all points use are those that stepping through them names, or fewer where three indices add up; boxes count as
    // many. The second is indexed twice by one dimension.
    #[test]
    fn words_in_use_are_those_that_points_name() {
        let ranks: [&[&[(&str, u64)]]; 6] = [
            &[&[("A", 2), ("B", 1)]],
            &[&[("A", 1)], &[("A", 1), ("B", 3)]],
            &[&[("A", 4), ("B", 6)], &[("C", 3)]],
            &[&[("A", 7), ("B", 2), ("C", 2)]],
            &[&[("A", 2)]],
            &[&[("A", 5), ("B", 3)]],
        ];
        for sizes in [[4, 3, 2], [2, 5, 3], [6, 1, 2]] {
            for ranks in ranks {
                let tensors = [TensorSpec::input("I", ranks), TensorSpec::output("O", &[&[("A", 1)]])];
                let dims = [("A", sizes[0]), ("B", sizes[1]), ("C", sizes[2])];
                let layer = Einsum::new(&dims, &tensors).unwrap();
                let machine = architecture("edge-like").unwrap();
                let constraints = MappingConstraints::free(&machine, &layer);
                let mut named = std::collections::BTreeSet::new();
                for (a, b, c) in (0..sizes[0])
                    .flat_map(|a| (0..sizes[1]).flat_map(move |b| (0..sizes[2]).map(move |c| (a, b, c))))
                {
                    let point = |&(dim, step): &(&str, u64)| {
                        step * match dim {
                            "A" => a,
                            "B" => b,
                            _ => c,
                        }
                    };
                    named.insert(ranks.iter().map(|rank| rank.iter().map(point).sum()).collect::<Vec<u64>>());
                }
                let is_exact =
                    ranks.iter().all(|rank| rank.len() < 3) && ranks.len() < 2 || ranks[0].len() == 2;
                for quirks in [Quirks::default(), Quirks::timeloop_compat()] {
                    let problem = Problem::new(&machine, &layer, quirks, &constraints).unwrap();
                    let used = problem.shapes[0].used_words(&problem.sizes.map(|size| size as f64));
                    let n_named = named.len() as f64;
                    assert!(
                        used <= n_named && (used == n_named || !is_exact),
                        "{ranks:?} {sizes:?}: {used}, {n_named}"
                    );
                }
            }
        }
    }
}

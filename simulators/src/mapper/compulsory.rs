//! A bound of all mappings, for the end of a search: every level that must keep a tensor takes each word in and hands it on, ports are
//! busy with that, levels leak all the while, arrays fill and drain, and no more instances take part than the dimensions can run over.
//!
//! What a search goes by is looser ([`super::outline::relaxed`]): of what is closer here most shows in the outlines of its unrollings.

use super::outline::alike;
use super::prices::{ROUNDING, array_cycles};
use super::problem::Problem;
use crate::loop_nest::MAX_DIMS;

/// Energy and cycles that no mapping is below.
pub(super) fn compulsory(problem: &Problem) -> (f64, f64) {
    let sizes = problem.sizes.map(|size| size as f64);
    let macs: f64 = sizes[..problem.n_dims].iter().product();
    let mut energy_j = macs * problem.mac_j;
    for tensor in 0..problem.shapes.len() {
        energy_j += compulsory_energy(problem, tensor, macs, &sizes);
    }
    let transfers = (0..problem.n_levels).map(|level| compulsory_transfers(problem, level, macs, &sizes));
    let cycles = transfers.fold(fewest_iterations(problem), f64::max);
    let cycles = cycles + if problem.quirks.perfect_overlap { 0.0 } else { array_cycles(problem) };
    let gated = problem.quirks.idle_instances_gated;
    let leaking = problem
        .costs
        .iter()
        .map(|cost| if gated { 1.0 } else { cost.instances as f64 } * cost.leak_j_per_cycle);
    (energy_j + leaking.sum::<f64>() * cycles, cycles)
}

/// Cycles that a port of `level` is busy at least. Words on their way to a level further in count at the outermost level alone: below it, the
/// first of them may be waited for elsewhere.
fn compulsory_transfers(problem: &Problem, level: usize, macs: f64, sizes: &[f64; MAX_DIMS]) -> f64 {
    let (top, cost) = (problem.n_levels - 1, &problem.costs[level]);
    let (mut read, mut written) = (0.0, 0.0);
    let shapes = problem.shapes.iter().enumerate();
    for (tensor, shape) in shapes.filter(|&(tensor, _)| problem.must_keep[level].contains(tensor)) {
        let (words, stored) = (shape.words(sizes), problem.stored(tensor, level));
        let feeds_units = (0..level).all(|inner| !problem.may_keep[inner].contains(tensor));
        let is_filled = (level + 1..=top).any(|outer| problem.must_keep[outer].contains(tensor));
        if feeds_units {
            let accesses = macs / alike(problem, tensor, 0, level);
            let first = words * alike(problem, tensor, level + 1, top);
            read += if shape.output { (accesses - first).max(0.0) } else { stored * accesses };
            written += if shape.output { accesses } else { 0.0 };
        } else if level == top {
            *if shape.output { &mut written } else { &mut read } += stored * words;
        }
        written += if is_filled && !shape.output { words } else { 0.0 };
    }
    let cycles =
        (read * cost.read_cycles).max(written * cost.write_cycles).max((read + written) * cost.shared_cycles);
    cycles / cost.instances as f64
}

/// What the accesses for `tensor` take at least: of the units to the level that supplies them, and of each level outside of that which must
/// keep the tensor, once a word.
fn compulsory_energy(problem: &Problem, tensor: usize, macs: f64, sizes: &[f64; MAX_DIMS]) -> f64 {
    let (shape, top) = (&problem.shapes[tensor], problem.n_levels - 1);
    let words = shape.words(sizes);
    let must_keep = |level: usize| problem.must_keep[level].contains(tensor);
    let mut least = f64::INFINITY;
    for level in 0..problem.n_levels {
        if !problem.may_keep[level].contains(tensor) {
            continue;
        }
        let cost = &problem.costs[level];
        let accesses = macs / alike(problem, tensor, 0, level);
        // Each of those that add to one sum begins it once, without reading it.
        let first = words * alike(problem, tensor, level + 1, top);
        let (reads, updates) =
            if shape.output { ((accesses - first).max(0.0), accesses) } else { (accesses, 0.0) };
        let own_j = reads * problem.stored(tensor, level) * cost.read_j + updates * cost.update_j;
        let outside = (level + 1..=top).filter(|&outer| must_keep(outer));
        let outer_j: f64 = outside
            .clone()
            .map(|outer| {
                let cost = &problem.costs[outer];
                let handed_j =
                    if shape.output { cost.update_j } else { problem.stored(tensor, outer) * cost.read_j };
                let is_filled = !shape.output && outside.clone().any(|other| other > outer);
                words * (handed_j + if is_filled { cost.fill_j } else { 0.0 }) / cost.cluster_size as f64
            })
            .sum();
        let is_filled = !shape.output && outside.clone().next().is_some();
        let filled_j = if is_filled { words * cost.fill_j } else { 0.0 };
        least = least.min((own_j + filled_j) / cost.cluster_size as f64 + outer_j);
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
    use super::super::outline::relaxed;
    use super::super::search::best_mapping;
    use super::*;
    use crate::architectures::{ARCHITECTURES, architecture};
    use crate::gemmini::{GemminiDataflow, GemminiSetting, GemminiTemplate};
    use crate::loop_nest::{Architecture, Quirks};
    use crate::networks::network;
    use crate::technology::{DramKind, Node};

    /// Whether what is compulsory is more than what the loose bound says, in energy or cycles.
    fn is_closer(
        machine: &Architecture,
        layer: &crate::loop_nest::Einsum,
        constraints: &MappingConstraints,
    ) -> bool {
        let problem = Problem::new(machine, layer, Quirks::default(), constraints).unwrap();
        let ((least_j, least_cycles), loose) = (compulsory(&problem), relaxed(&problem));
        for objective in Objective::ALL {
            let options = Options { effort: 20_000, ..Options::quick() };
            let report = best_mapping(machine, layer, objective, constraints, options).unwrap().report;
            assert!(least_j <= report.energy_j * (1.0 + 1e-12), "{least_j} J, {} J", report.energy_j);
            assert!(least_cycles <= report.cycles as f64, "{least_cycles}, {} cycles", report.cycles);
        }
        assert!(least_j >= loose.0 * (1.0 - 1e-12) && least_cycles >= loose.1 * (1.0 - 1e-12));
        least_j > 1.001 * loose.0 || least_cycles > 1.001 * loose.1
    }

    // Law: no mapping that a search finds for any goal is below what is compulsory, which is no less than the loose bound.
    #[test]
    fn no_mapping_is_below_what_is_compulsory() {
        let layers = [("alexnet", 0), ("alexnet", 2), ("resnet50", 1), ("mobilenet-v2", 1), ("bert-base", 0)];
        let setting = GemminiSetting {
            node: Node::new(22).unwrap(),
            clock_hz: 1e9,
            dram: DramKind::Lpddr4,
            dataflow: GemminiDataflow::WeightStationary,
        };
        let template = GemminiTemplate { array: 16, scratchpad_bytes: 32 << 10, accumulator_bytes: 8 << 10 };
        let gemmini = template.architecture(&setting).unwrap();
        let mut n_closer = 0;
        for (id, index) in layers {
            let layer = network(id).unwrap().layers()[index].einsum().clone();
            for row in ARCHITECTURES {
                let machine = architecture(row.id).unwrap();
                n_closer +=
                    usize::from(is_closer(&machine, &layer, &MappingConstraints::free(&machine, &layer)));
            }
            let dataflow = GemminiDataflow::WeightStationary.constraints(&layer);
            n_closer += usize::from(is_closer(&gemmini, &layer, &dataflow));
        }
        assert!(n_closer >= 8, "{n_closer}");
    }
}

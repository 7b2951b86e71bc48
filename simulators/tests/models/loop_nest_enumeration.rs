//! The model against a walk through small loop nests, step by step, that counts words one by one.
//!
//! Claim: what the closed forms say of traffic is what happens if every instance holds the words of its tile and
//! nothing else, fetches those it lacks, and instances that lack the same words in the same step share one read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tapeout_simulators::loop_nest::{
    Architecture, Einsum, Evaluator, Level, LevelMapping, Loop, Mac, Mapping, Quirks, Report, TensorSet,
    TensorSpec, Workspace,
};

use crate::machine::level;

const N_LEVELS: usize = 3;
type Word = Vec<u64>;

/// Loops over one dimension of a level: temporal bound, then bound in x or y, each with its residual.
type Factors = [(u64, u64); 2];

/// Storage that loads the next tile while this one is in use.
fn storage(name: &str, instances: u64, mesh_x: u64) -> Level {
    Level { multiple_buffering: 2.0, ..level(name, instances, mesh_x) }
}

/// Units in groups, below a buffer, below DRAM.
fn machine() -> Architecture {
    let mac = Mac { instances: 1 << 20, mesh_x: 1 << 10, word_bits: 16, energy_j: 1.0, area_m2: None };
    let levels = vec![storage("RF", 1 << 10, 1 << 5), storage("GLB", 1, 1), storage("DRAM", 1, 1)];
    Architecture::new(mac, levels).expect("well formed")
}

/// Weights, a window over `stride P + dilation R`, and outputs.
fn convolution(sizes: [u64; 3], stride: u64, dilation: u64) -> Einsum {
    let dims = [("R", sizes[0]), ("P", sizes[1]), ("K", sizes[2])];
    let tensors = [
        TensorSpec::input("Weights", &[&[("K", 1)], &[("R", 1)]]),
        TensorSpec::input("Inputs", &[&[("P", stride), ("R", dilation)]]),
        TensorSpec::output("Outputs", &[&[("K", 1)], &[("P", 1)]]),
    ];
    Einsum::new(&dims, &tensors).expect("well formed")
}

/// A flat list of loops from the outermost to the innermost: dimension, bound, points between iterations, and whether
/// it runs in time; and where those below each level begin.
struct Flat {
    loops: Vec<(usize, u64, u64, bool)>,
    below: [usize; N_LEVELS + 1],
}

fn flatten(mapping: &Mapping, n_dims: usize) -> Flat {
    let mut strides = vec![1; n_dims];
    let mut inward = Vec::new();
    let mut below = [0; N_LEVELS + 1];
    for (index, level) in mapping.levels.iter().enumerate() {
        below[index] = inward.len();
        let space =
            level.spatial_x.iter().rev().chain(level.spatial_y.iter().rev()).map(|item| (item, false));
        for (item, in_time) in space.chain(level.temporal.iter().rev().map(|item| (item, true))) {
            inward.push((item.dim, item.bound, strides[item.dim], in_time));
            strides[item.dim] *= item.bound;
        }
    }
    below[N_LEVELS] = inward.len();
    let n_loops = inward.len();
    inward.reverse();
    Flat { loops: inward, below: below.map(|place| n_loops - place) }
}

/// All values of `loops`, the first changing slowest, as points per dimension.
fn points(loops: &[(usize, u64, u64, bool)], n_dims: usize) -> Vec<Vec<u64>> {
    loops.iter().fold(vec![vec![0; n_dims]], |all, &(dim, bound, stride, _)| {
        let moved = |points: &Vec<u64>, iteration: u64| {
            let mut points = points.clone();
            points[dim] += iteration * stride;
            points
        };
        all.iter().flat_map(|points| (0..bound).map(move |iteration| moved(points, iteration))).collect()
    })
}

/// Words of `tensor` that the points from `origin`, `inside` of them per dimension, touch within the layer.
fn touched(einsum: &Einsum, tensor: usize, origin: &[u64], inside: &[Vec<u64>]) -> BTreeSet<Word> {
    let within = |point: &Vec<u64>| point.iter().zip(einsum.dims()).all(|(point, dim)| *point < dim.size);
    let all = inside.iter().map(|step| origin.iter().zip(step).map(|(a, b)| a + b).collect::<Vec<u64>>());
    let index = |point: &Vec<u64>| {
        let ranks = einsum.tensors()[tensor].ranks().iter();
        ranks.map(|rank| rank.terms().iter().map(|&(dim, c)| c * point[dim]).sum()).collect()
    };
    all.filter(within).map(|point| index(&point)).collect()
}

#[derive(Debug, PartialEq, Eq, Default, Clone, Copy)]
struct Counted {
    /// Reads of all parents together.
    reads: u64,
    /// Words that arrive at all children together.
    arrive: u64,
}

/// Walks through the nest and counts what the instances of `level` deliver to those below.
fn count(einsum: &Einsum, mapping: &Mapping, level: usize, tensor: usize) -> (Counted, u64) {
    let n_dims = einsum.dims().len();
    let flat = flatten(mapping, n_dims);
    let (outside, own) = flat.loops.split_at(flat.below[level + 1]);
    let own = &own[..flat.below[level] - flat.below[level + 1]];
    let inside = points(&flat.loops[flat.below[level]..], n_dims);
    let of = |loops: &[(usize, u64, u64, bool)], in_time: bool| {
        points(&loops.iter().filter(|item| item.3 == in_time).copied().collect::<Vec<_>>(), n_dims)
    };
    let parents = of(outside, false);
    let children = of(own, false);
    let time: Vec<_> = outside.iter().chain(own).copied().collect();
    let steps = of(&time, true);
    let mut counted = Counted::default();
    for parent in &parents {
        let mut held = vec![BTreeSet::new(); children.len()];
        for step in &steps {
            let mut sets: BTreeMap<BTreeSet<Word>, u64> = BTreeMap::new();
            for (child, held) in children.iter().zip(&mut held) {
                let origin: Vec<u64> = (0..n_dims).map(|dim| parent[dim] + child[dim] + step[dim]).collect();
                let now = touched(einsum, tensor, &origin, &inside);
                if now.is_empty() {
                    continue;
                }
                // Units of arithmetic hold nothing.
                let new: BTreeSet<Word> =
                    if level == 0 { now.clone() } else { now.difference(held).cloned().collect() };
                *held = now;
                if !new.is_empty() {
                    *sets.entry(new).or_default() += 1;
                }
            }
            for (set, instances) in sets {
                counted.reads += set.len() as u64;
                counted.arrive += set.len() as u64 * instances;
            }
        }
    }
    (counted, parents.len() as u64)
}

/// Factors with the residuals that `size` leaves: as Ruby has it, the last iteration of every loop is cut short.
fn cut(factors: &[u64], size: u64) -> Vec<(u64, u64)> {
    let mut rest = size - 1;
    let residual = |&bound: &u64| {
        let digit = rest % bound;
        rest /= bound;
        (bound, digit + 1)
    };
    factors.iter().map(residual).collect()
}

fn mapping(factors: &[[Factors; N_LEVELS]; 3], order: &[usize], axes: [bool; 3]) -> Mapping {
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); N_LEVELS] };
    for (index, level) in mapping.levels.iter_mut().enumerate() {
        level.keep = TensorSet::all(3);
        for &dim in order {
            let [time, space] = factors[dim][index].map(|(bound, residual)| Loop { dim, bound, residual });
            level.temporal.push(time);
            if axes[dim] { &mut level.spatial_x } else { &mut level.spatial_y }.push(space);
        }
    }
    mapping
}

fn evaluate(einsum: &Einsum, mapping: &Mapping) -> Report {
    let mut report = Report::new();
    Evaluator::new(&machine(), einsum, Quirks::default())
        .expect("fits 64 bits")
        .evaluate(mapping, &mut Workspace::new(), &mut report)
        .expect("legal");
    report
}

/// A layer and a mapping; every dimension has a factor in time at each level, and in space at the inner two.
fn cases(perfect: bool) -> impl Strategy<Value = (Einsum, Mapping)> {
    let factor = prop_oneof![3 => Just(1u64), 2 => Just(2), 1 => Just(3)];
    let factors = prop::collection::vec(factor, 3 * 5);
    let order = Just(vec![0usize, 1, 2]).prop_shuffle();
    let missing = prop::array::uniform3(any::<prop::sample::Index>());
    (factors, order, any::<[bool; 3]>(), missing, 1..4u64, 1..4u64).prop_filter_map(
        "small enough to be walked through",
        move |(factors, order, axes, missing, stride, dilation)| {
            let mut sizes = [1; 3];
            let mut all = [[[(1, 1); 2]; N_LEVELS]; 3];
            for dim in 0..3 {
                // From the innermost outwards: space, then time, at each level; none in space above the buffer.
                let own = &factors[5 * dim..5 * dim + 5];
                let padded: u64 = own.iter().product();
                // At least one point of the outermost iteration remains.
                let most = padded / own.iter().rev().find(|&&factor| factor > 1).unwrap_or(&1);
                let less = if perfect { 0 } else { missing[dim].index(most as usize) as u64 };
                sizes[dim] = padded - less;
                let cut = cut(own, sizes[dim]);
                for (place, &factor) in cut.iter().enumerate() {
                    all[dim][place / 2][1 - place % 2] = factor;
                }
            }
            // The fifth factor is that of DRAM in time.
            for dim in &mut all {
                dim[2].swap(0, 1);
            }
            let is_small = sizes.iter().product::<u64>() <= 300;
            is_small.then(|| (convolution(sizes, stride, dilation), mapping(&all, &order, axes)))
        },
    )
}

/// Compares every boundary; counts of all instances are divided as the model divides them.
fn check(einsum: &Einsum, mapping: &Mapping) -> Result<(), TestCaseError> {
    let report = evaluate(einsum, mapping);
    for level in 0..N_LEVELS {
        for tensor in 0..3 {
            let (counted, n_parents) = count(einsum, mapping, level, tensor);
            let entry = report.tensor(level, tensor);
            let read: u64 = entry.network.delivered.iter().map(|row| row.words).sum();
            let name = einsum.tensors()[tensor].name();
            let exact = counted.reads as f64 / n_parents as f64;
            // Every row is rounded by itself.
            let rows = entry.network.delivered.len() as f64;
            prop_assert!(
                (read as f64 - exact).abs()
                    <= if counted.reads.is_multiple_of(n_parents) && rows <= 1.0 { 0.0 } else { rows / 2.0 },
                "level {level}, {name}: {read} read, counted {exact}"
            );
            let arrive: f64 =
                entry.network.delivered.iter().map(|row| row.average_words * row.multicast as f64).sum();
            let exact = counted.arrive as f64 / n_parents as f64;
            prop_assert!(
                (arrive - exact).abs() < 1e-6 * exact,
                "level {level}, {name}: {arrive} arrive, counted {exact}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn perfect_nests_move_the_words_that_are_counted_one_by_one((einsum, mapping) in cases(true)) {
        check(&einsum, &mapping)?;
    }

    #[test]
    fn imperfect_nests_in_time_and_space_move_the_words_that_are_counted_one_by_one((einsum, mapping) in cases(false)) {
        check(&einsum, &mapping)?;
    }

    /// The first instance has the most to do: it has a step for every step in which any instance has work.
    #[test]
    fn cycles_are_the_steps_in_which_some_unit_has_work((einsum, mapping) in cases(false)) {
        let report = evaluate(&einsum, &mapping);
        let flat = flatten(&mapping, 3);
        let steps = points(&flat.loops.iter().filter(|item| item.3).copied().collect::<Vec<_>>(), 3);
        let busy = steps.iter().filter(|step| step.iter().zip(einsum.dims()).all(|(point, dim)| *point < dim.size));
        prop_assert_eq!(report.latency.compute_cycles, busy.count() as u64);
        prop_assert_eq!(report.macs, einsum.macs().unwrap());
    }
}

// Seven outputs on four units take two steps; three units work in the second. One weight is sent to all, once.
#[test]
fn the_last_pass_over_an_array_may_leave_units_idle() {
    let einsum = convolution([1, 7, 1], 1, 1);
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); N_LEVELS] };
    for level in &mut mapping.levels {
        level.keep = TensorSet::all(3);
    }
    mapping.levels[1].spatial_x = vec![Loop { dim: 1, bound: 4, residual: 3 }];
    mapping.levels[1].temporal = vec![Loop::new(1, 2)];
    let report = evaluate(&einsum, &mapping);
    assert_eq!((report.latency.compute_cycles, report.macs, report.used_macs), (2, 7, 4));
    let (weights, inputs) = (report.tensor(1, 0), report.tensor(1, 1));
    assert_eq!((weights.reads, inputs.reads), (1, 7));
    // On average 7 / 4 inputs per unit, rounded down as all averages of inputs are.
    assert_eq!((report.tensor(0, 0).fills, report.tensor(0, 1).fills), (1, 1));
    assert!((report.utilization - 7.0 / f64::from(1 << 20) / report.cycles as f64).abs() < 1e-12);
}

// One rank, T + P + R; two outputs P and three taps R on units of two taps each, so that the second pair of units has
// one tap; T moves all by one word, in time. A unit is (first tap, P):
//   (0, 0) holds {0, 1}, then {1, 2}: lacks {2}     (2, 0) holds {2}, then {3}: lacks {3}
//   (0, 1) holds {1, 2}, then {2, 3}: lacks {3}     (2, 1) holds {3}, then {4}: lacks {4}
// Four different sets at first, of 2 + 2 + 1 + 1 words. Then {3} is one read for two units, although one needs it of
// a tile of two words and the other of a tile of one: three reads and four arrivals.
#[test]
fn units_that_lack_the_same_words_of_different_tiles_share_a_read() {
    let tensors = [
        TensorSpec::input("Weights", &[&[("R", 1)]]),
        TensorSpec::input("Inputs", &[&[("T", 1), ("P", 1), ("R", 1)]]),
        TensorSpec::output("Outputs", &[&[("T", 1)], &[("P", 1)]]),
    ];
    let einsum = Einsum::new(&[("R", 3), ("P", 2), ("T", 2)], &tensors).unwrap();
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); N_LEVELS] };
    for level in &mut mapping.levels {
        level.keep = TensorSet::all(3);
    }
    mapping.levels[0].temporal = vec![Loop { dim: 0, bound: 2, residual: 1 }];
    mapping.levels[1].spatial_x = vec![Loop::new(0, 2), Loop::new(1, 2)];
    mapping.levels[1].temporal = vec![Loop::new(2, 2)];
    let report = evaluate(&einsum, &mapping);
    let inputs = report.tensor(1, 1);
    assert_eq!(inputs.reads, 6 + 3);
    let rows = inputs.network.delivered.iter();
    assert_eq!(rows.map(|row| row.words * row.multicast).sum::<u64>(), 6 + 4);
    check(&einsum, &mapping).unwrap();
}

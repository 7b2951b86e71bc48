//! Laws of the loop-nest model that hold for every layer, machine and mapping, with and without Timeloop's quirks.

use proptest::prelude::*;
use tapeout_simulators::loop_nest::{
    Architecture, Bandwidth, Einsum, Evaluator, Illegal, Level, LevelMapping, Loop, Mac, Mapping, Quirks,
    Report, Role, TensorSet, TensorSpec, Workspace,
};

use crate::machine::level;

const N_LEVELS: usize = 3;
const PES: u64 = 16;

/// A 1-D convolution with channels: dimensions R, P, C, K; an input with a window, so that halos occur.
fn layer(sizes: [u64; 4], stride: u64) -> Einsum {
    let dims = [("R", sizes[0]), ("P", sizes[1]), ("C", sizes[2]), ("K", sizes[3])];
    let tensors = [
        TensorSpec::input("Weights", &[&[("K", 1)], &[("C", 1)], &[("R", 1)]]),
        TensorSpec::input("Inputs", &[&[("C", 1)], &[("P", stride), ("R", 1)]]),
        TensorSpec::output("Outputs", &[&[("K", 1)], &[("P", 1)]]),
    ];
    Einsum::new(&dims, &tensors).expect("well formed")
}

/// One storage level that holds `entries` words and moves `bandwidth` words a cycle.
fn storage(name: &str, instances: u64, entries: Option<u64>, bandwidth: Option<f64>) -> Level {
    let bandwidth = Bandwidth { shared_words_per_cycle: bandwidth, ..Bandwidth::default() };
    Level { entries, bandwidth, ..level(name, instances, instances.min(4)) }
}

/// Register files of `entries` words under a buffer of unlimited size, `bandwidth` everywhere.
fn machine(entries: Option<u64>, bandwidth: Option<f64>) -> Architecture {
    let mac = Mac { instances: PES, mesh_x: 4, word_bits: 16, energy_j: 1.0, area_m2: None };
    let levels = vec![
        storage("RF", PES, entries, bandwidth),
        storage("GLB", 1, None, bandwidth),
        storage("DRAM", 1, None, bandwidth),
    ];
    Architecture::new(mac, levels).expect("well formed")
}

fn evaluate(
    architecture: &Architecture,
    einsum: &Einsum,
    mapping: &Mapping,
    quirks: Quirks,
) -> Result<Report, Illegal> {
    let mut report = Report::new();
    Evaluator::new(architecture, einsum, quirks)?.evaluate(mapping, &mut Workspace::new(), &mut report)?;
    Ok(report)
}

/// A layer whose sizes are products of the factors of a mapping, and that mapping.
fn cases() -> impl Strategy<Value = (Einsum, Mapping)> {
    // Per dimension a factor in time at each level, and one in space.
    let factors = prop::array::uniform4(prop::array::uniform3(1..4u64));
    let space = (0..4usize, 1..5u64, 0..4usize, 1..5u64);
    let order = Just([0usize, 1, 2, 3]).prop_shuffle();
    let orders = [order.clone(), order.clone(), order];
    // The register file and the buffer may let tensors pass; DRAM keeps all.
    let keep = (0..8u8, 0..8u8);
    (factors, space, orders, keep, 1..3u64).prop_map(|(factors, space, orders, keep, stride)| {
        let mut sizes = factors.map(|factors| factors.iter().product::<u64>());
        let mut mapping = Mapping { levels: vec![LevelMapping::default(); N_LEVELS] };
        for (index, order) in orders.iter().enumerate() {
            let temporal = order.iter().map(|&dim| Loop::new(dim, factors[dim][index]));
            mapping.levels[index].temporal = temporal.collect();
        }
        let (dim_x, bound_x, dim_y, bound_y) = space;
        mapping.levels[1].spatial_x = vec![Loop::new(dim_x, bound_x)];
        mapping.levels[1].spatial_y = vec![Loop::new(dim_y, bound_y)];
        sizes[dim_x] *= bound_x;
        sizes[dim_y] *= bound_y;
        for (index, bits) in [keep.0, keep.1, 7].into_iter().enumerate() {
            let kept = (0..3).filter(|tensor| bits >> tensor & 1 == 1);
            mapping.levels[index].keep = kept.fold(TensorSet::EMPTY, TensorSet::with);
        }
        (layer(sizes, stride), mapping)
    })
}

/// Words of a tensor that some point of the layer touches, counted one by one.
fn used_words(einsum: &Einsum, tensor: usize) -> u64 {
    let length = |terms: &[(usize, u64)]| {
        let mut indices = std::collections::BTreeSet::from([0]);
        for &(dim, coefficient) in terms {
            let steps = 0..einsum.dims()[dim].size;
            indices =
                indices.iter().flat_map(|i| steps.clone().map(move |step| i + coefficient * step)).collect();
        }
        indices.len() as u64
    };
    einsum.tensors()[tensor].ranks().iter().map(|rank| length(rank.terms())).product()
}

fn quirks() -> impl Strategy<Value = Quirks> {
    prop_oneof![Just(Quirks::default()), Just(Quirks::timeloop_compat())]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every word of an input that is used leaves DRAM, and every word of an output reaches it, at least once. Not so
    /// for Timeloop, which takes the step back of a window that slides along two loops to be free.
    #[test]
    fn traffic_is_never_below_the_compulsory_traffic((einsum, mapping) in cases()) {
        let report = evaluate(&machine(None, None), &einsum, &mapping, Quirks::default()).expect("unlimited buffers");
        for (index, tensor) in einsum.tensors().iter().enumerate() {
            let dram = report.tensor(N_LEVELS - 1, index);
            let moved = if tensor.role() == Role::Output { dram.updates } else { dram.reads };
            prop_assert!(moved >= used_words(&einsum, index), "{} moves {moved}", tensor.name());
        }
    }

    /// Everything that a level below receives was read at the level above, at most once per instance.
    #[test]
    fn fills_are_never_above_what_the_parent_delivers((einsum, mapping) in cases(), quirks in quirks()) {
        let report = evaluate(&machine(None, None), &einsum, &mapping, quirks).expect("unlimited buffers");
        for tensor in 0..2 {
            let (rf, glb) = (report.tensor(0, tensor), report.tensor(1, tensor));
            if rf.kept && glb.kept && glb.network.link_transfers == 0 {
                prop_assert!(rf.fills <= glb.reads, "{} > {}", rf.fills, glb.reads);
                prop_assert!(rf.fills * report.levels[0].used_instances >= glb.reads);
            }
        }
    }

    #[test]
    fn more_bandwidth_is_never_slower((einsum, mapping) in cases(), quirks in quirks(), low in 1..64u32, more in 0..64u32) {
        let slow = evaluate(&machine(None, Some(f64::from(low))), &einsum, &mapping, quirks).expect("unlimited buffers");
        let fast = machine(None, Some(f64::from(low + more)));
        let fast = evaluate(&fast, &einsum, &mapping, quirks).expect("unlimited buffers");
        prop_assert!(fast.cycles <= slow.cycles, "{} > {}", fast.cycles, slow.cycles);
        prop_assert!(slow.utilization <= 1.0);
    }

    #[test]
    fn a_bigger_buffer_is_never_infeasible_where_a_smaller_one_fits((einsum, mapping) in cases(), entries in 0..64u64, more in 0..64u64) {
        let small = evaluate(&machine(Some(entries), None), &einsum, &mapping, Quirks::default());
        let big = evaluate(&machine(Some(entries + more), None), &einsum, &mapping, Quirks::default());
        match small {
            Ok(_) => prop_assert!(big.is_ok()),
            Err(Illegal::Capacity { need, have, .. }) => {
                prop_assert!(need > have && have == entries);
                prop_assert_eq!(big.is_ok(), entries + more >= need);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn unit_loops_change_nothing_wherever_they_stand((einsum, mapping) in cases(), quirks in quirks(), at in 0..5usize, dim in 0..4usize) {
        let plain = evaluate(&machine(None, Some(3.0)), &einsum, &mapping, quirks).expect("unlimited buffers");
        let mut padded = mapping;
        for level in &mut padded.levels {
            let place = at.min(level.temporal.len());
            level.temporal.insert(place, Loop::new(dim, 1));
            level.spatial_x.insert(0, Loop::new(dim, 1));
        }
        let padded = evaluate(&machine(None, Some(3.0)), &einsum, &padded, quirks).expect("unlimited buffers");
        prop_assert_eq!(plain, padded);
    }

    /// The walk over imperfect loops agrees with the closed form where the imperfect dimension does not matter.
    #[test]
    fn an_imperfect_loop_of_another_dimension_leaves_perfect_tensors_alone((_, mapping) in cases(), stride in 1..3u64) {
        // K has 2 tiles of 3 points, of which the second lacks one. Inputs do not depend on K. R is left out, as a
        // window sliding along two loops depends on where the last iteration leaves it.
        let mut sizes = [1u64; 4];
        for level in &mapping.levels {
            for item in level.temporal.iter().chain(&level.spatial_x).chain(&level.spatial_y) {
                sizes[item.dim] *= item.bound;
            }
        }
        let spatial = [&mapping.levels[1].spatial_x[0], &mapping.levels[1].spatial_y[0]];
        prop_assume!(spatial.iter().all(|item| item.dim == 1 || item.dim == 2));
        sizes[0] = 1;
        let bare = |level: &LevelMapping| level.temporal.iter().filter(|item| item.dim == 1 || item.dim == 2).copied().collect::<Vec<_>>();
        let mut perfect = mapping.clone();
        for level in &mut perfect.levels {
            level.temporal = bare(level);
        }
        let mut imperfect = perfect.clone();
        perfect.levels[0].temporal.push(Loop::new(3, 3));
        imperfect.levels[0].temporal.push(Loop { dim: 3, bound: 3, residual: 2 });
        for side in [&mut perfect, &mut imperfect] {
            side.levels[2].temporal.push(Loop::new(3, 2));
            side.levels[0].keep = TensorSet::all(3);
            for level in &mut side.levels {
                level.no_link_transfer = TensorSet::all(3);
            }
        }
        let compat = Quirks::timeloop_compat();
        sizes[3] = 6;
        let even = evaluate(&machine(None, None), &layer(sizes, stride), &perfect, compat).expect("unlimited buffers");
        sizes[3] = 5;
        let odd = evaluate(&machine(None, None), &layer(sizes, stride), &imperfect, compat).expect("unlimited buffers");
        prop_assert_eq!(even.tensor(0, 1).fills, odd.tensor(0, 1).fills);
        prop_assert_eq!(even.cycles, odd.cycles);
        prop_assert!(odd.tensor(0, 0).reads < even.tensor(0, 0).reads);
    }
}

#[test]
fn a_count_beyond_64_bits_is_an_error_and_not_a_number() {
    // 2^63 multiply-accumulates fit; two inputs of which each is read as often, together, do not.
    let input = |name| TensorSpec::input(name, &[&[("K", 1)], &[("N", 1)]]);
    let tensors = [TensorSpec::output("Z", &[&[("M", 1)]]), input("A"), input("B")];
    let einsum = Einsum::new(&[("M", 1 << 31), ("K", 1 << 31), ("N", 2)], &tensors).expect("2^63 points fit");
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); N_LEVELS] };
    mapping.levels[2].keep = TensorSet::all(3);
    mapping.levels[2].temporal = vec![Loop::new(0, 1 << 31), Loop::new(1, 1 << 31)];
    mapping.levels[1].spatial_x = vec![Loop::new(2, 2)];
    let result = evaluate(&machine(None, Some(1.0)), &einsum, &mapping, Quirks::default());
    assert!(matches!(result, Err(Illegal::Overflow { .. })), "{result:?}");
}

#[test]
fn a_single_buffer_exposes_its_fills_and_a_double_one_only_the_first() {
    // 8 weights, one MAC, one word per cycle: 8 cycles of work, each on one tile of one word of each tensor.
    let einsum = Einsum::new(
        &[("M", 8)],
        &[TensorSpec::input("W", &[&[("M", 1)]]), TensorSpec::output("Z", &[&[("M", 1)]])],
    )
    .expect("well formed");
    let cycles = |multiple_buffering: f64| {
        let mac = Mac { instances: 1, mesh_x: 1, word_bits: 16, energy_j: 1.0, area_m2: None };
        let mut buffer = storage("Buffer", 1, None, None);
        buffer.multiple_buffering = multiple_buffering;
        buffer.bandwidth.write_words_per_cycle = Some(2.0);
        let architecture =
            Architecture::new(mac, vec![buffer, storage("DRAM", 1, None, None)]).expect("well formed");
        let mut mapping = Mapping { levels: vec![LevelMapping::default(); 2] };
        mapping.levels[0].keep = TensorSet::all(2);
        mapping.levels[1].keep = TensorSet::all(2);
        mapping.levels[1].temporal = vec![Loop::new(0, 8)];
        evaluate(&architecture, &einsum, &mapping, Quirks::default()).expect("legal").latency
    };
    // 8 fills and 8 updates at 2 words per cycle: 8 cycles, as many as the work. Exposed: 8 / 2 = 4, or the first, 1.
    assert_eq!((cycles(1.0).steady_cycles, cycles(1.0).load_cycles), (8, 4));
    assert_eq!((cycles(2.0).steady_cycles, cycles(2.0).load_cycles), (8, 1));
}

//! Laws of the mapper: its results are legal, an enumeration of every mapping agrees with result and bound, more room never
//! hurts by more than the gap.

use proptest::prelude::*;
use tapeout_simulators::loop_nest::{
    AccessEnergy, Architecture, Bandwidth, Einsum, Evaluator, Level, LevelMapping, Loop, Mac, Mapping,
    Network, Quirks, Report, TensorSet, TensorSpec, Workspace,
};
use tapeout_simulators::mapper::{
    Best, DimSet, MappingCache, MappingConstraints, NoMapping, Objective, Options, best_mapping,
};

fn level(name: &str, entries: Option<u64>, word_j: f64, words_per_cycle: f64) -> Level {
    Level {
        name: name.to_owned(),
        instances: 1,
        mesh_x: 1,
        word_bits: 8,
        block_words: 1,
        cluster_size: 1,
        entries,
        multiple_buffering: 1.0,
        overlaps_fills: None,
        bandwidth: Bandwidth { shared_words_per_cycle: Some(words_per_cycle), ..Bandwidth::default() },
        energy: AccessEnergy { read_j: word_j, fill_j: word_j, update_j: word_j, leak_j_per_cycle: 1e-13 },
        network: Network::default(),
        reduces_in_place: true,
        area_m2: None,
    }
}

/// A buffer of `entries` words over `x` by `y` units, below DRAM.
fn machine(entries: u64, x: u64, y: u64) -> Architecture {
    let mac = Mac { instances: x * y, mesh_x: x, word_bits: 8, energy_j: 1e-12, area_m2: None };
    let levels = vec![level("Buffer", Some(entries), 1e-12, 8.0), level("DRAM", None, 1e-10, 2.0)];
    Architecture::new(mac, levels).expect("the machine is well formed")
}

/// A 1-D convolution of `k` channels: `Z[K][P] += W[K][R] I[stride P + R]`.
fn convolution(k: u64, p: u64, r: u64, stride: u64) -> Einsum {
    let tensors = [
        TensorSpec::input("W", &[&[("K", 1)], &[("R", 1)]]),
        TensorSpec::input("I", &[&[("P", stride), ("R", 1)]]),
        TensorSpec::output("Z", &[&[("K", 1)], &[("P", 1)]]),
    ];
    Einsum::new(&[("K", k), ("P", p), ("R", r)], &tensors).expect("the layer is well formed")
}

fn search(
    architecture: &Architecture,
    einsum: &Einsum,
    objective: Objective,
    options: Options,
) -> Result<Best, NoMapping> {
    let constraints = MappingConstraints::free(architecture, einsum);
    best_mapping(architecture, einsum, objective, &constraints, options)
}

/// Every way to write `n` as a product of four factors.
fn quadruples(n: u64) -> Vec<[u64; 4]> {
    let mut list = Vec::new();
    for a in 1..=n {
        for b in 1..=n {
            for c in 1..=n {
                for d in 1..=n {
                    if a * b * c * d == n {
                        list.push([a, b, c, d]);
                    }
                }
            }
        }
    }
    list
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The least score of all mappings onto a machine of two levels, one by one.
fn enumerated(architecture: &Architecture, einsum: &Einsum, objective: Objective) -> f64 {
    let evaluator = Evaluator::new(architecture, einsum, Quirks::default()).expect("the layer fits 64 bits");
    let (mut workspace, mut report) = (Workspace::new(), Report::new());
    let factors: Vec<_> = einsum.dims().iter().map(|dim| quadruples(dim.size)).collect();
    let mut least = f64::INFINITY;
    for k in &factors[0] {
        for p in &factors[1] {
            for r in &factors[2] {
                for order in ORDERS {
                    for kept in 0..8u8 {
                        let loops =
                            |place: usize| order.map(|dim| Loop::new(dim, [k, p, r][dim][place])).to_vec();
                        let keep = (0..3).filter(|tensor| kept >> tensor & 1 == 1);
                        let buffer = LevelMapping {
                            keep: keep.fold(TensorSet::EMPTY, TensorSet::with),
                            temporal: loops(0),
                            spatial_x: loops(2),
                            spatial_y: loops(3),
                            ..LevelMapping::default()
                        };
                        let dram = LevelMapping {
                            keep: TensorSet::all(3),
                            temporal: loops(1),
                            ..LevelMapping::default()
                        };
                        let mapping = Mapping { levels: vec![buffer, dram] };
                        if evaluator.evaluate(&mapping, &mut workspace, &mut report).is_ok() {
                            least = least.min(objective.of(&report).0);
                        }
                    }
                }
            }
        }
    }
    least
}

fn objectives() -> impl Strategy<Value = Objective> {
    prop_oneof![Just(Objective::Latency), Just(Objective::Energy), Just(Objective::EnergyDelay)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sizes are powers of two, as is the array, so that the space holds no padding. This is also what shows that
    /// bounds are bounds and that orders left out cost as much as some order that is not.
    #[test]
    fn the_best_of_a_plain_enumeration_lies_between_the_lower_bound_and_the_result(
        k in 0..3u32, p in 0..4u32, r in 0..2u32, stride in 1..4u64, entries in 6..40u64, objective in objectives()
    ) {
        let einsum = convolution(1 << k, 1 << p, 1 << r, stride);
        let architecture = machine(entries, 2, 2);
        let best = search(&architecture, &einsum, objective, Options::default()).expect("three words fit");
        let (found, least) = (objective.of(&best.report).0, enumerated(&architecture, &einsum, objective));
        prop_assert!(best.lower_bound <= least * (1.0 + 1e-8), "bound {} above {least}", best.lower_bound);
        prop_assert!(found >= least * (1.0 - 1e-8), "{found} below {least}");
        prop_assert!(found <= best.lower_bound * (1.0 + best.gap) * (1.0 + 1e-8));
    }

    #[test]
    fn a_search_returns_a_legal_mapping_or_says_why_not(
        k in 1..40u64, p in 1..40u64, r in 1..6u64, stride in 1..4u64, entries in 1..200u64, x in 1..6u64,
        y in 1..6u64, objective in objectives(), keeps_all in any::<bool>()
    ) {
        let (architecture, einsum) = (machine(entries, x, y), convolution(k, p, r, stride));
        let constraints = match keeps_all {
            true => MappingConstraints::keep_all(&architecture, &einsum),
            false => MappingConstraints::free(&architecture, &einsum),
        };
        match best_mapping(&architecture, &einsum, objective, &constraints, Options::default()) {
            Ok(best) => {
                let evaluator = Evaluator::new(&architecture, &best.einsum, Quirks::default()).expect("it fits 64 bits");
                let (mut workspace, mut report) = (Workspace::new(), Report::new());
                prop_assert_eq!(evaluator.evaluate(&best.mapping, &mut workspace, &mut report), Ok(()));
                prop_assert_eq!(report, best.report.clone());
                let padded = best.einsum.dims().iter().zip(einsum.dims());
                prop_assert!(padded.clone().all(|(padded, dim)| padded.size >= dim.size));
                let share: f64 = padded.map(|(padded, dim)| dim.size as f64 / padded.size as f64).product();
                prop_assert!((best.useful_share - share).abs() < 1e-12);
            }
            // Only three tensors that must be kept in less than three words do not fit.
            Err(error) => prop_assert!(keeps_all && entries < 3, "{}", error),
        }
    }

    #[test]
    fn more_capacity_is_never_worse_for_the_proven_optimum(
        k in 1..7u64, p in 1..9u64, r in 1..4u64, entries in 3..30u64, more in 1..20u64, objective in objectives()
    ) {
        let einsum = convolution(k, p, r, 1);
        let score = |entries| {
            let best = search(&machine(entries, 2, 2), &einsum, objective, Options::default()).expect("three words fit");
            objective.of(&best.report).0
        };
        prop_assert!(score(entries + more) <= score(entries) * (1.0 + 1e-8));
    }

    #[test]
    fn the_same_question_has_the_same_answer(k in 1..30u64, p in 1..30u64, objective in objectives()) {
        let (architecture, einsum) = (machine(64, 3, 4), convolution(k, p, 3, 1));
        let ask = || search(&architecture, &einsum, objective, Options::default());
        prop_assert_eq!(ask(), ask());
    }
}

/// 13 channels on 4 columns: 4 steps of 4 are 16, of which 13 are of use, and a step fewer than without padding.
#[test]
fn a_dimension_that_does_not_divide_is_padded_to_the_array() {
    let einsum = convolution(13, 1, 1, 1);
    let mac = Mac { instances: 4, mesh_x: 4, word_bits: 8, energy_j: 1e-12, area_m2: None };
    let levels = vec![level("Buffer", Some(64), 1e-12, 1e3), level("DRAM", None, 1e-10, 1e3)];
    let architecture = Architecture::new(mac, levels).expect("the machine is well formed");
    let best = search(&architecture, &einsum, Objective::Latency, Options::default()).expect("it fits");
    assert_eq!(best.report.latency.compute_cycles, 4);
    assert_eq!(best.einsum.dims()[0].size, 16);
    assert!((best.useful_share - 13.0 / 16.0).abs() < 1e-12);
    assert!((best.utilization() - 13.0 / 4.0 / best.report.cycles as f64).abs() < 1e-12);
}

/// The buffer must hold the window of 5 taps, 5 inputs and one sum: 11 words.
#[test]
fn what_does_not_fit_is_named_with_level_tensor_and_words() {
    let (architecture, einsum) = (machine(8, 1, 1), convolution(4, 4, 5, 1));
    let mut constraints = MappingConstraints::keep_all(&architecture, &einsum);
    constraints.levels[1].temporal = DimSet::ALL.without(2);
    let error = best_mapping(&architecture, &einsum, Objective::Energy, &constraints, Options::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "level `Buffer`: the smallest tiles need 11 words, 8 fit (largest: `W`, 5 words)"
    );
}

#[test]
fn constraints_are_kept() {
    let (architecture, einsum) = (machine(64, 4, 4), convolution(16, 16, 3, 1));
    let mut constraints = MappingConstraints::free(&architecture, &einsum);
    // Channels along x, positions along y; the buffer keeps sums and only sums.
    constraints.levels[0].spatial_x = DimSet::of(&[0]);
    constraints.levels[0].spatial_y = DimSet::of(&[1]);
    constraints.levels[0].must_keep = TensorSet::EMPTY.with(2);
    constraints.levels[0].may_keep = TensorSet::EMPTY;
    for options in [Options::quick(), Options::default()] {
        let best =
            best_mapping(&architecture, &einsum, Objective::Latency, &constraints, options).expect("it fits");
        let buffer = &best.mapping.levels[0];
        assert_eq!(buffer.keep, TensorSet::EMPTY.with(2));
        assert!(buffer.spatial_x.iter().all(|item| item.dim == 0));
        assert!(buffer.spatial_y.iter().all(|item| item.dim == 1));
        assert_eq!(best.report.used_macs, 16, "both axes are worth using in full");
    }
}

#[test]
fn a_dimension_that_may_run_nowhere_is_named() {
    let (architecture, einsum) = (machine(64, 2, 2), convolution(16, 16, 3, 1));
    let mut constraints = MappingConstraints::free(&architecture, &einsum);
    constraints.levels.iter_mut().for_each(|level| level.temporal = DimSet::ALL.without(0));
    let error = best_mapping(&architecture, &einsum, Objective::Latency, &constraints, Options::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "dimension `K`: no level may run it in time, and the array takes 4 of its 16 points"
    );
}

#[test]
fn a_cached_result_is_the_one_that_a_search_finds() {
    let architecture = machine(64, 2, 2);
    let mut cache = MappingCache::new(2);
    for size in [8, 9, 8, 10, 9, 8] {
        let einsum = convolution(size, 7, 3, 1);
        let ask = || search(&architecture, &einsum, Objective::Energy, Options::default());
        let cached = cache.get_or_search(&size, ask).expect("it fits");
        assert_eq!(*cached, ask().expect("it fits"));
        assert!(cache.len() <= 2);
    }
    // 8 and 9 are searched, 8 is known, 10 drives out 9, 9 drives out 8.
    assert_eq!((cache.hits(), cache.misses()), (1, 5));
}

//! An evaluation allocates nothing once its workspace and report have grown to the mapping's size.

use tapeout_simulators::loop_nest::{
    AccessEnergy, Architecture, Bandwidth, Einsum, Evaluator, Hops, Level, LevelMapping, Loop, Mac, Mapping,
    Network, Quirks, Report, TensorSet, TensorSpec, Workspace,
};

use crate::allocations;

fn level(name: &str, instances: u64) -> Level {
    Level {
        name: name.to_owned(),
        instances,
        mesh_x: instances.min(16),
        word_bits: 16,
        block_words: 1,
        cluster_size: 1,
        entries: None,
        multiple_buffering: 1.0,
        overlaps_fills: None,
        bandwidth: Bandwidth { shared_words_per_cycle: Some(16.0), ..Bandwidth::default() },
        energy: AccessEnergy { read_j: 1e-12, fill_j: 1e-12, update_j: 1e-12, leak_j_per_cycle: 0.0 },
        network: Network { hop_j: 1e-13, ..Network::default() },
        reduces_in_place: true,
        area_m2: None,
    }
}

/// A strided convolution on 256 units, with 3 to 5 levels.
fn evaluator(n_levels: usize, quirks: Quirks) -> Evaluator {
    let dims = [("R", 3), ("P", 32), ("C", 32), ("K", 32)];
    let tensors = [
        TensorSpec::input("Weights", &[&[("K", 1)], &[("C", 1)], &[("R", 1)]]),
        TensorSpec::input("Inputs", &[&[("C", 1)], &[("P", 2), ("R", 1)]]),
        TensorSpec::output("Outputs", &[&[("K", 1)], &[("P", 1)]]),
    ];
    let einsum = Einsum::new(&dims, &tensors).expect("well formed");
    let mac = Mac { instances: 256, mesh_x: 16, word_bits: 16, energy_j: 1e-12, area_m2: None };
    let levels = (0..n_levels).map(|index| level(&format!("L{index}"), if index == 0 { 256 } else { 1 }));
    let architecture = Architecture::new(mac, levels.collect()).expect("well formed");
    Evaluator::new(&architecture, &einsum, quirks).expect("fits 64 bits").with_hops(Hops::Everywhere)
}

/// Mappings with rows or channels over the array, a window that slides, bypass, and an imperfect factor in time.
fn mappings(n_levels: usize) -> Vec<Mapping> {
    let perfect = |over_x: usize| {
        let mut mapping = Mapping { levels: vec![LevelMapping::default(); n_levels] };
        mapping.levels[0].temporal = vec![Loop::new(0, 3), Loop::new(2, 2)];
        mapping.levels[1].spatial_x = vec![Loop::new(over_x, 16)];
        mapping.levels[1].spatial_y = vec![Loop::new(2, 16)];
        mapping.levels[1].temporal = vec![Loop::new(4 - over_x, 4), Loop::new(over_x, 2)];
        mapping.levels[n_levels - 1].temporal.push(Loop::new(4 - over_x, 8));
        for (index, level) in mapping.levels.iter_mut().enumerate() {
            level.keep = TensorSet::all(3);
            if index > 0 && index + 1 < n_levels {
                level.keep = level.keep.without(index % 3);
            }
        }
        mapping
    };
    let mut imperfect = perfect(3);
    // 32 rows in 5 tiles of 7, of which the last has 4.
    imperfect.levels[0].temporal.push(Loop { dim: 1, bound: 7, residual: 4 });
    imperfect.levels[1].temporal[0] = Loop::new(1, 5);
    imperfect.levels[n_levels - 1].temporal.clear();
    vec![perfect(3), perfect(1), imperfect]
}

#[test]
fn evaluations_allocate_nothing_once_their_memory_has_grown() {
    for quirks in [Quirks::default(), Quirks::timeloop_compat()] {
        for n_levels in 3..=5 {
            let (evaluator, mappings) = (evaluator(n_levels, quirks), mappings(n_levels));
            let (mut workspace, mut report) = (Workspace::new(), Report::new());
            let mut run = || {
                for mapping in &mappings {
                    evaluator.evaluate(mapping, &mut workspace, &mut report).expect("legal");
                    assert!(report.cycles > 0);
                }
            };
            run();
            let before = allocations();
            assert!(before > 0, "the allocator is not counted");
            (0..20).for_each(|_| run());
            assert_eq!(allocations(), before, "{n_levels} levels, {quirks:?}");
        }
    }
}

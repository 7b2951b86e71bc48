//! What the model says of time beyond bandwidth: arrays that fill and drain, first loads and last stores.

use proptest::prelude::*;
use tapeout_simulators::loop_nest::systolic::{self, Stationary, SystolicGemm};
use tapeout_simulators::loop_nest::{
    Architecture, Bandwidth, Delivery, Einsum, Evaluator, LatencyReport, Level, LevelMapping, Loop, Mac,
    Mapping, Quirks, Report, TensorSet, TensorSpec, Workspace,
};

use crate::machine::level;

const A: usize = 0;
const B: usize = 1;
const Z: usize = 2;

fn product(m: u64, n: u64, k: u64) -> Einsum {
    let tensors = [
        TensorSpec::input("A", &[&[("M", 1)], &[("K", 1)]]),
        TensorSpec::input("B", &[&[("K", 1)], &[("N", 1)]]),
        TensorSpec::output("Z", &[&[("M", 1)], &[("N", 1)]]),
    ];
    Einsum::new(&[("M", m), ("N", n), ("K", k)], &tensors).expect("well formed")
}

fn evaluate(architecture: &Architecture, einsum: &Einsum, mapping: &Mapping, quirks: Quirks) -> Report {
    let mut report = Report::new();
    Evaluator::new(architecture, einsum, quirks)
        .expect("fits 64 bits")
        .evaluate(mapping, &mut Workspace::new(), &mut report)
        .expect("legal");
    report
}

/// `gemm` on a systolic array, one register per unit for what is stationary.
fn systolic_report(
    gemm: SystolicGemm,
    rows: u64,
    columns: u64,
    stationary: Stationary,
    quirks: Quirks,
) -> Report {
    let SystolicGemm { m, n, k } = gemm;
    let sizes = [m, n, k];
    let mac = Mac { instances: rows * columns, mesh_x: columns, word_bits: 8, energy_j: 1.0, area_m2: None };
    let mut memory = level("Memory", 1, 1);
    memory.network.delivery = Delivery::Systolic;
    let levels = vec![level("Register", rows * columns, columns), memory];
    let architecture = Architecture::new(mac, levels).expect("well formed");
    // Dimensions by index: M, N, K.
    let (kept, on_rows, on_columns, streamed) = match stationary {
        Stationary::Output => (Z, 0, 1, 2),
        Stationary::Weight => (B, 2, 1, 0),
        Stationary::Input => (A, 2, 0, 1),
    };
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); 2] };
    mapping.levels[0].keep = TensorSet::EMPTY.with(kept);
    mapping.levels[1].keep = TensorSet::all(3);
    let spread = |dim: usize, most: u64| {
        let bound = sizes[dim].min(most);
        let residual = (sizes[dim] - 1) % bound + 1;
        (Loop { dim, bound, residual }, Loop::new(dim, sizes[dim].div_ceil(bound)))
    };
    let (row_loop, row_folds) = spread(on_rows, rows);
    let (column_loop, column_folds) = spread(on_columns, columns);
    mapping.levels[1].spatial_y = vec![row_loop];
    mapping.levels[1].spatial_x = vec![column_loop];
    mapping.levels[1].temporal = vec![row_folds, column_folds, Loop::new(streamed, sizes[streamed])];
    evaluate(&architecture, &product(m, n, k), &mapping, quirks)
}

// 16 folds of 64 cycles of work, 16 to load the weights, 15 + 15 to fill and drain, counted from 0; Timeloop has the
// work alone.
#[test]
fn a_product_of_64_on_16_by_16_units_takes_1759_cycles_weight_stationary() {
    let gemm = SystolicGemm { m: 64, n: 64, k: 64 };
    let report = systolic_report(gemm, 16, 16, Stationary::Weight, Quirks::default());
    assert_eq!((report.cycles, report.latency.compute_cycles), (1_759, 1_024));
    assert_eq!(report.latency.array_cycles, 16 * (16 + 30) - 1);
    let compat = systolic_report(gemm, 16, 16, Stationary::Weight, Quirks::timeloop_compat());
    assert_eq!(compat.cycles, 1_024);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Products of any size: folds at the edges are not full, which takes no less time.
    #[test]
    fn the_model_gives_the_closed_forms_of_systolic_arrays(
        m in 1..70u64, n in 1..70u64, k in 1..70u64, rows in 2..18u64, columns in 1..18u64,
        stationary in prop::sample::select(vec![Stationary::Output, Stationary::Weight, Stationary::Input])
    ) {
        let gemm = SystolicGemm { m, n, k };
        let report = systolic_report(gemm, rows, columns, stationary, Quirks::default());
        prop_assert_eq!(report.cycles, systolic::cycles(gemm, rows, columns, stationary).unwrap());
        prop_assert_eq!(report.macs, m * n * k);
    }
}

/// 4 units with a register file of 2 weights each, below a buffer that keeps inputs and outputs, below DRAM: 8 words a
/// cycle from the buffer, 2 from DRAM, 1 into and out of a register file.
fn bypassing(multiple_buffering: f64, weights_in_buffer: bool) -> LatencyReport {
    let limited = |level: Level, words_per_cycle: f64| Level {
        bandwidth: Bandwidth {
            read_words_per_cycle: Some(words_per_cycle),
            write_words_per_cycle: Some(words_per_cycle),
            shared_words_per_cycle: None,
        },
        multiple_buffering,
        ..level
    };
    let mac = Mac { instances: 4, mesh_x: 4, word_bits: 8, energy_j: 1.0, area_m2: None };
    let levels = vec![
        limited(level("RF", 4, 4), 1.0),
        limited(level("Buffer", 1, 1), 8.0),
        limited(level("DRAM", 1, 1), 2.0),
    ];
    let architecture = Architecture::new(mac, levels).expect("well formed");
    let all = TensorSet::all(3);
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); 3] };
    mapping.levels[0].keep = TensorSet::EMPTY.with(B);
    mapping.levels[1].keep = if weights_in_buffer { all } else { all.without(B) };
    mapping.levels[2].keep = all;
    // M = 6, N = 4 over the units, K = 8 in tiles of 2.
    mapping.levels[0].temporal = vec![Loop::new(2, 2)];
    mapping.levels[1].spatial_x = vec![Loop::new(1, 4)];
    mapping.levels[1].temporal = vec![Loop::new(0, 6)];
    mapping.levels[2].temporal = vec![Loop::new(2, 4)];
    evaluate(&architecture, &product(6, 4, 8), &mapping, Quirks::default()).latency
}

// Weights: 2 words into each register file, 2 cycles. They come from DRAM past the buffer: 4 units times 2 words at 2 a
// cycle, 4 cycles. Inputs: 6 by 2 words into the buffer at 8 a cycle, 2 cycles; out of DRAM at 2 a cycle, 6 cycles.
// Outputs: 6 by 4 words out of the buffer, 3 cycles, and into DRAM, 12 cycles.
#[test]
fn first_loads_are_waited_for_across_a_level_that_lets_a_tensor_pass() {
    let latency = bypassing(2.0, false);
    assert_eq!(latency.load_cycles, (2 + 4) + (2 + 6));
    assert_eq!(latency.store_cycles, 3 + 12);
}

// Weights now go through the buffer: 8 words in with the 12 of the inputs, 20 at 8 a cycle, 3 cycles; out of DRAM, 10;
// out of the buffer, 1; into the register files, 2.
#[test]
fn first_loads_follow_each_other_from_level_to_level() {
    let latency = bypassing(2.0, true);
    assert_eq!(latency.load_cycles, (2 + 1) + (3 + 10));
}

// Single buffers wait for all their fills, read and written: 4 tiles of 2 weights, 8 cycles, for 4 units at 2 words a
// cycle from DRAM, 16; 6 by 8 inputs in 6 cycles, from DRAM in 24. Outputs are not loaded, as the buffer holds all of
// them from beginning to end.
#[test]
fn single_buffers_wait_for_every_tile() {
    let latency = bypassing(1.0, false);
    assert_eq!(latency.load_cycles, (8 + 16) + (6 + 24));
    assert_eq!(latency.store_cycles, 3 + 12);
}

/// A product below one `buffer` below DRAM; of `columns` units K 16, if there are so many. The buffer writes `written` words
/// a cycle, DRAM moves `moved`.
fn one_buffer(
    buffer: Level,
    columns: u64,
    sizes: [u64; 3],
    in_buffer: [u64; 3],
    (written, moved): (Option<f64>, Option<f64>),
) -> LatencyReport {
    let mac = Mac { instances: columns, mesh_x: columns, word_bits: 8, energy_j: 1.0, area_m2: None };
    let mut buffer = buffer;
    buffer.bandwidth.write_words_per_cycle = written;
    let mut dram = level("DRAM", 1, 1);
    dram.bandwidth.shared_words_per_cycle = moved;
    let architecture = Architecture::new(mac, vec![buffer, dram]).expect("well formed");
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); 2] };
    mapping.levels.iter_mut().for_each(|level| level.keep = TensorSet::all(3));
    mapping.levels[0].spatial_x = vec![Loop::new(2, columns)];
    for dim in 0..3 {
        let below = in_buffer[dim] * if dim == 2 { columns } else { 1 };
        mapping.levels[0].temporal.push(Loop::new(dim, in_buffer[dim]));
        mapping.levels[1].temporal.push(Loop::new(dim, sizes[dim] / below));
    }
    let [m, n, k] = sizes;
    let report = evaluate(&architecture, &product(m, n, k), &mapping, Quirks::default());
    let LatencyReport { steady_cycles, load_cycles, store_cycles, array_cycles, .. } = report.latency;
    assert_eq!(report.cycles, steady_cycles + load_cycles + store_cycles + array_cycles);
    report.latency
}

fn tiles(multiple_buffering: f64) -> Level {
    Level { multiple_buffering, ..level("Buffer", 1, 1) }
}

// 1 x 1 x 4096, K 8 in the buffer over 16 columns, 32 tiles of 128 words of either input: 8,192 fills at one a cycle, then 8
// cycles of work on each tile, in which a sum a cycle comes back through the same port: 8,192 + 256. Two buffers are filled
// while there is work, but the port is never idle: 256 words first, then 7,936 with the 256 sums.
#[test]
fn fills_at_the_port_of_a_single_buffer_are_counted_once() {
    let run = |buffers| one_buffer(tiles(buffers), 16, [1, 1, 4096], [1, 1, 8], (Some(1.0), None));
    let (single, double) = (run(1.0), run(2.0));
    assert_eq!((single.steady_cycles, single.load_cycles, single.store_cycles), (256, 8_192, 0));
    assert_eq!((double.steady_cycles, double.load_cycles, double.store_cycles), (7_936 + 256, 256, 0));
}

// 2 x 2 x 4096 on one unit, K 64 in the buffer: 64 tiles of 256 words, 16,384 words at one a cycle from DRAM, while nothing is
// done; 16,384 cycles of work; then 4 sums go out. Two buffers wait for the first tile alone.
#[test]
fn a_single_buffer_waits_for_a_slow_supplier() {
    let run = |buffer| one_buffer(buffer, 1, [2, 2, 4096], [2, 2, 64], (None, Some(1.0)));
    let (single, double) = (run(tiles(1.0)), run(tiles(2.0)));
    assert_eq!((single.steady_cycles, single.load_cycles, single.store_cycles), (16_384, 16_384, 4));
    assert_eq!((double.steady_cycles, double.load_cycles, double.store_cycles), (16_384, 256, 4));
    // A queue lets words in one by one, in the room of one tile.
    assert_eq!(run(Level { overlaps_fills: Some(true), ..tiles(1.0) }), double);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Of one mapping: what the second buffer holds is room, which is not limited here. Each of six sums of cycles, at either end
    /// of a transfer, is rounded up.
    #[test]
    fn a_second_buffer_is_never_slower(
        in_buffer in prop::array::uniform3(1..5u64), outside in prop::array::uniform3(1..5u64), columns in 1..5u64,
        written in prop::option::of(1..9u32), moved in prop::option::of(1..9u32)
    ) {
        let mut sizes = [0, 1, 2].map(|dim| in_buffer[dim] * outside[dim]);
        sizes[2] *= columns;
        let limits = (written.map(f64::from), moved.map(f64::from));
        let cycles = |buffers| {
            let latency = one_buffer(tiles(buffers), columns, sizes, in_buffer, limits);
            latency.steady_cycles + latency.load_cycles + latency.store_cycles
        };
        prop_assert!(cycles(2.0) <= cycles(1.0) + 6);
    }
}

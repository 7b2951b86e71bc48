//! Layers of every kind as loop nests: what they compute, and the words that leave DRAM when nothing is fetched twice.

use tapeout_simulators::loop_nest::{
    Architecture, Einsum, Evaluator, Level, LevelMapping, Loop, Mac, Mapping, Quirks, Report, TensorSet,
    TensorSpec, Workspace,
};
use tapeout_simulators::networks::{Conv2d, Layer, Op};

use crate::machine::level;

const DRAM: usize = 1;

/// Storage that loads the next tile while this one is in use.
fn storage(name: &str, instances: u64) -> Level {
    Level { multiple_buffering: 2.0, ..level(name, instances, instances) }
}

/// The layer with all loops at buffers large enough for all of it, dimension `shared` over as many units.
fn run(einsum: &Einsum, shared: Option<usize>) -> Report {
    run_with(einsum, shared, Quirks::default())
}

fn run_with(einsum: &Einsum, shared: Option<usize>, quirks: Quirks) -> Report {
    let size = |dim: usize| einsum.dims()[dim].size;
    let units = shared.map_or(1, size);
    let mac = Mac { instances: units, mesh_x: units, word_bits: 16, energy_j: 1.0, area_m2: None };
    let architecture =
        Architecture::new(mac, vec![storage("Buffer", units), storage("DRAM", 1)]).expect("well formed");
    let n_tensors = einsum.tensors().len();
    let mut mapping = Mapping { levels: vec![LevelMapping::default(); 2] };
    mapping.levels.iter_mut().for_each(|level| level.keep = TensorSet::all(n_tensors));
    for dim in 0..einsum.dims().len() {
        let place = match shared == Some(dim) {
            true => &mut mapping.levels[DRAM].spatial_x,
            false => &mut mapping.levels[0].temporal,
        };
        place.push(Loop::new(dim, size(dim)));
    }
    let mut report = Report::new();
    Evaluator::new(&architecture, einsum, quirks)
        .expect("fits 64 bits")
        .evaluate(&mapping, &mut Workspace::new(), &mut report)
        .expect("legal");
    report
}

/// Queries times keys: `group_heads` heads of each of `groups` groups share keys; `cached` keys and `new` queries.
fn scores(groups: u64, group_heads: u64, new: u64, cached: u64, width: u64) -> Einsum {
    let dims = [("G", groups), ("S", group_heads), ("Q", new), ("T", cached), ("D", width)];
    let tensors = [
        TensorSpec::input("Queries", &[&[("G", 1)], &[("S", 1)], &[("Q", 1)], &[("D", 1)]]),
        TensorSpec::input("Keys", &[&[("G", 1)], &[("T", 1)], &[("D", 1)]]),
        TensorSpec::output("Scores", &[&[("G", 1)], &[("S", 1)], &[("Q", 1)], &[("T", 1)]]),
    ];
    Einsum::new(&dims, &tensors).expect("well formed")
}

fn dram_words(report: &Report, n_tensors: usize) -> Vec<u64> {
    (0..n_tensors)
        .map(|tensor| report.tensor(DRAM, tensor))
        .map(|entry| entry.reads + entry.updates)
        .collect()
}

// 512 new tokens see 512 keys: 32 heads of 128 numbers, each with keys of its own.
#[test]
fn attention_over_a_prompt_is_one_product_per_head() {
    let report = run(&scores(32, 1, 512, 512, 128), None);
    assert_eq!(report.macs, 32 * 512 * 512 * 128);
    assert_eq!(dram_words(&report, 3), [32 * 512 * 128, 32 * 512 * 128, 32 * 512 * 512]);
}

// One new token against a cache of 1,024: 8 groups of 4 heads. Each key read from the cache serves 4 heads, and so does
// each read of a value when scores and values are multiplied.
#[test]
fn a_decoding_step_reads_every_cached_key_once_for_all_heads_of_its_group() {
    let einsum = scores(8, 4, 1, 1_024, 128);
    let report = run(&einsum, Some(1));
    assert_eq!(report.macs, 32 * 1_024 * 128);
    assert_eq!(dram_words(&report, 3), [32 * 128, 8 * 1_024 * 128, 32 * 1_024]);
    let keys = &report.tensor(DRAM, 1).network;
    assert_eq!((keys.delivered[0].multicast, keys.delivered[0].words), (4, 8 * 1_024 * 128));
    assert_eq!(report.macs / keys.delivered[0].words, 4);

    let dims = [("G", 8), ("S", 4), ("Q", 1), ("D", 128), ("T", 1_024)];
    let tensors = [
        TensorSpec::input("Scores", &[&[("G", 1)], &[("S", 1)], &[("Q", 1)], &[("T", 1)]]),
        TensorSpec::input("Values", &[&[("G", 1)], &[("T", 1)], &[("D", 1)]]),
        TensorSpec::output("Context", &[&[("G", 1)], &[("S", 1)], &[("Q", 1)], &[("D", 1)]]),
    ];
    let report = run(&Einsum::new(&dims, &tensors).expect("well formed"), Some(1));
    assert_eq!(dram_words(&report, 3), [32 * 1_024, 8 * 1_024 * 128, 32 * 128]);
}

// 4 products of 12 x 8 by 8 x 10, and a vector by a matrix.
#[test]
fn batches_of_products_and_vectors_are_products() {
    let product = |batch: u64, m: u64| {
        let tensors = [
            TensorSpec::input("A", &[&[("B", 1)], &[("M", 1)], &[("K", 1)]]),
            TensorSpec::input("W", &[&[("B", 1)], &[("K", 1)], &[("N", 1)]]),
            TensorSpec::output("Z", &[&[("B", 1)], &[("M", 1)], &[("N", 1)]]),
        ];
        Einsum::new(&[("B", batch), ("M", m), ("K", 8), ("N", 10)], &tensors).expect("well formed")
    };
    assert_eq!(dram_words(&run(&product(4, 12), None), 3), [4 * 12 * 8, 4 * 8 * 10, 4 * 12 * 10]);
    assert_eq!(dram_words(&run(&product(1, 1), None), 3), [8, 80, 10]);
}

/// A 1-D convolution of `groups` groups, each of `channels` in and `filters` out, 16 outputs, 3 taps.
fn grouped(groups: u64, channels: u64, filters: u64, stride: u64, dilation: u64) -> Einsum {
    let dims = [("G", groups), ("C", channels), ("K", filters), ("P", 16), ("R", 3)];
    let tensors = [
        TensorSpec::input("Weights", &[&[("G", 1)], &[("K", 1)], &[("C", 1)], &[("R", 1)]]),
        TensorSpec::input("Inputs", &[&[("G", 1)], &[("C", 1)], &[("P", stride), ("R", dilation)]]),
        TensorSpec::output("Outputs", &[&[("G", 1)], &[("K", 1)], &[("P", 1)]]),
    ];
    Einsum::new(&dims, &tensors).expect("well formed")
}

// Padding of one at each edge lets 16 inputs have 16 outputs: the kernel sweeps 18 points, zeros included. With stride
// 2 it sweeps 33; with dilation 4, 24; with stride 4, the last of every 4 points is not touched: 3 x 16.
#[test]
fn convolutions_with_groups_padding_stride_and_dilation_read_what_the_kernel_sweeps() {
    assert_eq!(dram_words(&run(&grouped(1, 2, 5, 1, 1), None), 3), [2 * 5 * 3, 2 * 18, 5 * 16]);
    assert_eq!(dram_words(&run(&grouped(4, 2, 5, 1, 1), None), 3), [4 * 2 * 5 * 3, 4 * 2 * 18, 4 * 5 * 16]);
    let depthwise = run(&grouped(32, 1, 1, 2, 1), None);
    assert_eq!((depthwise.macs, dram_words(&depthwise, 3)), (32 * 16 * 3, vec![32 * 3, 32 * 33, 32 * 16]));
    assert_eq!(dram_words(&run(&grouped(1, 1, 1, 1, 4), None), 3), [3, 24, 16]);
    assert_eq!(dram_words(&run(&grouped(1, 1, 1, 4, 1), None), 3), [3, 48, 16]);
}

// 14 x 14 points in a border of 2 zeros, four of each row and column altogether: 18 x 18 words reach the buffer, of which DRAM has 196.
// Timeloop knows of no border. The layer padded to an array has more words, and the same share of them.
#[test]
fn zeros_of_the_padding_are_made_on_the_chip() {
    let conv = Conv2d {
        batch: 1,
        in_channels: 1,
        out_channels: 1,
        output: [16; 2],
        kernel: [3; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: [4; 2],
        groups: 1,
    };
    let layer = Layer::new("bordered", Op::Conv2d(conv)).expect("well formed");
    let inputs = layer.einsum().tensor_index("Inputs").expect("a convolution has them");
    let words = |einsum: &Einsum, quirks| {
        let report = run_with(einsum, None, quirks);
        (report.tensor(DRAM, inputs).reads, report.tensor(0, inputs).fills)
    };
    assert_eq!(words(layer.einsum(), Quirks::default()), (196, 324));
    assert_eq!(words(layer.einsum(), Quirks::timeloop_compat()), (324, 324));
    let mut sizes: Vec<u64> = layer.einsum().dims().iter().map(|dim| dim.size).collect();
    sizes[layer.einsum().dim_index("P").expect("rows")] = 17;
    // 19 x 18 words: 342 * 196 / 324 = 206.9.
    assert_eq!(words(&layer.einsum().with_sizes(&sizes).expect("small"), Quirks::default()), (207, 342));
}

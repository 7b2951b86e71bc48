//! Fusion of cascades against an enumeration that walks every row, and its laws.

#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in the functions they share")]

use std::cmp::Ordering;
use std::ops::Range;

use tapeout_simulators::attention::AttentionMachine;
use tapeout_simulators::fusion::{
    Cascade, CascadeError, CascadeStage, Fusion, FusionGoal, FusionMachine, GroupCost, GroupMapping, Overlap,
    alone_by_rows, best_fusion,
};
use tapeout_simulators::networks::{Conv2d, MatMul, SecondOperand};
use tapeout_simulators::transformer::transformer;

fn conv(channels: [u64; 2], rows: u64, kernel: u64, stride: u64, groups: u64) -> Conv2d {
    Conv2d {
        batch: 2,
        in_channels: channels[0],
        out_channels: channels[1],
        output: [rows, rows],
        kernel: [kernel, kernel],
        stride: [stride, stride],
        dilation: [1, 1],
        padding: [0, 0],
        groups,
    }
}

/// A 3x3 convolution, a depthwise one of stride two and a 1x1 one, without padding: 13 rows, 11, 5, 5; two images.
fn convolutions() -> Cascade {
    let stages = vec![
        CascadeStage::convolution("first", "image", "a", &conv([3, 4], 11, 3, 1, 1), 1.0),
        CascadeStage::convolution("depthwise", "a", "b", &conv([4, 4], 5, 3, 2, 4), 1.0),
        CascadeStage::convolution("pointwise", "b", "c", &conv([4, 6], 5, 1, 1, 1), 1.0),
    ];
    Cascade::new(stages).unwrap()
}

fn product(batch: u64, m: u64, k: u64, n: u64) -> MatMul {
    MatMul { batch, m, n, k, second: SecondOperand::Weight }
}

/// Up, activation, down.
fn perceptron() -> Cascade {
    let stages = vec![
        CascadeStage::product("up", ["x", "wu", "u"], &product(1, 12, 4, 16), 1.0),
        CascadeStage::of_rows("activation", "u", "v", [1, 12, 16], 1.0),
        CascadeStage::product("down", ["v", "wd", "y"], &product(1, 12, 16, 4), 1.0),
    ];
    Cascade::new(stages).unwrap()
}

/// Scores, softmax, context of two heads.
fn attention(tokens: u64, size: u64) -> Cascade {
    let stages = vec![
        CascadeStage::product("scores", ["q", "k", "s"], &product(2, tokens, size, tokens), 1.0),
        CascadeStage::of_rows("softmax", "s", "p", [2, tokens, tokens], 1.0),
        CascadeStage::product("context", ["p", "v", "o"], &product(2, tokens, tokens, size), 1.0),
    ];
    Cascade::new(stages).unwrap()
}

/// What a group takes, found by walking its tiles row by row: which rows of each tensor a tile needs, which of them are there.
fn walked(stages: &[CascadeStage], mapping: &GroupMapping, machine: &FusionMachine) -> GroupCost {
    let last = &stages[stages.len() - 1];
    let mut needs: Vec<Vec<Range<u64>>> = Vec::new();
    let mut start = 0;
    while start < last.rows {
        let end = (start + mapping.tile_rows).min(last.rows);
        let mut rows = start..end;
        let mut of_tile = vec![rows.clone()];
        for stage in stages.iter().rev() {
            let stop = ((rows.end - 1) * stage.stride + stage.window).min(stage.input_rows);
            rows = rows.start * stage.stride..stop;
            of_tile.push(rows.clone());
        }
        of_tile.reverse();
        needs.push(of_tile);
        start = end;
    }
    let row_byte = |tensor: usize| {
        if tensor == 0 { stages[0].input_row_byte } else { stages[tensor - 1].output_row_byte }
    };
    let (mut traffic, mut macs, mut footprint) = (0.0, 0.0, 0.0_f64);
    for (number, tile) in needs.iter().enumerate() {
        let fresh = |tensor: usize| {
            let rows = &tile[tensor];
            let is_there = number > 0 && mapping.overlap == Overlap::Retain;
            let from = if is_there { rows.start.max(needs[number - 1][tensor].end) } else { rows.start };
            rows.end.saturating_sub(from) as f64
        };
        let waiting = |tensor: usize| {
            let next =
                needs.get(number + 1).map_or(0, |next| tile[tensor].end.saturating_sub(next[tensor].start));
            let before = if number == 0 {
                0
            } else {
                needs[number - 1][tensor].end.saturating_sub(tile[tensor].start)
            };
            let rows = if mapping.overlap == Overlap::Retain { next.max(before) } else { 0 };
            rows as f64 * row_byte(tensor)
        };
        traffic += fresh(0) * row_byte(0) + fresh(stages.len()) * row_byte(stages.len());
        let size = |tensor: usize| (tile[tensor].end - tile[tensor].start) as f64 * row_byte(tensor);
        for (index, stage) in stages.iter().enumerate() {
            macs += fresh(index + 1) * stage.row_macs;
            let others: f64 = (0..=stages.len())
                .filter(|tensor| *tensor != index && *tensor != index + 1)
                .map(waiting)
                .sum();
            footprint = footprint.max(size(index) + size(index + 1) + others);
        }
    }
    let repeat = last.repeat as f64;
    (traffic, macs) = (traffic * repeat, macs * repeat);
    for (stage, is_resident) in stages.iter().zip(&mapping.is_resident) {
        let Some(operand) = &stage.operand else { continue };
        let times = match (*is_resident, operand.is_own) {
            (true, true) => repeat,
            (true, false) => 1.0,
            (false, _) => repeat * needs.len() as f64,
        };
        traffic += times * operand.byte;
        footprint += if *is_resident { operand.byte } else { 0.0 };
    }
    let latency_s = (macs / machine.macs_per_s).max(traffic / machine.byte_per_s);
    GroupCost { latency_s, traffic_byte: traffic, macs, footprint_byte: footprint }
}

/// Every mapping of a group.
fn mappings(stages: &[CascadeStage]) -> Vec<GroupMapping> {
    let mut all = Vec::new();
    for tile_rows in 1..=stages[stages.len() - 1].rows {
        for overlap in [Overlap::Retain, Overlap::Recompute] {
            for resident in 0..1_u32 << stages.len() {
                let is_resident = (0..stages.len()).map(|index| resident >> index & 1 == 1).collect();
                all.push(GroupMapping { tile_rows, overlap, is_resident });
            }
        }
    }
    all
}

fn order(goal: FusionGoal, a: (f64, f64), b: (f64, f64)) -> Ordering {
    match goal {
        FusionGoal::Latency => a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)),
        FusionGoal::Traffic => a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)),
    }
}

/// The best of every cut of three stages and every mapping of each group, as (latency, traffic).
fn enumerated(
    cascade: &Cascade,
    machine: &FusionMachine,
    goal: FusionGoal,
    alone: &[GroupCost],
) -> (f64, f64) {
    let best_of = |first: usize, end: usize| {
        if end == first + 1 {
            return Some((alone[first].latency_s, alone[first].traffic_byte));
        }
        let stages = &cascade.stages()[first..end];
        let costs = mappings(stages).into_iter().map(|mapping| walked(stages, &mapping, machine));
        let fitting = costs.filter(|cost| cost.footprint_byte <= machine.buffer_byte);
        fitting.map(|cost| (cost.latency_s, cost.traffic_byte)).min_by(|a, b| order(goal, *a, *b))
    };
    let cuts: [&[usize]; 4] = [&[0, 3], &[0, 1, 3], &[0, 2, 3], &[0, 1, 2, 3]];
    let totals = cuts.into_iter().filter_map(|cut| {
        let groups = cut.windows(2).map(|ends| best_of(ends[0], ends[1]));
        groups.sum_pairs()
    });
    totals.min_by(|a, b| order(goal, *a, *b)).unwrap()
}

trait SumPairs {
    fn sum_pairs(self) -> Option<(f64, f64)>;
}

impl<I: Iterator<Item = Option<(f64, f64)>>> SumPairs for I {
    fn sum_pairs(self) -> Option<(f64, f64)> {
        self.into_iter().try_fold((0.0, 0.0), |sum, pair| pair.map(|pair| (sum.0 + pair.0, sum.1 + pair.1)))
    }
}

fn chips() -> Vec<FusionMachine> {
    let buffers = [60.0, 120.0, 200.0, 300.0, 450.0, 700.0, 1000.0, 2000.0, 1e6];
    let machine = |buffer_byte| {
        [1.0, 30.0].map(|macs_per_s| FusionMachine { buffer_byte, byte_per_s: 1.0, macs_per_s })
    };
    buffers.into_iter().flat_map(machine).collect()
}

fn cascades() -> Vec<Cascade> {
    vec![convolutions(), perceptron(), attention(9, 3), attention(16, 2)]
}

// Claim: counts of rows by formula are those of walking them.
#[test]
fn every_mapping_of_a_group_costs_what_walking_its_tiles_says() {
    for cascade in cascades() {
        for (first, end) in [(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)] {
            let stages = &cascade.stages()[first..end];
            for mapping in mappings(stages) {
                let machine = FusionMachine { buffer_byte: 0.0, byte_per_s: 2.0, macs_per_s: 3.0 };
                let (got, expected) = (mapping.cost(stages, &machine), walked(stages, &mapping, &machine));
                assert_eq!(got, expected, "{first}..{end} {mapping:?}");
            }
        }
    }
}

// Claim: the best fusion of three stages is proven: no cut, tile, overlap or choice of residents is better.
#[test]
fn the_best_fusion_of_three_stages_is_the_best_of_all() {
    let mut fused = 0;
    for cascade in cascades() {
        for machine in chips() {
            for goal in [FusionGoal::Latency, FusionGoal::Traffic] {
                let Some(alone) = alone_by_rows(&cascade, &machine, goal) else { continue };
                let found = best_fusion(&cascade, &machine, goal, &alone);
                let expected = enumerated(&cascade, &machine, goal, &alone);
                assert_eq!((found.latency_s, found.traffic_byte), expected, "{machine:?} {goal:?}");
                fused += usize::from(found.groups.len() < 3);
            }
        }
    }
    assert!(fused > 40, "{fused}: most chips have room to fuse");
}

// Law: never below what must move; a larger buffer never moves more; all of it moves once if everything fits.
#[test]
fn fused_traffic_falls_with_the_buffer_to_what_must_move() {
    for cascade in cascades() {
        let mut before = f64::INFINITY;
        for machine in chips().into_iter().step_by(2) {
            let goal = FusionGoal::Traffic;
            let Some(alone) = alone_by_rows(&cascade, &machine, goal) else { continue };
            let traffic = best_fusion(&cascade, &machine, goal, &alone).traffic_byte;
            assert!(traffic <= before && traffic >= cascade.compulsory_byte(), "{traffic}");
            before = traffic;
        }
        assert_eq!(before, cascade.compulsory_byte());
    }
}

// Source of the bound: Saha & Ye (2024), arXiv 2402.07443, with a constant of one: attention of N tokens of size d with W words on the chip moves at least
// N^2 d^2 / W, for W of at least d^2.
#[test]
fn fused_attention_never_moves_less_than_its_bound() {
    for (tokens, size) in [(16, 2), (32, 4), (64, 4), (100, 5)] {
        let cascade = attention(tokens, size);
        for words in [25.0, 64.0, 150.0, 300.0, 1000.0, 5000.0] {
            let machine = FusionMachine { buffer_byte: words, byte_per_s: 1.0, macs_per_s: 1.0 };
            let goal = FusionGoal::Traffic;
            let Some(alone) = alone_by_rows(&cascade, &machine, goal) else { continue };
            let found = best_fusion(&cascade, &machine, goal, &alone);
            let bound = 2.0 * (tokens * tokens * size * size) as f64 / words;
            assert!(found.traffic_byte >= bound, "{tokens} {size} {words}: {} {bound}", found.traffic_byte);
        }
    }
}

fn fuse_bert(buffer_byte: f64, goal: FusionGoal) -> (Fusion, Vec<GroupCost>) {
    let machine = AttentionMachine {
        side: 256,
        lanes: 256,
        cycles_per_mac: 1.0,
        clock_hz: 940e6,
        buffer_byte,
        dram_byte_per_s: 400.0 * 1_073_741_824.0,
    };
    let model = transformer("bert-base").unwrap();
    let cascade = model.cascade(1024, 2.0).unwrap();
    let alone = model.alone(&cascade, &machine, 2.0);
    (best_fusion(&cascade, &(&machine).into(), goal, &alone), alone)
}

// Claim: where nothing can be kept, fusion is the layer-by-layer model, to the last bit.
#[test]
fn without_room_the_best_fusion_is_layer_by_layer_to_the_last_bit() {
    let (found, alone) = fuse_bert(1024.0, FusionGoal::Latency);
    assert_eq!(found.groups.len(), 120);
    assert!(found.groups.iter().all(|group| group.mapping.is_none()));
    let by_layer: f64 = alone.iter().map(|cost| cost.latency_s).sum();
    assert_eq!(found.latency_s.to_bits(), by_layer.to_bits());
    let traffic: f64 = alone.iter().map(|cost| cost.traffic_byte).sum();
    assert_eq!(found.traffic_byte.to_bits(), traffic.to_bits());
}

// Claim: in each layer of BERT scores, softmax and context run together, and up, activation and down; neither scores nor what is between
// up and down goes to memory.
#[test]
fn bert_fuses_attention_and_the_feed_forward_part() {
    let (found, alone) = fuse_bert(16.0 * 1_048_576.0, FusionGoal::Traffic);
    let fused: Vec<Range<usize>> = found.groups.iter().map(|group| group.stages.clone()).collect();
    for layer in 0..12 {
        let stages = 10 * layer;
        assert!(fused.contains(&(stages + 3..stages + 6)), "{fused:?}");
        assert!(fused.iter().any(|group| group.start <= stages + 7 && group.end == stages + 10), "{fused:?}");
    }
    let by_layer: f64 = alone.iter().map(|cost| cost.traffic_byte).sum();
    assert!(found.traffic_byte < 0.5 * by_layer, "{}", found.traffic_byte / by_layer);
}

#[test]
fn stages_that_cannot_run_in_their_order_are_refused() {
    let rows = |name, input, output| CascadeStage::of_rows(name, input, output, [1, 4, 4], 1.0);
    let refused = |stages| Cascade::new(stages).unwrap_err().to_string();
    assert_eq!(Cascade::new(Vec::new()).unwrap_err(), CascadeError::Empty);
    let early = vec![rows("a", "y", "x"), rows("b", "z", "y")];
    assert_eq!(refused(early), "stage `a`: reads `y`, which a later stage makes");
    let twice = vec![rows("a", "x", "y"), rows("b", "x", "y")];
    assert_eq!(refused(twice), "stage `b`: makes `y`, which an earlier stage makes too");
    let more = vec![rows("a", "x", "y"), CascadeStage::of_rows("b", "y", "z", [1, 5, 4], 1.0)];
    assert_eq!(refused(more), "stage `b`: reads 20 byte of `y`, of which 16 are made");
    let shared = vec![rows("a", "x", "y"), rows("b", "y", "z"), rows("c", "y", "w")];
    let cascade = Cascade::new(shared).unwrap();
    // `y` has two readers, so it goes to memory.
    assert!(!cascade.can_fuse(0, 2) && !cascade.can_fuse(1, 3));
}

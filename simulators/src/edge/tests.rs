//! Claims about the whole template: one layer worked by hand, laws on real networks, and that every rule can be broken.

use std::collections::BTreeSet;

use super::hierarchy::{ACTIVATION, CORE, DRAM, INPUT, LANE, PARAMETER, SUM};
use super::layer::{INPUTS, OUTPUTS, WEIGHTS};
use super::*;
use crate::networks::{Conv2d, Layer, MatMul, Op, SecondOperand, Workload};
use crate::technology::{DramKind, Node, mac};

fn setting() -> EdgeSetting {
    EdgeSetting {
        node: Node::new(16).unwrap(),
        clock_hz: 0.8e9,
        dram: DramKind::Lpddr4,
        dram_latency_s: 110e-9,
        dataflow: EdgeDataflow::OutputStationary,
    }
}

fn template() -> EdgeTemplate {
    EdgeTemplate {
        pes_x: 4,
        pes_y: 4,
        cores: 4,
        lanes: 64,
        pe_memory_bytes: 2 << 20,
        core_memory_bytes: 32 << 10,
        activation_memory_bytes: 1024,
        parameter_memory_bytes: 16384,
        instruction_entries: 16384,
        dram_bandwidth_byte_per_s: 16e9,
    }
}

/// Templates scattered over PRIME's levels; a multiplicative hash of the index picks each level.
fn scattered(n: u64) -> impl Iterator<Item = EdgeTemplate> {
    const COUNTS: [u64; 10] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 32];
    (1..=n).map(|index| {
        // Source: the multiplier of splitmix64, Steele, Lea & Flood (2014), doi:10.1145/2660193.2660195.
        let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut pick = |n: u64| {
            state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (state >> 33) % n
        };
        EdgeTemplate {
            pes_x: COUNTS[pick(10) as usize],
            pes_y: COUNTS[pick(10) as usize],
            cores: COUNTS[pick(10) as usize],
            lanes: [4, 8, 16, 32, 64, 128, 256][pick(7) as usize],
            pe_memory_bytes: (256 << 10) << pick(7),
            core_memory_bytes: (4 << 10) << pick(11),
            activation_memory_bytes: 256 << pick(7),
            instruction_entries: 8192 << pick(4),
            parameter_memory_bytes: 2048 << pick(5),
            dram_bandwidth_byte_per_s: [5e9, 10e9, 16e9, 20e9, 25e9, 30e9][pick(6) as usize],
        }
    })
}

fn layers(id: &str) -> Vec<Layer> {
    crate::networks::network(id).unwrap().layers().to_vec()
}

fn prepared(id: &str) -> PreparedWorkload {
    PreparedWorkload::new(&Workload::of(&[(id, 1.0)]).unwrap())
}

fn conv(in_channels: u64, out_channels: u64, size: u64, kernel: u64) -> Layer {
    let conv = Conv2d {
        batch: 1,
        in_channels,
        out_channels,
        output: [size; 2],
        kernel: [kernel; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: [kernel - 1; 2],
        groups: 1,
    };
    Layer::new("layer", Op::Conv2d(conv)).unwrap()
}

/// One core of 4 lanes at 1 GHz, with 32 bytes per cycle of DRAM, which the staging memories sustain.
fn one_core(dataflow: EdgeDataflow) -> Chip {
    let template = EdgeTemplate {
        pes_x: 1,
        pes_y: 1,
        cores: 1,
        lanes: 4,
        dram_bandwidth_byte_per_s: 32e9,
        activation_memory_bytes: 4096,
        parameter_memory_bytes: 4096,
        ..template()
    };
    Chip::new(template, EdgeSetting { clock_hz: 1e9, dram_latency_s: 100e-9, dataflow, ..setting() }).unwrap()
}

// Claim: cycles and energy of a small layer are those worked out on paper.
//
// Four inputs, four outputs: 16 multiply-accumulates on 4 lanes x 4 ways, one cycle. 16 bytes of weights, 4 of inputs and
// 4 of outputs at 32 bytes per cycle: one cycle of DRAM. The first load takes a cycle each for weights and inputs out of
// DRAM, and one each into core and PE memory; the last store one into PE memory, one out of it and one into DRAM. One PE
// has nothing to fill. 1 + 4 + 3 = 8.
//
// Blocks: core and PE memories 16 bytes, staging 64, as its port moves twice what it sustains. Lanes: each writes its sum
// once. Core memory and inputs: a block filled and a block read; sums: a block written. Staging: a block each of weights
// and inputs in and out, and one of outputs in. DRAM: 24 bytes. Words on their way up are counted where they arrive.
// Program: 3 transfers and what is between them.
#[test]
fn a_small_layer_by_hand() {
    let chip = one_core(EdgeDataflow::OutputStationary);
    let layer = chip.run_layer(&PreparedLayer::new(&conv(4, 4, 1, 1), 1.0)).unwrap();
    let latency = layer.best.report.latency;
    assert_eq!((latency.compute_cycles, latency.steady_cycles), (1, 1));
    assert_eq!((latency.load_cycles, latency.store_cycles, latency.array_cycles), (4, 3, 0));
    assert_eq!((layer.cycles(), layer.weight_bytes(), layer.activation_bytes()), (8, 16, 8));
    assert_eq!(layer.instructions, 4);

    let levels = chip.architecture().levels();
    let [lane, core, input, sum, parameter, activation] =
        [LANE, CORE, INPUT, SUM, PARAMETER, ACTIVATION].map(|index| levels[index].energy);
    let leak_j: f64 =
        levels.iter().map(|level| level.instances as f64 * level.energy.leak_j_per_cycle * 8.0).sum();
    let expected_j = 16.0 * mac(8, Some(32), setting().node).unwrap().energy_j
        + 4.0 * lane.update_j
        + core.fill_j
        + core.read_j
        + input.fill_j
        + input.read_j
        + sum.update_j
        + parameter.fill_j
        + parameter.read_j
        + activation.fill_j
        + activation.read_j
        + activation.update_j
        + 24.0 * 8.0 * 8e-12
        + leak_j
        + 4.0 * chip.controller.instruction_j
        + 8e-9 * chip.controller.leakage_w;
    assert!((layer.energy_j / expected_j - 1.0).abs() < 1e-12, "{} against {expected_j}", layer.energy_j);
}

// Claim: a dataflow keeps its operand in the lanes. Eight inputs and four outputs take 32 multiply-accumulates, two per unit
// of the core above. A sum that stays in its lane is written to PE memory once, 4 words in all; otherwise it is written
// twice, and read once in between.
#[test]
fn sums_move_as_the_dataflow_says_by_hand() {
    for (dataflow, updates, reads) in [
        (EdgeDataflow::OutputStationary, 4, 0),
        (EdgeDataflow::WeightStationary, 8, 4),
        (EdgeDataflow::InputStationary, 8, 4),
    ] {
        let layer = one_core(dataflow).run_layer(&PreparedLayer::new(&conv(8, 4, 1, 1), 1.0)).unwrap();
        let sums = layer.best.report.tensor(SUM, OUTPUTS);
        assert_eq!((sums.updates, sums.reads), (updates, reads), "{dataflow:?}");
    }
}

// Claim: whatever the network, template and dataflow, a mapping is found, no incomplete sum leaves the chip, and what a
// memory must hold fits it, sums counted with four bytes each.
#[test]
fn layers_of_every_network_map_and_keep_their_sums_on_the_chip() {
    let mut mapped = 0;
    for (row, skip) in crate::networks::NETWORKS.iter().zip(0..) {
        let workload = prepared(row.id);
        for template in scattered(40).skip(skip).step_by(9) {
            for dataflow in [
                EdgeDataflow::OutputStationary,
                EdgeDataflow::WeightStationary,
                EdgeDataflow::InputStationary,
            ] {
                let template = EdgeTemplate { instruction_entries: 1 << 20, ..template };
                let Ok(chip) = Chip::new(template, EdgeSetting { dataflow, ..setting() }) else { continue };
                for layer in workload.layers().iter().skip(skip % 5).step_by(5) {
                    let best = chip.run_layer(layer).unwrap().best;
                    let report = &best.report;
                    assert_eq!(report.tensor(DRAM, OUTPUTS).reads, 0);
                    let outputs = report.tensor(SUM, OUTPUTS).tile_words * 4;
                    assert!(4 * outputs <= template.pe_memory_bytes, "two tiles in half a memory");
                    assert!(4 * report.tensor(INPUT, INPUTS).tile_words <= template.pe_memory_bytes);
                    assert!(2 * report.tensor(CORE, WEIGHTS).tile_words <= template.core_memory_bytes);
                    assert!(report.macs >= layer.macs());
                    mapped += 1;
                }
            }
        }
    }
    assert!(mapped > 400, "{mapped} mappings were tried");
}

// Claim: nothing is faster than its units, nothing moves less than every weight and output once (and every input, where
// strides leave no gaps), and nothing costs less than its multiply-accumulates and that traffic.
#[test]
fn no_layer_beats_its_bounds() {
    let mac_j = mac(8, Some(32), setting().node).unwrap().energy_j;
    for id in ["resnet50", "mobilenet-v2", "bert-base"] {
        for template in scattered(6) {
            let Ok(chip) = Chip::new(template, setting()) else { continue };
            for layer in layers(id).iter().step_by(4) {
                let has_gaps = matches!(layer.op(), Op::Conv2d(conv) if conv.kernel[0] < conv.stride[0]);
                let inputs = if has_gaps { 0 } else { layer.input_words() };
                let compulsory = layer.weight_words() + inputs + layer.output_words();
                let Ok(report) = chip.run_layer(&PreparedLayer::new(layer, 1.0)) else { continue };
                assert!(report.best.report.latency.compute_cycles * template.n_macs() >= layer.macs());
                let moved = report.weight_bytes() + report.activation_bytes();
                assert!(moved >= compulsory, "{} {template:?}", layer.name());
                let least_s = compulsory as f64 / template.dram_bandwidth_byte_per_s;
                assert!(report.cycles() as f64 / setting().clock_hz >= least_s);
                let least_j = layer.macs() as f64 * mac_j + compulsory as f64 * 8.0 * 8e-12;
                assert!(report.energy_j >= least_j);
            }
        }
    }
}

/// Fails if `better`, the same template with more of something, has a worse product of energy and delay. The best
/// mappings never have; a search of that effort may miss them, on either side, by the margin.
fn never_worse(better: impl Fn(EdgeTemplate) -> EdgeTemplate) {
    const MARGIN: f64 = 0.1;
    let workload = prepared("resnet50");
    let mut improved = 0;
    for template in scattered(16) {
        let product = |template: EdgeTemplate| -> Result<f64, Infeasible> {
            let cost = Chip::new(template, setting())?.run(&workload)?;
            Ok(cost.latency_s(setting().clock_hz) * cost.energy_j())
        };
        let (Ok(less), Ok(more)) = (product(template), product(better(template))) else { continue };
        assert!(more <= (1.0 + MARGIN) * less, "{template:?}: {} times", more / less);
        improved += u64::from(more < less);
    }
    assert!(improved > 5, "{improved} templates improved");
}

#[test]
fn more_dram_bandwidth_is_never_worse() {
    never_worse(|template| EdgeTemplate { dram_bandwidth_byte_per_s: 60e9, ..template });
}

// Larger staging memories cost more energy per byte, and leak more; neither is much beside DRAM.
#[test]
fn larger_staging_memories_are_never_worse() {
    never_worse(|template| EdgeTemplate {
        activation_memory_bytes: 4 * template.activation_memory_bytes,
        parameter_memory_bytes: 4 * template.parameter_memory_bytes,
        ..template
    });
}

// Claim: what earlier searches left behind, in whatever order and by whichever thread, changes no result.
#[test]
fn kept_mappings_change_no_result() {
    let workload = Workload::of(&[("mobilenet-v2", 1.0)]).unwrap();
    let chips: Vec<Chip> = scattered(12).filter_map(|template| Chip::new(template, setting()).ok()).collect();
    let fresh: Vec<_> = chips.iter().map(|chip| chip.run(&PreparedWorkload::new(&workload))).collect();
    let shared = PreparedWorkload::new(&workload);
    let run = |chip: &Chip| chip.run(&shared);
    let (forwards, mut backwards) = std::thread::scope(|scope| {
        let thread = scope.spawn(|| chips.iter().rev().map(run).collect::<Vec<_>>());
        (chips.iter().map(run).collect::<Vec<_>>(), thread.join().unwrap())
    });
    backwards.reverse();
    assert!(fresh == forwards && fresh == backwards);
    assert!(fresh.iter().filter(|result| result.is_ok()).count() > 3);
}

// By hand: staging of 1,024 bytes over 102.4 ns sustains 10 GB/s of the 16 GB/s. Of 256 inputs and 256 outputs the first tile of 8
// inputs and the last one of 4 sums are waited for; the others take 50.0 ns, which are 50 cycles at 1 GHz.
#[test]
fn bytes_in_flight_bound_a_stream() {
    let setting = EdgeSetting { clock_hz: 1e9, dram_latency_s: 102.4e-9, ..setting() };
    let chip = Chip::new(template(), setting).unwrap();
    let run = chip.run_layer(&PreparedLayer::new(&conv(1, 1, 16, 1), 1.0)).unwrap();
    let report = &run.best.report;
    let last_sums = report.tensor(SUM, 2).tile_words * report.tensor(ACTIVATION, 2).network.sets;
    assert_eq!((report.tensor(ACTIVATION, 1).tile_words, last_sums), (8, 4));
    assert_eq!((run.activation_bytes(), report.latency.steady_cycles), (512, 50));
}

// Claim: the hierarchy and the chip agree about area: 16 PEs of 4 cores of 64 lanes of 4 units, and staging memories. The
// instruction memory is apart.
#[test]
fn the_parts_of_the_hierarchy_are_all_of_the_area_but_the_program() {
    let chip = Chip::new(template(), setting()).unwrap();
    let area = chip.area();
    let levels = chip.architecture().levels();
    let staging_m2: f64 = [PARAMETER, ACTIVATION].iter().filter_map(|&index| levels[index].area_m2).sum();
    let array_m2 = chip.architecture().area_m2() - staging_m2;
    assert!((array_m2 / (area.total_m2() - area.controller_m2) - 1.0).abs() < 1e-12, "{area:?}");
    assert!(staging_m2 < area.controller_m2);
    let macs_m2 = 16_384.0 * mac(8, Some(32), setting().node).unwrap().area_m2;
    assert!((area.macs_m2 / macs_m2 - 1.0).abs() < 1e-12);
}

// Claim: every rule can be broken, and says by how much.
#[test]
fn every_rule_is_broken_by_some_template_or_layer() {
    let slow_clock = EdgeSetting { clock_hz: 100e6, ..setting() };
    let fast_clock = EdgeSetting { clock_hz: 20e9, ..setting() };
    let product = Op::MatMul(MatMul { batch: 1, m: 1, n: 4096, k: 25088, second: SecondOperand::Weight });
    let long_program = EdgeTemplate {
        pes_x: 1,
        pes_y: 1,
        cores: 1,
        lanes: 4,
        core_memory_bytes: 4 << 10,
        instruction_entries: 8192,
        ..template()
    };
    let chip_error = |template: EdgeTemplate, setting: EdgeSetting| Chip::new(template, setting).unwrap_err();
    let layer_error = |template: EdgeTemplate, layer: &Layer| {
        Chip::new(template, setting()).unwrap().run_layer(&PreparedLayer::new(layer, 1.0)).unwrap_err()
    };
    let staging = EdgeTemplate { dram_bandwidth_byte_per_s: 30e9, ..template() };
    let mut controller = EdgeTemplate { core_memory_bytes: 4 << 20, ..staging };
    controller.instruction_entries = 1;
    let errors = [
        chip_error(EdgeTemplate { lanes: 256, core_memory_bytes: 4096, ..template() }, setting()),
        chip_error(
            EdgeTemplate {
                cores: 32,
                lanes: 256,
                pe_memory_bytes: 256 << 10,
                core_memory_bytes: 1 << 20,
                ..template()
            },
            setting(),
        ),
        chip_error(EdgeTemplate { activation_memory_bytes: 256, ..staging }, slow_clock),
        chip_error(
            EdgeTemplate { activation_memory_bytes: 16384, parameter_memory_bytes: 2048, ..staging },
            slow_clock,
        ),
        chip_error(controller, setting()),
        chip_error(template(), fast_clock),
        // 102.8 MB of weights in tiles of 2 KiB: about 50,000 transfers.
        layer_error(long_program, &Layer::new("fc", product).unwrap()),
    ];
    assert!(errors.iter().all(|error| error.violation > 0.0 && error.violation.is_finite()), "{errors:?}");
    let broken: BTreeSet<EdgeRule> = errors.iter().map(|error| error.rule).collect();
    assert_eq!(broken, BTreeSet::from(EdgeRule::ALL), "{errors:?}");
}

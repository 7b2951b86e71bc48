//! Claims about the whole template: one layer worked by hand, laws on real networks, and that every rule can be broken.

use std::collections::BTreeSet;

use super::*;
use crate::loop_nest::{Evaluator, Quirks, Report, Workspace};
use crate::networks::{Conv2d, Layer, MatMul, Op, SecondOperand, Workload};
use crate::technology::{DramKind, Node, mac};

fn setting() -> Setting {
    Setting {
        node: Node::new(16).unwrap(),
        clock_hz: 0.8e9,
        dram: DramKind::Lpddr4,
        dram_latency_s: 110e-9,
        dataflow: Dataflow::OutputStationary,
    }
}

fn template() -> Template {
    Template {
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
fn scattered(n: u64) -> impl Iterator<Item = Template> {
    const COUNTS: [u64; 10] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 32];
    (1..=n).map(|index| {
        // Source: the multiplier of splitmix64, Steele, Lea & Flood (2014), doi:10.1145/2660193.2660195.
        let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut pick = |n: u64| {
            state = (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (state >> 33) % n
        };
        Template {
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

// Claim: cycles and energy of a small layer are those worked out on paper.
//
// 1 x 1 convolution, C = K = 8, P = Q = 2, so 256 multiply-accumulates, on one core of 4 lanes x 4 ways. Ways take C
// (2 steps), lanes take K (2 steps): 2 * 2 * 2 * 2 = 16 cycles, all units busy. Everything fits, so there is one tile:
// weights 64, inputs 32, outputs 32 bytes, each moved once.
//
// Cycles at 1 GHz with 1 byte per cycle of DRAM (the staging memories sustain 10 and 20): 64 + 32 + 32 = 128 cycles of
// DRAM against 16 of compute; the first load, 96, and the last store, 32, are not hidden; one PE has nothing to fill.
// 128 + 96 + 32 = 256.
//
// PE memory, 16 bytes per cycle: lanes share 4 inputs in each of 16 cycles, 64 read, 32 filled; 32 outputs arrive
// complete: 128 bytes, 8 cycles; blocks of 16 bytes: 4 reads, 2 fills, 2 updates.
// Lanes: 4 lanes * 16 cycles write a sum; each lane makes 8 outputs, so it reads one in 16 - 8 cycles.
// Core memory: 16 weights in each of 16 cycles = 16 blocks read, 64 words = 4 blocks filled.
// DRAM: 128 bytes. Program: 3 transfers and 1 tile.
#[test]
fn a_small_layer_by_hand() {
    let template = Template {
        pes_x: 1,
        pes_y: 1,
        cores: 1,
        lanes: 4,
        dram_bandwidth_byte_per_s: 1e9,
        parameter_memory_bytes: 2048,
        ..template()
    };
    let setting = Setting { clock_hz: 1e9, dram_latency_s: 100e-9, ..setting() };
    let chip = Chip::new(template, setting).unwrap();
    let layer = PreparedLayer::new(&conv(8, 8, 2, 1), 1.0);
    assert_eq!(map(&chip, &layer).unwrap().instructions(), 4);
    let report = chip.run_layer(&layer).unwrap();
    assert_eq!((report.compute_cycles, report.pe_memory_cycles, report.dram_cycles), (16.0, 8.0, 128.0));
    assert_eq!((report.exposed_cycles, report.cycles), (128.0, 256.0));
    assert_eq!((report.weight_bytes, report.activation_bytes), (64, 64));

    let [lane, core, pe] = [0, 1, 2].map(|level| chip.architecture().levels()[level].energy);
    let expected_j = 256.0 * mac(8, Some(32), setting.node).unwrap().energy_j
        + 4.0 * (16.0 * lane.update_j + 8.0 * lane.read_j)
        + 16.0 * core.read_j
        + 4.0 * core.fill_j
        + 4.0 * pe.read_j
        + 2.0 * pe.fill_j
        + 2.0 * pe.update_j
        + 128.0 * 8.0 * 8e-12
        + 64.0 * chip.costs.parameter_j_per_byte
        + 64.0 * chip.costs.activation_j_per_byte
        + 4.0 * chip.costs.instruction_j;
    assert!((report.dynamic_energy_j / expected_j - 1.0).abs() < 1e-12, "{report:?} against {expected_j}");
}

// Claim: the other dataflows keep their sums, four bytes each, in the PE memory, and what they hold out of it. The layer
// and chip of the case above: in each of 16 cycles 4 lanes update a sum, 64 in all, and read it but for the first time,
// 64 - 32; that is (64 + 32) * 4 = 384 bytes in either dataflow. Weight-stationary lanes take 4 new inputs every cycle:
// 64 read and 32 filled, 480 bytes, 30 cycles of 16. Input-stationary lanes hold them for both steps of K: 32 read and
// 32 filled, 448 bytes, 28 cycles.
#[test]
fn sums_in_the_pe_memory_by_hand() {
    for (dataflow, cycles) in [(Dataflow::WeightStationary, 30.0), (Dataflow::InputStationary, 28.0)] {
        let template = Template { pes_x: 1, pes_y: 1, cores: 1, lanes: 4, ..template() };
        let chip = Chip::new(template, Setting { dataflow, ..setting() }).unwrap();
        let report = chip.run_layer(&PreparedLayer::new(&conv(8, 8, 2, 1), 1.0)).unwrap();
        assert_eq!((report.compute_cycles, report.pe_memory_cycles), (16.0, cycles), "{dataflow:?}");
    }
}

// By hand: 1 x 1 convolution, C = 64, K = 256, P = Q = 64 on one PE of 256 KiB and a core of 8 KiB. Inputs are 256 KiB and
// sums 4 MiB, weights 16 KiB: neither fits, each is a multiple of its tile, and each dataflow moves its own tensor once.
#[test]
fn a_dataflow_fetches_what_is_stationary_once() {
    let layer = PreparedLayer::new(&conv(64, 256, 64, 1), 1.0);
    let template = Template {
        pes_x: 1,
        pes_y: 1,
        cores: 1,
        lanes: 16,
        core_memory_bytes: 8 << 10,
        pe_memory_bytes: 256 << 10,
        ..template()
    };
    let run = |dataflow| {
        let chip = Chip::new(template, Setting { dataflow, ..setting() }).unwrap();
        (chip.run_layer(&layer).unwrap(), map(&chip, &layer).unwrap())
    };
    let (weights, (inputs, outputs)) = (64 * 256, (64 * 64 * 64, 256 * 64 * 64));
    let (report, placement) = run(Dataflow::WeightStationary);
    assert_eq!(report.weight_bytes, weights);
    assert!(report.activation_bytes > inputs + outputs && placement.transfers[1] > placement.transfers[0]);
    let (report, placement) = run(Dataflow::InputStationary);
    assert_eq!(report.activation_bytes, inputs + outputs);
    assert!(report.weight_bytes > weights && placement.transfers[0] > placement.transfers[1]);
    let (report, _) = run(Dataflow::OutputStationary);
    assert!(report.weight_bytes == weights || report.activation_bytes == inputs + outputs);
}

// Claim: no mapping of the policy is refused by the loop-nest model, whatever the network, template and dataflow; and
// no incomplete sum leaves the chip.
#[test]
fn every_layer_of_every_network_maps_and_keeps_its_sums_on_the_chip() {
    let (mut workspace, mut report) = (Workspace::new(), Report::new());
    let mut mapped = 0;
    for (row, templates) in crate::networks::NETWORKS.iter().zip(0..) {
        let workload = prepared(row.id);
        for template in scattered(12 + templates) {
            for dataflow in
                [Dataflow::OutputStationary, Dataflow::WeightStationary, Dataflow::InputStationary]
            {
                let Ok(chip) = Chip::new(template, Setting { dataflow, ..setting() }) else { continue };
                for layer in workload.layers() {
                    let Ok(placement) = map(&chip, layer) else { continue };
                    let nest =
                        Evaluator::new(chip.architecture(), &placement.einsum, Quirks::default()).unwrap();
                    nest.evaluate(&placement.mapping, &mut workspace, &mut report).unwrap();
                    let outputs = report.tensor(3, 2);
                    assert_eq!((outputs.reads, outputs.updates), (0, placement.einsum.words(2).unwrap()));
                    assert!(report.macs >= layer.macs());
                    mapped += 1;
                }
            }
        }
    }
    assert!(mapped > 1000, "{mapped} mappings were tried");
}

// Claim: nothing is faster than its units, nothing moves less than every weight and output once (and every input, where
// strides leave no gaps), and nothing costs less than its multiply-accumulates and that traffic.
#[test]
fn no_layer_beats_its_bounds() {
    let mac_j = mac(8, Some(32), setting().node).unwrap().energy_j;
    for id in ["resnet50", "mobilenet-v2", "bert-base"] {
        for template in scattered(20) {
            let Ok(chip) = Chip::new(template, setting()) else { continue };
            for layer in layers(id) {
                let has_gaps = matches!(layer.op(), Op::Conv2d(conv) if conv.kernel[0] < conv.stride[0]);
                let inputs = if has_gaps { 0 } else { layer.input_words() };
                let compulsory = layer.weight_words() + inputs + layer.output_words();
                let Ok(report) = chip.run_layer(&PreparedLayer::new(&layer, 1.0)) else { continue };
                assert!(report.compute_cycles * template.n_macs() as f64 >= layer.macs() as f64);
                assert!(
                    report.weight_bytes + report.activation_bytes >= compulsory,
                    "{} {template:?}",
                    layer.name()
                );
                let least_s = compulsory as f64 / template.dram_bandwidth_byte_per_s;
                assert!(report.cycles / 0.8e9 >= least_s);
                let least_j = layer.macs() as f64 * mac_j + compulsory as f64 * 8.0 * 8e-12;
                assert!(report.dynamic_energy_j >= least_j);
            }
        }
    }
}

/// Fails if `better`, the same template with more of something, is slower on any layer where both run.
fn never_slower(measure: fn(&LayerReport) -> f64, better: impl Fn(Template) -> Template) {
    let workload = prepared("resnet50");
    let mut compared = 0;
    for template in scattered(40) {
        let chips = (Chip::new(template, setting()), Chip::new(better(template), setting()));
        let (Ok(chip), Ok(larger)) = chips else { continue };
        for layer in workload.layers() {
            let (Ok(less), Ok(more)) = (chip.run_layer(layer), larger.run_layer(layer)) else { continue };
            assert!(measure(&more) <= measure(&less), "{template:?}\n{less:?}\n{more:?}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} layers were compared");
}

#[test]
fn more_dram_bandwidth_is_never_slower() {
    never_slower(|report| report.cycles, |template| Template { dram_bandwidth_byte_per_s: 60e9, ..template });
}

#[test]
fn larger_staging_memories_are_never_slower() {
    never_slower(
        |report| report.cycles,
        |template| Template {
            activation_memory_bytes: 2 * template.activation_memory_bytes,
            parameter_memory_bytes: 2 * template.parameter_memory_bytes,
            ..template
        },
    );
}

// More lanes may cost cycles elsewhere (larger tiles load longer), but never more steps of the array.
#[test]
fn doubling_the_lanes_never_takes_more_compute_cycles() {
    never_slower(
        |report| report.compute_cycles,
        |template| Template { lanes: 2 * template.lanes, ..template },
    );
}

// By hand: staging of 1,024 bytes over 110 ns sustains 9.3 GB/s of the 16 GB/s; 256 inputs and 256 outputs, half of
// what is in flight, take half of 110 ns: 44 cycles at 800 MHz.
#[test]
fn bytes_in_flight_bound_a_stream() {
    let chip = Chip::new(template(), setting()).unwrap();
    let layer = PreparedLayer::new(&conv(1, 1, 16, 1), 1.0);
    let report = chip.run_layer(&layer).unwrap();
    assert_eq!(report.activation_bytes, 512);
    assert!((report.dram_cycles - 44.0).abs() < 1e-9, "{report:?}");
}

// Claim: the hierarchy and the chip agree about area: 16 PEs of 4 cores of 64 lanes of 4 units, and the controller apart.
#[test]
fn the_parts_of_the_hierarchy_are_all_of_the_area_but_the_controller() {
    let chip = Chip::new(template(), setting()).unwrap();
    let area = chip.area();
    let array_m2 = chip.architecture().area_m2();
    assert!((array_m2 / (area.total_m2() - area.controller_m2) - 1.0).abs() < 1e-12, "{area:?}");
    let macs_m2 = 16_384.0 * mac(8, Some(32), setting().node).unwrap().area_m2;
    assert!((area.macs_m2 / macs_m2 - 1.0).abs() < 1e-12);
}

// Claim: every rule can be broken, and says by how much.
#[test]
fn every_rule_is_broken_by_some_template_or_layer() {
    let slow_clock = Setting { clock_hz: 100e6, ..setting() };
    let fast_clock = Setting { clock_hz: 20e9, ..setting() };
    let small_core = Template { lanes: 64, core_memory_bytes: 8 << 10, ..template() };
    let product = Op::MatMul(MatMul { batch: 1, m: 1, n: 4096, k: 25088, second: SecondOperand::Weight });
    let long_program = Template {
        pes_x: 1,
        pes_y: 1,
        cores: 1,
        lanes: 4,
        core_memory_bytes: 4 << 10,
        instruction_entries: 8192,
        ..template()
    };
    let small_pe = Template { cores: 1, lanes: 4, pe_memory_bytes: 512, ..template() };
    let chip_error = |template: Template, setting: Setting| Chip::new(template, setting).unwrap_err();
    let layer_error = |template: Template, layer: &Layer| {
        Chip::new(template, setting()).unwrap().run_layer(&PreparedLayer::new(layer, 1.0)).unwrap_err()
    };
    let staging = Template { dram_bandwidth_byte_per_s: 30e9, ..template() };
    let mut controller = Template { core_memory_bytes: 4 << 20, ..staging };
    controller.instruction_entries = 1;
    let errors = [
        chip_error(Template { lanes: 256, core_memory_bytes: 4096, ..template() }, setting()),
        chip_error(
            Template {
                cores: 32,
                lanes: 256,
                pe_memory_bytes: 256 << 10,
                core_memory_bytes: 1 << 20,
                ..template()
            },
            setting(),
        ),
        chip_error(Template { activation_memory_bytes: 256, ..staging }, slow_clock),
        chip_error(
            Template { activation_memory_bytes: 16384, parameter_memory_bytes: 2048, ..staging },
            slow_clock,
        ),
        chip_error(controller, setting()),
        chip_error(template(), fast_clock),
        // 11 x 11 taps, 64 channels: 11 * 12 * 64 bytes in half of 8 KiB.
        layer_error(small_core, &conv(3, 64, 8, 11)),
        // The window of one point is 11 x 12 bytes and a row of 4 lanes; half of 512 bytes holds 256.
        layer_error(small_pe, &conv(64, 64, 8, 11)),
        // 102.8 MB of weights in tiles of 2 KiB: about 50,000 transfers.
        layer_error(long_program, &Layer::new("fc", product).unwrap()),
    ];
    assert!(errors.iter().all(|error| error.violation > 0.0 && error.violation.is_finite()), "{errors:?}");
    let broken: BTreeSet<Rule> = errors.iter().map(|error| error.rule).collect();
    assert_eq!(broken, BTreeSet::from(Rule::ALL), "{errors:?}");
}

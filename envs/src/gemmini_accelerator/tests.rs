use super::*;
use crate::accelerator::AcceleratorEnv;
use tapeout_core::{BuildEnv, Env, Value};

fn of_networks(
    networks: &[&str],
    weights: &[f64],
    dataflow: GemminiDataflow,
) -> AcceleratorEnv<GemminiAccelerator> {
    let networks = networks.iter().map(|&id| id.to_owned()).collect();
    let weights = weights.to_vec();
    let config = GemminiAcceleratorConfig { networks, weights, dataflow, ..Default::default() };
    AcceleratorEnv::<GemminiAccelerator>::build(config).unwrap()
}

fn env() -> AcceleratorEnv<GemminiAccelerator> {
    of_networks(&["resnet18"], &[], GemminiDataflow::WeightStationary)
}

fn measured(
    env: &AcceleratorEnv<GemminiAccelerator>,
    array: i64,
    scratchpad_kib: i64,
    accumulator_kib: i64,
) -> Vec<f64> {
    let design = env.space().design_of([
        ("array", Value::from(array)),
        ("scratchpad_bytes", Value::from(scratchpad_kib << 10)),
        ("accumulator_bytes", Value::from(accumulator_kib << 10)),
    ]);
    env.evaluate(&design.unwrap()).unwrap().metrics().unwrap().to_vec()
}

// By hand: 7 arrays, 12 scratchpads, 12 accumulators.
#[test]
fn the_space_is_the_published_one() {
    let env = env();
    assert_eq!(env.space().cardinality(), 7 * 12 * 12);
    let last = env.space().design(&[6, 11, 11]).unwrap();
    let expected = GemminiTemplate { array: 128, scratchpad_bytes: 2 << 20, accumulator_bytes: 2 << 20 };
    assert_eq!(env.template().numbers(&last), expected);
}

// Claim: nothing is free. The work takes its cycles, the arithmetic its energy, and DRAM delivers every weight at 8 bytes a
// cycle at most.
#[test]
fn no_design_beats_its_work_and_its_compulsory_traffic() {
    let network = tapeout_simulators::networks::network("resnet18").unwrap();
    let unit_j = tapeout_simulators::technology::mac(8, Some(32), Node::new(22).unwrap()).unwrap().energy_j;
    for dataflow in [GemminiDataflow::WeightStationary, GemminiDataflow::OutputStationary] {
        let env = of_networks(&["resnet18"], &[], dataflow);
        for (array, kib) in [(2, 1), (16, 64), (128, 2048)] {
            let metrics = measured(&env, array, kib, kib);
            let work_s = network.macs() as f64 / (array * array) as f64 / 1e9;
            let weights_s = network.weights() as f64 / 8e9;
            assert!(metrics[0] > work_s.max(weights_s), "{dataflow:?} {array}: {metrics:?}");
            let least_j = network.macs() as f64 * unit_j + network.weights() as f64 * 8.0 * 8e-12;
            assert!(metrics[1] > least_j, "{dataflow:?} {array}: {metrics:?}");
            assert!((metrics[4] - work_s / metrics[0]).abs() < 1e-9, "{metrics:?}");
        }
    }
}

// Claim: the parameters matter in the direction they should, by more than the mapper's error: sixteen times the units are
// faster where memories are large, and a scratchpad of 256 times the size saves DRAM energy.
#[test]
fn larger_arrays_are_faster_and_larger_scratchpads_save_energy() {
    let env = env();
    let (small, large) = (measured(&env, 4, 512, 256), measured(&env, 16, 512, 256));
    assert!(large[0] < small[0] / 8.0, "{small:?} {large:?}");
    let (tight, roomy) = (measured(&env, 16, 1, 64), measured(&env, 16, 256, 64));
    assert!(roomy[1] < tight[1] && roomy[3] > tight[3], "{tight:?} {roomy:?}");
}

#[test]
fn several_networks_add_up_by_weight() {
    let build = |networks: &[&str], weights: &[f64]| {
        of_networks(networks, weights, GemminiDataflow::WeightStationary)
    };
    let together = build(&["resnet18", "bert-base"], &[2.0, 0.5]);
    let (first, second) = (build(&["resnet18"], &[]), build(&["bert-base"], &[]));
    let [sum, first, second] = [&together, &first, &second].map(|env| measured(env, 16, 256, 64));
    for metric in 0..2 {
        let expected = 2.0 * first[metric] + 0.5 * second[metric];
        assert!((sum[metric] / expected - 1.0).abs() < 1e-12, "{sum:?}");
    }
    assert!((sum[2] / (sum[0] * sum[1]) - 1.0).abs() < 1e-12);
}

#[test]
fn memories_slower_than_the_clock_are_infeasible() {
    let config = GemminiAcceleratorConfig { clock_hz: 50e9, ..Default::default() };
    let env = AcceleratorEnv::<GemminiAccelerator>::build(config).unwrap();
    let Outcome::Infeasible { rule, violation } =
        env.evaluate(&env.space().design(&[3, 8, 6]).unwrap()).unwrap()
    else {
        panic!("no SRAM of 22 nm takes 20 ps")
    };
    assert_eq!(rule, "accumulator_cycle_time");
    assert!(violation > 1.0);
}

#[test]
fn settings_that_cannot_be_used_are_named_with_the_remedy() {
    let error = |settings: serde_json::Value| {
        let config = tapeout_core::config::read::<GemminiAcceleratorConfig>(&settings);
        config.and_then(AcceleratorEnv::<GemminiAccelerator>::build).err().unwrap().to_string()
    };
    use serde_json::json;
    assert!(error(json!({ "dataflow": "row-stationary" })).contains("weight-stationary"));
    assert!(error(json!({ "weights": [1.0, 2.0] })).starts_with("`weights`: 2 weights for 1 networks"));
    assert_eq!(error(json!({ "clock_hz": -1.0 })), "`clock_hz`: got -1, expected a finite number above 0");
}

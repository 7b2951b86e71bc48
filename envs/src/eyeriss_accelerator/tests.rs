use super::*;
use crate::accelerator::AcceleratorEnv;
use tapeout_core::{BuildEnv, Env, Judgement, Problem, Seed, Value};

fn env() -> AcceleratorEnv<EyerissAccelerator> {
    of_networks(&["alexnet"], &[])
}

fn of_networks(networks: &[&str], weights: &[f64]) -> AcceleratorEnv<EyerissAccelerator> {
    let networks = networks.iter().map(|&id| id.to_owned()).collect();
    let weights = weights.to_vec();
    AcceleratorEnv::<EyerissAccelerator>::build(EyerissAcceleratorConfig {
        networks,
        weights,
        ..Default::default()
    })
    .unwrap()
}

/// The chip as near as the levels allow, every number of a buffer different from its neighbours' where that can be.
fn near_the_chip(env: &AcceleratorEnv<EyerissAccelerator>, changes: &[(&'static str, Value)]) -> Design {
    let mut values = vec![
        ("pes", Value::from(168)),
        ("mesh_x", Value::from(14)),
        ("ifmap_class", Value::from("regfile")),
        ("ifmap_depth", Value::from(16)),
        ("ifmap_block", Value::from(1)),
        ("ifmap_read", Value::from(2)),
        ("ifmap_write", Value::from(4)),
        ("psum_class", Value::from("smartbuffer_RF")),
        ("psum_depth", Value::from(32)),
        ("psum_block", Value::from(2)),
        ("psum_read", Value::from(8)),
        ("psum_write", Value::from(16)),
        ("weights_class", Value::from("SRAM")),
        ("weights_depth", Value::from(256)),
        ("weights_block", Value::from(4)),
        ("weights_read", Value::from(4)),
        ("weights_write", Value::from(2)),
        ("dummy_class", Value::from("regfile")),
        ("dummy_depth", Value::from(2)),
        ("dummy_block", Value::from(1)),
        ("glb_class", Value::from("smartbuffer_SRAM")),
        ("glb_depth", Value::from(8192)),
        ("glb_banks", Value::from(32)),
        ("glb_block", Value::from(4)),
        ("glb_read", Value::from(16)),
        ("glb_write", Value::from(8)),
    ];
    for (name, value) in changes {
        values.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.clone();
    }
    env.space().design_of(values).unwrap()
}

fn measured(env: &AcceleratorEnv<EyerissAccelerator>, design: &Design) -> Vec<f64> {
    env.evaluate(design).unwrap().metrics().unwrap().to_vec()
}

// By hand: 24 counts of PEs, 3 widths; 3 scratchpads of 4 * 16 * 3 * 4 * 4; a dummy buffer of 4 * 16 * 3; a global
// buffer of 4 * 7 * 4 * 3 * 4 * 4. ArchGym gives 2.16e18.
#[test]
fn the_space_has_as_many_designs_as_the_published_lists_give() {
    assert_eq!(env().space().n_parameters(), 26);
    let expected = 24 * 3 * 3072_u128.pow(3) * 192 * 5376;
    assert_eq!(expected, 2_154_550_209_231_716_352);
    assert_eq!(env().space().cardinality(), expected);
}

#[test]
fn every_parameter_is_read_where_it_belongs() {
    let env = env();
    let buffer = |class, depth, block_words, read_words_per_cycle, write_words_per_cycle| Buffer {
        class,
        depth,
        block_words,
        read_words_per_cycle,
        write_words_per_cycle,
    };
    let expected = EyerissTemplate {
        pes: 168,
        mesh_x: 14,
        inputs: buffer(StorageClass::Registers, 16, 1, 2, 4),
        sums: buffer(StorageClass::SmartRegisters, 32, 2, 8, 16),
        filters: buffer(StorageClass::Sram, 256, 4, 4, 2),
        dummy_class: StorageClass::Registers,
        dummy_depth: 2,
        dummy_block_words: 1,
        global: buffer(StorageClass::SmartSram, 8192, 4, 16, 8),
        global_banks: 32,
    };
    assert_eq!(env.template().numbers(&near_the_chip(&env, &[])), expected);
}

// By hand: rows of the first layer's filters have 11 words and stay in an element. 8 words lack 3; of the filters' 8 too.
#[test]
fn scratchpads_that_do_not_hold_a_row_are_infeasible() {
    let env = env();
    let outcome = |changes: &[(&'static str, Value)]| env.evaluate(&near_the_chip(&env, changes)).unwrap();
    let short = outcome(&[("ifmap_depth", Value::from(8))]);
    assert_eq!(short, Outcome::infeasible("ifmap_spad_capacity", 0.375));
    let short = outcome(&[("weights_depth", Value::from(2))]);
    assert_eq!(short, Outcome::infeasible("weights_spad_capacity", 0.375));
    assert!(outcome(&[("psum_depth", Value::from(2))]).metrics().is_some(), "one sum at a time does");
}

#[test]
fn memories_slower_than_the_clock_are_infeasible() {
    let config = EyerissAcceleratorConfig { clock_hz: 20e9, ..Default::default() };
    let env = AcceleratorEnv::<EyerissAccelerator>::build(config).unwrap();
    let Outcome::Infeasible { rule, violation } = env.evaluate(&near_the_chip(&env, &[])).unwrap() else {
        panic!("no SRAM of 65 nm takes 50 ps")
    };
    assert_eq!(rule, "shared_glb_cycle_time");
    assert!(violation > 1.0);
}

// Claim: nothing is free. The time is at least the work over the elements, and the energy at least that of the arithmetic
// and of fetching every weight once.
#[test]
fn no_design_beats_its_work_and_its_compulsory_traffic() {
    let env = env();
    let network = tapeout_simulators::networks::network("alexnet").unwrap();
    let unit_j = tapeout_simulators::technology::mac(16, None, Node::new(65).unwrap()).unwrap().energy_j;
    let least_j = network.macs() as f64 * unit_j + network.weights() as f64 * 16.0 * 8e-12;
    for (pes, mesh_x) in [(14, 2), (168, 14), (336, 7)] {
        let changes = [("pes", Value::from(pes)), ("mesh_x", Value::from(mesh_x))];
        let metrics = measured(&env, &near_the_chip(&env, &changes));
        let least_s = network.macs() as f64 / (pes as f64 * 200e6);
        assert!(metrics[0] > least_s && metrics[1] > least_j, "{pes}: {metrics:?}");
        assert!((metrics[3] - least_s / metrics[0]).abs() < 1e-9, "{metrics:?}");
    }
}

#[test]
fn several_networks_add_up_by_weight() {
    let together = of_networks(&["alexnet", "dlrm"], &[1.0, 3.0]);
    let (first, second) = (of_networks(&["alexnet"], &[]), of_networks(&["dlrm"], &[]));
    let design = near_the_chip(&together, &[]);
    let [sum, first, second] = [&together, &first, &second].map(|env| measured(env, &design));
    for metric in 0..2 {
        let expected = first[metric] + 3.0 * second[metric];
        assert!((sum[metric] / expected - 1.0).abs() < 1e-12, "{sum:?}");
    }
    assert_eq!((sum[2], first[2]), (first[2], second[2]), "the chip is the same");
}

// Claim: the default problem is neither hopeless nor easy: some designs cannot run, most are too large, a few will do. Bands
// are wider than three standard deviations of a share of 200 designs.
#[test]
fn most_designs_are_too_large_and_some_are_not() {
    let env = env();
    let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), env.default_goal()).unwrap();
    let mut rng = Seed::new(0).stream("shares");
    let (mut infeasible, mut too_large, mut acceptable) = (0, 0, 0);
    for _ in 0..200 {
        match problem.judge(&env.evaluate(&env.space().sample(&mut rng)).unwrap()) {
            Judgement::Infeasible { .. } => infeasible += 1,
            Judgement::Unacceptable { .. } => too_large += 1,
            Judgement::Acceptable { .. } => acceptable += 1,
            Judgement::Failed => panic!("an evaluation failed"),
        }
    }
    assert!((30..=70).contains(&infeasible), "{infeasible} of 200 cannot run");
    assert!((120..=166).contains(&too_large), "{too_large} of 200 are too large");
    assert!(acceptable >= 2, "{acceptable} of 200 are acceptable");
}

#[test]
fn settings_that_cannot_be_used_are_named_with_the_remedy() {
    let error = |settings: serde_json::Value| {
        let config = tapeout_core::config::read::<EyerissAcceleratorConfig>(&settings);
        config.and_then(AcceleratorEnv::<EyerissAccelerator>::build).err().unwrap().to_string()
    };
    use serde_json::json;
    assert_eq!(
        error(json!({ "networks": ["alexnt"] })),
        "`networks`: unknown network `alexnt`; did you mean `alexnet`?"
    );
    assert_eq!(error(json!({ "batch": 0 })), "`batch`: got 0, expected at least 1");
    assert!(error(json!({ "dram_bandwidth_byte_per_s": -1.0 })).starts_with("`dram_bandwidth_byte_per_s`: "));
    assert!(error(json!({ "area_limit_m2": 0.0 })).starts_with("`area_limit_m2`: "));
}

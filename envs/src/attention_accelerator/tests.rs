use std::io::Write;

use serde_json::{Value, json};
use tapeout_core::check::check_env;
use tapeout_core::{BuildEnv, Design, Env, Outcome, Seed};

use super::*;
use tapeout_simulators::transformer::TRANSFORMERS;

fn build(settings: &Value) -> AttentionAccelerator {
    AttentionAccelerator::build(tapeout_core::config::read(settings).unwrap()).unwrap()
}

fn refused(settings: &Value) -> String {
    let config = tapeout_core::config::read(settings).unwrap();
    AttentionAccelerator::build(config).unwrap_err().to_string()
}

/// FuseMax's machine: 256 x 256, 256 lanes, 16 MiB, interleaved, with changes.
fn design(env: &AttentionAccelerator, changes: &Value) -> Design {
    let mut values = json!({
        "array": 256, "lanes": 256, "buffer_kib": 16384, "dram_bandwidth": 400, "cascade": "one-pass",
        "binding": "interleaved", "fused_rows": 1024, "weight_bits": 16, "activation_bits": 16, "cache_bits": 16,
        "pe_style": "multiplier",
    });
    for (name, value) in changes.as_object().unwrap() {
        values[name] = value.clone();
    }
    let space = env.space();
    let levels: Vec<u32> = space
        .parameters()
        .iter()
        .map(|parameter| {
            let value = serde_json::from_value(values[parameter.name()].clone()).unwrap();
            parameter.level_of(&value).unwrap_or_else(|| panic!("{}: {value:?}", parameter.name()))
        })
        .collect();
    space.design(&levels).unwrap()
}

fn metrics(env: &AttentionAccelerator, changes: &Value) -> Vec<f64> {
    match env.evaluate(&design(env, changes)).unwrap() {
        Outcome::Measured(metrics) => metrics,
        other => panic!("{other:?}"),
    }
}

fn rule(env: &AttentionAccelerator, changes: &Value) -> (String, f64) {
    match env.evaluate(&design(env, changes)).unwrap() {
        Outcome::Infeasible { rule, violation, .. } => (rule.to_string(), violation),
        other => panic!("{other:?}"),
    }
}

/// Settings under which FuseMax's machine holds every network.
fn large(network: &str, phase: &str) -> Value {
    json!({ "network": network, "phase": phase, "sequence": 1024, "memory": "lpddr5", "area_limit_m2": 1.0 })
}

#[test]
fn it_keeps_the_contract_for_every_network_and_phase() {
    for model in TRANSFORMERS {
        let phases = if model.is_encoder { &["prefill"][..] } else { &["prefill", "decode", "mixed"] };
        for &phase in phases {
            let env = build(&large(model.id, phase));
            check_env(&env).unwrap_or_else(|findings| panic!("{} {phase}: {findings}", model.id));
        }
    }
}

// Claim: the order that the paper finds at 64K tokens, on its machine: unfused, FLAT, one pass serial, interleaved. FLAT cannot keep rows
// of that length in 16 MiB, so its buffer is the largest there is.
#[test]
fn fusing_more_is_faster_on_long_sequences() {
    let mut settings = large("bert-base", "prefill");
    settings["sequence"] = json!(65_536);
    let env = build(&settings);
    let latency = |changes: Value| metrics(&env, &changes)[0];
    let plain = json!({ "cascade": "unfused", "binding": "vector-softmax", "fused_rows": 256 });
    let flat =
        json!({ "cascade": "flat", "binding": "vector-softmax", "fused_rows": 256, "buffer_kib": 65_536 });
    let order = [latency(plain), latency(flat), latency(json!({ "binding": "serial" })), latency(json!({}))];
    assert!(order.windows(2).all(|pair| pair[0] > pair[1]), "{order:?}");
}

// Law: what banks multiply is no work of the array.
#[test]
fn an_array_does_no_more_than_it_can() {
    let settings = json!({ "phase": "decode", "memory": "hbm3-pim", "area_limit_m2": 1.0 });
    let env = build(&settings);
    let small = json!({
        "array": 16, "lanes": 16, "dram_bandwidth": 3200, "binding": "vector-softmax", "weight_bits": 8, "cache_bits": 8,
    });
    let utilization = metrics(&env, &small)[5];
    assert!((0.0..=1.0).contains(&utilization), "{utilization}");
}

// Law: fewer bits move less and take no longer; more bandwidth takes no longer.
#[test]
fn fewer_bits_and_more_bandwidth_are_never_slower() {
    let env = build(&large("llama-3-8b", "decode"));
    let at = |bits: u32, bandwidth: u32| {
        metrics(
            &env,
            &json!({
                "binding": "vector-softmax", "weight_bits": bits, "cache_bits": bits, "dram_bandwidth": bandwidth,
            }),
        )
    };
    for (wide, narrow) in [(16, 8), (8, 4)] {
        let (before, after) = (at(wide, 400), at(narrow, 400));
        assert!(after[0] <= before[0] && after[4] < before[4] && after[2] < before[2]);
    }
    assert!(at(8, 800)[0] <= at(8, 400)[0]);
}

// By hand: Llama 3 8B of 16-bit weights is 16.06 GB with its embeddings, and two stacks of HBM2 for 400 GB/s hold 16 GiB, 17.18e9 byte; one of
// 256 GB/s holds 8 GiB, so 200 GB/s lack 16.06e9 / 8.59e9 - 1 and the cache. Unfused, 32 heads of 4,096^2 scores of two bytes are 1.07 GB more, and
// all is 17.67 GB. 1,024 queries of 32 heads of 128 in groups of four, rows of 4,096 scores:
// FLAT needs 1,024 * 4,096 * 2 byte and tiles.
#[test]
fn what_does_not_fit_is_infeasible_by_what_it_lacks() {
    let env = build(&json!({ "area_limit_m2": 1.0 }));
    assert!(metrics(&env, &json!({}))[0] > 0.0);
    let (name, violation) = rule(&env, &json!({ "dram_bandwidth": 200 }));
    let need = 2.0 * (7_504_658_432.0 + 525_336_576.0) + 131_072.0 * 4096.0;
    assert_eq!(name, "memory_capacity");
    assert!((violation - (need / (8.0 * 1_073_741_824.0) - 1.0)).abs() < 1e-9, "{violation}");
    let unfused = json!({ "cascade": "unfused", "binding": "vector-softmax", "fused_rows": 256 });
    let (name, violation) = rule(&env, &unfused);
    assert_eq!(name, "memory_capacity");
    assert!(
        (violation - ((need + 64.0 * 4096.0 * 4096.0) / 17_179_869_184.0 - 1.0)).abs() < 1e-9,
        "{violation}"
    );
    let flat = json!({ "cascade": "flat", "binding": "vector-softmax", "buffer_kib": 8192 });
    let (name, violation) = rule(&env, &flat);
    assert_eq!(name, "buffer");
    let words = 1024.0 * 4096.0 + 2.0 * 128.0 * (1024.0 + 1024.0 + 256.0 + 256.0);
    assert!((violation - (2.0 * words / 8_388_608.0 - 1.0)).abs() < 1e-9, "{violation}");
    assert_eq!(rule(&build(&json!({ "area_limit_m2": 1e-6 })), &json!({})).0, "area");
    assert_eq!(rule(&build(&json!({ "clock_hz": 2e9, "area_limit_m2": 1.0 })), &json!({})).0, "clock");
}

// By hand: 0.2 and 0.5 at four bits, 0 and 0.1 at eight, nothing at sixteen.
#[test]
fn a_table_of_accuracy_is_a_constraint() {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    for (layer, bits, loss) in
        [("attention", 4, 0.2), ("mlp", 4, 0.5), ("attention", 8, 0.0), ("mlp", 8, 0.1)]
    {
        writeln!(file, "[[entry]]\nlayer = \"{layer}\"\nbits = {bits}\nloss = {loss}").unwrap();
    }
    let path = file.path().to_str().unwrap();
    let env =
        build(&json!({ "accuracy": path, "loss_limit": 0.3, "memory": "lpddr5", "area_limit_m2": 1.0 }));
    let bits = |bits: u32| json!({ "binding": "vector-softmax", "weight_bits": bits, "cache_bits": 4 });
    assert!(metrics(&env, &bits(8))[0] > 0.0);
    let (name, violation) = rule(&env, &bits(4));
    assert!(name == "accuracy" && (violation - 0.4).abs() < 1e-12);
    assert_eq!(rule(&env, &bits(16)).0, "accuracy_unknown");
    let message = refused(&json!({ "accuracy": "nowhere.toml" }));
    assert!(message.starts_with("`accuracy`: nowhere.toml: "), "{message}");
}

#[test]
fn settings_that_cannot_be_used_name_what_can() {
    let unknown = refused(&json!({ "network": "llama-3-8" }));
    assert!(unknown.starts_with("`network`: unknown transformer `llama-3-8`; did you mean"), "{unknown}");
    assert_eq!(refused(&json!({ "batch": 0 })), "`batch`: got 0, expected 1 to 1048576");
    assert_eq!(
        refused(&json!({ "sequence": 1_u64 << 60 })),
        "`sequence`: got 1152921504606846976, expected 1 to 16777216"
    );
    assert_eq!(
        refused(&json!({ "network": "bert-base", "phase": "decode" })),
        "`bert-base` is an encoder: it reads whole sequences, and does nothing but `prefill`"
    );
    assert_eq!(
        refused(&json!({ "phase": "mixed", "sequence": 8, "chunk": 9 })),
        "a chunk of 9 tokens of a prompt of 8, expected no more than the prompt"
    );
    assert!(refused(&json!({ "node_nm": 45 })).starts_with("`node_nm`: 45 nm, expected 32 nm or less"));
    assert!(refused(&json!({ "spread": 90.0 })).starts_with("`spread`: operands of standard deviation 90"));
}

// Claim: random designs say something.
#[test]
fn random_designs_are_often_feasible() {
    let env = build(&Value::Null);
    let mut rng = Seed::new(0).stream("test");
    let measured = (0..2000)
        .filter(|_| matches!(env.evaluate(&env.space().sample(&mut rng)).unwrap(), Outcome::Measured(_)));
    let share = measured.count() as f64 / 2000.0;
    assert!(share > 0.2 && share < 0.9, "{share}");
}

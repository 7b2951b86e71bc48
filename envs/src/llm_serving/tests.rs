use serde_json::{Value, json};
use tapeout_core::check::check_env;
use tapeout_core::{BuildEnv, Design, Env, Outcome, Seed};

use super::*;

fn build(settings: &Value) -> LlmServing {
    LlmServing::build(tapeout_core::config::read(settings).unwrap()).unwrap()
}

fn refused(settings: &Value) -> String {
    LlmServing::build(tapeout_core::config::read(settings).unwrap()).unwrap_err().to_string()
}

/// Two instances of four processors, batches of 64, with changes.
fn design(env: &LlmServing, changes: &[(&str, Value)]) -> Design {
    let usual = [
        ("tensor", json!(4)),
        ("prefill_tensor", json!(4)),
        ("instances", json!(2)),
        ("pass_tokens", json!(2048)),
        ("batch", json!(64)),
    ];
    let space = env.space();
    let levels: Vec<u32> = space
        .parameters()
        .iter()
        .map(|parameter| {
            let named = |(name, _): &&(&str, Value)| *name == parameter.name();
            let value = changes.iter().find(named).or_else(|| usual.iter().find(named));
            value.map_or(0, |(_, value)| {
                parameter.level_of(&serde_json::from_value(value.clone()).unwrap()).unwrap()
            })
        })
        .collect();
    space.design(&levels).unwrap()
}

fn measured(env: &LlmServing, changes: &[(&str, Value)]) -> Vec<f64> {
    match env.evaluate(&design(env, changes)).unwrap() {
        Outcome::Measured(metrics) => metrics,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_keeps_the_contract_for_dense_models_and_mixtures() {
    for model in ["llama-3-8b", "mixtral-8x7b", "qwen3-30b-a3b"] {
        let settings = json!({ "model": model, "requests": 20, "processors": 16, "price_per_hour": 2.5 });
        check_env(&build(&settings)).unwrap_or_else(|findings| panic!("{model}: {findings}"));
    }
}

// By hand: eight processors of 700 W for all of the time; at 3 an hour a million tokens cost 8 * 3 / 3,600 * 1e6 over the tokens a second.
#[test]
fn energy_and_cost_are_those_of_the_processors_that_are_used() {
    let env = build(&json!({ "price_per_hour": 3.0 }));
    let metrics = measured(&env, &[]);
    let per_s = metrics[5];
    assert_eq!(metrics[10], 8.0);
    assert!((metrics[11] - 8.0 * 700.0 / per_s).abs() < 1e-9 * metrics[11], "{metrics:?}");
    assert!((metrics[12] - 8.0 * 3.0 / 3600.0 * 1e6 / per_s).abs() < 1e-9 * metrics[12], "{metrics:?}");
    assert!((metrics[6] - metrics[7] - metrics[8] - metrics[9]).abs() < 1.0, "{metrics:?}");
}

// Claim: the limits of the default goal are met by some designs and missed by others, and a model that does not fit is named.
#[test]
fn limits_and_memory_tell_designs_apart() {
    let env = build(&Value::Null);
    let eight =
        measured(&env, &[("tensor", json!(8)), ("prefill_tensor", json!(8)), ("instances", json!(3))]);
    assert!(eight[1] < 2.0 && eight[3] < 0.2, "{eight:?}");
    let one = measured(&env, &[("instances", json!(1)), ("batch", json!(4))]);
    assert!(one[1] > 2.0, "{one:?}");
    let fault = env.evaluate(&design(&env, &[("tensor", json!(1)), ("prefill_tensor", json!(1))])).unwrap();
    assert!(matches!(&fault, Outcome::Infeasible { rule, .. } if rule == "memory"), "{fault:?}");
}

#[test]
fn requests_of_ones_own_are_read_from_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.csv");
    let name = path.to_str().unwrap();
    std::fs::write(&path, "arrival_s,prompt_tokens,output_tokens\n0,100,1\n3,100,2\n").unwrap();
    let env = build(&json!({ "trace": name }));
    let metrics = measured(&env, &[]);
    // Three tokens, of which the last comes after 3 s.
    assert!(metrics[5] < 1.0 && metrics[5] > 0.95, "{metrics:?}");
    std::fs::write(&path, "arrival_s,prompt_tokens,output_tokens\n0,x,1\n").unwrap();
    assert_eq!(
        refused(&json!({ "trace": name })),
        format!("`trace`: {name}: line 2: prompt_tokens is `x`, expected 1 to 1048576")
    );
}

#[test]
fn settings_that_cannot_be_used_name_what_can() {
    let unknown = refused(&json!({ "model": "llama-3-80b" }));
    assert!(
        unknown.contains("did you mean `llama-3-") && unknown.ends_with("or a file that ends in .toml"),
        "{unknown}"
    );
    assert_eq!(refused(&json!({ "rate_per_s": 0.0 })), "`rate_per_s`: got 0, expected 0.01 to 1000000");
    assert_eq!(
        refused(&json!({ "requests": 65_536, "output_tokens": 4096, "spread": 0.0 })),
        "`output_tokens`: requests may take 268697600 passes one by one, expected at most 4194304: take fewer or shorter ones"
    );
}

// Claim: most random designs say something, and some are refused.
#[test]
fn random_designs_are_often_feasible() {
    let env = build(&json!({ "requests": 20 }));
    let mut rng = Seed::new(0).stream("test");
    let is_measured =
        |_: &usize| matches!(env.evaluate(&env.space().sample(&mut rng)).unwrap(), Outcome::Measured(_));
    let share = (0..200).filter(is_measured).count() as f64 / 200.0;
    assert!(share > 0.2 && share < 0.95, "{share}");
}

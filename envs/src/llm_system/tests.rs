use serde_json::{Value, json};
use tapeout_core::check::check_env;
use tapeout_core::{BuildEnv, Design, Env, Outcome, Seed};

use super::*;
use tapeout_simulators::llm_system::{CLUSTERS, LANGUAGE_MODELS};

fn build(settings: &Value) -> LlmSystem {
    LlmSystem::build(tapeout_core::config::read(settings).unwrap()).unwrap()
}

fn case() -> LlmSystem {
    build(&json!({ "knobs": "parallelism" }))
}

fn design(env: &LlmSystem, values: &[(&str, Value)]) -> Design {
    let space = env.space();
    let levels: Vec<u32> = space
        .parameters()
        .iter()
        .map(|parameter| {
            let value = values.iter().find(|(name, _)| *name == parameter.name());
            value.map_or(0, |(_, value)| {
                parameter.level_of(&serde_json::from_value(value.clone()).unwrap()).unwrap()
            })
        })
        .collect();
    space.design(&levels).unwrap()
}

/// The best design of the case in Calculon, with changes.
fn best(env: &LlmSystem, changes: &[(&str, Value)]) -> Outcome {
    let mut values = changes.to_vec();
    values.extend([
        ("tensor", json!(2)),
        ("pipeline", json!(16)),
        ("interleave", json!(6)),
        ("microbatch", json!(1)),
        ("recompute", json!("attention")),
        ("communication", json!("sequence")),
        ("optimizer", json!("sharded")),
    ]);
    env.evaluate(&design(env, &values)).unwrap()
}

fn rule(outcome: &Outcome) -> (String, f64) {
    match outcome {
        Outcome::Infeasible { rule, violation, .. } => (rule.to_string(), *violation),
        other => panic!("{other:?}"),
    }
}

fn measured(outcome: &Outcome) -> &[f64] {
    match outcome {
        Outcome::Measured(metrics) => metrics,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_keeps_the_contract_for_every_model_and_cluster() {
    for model in LANGUAGE_MODELS {
        for cluster in CLUSTERS {
            for knobs in ["all", "parallelism"] {
                let settings = json!({ "model": model, "cluster": cluster, "knobs": knobs, "batch": 512 });
                check_env(&build(&settings))
                    .unwrap_or_else(|findings| panic!("{model} {cluster} {knobs}: {findings}"));
            }
        }
    }
}

// Source: Calculon enumerates 3,504 designs for this case.
#[test]
fn the_case_of_calculon_has_its_designs() {
    assert_eq!(case().space().cardinality(), 3504);
}

// By hand: 16 stages of 2 processors are 32, and a node has 8: 32 / 8 - 1.
#[test]
fn what_a_node_or_a_memory_does_not_hold_is_infeasible_by_what_it_lacks() {
    let env = build(&Value::Null);
    let (name, violation) = rule(&best(&env, &[("node_traffic", json!("tensor-pipeline"))]));
    assert!(name == "node_size" && (violation - 3.0).abs() < 1e-12, "{name} {violation}");
    let (name, violation) = rule(&best(&case(), &[("recompute", json!("none"))]));
    assert!(name == "memory" && violation > 0.0, "{name} {violation}");
    // Claim of docs/concepts/llm-system.md: Calculon's best way needs 84.5 GiB of 80.
    let (name, violation) = rule(&best(&case(), &[]));
    assert!(name == "memory" && (violation - (84.51 / 80.0 - 1.0)).abs() < 1e-3, "{name} {violation}");
    let step = best(
        &build(&json!({ "knobs": "parallelism", "cluster": "h100-80", "batch": 768 })),
        &[("interleave", json!(1))],
    );
    let metrics = measured(&step);
    assert!(metrics[1] <= 80.0 * 1_073_741_824.0 && metrics[2] == 0.0, "{metrics:?}");
}

#[test]
fn settings_that_cannot_be_used_name_what_can() {
    let refused = |settings: Value| {
        LlmSystem::build(tapeout_core::config::read(&settings).unwrap()).unwrap_err().to_string()
    };
    let unknown = refused(json!({ "model": "gpt3-175" }));
    assert!(unknown.starts_with("`model`: unknown language model `gpt3-175`; did you mean"), "{unknown}");
    assert_eq!(refused(json!({ "batch": 0 })), "`batch`: got 0, expected 1 to 16384");
}

// Claim: most random designs say something, and some are refused.
#[test]
fn random_designs_are_often_feasible() {
    let env = build(&Value::Null);
    let mut rng = Seed::new(0).stream("test");
    let n_measured = (0..2000)
        .filter(|_| matches!(env.evaluate(&env.space().sample(&mut rng)).unwrap(), Outcome::Measured(_)))
        .count();
    let share = n_measured as f64 / 2000.0;
    assert!(share > 0.1 && share < 0.9, "{share}");
}

// By hand: 1,024 processors at 2 an hour cost 2 * 1,024 / 3,600 a second.
#[test]
fn a_step_costs_what_its_processors_cost() {
    let settings = |price: Value| json!({ "cluster": "h100-80", "batch": 768, "price_per_hour": price });
    let priced = build(&settings(json!(2.0)));
    let step = best(&priced, &[("interleave", json!(1))]);
    let metrics = measured(&step);
    assert_eq!(priced.metrics().last().unwrap().name, "cost");
    assert!((metrics[7] - metrics[0] * 2048.0 / 3600.0).abs() < 1e-9, "{metrics:?}");
    assert!(build(&settings(Value::Null)).metrics().iter().all(|metric| metric.name != "cost"));
    let refused = LlmSystem::build(tapeout_core::config::read(&settings(json!(-1.0))).unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), "`price_per_hour`: got -1, expected a finite number above 0");
}

// Claim: a mixture has a parameter for its experts, and a model of one's own is read from its file.
#[test]
fn a_model_of_ones_own_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.toml");
    let name = path.to_str().unwrap();
    let text = "schema = 1\nhidden = 1024\ninner = 512\nexperts = { count = 4, used = 2 }\nheads = 16\nkv_heads = 4\nhead_size = 64\nblocks = 8\nvocabulary = 32000\n";
    std::fs::write(&path, text).unwrap();
    let env = build(&json!({ "model": name, "processors": 16, "batch": 64 }));
    check_env(&env).unwrap_or_else(|findings| panic!("{findings}"));
    // Widths, heads of keys and sequences that no power of two divides, or not all: every design that the rules leave has a step or a fault.
    for (heads, change) in
        [(16, "inner = 1001"), (16, "inner = 512\nsequence = 2047"), (24, "inner = 512"), (12, "inner = 512")]
    {
        let odd = text
            .replace("inner = 512", change)
            .replace("heads = 16\nkv_heads = 4", &format!("heads = {heads}\nkv_heads = {}", heads / 4));
        assert_ne!(odd, text, "{change}");
        std::fs::write(&path, odd).unwrap();
        let env = build(&json!({ "model": name, "processors": 16, "batch": 64 }));
        let mut rng = Seed::new(0).stream("odd");
        for _ in 0..2000 {
            env.evaluate(&env.space().sample(&mut rng)).unwrap();
        }
    }
    let mixed = design(&env, &[("tensor", json!(2)), ("pipeline", json!(2)), ("expert", json!(4))]);
    assert_eq!(env.plan(&mixed).expert, 4);
    std::fs::write(&path, text.replace("blocks = 8", "blocks = 0")).unwrap();
    let refused =
        LlmSystem::build(LlmSystemConfig { model: name.to_owned(), ..Default::default() }).unwrap_err();
    assert_eq!(refused.to_string(), format!("`model`: {name}: `blocks` is 0, expected 1 to 4096"));
}

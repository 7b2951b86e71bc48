//! Tests: designs are systems, certificates meet their budgets, files are read.

use serde_json::{Value, json};
use tapeout_core::Seed;
use tapeout_core::check::check_env;
use tapeout_simulators::soc::SOC_WORKLOADS;

use super::*;

fn env(settings: &Value) -> SocDesign {
    SocDesign::build(tapeout_core::config::read(settings).unwrap()).unwrap()
}

/// The design with these values, the first level elsewhere.
fn design(env: &SocDesign, values: &[(&str, Value)]) -> Design {
    let space = env.space();
    assert!(values.iter().all(|(name, _)| space.index_of(name).is_ok()), "{values:?}");
    let level = |parameter: &tapeout_core::Parameter| {
        let value = values.iter().find(|(name, _)| *name == parameter.name());
        value.map_or(0, |(_, value)| {
            parameter.level_of(&serde_json::from_value(value.clone()).unwrap()).unwrap()
        })
    };
    space.design(&space.parameters().iter().map(level).collect::<Vec<_>>()).unwrap()
}

fn measured(env: &SocDesign, design: &Design) -> Vec<f64> {
    match env.evaluate(design).unwrap() {
        Outcome::Measured(metrics) => metrics,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_keeps_the_contract_for_every_workload() {
    for row in SOC_WORKLOADS {
        let env = env(&json!({ "workload": row.id }));
        check_env(&env).unwrap_or_else(|findings| panic!("{}: {findings}", row.id));
    }
}

/// A search that begins at random finds both: of each workload's random designs a tenth to nine tenths are feasible.
#[test]
fn of_random_designs_some_are_feasible_and_some_are_not() {
    for row in SOC_WORKLOADS {
        let env = env(&json!({ "workload": row.id }));
        let mut rng = Seed::new(0).stream("test");
        let is_feasible =
            |_: &usize| matches!(env.evaluate(&env.space().sample(&mut rng)).unwrap(), Outcome::Measured(_));
        let share = (0..300).filter(is_feasible).count() as f64 / 300.0;
        assert!(share > 0.1 && share < 0.9, "{}: {share}", row.id);
    }
}

/// A bus that hangs on none, with a memory that is needed, breaks the rule; if it hangs on the first one, it does not.
#[test]
fn a_memory_on_an_island_cannot_be_reached() {
    let env = env(&json!({}));
    let island = [("memory_1_bus", json!("bus-2")), ("bus_2_hangs_on", json!(0))];
    let outcome = env.evaluate(&design(&env, &island)).unwrap();
    assert_eq!(outcome, Outcome::infeasible("unreachable_memory", 1.0));
    let bridge = [("memory_1_bus", json!("bus-2")), ("bus_2_hangs_on", json!(1))];
    assert!(measured(&env, &design(&env, &bridge))[0] > 0.0);
}

/// By hand: 1e6 cycles take 1 ms on a core, 4e5 cycles of an accelerator at 100 MHz 4 ms, and 1 ms if it is unrolled four times; area 4e-9 m2 more than memory. A
/// run shorter than 10 ms is one window.
#[test]
fn a_workload_of_ones_own_is_read_from_files_of_three_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        env(&json!({ "workload": path.to_str().unwrap(), "buses": 1, "memories": 1 }))
    };
    let fields = "core_cycles = 1e6, accelerator_cycles = 4e5, accelerator_energy_j = 1e-9, accelerator_area_m2 = 1e-9, iterations = 4";
    let toml = format!(
        "task = [{{ name = \"in\", core_cycles = 0 }}, {{ name = \"a\", {fields} }}]\n\
         transfer = [{{ from = \"in\", to = \"a\", byte = 1000 }}]\nbudget = {{ latency_s = 5e-4, power_w = 1e3, area_m2 = 1 }}"
    );
    let dot = format!("digraph {{ in [core_cycles=0] a [{fields}] in -> a [byte=1000] }}");
    let fields = fields.replace(" = ", "\": ").replace(", ", ", \"");
    let json = format!(
        "{{\"nodes\": [{{\"id\": \"in\", \"core_cycles\": 0}}, {{\"id\": \"a\", \"{fields}}}], \"edges\": [{{\"source\": \"in\", \"target\": \"a\", \"byte\": 1000}}]}}"
    );
    for (name, text) in [("g.toml", &toml), ("g.json", &json), ("g.dot", &dot)] {
        let env = read(name, text);
        let unrolled = measured(&env, &design(&env, &[("a_place", json!("bus-1")), ("a_unroll", json!(4))]));
        assert!((unrolled[0] - 1e-3).abs() < 1e-15, "{unrolled:?}");
        assert!((unrolled[5] * unrolled[0] / unrolled[3] - 1.0).abs() < 1e-12, "{unrolled:?}");
        assert!((unrolled[2] - unrolled[4] - 4e-9).abs() < 1e-20, "{unrolled:?}");
        let core = measured(&env, &design(&env, &[]));
        assert!((core[0] - 1e-3).abs() < 1e-15 && (core[2] - core[4] - 6.5e-7).abs() < 1e-18, "{core:?}");
        assert_eq!(env.default_goal().constraints.len(), if name == "g.toml" { 3 } else { 0 });
    }
}

/// Claim of docs/concepts/soc.md: a design within all budgets for each workload, all on one wide and fast bus with one SRAM, each task on an accelerator. The figures are those of the page,
/// to three digits: latency, power, area.
#[test]
fn each_workload_has_a_design_within_its_budget() {
    let cases: [(&str, f64, &[u32], [f64; 3]); 3] = [
        ("cava", 8e8, &[151; 7], [2.97e-2, 6.05e-3, 2.00e-6]),
        ("edge-detection", 8e8, &[32, 32, 32, 32, 32, 64], [3.20e-2, 6.14e-3, 7.90e-6]),
        ("audio-decoder", 1e8, &[1; 15], [1.96e-3, 1.36e-3, 1.04e-6]),
    ];
    for (workload, clock_hz, unrollings, expected) in cases {
        let env = env(&json!({ "workload": workload }));
        let wide = ["bus_1_width", "memory_1_width"].map(|name| (name.to_owned(), json!(128)));
        let fast = ["bus_1_clock", "memory_1_clock"].map(|name| (name.to_owned(), json!(8e8)));
        let mut values: Vec<(String, Value)> = wide.into_iter().chain(fast).collect();
        values.push(("accelerator_clock".to_owned(), json!(clock_hz)));
        let tasks = env.workload().tasks().iter().filter(|task| task.accelerator.is_some());
        for (task, unroll) in tasks.zip(unrollings) {
            values.push((format!("{}_place", task.name), json!("bus-1")));
            if *unroll > 1 {
                values.push((format!("{}_unroll", task.name), json!(unroll)));
            }
        }
        let values: Vec<(&str, Value)> =
            values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let metrics = measured(&env, &design(&env, &values));
        let constraints = env.default_goal().constraints;
        let is_within = constraints.iter().zip(&metrics).all(|(it, got)| *got <= it.limit);
        assert!(constraints.len() == 3 && is_within, "{workload}: {metrics:?}");
        for (got, expected) in metrics.iter().zip(expected) {
            assert!((got / expected - 1.0).abs() < 5e-3, "{workload}: {metrics:?}");
        }
    }
}

#[test]
fn settings_that_cannot_be_used_name_what_can() {
    let refused = |settings: Value| {
        SocDesign::build(tapeout_core::config::read(&settings).unwrap()).unwrap_err().to_string()
    };
    let unknown = refused(json!({ "workload": "cave" }));
    assert!(
        unknown.contains("did you mean `cava`?") && unknown.ends_with(".toml, .json or .dot"),
        "{unknown}"
    );
    assert_eq!(refused(json!({ "buses": 5 })), "`buses`: got 5, expected 1 to 4");
    let gone = refused(json!({ "workload": "no/such.dot" }));
    assert!(gone.starts_with("`workload`: no/such.dot: "), "{gone}");
    let large = refused(json!({ "workload": "audio-decoder", "buses": 4, "memories": 4, "cores": 4 }));
    assert!(large.contains("2^128") && large.contains("`cores`, `buses` or `memories`"), "{large}");
}

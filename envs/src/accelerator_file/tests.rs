use serde_json::json;
use tapeout_core::{Catalog, Env};

use super::*;
use crate::ENVS;

fn built(id: &str, settings: &serde_json::Value) -> Box<dyn Env> {
    let catalog = ENVS.iter().cloned().fold(Catalog::new(), Catalog::with_env);
    catalog.build_env(id, settings).unwrap().0
}

/// Both environments on designs drawn at random: the same outcome, metrics up to the order of sums.
fn the_same(id: &str, network: &str, n_designs: usize) {
    let settings = json!({ "networks": [network] });
    let file_settings = json!({ "networks": [network], "architecture": id });
    let (own, file) = (built(id, &settings), built("accelerator", &file_settings));
    let names =
        |env: &dyn Env| env.space().parameters().iter().map(|it| it.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(own.as_ref()), names(file.as_ref()));
    assert_eq!(own.space().cardinality(), file.space().cardinality());
    let mut draw = Seed::new(7).stream("designs");
    let mut n_measured = 0;
    for _ in 0..n_designs {
        let design = own.space().sample(&mut draw);
        let same = file.space().design(design.levels()).unwrap();
        match (own.evaluate(&design).unwrap(), file.evaluate(&same).unwrap()) {
            (Outcome::Measured(own_values), Outcome::Measured(values)) => {
                n_measured += 1;
                for (metric, value) in own.metrics().iter().zip(&own_values) {
                    let index = file.metrics().iter().position(|it| it.name == metric.name).unwrap();
                    assert!(
                        (values[index] / value - 1.0).abs() < 1e-12,
                        "{id}: {}: {} and {value}",
                        metric.name,
                        values[index]
                    );
                }
            }
            (
                Outcome::Infeasible { rule: own_rule, violation: own },
                Outcome::Infeasible { rule, violation },
            ) => {
                assert_eq!(own_rule, rule, "{id}");
                assert!((violation / own - 1.0).abs() < 1e-12, "{id}: {rule}: {violation} and {own}");
            }
            (own_outcome, outcome) => panic!("{id}: {own_outcome:?} and {outcome:?}"),
        }
    }
    assert!(n_measured > 0, "{id}: no design was measured");
}

// Claim: the shipped files say what the built-in environments say, design by design, infeasible ones with their rule among them.
#[test]
fn the_file_of_gemmini_gives_what_the_built_in_environment_gives() {
    the_same("gemmini-accelerator", "alexnet", 12);
    the_same("gemmini-accelerator", "dlrm", 12);
}

#[test]
fn the_file_of_the_edge_accelerator_gives_what_the_built_in_environment_gives() {
    the_same("edge-accelerator", "mobilenet-v2", 100);
    the_same("edge-accelerator", "dlrm", 50);
}

#[test]
fn the_file_of_eyeriss_gives_what_the_built_in_environment_gives() {
    the_same("eyeriss-accelerator", "alexnet", 12);
    the_same("eyeriss-accelerator", "dlrm", 12);
}

fn refusal(file: &str) -> String {
    let path = tempfile::Builder::new().suffix(".toml").tempfile().unwrap().into_temp_path();
    std::fs::write(&path, file).unwrap();
    let config =
        AcceleratorFileConfig { architecture: path.to_str().unwrap().to_owned(), ..Default::default() };
    let error = AcceleratorFileEnv::build(config).err().expect("the file is refused").to_string();
    error.replace(path.to_str().unwrap(), "FILE")
}

/// A buffer of `entries` words over four units.
fn file(parameters: &str, entries: &str) -> String {
    format!(
        "constants = {{ clock_hz = 1e9 }}\n[parameters]\n{parameters}\n\
         [mac]\ninstances = 4\nmesh_x = 2\nword_bits = 8\nenergy_j = 1e-12\n\
         [[levels]]\nname = \"Buffer\"\nword_bits = 8\nentries = {entries}\nenergy = {{ read_j = 1e-12, fill_j = 1e-12, update_j = 1e-12 }}\n\
         [[levels]]\nname = \"DRAM\"\nword_bits = 8\nenergy = {{ read_j = 1e-10, fill_j = 1e-10, update_j = 1e-10 }}\n"
    )
}

#[test]
fn what_is_wrong_with_a_file_is_named_with_its_field() {
    let kib = "kib = { levels = [1, 2] }";
    assert_eq!(
        refusal(&file(kib, "\"1024 * kb\"")),
        "`architecture`: FILE: `levels.Buffer.entries`: unknown name `kb`; did you mean `kib`?"
    );
    assert!(refusal(&file(kib, "\"1024 *\"")).contains("`levels.Buffer.entries`: expression `1024 *`"));
    assert!(refusal(&file("kib = { level = [1] }", "8")).contains("`parameters.kib`: unknown field `level`"));
    assert!(refusal(&file("", "8")).contains("the file has no `[parameters]`"));
    assert_eq!(
        refusal(&file(kib, "\"kib / 4\"")),
        "`architecture`: none of 200 designs can be built; the first breaks Buffer_entries: 0.25, expected a whole number of at least 1 and at most 2^53"
    );
    let circle = format!("{}[values]\na = \"b + 1\"\nb = \"a + 1\"\n", file(kib, "8"));
    assert!(refusal(&circle).contains("`values.a`: rests on itself"), "{}", refusal(&circle));
}

// By hand: of 2 x 3 settings, those with b <= a: (1, 1), (2, 1), (2, 2).
#[test]
fn rules_tie_parameters_together_through_values() {
    let text = format!(
        "{}[values]\ndouble = \"2 * a\"\n[rules]\nsmall = \"2 * b <= double\"\n",
        file("a = { levels = [1, 2] }\nb = { levels = [1, 2, 3] }", "64")
    );
    let path = tempfile::Builder::new().suffix(".toml").tempfile().unwrap().into_temp_path();
    std::fs::write(&path, text).unwrap();
    let config = AcceleratorFileConfig {
        architecture: path.to_str().unwrap().to_owned(),
        networks: vec!["dlrm".to_owned()],
        ..Default::default()
    };
    let env = AcceleratorFileEnv::build(config).unwrap();
    assert_eq!(env.space().cardinality(), 3);
    for design in env.space().iter() {
        assert!(matches!(env.evaluate(&design).unwrap(), Outcome::Measured(_)));
    }
}

// By hand: half the clock takes twice as long, and a constant that a file has not is refused.
#[test]
fn constants_of_the_file_can_be_set() {
    let at = |constants: serde_json::Value| {
        let settings =
            json!({ "architecture": "gemmini-accelerator", "networks": ["dlrm"], "constants": constants });
        let catalog = ENVS.iter().cloned().fold(Catalog::new(), Catalog::with_env);
        catalog.build_env("accelerator", &settings).map(|(env, _)| env)
    };
    let latency_s = |constants: serde_json::Value| {
        let env = at(constants).unwrap();
        env.evaluate(&env.space().unrank(500)).unwrap().metrics().unwrap()[0]
    };
    let (slow, fast) = (latency_s(json!({ "clock_hz": 5e8, "node_nm": 22 })), latency_s(json!({})));
    assert!((slow / fast - 2.0).abs() < 0.2, "{slow} and {fast}");
    let error = at(json!({ "clok_hz": 5e8 })).err().unwrap().to_string();
    assert!(error.contains("no constant `clok_hz`"), "{error}");
}

// Claim: a memory that holds no tile at all is infeasible by so much as can be logged.
#[test]
fn a_memory_too_small_for_anything_is_infeasible_by_a_finite_violation() {
    let text = file("words = { levels = [1, 2] }", "\"words\"").replacen(
        "energy = { read_j = 1e-12, fill_j",
        "multiple_buffering = 2\nmapping = { keep = [\"Weights\", \"Inputs\", \"Outputs\"] }\nenergy = { read_j = 1e-12, fill_j",
        1,
    );
    let path = tempfile::Builder::new().suffix(".toml").tempfile().unwrap().into_temp_path();
    std::fs::write(&path, text).unwrap();
    let config =
        AcceleratorFileConfig { architecture: path.to_str().unwrap().to_owned(), ..Default::default() };
    let env = AcceleratorFileEnv::build(config).unwrap();
    for design in env.space().iter() {
        let outcome = env.evaluate(&design).unwrap();
        let Outcome::Infeasible { rule, violation } = outcome else { panic!("{outcome:?}") };
        assert_eq!(rule, "Buffer_capacity");
        assert!(violation.is_finite() && violation > 0.0, "{violation}");
    }
}

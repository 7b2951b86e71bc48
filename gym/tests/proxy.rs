//! The environment `proxy`: models from files, and what is refused.
use serde_json::{Value, json};
use tapeout::Proxy;
use tapeout::core::{
    Catalog, ModelCard, ModelFile, ModelSource, Problem, Seed, TrainingData, Trial, WorkloadContext,
    WorkloadTrials,
};
use tapeout::prelude::EnvEntry;

/// What most models here are of.
const GEMM: &str = "gpu-gemm-model";

/// A file with a model of an environment for two workloads that differ in their context only.
fn model_file(folder: &std::path::Path, id: &str, env_version: u32) -> String {
    let catalog = tapeout::builtin();
    let (env, goal) = catalog.build_env(id, &Value::Null).unwrap();
    let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal.clone()).unwrap();
    let mut rng = Seed::new(0).stream("test");
    let mut trials = || -> Vec<Trial> {
        let designs = (0..100).map(|_| env.space().sample(&mut rng));
        designs.map(|design| problem.trial(design.clone(), env.evaluate(&design).unwrap())).collect()
    };
    let workloads = [("one", 1.0), ("two", 2.0)]
        .map(|(name, size)| WorkloadContext { name: name.to_owned(), context: vec![size] });
    let groups = workloads.clone().map(|workload| WorkloadTrials { workload, trials: trials() });
    let data = TrainingData::new(vec!["size".to_owned()], groups.to_vec(), Vec::new()).unwrap();
    let learner = catalog.learner("random-forest").unwrap().build(&problem, &Value::Null).unwrap();
    let surrogate = learner.fit(&data, Seed::new(0)).unwrap();
    let source = |workload| ModelSource { workload, settings: json!({}) };
    let card = ModelCard {
        env: id.to_owned(),
        env_version,
        space: env.space().fingerprint(),
        metrics: env.metrics().to_vec(),
        goal,
        context_names: vec!["size".to_owned()],
        sources: workloads.map(source).to_vec(),
        hyperparameters: Value::Null,
        seed: Seed::new(0),
    };
    let path = folder.join("model");
    std::fs::write(&path, ModelFile::new(card, surrogate.as_ref()).to_bytes()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn refusal(settings: &Value) -> String {
    let catalog = tapeout::builtin();
    catalog.build_env("proxy", settings).err().expect("these settings are refused").to_string()
}

#[test]
fn a_model_file_is_an_environment_over_the_space_it_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = tapeout::builtin();
    let (real, goal) = catalog.build_env(GEMM, &Value::Null).unwrap();
    let version = catalog.env(GEMM).unwrap().version;
    let settings = json!({ "model": model_file(folder.path(), GEMM, version), "least_p_feasible": 0.0 });
    let (proxy, proxy_goal) = catalog.build_env("proxy", &settings).unwrap();
    assert_eq!((proxy.space().fingerprint(), proxy_goal), (real.space().fingerprint(), goal));
    let design = real.space().unrank(17);
    let expected = proxy.evaluate(&design).unwrap();
    let metrics = expected.metrics().unwrap();
    assert_eq!(metrics.len(), real.metrics().len() + 1);
    // In the mean of two workloads the second one alone weighs half.
    let alone = |name: &str| {
        let mut settings = settings.clone();
        settings["workloads"] = json!([name]);
        let (env, _) = catalog.build_env("proxy", &settings).unwrap();
        env.evaluate(&design).unwrap().metrics().unwrap()[0]
    };
    assert!((metrics[0] - 0.5 * (alone("one") + alone("two"))).abs() < 1e-12 * metrics[0]);
}

#[test]
fn what_cannot_be_modelled_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let version = tapeout::builtin().env(GEMM).unwrap().version;
    let path = model_file(folder.path(), GEMM, version + 1);
    let message = refusal(&json!({ "model": path }));
    assert!(
        message.contains(&format!("it was fitted to version {} of `gpu-gemm-model`", version + 1)),
        "{message}"
    );
    let path = model_file(folder.path(), GEMM, version);
    let message = refusal(&json!({ "model": path, "workloads": ["tow"] }));
    assert_eq!(message, "`workloads`: unknown workload `tow`; did you mean `two`?");
    let message = refusal(&json!({ "model": path, "weights": [1.0] }));
    assert_eq!(message, "`weights`: 1 weights for 2 workloads, expected one each, or none at all");
    let message = refusal(&json!({ "model": path, "weights": [1.0, 0.0] }));
    assert_eq!(message, "`weights`: got 0, expected a finite number above 0");
    let message = refusal(&json!({ "model": folder.path().join("none") }));
    assert!(message.starts_with("`model`: ") && message.contains("none"), "{message}");
}

/// What the environment learned from rules out by arithmetic alone is ruled out here too, unless that is switched off; everything
/// else is left to the model, which here holds nothing for infeasible.
#[test]
fn what_breaks_an_exact_rule_is_infeasible_whatever_the_model_thinks() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = tapeout::builtin();
    let entry = catalog.env("edge-accelerator").unwrap();
    let (real, _) = catalog.build_env(entry.id, &Value::Null).unwrap();
    let path = model_file(folder.path(), "edge-accelerator", entry.version);
    let proxy = |exact_checks: bool| {
        let settings = json!({ "model": path, "least_p_feasible": 0.0, "exact_checks": exact_checks });
        catalog.build_env("proxy", &settings).unwrap().0
    };
    let (exact, unchecked) = (proxy(true), proxy(false));
    let mut rng = Seed::new(1).stream("test");
    let designs: Vec<_> = (0..50).map(|_| real.space().sample(&mut rng)).collect();
    let mut n_broken = 0;
    for (design, outcome) in designs.iter().zip(exact.evaluate_batch(&designs)) {
        let broken = real.precheck(design);
        n_broken += usize::from(broken.is_some());
        let outcome = outcome.unwrap();
        assert_eq!(outcome, exact.evaluate(design).unwrap());
        assert_eq!(unchecked.precheck(design), None);
        let predicted = unchecked.evaluate(design).unwrap();
        assert!(predicted.metrics().is_some());
        assert_eq!(outcome, broken.unwrap_or(predicted));
    }
    assert!((1..50).contains(&n_broken), "{n_broken}");
}

/// Environments and learners that are registered after `proxy` are known to it, so those of outside crates can be used too.
#[test]
fn what_is_registered_later_can_be_modelled() {
    let folder = tempfile::tempdir().unwrap();
    let version = tapeout::builtin().env(GEMM).unwrap().version;
    let settings = json!({ "model": model_file(folder.path(), GEMM, version) });
    let catalog = Catalog::new().with_env(EnvEntry::of::<Proxy>());
    let error = catalog.build_env("proxy", &settings).err().unwrap().to_string();
    assert!(error.contains("unknown environment `gpu-gemm-model`"), "{error}");
    let catalog = tapeout::envs::ENVS.iter().cloned().fold(catalog, Catalog::with_env);
    let catalog = tapeout::surrogates::LEARNERS.iter().cloned().fold(catalog, Catalog::with_learner);
    assert!(catalog.build_env("proxy", &settings).is_ok());
}

#[test]
fn without_a_model_there_is_no_environment() {
    assert_eq!(refusal(&Value::Null), "`model`: is not set; name a model file, as `tapeout fit` writes it");
}

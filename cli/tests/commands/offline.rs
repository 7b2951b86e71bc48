//! Design from logs alone, from the command line: fit, predict, search the model, validate.

use serde_json::Value;

use crate::scratch::Scratch;

const GENERATE: [&str; 9] =
    ["dataset", "generate", "gpu-gemm-model", "--designs", "300", "--out", "set", "--seed", "1"];
const LEARNER: [&str; 4] = ["--learner", "random-forest", "--learner-set", "n_estimators=10"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

// Claim: a model is fitted, searched without its simulator, and what it proposes is validated; the same command proposes the same;
// and of 300 logged designs the model's best of 8 beats the median that it was trained on.
#[test]
fn a_design_comes_of_a_log_alone() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let offline = |out: &str| {
        let flags = ["offline", "set", "--trials", "400", "--top", "8", "--json", "--quiet", "--out", out];
        json(&scratch.data(&[&flags[..], &LEARNER].concat()))
    };
    let proposals = offline("one");
    assert_eq!(proposals["proposals"], offline("two")["proposals"]);
    assert_eq!(proposals["proposals"].as_array().unwrap().len(), 8);
    assert_eq!(proposals["model_calls"], 400);

    let validation = json(&scratch.data(&["validate", "one/proposals.json", "--json"]));
    assert_eq!(validation["simulator_calls"], 8);
    let times: Vec<f64> = validation["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|verdict| verdict["measured"]["metrics"][0].as_f64())
        .collect();
    let info = json(&scratch.data(&["dataset", "info", "set", "--json"]));
    let median = info["overviews"][0]["metrics"][0]["quantiles"][2].as_f64().unwrap();
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(best < median, "{best} {median}");
}

// Claim: a model file predicts what its proposals say it does.
#[test]
fn a_model_predicts_what_it_proposed() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let flags = ["offline", "set", "--trials", "100", "--top", "2", "--json", "--quiet"];
    let proposals = json(&scratch.data(&[&flags[..], &LEARNER].concat()));
    let predicted =
        json(&scratch.data(&["predict", "offline/model.tapeout", "offline/proposals.json", "--json"]));
    for index in 0..2 {
        assert_eq!(predicted[index]["mean"], proposals["proposals"][index]["predicted"]);
        assert_eq!(predicted[index]["p_feasible"], proposals["proposals"][index]["p_feasible"]);
    }
}

// Claim: how wrong a model is is told for rows that it did not learn from, and a fitted model is an environment like any other.
#[test]
fn a_fitted_model_is_assessed_and_searched_like_an_environment() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let fitted = json(&scratch.data(&[&["fit", "set", "--json"][..], &LEARNER].concat()));
    let rows = |part: &str| fitted[part][0]["rows"].as_u64().unwrap();
    assert_eq!(rows("validation") + rows("hidden"), 150);
    let found = scratch.data(&[
        "search",
        "--env",
        "proxy",
        "--set",
        "env.model=model.tapeout",
        "--agent",
        "random",
        "--trials",
        "20",
        "--quiet",
        "--json",
    ]);
    assert_eq!(json(&found)["summary"]["trials"], 20);
}

// Claim: what cannot be used is refused with its name and the remedy, by exit code 2.
#[test]
fn what_cannot_be_used_is_refused() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let refused = |arguments: &[&str]| scratch.complaint(2, arguments);
    assert!(refused(&["fit", "set", "--learner", "random-forst"]).contains("did you mean `random-forest`"));
    assert!(
        refused(&["fit", "set", "--learner-set", "alpa=1"])
            .contains("`alpa`: unknown setting; did you mean `alpha`?")
    );
    assert!(refused(&["predict", "set/dataset.toml", "set/dataset.toml"]).contains("this is no model file"));
    std::fs::write(scratch.path("p.json"), "{\"schema\": 2}").unwrap();
    assert!(refused(&["validate", "p.json"]).contains("p.json: "));
}

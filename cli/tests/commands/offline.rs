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
    let answer = offline("one");
    assert_eq!(answer["worth"], offline("two")["worth"]);
    let proposals = json(&scratch.read("one/proposals.json"));
    assert_eq!(proposals, json(&scratch.read("two/proposals.json")));
    assert_eq!(proposals, answer["proposals"]);
    assert_eq!(proposals["proposals"].as_array().unwrap().len(), 8);
    // 400 of the search, and the neighbours of the best logged designs.
    assert!(proposals["model_calls"].as_u64().unwrap() > 400, "{proposals}");

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
    let answer = json(&scratch.data(&[&flags[..], &LEARNER].concat()));
    let proposals = &answer["proposals"];
    let predicted = &json(&scratch.data(&[
        "predict",
        "offline/model.tapeout",
        "offline/proposals.json",
        "--json",
    ]))["predictions"];
    for index in 0..2 {
        assert_eq!(predicted[index]["mean"], proposals["proposals"][index]["predicted"]);
        assert_eq!(predicted[index]["p_feasible"], proposals["proposals"][index]["p_feasible"]);
    }
}

// Claim: how wrong a model is is told for rows that it did not learn from, all rows unless a split keeps some back, and a fitted model is
// an environment like any other.
#[test]
fn a_fitted_model_is_assessed_and_searched_like_an_environment() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let info = json(&scratch.data(&["dataset", "info", "set", "--json"]));
    let overview = &info["overviews"][0];
    let n_feasible = overview["rows"].as_u64().unwrap() - overview["infeasible"].as_u64().unwrap();
    let fitted = json(&scratch.data(&[&["fit", "set", "--json"][..], &LEARNER].concat()));
    assert_eq!((&fitted["worth"][0]["by"], &fitted["hidden"]), (&json("\"levels\""), &json("[]")));
    assert_eq!(fitted["worth"][0]["rows"], n_feasible);
    assert!(fitted["worth"][0]["tau"].as_f64().unwrap() > 0.3, "{}", fitted["worth"]);

    scratch.data(&["dataset", "split", "set", "--objective", "time_s", "--out", "split.json"]);
    let kept_back = ["fit", "set", "--split", "split.json", "--json"];
    let fitted = json(&scratch.data(&[&kept_back[..], &LEARNER].concat()));
    let rows = |part: &str| fitted[part][0]["rows"].as_u64().unwrap();
    assert_eq!(rows("validation") + rows("hidden"), n_feasible / 2);
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

/// A log of a function that is known: time a + b, and 9 with 9 does not fit.
fn log() -> String {
    let row = |(a, b): (u32, u32)| {
        let failed = a + b == 18;
        let time = if failed { String::new() } else { (a + b).to_string() };
        format!("{a},{b},{},{time}\n", if failed { "too large" } else { "" })
    };
    // What takes less than 6 was never tried, which leaves 71 of 81.
    let tried = (1..10).flat_map(|a| (1..10).map(move |b| (a, b))).filter(|&(a, b)| a + b > 5);
    format!("a,b,error,time_s\n{}", tried.map(row).collect::<String>())
}

const KNOWN: &str = r#"
name = "logs"
[goal]
objectives = ["time_s"]
[[parameters]]
column = "mode"
kind = "category"
[[parameters]]
column = "a"
[[parameters]]
column = "b"
[[products]]
name = "area"
of = ["a", "b"]
[[equal_levels]]
parameter = "b"
given = { parameter = "mode", levels = ["off"] }
[[metrics]]
column = "time_s"
unit = "s"
"#;

// Claim: what is stated of a log's parameters stays with the data set and reaches its models: designs that are equal are one to them. A
// statement of a level that is none is refused by name.
#[test]
fn what_is_known_of_a_log_reaches_its_models() {
    let scratch = Scratch::new();
    let designs = |mode: &'static str| {
        (1..7).flat_map(move |a| (1..5).map(move |b| (a, b))).filter(|&(a, b)| a * b != 12).map(
            move |(a, b)| {
                let time = if mode == "on" { 100 - a * b } else { 100 + b % 2 };
                format!("{mode},{a},{b},{time}\n")
            },
        )
    };
    let rows: String = designs("on").chain(designs("off")).collect();
    scratch.write("log.csv", &format!("mode,a,b,time_s\n{rows}"));
    scratch.write("logs.toml", KNOWN);
    scratch.data(&["dataset", "import", "log.csv", "--columns", "logs.toml", "--out", "set"]);
    scratch.data(&["fit", "set", "--learner", "random-forest", "--out", "model"]);
    let asked = |mode: &str| {
        let lines = (1..5).map(|b| format!("{{\"mode\":\"{mode}\",\"a\":3,\"b\":{b}}}\n"));
        scratch.write("designs.jsonl", &lines.collect::<String>());
        let said = json(&scratch.data(&["predict", "model", "designs.jsonl", "--json"]));
        let predictions = said["predictions"].as_array().unwrap().iter();
        predictions.map(|it| it["mean"]["time_s"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    let (off, on) = (asked("off"), asked("on"));
    assert_eq!(off, [off[0]; 4]);
    assert!(on.is_sorted_by(|a, b| a > b), "{on:?}");
    let shown = scratch.data(&["describe", "dram-controller"]);
    assert!(shown.contains("equal levels of") && shown.contains("arbiter = simple"), "{shown}");
    scratch.write("wrong.toml", &KNOWN.replace("\"off\"", "\"of\""));
    let refused =
        scratch.complaint(2, &["dataset", "import", "log.csv", "--columns", "wrong.toml", "--out", "no"]);
    assert!(refused.contains("`mode`: of is not a level; levels are off, on"), "{refused}");
}

// Claim: the whole way of a team with a log and no simulator: a draft, an import, proposals beside the best that was logged, a sheet that
// is filled in, what the promises were worth, and the next batch, which does not ask again.
#[test]
fn a_log_leads_to_designs_and_measurements_back_into_the_log() {
    let scratch = Scratch::new();
    scratch.write("log.csv", &log());
    let drafted = scratch.data(&["dataset", "import", "log.csv", "--draft", "logs.toml"]);
    assert!(drafted.starts_with(&scratch.read("logs.toml")), "{drafted}");
    scratch.data(&["dataset", "import", "log.csv", "--columns", "logs.toml", "--out", "set"]);
    let auto = ["offline", "set", "--learner", "gaussian-process", "--trials", "80", "--top", "3", "--quiet"];
    let shown = scratch.data(&[&auto[..], &["--out", "one"]].concat());
    assert!(shown.contains("logged") && shown.contains("a=1 b=5"), "{shown}");
    for picture in ["held-out", "calibration", "importance"] {
        assert!(crate::scratch::is_png(&scratch.path(&format!("one/{picture}.png"))), "{picture}");
    }
    let sheet = scratch.read("one/proposals.csv");
    let mut lines = sheet.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("a,b,workload,time_s,infeasible,promised.time_s,low.time_s,high.time_s")
    );
    let filled = lines.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let time: u32 = cells[0].parse::<u32>().unwrap() + cells[1].parse::<u32>().unwrap();
        assert!(time < 6, "only designs that were never tried are proposed: {line}");
        [&cells[..3], &[time.to_string().as_str()], &cells[4..]].concat().join(",") + "\n"
    });
    let head = sheet.lines().next().unwrap();
    scratch.write("measured.csv", &format!("{head}\n{}", filled.collect::<String>()));

    let validate = ["validate", "one/proposals.json", "--measured", "measured.csv", "--dataset", "set"];
    let told = scratch.data(&validate);
    assert!(told.contains("better than the 6 s of the best logged design"), "{told}");
    assert!(crate::scratch::is_png(&scratch.path("one/validation.png")));
    scratch.data(&[&validate[..], &["--out", "verdicts.json"]].concat());
    scratch.data(&["report", "one/proposals.json", "--validation", "verdicts.json"]);
    if let Some(mut page) = crate::browser::Page::open(&scratch.path("one/report.html")) {
        let table = page.text("document.querySelector('#promised table').textContent");
        assert!(table.contains("measured") && table.contains("acceptable"), "{table}");
        assert_eq!(page.complaints(), Vec::<String>::new());
    }
    let nobody = scratch.complaint(1, &["validate", "one/proposals.json"]);
    assert!(nobody.contains("`log` is a log"), "{nobody}");

    let next = ["--append", "measured.csv", "--out", "two", "--json"];
    let next = json(&scratch.data(&[&auto[..], &next].concat()));
    assert_eq!((&next["kept"]["designs"], &next["kept"]["infeasible"]), (&json("3"), &json("0")));
    assert!(next["proposals"]["logged"]["measured"]["time_s"].as_f64().unwrap() < 6.0);
    let info = json(&scratch.data(&["dataset", "info", "two/logged", "--json"]));
    assert_eq!(info["overviews"][0]["rows"], 74); // 71 and 3
    let refused = scratch.complaint(2, &[&auto[..], &["--out", "two"]].concat());
    assert!(refused.contains("two: there are proposals in this folder already"), "{refused}");
}

// Claim: what cannot be used is refused with its name and the remedy, by exit code 2.
#[test]
fn what_cannot_be_used_is_refused() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let refused = |arguments: &[&str]| scratch.complaint(2, arguments);
    assert!(refused(&["fit", "set", "--learner", "random-forst"]).contains("did you mean `random-forest`"));
    assert!(refused(&["fit", "set", "--learner-set", "alpha=1"]).contains("name one: `--learner prime`"));
    assert!(refused(&["fit", "set", "--out", "set"]).contains("set: cannot write"));
    assert!(
        refused(&["fit", "set", "--learner", "prime", "--learner-set", "alpa=1"])
            .contains("`alpa`: unknown setting; did you mean `alpha`?")
    );
    assert!(refused(&["predict", "set/dataset.toml", "set/dataset.toml"]).contains("this is no model file"));
    let rows = r#"{"by": [], "seed": 0, "rows": {"train": [0, 1], "validation": [1], "hidden": []}}"#;
    scratch.write("twice.json", rows);
    assert!(refused(&["fit", "set", "--split", "twice.json"]).contains("row 1 occurs twice"));
    std::fs::write(scratch.path("p.json"), "{\"schema\": 2}").unwrap();
    assert!(refused(&["validate", "p.json"]).contains("p.json: "));
}

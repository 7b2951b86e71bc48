//! Logs of somebody else's: read, held to what their columns mean, and a data set that stands by itself.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tapeout_core::{Catalog, EnvEntry, EvalError, Outcome};
use tapeout_experiment::dataset::import::columns::LogColumns;
use tapeout_experiment::dataset::import::{Imported, draft, import};
use tapeout_experiment::dataset::{Dataset, Logged, RecordedDesigns, Split, TableFormat};
use tempfile::TempDir;

const COLUMNS: &str = r#"
name = "npu"
goal.objectives = ["latency_s"]
parameters = [{ column = "pes" }, { column = "flow", kind = "category" }]
metrics = [{ column = "lat_ms", name = "latency_s", unit = "s", scale = 1e-3, failed = [-1] }]
feasibility = { column = "status", feasible = ["ok"], rule = "why" }
workload = { column = "net", context = [{ column = "macs", log10 = true }] }
unused = ["date"]
"#;

/// Lines 2 to 10; 4 says again what 2 says, 5 measures it anew, 7 to 10 do not fit.
const LOG: &str = "\
date,pes,flow,net,macs,status,why,lat_ms
1,4,ws,a,100,ok,,2.0
2,16,os,a,100,fail,too large,
3,4,ws,a,100,ok,,2.0
4,4,ws,a,100,ok,,2.2
5,4,ws,b,1000,ok,,-1
6,4x,ws,a,100,ok,,1
7,4,ws,a,200,ok,,1
8,4,ws,a,100,ok,,
9,4,ws
";

fn imported_from(folder: &Path, name: &str, text: &[u8]) -> Imported {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    import(&[path], &LogColumns::parse(COLUMNS).unwrap()).unwrap()
}

fn catalog() -> Catalog {
    Catalog::new().with_env(EnvEntry::of::<Logged>()).with_env(EnvEntry::of::<RecordedDesigns>())
}

/// Latencies 2.0 and 2.2 ms of one design: 0.2 apart, of a mean of 2.1.
#[test]
fn every_line_of_a_log_is_a_row_or_accounted_for() {
    let folder = TempDir::new().unwrap();
    let Imported { dataset, refused, repeated, noise, unnamed } =
        imported_from(folder.path(), "log.csv", LOG.as_bytes());
    let outcomes: Vec<&Outcome> = dataset.rows().iter().map(|row| &row.outcome).collect();
    let expected = [
        &Outcome::Measured(vec![2.0 * 1e-3]),
        &Outcome::infeasible("too_large", 1.0),
        &Outcome::Measured(vec![2.2 * 1e-3]),
        &Outcome::infeasible("failed_latency_s", 1.0),
    ];
    assert_eq!(outcomes, expected);
    let trials: Vec<usize> = dataset.rows().iter().map(|row| row.trial).collect();
    assert_eq!(trials, [1, 2, 4, 5], "a row's trial is its line, from 0");
    let reasons: Vec<(usize, &str)> = refused.iter().map(|it| (it.line, it.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (7, "parameter `pes`: got `4x`, expected a number"),
            (8, "`log10_macs` of workload `a` is 2.3010299956639813, but 2 in line 2 of file 1"),
            (9, "metric `lat_ms` is empty, yet the design is feasible"),
            (10, "3 fields for 8 columns"),
        ]
    );
    assert_eq!((repeated, noise.designs, noise.in_doubt, unnamed.len()), (1, 1, 0, 0));
    assert!((noise.spreads[0].worst - 0.2 / 2.1).abs() < 1e-12);
    assert!(dataset.is_noisy());
    let levels: Vec<String> = dataset.space().parameters().iter().map(|it| it.levels_text()).collect();
    assert_eq!(levels, ["4, 16", "os, ws"], "levels are those of rows that fit");
    let contexts: Vec<f64> = dataset.workloads().iter().map(|it| it.context[0].value).collect();
    assert_eq!(contexts, [2.0, 3.0]);
}

// Claim: what is measured later is trained on, and every row that a split names stays where the split has it, though the rows of
// later workloads move: a row after the three of workload `a` makes row 3 of `b` row 4.
#[test]
fn a_split_holds_for_a_data_set_that_has_grown() {
    let folder = TempDir::new().unwrap();
    let dataset = imported_from(folder.path(), "log.csv", LOG.as_bytes()).dataset;
    let split = Split { train: vec![0], validation: vec![1, 2], hidden: vec![3] };
    let (n_sources, design) = (dataset.sources().len(), dataset.rows()[1].design.clone());
    let grown = dataset.with_measured("later", vec![(0, design, Outcome::Measured(vec![1.0]))]);
    let expected = Split { train: vec![0, 3], validation: vec![1, 2], hidden: vec![4] };
    assert_eq!(split.with_added(&grown, n_sources), expected);
}

// Claim: the same log as JSON lines, or with semicolons and a byte order mark, is the same data set.
#[test]
fn a_log_says_the_same_in_every_format() {
    let folder = TempDir::new().unwrap();
    let csv = imported_from(folder.path(), "log.csv", LOG.as_bytes()).dataset;
    let semicolons = format!("\u{feff}{}", LOG.replace(',', ";"));
    let other = imported_from(folder.path(), "semicolons.csv", semicolons.as_bytes()).dataset;
    assert_eq!(csv.rows(), other.rows());
    let lines = LOG.lines().skip(1).take(5).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let latency = fields[7].parse::<f64>().map_or(Value::Null, Value::from);
        let pes: i64 = fields[1].parse().unwrap();
        let macs: i64 = fields[4].parse().unwrap();
        json!({ "date": null, "pes": pes, "flow": fields[2], "net": fields[3], "macs": macs, "status": fields[5],
            "why": fields[6], "lat_ms": latency })
        .to_string()
    });
    let lines: Vec<String> = lines.collect();
    let objects = imported_from(folder.path(), "log.jsonl", lines.join("\n").as_bytes()).dataset;
    let without_lines = |dataset: &Dataset| -> Vec<_> {
        dataset.rows().iter().map(|row| (row.workload, row.design.clone(), row.outcome.clone())).collect()
    };
    assert_eq!(without_lines(&csv), without_lines(&objects));
}

/// What loggers write for no error is no rule, a number that leaves the range of numbers is refused with its reason, and a number that
/// stands for a failure says so, though missing ones are infeasible too.
#[test]
fn what_stands_for_nothing_is_told_from_a_failure() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.csv");
    let rows = "pes,error,lat\n1,None,2\n2,nan,3\n3,-,4\n4,null,5\n5,too large,6\n6,None,-1\n7,None,\n8,None,1e308\n";
    std::fs::write(&path, rows).unwrap();
    let columns = "name = 'n'\ngoal.objectives = ['lat']\nparameters = [{ column = 'pes' }]\n\
        metrics = [{ column = 'lat', scale = 100.0, failed = [-1] }]\n\
        feasibility = { rule = 'error', missing_metric = 'infeasible' }\n";
    let imported = import(std::slice::from_ref(&path), &LogColumns::parse(columns).unwrap()).unwrap();
    let outcomes: Vec<Outcome> = imported.dataset.rows().iter().map(|row| row.outcome.clone()).collect();
    let rule = |name: &str| Outcome::infeasible(name, 1.0);
    let mut expected: Vec<Outcome> =
        [200.0, 300.0, 400.0, 500.0].map(|value| Outcome::Measured(vec![value])).to_vec();
    expected.extend([rule("too_large"), rule("failed_lat"), rule("missing_lat")]);
    assert_eq!(outcomes, expected);
    let refused: Vec<(usize, bool)> = (imported.refused.iter())
        .map(|it| (it.line, it.reason.ends_with("times 100 is no finite number")))
        .collect();
    assert_eq!(refused, [(9, true)]);
    let text = draft(&path).unwrap();
    assert!(text.contains("rule = \"error\" # doubtful: \"-\" is taken for no reason"), "{text}");
}

/// Claim: a key that only a later object has is a column; a line break in a value stays in the comment of the draft.
#[test]
fn a_draft_knows_the_keys_of_later_objects() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.jsonl");
    let lines = [
        json!({ "pes": 1, "status": "out of\nmemory" }),
        json!({ "pes": 2, "status": "ok", "latency_s": 0.5 }),
        json!({ "pes": 4, "status": "ok", "latency_s": 0.25 }),
    ];
    std::fs::write(&path, lines.map(|line| line.to_string()).join("\n")).unwrap();
    let text = draft(&path).unwrap();
    assert!(text.contains(r#"# values: "ok", "out of\nmemory""#), "{text}");
    let columns = LogColumns::parse(&text).unwrap();
    assert_eq!(columns.metrics[0].column, "latency_s");
    assert_eq!(import(&[path], &columns).unwrap().dataset.rows().len(), 3);
}

// Claim: Parquet of somebody else's is read by the names of its columns; here the table of a data set is that file.
#[test]
fn a_parquet_file_is_a_log() {
    let folder = TempDir::new().unwrap();
    let first = imported_from(folder.path(), "log.csv", LOG.as_bytes()).dataset;
    let set = folder.path().join("set");
    first.write(&set, TableFormat::Parquet).unwrap();
    let columns = r#"
        name = "again"
        goal.objectives = ["measured.latency_s"]
        parameters = [{ column = "design.pes" }, { column = "design.flow", kind = "category" }]
        metrics = [{ column = "measured.latency_s" }]
        feasibility = { rule = "infeasible.rule", violation = "infeasible.violation" }
        workload = { column = "workload" }
    "#;
    let again = import(&[set.join("table.parquet")], &LogColumns::parse(columns).unwrap()).unwrap();
    let outcomes = |dataset: &Dataset| -> Vec<_> {
        dataset.rows().iter().map(|row| (row.design.clone(), row.outcome.clone())).collect()
    };
    assert_eq!(outcomes(&first), outcomes(&again.dataset));
    assert_eq!(again.unnamed, ["source", "trial"]);
}

// Claim: what was imported needs nothing but its folder: it is read back, its space is built from the manifest's own words, its table
// answers, and nothing else can be asked.
#[test]
fn an_imported_log_is_an_environment_by_itself() {
    let folder = TempDir::new().unwrap();
    let dataset = imported_from(folder.path(), "log.csv", LOG.as_bytes()).dataset;
    let set = folder.path().join("set");
    dataset.write(&set, TableFormat::Csv).unwrap();
    let catalog = catalog();
    let read = Dataset::read(&catalog, &set).unwrap();
    assert_eq!((read.rows(), read.title()), (dataset.rows(), "npu"));

    let env = read.env_of(1);
    let (logged, goal) = catalog.build_env(&env.id, &Value::Object(env.config)).unwrap();
    assert_eq!((logged.space(), goal.objectives[0].to_string().as_str()), (read.space(), "min:latency_s"));
    let refusal: Result<Outcome, EvalError> = logged.evaluate(&logged.space().unrank(0));
    assert!(logged.missing().unwrap() == refusal.unwrap_err().to_string());

    let settings = json!({ "dataset": set, "workload": "a" });
    let (recorded, _) = catalog.build_env("recorded", &settings).unwrap();
    assert_eq!(recorded.space().cardinality(), 2);
    let answer = |values: [(&str, tapeout_core::Value); 2]| {
        recorded.evaluate(&recorded.space().design_of(values).unwrap()).unwrap()
    };
    let mean = answer([("pes", 4i64.into()), ("flow", "ws".into())]);
    assert!((mean.metrics().unwrap()[0] - 2.1e-3).abs() < 1e-12, "the mean of 2.0 and 2.2 ms: {mean:?}");
    assert_eq!(answer([("pes", 16i64.into()), ("flow", "os".into())]), Outcome::infeasible("too_large", 1.0));
    let several = catalog.build_env("recorded", &json!({ "dataset": set })).err().unwrap();
    assert_eq!(several.to_string(), "`workload`: is not set; the data set has a, b");
}

// Claim: a data set of an environment that is not known here becomes a log by itself, for a goal that is given.
#[test]
fn a_data_set_of_an_unknown_environment_stands_alone() {
    let folder = TempDir::new().unwrap();
    let dataset = imported_from(folder.path(), "log.csv", LOG.as_bytes()).dataset;
    let alone = dataset.clone().standing_alone(tapeout_core::Goal {
        objectives: vec!["max:latency_s".parse().unwrap()],
        constraints: Vec::new(),
    });
    let env = alone.env_of(0);
    let (_, goal) = catalog().build_env(&env.id, &Value::Object(env.config)).unwrap();
    assert_eq!(goal.objectives[0].to_string(), "max:latency_s");
    assert_eq!(alone.rows(), dataset.rows());
}

// Claim: a draft of this log needs nothing to be mended but what it marks, and what it says of units and failures is right.
#[test]
fn a_draft_says_what_columns_mean_and_what_is_doubtful() {
    let folder = TempDir::new().unwrap();
    let path: PathBuf = folder.path().join("log.csv");
    let body: String = (0..40)
        .map(|index| {
            let (pes, flow, net) = (1 << (index % 4), ["ws", "os"][index % 2], ["a", "b"][index / 20]);
            let (macs, latency) =
                ([100, 2000][index / 20], if index == 7 { -1.0 } else { 0.125 * (index + 1) as f64 });
            format!("{index},{pes},{flow},{net},{macs},{latency},7\n")
        })
        .collect();
    std::fs::write(&path, format!("id,pes,flow,network,macs,latency_ms,constant\n{body}")).unwrap();
    let text = draft(&path).unwrap();
    let columns = LogColumns::parse(&text).unwrap();
    assert_eq!(columns.unused, ["id", "constant"], "{text}");
    let names: Vec<&str> = columns.parameters.iter().map(|it| it.name()).collect();
    assert_eq!(names, ["pes", "flow"], "{text}");
    let metric = &columns.metrics[0];
    assert_eq!((metric.name(), metric.scale, metric.failed.as_slice()), ("latency_s", 1e-3, &[-1.0][..]));
    let workload = columns.workload.as_ref().unwrap();
    assert_eq!((workload.column.as_str(), workload.context[0].log10), ("network", true));
    assert!(text.contains("failed = [-1.0] # doubtful"), "{text}");
    let imported = import(&[path], &columns).unwrap();
    assert_eq!((imported.dataset.rows().len(), imported.refused.len()), (40, 0));
}

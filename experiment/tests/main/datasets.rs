//! Data sets: what logs become, what is refused, what files survive, and that everything is a function of its seed.

mod files;
mod splits;

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::toys::{Random, budget, spec, threads, unchecked};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tapeout_core::check::toy::Toy;
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    AgentEntry, BuildEnv, Catalog, ConfigError, Constraint, Design, DesignSpace, Env, EnvEntry, EvalError,
    Goal, Metric, NumberParameter, Objective, Outcome, Parameter, Seed, Value,
};
use tapeout_experiment::dataset::{
    Dataset, DatasetError, DatasetPlan, Row, Split, SplitBy, SplitError, TableFormat, generate,
};
use tapeout_experiment::{EnvSpec, Experiment, RunOptions, Spec, run};
use tempfile::TempDir;

/// Three bowls: 32 designs each, `cost` = size of the network times the squared distance from a centre, plus the clock.
struct Networks<const VERSION: u32> {
    toy: DesignSpace,
    rows: NumberParameter,
    share: NumberParameter,
    metrics: Vec<Metric>,
    config: NetworksConfig,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NetworksConfig {
    networks: Vec<String>,
    bits: u32,
    clock: f64,
    levels: i64,
    is_noisy: bool,
}

impl Default for NetworksConfig {
    fn default() -> Self {
        Self { networks: vec!["small".to_owned()], bits: 8, clock: 1.0, levels: 7, is_noisy: false }
    }
}

impl<const VERSION: u32> Networks<VERSION> {
    fn size(&self) -> f64 {
        self.config.networks.iter().map(|network| network.len() as f64).sum()
    }
}

impl<const VERSION: u32> Env for Networks<VERSION> {
    fn space(&self) -> &DesignSpace {
        &self.toy
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let (rows, share) = (self.rows.of(design), self.share.of(design));
        if rows >= 6.0 {
            return Ok(Outcome::infeasible("too, \"wide\"", rows / 3.0));
        }
        let cost = self.size() * (rows - 2.0).powi(2) + share / 3.0 + self.config.clock;
        Ok(Outcome::Measured(vec![cost, 1.0 / cost]))
    }

    fn is_noisy(&self) -> bool {
        self.config.is_noisy
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["networks", "bits"]
    }

    fn context(&self) -> Vec<ContextFeature> {
        vec![ContextFeature::new("ln_size", "", "natural logarithm of the size", self.size().ln())]
    }
}

impl<const VERSION: u32> BuildEnv for Networks<VERSION> {
    const ID: &'static str = "networks";
    const VERSION: u32 = VERSION;
    const SUMMARY: &'static str = "a toy with workloads";
    const DESCRIPTION: &'static str = "a toy with workloads";
    type Config = NetworksConfig;

    fn build(config: NetworksConfig) -> Result<Self, ConfigError> {
        let parameters = vec![
            Parameter::integer("rows", 0, config.levels),
            Parameter::ordinal("share", [0.1, 0.30000000000000004]),
            Parameter::categorical("order, \"x\"", &["row", "column,\nnext"]),
        ];
        let toy = DesignSpace::new(parameters, Vec::new()).unwrap();
        Ok(Self {
            rows: toy.number("rows")?,
            share: toy.number("share")?,
            toy,
            metrics: vec![Metric::new("cost", "s", "cost"), Metric::new("rate", "1/s", "rate")],
            config,
        })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("cost")], constraints: Vec::new() }
    }
}

fn catalog() -> Catalog {
    crate::toys::catalog().with_env(EnvEntry::of::<Networks<0>>())
}

fn next_catalog() -> Catalog {
    Catalog::new().with_env(EnvEntry::of::<Networks<1>>()).with_agent(AgentEntry::of::<Random>())
}

fn settings(value: serde_json::Value) -> Map<String, serde_json::Value> {
    let serde_json::Value::Object(settings) = value else { panic!("not an object") };
    settings
}

/// A run of `trials` of the networks with these settings, in a folder of this name.
fn a_run(
    folder: &TempDir,
    name: &str,
    catalog: &Catalog,
    config: serde_json::Value,
    trials: usize,
) -> PathBuf {
    let mut spec = spec("networks", "random", trials);
    spec.env.config = settings(config);
    spec.seed = Seed::new(name.len() as u64);
    logged(folder, name, catalog, spec)
}

fn logged(folder: &TempDir, name: &str, catalog: &Catalog, spec: Spec) -> PathBuf {
    let path = folder.path().join(name);
    run(&Experiment::prepare(catalog, spec).unwrap(), &path, &threads(1), &mut ()).unwrap();
    path
}

fn plan(workloads: &[&str], designs: usize) -> DatasetPlan {
    DatasetPlan {
        designs,
        seed: Seed::new(3),
        workloads: workloads.iter().map(|&name| name.to_owned()).collect(),
        env: EnvSpec::named("networks"),
    }
}

fn generated(workloads: &[&str], designs: usize) -> (TempDir, Dataset) {
    let folder = TempDir::new().unwrap();
    assert!(
        generate(&catalog(), &plan(workloads, designs), folder.path(), &threads(2), &mut |_| ()).unwrap()
    );
    let dataset = Dataset::read(&catalog(), folder.path()).unwrap();
    (folder, dataset)
}

fn hinted(error: &DatasetError) -> String {
    error.hint().expect("there is a remedy")
}

/// Every line of every log is in the table with its design, outcome, workload and place, and says what the environment
/// says.
#[test]
fn logs_of_several_workloads_become_one_table() {
    let folder = TempDir::new().unwrap();
    let small = a_run(&folder, "a", &catalog(), json!({}), 20);
    let large = a_run(&folder, "bb", &catalog(), json!({ "networks": ["enormous", "small"], "bits": 4 }), 20);
    let dataset = Dataset::of_runs(&catalog(), &[small.clone(), large]).unwrap();
    let names: Vec<&str> = dataset.workloads().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["small", "enormous+small bits=4"]);
    assert_eq!(dataset.workloads()[1].context[0].value, 13f64.ln());
    assert_eq!(dataset.env().config.get("clock"), Some(&json!(1.0)));
    assert_eq!(dataset.env().config.get("networks"), None, "what names the workload is not shared");
    assert_eq!(dataset.rows().len(), 40);
    assert_eq!(dataset.sources()[0].name, small.display().to_string());
    for index in 0..2 {
        let spec = dataset.env_of(index);
        let (env, _) = catalog().build_env(&spec.id, &json!(spec.config)).unwrap();
        let rows: Vec<&Row> = dataset.rows().iter().filter(|row| row.workload == index).collect();
        assert_eq!(rows.len(), 20);
        for (trial, row) in rows.into_iter().enumerate() {
            assert_eq!(row.outcome, env.evaluate(&row.design).unwrap());
            assert_eq!((row.source, row.trial), (index, trial));
        }
    }
}

/// Two logs of one deterministic workload share designs: 32 + 20 trials over 32 designs are 32 rows. Of a noisy one all stay.
#[test]
fn a_design_stands_once_unless_the_environment_is_noisy() {
    for (is_noisy, expected) in [(false, 32), (true, 52)] {
        let folder = TempDir::new().unwrap();
        let config = json!({ "is_noisy": is_noisy });
        let runs =
            [("a", 32), ("bb", 20)].map(|(name, n)| a_run(&folder, name, &catalog(), config.clone(), n));
        let dataset = Dataset::of_runs(&catalog(), &runs).unwrap();
        assert_eq!((dataset.rows().len(), dataset.is_noisy()), (expected, is_noisy));
    }
}

#[test]
fn logs_that_differ_are_refused_with_the_difference() {
    let folder = TempDir::new().unwrap();
    let first = a_run(&folder, "a", &catalog(), json!({}), 5);
    let refused = |other: PathBuf| {
        let error = Dataset::of_runs(&catalog(), &[first.clone(), other.clone()]).unwrap_err();
        assert!(matches!(error, DatasetError::Differs { .. }), "{error}");
        let prefix = format!("{}: ", other.join("trials.jsonl").display());
        let suffix = format!(" as in {}", first.join("trials.jsonl").display());
        let text = error.to_string();
        text.strip_prefix(&prefix).unwrap().strip_suffix(&suffix).unwrap().to_owned()
    };
    assert_eq!(
        refused(a_run(&folder, "clock", &catalog(), json!({ "clock": 2.0 }), 5)),
        "setting `clock`: got 2.0, expected 1.0"
    );
    assert_eq!(
        refused(a_run(&folder, "version", &next_catalog(), json!({}), 5)),
        "version of environment `networks`: got 1, expected 0"
    );
    assert_eq!(
        refused(logged(&folder, "bowl", &catalog(), spec("bowl", "random", 5))),
        "environment: got bowl, expected networks"
    );
    // The levels are a setting here too, so it is put back in the log's header for the space alone to differ.
    let levels = a_run(&folder, "levels", &catalog(), json!({ "levels": 9 }), 5);
    let log = levels.join("trials.jsonl");
    let text = fs::read_to_string(&log).unwrap().replacen("\"levels\":9", "\"levels\":7", 1);
    fs::write(&log, text).unwrap();
    assert_eq!(refused(levels), "levels of parameter `rows`: got 0..=9, expected 0..=7");
    let metrics = a_run(&folder, "metrics", &catalog(), json!({}), 0x5);
    let log = metrics.join("trials.jsonl");
    let text = fs::read_to_string(&log).unwrap().replace("\"rate\"", "\"speed\"");
    fs::write(&log, text).unwrap();
    assert_eq!(refused(metrics), "metrics: got cost (s), speed (1/s), expected cost (s), rate (1/s)");
}

/// Three runs, of which the later two name one file, edited between them: two machines under one name.
#[test]
fn logs_of_a_file_that_was_edited_between_them_are_refused() {
    let folder = TempDir::new().unwrap();
    let naming = |name: &str, files: &str| {
        let path = a_run(&folder, name, &catalog(), json!({}), 5);
        let log = path.join("trials.jsonl");
        let text = fs::read_to_string(&log).unwrap();
        fs::write(&log, text.replacen("\"env\":{", &format!("\"env\":{{\"files\":{files},"), 1)).unwrap();
        path
    };
    let (none, first) = (naming("a", "{}"), naming("bb", r#"{"/mine.toml":"1"}"#));
    let other = naming("ccc", r#"{"/mine.toml":"2","/yours.toml":"3"}"#);
    let error = Dataset::of_runs(&catalog(), &[none.clone(), first.clone(), other.clone()]).unwrap_err();
    let [got, expected] = [&other, &first].map(|run| run.join("trials.jsonl").display().to_string());
    assert_eq!(
        error.to_string(),
        format!("{got}: checksum of `/mine.toml`: got 2, expected 1 as in {expected}")
    );
    let dataset = Dataset::of_runs(&catalog(), &[none, other]).unwrap();
    let files: Vec<(&str, &str)> =
        dataset.env().files.iter().map(|(file, sha256)| (file.as_str(), sha256.as_str())).collect();
    assert_eq!(files, [("/mine.toml", "2"), ("/yours.toml", "3")], "the files of every log are kept");
}

/// A deterministic environment that says two things about one design was changed, or its log was.
#[test]
fn logs_that_contradict_each_other_are_refused_by_design() {
    let folder = TempDir::new().unwrap();
    let runs = ["a", "bb"].map(|name| a_run(&folder, name, &catalog(), json!({}), 32));
    let log = runs[1].join("trials.jsonl");
    let text = unchecked(&fs::read_to_string(&log).unwrap());
    let at = text.rfind("\"violation\":").unwrap();
    fs::write(&log, format!("{}\"violation\":9{}", &text[..at], &text[at + "\"violation\":2".len()..]))
        .unwrap();
    let error = Dataset::of_runs(&catalog(), &runs).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("two outcomes of rows = ") && text.contains("in workload `small`"), "{text}");
    assert!(hinted(&error).contains("was edited"));
}

/// A log of before workloads were logged, and a log of an environment's version that is gone, are read as they are.
#[test]
fn old_logs_are_read() {
    let folder = TempDir::new().unwrap();
    let old = a_run(&folder, "a", &catalog(), json!({}), 10);
    let log = old.join("trials.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    let (header, trials) = text.split_once('\n').unwrap();
    let start = header.find(",\"workload\":").unwrap();
    fs::write(&log, format!("{}}}\n{trials}", &header[..start])).unwrap();
    let dataset = Dataset::of_runs(&catalog(), std::slice::from_ref(&old)).unwrap();
    assert_eq!(dataset.workloads()[0].name, "small");
    assert_eq!(dataset.workloads()[0].context.len(), 1, "the environment of that version says it");
    tapeout_experiment::resume(&catalog(), &old, Some(budget(12)), &threads(1), &mut ()).unwrap();

    let gone = a_run(&folder, "bb", &next_catalog(), json!({}), 10);
    let dataset = Dataset::of_runs(&catalog(), &[gone]).unwrap();
    assert_eq!((dataset.env().version, dataset.rows().len()), (Some(1), 10));
}

/// Rules are code: a space that they tie is made by the environment, and only if it is still the same.
#[test]
fn a_space_with_rules_is_made_by_its_environment() {
    let folder = TempDir::new().unwrap();
    let run = logged(&folder, "tied", &catalog(), spec("tied", "random", 10));
    let dataset = Dataset::of_runs(&catalog(), std::slice::from_ref(&run)).unwrap();
    assert_eq!(dataset.space(), Toy::tied().space());
    let out = folder.path().join("set");
    dataset.write(&out, TableFormat::Parquet).unwrap();
    assert_eq!(Dataset::read(&catalog(), &out).unwrap(), dataset);
    let error = Dataset::of_runs(&next_catalog(), &[run]).unwrap_err();
    assert!(
        error.to_string().contains("rules tie its parameters, and unknown environment `tied`"),
        "{error}"
    );
}

/// What a description must have. Source: Croissant Format Specification 1.0: `@context`, `@type`, `name` and `conformsTo` of the whole; `name`,
/// `contentUrl`, `encodingFormat` and a checksum of a file; an identifier, a type and a source that is there of each field. What only a publisher knows is left
/// out, though required: `license`, `url`, `creator`, `datePublished`; `version` is that of a set, not of an environment.
#[test]
fn croissant_describes_the_table_that_is_there() {
    let (folder, dataset) = generated(&["small", "enormous"], 20);
    let as_text = folder.path().join("text");
    dataset.write(&as_text, TableFormat::Csv).unwrap();
    for (folder, encoding) in [(folder.path(), "application/x-parquet"), (as_text.as_path(), "text/csv")] {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let told: serde_json::Value = serde_json::from_str(&read("croissant.json")).unwrap();
        let manifest: toml::Table = read("dataset.toml").parse().unwrap();
        assert_eq!(told["conformsTo"], "http://mlcommons.org/croissant/1.0");
        assert_eq!(told["@context"]["cr"], "http://mlcommons.org/croissant/");
        assert_eq!((&told["@type"], &told["name"]), (&json!("sc:Dataset"), &json!("tapeout-networks")));
        for publisher in ["license", "url", "creator", "datePublished", "version"] {
            assert!(told[publisher].is_null(), "{publisher}");
        }
        let file = &told["distribution"][0];
        assert_eq!(file["encodingFormat"], encoding);
        assert_eq!(file["sha256"].as_str(), manifest["table"]["sha256"].as_str());
        assert!(folder.join(file["contentUrl"].as_str().unwrap()).is_file());
        let fields = told["recordSet"][0]["field"].as_array().unwrap();
        let columns: Vec<&str> =
            fields.iter().map(|field| field["source"]["extract"]["column"].as_str().unwrap()).collect();
        let parameters = dataset.space().parameters().iter().map(|it| format!("design.{}", it.name()));
        let metrics = dataset.metrics().iter().map(|it| format!("measured.{}", it.name));
        let named = |name: &str| std::iter::once(name.to_owned());
        let behind = ["infeasible.rule", "infeasible.violation", "source", "trial"].map(str::to_owned);
        let expected: Vec<String> =
            named("workload").chain(parameters).chain(metrics).chain(behind).collect();
        assert_eq!(columns, expected);
        let identifiers: BTreeSet<&str> = fields.iter().map(|field| field["@id"].as_str().unwrap()).collect();
        assert_eq!(identifiers.len(), fields.len());
        for field in fields {
            assert_eq!(field["source"]["fileObject"]["@id"], file["@id"]);
            assert!(["sc:Text", "sc:Integer", "sc:Float"].contains(&field["dataType"].as_str().unwrap()));
        }
    }
}

/// The same plan gives the same bytes on one thread and on four, and after an interruption.
#[test]
fn a_generated_set_is_a_function_of_its_plan() {
    let bytes = |folder: &TempDir| {
        let files = ["dataset.toml", "croissant.json", "table.parquet"];
        files.map(|file| fs::read(folder.path().join(file)).unwrap())
    };
    let (whole, dataset) = generated(&["small", "enormous"], 20);
    let plan = plan(&["small", "enormous"], 20);
    let other = TempDir::new().unwrap();
    generate(&catalog(), &plan, other.path(), &threads(4), &mut |_| ()).unwrap();
    assert_eq!(bytes(&whole), bytes(&other));

    let broken = TempDir::new().unwrap();
    let interrupt = AtomicBool::new(false);
    let options =
        RunOptions { threads: NonZeroUsize::MIN, interrupt: Some(&interrupt), ..RunOptions::default() };
    let mut stop_early = |at: tapeout_experiment::dataset::Generation<'_>| {
        interrupt.store(at.workload == "enormous", std::sync::atomic::Ordering::Relaxed);
    };
    assert!(!generate(&catalog(), &plan, broken.path(), &options, &mut stop_early).unwrap());
    assert!(!broken.path().join("dataset.toml").exists());
    let mut evaluated = BTreeSet::new();
    let mut note = |at: tapeout_experiment::dataset::Generation<'_>| {
        evaluated.insert(at.workload.to_owned());
    };
    assert!(generate(&catalog(), &plan, broken.path(), &threads(2), &mut note).unwrap());
    assert_eq!(evaluated.into_iter().collect::<Vec<_>>(), ["enormous"], "what was done is not done again");
    assert_eq!(bytes(&whole), bytes(&broken));
    let files = fs::read_dir(broken.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let files: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(files, ["croissant.json", "dataset.toml", "table.parquet"].map(str::to_owned).into());

    let designs = |index: usize| {
        let rows = dataset.rows().iter().filter(move |row| row.workload == index);
        rows.map(|row| row.design.clone()).collect::<BTreeSet<Design>>()
    };
    assert_eq!((designs(0).len(), designs(1).len()), (20, 20), "no design is drawn twice for a workload");
    assert_ne!(designs(0), designs(1), "each workload has designs of its own");
    let (_alone, alone) = generated(&["enormous"], 20);
    let of_both =
        dataset.rows().iter().filter(|row| row.workload == 1).map(|row| (&row.design, &row.outcome));
    assert!(
        of_both.eq(alone.rows().iter().map(|row| (&row.design, &row.outcome))),
        "the others do not matter"
    );
}

#[test]
fn a_plan_that_cannot_be_is_refused() {
    let folder = TempDir::new().unwrap();
    let refused = |plan: &DatasetPlan| {
        generate(&catalog(), plan, folder.path(), &threads(1), &mut |_| ()).unwrap_err().to_string()
    };
    assert_eq!(refused(&plan(&["small", "small"], 5)), "workload `small` stands twice");
    assert_eq!(
        refused(&plan(&["small clock=2"], 5)),
        "`small clock=2` is no workload of environment `networks`: expected a value of setting `networks`, \
         and perhaps `KEY=VALUE` for bits"
    );
    fs::write(folder.path().join("plan.toml"), "").unwrap();
    assert!(
        refused(&plan(&["small"], 5)).ends_with("plan.toml: another data set is being made in this folder")
    );
}

/// By hand: all 32 designs of `small`, whose size is 5; rows 6 and 7 are infeasible, 4 designs each.
#[test]
fn an_overview_counts_rules_and_ranks_metrics() {
    let (_folder, dataset) = generated(&["small"], 100);
    let overviews = dataset.overviews();
    assert_eq!(overviews.len(), 2);
    for overview in &overviews {
        assert_eq!((overview.rows, overview.infeasible), (32, 8));
        assert_eq!(overview.broken.iter().collect::<Vec<_>>(), [(&"too, \"wide\"".to_owned(), &8)]);
        let cost = &overview.metrics[0];
        // Least where rows = 2, most where rows = 5: 5 * 3^2.
        assert_eq!(
            (cost.quantiles[0], cost.quantiles[4]),
            (0.1 / 3.0 + 1.0, 45.0 + 0.30000000000000004 / 3.0 + 1.0)
        );
    }
    assert_eq!(overviews[1].workload.as_deref(), Some("small"));
}

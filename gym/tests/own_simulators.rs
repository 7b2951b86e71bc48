//! The environment `command` with real programs: one in C, and SCALE-Sim.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tapeout::core::{Outcome, Seed};
use tapeout::experiment::log::MemoryLog;
use tapeout::experiment::{Budget, Experiment, RunOptions, Spec, search};
use tempfile::TempDir;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/own-simulator").join(name)
}

/// The cache of the guide in a folder of its own, compiled; the file edited.
fn cache(edit: impl Fn(&str) -> String) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let compiled = Command::new("cc").args(["-O2", "-o"]).arg(at("cache")).arg(example("cache.c")).status();
    assert!(compiled.expect("whoever links Rust has a C compiler").success());
    let text = fs::read_to_string(example("cache.toml")).expect("the example is there");
    fs::write(at("cache.toml"), edit(&text)).expect("the folder can be written to");
    folder
}

/// The same program, in lines of JSON. Each process notes its number.
fn in_lines(text: &str) -> String {
    let mut lines = String::new();
    for line in
        text.lines().filter(|line| !line.starts_with("[infeasible]") && !line.starts_with("too_large"))
    {
        match line.split_once(", pattern") {
            Some((kept, _)) => lines.push_str(&format!("{kept} }}\n")),
            None if line.starts_with("run =") => {
                lines.push_str("run = [\"sh\", \"-c\", \"echo $$ >> ids; exec ./cache\"]\nmode = \"lines\"\nretries = 100\n");
            }
            None if line.starts_with("design =") => {}
            None => lines.push_str(&format!("{line}\n")),
        }
    }
    lines
}

fn experiment(file: &Path, agent: &str, trials: usize) -> Experiment {
    let mut spec = Spec::new("command", agent, Budget::trials(NonZeroUsize::new(trials).expect("a budget")));
    spec.env.config.insert("file".to_owned(), json!(file));
    spec.seed = Seed::new(1);
    Experiment::prepare(&tapeout::builtin(), spec).unwrap_or_else(|error| panic!("{error}"))
}

fn outcomes(experiment: &Experiment, threads: usize) -> Vec<Outcome> {
    let options = RunOptions {
        threads: NonZeroUsize::new(threads).expect("a thread"),
        interrupt: None,
        ..RunOptions::default()
    };
    let finished = search(experiment, &mut MemoryLog::default(), &options, &mut ())
        .unwrap_or_else(|error| panic!("{error}"));
    finished.run.trials().iter().map(|trial| trial.outcome).collect()
}

/// By hand: two matrices of 64 x 64 words of 4 byte are 128 lines of 128 byte each. A cache that holds both misses each line once: 256.
/// The two protocols give the same.
#[test]
fn a_program_in_c_gives_the_same_by_report_and_in_lines() {
    let (reports, lines) = (cache(str::to_owned), cache(in_lines));
    let [by_report, by_lines] =
        [&reports, &lines].map(|folder| experiment(&folder.path().join("cache.toml"), "random", 150));
    let space = by_report.env().space();
    let large = [("sets", 16.into()), ("ways", 16.into()), ("line_byte", 128.into())];
    let design = space.design_of(large).unwrap();
    assert_eq!(by_report.env().evaluate(&design).unwrap(), Outcome::Measured(vec![256.0, 32768.0]));
    let [by_report, by_lines] = [outcomes(&by_report, 2), outcomes(&by_lines, 2)];
    assert_eq!(by_report.len(), 150);
    for (report, line) in by_report.iter().zip(&by_lines) {
        match (report, line) {
            (Outcome::Infeasible { rule, .. }, Outcome::Infeasible { rule: same, .. }) => {
                assert_eq!(rule, same);
            }
            _ => assert_eq!(report, line),
        }
    }
    assert!(by_report.iter().any(|outcome| *outcome == Outcome::infeasible("too_large", 1.0)));
}

/// Claim: workers that are killed at 50 instants cost no trial, and the search is the same as an undisturbed one.
#[test]
fn workers_killed_at_random_instants_cost_no_trial() {
    let folder = cache(in_lines);
    let experiment = experiment(&folder.path().join("cache.toml"), "ga", 230);
    let undisturbed = outcomes(&experiment, 2);
    let ids = folder.path().join("ids");
    let (is_over, mut n_killed) = (AtomicBool::new(false), 0);
    let disturbed = thread::scope(|scope| {
        let run = scope.spawn(|| {
            let mut last = Vec::new();
            // Again and again, until fifty workers are dead.
            while !is_over.load(Ordering::Relaxed) {
                last = outcomes(&experiment, 2);
                assert_eq!(last, undisturbed);
            }
            last
        });
        let mut seed = 1u64;
        while n_killed < 50 && !run.is_finished() {
            // Source of the constants: Knuth, TAOCP 2, 3.3.4, table 1, line 26 (MMIX): instants, not statistics.
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            thread::sleep(Duration::from_micros(seed >> 52));
            let text = fs::read_to_string(&ids).unwrap_or_default();
            if let Some(id) = text.lines().last() {
                let killed = Command::new("kill").args(["-9", id]).output().unwrap();
                n_killed += usize::from(killed.status.success());
            }
        }
        is_over.store(true, Ordering::Relaxed);
        run.join().unwrap()
    });
    assert_eq!((n_killed, disturbed.len()), (50, 230));
}

/// Law: no unit makes more than one product a cycle. SCALE-Sim's utilization counts loading too, so it lies below products by cycles and units,
/// by less than half.
#[test]
fn scale_sim_is_searched_where_it_is_installed() {
    let probe = Command::new("python3").args(["-c", "import scalesim"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: `python3` has no package `scalesim`");
        return;
    }
    let experiment = experiment(&example("scale_sim.toml"), "random", 12);
    let outcomes = outcomes(&experiment, 2);
    assert_eq!(outcomes.len(), 12);
    // 8 x 8 outputs of 3 x 3 x 8 products in 16 channels; a unit makes one product a cycle at most.
    let products = 64.0 * 72.0 * 16.0;
    for outcome in &outcomes {
        let metrics = outcome.metrics().unwrap_or_else(|| panic!("{outcome:?}"));
        let (cycles, utilization, units) = (metrics[0], metrics[2], metrics[3]);
        assert!(cycles * units >= products, "{metrics:?}");
        let busy = products / (cycles * units);
        assert!(utilization <= busy && utilization > 0.5 * busy, "{metrics:?}");
    }
}

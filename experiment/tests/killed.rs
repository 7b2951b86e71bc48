//! A run killed with SIGKILL at fifty instants and resumed ends with the log of an unbroken run.
//!
//! This program is its own victim: called with `child FOLDER` it runs (or resumes) in that folder. Half of the kills come
//! when the log has grown to a random length, half after a random time, which also hits the moments before there is a log.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "this is a test, though without the harness")]

#[path = "main/toys/mod.rs"]
mod toys;

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use rand::RngExt;
use serde_json::json;
use tapeout_core::Seed;
use tapeout_experiment::{Experiment, Spec, resume, run};
use tempfile::TempDir;
use toys::{catalog, log_without_timings, threads};

const KILLS: usize = 50;

/// About 40 ms of evaluations in 75 batches.
fn spec() -> Spec {
    let mut spec = toys::spec("bowl", "climber", 600);
    spec.env.config.insert("delay_us".into(), json!(50));
    spec
}

fn start(folder: &Path) {
    let experiment = Experiment::prepare(&catalog(), spec()).unwrap();
    run(&experiment, folder, &threads(2), &mut ()).unwrap();
}

fn go_on(folder: &Path) {
    if folder.join("spec.toml").exists() {
        resume(&catalog(), folder, None, &threads(2), &mut ()).unwrap();
    } else {
        start(folder); // killed before anything was there
    }
}

fn spawn(folder: &Path) -> Child {
    let itself = std::env::current_exe().unwrap();
    Command::new(itself).arg("child").arg(folder).spawn().unwrap()
}

/// Waits until the log is so long, or the child has ended.
fn wait_for_length(child: &mut Child, log: &Path, length: u64) {
    while fs::metadata(log).map_or(0, |log| log.len()) < length && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_micros(50));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|argument| argument == "child") {
        return go_on(Path::new(&arguments[2]));
    }
    let unbroken = TempDir::new().unwrap();
    start(unbroken.path());
    let whole = log_without_timings(unbroken.path());
    let length = fs::metadata(unbroken.path().join("trials.jsonl")).unwrap().len();
    let mut rng = Seed::new(0).stream("kills");
    let (mut killed, mut mid_run) = (0, 0);
    for instant in 0..KILLS {
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("trials.jsonl");
        let mut child = spawn(folder.path());
        if instant % 2 == 0 {
            wait_for_length(&mut child, &log, rng.random_range(0..length));
        } else {
            sleep(Duration::from_micros(rng.random_range(0..40_000)));
        }
        child.kill().unwrap(); // SIGKILL
        killed += usize::from(!child.wait().unwrap().success());
        let logged = fs::metadata(&log).map_or(0, |log| log.len());
        mid_run += usize::from(logged > 0 && logged < length * 9 / 10);
        go_on(folder.path());
        assert_eq!(
            log_without_timings(folder.path()),
            whole,
            "killed at instant {instant}, {logged} bytes logged"
        );
    }
    assert!(killed > KILLS / 2 && mid_run > KILLS / 4, "{killed} were killed, {mid_run} of them in mid-run");
    println!(
        "{killed} runs killed, {mid_run} of them in mid-run; all resumed to the log of the unbroken run"
    );
}

//! A run is followed while its log grows.

use std::fs::{self, OpenOptions};
use std::io::Write;

use crate::toys::{catalog, spec, threads};
use tapeout_core::Trial;
use tapeout_experiment::{Experiment, Following, Run, RunError, run};
use tempfile::TempDir;

/// Whatever bytes of the log are there at a look, each trial is told of once, in its order; a log that is replaced is told of anew, and as
/// long as somebody has it the run is not over.
#[test]
fn every_trial_is_told_of_once_however_the_log_grows() {
    let (whole, growing) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let experiment = Experiment::prepare(&catalog(), spec("bowl", "climber", 20)).unwrap();
    run(&experiment, whole.path(), &threads(1), &mut ()).unwrap();
    let expected: Vec<Trial> = Run::open(&catalog(), whole.path()).unwrap().trials().to_vec();
    let bytes = fs::read(whole.path().join("trials.jsonl")).unwrap();
    let header = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    fs::copy(whole.path().join("spec.toml"), growing.path().join("spec.toml")).unwrap();

    let mut following = Following::open(&catalog(), growing.path()).unwrap();
    assert!(matches!(following.news(), Err(RunError::Folder { .. })), "there is no log yet");
    let log = growing.path().join("trials.jsonl");
    fs::write(&log, &bytes[..header]).unwrap();
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    file.lock().unwrap();
    let mut told = Vec::new();
    for piece in bytes[header..].chunks(97) {
        let news = following.news().unwrap();
        assert!(!news.is_over, "{news:?}");
        told.extend(news.trials);
        file.write_all(piece).unwrap();
    }
    told.extend(following.news().unwrap().trials);
    assert_eq!(told, expected);
    file.unlock().unwrap();
    let news = following.news().unwrap();
    assert!(news.is_over && news.trials.is_empty() && !news.is_anew, "{news:?}");

    fs::remove_file(&log).unwrap();
    fs::write(&log, &bytes).unwrap();
    let news = following.news().unwrap();
    assert!(news.is_over && news.is_anew, "{news:?}");
    assert_eq!(news.trials, expected);
}

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
    let news = following.news().unwrap();
    assert!(!news.is_over && news.trials.is_empty(), "there is no log yet: {news:?}");
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
    assert!(!news.is_over, "whoever goes on may just have let it go: {news:?}");
    let news = following.news().unwrap();
    assert!(news.is_over && news.trials.is_empty() && !news.is_anew, "{news:?}");

    fs::remove_file(&log).unwrap();
    fs::write(&log, &bytes).unwrap();
    let news = following.news().unwrap();
    assert!(!news.is_over && news.is_anew, "{news:?}");
    assert_eq!(news.trials, expected);
    assert!(!following.news().unwrap().is_over && following.news().unwrap().is_over);
}

/// However often a log is looked at in vain, a line that cannot be read is named by its place in the file.
#[test]
fn a_damaged_line_is_named_by_its_number() {
    let folder = TempDir::new().unwrap();
    let experiment = Experiment::prepare(&catalog(), spec("bowl", "climber", 20)).unwrap();
    run(&experiment, folder.path(), &threads(1), &mut ()).unwrap();
    let mut following = Following::open(&catalog(), folder.path()).unwrap();
    for _ in 0..5 {
        following.news().unwrap();
    }
    let mut log = OpenOptions::new().append(true).open(folder.path().join("trials.jsonl")).unwrap();
    log.write_all(b"{\"design\":").unwrap();
    following.news().unwrap();
    log.write_all(b"?}\n").unwrap();
    match following.news() {
        Err(RunError::Log(error)) => assert_eq!(error.line, Some(1 + 20 + 1), "{error}"),
        other => panic!("{other:?}"),
    }
}

/// A run without a log, or without a trial, may be about to begin; but not for ever.
#[test]
fn a_run_that_does_not_begin_is_over_after_some_looks() {
    let (whole, empty) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let experiment = Experiment::prepare(&catalog(), spec("bowl", "climber", 20)).unwrap();
    run(&experiment, whole.path(), &threads(1), &mut ()).unwrap();
    fs::copy(whole.path().join("spec.toml"), empty.path().join("spec.toml")).unwrap();
    let looks = |following: &mut Following| {
        let looks = (0..100).map(|_| following.news());
        looks.take_while(|news| news.as_ref().is_ok_and(|news| !news.is_over)).count()
    };
    let mut following = Following::open(&catalog(), empty.path()).unwrap();
    assert_eq!(looks(&mut following), 8);
    assert!(matches!(following.news(), Err(RunError::Folder { .. })));
    let log = fs::read_to_string(whole.path().join("trials.jsonl")).unwrap();
    fs::write(empty.path().join("trials.jsonl"), log.lines().next().unwrap().to_owned() + "\n").unwrap();
    let mut following = Following::open(&catalog(), empty.path()).unwrap();
    assert_eq!(looks(&mut following), 7);
    assert!(following.news().unwrap().is_over);
}

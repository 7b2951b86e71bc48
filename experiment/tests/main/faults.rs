//! Bad logs, bad folders, failing environments: each gives one message naming file and remedy, and no logged trial is lost.

use std::fs;
use std::path::{Path, PathBuf};

use crate::toys::{catalog, log_without_timings, spec, threads, unchecked};
use tapeout_experiment::{Budget, Experiment, Run, RunError, Spec, replay, resume, run};
use tempfile::TempDir;

fn run_in(folder: &Path, spec: Spec) -> Result<(), RunError> {
    let experiment = Experiment::prepare(&catalog(), spec).unwrap();
    run(&experiment, folder, &threads(2), &mut ()).map(|_| ())
}

fn finished() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    run_in(folder.path(), spec("bowl", "climber", 20)).unwrap();
    let log = folder.path().join("trials.jsonl");
    (folder, log)
}

/// What all readers say about the log in `folder`, without its path; and that none of them touches it.
fn complaint(folder: &Path) -> (String, String) {
    let log = folder.join("trials.jsonl");
    let before = fs::read(&log).unwrap();
    let opened = Run::open(&catalog(), folder).expect_err("the log is bad");
    let resumed = resume(&catalog(), folder, None, &threads(1), &mut ()).unwrap_err();
    let replayed = replay(&catalog(), folder).unwrap_err();
    assert_eq!(opened.to_string(), resumed.to_string());
    assert_eq!(opened.to_string(), replayed.to_string());
    assert_eq!(fs::read(&log).unwrap(), before, "a log that is not understood is left alone");
    let message = opened.to_string();
    let message = message.strip_prefix(&log.display().to_string()).expect("the file is named").to_owned();
    (message, opened.hint().expect("there is a remedy"))
}

#[test]
fn an_empty_log_is_refused_by_readers_and_begun_anew_by_resuming() {
    let (folder, log) = finished();
    let whole = log_without_timings(folder.path());
    fs::write(&log, "").unwrap();
    let opened = Run::open(&catalog(), folder.path()).expect_err("the log is bad");
    let expected = format!("{}:1: the log is empty; expected a header in the first line", log.display());
    assert_eq!(opened.to_string(), expected);
    assert_eq!(replay(&catalog(), folder.path()).unwrap_err().to_string(), expected);
    assert!(opened.hint().unwrap().contains("`tapeout resume` begins"), "{:?}", opened.hint());
    resume(&catalog(), folder.path(), None, &threads(1), &mut ()).unwrap();
    assert_eq!(log_without_timings(folder.path()), whole);
}

#[test]
fn a_log_without_a_whole_header_is_refused_by_readers_and_one_of_something_else_by_all() {
    let (folder, log) = finished();
    let text = fs::read_to_string(&log).unwrap();
    let truncated = format!("{}:1: the log is truncated within its header", log.display());
    fs::write(&log, &text[..100]).unwrap();
    assert_eq!(Run::open(&catalog(), folder.path()).unwrap_err().to_string(), truncated);
    assert_eq!(replay(&catalog(), folder.path()).unwrap_err().to_string(), truncated);
    fs::write(&log, format!("{}x", &text[..100])).unwrap();
    assert_eq!(complaint(folder.path()).0, ":1: the log is truncated within its header");
    fs::write(&log, text.split_once('\n').unwrap().1).unwrap();
    let (message, _) = complaint(folder.path());
    assert!(message.starts_with(":1: the first line is not the header of a trial log: "), "{message}");
    fs::write(&log, [0xff, b'\n']).unwrap();
    assert!(complaint(folder.path()).0.contains("utf-8"));
}

#[test]
fn a_torn_last_line_is_left_out_by_readers() {
    let (folder, log) = finished();
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(Run::open(&catalog(), folder.path()).unwrap().trials().len(), 19);
    assert_eq!(replay(&catalog(), folder.path()).unwrap().trials, 19);
}

#[test]
fn a_damaged_line_is_named_by_its_number() {
    let (folder, log) = finished();
    let text = fs::read_to_string(&log).unwrap();
    let line = text.lines().nth(7).unwrap();
    fs::write(&log, text.replace(line, &line[..40])).unwrap();
    let (message, hint) = complaint(folder.path());
    assert!(message.starts_with(":8: not a trial: "), "{message}");
    assert!(hint.contains("cut it off before this line"), "{hint}");
    let rest = &line[line.find(",\"b\"").unwrap()..];
    let edited = text.replace(line, &format!("{{\"design\":{{\"a\":99{rest}"));
    fs::write(&log, unchecked(&edited)).unwrap();
    assert_eq!(
        complaint(folder.path()).0,
        ":8: `design`: parameter `a`: 99 is not a level; levels are 0..=15"
    );
}

/// Claim: no reader believes a metric or a level that somebody changed.
#[test]
fn an_edited_trial_is_refused_by_its_checksum() {
    let (folder, log) = finished();
    let text = fs::read_to_string(&log).unwrap();
    let measured = text.lines().position(|line| line.contains("{\"measured\":{\"distance\":")).unwrap();
    let line = text.lines().nth(measured).unwrap();
    for edited in [line.replace("\"distance\":", "\"distance\":-"), line.replace("\"order\":", "\"order\": ")]
    {
        fs::write(&log, text.replace(line, &edited)).unwrap();
        let (message, hint) = complaint(folder.path());
        assert!(
            message.starts_with(&format!(":{}: the checksum of the trial is `", measured + 1)),
            "{message}"
        );
        assert!(hint.contains("edited or damaged"), "{hint}");
    }
}

/// A log of before trials had checksums is read, replayed and gone on with as it is.
#[test]
fn a_log_without_checksums_goes_on_without_them() {
    let (folder, log) = finished();
    let old = unchecked(&fs::read_to_string(&log).unwrap());
    fs::write(&log, &old).unwrap();
    assert_eq!(replay(&catalog(), folder.path()).unwrap().trials, 20);
    let budget = Budget::trials(24.try_into().unwrap());
    resume(&catalog(), folder.path(), Some(budget), &threads(1), &mut ()).unwrap();
    let longer = fs::read_to_string(&log).unwrap();
    assert!(longer.starts_with(&old) && !longer.contains("\"check\""), "{longer}");
    assert_eq!(Run::open(&catalog(), folder.path()).unwrap().trials().len(), 24);
}

#[test]
fn a_log_of_another_version_is_refused() {
    let (folder, log) = finished();
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("\"version\":3", "\"version\":7", 1)).unwrap();
    let (message, hint) = complaint(folder.path());
    assert_eq!(message, ":1: log version 7; this program reads versions 1 to 3");
    assert_eq!(hint, "use the release of the program that made the log");
}

#[test]
fn a_log_of_another_environment_or_search_is_refused_by_what_differs() {
    let (folder, log) = finished();
    let text = fs::read_to_string(&log).unwrap();
    let message = |old: &str, new: &str| {
        assert!(text.contains(old), "{old} is in {text}");
        fs::write(&log, text.replacen(old, new, 1)).unwrap();
        complaint(folder.path()).0
    };
    assert_eq!(
        message("\"env\":{\"id\":\"bowl\",\"version\":0", "\"env\":{\"id\":\"bowl\",\"version\":3"),
        ":1: made by environment `bowl` version 3: `env.version` is 3 in the log, 0 here"
    );
    assert_eq!(
        message("\"high\":15", "\"high\":31"),
        ":1: made by environment `bowl` version 0, whose space differs: \
         `parameters[0].domain.integer.high` is 31 in the log, 15 here"
    );
    assert_eq!(
        message("\"name\":\"distance\",\"unit\":\"\"", "\"name\":\"distance\",\"unit\":\"m\""),
        ":1: made by environment `bowl` version 0, whose metrics differ: `metrics[0].unit` is \"m\" in the log, \"\" here"
    );
    assert_eq!(
        message("\"seed\":0", "\"seed\":5"),
        ":1: made by environment `bowl` version 0, in another search: `search.seed` is 5 in the log, 0 here"
    );
}

#[test]
fn a_folder_is_never_run_over() {
    let (folder, log) = finished();
    let before = fs::read(&log).unwrap();
    let error = run_in(folder.path(), spec("bowl", "random", 5)).unwrap_err();
    assert!(matches!(error, RunError::Exists { .. }), "{error}");
    assert!(error.hint().unwrap().contains("tapeout resume"));
    assert_eq!(fs::read(&log).unwrap(), before);
    let empty = TempDir::new().unwrap();
    let error = resume(&catalog(), empty.path(), None, &threads(1), &mut ()).unwrap_err();
    assert!(matches!(error, RunError::NoRun { .. }), "{error}");
}

/// Below a regular file there can be no folder, whoever asks (permissions do not bind the superuser).
#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let folder = file.join("run");
    let error = run_in(&folder, spec("bowl", "random", 5)).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: cannot make the folder", folder.display()));
    assert_eq!(error.hint().unwrap(), "choose a folder that can be written to");
}

#[test]
fn two_runs_do_not_write_to_one_log() {
    let (folder, log) = finished();
    let held = fs::OpenOptions::new().append(true).open(&log).unwrap();
    held.lock().unwrap();
    let error = resume(&catalog(), folder.path(), None, &threads(1), &mut ()).unwrap_err();
    assert!(matches!(error, RunError::Busy { .. }), "{error}");
}

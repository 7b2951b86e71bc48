//! Logs that are packed: every reader takes them, and who goes on unpacks them.

use std::fs;
use std::path::Path;

use crate::toys::{catalog, log_without_timings, spec, threads};
use tapeout_experiment::{
    Budget, Compressed, Experiment, Run, RunError, WarmStart, compress, replay, resume, run,
};
use tempfile::TempDir;

fn searched(folder: &Path, trials: usize) {
    let experiment = Experiment::prepare(&catalog(), spec("bowl", "climber", trials)).unwrap();
    run(&experiment, folder, &threads(1), &mut ()).unwrap();
}

fn has(folder: &Path) -> [bool; 2] {
    ["trials.jsonl", "trials.jsonl.gz"].map(|name| folder.join(name).exists())
}

/// Claim: packing changes nothing that can be read, takes a quarter of the place, and a run that is gone on with ends as it would have.
#[test]
fn a_packed_log_is_read_as_it_is_and_unpacked_to_be_gone_on_with() {
    let (folder, unbroken) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = folder.path();
    searched(folder, 60);
    searched(unbroken.path(), 90);
    let plain = Run::open(&catalog(), folder).unwrap();
    let before = fs::metadata(folder.join("trials.jsonl")).unwrap().len();
    let packed = compress(&catalog(), folder).unwrap();
    assert_eq!((packed.trials, packed.bytes, has(folder)), (60, before, [false, true]));
    assert!(packed.packed_bytes * 4 < before, "{packed:?}");
    assert_eq!(compress(&catalog(), folder).unwrap(), packed, "packing again changes nothing");
    assert_eq!(Run::open(&catalog(), folder).unwrap().trials(), plain.trials());
    assert_eq!(replay(&catalog(), folder).unwrap().trials, 60);
    let budget = Budget::trials(90.try_into().unwrap());
    resume(&catalog(), folder, Some(budget), &threads(2), &mut ()).unwrap();
    assert_eq!(has(folder), [true, false]);
    assert_eq!(log_without_timings(folder), log_without_timings(unbroken.path()));
}

/// Claim: of both files that somebody leaves who is stopped on the way, the unpacked one counts, and the other goes with the next who writes.
#[test]
fn what_was_left_of_packing_does_not_count() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    searched(folder, 20);
    let log = fs::read(folder.join("trials.jsonl")).unwrap();
    compress(&catalog(), folder).unwrap();
    fs::write(folder.join("trials.jsonl"), &log).unwrap();
    let budget = Budget::trials(30.try_into().unwrap());
    resume(&catalog(), folder, Some(budget), &threads(1), &mut ()).unwrap();
    assert_eq!((has(folder), replay(&catalog(), folder).unwrap().trials), ([true, false], 30));
}

#[test]
fn a_log_that_is_written_to_is_not_packed_and_a_damaged_one_neither_packed_nor_removed() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    searched(folder, 20);
    let path = folder.join("trials.jsonl");
    let held = fs::OpenOptions::new().append(true).open(&path).unwrap();
    held.lock().unwrap();
    assert!(matches!(compress(&catalog(), folder).unwrap_err(), RunError::Busy { .. }));
    drop(held);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"distance\":", "\"distance\":-", 1)).unwrap();
    assert!(matches!(compress(&catalog(), folder).unwrap_err(), RunError::Log(_)));
    assert_eq!(has(folder), [true, false]);
    fs::write(&path, &text).unwrap();
    let Compressed { trials, .. } = compress(&catalog(), folder).unwrap();
    let packed = folder.join("trials.jsonl.gz");
    let bytes = fs::read(&packed).unwrap();
    fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(trials, 20);
    let error = Run::open(&catalog(), folder).unwrap_err().to_string();
    assert!(error.contains("cannot read the log"), "{error}");
}

/// Claim: who started from a log finds it after it was packed.
#[test]
fn a_warm_start_finds_a_log_that_was_packed_since() {
    let (earlier, later) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    searched(earlier.path(), 20);
    let mut warm = spec("bowl", "climber", 10);
    warm.warm_start = vec![WarmStart::from_log(earlier.path())];
    let experiment = Experiment::prepare(&catalog(), warm).unwrap();
    run(&experiment, later.path(), &threads(1), &mut ()).unwrap();
    compress(&catalog(), earlier.path()).unwrap();
    assert_eq!(replay(&catalog(), later.path()).unwrap().trials, 10);
}

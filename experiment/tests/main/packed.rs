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

/// Claim: who may read a log may read what it is packed into, and nobody else; and so when it is unpacked.
#[cfg(unix)]
#[test]
fn a_log_keeps_its_permissions_when_it_is_packed_and_unpacked() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    searched(folder, 20);
    let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(folder.join("trials.jsonl"), fs::Permissions::from_mode(0o600)).unwrap();
    compress(&catalog(), folder).unwrap();
    assert_eq!(mode("trials.jsonl.gz"), 0o600);
    let budget = Budget::trials(24.try_into().unwrap());
    resume(&catalog(), folder, Some(budget), &threads(1), &mut ()).unwrap();
    assert_eq!(mode("trials.jsonl"), 0o600);
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

/// A folder with a packed log of 20 trials, the log as it was, and what it is packed into.
fn packed_beside_nothing() -> (TempDir, String, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    searched(folder.path(), 20);
    let text = fs::read_to_string(folder.path().join("trials.jsonl")).unwrap();
    compress(&catalog(), folder.path()).unwrap();
    let packed = fs::read(folder.path().join("trials.jsonl.gz")).unwrap();
    (folder, text, packed)
}

fn is_of_two_logs(error: &RunError, trials: usize) -> bool {
    matches!(error, RunError::TwoLogs { trials: got, packed_trials: 20, .. } if *got == trials)
}

/// Claim: a log that was begun beside a packed one with more trials neither replaces it nor is replaced: whoever writes says which two there are.
#[test]
fn a_packed_log_that_has_more_trials_is_never_removed() {
    let (folder, text, packed) = packed_beside_nothing();
    let folder = folder.path();
    let path = folder.join("trials.jsonl");
    let left = text.split_inclusive('\n').take(8).collect::<String>();
    fs::write(&path, &left).unwrap();
    let resumed = resume(&catalog(), folder, None, &threads(1), &mut ()).map(|_| ());
    for error in [resumed, compress(&catalog(), folder).map(|_| ())].map(Result::unwrap_err) {
        assert!(is_of_two_logs(&error, 7), "{error}");
        let (said, hint) = (error.to_string(), error.hint().unwrap());
        assert!(said.contains("trials.jsonl.gz") && hint.starts_with("keep one of them"), "{said}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), left);
    assert_eq!(fs::read(folder.join("trials.jsonl.gz")).unwrap(), packed);
    fs::remove_file(&path).unwrap();
    resume(&catalog(), folder, None, &threads(1), &mut ()).unwrap();
    assert_eq!((has(folder), replay(&catalog(), folder).unwrap().trials), ([true, false], 20));
}

/// Claim: of a log without a trial beside a packed one with some, as whoever looks while another packs begins one, nothing is kept by whoever goes
/// on with the run; packing again removes neither.
#[test]
fn a_log_without_a_trial_makes_way_for_a_packed_one() {
    let (folder, text, packed) = packed_beside_nothing();
    let folder = folder.path();
    let (path, packed_path) = (folder.join("trials.jsonl"), folder.join("trials.jsonl.gz"));
    let header = text.find('\n').unwrap() + 1;
    for left in ["", &text[..header], &text[..header + 9]] {
        fs::write(&path, left).unwrap();
        fs::write(&packed_path, &packed).unwrap();
        let error = compress(&catalog(), folder).unwrap_err();
        assert!(is_of_two_logs(&error, 0), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), left);
        assert_eq!(fs::read(&packed_path).unwrap(), packed);
        resume(&catalog(), folder, None, &threads(1), &mut ()).unwrap();
        assert_eq!(
            (has(folder), fs::read_to_string(&path).unwrap() == text),
            ([true, false], true),
            "{left}"
        );
    }
}

/// Claim: whether a log is packed is told from its name; one that is packed under the name of one that is not stays as it is.
#[test]
fn a_packed_log_under_another_name_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    searched(folder, 20);
    compress(&catalog(), folder).unwrap();
    let path = folder.join("trials.jsonl");
    fs::rename(folder.join("trials.jsonl.gz"), &path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let budget = Some(Budget::trials(30.try_into().unwrap()));
    let resumed = resume(&catalog(), folder, budget, &threads(1), &mut ()).map(|_| ());
    for error in [resumed, compress(&catalog(), folder).map(|_| ())].map(Result::unwrap_err) {
        assert!(error.to_string().contains("its name does not end in `.gz`"), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// Claim: a packed log may unpack to 32 MiB or 24 times its size, and a line to a mebibyte and twice its header.
#[test]
fn a_log_that_unpacks_to_too_much_is_refused() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    searched(folder, 5);
    let path = folder.join("trials.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let pack = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        fs::write(folder.join("trials.jsonl.gz"), encoder.finish().unwrap()).unwrap();
    };
    fs::remove_file(&path).unwrap();
    pack(&format!("{text}{}", (" ".repeat(1023) + "\n").repeat(33 << 10)));
    let error = Run::open(&catalog(), folder).unwrap_err().to_string();
    assert!(error.contains("more than 32 MiB"), "{error}");
    pack(&format!("{text}{}", "x".repeat(2 << 20)));
    let error = Run::open(&catalog(), folder).unwrap_err().to_string();
    assert!(error.contains("trials.jsonl.gz:7: not a trial: the line is longer than 1"), "{error}");
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
    // By either name of the log, wherever it is now; what is kept is the name that it has unpacked.
    let expected = fs::canonicalize(earlier.path()).unwrap().join("trials.jsonl");
    for name in ["trials.jsonl", "trials.jsonl.gz"] {
        let mut warm = spec("bowl", "climber", 10);
        warm.warm_start = vec![WarmStart::from_log(earlier.path().join(name))];
        let experiment = Experiment::prepare(&catalog(), warm).unwrap();
        assert_eq!(experiment.spec().warm_start[0].log, expected);
    }
}

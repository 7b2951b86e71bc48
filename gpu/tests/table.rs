//! Tables of measurements: written, read, gone on with, damaged, merged.

use std::fs;
use std::path::{Path, PathBuf};

use tapeout_gpu::{
    By, Fault, FaultRule, Halt, Job, Measurer, Modelled, Origin, Recording, RowOutcome, Session, Table,
    TableRow, TableWriter, TimingMethod,
};
use tapeout_simulators::gpu_gemm::{Gemm, Operands, Stage, Tile, TileTimer, TimerError, device};
use tempfile::TempDir;

const GEMM: Gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);

fn job(split_k: u32) -> Job {
    Job { gemm: GEMM, by: By::Tile(Tile { split_k, ..Tile::default() }) }
}

fn model(id: &str) -> Modelled {
    Modelled::new(device(id).expect("a built-in device"), TimingMethod::default())
}

fn measured(samples_s: &[f64]) -> RowOutcome {
    let (mut model, job) =
        (model("h200"), Job { gemm: Gemm { operands: Operands::F16_F16, ..GEMM }, by: By::CublasLt });
    let mut measured = model.prepare(&job, 0).expect("a baseline is never wrong");
    measured.samples_s = samples_s.to_vec();
    RowOutcome::Measured(measured)
}

fn fault() -> RowOutcome {
    RowOutcome::Fault(Fault::new(Stage::Run, FaultRule::WrongResult, "row 3, column 4"))
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tables").join("h200.jsonl");
    (folder, path)
}

/// A table with these rows at `path`.
fn write(path: &Path, session: &Session, rows: &[(Job, RowOutcome)]) {
    let mut writer = TableWriter::open(path, session).unwrap();
    for (index, (job, outcome)) in rows.iter().enumerate() {
        writer.record(*job, index as u64, outcome.clone()).unwrap();
    }
}

fn message(path: &Path) -> String {
    Table::read(path).unwrap_err().to_string().replace(&path.display().to_string(), "TABLE")
}

/// Claim: two do not measure into one table at once, and who comes later begins when the first has ended.
#[test]
fn a_table_that_is_measured_into_is_busy() {
    let (_folder, path) = folder();
    let session = model("h200").session().clone();
    let first = TableWriter::open(&path, &session).unwrap();
    let error = TableWriter::open(&path, &session).map(|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("another process is measuring into this table"), "{error}");
    drop(first);
    write(&path, &session, &[(job(1), measured(&[1e-4]))]);
}

/// Law: what was written is read, bit by bit; and a table is gone on with in a session of its own.
#[test]
fn a_table_is_read_as_it_was_written() {
    let (_folder, path) = folder();
    let first = model("h200").session().clone();
    write(&path, &first, &[(job(1), measured(&[0.1 + 0.2, 1e-4, f64::MIN_POSITIVE]))]);
    let second = Session { driver: "other".to_owned(), ..first.clone() };
    write(&path, &second, &[(job(2), fault())]);
    let table = Table::read(&path).unwrap();
    assert_eq!(table.sessions(), [first, second]);
    let rows = [
        TableRow {
            session: 0,
            job: job(1),
            inputs: 0,
            outcome: measured(&[0.1 + 0.2, 1e-4, f64::MIN_POSITIVE]),
        },
        TableRow { session: 1, job: job(2), inputs: 0, outcome: fault() },
    ];
    assert_eq!(table.rows(), rows);
    assert_eq!(table.gemms(), [GEMM]);
}

/// Claim: a program that is killed while it writes loses that line and no other, wherever it is cut.
#[test]
fn a_line_that_was_cut_off_is_passed_over_and_written_again() {
    let (_folder, path) = folder();
    let session = model("h200").session().clone();
    write(&path, &session, &[(job(1), measured(&[1e-4])), (job(2), measured(&[2e-4]))]);
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    for cut in [last, last + 1, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(Table::read(&path).unwrap().rows().len(), 1);
        write(&path, &session, &[(job(4), measured(&[3e-4]))]);
        let jobs: Vec<Job> = Table::read(&path).unwrap().rows().iter().map(|row| row.job).collect();
        assert_eq!(jobs, [job(1), job(4)]);
    }
}

/// Claim: any byte that changes in a row is noticed, and the message says where and what to do.
#[test]
fn damage_is_noticed() {
    let (_folder, path) = folder();
    write(&path, model("h200").session(), &[(job(1), measured(&[1e-4]))]);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("\"split_k\":1", "\"split_k\":2")).unwrap();
    let error = Table::read(&path).unwrap_err();
    assert!(error.to_string().contains("h200.jsonl:3: field `check`: "), "{error}");
    assert!(error.hint().unwrap().contains("changed or damaged"));
    fs::write(&path, whole.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(message(&path).starts_with("TABLE:1: field `check`: "), "{}", message(&path));
    fs::write(&path, "").unwrap();
    assert_eq!(
        message(&path),
        "TABLE:1: not a table of measurements: its first line does not say `tapeout-measurements`"
    );
}

/// Claim: lines that carry a right checksum but say what cannot be are refused by field. They are written through the public
/// interface, which does not look at what it is given.
#[test]
fn impossible_rows_are_refused_by_field() {
    let cases = [
        (measured(&[]), "field `row.outcome.measured.samples_s`: no samples; expected at least one"),
        (measured(&[1e-4, -1.0]), "field `row.outcome.measured.samples_s[1]`: -1 s; expected a time above 0"),
    ];
    for (outcome, expected) in cases {
        let (_folder, path) = folder();
        write(&path, model("h200").session(), &[(job(1), outcome)]);
        assert_eq!(message(&path), format!("TABLE:3: {expected}"));
    }
    let (_folder, path) = folder();
    let zero = Job { gemm: GEMM, by: By::Tile(Tile { warp_m: 0, ..Tile::default() }) };
    write(&path, model("h200").session(), &[(zero, fault())]);
    assert!(message(&path).contains("`warp_m` is 0; expected 1 or more"), "{}", message(&path));
}

/// Claim: tables of one device are merged with all their samples, gzipped or not; those of two devices are not.
#[test]
fn tables_of_one_device_are_merged() {
    let (folder, path) = folder();
    let [one, two] = ["one.jsonl", "two.jsonl"].map(|name| folder.path().join(name));
    write(&one, model("h200").session(), &[(job(1), measured(&[1e-4, 3e-4])), (job(2), fault())]);
    write(&two, model("h200").session(), &[(job(1), measured(&[2e-4])), (job(2), measured(&[1e-4]))]);
    let read = |path: &PathBuf| (path.clone(), Table::read(path).unwrap());
    let merged = Table::merge([read(&one), read(&two)]).unwrap();
    assert_eq!((merged.sessions().len(), merged.rows().len(), merged.rows()[3].session), (2, 4, 1));
    let packed = folder.path().join("merged.jsonl.gz");
    merged.write(&packed).unwrap();
    assert_eq!(Table::read(&packed).unwrap(), merged);
    assert!(merged.write(&packed).unwrap_err().hint().unwrap().contains("another file"));
    assert!(TableWriter::open(&packed, model("h200").session()).is_err());

    // The median of 1, 2 and 3; and a design that failed once has failed.
    let recording = Recording::of(&merged);
    let tile = |split_k| Tile { split_k, ..Tile::default() };
    assert_eq!(recording.time(&GEMM, &tile(1)).unwrap().time_s, 2e-4);
    assert!(
        matches!(recording.time(&GEMM, &tile(2)), Err(TimerError::Infeasible(fault)) if fault.rule == "wrong_result")
    );
    let unknown = recording.time(&GEMM, &tile(4)).unwrap_err().to_string();
    assert_eq!(unknown, "the table does not hold this design");

    write(&path, model("a100").session(), &[]);
    let error = Table::merge([read(&one), read(&path)]).unwrap_err().to_string();
    assert!(
        error.ends_with("measured on NVIDIA A100 SXM4 40GB (sm_80), not on NVIDIA H200 SXM (sm_90)"),
        "{error}"
    );
    assert!(TableWriter::open(&path, model("h200").session()).is_err());
    let real = Session { origin: Origin::Device, ..model("h200").session().clone() };
    let error = TableWriter::open(&one, &real).unwrap_err().to_string();
    assert!(error.contains("of other origin"), "{error}");
}

/// Claim: a rehearsal depends on seed and design alone, and meets failures.
#[test]
fn a_rehearsal_is_a_function_of_its_seed() {
    let outcome = |inputs, split_k| model("h200").prepare(&job(split_k), inputs);
    assert_eq!(outcome(1, 1), outcome(1, 1));
    assert_ne!(outcome(1, 1), outcome(2, 1));
    let n_wrong = (0..200).filter(|&inputs| matches!(outcome(inputs, 1), Err(Halt::Fault(_)))).count();
    // One in twenty of 200: 10, give or take three standard deviations of 3.1.
    assert!((1..=20).contains(&n_wrong), "{n_wrong}");
}

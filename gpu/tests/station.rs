//! Stations against children that do as they should, hang, die, and talk nonsense. The children are shell scripts.
#![cfg(unix)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tapeout_core::Seed;
use tapeout_gpu::{BenchError, By, FaultRule, Job, Station, StationLimits, WorkerCommand};
use tapeout_simulators::gpu_gemm::{Gemm, Operands, Stage, Tile, TileTimer, TimerError};

const READY: &str = r#"{"ready":{"origin":"device","device":"paper","compute_capability":90,"driver":"1","compiler":"2","sm_clock_max_hz":null,"memory_clock_max_hz":null,"power_limit_w":null,"method":{"warm_ups":3,"launches":20,"samples":5,"energy_s":0.0}}}"#;
const MEASURED: &str = r#"{"measured":{"samples_s":[3e-4,1e-4,2e-4],"error_share":0.1}}"#;
const LOST: &str = r#"{"lost":{"stage":"run","rule":"sticky_error","reason":"misaligned address"}}"#;

fn job() -> Job {
    let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
    Job { gemm, by: By::Tile(Tile::default()) }
}

/// A station whose children run `script` after they have said that they are ready.
fn station(script: &str, limits: StationLimits) -> Station {
    let arguments = ["-c".to_owned(), format!("echo '{READY}'\n{script}")].to_vec();
    let command = WorkerCommand { program: "/bin/sh".into(), arguments };
    Station::new(command, limits, Seed::new(1), Arc::new(Mutex::new(())))
}

/// Long enough for a shell on a busy machine.
fn patient() -> StationLimits {
    StationLimits { start: Duration::from_secs(30), ..StationLimits::default() }
}

/// A child that answers everything, says which process it is, and takes the question in.
const WILLING: &str = "while read -r question; do case $question in \
    *prepare*) echo '\"prepared\"';; *) echo '";

fn willing() -> String {
    format!("{WILLING}{MEASURED}';; esac; done")
}

/// The fault of a child that runs `script`.
fn fault_of(script: &str, limits: StationLimits) -> (Stage, FaultRule, String) {
    let fault = station(script, limits).measure(&job(), 0).unwrap().outcome.unwrap_err();
    (fault.stage, fault.rule, fault.reason)
}

#[test]
fn a_child_that_answers_is_believed() {
    let mut station = station(&willing(), patient());
    assert_eq!(station.session().unwrap().device, "paper");
    let first = station.measure(&job(), 0).unwrap();
    assert_eq!(first.outcome.as_ref().unwrap().time_s(), 2e-4);
    assert_eq!(station.measure(&job(), 0).unwrap(), first, "the same process keeps its operands");
}

/// Claim: each draw of operands has its process, and its number and the seed say what they are.
#[test]
fn a_process_is_replaced_with_the_draw_of_its_operands() {
    // A child that answers one question only: with a second one it would hang until its time is up.
    let script = format!(
        "{};;*) echo '{MEASURED}'; exec sleep 600;; esac; done",
        &WILLING[..WILLING.find(";;").unwrap()]
    );
    let mut first = station(&script, patient());
    let inputs = [0, 1, 2].map(|draw| first.measure(&job(), draw).unwrap());
    assert!(inputs.iter().all(|measurement| measurement.outcome.is_ok()), "{inputs:?}");
    assert!(inputs[0].inputs != inputs[1].inputs && inputs[1].inputs != inputs[2].inputs, "{inputs:?}");
    assert_eq!(station(&willing(), patient()).measure(&job(), 1).unwrap().inputs, inputs[1].inputs);
}

/// Claim: what hangs is ended and recorded, while compiling and while running.
#[test]
fn a_child_that_hangs_costs_one_design() {
    let limits = StationLimits { compile: Duration::from_millis(200), ..patient() };
    let (stage, rule, reason) = fault_of("read -r question; exec sleep 600", limits);
    assert_eq!((stage, rule), (Stage::Compile, FaultRule::CompileTimeLimit));
    assert_eq!(reason, "not done within 0.2 s");
    let limits = StationLimits { run: Duration::from_millis(200), ..patient() };
    let script = "read -r question; echo '\"prepared\"'; read -r question; exec sleep 600";
    let (stage, rule, _) = fault_of(script, limits);
    assert_eq!((stage, rule), (Stage::Run, FaultRule::RunTimeLimit));
}

/// Claim: the reason tells how it died and the last it said.
#[test]
fn a_child_that_dies_costs_one_design() {
    let (stage, rule, reason) = fault_of("read -r question; echo 'out of luck' >&2; exit 3", patient());
    assert_eq!((stage, rule), (Stage::Compile, FaultRule::ProcessDied));
    assert_eq!(reason, "exit status: 3: out of luck");
    let script = "read -r question; echo '\"prepared\"'; read -r question; kill -9 $$";
    let (stage, rule, reason) = fault_of(script, patient());
    assert_eq!((stage, rule), (Stage::Run, FaultRule::ProcessDied));
    assert!(reason.starts_with("signal: 9"), "{reason}");
}

/// Claim: after a broken context the next design meets another process.
#[test]
fn a_broken_context_costs_one_design() {
    let script = format!("read -r question; echo '\"prepared\"'; read -r question; echo '{LOST}'");
    let mut station = station(&script, patient());
    let inputs: Vec<u64> = (0..2)
        .map(|_| {
            let measurement = station.measure(&job(), 0).unwrap();
            let fault = measurement.outcome.unwrap_err();
            assert_eq!((fault.rule, fault.reason.as_str()), (FaultRule::StickyError, "misaligned address"));
            measurement.inputs
        })
        .collect();
    assert_eq!(inputs[0], inputs[1], "the operands are those of the draw");
}

/// Claim: nonsense is an error with the line that came, and says nothing about the design.
#[test]
fn nonsense_is_an_error() {
    let error = station("read -r question; echo 'Hello, world'", patient()).measure(&job(), 0).unwrap_err();
    assert_eq!(error.to_string(), "measuring process: expected an answer, got `Hello, world`");
    let early = format!("read -r question; echo '{MEASURED}'");
    let error = station(&early, patient()).measure(&job(), 0).unwrap_err();
    assert!(matches!(error, BenchError::Protocol { expected: "an answer to what was asked", .. }), "{error}");
}

/// Claim: no device, no program and no greeting are told apart.
#[test]
fn a_child_that_cannot_begin_is_an_error() {
    let with = |program: &str, script: &str| {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let command = WorkerCommand { program: program.into(), arguments };
        let mut station = Station::new(command, patient(), Seed::new(1), Arc::new(Mutex::new(())));
        station.measure(&job(), 0).unwrap_err()
    };
    let unavailable = with("/bin/sh", r#"echo '{"unavailable":"no driver"}'"#);
    assert_eq!(unavailable.to_string(), "nothing can be measured here: no driver");
    assert!(matches!(with("/no/such/program", ""), BenchError::NotStarted { .. }));
    let silent = with("/bin/sh", "exit 7");
    assert_eq!(silent.to_string(), "measuring process `/bin/sh`: exit status: 7");
    assert!(matches!(with("/bin/sh", "echo Hello"), BenchError::Protocol { .. }));
}

#[test]
fn a_station_answers_how_long_a_tile_takes() {
    let timer = tapeout_gpu::LiveTimer::new(station(&willing(), patient()));
    assert_eq!(timer.time(&job().gemm, &Tile::default()).unwrap().time_s, 2e-4);
    let script = format!("read -r question; echo '\"prepared\"'; read -r question; echo '{LOST}'");
    let timer = tapeout_gpu::LiveTimer::new(station(&script, patient()));
    match timer.time(&job().gemm, &Tile::default()) {
        Err(TimerError::Infeasible(fault)) => {
            assert_eq!((fault.stage, fault.rule.as_ref()), (Stage::Run, "sticky_error"));
        }
        other => panic!("{other:?}"),
    }
}

//! Runs of DRAMSys 4: time and energy as it prints them, counts and commands of a program that agrees with all of them.
//!
//! `syn-mixed` is kept beside this file (`simulators/tests/golden/README.md`). The other traces belong to others; they are read
//! from a folder beside the repository where there is one.

use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tapeout_simulators::dram::{
    Arbiter, Command, CommandKind, Controller, DDR3_1600, DramReport, Operation, Order, PagePolicy,
    RefreshPolicy, Request, ResponseQueue, Scheduler, SchedulerBuffer, Scratch, Simulator, Trace,
};

/// Traces that are not the project's to hand on, and how many runs there are of each.
const PUBLISHED: [(&str, usize); 6] = [
    ("stream", 1000),
    ("random", 1000),
    ("cloud-1", 1000),
    ("ddr3_example", 250),
    ("chstone-adpcm", 250),
    ("mediabench-h263decode", 250),
];

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dram")
}

/// Where the published traces lie on machines that have them.
fn beside() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden/dram");
    folder.exists().then_some(folder)
}

fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

/// Rows of a table, cell by cell, without the heading.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

pub fn trace(folder: &Path, name: &str) -> Trace {
    let text = text(&folder.join(format!("traces/{name}.csv.gz")));
    let requests = rows(&text).map(|cells| Request {
        cycle: cells[0].parse().unwrap(),
        operation: if cells[1] == "R" { Operation::Read } else { Operation::Write },
        address: u64::from_str_radix(cells[2], 16).unwrap(),
    });
    Trace::new(requests.collect()).unwrap()
}

pub struct Run {
    pub controller: Controller,
    time_ns: f64,
    energy_pj: f64,
    power_mw: f64,
    /// Activates, precharges, reads, writes, refreshes.
    counts: [u64; 5],
}

fn controller(cells: &[&str]) -> Controller {
    let number = |index: usize| cells[index].parse::<NonZeroU32>().unwrap();
    Controller {
        page_policy: match cells[0] {
            "Open" => PagePolicy::Open,
            "OpenAdaptive" => PagePolicy::OpenAdaptive,
            "Closed" => PagePolicy::Closed,
            "ClosedAdaptive" => PagePolicy::ClosedAdaptive,
            other => panic!("{other}"),
        },
        scheduler: match cells[1] {
            "Fifo" => Scheduler::Fifo,
            "FrFcfs" => Scheduler::FrFcfs,
            "FrFcfsGrp" => Scheduler::FrFcfsGrp,
            other => panic!("{other}"),
        },
        buffer: match cells[2] {
            "Bankwise" => SchedulerBuffer::Bankwise,
            "ReadWrite" => SchedulerBuffer::ReadWrite,
            "Shared" => SchedulerBuffer::Shared,
            other => panic!("{other}"),
        },
        buffer_size: number(3),
        responses: if cells[4] == "Fifo" { ResponseQueue::Fifo } else { ResponseQueue::Reorder },
        refresh: match cells[5] {
            "NoRefresh" => RefreshPolicy::NoRefresh,
            _ => RefreshPolicy::AllBank { max_postponed: number(6), max_pulled_in: number(7) },
        },
        arbiter: match cells[8] {
            "Simple" => Arbiter::Simple,
            "Fifo" => Arbiter::Fifo { max_active: number(9) },
            _ => Arbiter::Reorder { max_active: number(9) },
        },
        power_down: None,
    }
}

pub fn runs(folder: &Path, name: &str) -> Vec<Run> {
    let text = text(&folder.join(format!("designs_{name}.csv")));
    let run = |cells: Vec<&str>| Run {
        controller: controller(&cells),
        time_ns: cells[10].parse().unwrap(),
        energy_pj: cells[11].parse().unwrap(),
        power_mw: cells[12].parse().unwrap(),
        counts: [13, 14, 15, 16, 17].map(|index| cells[index].parse().unwrap()),
    };
    rows(&text).map(run).collect()
}

/// Every trace that is here, with its runs.
#[expect(clippy::print_stdout, reason = "what is skipped is said")]
pub fn all() -> Vec<(&'static str, Trace, Vec<Run>)> {
    let mut all = vec![("syn-mixed", trace(&own(), "syn-mixed"), runs(&own(), "syn-mixed"))];
    match beside() {
        Some(folder) => {
            all.extend(PUBLISHED.map(|(name, _)| (name, trace(&folder, name), runs(&folder, name))));
        }
        None => println!("skipped: the published traces are not here"),
    }
    all
}

fn counts(report: &DramReport) -> [u64; 5] {
    let counts = &report.counts;
    [counts.activates, counts.precharges, counts.reads, counts.writes, counts.refreshes]
}

/// DRAMSys prints time in steps of a clock, energy in whole pJ of a chip at most, power to 0.01 mW.
fn assert_equal(name: &str, row: usize, run: &Run, report: &DramReport) {
    let seen = || format!("{name}, row {row}: {:?}\n{report:?}", run.controller);
    assert!((report.time_s * 1e9 - run.time_ns).abs() < 1e-3, "time: {} {}", run.time_ns, seen());
    assert_eq!(counts(report), run.counts, "{}", seen());
    let energy_pj = report.energy.total_j() * 1e12;
    assert!((energy_pj - run.energy_pj).abs() < 0.02, "energy: {} {energy_pj} {}", run.energy_pj, seen());
    assert!((report.power_w * 1e3 - run.power_mw).abs() < 0.01, "power: {} {}", run.power_mw, seen());
}

#[test]
fn every_run_of_dramsys_is_equalled_in_the_exact_order() {
    for (name, trace, runs) in all() {
        let expected = PUBLISHED.iter().find(|row| row.0 == name).map_or(150, |row| row.1);
        assert_eq!(runs.len(), expected, "{name}");
        let simulator = Simulator::new(&DDR3_1600, &trace);
        runs.par_iter().enumerate().for_each_init(Scratch::new, |scratch, (row, run)| {
            assert_equal(name, row, run, &simulator.run(&run.controller, Order::AsBooked, scratch));
        });
    }
}

fn kind(name: &str) -> CommandKind {
    match name {
        "ACT" => CommandKind::Act,
        "RD" => CommandKind::Rd,
        "RDA" => CommandKind::Rda,
        "WR" => CommandKind::Wr,
        "WRA" => CommandKind::Wra,
        "PRE" => CommandKind::Pre,
        "PREA" => CommandKind::Prea,
        "REFA" => CommandKind::Refa,
        other => panic!("{other}"),
    }
}

#[test]
fn every_logged_command_comes_at_its_clock() {
    let (simulator, runs) =
        (Simulator::new(&DDR3_1600, &trace(&own(), "syn-mixed")), runs(&own(), "syn-mixed"));
    let text = text(&own().join("commands_syn-mixed.csv"));
    let (mut scratch, mut logs) = (Scratch::new(), std::collections::BTreeMap::new());
    let mut n_commands = 0;
    for cells in rows(&text) {
        let row: usize = cells[0].parse().unwrap();
        let log = logs.entry(row).or_insert_with(|| {
            let mut log = Vec::new();
            simulator.run_logged(&runs[row].controller, Order::AsBooked, &mut scratch, &mut log);
            log
        });
        let expected =
            Command { clock: cells[2].parse().unwrap(), kind: kind(cells[3]), bank: cells[4].parse().ok() };
        assert_eq!(log[cells[1].parse::<usize>().unwrap()], expected, "row {row}, command {}", cells[1]);
        n_commands += 1;
    }
    assert_eq!((n_commands, logs.len()), (1132, 12));
}

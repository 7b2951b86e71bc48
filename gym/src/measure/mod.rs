//! Filling tables of measured kernels: which designs, who measures them, and what is there already.
//!
//! A table grows by a line for each measurement and can be gone on with at any time: designs that are in it are answered
//! from it. Several processes compile side by side; the device is lent from one to the next.

mod crew;
mod error;
mod proposer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tapeout_core::{Catalog, Design, Goal, Metric, Objective, Outcome, Problem, Seed};
use tapeout_envs::{TileEncoding, TileSpace};
use tapeout_experiment::AgentSpec;
use tapeout_gpu::{By, Job, Measurement, Recording, RowOutcome, Session, Table, TableWriter};
use tapeout_simulators::gpu_gemm::{self, Device, ElementType, Gemm, Operands};

pub use crew::Crew;
pub use error::MeasureError;

use crew::Stations;
use proposer::Proposer;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the device is, for the rules that are known before a kernel is compiled.
    pub device: String,
    /// The product.
    pub gemm: Gemm,
    /// How designs are written down, and so drawn.
    pub encoding: TileEncoding,
    /// Distinct designs, those that are in the table already among them.
    pub designs: usize,
    /// Who proposes them; none for designs drawn at random.
    pub agent: Option<AgentSpec>,
    /// Where all randomness comes from.
    pub seed: Seed,
    /// Designs between two measurements of the library's product, which shows a device that drifts.
    pub baseline_every: usize,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Designs done.
    pub done: usize,
    /// Designs to do.
    pub total: usize,
    /// The fastest so far, in s.
    pub best_s: Option<f64>,
    /// The product.
    pub gemm: &'a Gemm,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filled {
    /// The types of the product's operands.
    pub types: String,
    /// Designs that ran and were right, now or before.
    pub measured: usize,
    /// Designs that could not be built or run.
    pub infeasible: usize,
    /// Of both, those that were in the table already.
    pub known: usize,
    /// The fastest, in s.
    pub best_s: Option<f64>,
    /// The library's product of the wide type, in s; none where it could not be measured.
    pub baseline_s: Option<f64>,
    /// Whether all designs were done.
    pub is_finished: bool,
}

/// Measures what `plan` says with `crew`, into the table at `path`.
///
/// # Errors
/// [`MeasureError`] if the plan cannot be carried out, or measuring failed in a way that says nothing about a design. What
/// was measured by then is in the table.
pub fn fill(
    catalog: &Catalog,
    plan: &Plan,
    crew: &Crew,
    path: &Path,
    interrupt: &AtomicBool,
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<Filled, MeasureError> {
    let device = gpu_gemm::device(&plan.device)?;
    let tiles = TileSpace::new(&plan.gemm, &device, plan.encoding)?;
    let earlier = if path.exists() { Table::read(path)? } else { Table::default() };
    let seed = plan.seed.child("session", earlier.sessions().len() as u64);
    let mut stations = Stations::new(crew, seed);
    let session = stations.session()?;
    check_device(&session, &device)?;
    let writer = TableWriter::open(path, &session)?;
    let metrics = vec![Metric::new("time_s", "s", "from launch to completion")];
    let goal = Goal { objectives: vec![Objective::minimize("time_s")], constraints: Vec::new() };
    let problem = Problem::new(tiles.space().clone(), metrics, goal).expect("invariant: the metric is there");
    let proposer = Proposer::new(catalog, plan, &problem)?;
    let filled = Filled {
        types: plan.gemm.operands.name().to_owned(),
        measured: 0,
        infeasible: 0,
        known: 0,
        best_s: None,
        baseline_s: None,
        is_finished: false,
    };
    let known = Recording::of(&earlier);
    let filling = Filling {
        plan,
        tiles: &tiles,
        problem: &problem,
        known,
        counted: HashSet::new(),
        writer,
        filled,
        interrupt,
        report,
    };
    filling.run(&mut stations, proposer)
}

/// The rules of one device say nothing of another.
fn check_device(session: &Session, device: &Device) -> Result<(), MeasureError> {
    if session.compute_capability == device.compute_capability {
        return Ok(());
    }
    Err(MeasureError::OtherDevice {
        got: format!("{} (sm_{})", session.device, session.compute_capability),
        expected: format!("{} (sm_{})", device.id, device.compute_capability),
    })
}

/// A table being filled.
struct Filling<'a> {
    plan: &'a Plan,
    tiles: &'a TileSpace,
    problem: &'a Problem,
    known: Recording,
    /// The designs that `filled` counts.
    counted: HashSet<Job>,
    writer: TableWriter,
    filled: Filled,
    interrupt: &'a AtomicBool,
    report: &'a mut dyn FnMut(Progress<'_>),
}

impl Filling<'_> {
    fn run(mut self, stations: &mut Stations, mut proposer: Proposer) -> Result<Filled, MeasureError> {
        let mut since_baseline = usize::MAX;
        loop {
            if since_baseline >= self.plan.baseline_every {
                self.baseline(stations)?;
                since_baseline = 0;
            }
            let room = self.plan.baseline_every.max(1) - since_baseline;
            let designs = proposer.next(room)?;
            if designs.is_empty() {
                self.filled.is_finished = true;
                break;
            }
            since_baseline += designs.len();
            let Some(outcomes) = self.outcomes(stations, &designs)? else { break };
            proposer.learn(self.problem, designs, outcomes)?;
        }
        Ok(self.filled)
    }

    /// What the table or a measurement says of each design; none if somebody interrupted.
    fn outcomes(
        &mut self,
        stations: &mut Stations,
        designs: &[Design],
    ) -> Result<Option<Vec<Outcome>>, MeasureError> {
        let jobs: Vec<Job> = designs.iter().map(|design| self.job(design)).collect();
        let mut new: Vec<Job> = Vec::new();
        for job in &jobs {
            if self.known.of_job(job).is_some() {
                self.count(job, true);
            } else if !new.contains(job) {
                new.push(*job);
            }
        }
        let interrupt = self.interrupt;
        stations.measure(&new, interrupt, &mut |index, measurement| {
            self.record(new[index], measurement)?;
            self.count(&new[index], false);
            Ok(())
        })?;
        if interrupt.load(Ordering::Relaxed) {
            return Ok(None);
        }
        Ok(jobs.iter().map(|job| self.outcome(job)).collect())
    }

    fn job(&self, design: &Design) -> Job {
        Job { gemm: self.plan.gemm, by: By::Tile(self.tiles.tile(design)) }
    }

    fn outcome(&self, job: &Job) -> Option<Outcome> {
        Some(match self.known.of_job(job)? {
            Ok(timing) => Outcome::Measured(vec![timing.time_s]),
            Err(fault) => {
                let fault = fault.tile_fault();
                Outcome::infeasible(&fault.rule, fault.excess)
            }
        })
    }

    fn record(&mut self, job: Job, measurement: Measurement) -> Result<(), MeasureError> {
        let outcome = RowOutcome::from(measurement.outcome);
        self.known.learn(job, &outcome);
        Ok(self.writer.record(job, measurement.inputs, outcome)?)
    }

    /// Counts a design whose answer is known, once.
    fn count(&mut self, job: &Job, was_known: bool) {
        if !self.counted.insert(*job) {
            return;
        }
        match self.known.of_job(job) {
            Some(Ok(timing)) => {
                self.filled.measured += 1;
                self.filled.best_s = least(self.filled.best_s, timing.time_s);
            }
            Some(Err(_)) => self.filled.infeasible += 1,
            None => return,
        }
        self.filled.known += usize::from(was_known);
        self.step();
    }

    fn step(&mut self) {
        let done = self.filled.measured + self.filled.infeasible;
        let (total, best_s) = (self.plan.designs, self.filled.best_s);
        (self.report)(Progress { done, total, best_s, gemm: &self.plan.gemm });
    }

    /// Measures the library's product, or records why it cannot.
    fn baseline(&mut self, stations: &mut Stations) -> Result<(), MeasureError> {
        let job = Job {
            gemm: Gemm { operands: wide(self.plan.gemm.operands), ..self.plan.gemm },
            by: By::CublasLt,
        };
        let (writer, filled) = (&mut self.writer, &mut self.filled);
        stations.measure(&[job], self.interrupt, &mut |_, measurement| {
            if let Ok(measured) = &measurement.outcome {
                filled.baseline_s = least(filled.baseline_s, measured.time_s());
            }
            Ok(writer.record(job, measurement.inputs, measurement.outcome.into())?)
        })
    }
}

fn least(best_s: Option<f64>, time_s: f64) -> Option<f64> {
    Some(best_s.map_or(time_s, |best_s| best_s.min(time_s)))
}

/// The baseline of the wide type.
const fn wide(operands: Operands) -> Operands {
    match (operands.a(), operands.b()) {
        (ElementType::Bf16, _) | (_, ElementType::Bf16) => Operands::BF16_BF16,
        _ => Operands::F16_F16,
    }
}

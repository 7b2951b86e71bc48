//! Recorded measurements as an answer to how long a tile takes.

use std::borrow::Cow;
use std::collections::HashMap;

use tapeout_simulators::gpu_gemm::{Gemm, Tile, TileFault, TileTimer, TileTiming, TimerError};

use crate::measurement::{By, Fault, Job, median};
use crate::table::{JobAnswer, RowOutcome, Table};

/// A table, by what was measured.
#[derive(Debug, Clone)]
pub struct Recording {
    times: HashMap<Job, Result<TileTiming, Fault>>,
}

impl Recording {
    /// What `table` says: for each tile the median of all its samples, or its fault.
    pub fn of(table: &Table) -> Self {
        let times = table.answers().into_iter().map(|(job, answer)| (job, time(&answer))).collect();
        Self { times }
    }

    /// Takes in one more measurement, of a job of which nothing is recorded.
    pub fn learn(&mut self, job: Job, outcome: &RowOutcome) {
        let time = match outcome {
            RowOutcome::Measured(measured) => {
                Ok(TileTiming { time_s: measured.time_s(), energy_j: measured.energy_j })
            }
            RowOutcome::Fault(fault) => Err(fault.clone()),
        };
        self.times.entry(job).or_insert(time);
    }

    /// What is recorded of `job`.
    pub fn of_job(&self, job: &Job) -> Option<&Result<TileTiming, Fault>> {
        self.times.get(job)
    }
}

fn time(answer: &JobAnswer<'_>) -> Result<TileTiming, Fault> {
    if let Some(fault) = answer.fault {
        return Err(fault.clone());
    }
    let samples_s = answer.measured.iter().flat_map(|measured| &measured.samples_s).copied().collect();
    let energies_j: Vec<f64> = answer.measured.iter().filter_map(|measured| measured.energy_j).collect();
    let energy_j = (!energies_j.is_empty()).then(|| median(energies_j));
    Ok(TileTiming { time_s: median(samples_s), energy_j })
}

impl TileTimer for Recording {
    fn time(&self, gemm: &Gemm, tile: &Tile) -> Result<TileTiming, TimerError> {
        match self.of_job(&Job { gemm: *gemm, by: By::Tile(*tile) }) {
            Some(Ok(timing)) => Ok(*timing),
            Some(Err(fault)) => Err(TimerError::Infeasible(fault.tile_fault())),
            None => Err(TimerError::Failed {
                message: "the table does not hold this design".to_owned(),
                source: None,
            }),
        }
    }
}

impl Fault {
    /// The fault as the answer to how long a tile takes. What went wrong has no measure, so it counts as 1.
    pub fn tile_fault(&self) -> TileFault {
        TileFault { stage: self.stage, rule: Cow::Borrowed(self.rule.name()), excess: 1.0 }
    }
}

//! A table of measurements as the log of a search.

use std::sync::Arc;

use tapeout_core::{Design, Outcome};
use tapeout_envs::TileSpace;
use tapeout_experiment::RunError;
use tapeout_experiment::log::{Log, Record, TrialTiming};
use tapeout_gpu::{Job, Measurement, Recording, RowOutcome, TableError, TableWriter};
use tapeout_simulators::gpu_gemm::Gemm;

use super::measured_kernels::{Fresh, baseline, infeasible, job};

/// Answers designs that the table holds, whoever measured them and in whatever order, and adds a line for each measurement as
/// soon as it is made.
pub(super) struct TableLog {
    pub(super) gemm: Gemm,
    pub(super) tiles: TileSpace,
    /// What the table held in the beginning.
    pub(super) held: Recording,
    pub(super) writer: TableWriter,
    pub(super) fresh: Arc<Fresh>,
    /// Designs that were answered from the table.
    pub(super) n_known: usize,
    /// The library's product, at its fastest; none as long as it could not be measured.
    pub(super) baseline_s: Option<f64>,
}

impl TableLog {
    /// Adds a line for each measurement that is not in the table yet.
    pub(super) fn write_fresh(&mut self) -> Result<(), TableError> {
        for (job, Measurement { inputs, outcome }) in self.fresh.take() {
            if let (Ok(measured), true) = (&outcome, job == baseline(&self.gemm)) {
                let time_s = measured.time_s();
                self.baseline_s = Some(self.baseline_s.map_or(time_s, |least_s| least_s.min(time_s)));
            }
            self.writer.record(job, inputs, RowOutcome::from(outcome))?;
        }
        Ok(())
    }

    fn record(&self, design: &Design) -> Option<Record> {
        let job: Job = job(&self.gemm, &self.tiles, design);
        let outcome = match self.held.of_job(&job)? {
            Ok(timing) => Outcome::Measured(vec![timing.time_s]),
            Err(fault) => infeasible(fault),
        };
        let timing = TrialTiming { evaluation_s: 0.0, elapsed_s: 0.0 };
        Some(Record { design: design.clone(), outcome, timing })
    }
}

impl Log for TableLog {
    fn replay(&mut self, designs: &[Design]) -> Result<Vec<Option<Record>>, RunError> {
        let records: Vec<Option<Record>> = designs.iter().map(|design| self.record(design)).collect();
        self.n_known += records.iter().flatten().count();
        Ok(records)
    }

    /// Adds what was measured, of which `records` holds but the times.
    fn append(&mut self, _: &[Record]) -> Result<(), RunError> {
        self.write_fresh().map_err(|error| RunError::OtherLog(Box::new(error)))
    }

    fn finish(&mut self) -> Result<(), RunError> {
        self.append(&[])
    }

    fn is_ordered(&self) -> bool {
        false
    }
}

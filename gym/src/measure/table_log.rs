//! A table of measurements as the log of a search.

use std::collections::HashMap;
use std::sync::Arc;

use tapeout_core::{Design, Outcome};
use tapeout_experiment::RunError;
use tapeout_experiment::log::{Log, Record, TrialTiming};
use tapeout_gpu::{Job, Measurement, Recording, RowOutcome, TableError, TableWriter};

use super::MeasureError;
use super::measured_kernels::{MeasuredKernels, baseline, infeasible, job};

/// Answers designs that the table holds, whoever measured them and in whatever order, and adds a line for each measurement as
/// soon as it is made; in a rehearsal in the order of the designs, so that it is a function of its seed.
pub(super) struct TableLog {
    pub(super) kernels: Arc<MeasuredKernels>,
    pub(super) is_rehearsal: bool,
    /// Designs between two measurements of the library's product, which show a device that drifts; looked at between batches.
    pub(super) baseline_every: usize,
    /// What the table held in the beginning.
    pub(super) held: Recording,
    pub(super) writer: TableWriter,
    /// Designs that were answered from the table.
    pub(super) n_known: usize,
    /// Designs that were measured.
    pub(super) n_measured: usize,
    /// Of these, as many as there were when the library's product was measured last.
    pub(super) n_at_baseline: usize,
    /// The library's product, at its fastest; none as long as it could not be measured.
    pub(super) baseline_s: Option<f64>,
}

impl TableLog {
    /// Measures the library's product and adds its line.
    pub(super) fn measure_baseline(&mut self) -> Result<(), MeasureError> {
        self.kernels.measure_baseline()?;
        self.n_at_baseline = self.n_measured;
        Ok(self.write_fresh(|_| true, |_| 0)?)
    }

    /// Adds a line for each measurement that is wanted and not in the table yet, by its place.
    fn write_fresh(
        &mut self,
        is_wanted: impl Fn(&Job) -> bool,
        place: impl Fn(&Job) -> usize,
    ) -> Result<(), TableError> {
        let baseline = baseline(&self.kernels.gemm);
        let mut fresh = self.kernels.fresh.take(is_wanted);
        fresh.sort_by_key(|(job, _)| place(job));
        for (job, Measurement { inputs, outcome }) in fresh {
            if let (Ok(measured), true) = (&outcome, job == baseline) {
                let time_s = measured.time_s();
                self.baseline_s = Some(self.baseline_s.map_or(time_s, |least_s| least_s.min(time_s)));
            }
            self.writer.record(job, inputs, RowOutcome::from(outcome))?;
        }
        Ok(())
    }

    fn record(&self, design: &Design) -> Option<Record> {
        let job: Job = job(&self.kernels.gemm, &self.kernels.tiles, design);
        let outcome = match self.held.of_job(&job)? {
            Ok(timing) => Outcome::Measured(vec![timing.time_s]),
            Err(fault) => infeasible(fault),
        };
        let timing = TrialTiming { evaluation_s: 0.0, elapsed_s: 0.0 };
        Some(Record { design: design.clone(), outcome, retried: None, timing })
    }
}

impl Log for TableLog {
    fn replay(&mut self, designs: &[Design]) -> Result<Vec<Option<Record>>, RunError> {
        let records: Vec<Option<Record>> = designs.iter().map(|design| self.record(design)).collect();
        let n_known = records.iter().flatten().count();
        let n_met = self.n_known + self.n_measured;
        self.n_known += n_known;
        if self.n_measured - self.n_at_baseline >= self.baseline_every {
            self.measure_baseline().map_err(|error| RunError::OtherLog(Box::new(error)))?;
        }
        self.kernels.draw_for(n_met);
        self.n_measured += records.len() - n_known;
        Ok(records)
    }

    /// Adds what was measured, of which `records` holds but the times. Of a measurement that failed there is nothing to keep: the design is
    /// measured when it is asked for again.
    fn append(&mut self, records: &[Record]) -> Result<(), RunError> {
        let job = |record: &Record| job(&self.kernels.gemm, &self.kernels.tiles, &record.design);
        let places: HashMap<Job, usize> = records.iter().map(job).zip(0..).collect();
        let is_rehearsal = self.is_rehearsal;
        self.write_fresh(
            |job| !is_rehearsal || places.contains_key(job),
            |job| places.get(job).copied().unwrap_or(usize::MAX),
        )
        .map_err(|error| RunError::OtherLog(Box::new(MeasureError::from(error))))
    }

    fn finish(&mut self) -> Result<(), RunError> {
        self.write_fresh(|_| true, |_| 0)
            .map_err(|error| RunError::OtherLog(Box::new(MeasureError::from(error))))
    }

    fn is_ordered(&self) -> bool {
        self.is_rehearsal
    }
}

//! What was logged, beside what is proposed: the best of it, and how far it reaches.

use std::collections::{BTreeMap, BTreeSet};

use tapeout_core::{Design, Outcome, Problem, Trial};
use tapeout_experiment::dataset::Dataset;

use super::learn::SecondOpinion;
use super::proposals::LoggedBest;
use super::search::{named, values};
use super::{WeightedWorkload, choose};

/// What a model learned from, and what its promises were worth.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The data set.
    pub dataset: &'a Dataset,
    /// Indices of the rows learned from.
    pub rows: &'a [usize],
    /// Who says what to promise, if anybody.
    pub second: Option<&'a SecondOpinion>,
}

impl Evidence<'_> {
    /// The designs that were measured.
    pub(super) fn measured(&self) -> Vec<Design> {
        let rows = self.rows.iter().map(|&row| &self.dataset.rows()[row]);
        rows.filter(|row| row.is_feasible()).map(|row| row.design.clone()).collect()
    }

    /// The designs that are known in all of these workloads, measured or infeasible: nothing is learned by asking again.
    pub fn known(&self, workloads: &[WeightedWorkload]) -> BTreeSet<Design> {
        let mut known: Option<BTreeSet<Design>> = None;
        for workload in workloads {
            let Ok(index) = self.dataset.workload_index(&workload.name) else { return BTreeSet::new() };
            let rows = self.rows.iter().map(|&row| &self.dataset.rows()[row]);
            let of_it: BTreeSet<Design> =
                rows.filter(|row| row.workload == index).map(|row| row.design.clone()).collect();
            known = Some(known.map_or_else(|| of_it.clone(), |known| &known & &of_it));
        }
        known.unwrap_or_default()
    }

    /// The best acceptable design that was measured in all of these workloads, by the weighted mean over them; of several objectives one of the
    /// first front. None if there is none.
    pub(super) fn best(&self, problem: &Problem, workloads: &[WeightedWorkload]) -> Option<LoggedBest> {
        let trials = self.trials(problem, workloads);
        let best = &trials[*choose(problem, &trials, 1).first()?];
        best.judgement.accepted()?;
        let measured = best.outcome.metrics()?;
        Some(LoggedBest { design: values(problem, &best.design), measured: named(problem, measured) })
    }

    /// The designs that were measured in all of these workloads, each once, with the weighted mean over workloads, and over measurements.
    pub fn trials(&self, problem: &Problem, workloads: &[WeightedWorkload]) -> Vec<Trial> {
        let k = problem.metrics().len();
        let total: f64 = workloads.iter().map(|workload| workload.weight).sum();
        // For each design and workload the sum over measurements, and how many they are.
        let mut sums: BTreeMap<&Design, Vec<(Vec<f64>, f64)>> = BTreeMap::new();
        for &row in self.rows {
            let row = &self.dataset.rows()[row];
            let name = &self.dataset.workloads()[row.workload].name;
            let place = workloads.iter().position(|workload| workload.name == *name);
            let (Some(place), Some(metrics)) = (place, row.outcome.metrics()) else { continue };
            let empty = || vec![(vec![0.0; k], 0.0); workloads.len()];
            let (sum, n) = &mut sums.entry(&row.design).or_insert_with(empty)[place];
            sum.iter_mut().zip(metrics).for_each(|(sum, metric)| *sum += metric);
            *n += 1.0;
        }
        let everywhere = sums.into_iter().filter(|(_, sums)| sums.iter().all(|(_, n)| *n > 0.0));
        let trial = |(design, sums): (&Design, Vec<(Vec<f64>, f64)>)| {
            let weighted = |metric: usize| -> f64 {
                let of = workloads.iter().zip(&sums);
                of.map(|(it, (sum, n))| it.weight / total * sum[metric] / n).sum()
            };
            problem.trial(design.clone(), Outcome::Measured((0..k).map(weighted).collect()))
        };
        everywhere.map(trial).collect()
    }

    /// The parameters that `design` has at a level that no feasible logged design has: beyond all of them, or of a category another
    /// one.
    pub(super) fn outside(&self, design: &Design) -> Vec<String> {
        let space = self.dataset.space();
        let mut taken: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); space.n_parameters()];
        for logged in self.measured() {
            taken.iter_mut().zip(logged.levels()).for_each(|(taken, &level)| {
                taken.insert(level);
            });
        }
        let is_outside =
            |taken: &BTreeSet<u32>, level: u32, is_categorical: bool| match (taken.first(), taken.last()) {
                _ if is_categorical => !taken.contains(&level),
                (Some(&least), Some(&most)) => level < least || level > most,
                _ => true,
            };
        let parameters = space.parameters().iter().zip(&taken).zip(design.levels());
        parameters
            .filter(|((it, taken), level)| is_outside(taken, **level, it.is_categorical()))
            .map(|((it, _), _)| it.name().to_owned())
            .collect()
    }
}

//! Splits: which rows are trained on, which select among models, and which are hidden until the end.
//!
//! Rows are never split at random alone: neighbours of a design that was trained on say little about a design that was
//! not. A row is cut off by what it is: how good its design is, for which workload, or at which level of a parameter.
//!
//! DatasetSource of the cut by quality: Kumar et al. (2022), arXiv 2110.11346, section 4 (learn from designs that are worse than
//! those to be found); the cut by workload is their zero-shot setting, section 5.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::parameter::Value;
use tapeout_core::surrogate::{self, TrainingData, TrainingDataError, WorkloadTrials};
use tapeout_core::{
    Constraint, Goal, Judgement, Objective, Problem, ProblemError, Seed, SpaceError, UnknownName,
};

use super::table::Dataset;

/// Share of the feasible rows of each workload that is trained on when nobody says: the worst half. Ours.
pub const DEFAULT_WORST: f64 = 0.5;
/// Share of them, next better, that selects among models when nobody says; the best fifth is then hidden. Ours.
pub const DEFAULT_BAND: f64 = 0.3;
/// Share of the rows without a rank (infeasible, or outside a constraint) that selects among models when nobody says:
/// enough to tell how well p(feasible) is calibrated, with nearly all left to learn from. Ours.
pub const DEFAULT_UNRANKED: f64 = 0.1;

/// What rows are told apart by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SplitBy {
    /// How good the design is among the acceptable ones of its workload: trains on the worst, validates on the next
    /// better, hides the best. Rows of equal loss stay together, on the worse side.
    Quality {
        /// What is good.
        objective: Objective,
        /// What is acceptable; a row outside has no rank.
        #[serde(default)]
        constraints: Vec<Constraint>,
        /// The share that is trained on, of the acceptable rows of each workload; above 0.
        worst: f64,
        /// The share that validates; with `worst` at most 1.
        band: f64,
        /// The share of the rows without a rank that validates, drawn by the seed; the others are trained on.
        unranked: f64,
    },
    /// Which workload it is: trains on those that are not named.
    Workload {
        /// The names of those that are hidden.
        hidden: Vec<String>,
        /// The names of those that validate.
        #[serde(default)]
        validation: Vec<String>,
    },
    /// The level of one parameter: trains on the levels that are not named.
    Architecture {
        /// The parameter.
        parameter: String,
        /// The levels that are hidden.
        hidden: Vec<Value>,
        /// The levels that validate.
        #[serde(default)]
        validation: Vec<Value>,
    },
}

/// Indices of rows, each list in ascending order; together all rows, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// What is trained on.
    pub train: Vec<usize>,
    /// What selects among models.
    pub validation: Vec<usize>,
    /// What nobody sees before the end.
    pub hidden: Vec<usize>,
}

/// What a row is for. The order says which wins where several rules speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Train,
    Validation,
    Hidden,
}

/// A data set cannot be split so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// No rule was given.
    #[error("nothing says what to split by; expected quality, workload or architecture")]
    NoRule,
    /// No such workload.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// No such parameter.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// No such metric.
    #[error(transparent)]
    Goal(#[from] ProblemError),
    /// A share that is none.
    #[error("`{field}`: {got}, expected {expected}")]
    Share {
        /// Which.
        field: &'static str,
        /// What it is.
        got: f64,
        /// What it can be.
        expected: &'static str,
    },
    /// Nothing is left to train on.
    #[error("no row is left to train on")]
    NothingToTrainOn,
    /// Nothing is hidden, so that nothing could be reported.
    #[error("no row is hidden, so nothing could be reported on")]
    NothingHidden,
}

impl Split {
    /// The split of `dataset`, which has had rows added to the end of its workloads: this is the split of what comes from its first
    /// `n_sources` sources, and whatever comes from later ones is trained on.
    ///
    /// # Panics
    /// If this is the split of more rows than come from the first sources.
    #[must_use]
    pub fn with_added(&self, dataset: &Dataset, n_sources: usize) -> Self {
        let (old, added): (Vec<usize>, Vec<usize>) =
            (0..dataset.rows().len()).partition(|&row| dataset.rows()[row].source < n_sources);
        let now = |rows: &[usize]| -> Vec<usize> { rows.iter().map(|&row| old[row]).collect() };
        let mut train = now(&self.train);
        train.extend(added);
        train.sort_unstable();
        Self { train, validation: now(&self.validation), hidden: now(&self.hidden) }
    }
}

impl Dataset {
    /// Splits the rows by all of `rules`: a row is hidden if any rule hides it, otherwise validates if any rule lets it, and
    /// is trained on only if every rule agrees. The same rules and seed give the same split.
    ///
    /// # Errors
    /// [`SplitError`] if there is no rule, a name is unknown, a share is out of range, or nothing would be trained on or hidden.
    pub fn split(&self, rules: &[SplitBy], seed: Seed) -> Result<Split, SplitError> {
        if rules.is_empty() {
            return Err(SplitError::NoRule);
        }
        let mut parts = vec![Part::Train; self.rows().len()];
        for (index, rule) in rules.iter().enumerate() {
            let of_rule = self.parts(rule, seed.child("split", index as u64))?;
            parts.iter_mut().zip(of_rule).for_each(|(part, other)| *part = (*part).max(other));
        }
        let of = |wanted: Part| -> Vec<usize> {
            parts.iter().enumerate().filter(|&(_, &part)| part == wanted).map(|(index, _)| index).collect()
        };
        let split =
            Split { train: of(Part::Train), validation: of(Part::Validation), hidden: of(Part::Hidden) };
        match (split.train.is_empty(), split.hidden.is_empty()) {
            (true, _) => Err(SplitError::NothingToTrainOn),
            (_, true) => Err(SplitError::NothingHidden),
            _ => Ok(split),
        }
    }

    /// What learners are given: the rows that are trained on and those that validate, as trials of `problem`, which is one of
    /// this data set's, workload by workload. What is hidden is not in it.
    ///
    /// # Errors
    /// [`TrainingDataError`] if a number of a context is not finite.
    pub fn training_data(&self, split: &Split, problem: &Problem) -> Result<TrainingData, TrainingDataError> {
        let first = self.workloads().first();
        let names = first.map_or_else(Vec::new, |first| {
            first.context.iter().map(|feature| feature.name.clone()).collect()
        });
        TrainingData::new(names, self.groups(&split.train, problem), self.groups(&split.validation, problem))
    }

    /// The rows at `indices` as trials of `problem`, workload by workload; those without a row are left out.
    ///
    /// # Panics
    /// If there is no row at one of the indices.
    pub fn groups(&self, indices: &[usize], problem: &Problem) -> Vec<WorkloadTrials> {
        let group = |(index, workload): (usize, &super::DatasetWorkload)| {
            let of_it: Vec<usize> =
                indices.iter().copied().filter(|&row| self.rows()[row].workload == index).collect();
            (!of_it.is_empty()).then(|| WorkloadTrials {
                workload: surrogate::WorkloadContext {
                    name: workload.name.clone(),
                    context: workload.context.iter().map(|feature| feature.value).collect(),
                },
                trials: self.trials(&of_it, problem),
            })
        };
        self.workloads().iter().enumerate().filter_map(group).collect()
    }

    /// What each row is for, shape `[n]`, as one rule says.
    fn parts(&self, rule: &SplitBy, seed: Seed) -> Result<Vec<Part>, SplitError> {
        match rule {
            SplitBy::Quality { objective, constraints, worst, band, unranked } => {
                check_shares(*worst, *band, *unranked)?;
                let goal = Goal { objectives: vec![objective.clone()], constraints: constraints.clone() };
                Ok(self.parts_by_quality(&self.problem(goal)?, (*worst, *band), *unranked, seed))
            }
            SplitBy::Workload { hidden, validation } => {
                let indices = |names: &[String]| -> Result<Vec<usize>, UnknownName> {
                    names.iter().map(|name| self.workload_index(name)).collect()
                };
                let (hidden, validation) = (indices(hidden)?, indices(validation)?);
                let part = |row: &super::Row| part_of(&row.workload, &hidden, &validation);
                Ok(self.rows().iter().map(part).collect())
            }
            SplitBy::Architecture { parameter, hidden, validation } => {
                let index = self.space().index_of(parameter)?;
                let (hidden, validation) = (self.levels(index, hidden)?, self.levels(index, validation)?);
                let part = |row: &super::Row| part_of(&row.design.levels()[index], &hidden, &validation);
                Ok(self.rows().iter().map(part).collect())
            }
        }
    }

    fn levels(&self, index: usize, values: &[Value]) -> Result<Vec<u32>, SpaceError> {
        let parameter = &self.space().parameters()[index];
        let level = |value: &Value| {
            parameter.level_of(value).ok_or_else(|| SpaceError::NotALevel {
                parameter: parameter.name().to_owned(),
                got: value.to_string(),
                levels: parameter.levels_text(),
            })
        };
        values.iter().map(level).collect()
    }

    fn parts_by_quality(
        &self,
        problem: &Problem,
        (worst, band): (f64, f64),
        unranked: f64,
        seed: Seed,
    ) -> Vec<Part> {
        let loss = |row: &super::Row| match problem.judge(&row.outcome) {
            Judgement::Acceptable { losses } => Some(losses[0]),
            _ => None,
        };
        let losses: Vec<Option<f64>> = self.rows().iter().map(loss).collect();
        let limits: Vec<[f64; 2]> = (0..self.workloads().len())
            .map(|workload| {
                let of_it = self.rows().iter().zip(&losses).filter(|(row, _)| row.workload == workload);
                limits(of_it.filter_map(|(_, loss)| *loss).collect(), worst, band)
            })
            .collect();
        let mut rng = seed.stream("rows without a rank");
        let part = |(row, loss): (&super::Row, &Option<f64>)| {
            let [train, validation] = limits[row.workload];
            match *loss {
                None if rng.random::<f64>() < unranked => Part::Validation,
                None => Part::Train,
                Some(loss) if loss >= train => Part::Train,
                Some(loss) if loss >= validation => Part::Validation,
                Some(_) => Part::Hidden,
            }
        };
        self.rows().iter().zip(&losses).map(part).collect()
    }
}

/// The least losses that are trained on, and that are not hidden.
fn limits(mut losses: Vec<f64>, worst: f64, band: f64) -> [f64; 2] {
    losses.sort_by(|a, b| b.total_cmp(a));
    let least = |share: f64| {
        let n = (share * losses.len() as f64).round() as usize;
        n.checked_sub(1).map_or(f64::INFINITY, |last| losses[last.min(losses.len() - 1)])
    };
    [least(worst), least(worst + band)]
}

fn part_of<T: PartialEq>(it: &T, hidden: &[T], validation: &[T]) -> Part {
    if hidden.contains(it) {
        Part::Hidden
    } else if validation.contains(it) {
        Part::Validation
    } else {
        Part::Train
    }
}

fn check_shares(worst: f64, band: f64, unranked: f64) -> Result<(), SplitError> {
    let share = |field, got: f64, is_right: bool, expected| {
        if is_right { Ok(()) } else { Err(SplitError::Share { field, got, expected }) }
    };
    share("worst", worst, worst > 0.0 && worst < 1.0, "a share above 0 and below 1")?;
    // 0.7 + 0.3 need not be 1 in binary; half a row of a million is no share.
    share(
        "band",
        band,
        band >= 0.0 && worst + band < 1.0 + 1e-9,
        "a share of at least 0, with `worst` at most 1",
    )?;
    share("unranked", unranked, (0.0..1.0).contains(&unranked), "a share of at least 0, below 1")
}

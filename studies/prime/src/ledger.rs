//! `results.jsonl`: a line for every cell that is done.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::StudyError;
use crate::questions::Question;

/// The file of answers.
const RESULTS: &str = "results.jsonl";

/// A cell that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellAnswer {
    /// What was asked.
    pub question: Question,
    /// Who answered.
    pub method: String,
    /// With which seed.
    pub seed: u64,
    /// What the answer is worth.
    #[serde(flatten)]
    pub score: Score,
}

/// What proposals are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Latency of the first proposal, for several workloads the mean weighted by one over the best in the data of each; none if
    /// it is infeasible.
    pub first_s: Option<f64>,
    /// The median of the feasible proposals.
    pub median_s: Option<f64>,
    /// The best of them.
    pub best_s: Option<f64>,
    /// How many designs were proposed.
    pub proposals: usize,
    /// How many of them are infeasible.
    pub infeasible: usize,
    /// How often the simulator was asked: about proposals, or in an online search about designs that arithmetic alone does not
    /// rule out. Of the best in the data of one workload: for all designs that were logged for it.
    pub simulator_calls: usize,
    /// What an online search had found, as often as it found something better.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    /// What a model thought of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelScore>,
}

/// The best so far of an online search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// How often the simulator had been asked. A design that was asked before does not count again, and one that arithmetic alone
    /// rules out does not count at all.
    pub calls: usize,
    /// The latency.
    pub latency_s: f64,
}

/// What a model thought, and how right it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModelScore {
    /// The mean probability of being feasible that it gave its proposals.
    pub p_feasible: f64,
    /// The mean squared error of these probabilities.
    pub brier: f64,
    /// Kendall's tau between predicted and true latency over the hidden designs, the mean over workloads; none if there are
    /// too few.
    pub tau_hidden: Option<f64>,
}

/// The file of answers, and what is in it.
pub struct Ledger {
    path: PathBuf,
    answers: Vec<CellAnswer>,
    file: File,
}

impl Ledger {
    /// Opens the file in `folder`, or begins it. A last line without an end was cut off by a kill, and is cut off for good.
    ///
    /// # Errors
    /// [`StudyError`] if it cannot be read or written, or a line is no answer.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join(RESULTS);
        let failed = |source| StudyError::File { path: path.clone(), source };
        let answers = if path.exists() {
            let text = text_of(&path)?;
            let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
            if whole.len() < text.len() {
                std::fs::write(&path, whole).map_err(failed)?;
            }
            lines_of(whole, &path)?
        } else {
            Vec::new()
        };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        Ok(Self { path, answers, file })
    }

    /// What is known.
    pub fn answers(&self) -> &[CellAnswer] {
        &self.answers
    }

    /// What is known, without the file.
    pub fn into_answers(self) -> Vec<CellAnswer> {
        self.answers
    }

    /// Whether this cell is done.
    pub fn has(&self, question: &Question, method: &str, seed: u64) -> bool {
        let is_it = |answer: &CellAnswer| {
            answer.question == *question && answer.method == method && answer.seed == seed
        };
        self.answers.iter().any(is_it)
    }

    /// Adds an answer.
    ///
    /// # Errors
    /// [`StudyError::File`] if it cannot be written.
    pub fn add(&mut self, answer: CellAnswer) -> Result<(), StudyError> {
        let mut line = serde_json::to_string(&answer).expect("an answer has finite numbers");
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(|source| StudyError::File { path: self.path.clone(), source })?;
        self.answers.push(answer);
        Ok(())
    }
}

pub(crate) fn text_of(path: &Path) -> Result<String, StudyError> {
    std::fs::read_to_string(path).map_err(|source| StudyError::File { path: path.to_owned(), source })
}

/// The values of a text, one for each line.
pub(crate) fn lines_of<T: DeserializeOwned>(text: &str, path: &Path) -> Result<Vec<T>, StudyError> {
    let value = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| StudyError::Ledger {
            path: path.to_owned(),
            line: index + 1,
            message: error.to_string(),
        })
    };
    text.lines().enumerate().map(value).collect()
}

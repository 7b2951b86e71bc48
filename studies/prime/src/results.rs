//! What the study found, as it is recorded.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::StudyError;
use crate::ledger::{CellAnswer, Ledger};
use crate::proxy_models::{self, ProxyAccuracy};

/// What the study found.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyResults {
    /// Every cell that is done.
    pub answers: Vec<CellAnswer>,
    /// How wrong proxy models are; none if the study was interrupted before.
    pub proxy_models: Vec<ProxyAccuracy>,
    /// What a reader has to know of how they were made; empty if nothing is recorded.
    pub remark: String,
}

impl StudyResults {
    /// What is recorded in `folder`.
    ///
    /// # Errors
    /// [`StudyError`] if a file cannot be read, or a line says something else.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let answers = Ledger::open(folder)?.into_answers();
        Ok(Self { answers, proxy_models: proxy_models::read(folder)?, remark: remark(folder)? })
    }
}

/// `remark.md`, if it is there.
fn remark(folder: &Path) -> Result<String, StudyError> {
    let path = folder.join("remark.md");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|source| StudyError::File { path, source }),
    }
}

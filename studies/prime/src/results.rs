//! What the study found, as it is recorded.

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
}

impl StudyResults {
    /// What is recorded in `folder`.
    ///
    /// # Errors
    /// [`StudyError`] if a file cannot be read, or a line says something else.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let answers = Ledger::open(folder)?.into_answers();
        Ok(Self { answers, proxy_models: proxy_models::read(folder)? })
    }
}

//! Conformance checks: run them over whatever implements a contract, inside the repository or outside.
//!
//! Each returns every departure it finds, with how to mend it. The tests of Tapeout's own tables call these same
//! functions.

mod agent;
mod env;
mod surrogate;
pub mod toy;

use std::fmt;

pub use agent::check_agent;
pub use env::check_env;
pub use surrogate::check_surrogate;

/// One departure from a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was seen.
    pub seen: String,
    /// How to mend it.
    pub remedy: String,
}

/// Everything that departs from a contract.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The departures, in the order found.
    pub fn list(&self) -> &[Finding] {
        &self.0
    }

    /// Notes a departure unless `holds`. Returns `holds`.
    pub fn require(&mut self, holds: bool, seen: impl FnOnce() -> String, remedy: &str) -> bool {
        if !holds {
            let finding = Finding { seen: seen(), remedy: remedy.to_owned() };
            if !self.0.contains(&finding) {
                self.0.push(finding);
            }
        }
        holds
    }

    /// `Ok` if nothing departs.
    ///
    /// # Errors
    /// The findings themselves, if there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(formatter, "{line_break}{}. {}\n   hint: {}", index + 1, finding.seen, finding.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

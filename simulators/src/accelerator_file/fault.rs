//! What can be wrong with a file, and with one of its designs.

/// A file that is no accelerator: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {}{problem}", if .field.is_empty() { String::new() } else { format!("`{}`: ", .field) })]
pub struct AcceleratorFileError {
    /// The file, as the caller named it.
    pub path: String,
    /// The field, from the root: `levels.Buffer.entries`; empty for the whole.
    pub field: String,
    /// What is wrong.
    pub problem: String,
}

/// The same before the file is known.
#[derive(Debug)]
pub(super) struct FileFault {
    pub(super) field: String,
    pub(super) problem: String,
}

impl FileFault {
    pub(super) fn new(field: &str, problem: impl Into<String>) -> Self {
        Self { field: field.to_owned(), problem: problem.into() }
    }

    pub(super) fn in_file(self, path: &str) -> AcceleratorFileError {
        AcceleratorFileError { path: path.to_owned(), field: self.field, problem: self.problem }
    }
}

/// A design that cannot be built, or cannot run a layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{rule}: {reason}")]
pub struct Unbuildable {
    /// The rule that it breaks: `scratchpad_cycle_time`.
    pub rule: String,
    /// By how much, above 0: what is needed over what there is, less 1, where that can be said, otherwise 1.
    pub violation: f64,
    /// Why, in words.
    pub reason: String,
    /// Whether a number of the file is none here, such as half a row or a division by zero: the file's fault if it is so in every design.
    pub is_malformed: bool,
}

impl Unbuildable {
    pub(super) fn new(rule: &str, violation: f64, reason: String) -> Self {
        Self { rule: rule.to_owned(), violation, reason, is_malformed: false }
    }

    /// A number that is none.
    pub(super) fn malformed(rule: &str, reason: String) -> Self {
        Self { is_malformed: true, ..Self::new(rule, 1.0, reason) }
    }
}

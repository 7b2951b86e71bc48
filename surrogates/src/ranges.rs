//! Hyperparameters held to their ranges.

use std::fmt::Display;

use tapeout_core::ConfigError;

/// Refuses a hyperparameter outside of `low..=high`.
pub(crate) fn within<T: Copy + PartialOrd + Display>(
    field: &str,
    got: T,
    low: T,
    high: T,
) -> Result<(), ConfigError> {
    if got >= low && got <= high {
        return Ok(());
    }
    Err(ConfigError::new(field, format!("got {got}; expected {low} to {high}")))
}

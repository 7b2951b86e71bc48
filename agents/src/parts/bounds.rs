//! Errors for hyperparameters out of range.

use std::fmt::Display;
use std::ops::RangeInclusive;

use tapeout_core::ConfigError;

/// Fails unless the hyperparameter `field` is at least `least`.
///
/// # Errors
/// [`ConfigError`] naming the field, what it is and what was expected.
///
/// ```
/// use tapeout_agents::bounds::at_least;
/// assert!(at_least("population", 2, 2).is_ok());
/// let error = at_least("population", 1, 2).unwrap_err();
/// assert_eq!(error.to_string(), "`population`: got 1, expected at least 2");
/// ```
pub fn at_least<T: PartialOrd + Display + Copy>(field: &str, got: T, least: T) -> Result<(), ConfigError> {
    if got >= least {
        return Ok(());
    }
    Err(ConfigError::new(field, format!("got {got}, expected at least {least}")))
}

/// Fails unless the hyperparameter `field` lies in `range`; NaN does not.
///
/// # Errors
/// [`ConfigError`] naming the field, what it is and what was expected.
///
/// ```
/// use tapeout_agents::bounds::within;
/// assert!(within("rate", 1.0, 0.0..=1.0).is_ok());
/// let error = within("rate", f64::NAN, 0.0..=1.0).unwrap_err();
/// assert_eq!(error.to_string(), "`rate`: got NaN, expected 0 to 1");
/// ```
pub fn within(field: &str, got: f64, range: RangeInclusive<f64>) -> Result<(), ConfigError> {
    if range.contains(&got) {
        return Ok(());
    }
    Err(ConfigError::new(field, format!("got {got}, expected {} to {}", range.start(), range.end())))
}

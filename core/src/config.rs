//! Settings: plain structs, read once and held to their ranges, with errors that name the field and the remedy.

use std::fmt::Display;
use std::ops::{Bound, RangeBounds};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::names::{nearest_name, suggestion};

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{message}", if .field.is_empty() { String::new() } else { format!("`{field}`: ") })]
pub struct ConfigError {
    /// Where it stands, from the settings' own root: `networks` or `layers[2].kernel`; empty for the whole.
    pub field: String,
    /// What is wrong, what was expected.
    pub message: String,
}

impl ConfigError {
    /// The setting `field` cannot be used, for the reason in `message`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Reads settings; what is absent keeps its default.
///
/// # Errors
/// [`ConfigError`] naming the unknown or ill-typed field, and for an unknown one the nearest known name.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Serialize, Deserialize, Default)]
/// #[serde(deny_unknown_fields, default)]
/// struct GeneticConfig { population: u32 }
///
/// let error = tapeout_core::config::read::<GeneticConfig>(&serde_json::json!({ "popluation": 3 })).unwrap_err();
/// assert_eq!(error.to_string(), "`popluation`: unknown setting; did you mean `population`?");
/// ```
pub fn read<C: Serialize + DeserializeOwned + Default>(settings: &Value) -> Result<C, ConfigError> {
    let known = defaults::<C>();
    if let (Some(given), Some(known)) = (settings.as_object(), known.as_object())
        && let Some(unknown) = given.keys().find(|key| !known.contains_key(*key))
    {
        let nearest = nearest_name(unknown, known.keys().map(String::as_str));
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let message = match (&nearest, names.is_empty()) {
            (Some(_), _) => format!("unknown setting{}", suggestion(&nearest)),
            (None, false) => format!("unknown setting; there are {}", names.join(", ")),
            (None, true) => "unknown setting; there are none here".to_owned(),
        };
        return Err(ConfigError::new(unknown.as_str(), message));
    }
    let settings = if settings.is_null() { &Value::Object(serde_json::Map::new()) } else { settings };
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path().to_string();
        ConfigError::new(if path == "." { String::new() } else { path }, error.inner().to_string())
    })
}

/// The default settings, as data.
pub fn defaults<C: Serialize + Default>() -> Value {
    serde_json::to_value(C::default()).expect("settings are plain data with text keys")
}

/// All settings as data, given and defaulted alike.
///
/// # Errors
/// [`ConfigError`] as [`read`].
pub fn resolved<C: Serialize + DeserializeOwned + Default>(settings: &Value) -> Result<Value, ConfigError> {
    resolved_by(settings, Ok::<C, ConfigError>)
}

/// All settings as data, given and defaulted alike, with what they name found.
///
/// # Errors
/// [`ConfigError`] as [`read`], and of `found`.
pub fn resolved_by<C: Serialize + DeserializeOwned + Default>(
    settings: &Value,
    found: impl FnOnce(C) -> Result<C, ConfigError>,
) -> Result<Value, ConfigError> {
    Ok(serde_json::to_value(found(read::<C>(settings)?)?).expect("settings are plain data with text keys"))
}

/// What settings are here if nobody says: where this program, or another, is to be found. No part of a spec, which is the same everywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Here(Vec<(&'static str, Value)>);

impl Here {
    /// With nothing in it.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// What `setting` is here.
    pub(crate) fn get(&self, setting: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == setting).map(|(_, value)| value)
    }

    /// Says what `setting` is here.
    pub(crate) fn say(&mut self, setting: &'static str, value: Value) {
        self.0.retain(|(name, _)| *name != setting);
        self.0.push((setting, value));
    }

    /// Says of settings that `defaults` leaves open what `all` says of them.
    pub(crate) fn say_open(&mut self, all: &Self, defaults: &Value) {
        for (setting, value) in
            all.0.iter().filter(|(setting, _)| defaults.get(setting) == Some(&Value::Null))
        {
            self.say(setting, value.clone());
        }
    }

    /// `settings`, those that nobody says as they are here.
    pub(crate) fn filled(&self, settings: &Value) -> Value {
        let mut filled =
            if settings.is_null() { Value::Object(serde_json::Map::new()) } else { settings.clone() };
        if let Value::Object(filled) = &mut filled {
            for (name, value) in self.0.iter().filter(|(name, _)| is_open(settings, name)) {
                filled.insert((*name).to_owned(), value.clone());
            }
        }
        filled
    }

    /// `filled` as everywhere, where `settings` were asked for.
    pub(crate) fn emptied(&self, settings: &Value, mut filled: Value) -> Value {
        if let Value::Object(filled) = &mut filled {
            for (name, _) in self.0.iter().filter(|(name, _)| is_open(settings, name)) {
                filled.insert((*name).to_owned(), Value::Null);
            }
        }
        filled
    }
}

fn is_open(settings: &Value, name: &str) -> bool {
    settings.get(name).is_none_or(Value::is_null)
}

/// A number that a setting can be.
pub trait Number: Copy + PartialOrd + Display {
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Whether every number of the type is whole.
    const IS_WHOLE: bool;
}

macro_rules! whole {
    ($($integer:ty),*) => {$(
        impl Number for $integer {
            const IS_WHOLE: bool = true;

            fn is_finite(self) -> bool {
                true
            }
        }
    )*};
}

macro_rules! real {
    ($($float:ty),*) => {$(
        impl Number for $float {
            const IS_WHOLE: bool = false;

            fn is_finite(self) -> bool {
                <$float>::is_finite(self)
            }
        }
    )*};
}

whole!(u8, u16, u32, u64, usize, i32, i64);
real!(f32, f64);

/// The range of everything above `low`, which Rust has no operator for.
///
/// ```
/// use tapeout_core::config::{above, check};
/// assert!(check("clock_hz", 1e9, above(0.0)).is_ok());
/// ```
pub const fn above<N>(low: N) -> (Bound<N>, Bound<N>) {
    (Bound::Excluded(low), Bound::Unbounded)
}

/// The setting `field` must be a finite number in `range`.
///
/// # Errors
/// [`ConfigError`] naming the field, what it is and what was expected.
///
/// ```
/// use std::ops::Bound::{Excluded, Included};
/// use tapeout_core::config::{above, check};
///
/// assert!(check("population", 2, 2..).is_ok());
/// let message = |checked: Result<(), tapeout_core::ConfigError>| checked.unwrap_err().to_string();
/// assert_eq!(message(check("population", 1, 2..)), "`population`: got 1, expected at least 2");
/// assert_eq!(message(check("rate", f64::NAN, 0.0..=1.0)), "`rate`: got NaN, expected 0 to 1");
/// assert_eq!(message(check("kappa", f64::INFINITY, ..)), "`kappa`: got inf, expected a finite number");
/// assert_eq!(message(check("clock_hz", 0.0, above(0.0))), "`clock_hz`: got 0, expected a finite number above 0");
/// let share = (Excluded(0.0), Included(1.0));
/// assert_eq!(message(check("share", 2.0, share)), "`share`: got 2, expected above 0 and at most 1");
/// ```
pub fn check<N: Number>(field: &str, got: N, range: impl RangeBounds<N>) -> Result<(), ConfigError> {
    if got.is_finite() && range.contains(&got) {
        return Ok(());
    }
    Err(ConfigError::new(field, format!("got {got}, expected {}", expected(&range))))
}

/// A range in words. Where it is open, real numbers are told that infinity is none.
fn expected<N: Number>(range: &impl RangeBounds<N>) -> String {
    use Bound::{Excluded, Included, Unbounded};
    let kind = if N::IS_WHOLE { "a whole number" } else { "a finite number" };
    match (range.start_bound(), range.end_bound()) {
        (Included(low), Included(high)) => format!("{low} to {high}"),
        (Included(low), Excluded(high)) => format!("at least {low} and below {high}"),
        (Excluded(low), Included(high)) => format!("above {low} and at most {high}"),
        (Excluded(low), Excluded(high)) => format!("above {low} and below {high}"),
        (Included(low), Unbounded) if N::IS_WHOLE => format!("at least {low}"),
        (Included(low), Unbounded) => format!("{kind} of at least {low}"),
        (Excluded(low), Unbounded) => format!("{kind} above {low}"),
        (Unbounded, Included(high)) => format!("{kind} of at most {high}"),
        (Unbounded, Excluded(high)) => format!("{kind} below {high}"),
        (Unbounded, Unbounded) => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Serialize, Deserialize, Default, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct GeneticConfig {
        population: u32,
        rates: Vec<f64>,
    }

    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        let error = read::<GeneticConfig>(&json!({ "rates": [0.5, "high"] })).unwrap_err();
        assert_eq!(error.field, "rates[1]");
        assert!(error.message.contains("expected f64"), "{error}");
    }

    // By hand: every bound is tried on itself, and on what lies next to it.
    #[test]
    fn a_bound_is_in_its_range_or_not_as_written() {
        let holds = |got: f64, range: (Bound<f64>, Bound<f64>)| check("x", got, range).is_ok();
        assert!(!holds(0.0, above(0.0)) && holds(f64::MIN_POSITIVE, above(0.0)));
        assert!(!holds(f64::INFINITY, above(0.0)) && !holds(f64::NAN, (Bound::Unbounded, Bound::Unbounded)));
        assert!(check("x", 1.0, 0.0..=1.0).is_ok() && check("x", 1.0, 0.0..1.0).is_err());
        assert!(check("x", 3_usize, 3..).is_ok() && check("x", 2_usize, 3..).is_err());
        assert!(check("x", -1_i64, ..=-1).is_ok() && check("x", -1_i64, ..-1).is_err());
    }

    #[test]
    fn a_range_is_said_in_words() {
        let said = |checked: Result<(), ConfigError>| checked.unwrap_err().message;
        assert_eq!(said(check("x", 0, 1..)), "got 0, expected at least 1");
        assert_eq!(said(check("x", -0.5, 0.0..)), "got -0.5, expected a finite number of at least 0");
        assert_eq!(said(check("x", f32::INFINITY, 0.0..)), "got inf, expected a finite number of at least 0");
        assert_eq!(said(check("x", f64::NEG_INFINITY, ..)), "got -inf, expected a finite number");
        assert_eq!(said(check("x", 1.0, 0.0..1.0)), "got 1, expected at least 0 and below 1");
        assert_eq!(said(check("x", 9, ..=8)), "got 9, expected a whole number of at most 8");
        assert_eq!(said(check("x", 0, 1..=8)), "got 0, expected 1 to 8");
    }

    #[test]
    fn nothing_given_is_all_defaults() {
        assert_eq!(read::<GeneticConfig>(&Value::Null).unwrap(), GeneticConfig::default());
        assert_eq!(
            resolved::<GeneticConfig>(&json!({ "population": 2 })).unwrap(),
            json!({ "population": 2, "rates": [] })
        );
    }
}

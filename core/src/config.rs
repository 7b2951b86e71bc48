//! GeneticConfig: plain structs, read once, with errors that name the field and the remedy.

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
    Ok(serde_json::to_value(read::<C>(settings)?).expect("settings are plain data with text keys"))
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

    #[test]
    fn nothing_given_is_all_defaults() {
        assert_eq!(read::<GeneticConfig>(&Value::Null).unwrap(), GeneticConfig::default());
        assert_eq!(
            resolved::<GeneticConfig>(&json!({ "population": 2 })).unwrap(),
            json!({ "population": 2, "rates": [] })
        );
    }
}

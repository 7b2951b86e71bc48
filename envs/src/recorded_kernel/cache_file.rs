//! Kernel Tuner's cache files: every configuration of a tuning run, with its time or its failure.
//!
//! A cache file is a JSON object, plain or gzipped. `tune_params_keys` names the parameters, `tune_params` lists their
//! values, and `cache` holds a point for each configuration that satisfies the run's restrictions: its parameters, and
//! `time`, the mean in milliseconds or the name of a failure.
//! Source: the files themselves (listed in `data/MANIFEST.toml`), written by Kernel Tuner (van Werkhoven 2019,
//! doi:10.1016/j.future.2018.08.004).

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;

/// Kernel Tuner before 1.0 wrote this number (ms) for a configuration that failed.
/// Source: Kernel Tuner before 1.0, the objective of a failed configuration (recalled).
const LEGACY_FAILURE_MS: f64 = 1e20;

/// A tuning run, as recorded.
#[derive(Debug, Deserialize)]
pub struct CacheFile {
    /// The device the run was made on.
    #[serde(default)]
    pub device_name: String,
    /// The kernel that was tuned.
    #[serde(default)]
    pub kernel_name: String,
    /// The parameters, in order.
    pub tune_params_keys: Vec<String>,
    /// The values of each parameter.
    pub tune_params: BTreeMap<String, Vec<Json>>,
    /// The points, by their parameters' values joined with commas.
    pub cache: BTreeMap<String, Point>,
}

/// One configuration and what became of it.
#[derive(Debug)]
pub struct Point {
    /// Every scalar field of the point, the parameters among them.
    pub fields: BTreeMap<String, Json>,
}

/// What became of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// It ran; mean time.
    TimeS(f64),
    /// It did not; the failure in the file's words.
    Failed(String),
}

impl CacheFile {
    /// Reads a cache file's bytes, gzipped or not.
    ///
    /// # Errors
    /// [`CacheFileError`] saying what is broken: the compression, the JSON, or the cache's own structure.
    pub fn read(bytes: &[u8]) -> Result<Self, CacheFileError> {
        // RFC 1952, section 2.3.1: a gzip member begins with these two bytes.
        const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
        let mut text = Vec::new();
        if bytes.starts_with(&GZIP_MAGIC) {
            MultiGzDecoder::new(bytes).read_to_end(&mut text).map_err(CacheFileError::Compression)?;
        } else {
            text.extend_from_slice(bytes);
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(CacheFileError::Empty);
        }
        let file: Self = serde_json::from_slice(&text).map_err(|error| {
            if error.is_eof() { CacheFileError::Truncated(error) } else { CacheFileError::Json(error) }
        })?;
        if file.cache.is_empty() {
            return Err(CacheFileError::NoPoints);
        }
        if let Some(name) =
            file.tune_params_keys.iter().find(|name| file.tune_params.get(*name).is_none_or(Vec::is_empty))
        {
            return Err(CacheFileError::NoValues { parameter: name.clone() });
        }
        Ok(file)
    }
}

impl Point {
    /// The time in seconds, or the failure.
    ///
    /// # Errors
    /// [`CacheFileError::BadTime`] if it is neither a positive number nor a name.
    pub fn recorded(&self, key: &str) -> Result<Recorded, CacheFileError> {
        let bad = |got: String| CacheFileError::BadTime { point: key.to_owned(), got };
        match self.fields.get("time") {
            Some(Json::String(failure)) if !failure.is_empty() => {
                Ok(Recorded::Failed(failure.replace(char::is_whitespace, "_")))
            }
            Some(Json::Number(number)) => match number.as_f64() {
                Some(time_ms) if time_ms >= LEGACY_FAILURE_MS => {
                    Ok(Recorded::Failed("InvalidConfig".to_owned()))
                }
                Some(time_ms) if time_ms > 0.0 => Ok(Recorded::TimeS(time_ms * 1e-3)),
                _ => Err(bad(number.to_string())),
            },
            Some(other) => Err(bad(other.to_string())),
            None => Err(bad("nothing".to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Point {
    /// Keeps the scalars; the lists of single repeats are most of a file and are passed over.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PointVisitor;
        impl<'de> Visitor<'de> for PointVisitor {
            type Value = Point;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a point: an object with parameters and `time`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Point, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "times" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        fields.insert(name, map.next_value::<Json>()?);
                    }
                }
                Ok(Point { fields })
            }
        }
        deserializer.deserialize_map(PointVisitor)
    }
}

/// Why a cache file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheFileError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not valid gzip to the end.
    #[error("the gzip data is broken or cut off: {0}")]
    Compression(std::io::Error),
    /// The JSON ends too early.
    #[error(
        "the JSON is cut off ({0}); a run that was interrupted leaves such a file: close its objects with `}}}}`"
    )]
    Truncated(serde_json::Error),
    /// Not JSON, or not a cache.
    #[error("not a Kernel Tuner cache: {0}")]
    Json(serde_json::Error),
    /// No configuration was recorded.
    #[error("`cache` holds no points")]
    NoPoints,
    /// A parameter without values.
    #[error("`tune_params` lists no values for parameter `{parameter}` of `tune_params_keys`")]
    NoValues {
        /// The parameter.
        parameter: String,
    },
    /// A point lacks a parameter.
    #[error("point `{point}` has no value for parameter `{parameter}`")]
    MissingParameter {
        /// The point's key.
        point: String,
        /// The parameter.
        parameter: String,
    },
    /// A point has a value that is not listed.
    #[error("point `{point}`: {got} is not among the values of `{parameter}` in `tune_params`")]
    UnlistedValue {
        /// The point's key.
        point: String,
        /// The parameter.
        parameter: String,
        /// The value.
        got: String,
    },
    /// Neither a time nor a failure.
    #[error("point `{point}`: `time` is {got}; expected milliseconds above 0 or the name of a failure")]
    BadTime {
        /// The point's key.
        point: String,
        /// What stands there.
        got: String,
    },
    /// As many points as configurations are needed.
    #[error("`cache` holds {points} points for {configurations} different legal configurations")]
    Repeated {
        /// How many points there are.
        points: usize,
        /// How many configurations there should be.
        configurations: u128,
    },
    /// The parameters do not make a space.
    #[error(transparent)]
    Space(#[from] tapeout_core::SpaceError),
}

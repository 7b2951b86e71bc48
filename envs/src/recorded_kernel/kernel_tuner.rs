//! Kernel Tuner's cache files: every configuration of a tuning run, with what was measured or its failure.
//!
//! A cache file is a JSON object. `tune_params_keys` names the parameters, `tune_params` lists their values, `objective` says what
//! was tuned for, and `cache` holds a point for each configuration that satisfies the run's restrictions: its parameters and
//! what was measured. A failure stands under `__error__`, in the objective's place, or in the place of `time`.
//! Source: Kernel Tuner (van Werkhoven 2019, doi:10.1016/j.future.2018.08.004), `kernel_tuner/util.py`: `process_cache`,
//! `read_cache`, `store_cache`; `file_utils.py`: `get_t4_results`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::error::TuningFileError;
use super::record::{FileObjective, Level, Point, Quantity, RawRecord, TuningForm};

/// What is no measurement: how long tuning took, when, and the single repeats.
/// Source: `file_utils.get_t4_results`, `not_measurement_keys`.
const NOT_MEASURED: [&str; 7] = [
    "compile_time",
    "benchmark_time",
    "framework_time",
    "strategy_time",
    "verification_time",
    "timestamp",
    "times",
];

/// How Kernel Tuner writes that a configuration failed, under whatever key. Source: `util.read_cache`, `error_configs`.
const FAILURES: [&str; 4] =
    ["ErrorConfig", "InvalidConfig", "CompilationFailedConfig", "RuntimeFailedConfig"];

/// Kernel Tuner before 1.0 wrote this number (ms) for a configuration that failed.
/// Source: Kernel Tuner before 1.0, the objective of a failed configuration (recalled).
const LEGACY_FAILURE: f64 = 1e20;

/// A cache as its JSON has it, but for what is in other keys.
pub(super) struct CacheText {
    pub(super) device_name: String,
    pub(super) kernel_name: String,
    pub(super) keys: Vec<String>,
    pub(super) values: BTreeMap<String, Vec<Level>>,
    pub(super) objectives: Vec<(String, Option<bool>)>,
    pub(super) points: CachePoints,
}

/// The points of a cache, in its order.
pub(super) struct CachePoints {
    /// The names of all fields.
    names: Vec<String>,
    rows: Vec<CacheRow>,
}

/// A point: its key, and its fields by the index of their names.
struct CacheRow {
    key: Box<str>,
    fields: Vec<(u16, Level)>,
}

impl CacheText {
    /// The record that the cache is.
    pub(super) fn record(self) -> Result<RawRecord, TuningFileError> {
        let Self { device_name, kernel_name, keys, mut values, points, .. } = self;
        if points.rows.is_empty() {
            return Err(TuningFileError::NoPoints { list: "cache" });
        }
        let mut parameters = Vec::with_capacity(keys.len());
        for key in &keys {
            match values.remove(key).filter(|values| !values.is_empty()) {
                Some(values) => parameters.push((key.clone(), values)),
                None => return Err(TuningFileError::NoValues { parameter: key.clone() }),
            }
        }
        let objectives = if self.objectives.is_empty() && points.names.iter().any(|name| name == "time") {
            vec![("time".to_owned(), None)]
        } else {
            self.objectives
        };
        let roles: Vec<Role> = points.names.iter().map(|name| Role::of(name, &keys, &objectives)).collect();
        // `get_t4_results`: what begins with `time` is in milliseconds, of the rest no unit is known.
        let quantity = |name: &String| match name.as_str() {
            "time" => Quantity::time("time", "ms", "mean time over the repeats"),
            name if name.starts_with("time") => Quantity::time(name, "ms", "as named in the file"),
            name => Ok(Quantity::plain(name, "")),
        };
        let quantities = points.names.iter().map(quantity).collect::<Result<_, _>>()?;
        let points = points.rows.into_iter().map(|row| row.point(&roles, keys.len())).collect();
        Ok(RawRecord {
            form: TuningForm::KernelTuner,
            device_name,
            kernel_name,
            parameters,
            values_are_in: "`tune_params`",
            objectives: objectives
                .into_iter()
                .map(|(name, is_higher_better)| FileObjective { name, is_higher_better })
                .collect(),
            quantities,
            points,
        })
    }
}

/// What a field of a point is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    /// The parameter of this index.
    Parameter(usize),
    /// Failures stand here, and numbers that are measured.
    Objective,
    /// Where failures stand since 1.4.
    Error,
    /// Measured, if it is a number.
    Measured,
    /// How the tuning went.
    Other,
}

impl Role {
    fn of(name: &str, keys: &[String], objectives: &[(String, Option<bool>)]) -> Self {
        if let Some(index) = keys.iter().position(|key| key == name) {
            Self::Parameter(index)
        } else if name == "__error__" {
            Self::Error
        } else if name == "time" || objectives.iter().any(|(objective, _)| objective == name) {
            Self::Objective
        } else if NOT_MEASURED.contains(&name) {
            Self::Other
        } else {
            Self::Measured
        }
    }
}

impl CacheRow {
    fn point(self, roles: &[Role], n_parameters: usize) -> Point {
        let mut point = Point {
            name: format!("point `{}`", self.key),
            levels: vec![None; n_parameters],
            ..Point::default()
        };
        for (name, value) in self.fields {
            match (roles[usize::from(name)], value) {
                (Role::Parameter(index), value) => point.levels[index] = Some(value),
                (Role::Error, value) => point.failure = Some(value.to_string()),
                (Role::Objective, Level::Number(number)) if number >= LEGACY_FAILURE => {
                    point.failure.get_or_insert_with(|| "InvalidConfig".to_owned());
                }
                (Role::Objective | Role::Measured, Level::Number(number)) => {
                    point.measured.push((name, number));
                }
                (Role::Objective, Level::Text(failure)) if !failure.is_empty() => {
                    point.failure.get_or_insert_with(|| failure.into());
                }
                (_, Level::Text(failure)) if FAILURES.contains(&&*failure) => {
                    point.failure.get_or_insert_with(|| failure.into());
                }
                _ => {}
            }
        }
        point
    }
}

impl<'de> Deserialize<'de> for CachePoints {
    /// Keeps the scalars; the lists of single repeats are most of a file and are passed over. A key that stands twice has its last
    /// point, as in Python.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PointsVisitor;
        impl<'de> Visitor<'de> for PointsVisitor {
            type Value = CachePoints;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of points")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CachePoints, A::Error> {
                let (mut names, mut rows) = (Vec::new(), Vec::new());
                let mut places: HashMap<Box<str>, usize> = HashMap::new();
                while let Some(key) = map.next_key::<Box<str>>()? {
                    let fields = map.next_value_seed(Fields(&mut names))?;
                    match places.get(&key) {
                        Some(&place) => rows[place] = CacheRow { key, fields },
                        None => {
                            places.insert(key.clone(), rows.len());
                            rows.push(CacheRow { key, fields });
                        }
                    }
                }
                Ok(CachePoints { names, rows })
            }
        }
        deserializer.deserialize_map(PointsVisitor)
    }
}

/// Reads the fields of a point, with the names of all fields so far.
struct Fields<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Vec<(u16, Level)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Vec<(u16, Level)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a point: an object with parameters and what was measured")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(self.0.len());
        while let Some(name) = map.next_key_seed(NameIndex { names: self.0, guess: fields.len() })? {
            // What is neither a parameter nor measured is not kept: it is most of a file.
            if NOT_MEASURED.contains(&self.0[usize::from(name)].as_str()) {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(value) = map.next_value::<MaybeLevel>()?.0 {
                fields.push((name, value));
            }
        }
        fields.shrink_to_fit();
        Ok(fields)
    }
}

/// The index of a name, which is added if it is new. Points have the same fields in the same order, mostly.
struct NameIndex<'a> {
    names: &'a mut Vec<String>,
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for NameIndex<'_> {
    type Value = u16;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u16, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIndex<'_> {
    type Value = u16;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<u16, E> {
        let is_guess = self.names.get(self.guess).is_some_and(|known| known == name);
        let known =
            if is_guess { Some(self.guess) } else { self.names.iter().position(|known| known == name) };
        let index = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        u16::try_from(index).map_err(|_| E::custom("more than 65,536 different fields"))
    }
}

/// A value of a point; nothing for null, lists and objects.
struct MaybeLevel(Option<Level>);

impl<'de> Deserialize<'de> for MaybeLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(super::record::LevelVisitor).map(Self)
    }
}

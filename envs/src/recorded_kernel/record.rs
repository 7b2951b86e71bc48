//! What all forms of tuning files have in common: parameters, and points at which quantities were measured or which failed.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tapeout_core::{Direction, Metric};

use super::error::TuningFileError;

/// What a tuning file can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TuningForm {
    /// A cache of Kernel Tuner.
    KernelTuner,
    /// Results in the common format T4, whoever wrote them.
    T4,
    /// The output of KTT.
    Ktt,
}

impl fmt::Display for TuningForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::KernelTuner => "Kernel Tuner cache",
            Self::T4 => "T4 results",
            Self::Ktt => "KTT output",
        })
    }
}

/// A tuning run as its file has it, before its points are checked.
pub(super) struct RawRecord {
    pub(super) form: TuningForm,
    pub(super) device_name: String,
    pub(super) kernel_name: String,
    /// Names and values of the parameters, in order.
    pub(super) parameters: Vec<(String, Vec<Level>)>,
    /// Where the values are listed, for messages.
    pub(super) values_are_in: &'static str,
    pub(super) objectives: Vec<FileObjective>,
    /// What can have been measured.
    pub(super) quantities: Vec<Quantity>,
    pub(super) points: Vec<Point>,
}

/// What a run was tuned for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileObjective {
    /// The quantity, in the file's words.
    pub(super) name: String,
    /// Whether more is better, if the file says so.
    pub(super) is_higher_better: Option<bool>,
}

impl FileObjective {
    /// Which way it is to go, if the file says so or everybody knows.
    pub(super) fn direction(&self, quantity: &Quantity) -> Option<Direction> {
        let of = |is_higher_better| if is_higher_better { Direction::Maximize } else { Direction::Minimize };
        // Source: Kernel Tuner, `util.objective_default_map`.
        const LESS: [&str; 4] = ["time", "energy", "cost", "loss"];
        const MORE: [&str; 9] =
            ["fitness", "GFLOP/s", "TFLOP/s", "GB/s", "TB/s", "GFLOPS/W", "TFLOPS/W", "GFLOP/J", "TFLOP/J"];
        match self.is_higher_better {
            Some(is_higher_better) => Some(of(is_higher_better)),
            None if quantity.is_time || LESS.contains(&self.name.as_str()) => Some(Direction::Minimize),
            None => MORE.contains(&self.name.as_str()).then_some(Direction::Maximize),
        }
    }
}

/// Something that is measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    /// In the file's words.
    pub(super) name: String,
    /// As a metric: a time ends in `_s`.
    pub(super) metric: Metric,
    /// What the file's numbers are multiplied by.
    pub(super) factor: f64,
    pub(super) is_time: bool,
}

impl Quantity {
    /// A quantity in the file's own unit.
    pub(super) fn plain(name: &str, unit: &str) -> Self {
        let metric = Metric::new(name, unit, "as named in the file");
        Self { name: name.to_owned(), metric, factor: 1.0, is_time: false }
    }

    /// A time in `unit`, which becomes seconds.
    ///
    /// # Errors
    /// [`TuningFileError::TimeUnit`] if it is no unit of time.
    pub(super) fn time(name: &str, unit: &str, summary: &str) -> Result<Self, TuningFileError> {
        let factor = seconds(unit)
            .ok_or_else(|| TuningFileError::TimeUnit { what: format!("`{name}`"), got: unit.to_owned() })?;
        let metric = Metric::new(&format!("{}_s", name.trim_end_matches("_s")), "s", summary);
        Ok(Self { name: name.to_owned(), metric, factor, is_time: true })
    }
}

/// How many seconds a unit of time is, by its symbol or its name; some writers misspell `milliseconds`.
pub(super) fn seconds(unit: &str) -> Option<f64> {
    match unit.to_lowercase().as_str() {
        "s" | "seconds" => Some(1.0),
        "ms" | "milliseconds" | "miliseconds" => Some(1e-3),
        "us" | "µs" | "microseconds" => Some(1e-6),
        "ns" | "nanoseconds" => Some(1e-9),
        _ => None,
    }
}

/// A configuration and what became of it.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// What messages call it.
    pub(super) name: String,
    /// The value of each parameter, if it has one.
    pub(super) levels: Vec<Option<Level>>,
    /// Why it did not run, in the file's words.
    pub(super) failure: Option<String>,
    /// What was measured, by the index of its quantity, in the file's unit.
    pub(super) measured: Vec<(u16, f64)>,
}

/// A value of a parameter, or of another field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Level {
    Number(f64),
    Text(Box<str>),
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(formatter),
            Self::Text(text) => text.fmt(formatter),
        }
    }
}

impl<'de> Deserialize<'de> for Level {
    /// Null and lists are values of their own kind, by their JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(match (&value, value.as_f64()) {
            (_, Some(number)) => Self::Number(number),
            (serde_json::Value::String(text), _) => Self::Text(text.as_str().into()),
            (other, _) => Self::Text(other.to_string().into()),
        })
    }
}

/// Reads a scalar; nothing for null, lists and objects.
pub(super) struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = Option<Level>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Level::Number(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Level::Number(number as f64)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Level::Number(number as f64)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Level::Text(text.into())))
    }

    fn visit_bool<E>(self, is_true: bool) -> Result<Self::Value, E> {
        Ok(Some(Level::Text(is_true.to_string().into())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

//! Parameters: named, ordered lists of levels with a unit.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

/// What a parameter is set to: one of its levels, as people write it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// The name of a category.
    Text(String),
}

impl Value {
    /// A number as a value: whole where it is whole.
    pub fn number(number: f64) -> Self {
        // 2^53: above it not every whole number is a double (IEEE 754-2019, binary64).
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() <= EXACT {
            Self::Integer(number as i64)
        } else {
            Self::Real(number)
        }
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// The whole number, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The name, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// As an untagged enum is read, without what that keeps meanwhile: logs hold millions of values.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfAnyKind;
        impl Visitor<'_> for OfAnyKind {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number or a name")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Integer(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(i64::try_from(number).map_or(Value::Real(number as f64), Value::Integer))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Real(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::from(text))
            }
        }
        deserializer.deserialize_any(OfAnyKind)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(formatter),
            Self::Real(number) => number.fmt(formatter),
            Self::Text(text) => text.fmt(formatter),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The levels of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Increasing numbers, evenly spaced or not: 1, 2, 4, 6, 8.
    Ordinal(Vec<f64>),
    /// Whole numbers from `low` to `high`, both included, `step` apart.
    Integer {
        /// The smallest level.
        low: i64,
        /// The largest level.
        high: i64,
        /// The distance between neighbouring levels.
        step: i64,
    },
    /// Names without an order.
    Categorical(Vec<String>),
}

/// One knob of a design.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    name: String,
    unit: String,
    /// Prose: no part of what identifies a space, so it can be reworded without disowning old logs.
    #[serde(skip)]
    summary: String,
    domain: Domain,
}

impl Parameter {
    /// Increasing numeric levels. A space refuses levels that are not finite and strictly increasing.
    pub fn ordinal(name: &str, levels: impl IntoIterator<Item = impl Into<f64>>) -> Self {
        Self::new(name, Domain::Ordinal(levels.into_iter().map(Into::into).collect()))
    }

    /// The powers of two from `low` to `high`, both included.
    pub fn power_of_two(name: &str, low: u32, high: u32) -> Self {
        let levels = std::iter::successors(Some(u64::from(low)), |level| Some(level * 2));
        Self::ordinal(name, levels.take_while(|&level| level <= u64::from(high)).map(|level| level as f64))
    }

    /// Whole numbers from `low` to `high`, both included.
    pub fn integer(name: &str, low: i64, high: i64) -> Self {
        Self::integer_step(name, low, high, 1)
    }

    /// Whole numbers from `low` to `high`, both included, `step` apart.
    pub fn integer_step(name: &str, low: i64, high: i64, step: i64) -> Self {
        Self::new(name, Domain::Integer { low, high, step })
    }

    /// Names without an order.
    pub fn categorical(name: &str, levels: &[&str]) -> Self {
        Self::new(name, Domain::Categorical(levels.iter().map(|&level| level.to_owned()).collect()))
    }

    /// A parameter with these levels.
    pub fn new(name: &str, domain: Domain) -> Self {
        Self { name: name.to_owned(), unit: String::new(), summary: String::new(), domain }
    }

    /// The same parameter with a unit, such as `"byte"` or `"GB/s"`.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.unit = unit.to_owned();
        self
    }

    /// The same parameter with a sentence that says what it sets.
    #[must_use]
    pub fn about(mut self, summary: &str) -> Self {
        self.summary = summary.to_owned();
        self
    }

    /// Its name, unique within a space.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its unit; empty for counts and categories.
    pub fn unit_name(&self) -> &str {
        &self.unit
    }

    /// What it sets.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its levels.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// How many levels it has.
    pub fn n_levels(&self) -> u32 {
        match &self.domain {
            Domain::Ordinal(levels) => levels.len() as u32,
            Domain::Integer { low, high, step } => ((high - low) / step + 1) as u32,
            Domain::Categorical(levels) => levels.len() as u32,
        }
    }

    /// Whether its levels have no order.
    pub fn is_categorical(&self) -> bool {
        matches!(self.domain, Domain::Categorical(_))
    }

    /// The value at `level`.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn value(&self, level: u32) -> Value {
        match &self.domain {
            Domain::Categorical(levels) => Value::Text(levels[level as usize].clone()),
            Domain::Integer { .. } => {
                Value::Integer(self.number(level).expect("an integer level is a number") as i64)
            }
            Domain::Ordinal(levels) => Value::number(levels[level as usize]),
        }
    }

    /// The number at `level`; none for a category.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn number(&self, level: u32) -> Option<f64> {
        match &self.domain {
            Domain::Ordinal(levels) => Some(levels[level as usize]),
            Domain::Integer { low, high, step } => {
                let number = low + i64::from(level) * step;
                assert!(number <= *high, "level {level} of parameter `{}` is out of range", self.name);
                Some(number as f64)
            }
            Domain::Categorical(_) => None,
        }
    }

    /// The level whose value is `value`, if there is one.
    pub fn level_of(&self, value: &Value) -> Option<u32> {
        match &self.domain {
            Domain::Categorical(levels) => {
                let text = value.as_str()?;
                levels.iter().position(|level| level == text).map(|level| level as u32)
            }
            Domain::Integer { low, high, step } => {
                let number = value.as_i64()?;
                let offset = number.checked_sub(*low)?;
                (number <= *high && offset >= 0 && offset % step == 0).then(|| (offset / step) as u32)
            }
            Domain::Ordinal(levels) => {
                let number = value.as_f64()?;
                levels.binary_search_by(|level| level.total_cmp(&number)).ok().map(|level| level as u32)
            }
        }
    }

    /// Its levels as people read them, shortened in the middle when there are many.
    pub fn levels_text(&self) -> String {
        const SHOWN: u32 = 16; // more than any list in the literature's spaces that is worth reading in full
        let text = |level: u32| self.value(level).to_string();
        match self.domain {
            Domain::Integer { low, high, step: 1 } if self.n_levels() > 4 => format!("{low}..={high}"),
            Domain::Integer { low, high, step } if self.n_levels() > 4 => {
                format!("{low}..={high} step {step}")
            }
            _ if self.n_levels() <= SHOWN => (0..self.n_levels()).map(text).collect::<Vec<_>>().join(", "),
            _ => format!("{}, {}, {}, ..., {}", text(0), text(1), text(2), text(self.n_levels() - 1)),
        }
    }

    /// Why the levels cannot be used, if they cannot.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match &self.domain {
            Domain::Ordinal(levels) if levels.is_empty() => Some("has no levels"),
            Domain::Ordinal(levels) if levels.iter().any(|level| !level.is_finite()) => {
                Some("has a level that is not finite")
            }
            Domain::Ordinal(levels) if levels.windows(2).any(|pair| pair[0] >= pair[1]) => {
                Some("has levels that do not increase")
            }
            Domain::Integer { step, .. } if *step <= 0 => Some("has a step that is not positive"),
            Domain::Integer { low, high, .. } if low > high => Some("has a low end above its high end"),
            Domain::Integer { low, high, .. }
                if high.checked_sub(*low).is_none_or(|span| span >= i64::from(u32::MAX)) =>
            {
                Some("has more than 2^32 levels")
            }
            Domain::Categorical(levels) if levels.is_empty() => Some("has no levels"),
            Domain::Categorical(levels) if (1..levels.len()).any(|i| levels[..i].contains(&levels[i])) => {
                Some("names a level twice")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_found_again_by_its_value() {
        for parameter in [
            Parameter::ordinal("lanes", [1.0, 2.5, 6.0]),
            Parameter::integer_step("depth", -3, 12, 5),
            Parameter::categorical("order", &["row", "column"]),
            Parameter::power_of_two("size", 4, 64),
        ] {
            for level in 0..parameter.n_levels() {
                assert_eq!(parameter.level_of(&parameter.value(level)), Some(level), "{parameter:?}");
            }
        }
    }

    #[test]
    fn values_that_are_no_levels_are_not_found() {
        let depth = Parameter::integer_step("depth", 0, 10, 5);
        assert_eq!(depth.n_levels(), 3);
        assert_eq!(depth.level_of(&Value::Integer(4)), None);
        assert_eq!(depth.level_of(&Value::Integer(15)), None);
        assert_eq!(depth.level_of(&Value::from("five")), None);
    }

    #[test]
    fn long_lists_are_shortened() {
        assert_eq!(Parameter::integer("n", 0, 99).levels_text(), "0..=99");
        assert_eq!(Parameter::power_of_two("n", 1, 8).levels_text(), "1, 2, 4, 8");
    }
}

//! Flags that say which part of a space is searched, and which metrics follow from others; shared by the commands that search.

use std::collections::BTreeMap;
use std::str::FromStr;

use tapeout::core::narrowing::Span;
use tapeout::core::{Definition, KeptLevels, Value};
use tapeout::experiment::EnvSpec;

/// Which part of a space, and which metrics.
#[derive(clap::Args)]
pub(crate) struct GoalFlags {
    /// A metric by an expression, to be optimised, limited or drawn: `edp [J s] = latency_s * energy_j`; again for several
    #[arg(long, value_name = "NAME=EXPRESSION")]
    derive: Vec<Definition>,
    #[command(flatten)]
    part: PartFlags,
}

/// Which part of a space.
#[derive(clap::Args)]
pub(crate) struct PartFlags {
    /// One value for a parameter: `pes_x=4`; again for several
    #[arg(long, value_name = "PARAMETER=VALUE")]
    fix: Vec<Fixed>,
    /// Fewer levels for a parameter: `lanes=16..64`, both ends included, or `lanes=16,64`; again for several
    #[arg(long, value_name = "PARAMETER=LEVELS")]
    levels: Vec<Fewer>,
}

impl PartFlags {
    /// Writes the flags over the part of the space that is meant, and returns the fields that are no longer what a file says.
    pub(crate) fn narrow(&self, env: &mut EnvSpec) -> Vec<String> {
        let fix = self.fix.iter().map(|Fixed(name, value)| (name.clone(), value.clone()));
        let levels = self.levels.iter().map(|Fewer(name, levels)| (name.clone(), levels.clone()));
        env.fix.extend(fix.collect::<BTreeMap<_, _>>());
        env.levels.extend(levels.collect::<BTreeMap<_, _>>());
        let fixed = self.fix.iter().map(|Fixed(name, _)| format!("env.fix.{name}"));
        fixed.chain(self.levels.iter().map(|Fewer(name, _)| format!("env.levels.{name}"))).collect()
    }
}

impl GoalFlags {
    /// Writes the flags over the part of the space that is searched, and returns the fields that are no longer what a file says.
    pub(crate) fn narrow(&self, env: &mut EnvSpec) -> Vec<String> {
        self.part.narrow(env)
    }

    /// The metrics that follow from others; none if nobody defines any.
    pub(crate) fn derived(&self) -> Option<Vec<Definition>> {
        (!self.derive.is_empty()).then(|| self.derive.clone())
    }
}

/// A parameter with one level.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fixed(pub(crate) String, pub(crate) Value);

impl FromStr for Fixed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = parts(text).ok_or("expected a parameter and a value such as `pes_x=4`")?;
        Ok(Self(name, parameter_value(value)))
    }
}

/// A parameter with some of its levels.
#[derive(Debug, Clone, PartialEq)]
struct Fewer(String, KeptLevels);

impl FromStr for Fewer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a parameter and levels such as `lanes=16..64` or `lanes=16,64`";
        let (name, levels) = parts(text).ok_or(expected)?;
        if levels.contains("..") {
            return Ok(Self(name, KeptLevels::Span(levels.parse::<Span>()?)));
        }
        Ok(Self(name, KeptLevels::These(levels.split(',').map(parameter_value).collect())))
    }
}

fn parts(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty() && !value.is_empty()).then(|| (name.to_owned(), value))
}

/// What a parameter is set to: a number where it is one, otherwise the name of a category.
pub(crate) fn parameter_value(text: &str) -> Value {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::number(number),
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_a_span_or_a_list_and_values_numbers_or_names() {
        let these = |values: &[Value]| KeptLevels::These(values.to_vec());
        assert_eq!("lanes=16,64".parse(), Ok(Fewer("lanes".to_owned(), these(&[16.into(), 64.into()]))));
        assert_eq!("class = SRAM".parse(), Ok(Fewer("class".to_owned(), these(&["SRAM".into()]))));
        let span = KeptLevels::Span(Span { low: 16.0, high: 64.0 });
        assert_eq!("lanes=16..64".parse(), Ok(Fewer("lanes".to_owned(), span)));
        assert_eq!("pes_x=4".parse(), Ok(Fixed("pes_x".to_owned(), Value::Integer(4))));
        assert_eq!("rate=2.5".parse(), Ok(Fixed("rate".to_owned(), Value::Real(2.5))));
        for text in ["lanes", "lanes=", "=4", "lanes=16..", "lanes=a..b"] {
            assert!(text.parse::<Fewer>().is_err(), "{text}");
        }
    }
}

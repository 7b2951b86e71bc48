//! Parameters of the file, and the rules that tie them together.

use std::fmt;

use tapeout_core::Value;

use super::FileFault;
use super::number::{Number, operand};
use super::text::{LevelsText, ParameterText};
use tapeout_core::expression::Expression;

/// Levels of one parameter at most. Ours: more than any table that is worth a file.
const MOST_LEVELS: i64 = 1 << 16;

/// What a parameter may be set to.
#[derive(Debug, Clone, PartialEq)]
pub enum Levels {
    /// Increasing numbers.
    Numbers(Vec<f64>),
    /// Whole numbers from the first to the second, both included, as far apart as the third.
    Range(i64, i64, i64),
    /// Names of categories.
    Names(Vec<String>),
}

impl Levels {
    /// Whether `value` is one of them.
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Self::Numbers(numbers) => value.as_f64().is_some_and(|value| numbers.contains(&value)),
            Self::Range(low, high, step) => value.as_f64().is_some_and(|value| {
                value.fract() == 0.0
                    && (*low as f64..=*high as f64).contains(&value)
                    && (value as i64 - low) % step == 0
            }),
            Self::Names(names) => {
                matches!(value, Value::Text(text) if names.iter().any(|name| **name == **text))
            }
        }
    }

    /// The next larger number, if there is one.
    pub fn above(&self, value: &Value) -> Option<Value> {
        let now = value.as_f64()?;
        match self {
            Self::Numbers(numbers) => {
                numbers.iter().find(|&&number| number > now).map(|&number| Value::number(number))
            }
            Self::Range(_, high, step) => {
                let next = now as i64 + step;
                (next <= *high).then_some(Value::Integer(next))
            }
            Self::Names(_) => None,
        }
    }
}

impl fmt::Display for Levels {
    /// `4, 8, 16`, or `1 to 9 by 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
                f.write_str(&numbers.join(", "))
            }
            Self::Range(low, high, 1) => write!(f, "{low} to {high}"),
            Self::Range(low, high, step) => write!(f, "{low} to {high} by {step}"),
            Self::Names(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// A parameter of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileParameter {
    /// Its name.
    pub name: String,
    /// Its levels.
    pub levels: Levels,
    /// Its unit; empty for counts and categories.
    pub unit: String,
    /// What it sets.
    pub about: String,
}

impl FileParameter {
    pub(super) fn read(name: &str, text: &ParameterText) -> Result<Self, FileFault> {
        let fault = |problem: &str| FileFault::new(&format!("parameters.{name}"), problem);
        let ends = |low: i64, high: i64| {
            if low <= high { Ok(()) } else { Err(fault("has a low end above its high end")) }
        };
        let levels = match (&text.levels, text.powers_of_two, text.range) {
            (Some(LevelsText::Numbers(numbers)), None, None) => Levels::Numbers(numbers.clone()),
            (Some(LevelsText::Names(names)), None, None) => Levels::Names(names.clone()),
            (None, Some([low, high]), None) => {
                ends(low.into(), high.into())?;
                if !low.is_power_of_two() || !high.is_power_of_two() {
                    return Err(fault("has an end of `powers_of_two` that is none"));
                }
                Levels::Numbers((low.ilog2()..=high.ilog2()).map(|power| f64::from(power).exp2()).collect())
            }
            (None, None, Some([low, high])) => {
                let step = text.step.unwrap_or(1);
                ends(low, high)?;
                if step < 1 || high.saturating_sub(low) / step >= MOST_LEVELS {
                    return Err(fault("has a `step` below 1 or more than 65,536 levels"));
                }
                Levels::Range(low, low + (high - low) / step * step, step)
            }
            _ => return Err(fault("has not one of `levels`, `powers_of_two` and `range`, expected one")),
        };
        let n_levels = match &levels {
            Levels::Numbers(numbers) => numbers.len() as i64,
            Levels::Range(..) => 1,
            Levels::Names(names) => names.len() as i64,
        };
        if n_levels > MOST_LEVELS {
            return Err(fault("has more than 65,536 levels"));
        }
        Ok(Self { name: name.to_owned(), levels, unit: text.unit.clone(), about: text.about.clone() })
    }
}

/// A rule between parameters: an expression that is not 0 where it holds.
#[derive(Debug, Clone)]
pub struct FileRule {
    pub(super) name: String,
    pub(super) expression: Expression,
    /// For each name of the expression: its place among the values of a design.
    pub(super) places: Vec<usize>,
    /// Values that it rests on, in the order in which they are to be computed.
    pub(super) values: Vec<(usize, Number)>,
    /// The parameters that it ties together, by index into the parameters of the file and by place.
    pub(super) scope: Vec<(usize, usize)>,
    /// What is known before there is a design: the constants.
    pub(super) known: Vec<Value>,
}

impl FileRule {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule as it is written.
    pub fn text(&self) -> &str {
        self.expression.text()
    }

    /// The parameters that it ties together, by index.
    pub fn scope(&self) -> impl Iterator<Item = usize> {
        self.scope.iter().map(|&(parameter, _)| parameter)
    }

    /// Whether it holds for these settings of the parameters of its scope, in that order. A rule without a value, such as one that
    /// divides by zero, does not hold.
    pub fn holds(&self, settings: &[Value]) -> bool {
        let mut values = self.known.clone();
        for (&(_, place), setting) in self.scope.iter().zip(settings) {
            values[place] = setting.clone();
        }
        for (place, number) in &self.values {
            let Ok(number) = number.at(&values) else { return false };
            values[*place] = Value::Real(number);
        }
        let operands: Vec<_> = self.places.iter().map(|&place| operand(&values[place])).collect();
        self.expression.evaluate(&operands).is_ok_and(|value| value != 0.0)
    }
}

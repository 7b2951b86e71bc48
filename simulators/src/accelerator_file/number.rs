//! Numbers of the file: given, or computed from names.

use tapeout_core::expression::{Expression, FUNCTIONS, Operand};
use tapeout_core::names::nearest_name;
use tapeout_core::{UnknownName, Value};

use super::text::NumberText;
use super::{FileFault, Unbuildable};

/// The largest count that a file may arrive at: every whole number up to it is a double.
// Source: IEEE 754-2019, binary64: 2^53.
const LARGEST_COUNT: f64 = 9_007_199_254_740_992.0;

/// The names of a file, each with a place among the values of a design.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    names: Vec<String>,
}

impl Names {
    /// Gives `name` the next place.
    pub(super) fn add(&mut self, name: &str, field: &str) -> Result<usize, FileFault> {
        let fault = |problem: &str| Err(FileFault::new(field, format!("`{name}` {problem}")));
        let mut letters = name.chars();
        let is_name = letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            return fault("is no name, expected letters, digits and `_`");
        }
        if self.names.iter().any(|known| known == name) {
            return fault("stands for two things, expected one");
        }
        if FUNCTIONS.iter().any(|(function, _)| *function == name) {
            return fault("is a function");
        }
        self.names.push(name.to_owned());
        Ok(self.names.len() - 1)
    }

    /// The place of `name`.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The fault of asking for `name`, with the nearest known one.
    pub(super) fn unknown(&self, name: &str, field: &str) -> FileFault {
        let known = || self.names.iter().map(String::as_str).chain(FUNCTIONS.iter().map(|(name, _)| *name));
        let unknown = UnknownName {
            kind: "name",
            got: name.to_owned(),
            nearest: nearest_name(name, known()),
            known: known().map(str::to_owned).collect(),
        };
        FileFault::new(field, unknown.to_string())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

/// A number of the file.
#[derive(Debug, Clone)]
pub(super) enum Number {
    Given(f64),
    Computed(Box<Computed>),
}

/// An expression whose names have places.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    expression: Expression,
    /// One place for each name of the expression.
    pub(super) places: Vec<usize>,
    /// What the rule is called that a design without this number breaks.
    rule: String,
}

impl Number {
    /// Reads `text`, which stands at `field`; `rule` is what designs break for which it is no number.
    pub(super) fn read(text: &NumberText, field: &str, rule: &str, names: &Names) -> Result<Self, FileFault> {
        match text {
            NumberText::Number(number) if number.is_nan() => Err(FileFault::new(field, "is no number")),
            NumberText::Number(number) => Ok(Self::Given(*number)),
            NumberText::Expression(text) => {
                let expression =
                    Expression::parse(text).map_err(|error| FileFault::new(field, error.to_string()))?;
                let place = |name: &String| names.find(name).ok_or_else(|| names.unknown(name, field));
                let places = expression.names().iter().map(place).collect::<Result<_, _>>()?;
                Ok(Self::Computed(Box::new(Computed { expression, places, rule: rule.to_owned() })))
            }
        }
    }

    /// The places that it asks for.
    pub(super) fn places(&self) -> &[usize] {
        match self {
            Self::Given(_) => &[],
            Self::Computed(computed) => &computed.places,
        }
    }

    /// The number for these values, by place.
    pub(super) fn at(&self, values: &[Value]) -> Result<f64, Unbuildable> {
        match self {
            Self::Given(number) => Ok(*number),
            Self::Computed(computed) => {
                let operands = computed.places.iter().map(|&place| operand(&values[place]));
                let number = computed.expression.evaluate(&operands.collect::<Vec<_>>());
                number.map_err(|error| Unbuildable::malformed(&computed.rule, error.to_string()))
            }
        }
    }

    /// The number, which must be finite and not negative.
    pub(super) fn amount(&self, values: &[Value], rule: &str) -> Result<f64, Unbuildable> {
        let number = self.at(values)?;
        if number.is_finite() && number >= 0.0 {
            return Ok(number);
        }
        Err(Unbuildable::malformed(rule, format!("{number}, expected a finite number of at least 0")))
    }

    /// The number, which must be whole and at least `least`.
    pub(super) fn count(&self, values: &[Value], least: u64, rule: &str) -> Result<u64, Unbuildable> {
        let number = self.at(values)?;
        if number.fract() == 0.0 && number >= least as f64 && number <= LARGEST_COUNT {
            return Ok(number as u64);
        }
        let expected = format!("{number}, expected a whole number of at least {least} and at most 2^53");
        Err(Unbuildable::malformed(rule, expected))
    }
}

/// What `value` is in an expression.
pub(super) fn operand(value: &Value) -> Operand<'_> {
    match value {
        Value::Integer(number) => Operand::Number(*number as f64),
        Value::Real(number) => Operand::Number(*number),
        Value::Text(text) => Operand::Text(text),
    }
}

//! Metrics that follow from others: by an expression, or over the networks of a workload.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::expression::{Expression, Operand};
use crate::names::nearest_name;
use crate::outcome::Metric;
use crate::problem::ProblemError;

/// A metric by an expression over others. Written `edp = latency_s * energy_j` or, with a unit, `edp [J s] = latency_s * energy_j`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its unit; empty for a ratio or a count, or if nobody says.
    pub unit: String,
    /// The expression: see [`crate::expression`]; names are those of metrics and of earlier definitions.
    pub expression: String,
}

impl FromStr for Definition {
    type Err = ProblemError;

    fn from_str(text: &str) -> Result<Self, ProblemError> {
        let refused = || ProblemError::BadDefinition { got: text.to_owned() };
        let (left, expression) = text.split_once('=').ok_or_else(refused)?;
        let (name, unit) = match left.trim().split_once('[') {
            None => (left.trim(), ""),
            Some((name, unit)) => (name.trim(), unit.trim().strip_suffix(']').ok_or_else(refused)?.trim()),
        };
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name || expression.trim().is_empty() || expression.starts_with('=') {
            return Err(refused());
        }
        Ok(Self { name: name.to_owned(), unit: unit.to_owned(), expression: expression.trim().to_owned() })
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, expression } = self;
        if unit.is_empty() {
            write!(formatter, "{name} = {expression}")
        } else {
            write!(formatter, "{name} [{unit}] = {expression}")
        }
    }
}

impl TryFrom<String> for Definition {
    type Error = ProblemError;

    fn try_from(text: String) -> Result<Self, ProblemError> {
        text.parse()
    }
}

impl From<Definition> for String {
    fn from(definition: Definition) -> Self {
        definition.to_string()
    }
}

/// What is made of the metrics of several networks: `latency_s.max` of `latency_s.unet` and `latency_s.resnet50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Mean,
    Max,
    Min,
    GeometricMean,
}

impl Aggregate {
    const ALL: [(&'static str, Self); 4] = [
        ("mean", Self::Mean),
        ("max", Self::Max),
        ("min", Self::Min),
        ("geometric_mean", Self::GeometricMean),
    ];

    /// `members`: values and their weights, at least one.
    fn of(self, members: &(impl Iterator<Item = (f64, f64)> + Clone)) -> f64 {
        let values = || members.clone().map(|(value, _)| value);
        let all: f64 = members.clone().map(|(_, weight)| weight).sum();
        let mean =
            |of: fn(f64) -> f64| members.clone().map(|(value, weight)| weight * of(value)).sum::<f64>() / all;
        match self {
            Self::Mean => mean(|value| value),
            Self::Max => values().fold(f64::NEG_INFINITY, f64::max),
            Self::Min => values().fold(f64::INFINITY, f64::min),
            Self::GeometricMean => mean(f64::ln).exp(),
        }
    }

    /// Whether some members may count more than others.
    fn has_weights(self) -> bool {
        matches!(self, Self::Mean | Self::GeometricMean)
    }
}

/// A name of a metric over networks, in parts.
struct Over<'a> {
    /// `latency_s`.
    base: &'a str,
    aggregate: Aggregate,
    /// `mean`.
    ending: &'static str,
    /// What stands in brackets: `unet=3, bert-base=1`.
    weights: Option<&'a str>,
}

impl<'a> Over<'a> {
    /// `latency_s.mean`, or `latency_s.mean(unet=3, bert-base=1)`.
    fn read(name: &'a str) -> Option<Self> {
        let (head, weights) = match name.split_once('(') {
            Some((head, weights)) => (head, Some(weights.strip_suffix(')')?)),
            None => (name, None),
        };
        let (base, ending) = head.rsplit_once('.')?;
        let (ending, aggregate) = *Aggregate::ALL.iter().find(|(known, _)| *known == ending)?;
        Some(Self { base, aggregate, ending, weights })
    }
}

/// Where a value comes from; indices are of quantities before it.
#[derive(Debug, Clone)]
enum Source {
    Measured(usize),
    /// Each member with its weight.
    Aggregated(Aggregate, Vec<(usize, f64)>),
    Computed(Expression, Vec<usize>),
}

/// What can be asked of an outcome: metrics, and what follows from them.
#[derive(Debug, Clone)]
pub(crate) struct Quantities {
    metrics: Vec<Metric>,
    sources: Vec<Source>,
}

impl Quantities {
    /// These metrics, and those that `definitions` make of them.
    pub(crate) fn new(metrics: &[Metric], definitions: &[Definition]) -> Result<Self, ProblemError> {
        let sources = (0..metrics.len()).map(Source::Measured).collect();
        let mut quantities = Self { metrics: metrics.to_vec(), sources };
        definitions.iter().try_for_each(|definition| quantities.define(definition))?;
        Ok(quantities)
    }

    /// All that have a name, the measured ones first.
    pub(crate) fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The quantity called `name`, made if it is one over all networks.
    pub(crate) fn find(&mut self, name: &str) -> Option<usize> {
        if let Some(index) = self.metrics.iter().position(|metric| metric.name == name) {
            return Some(index);
        }
        let over = Over::read(name)?;
        let members = self.members(&over).ok()?;
        let unit = self.metrics[members.first()?.0].unit.clone();
        let what = over.ending.replace('_', " ");
        let about = match over.weights {
            Some(weights) => format!("{what} of networks by weight: {weights}"),
            None => format!("{what} of all networks"),
        };
        self.metrics.push(Metric::new(name, &unit, &about));
        self.sources.push(Source::Aggregated(over.aggregate, members));
        Some(self.metrics.len() - 1)
    }

    /// What is wrong with the weights of a name that [`Quantities::find`] does not know.
    pub(crate) fn fault(&self, name: &str) -> Option<String> {
        let over = Over::read(name).filter(|over| over.weights.is_some())?;
        self.members(&over).err()
    }

    /// The metrics of single networks that are put together, with their weights; or what is wrong with these.
    fn members(&self, over: &Over<'_>) -> Result<Vec<(usize, f64)>, String> {
        let is_measured = |index: &usize| matches!(self.sources[*index], Source::Measured(_));
        let network = |index: usize| {
            let rest = self.metrics[index].name.strip_prefix(over.base)?;
            Some((rest.strip_prefix('.')?, index))
        };
        let networks: Vec<(&str, usize)> =
            (0..self.metrics.len()).filter(is_measured).filter_map(network).collect();
        let Some(weights) = over.weights else {
            return Ok(networks.into_iter().map(|(_, index)| (index, 1.0)).collect());
        };
        if !over.aggregate.has_weights() {
            return Err(format!("`{}` has no weights, `mean` and `geometric_mean` have", over.ending));
        }
        let mut members: Vec<(usize, f64)> = Vec::new();
        for item in weights.split(',') {
            let (name, weight) =
                item.split_once('=').ok_or_else(|| format!("`{}` is not `NETWORK=WEIGHT`", item.trim()))?;
            let (name, weight) = (name.trim(), weight.trim());
            let known = || networks.iter().map(|(known, _)| *known);
            let (_, index) = networks.iter().find(|(known, _)| *known == name).ok_or_else(|| {
                let nearest = crate::names::suggestion(&nearest_name(name, known()));
                format!("unknown network `{name}`{nearest}")
            })?;
            let weight: f64 =
                weight.parse().ok().filter(|weight: &f64| *weight > 0.0 && *weight < 1e100).ok_or_else(
                    || format!("the weight of `{name}` is `{weight}`, expected a number above 0"),
                )?;
            if members.iter().any(|(member, _)| member == index) {
                return Err(format!("`{name}` has two weights"));
            }
            members.push((*index, weight));
        }
        Ok(members)
    }

    /// The value of each for these measurements; none if one has no value, such as a division by zero.
    pub(crate) fn values(&self, measured: &[f64]) -> Option<Vec<f64>> {
        let mut values: Vec<f64> = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let value = match source {
                Source::Measured(index) => measured[*index],
                Source::Aggregated(aggregate, members) => {
                    aggregate.of(&members.iter().map(|&(index, weight)| (values[index], weight)))
                }
                Source::Computed(expression, operands) => {
                    let operands: Vec<_> =
                        operands.iter().map(|&index| Operand::Number(values[index])).collect();
                    expression.evaluate(&operands).ok()?
                }
            };
            values.push(Some(value).filter(|value| value.is_finite())?);
        }
        Some(values)
    }

    fn define(&mut self, definition: &Definition) -> Result<(), ProblemError> {
        let Definition { name, unit, expression } = definition;
        let refused = |problem: String| ProblemError::Definition { name: name.clone(), problem };
        if self.metrics.iter().any(|metric| metric.name == *name) {
            return Err(refused("there is a metric of this name".to_owned()));
        }
        let (text, aliases) = self.aliased(expression);
        let compiled = Expression::parse(&text).map_err(|error| refused(error.problem))?;
        let mut operands = Vec::new();
        for asked in compiled.names() {
            let asked = aliases.iter().find(|(alias, _)| alias == asked).map_or(asked, |(_, name)| name);
            let index = self.find(asked).ok_or_else(|| {
                if let Some(problem) = self.fault(asked) {
                    return refused(format!("`{asked}`: {problem}"));
                }
                let known = self.metrics.iter().map(|metric| metric.name.as_str());
                let nearest = crate::names::suggestion(&nearest_name(asked, known));
                refused(format!("unknown metric `{asked}`{nearest}"))
            })?;
            operands.push(index);
        }
        self.metrics.push(Metric::new(name, unit, expression));
        self.sources.push(Source::Computed(compiled, operands));
        Ok(())
    }

    /// `text` with names of metrics that are no names of the expression language, such as `latency_s.bert-base`, under other names;
    /// and what these stand for.
    fn aliased(&self, text: &str) -> (String, Vec<(String, String)>) {
        let bases =
            self.metrics.iter().filter_map(|metric| metric.name.split_once('.').map(|(base, _)| base));
        let aggregates = bases.flat_map(|base| Aggregate::ALL.map(|(ending, _)| format!("{base}.{ending}")));
        let dotted =
            self.metrics.iter().map(|metric| metric.name.clone()).filter(|name| name.contains(['.', '-']));
        let mut names: Vec<String> = dotted.chain(aggregates).collect();
        // Longer ones first, so that none is taken for the beginning of another.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.dedup();
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let (mut written, mut rest, mut aliases) = (String::new(), text, Vec::new());
        while let Some(next) = rest.chars().next() {
            let begins = !written.ends_with(is_letter);
            let name = names.iter().find(|name| {
                let behind = rest.strip_prefix(name.as_str());
                begins && behind.is_some_and(|behind| !behind.starts_with(is_letter))
            });
            let (taken, put) = match name {
                Some(name) => {
                    // Weights in brackets belong to the name of a metric over networks.
                    let behind = &rest[name.len()..];
                    let weights =
                        Over::read(name).filter(|_| behind.starts_with('(')).and_then(|_| behind.find(')'));
                    let length = name.len() + weights.map_or(0, |end| end + 1);
                    let alias = format!("metric_{}_", aliases.len());
                    aliases.push((alias.clone(), rest[..length].to_owned()));
                    (length, alias)
                }
                None => (next.len_utf8(), next.to_string()),
            };
            written.push_str(&put);
            rest = &rest[taken..];
        }
        (written, aliases)
    }
}

/// One quantity of a problem: a metric, a defined one, or one over all networks; as an axis or a column.
#[derive(Debug, Clone)]
pub struct Column {
    quantities: Quantities,
    index: usize,
}

impl Column {
    pub(crate) fn new(mut quantities: Quantities, name: &str) -> Option<Self> {
        let index = quantities.find(name)?;
        Some(Self { quantities, index })
    }

    /// Its name, unit and meaning.
    pub fn metric(&self) -> &Metric {
        &self.quantities.metrics[self.index]
    }

    /// Its value for these measurements, shape `[k]`; none if it has none.
    pub fn value(&self, measured: &[f64]) -> Option<f64> {
        if let Source::Measured(index) = self.quantities.sources[self.index] {
            return Some(measured[index]);
        }
        self.quantities.values(measured).map(|values| values[self.index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Vec<Metric> {
        [("latency_s", "s"), ("energy_j", "J"), ("latency_s.unet", "s"), ("latency_s.bert-base", "s")]
            .map(|(name, unit)| Metric::new(name, unit, ""))
            .to_vec()
    }

    fn defined(text: &str) -> Result<Quantities, ProblemError> {
        Quantities::new(&metrics(), &[text.parse()?])
    }

    // By hand, with a latency of 10 s, 4 J, and networks of 2 s and 8 s: mean 5, geometric mean 4.
    #[test]
    fn definitions_are_worth_what_they_say() {
        let measured = [10.0, 4.0, 2.0, 8.0];
        for (text, expected) in [
            ("edp [J s] = latency_s * energy_j", 40.0),
            ("x = latency_s.bert-base - latency_s.unet", 6.0),
            ("x = latency_s.bert-base-1", 7.0),
            ("x = latency_s.mean + latency_s.max", 13.0),
            ("x = latency_s.geometric_mean * 1", 4.0),
            // (3 * 2 + 8) / 4, (2^2 * 8)^(1/3) = 32^(1/3), and one network alone.
            ("x = 1 + latency_s.mean(unet=3, bert-base=1)", 4.5),
            ("x = latency_s.geometric_mean(bert-base=0.5,unet=1) ** 3", 32.0),
            ("x = max(latency_s.mean(bert-base=7), 1)", 8.0),
        ] {
            let value = *defined(text).unwrap().values(&measured).unwrap().last().unwrap();
            assert!((value - expected).abs() < 1e-12, "{text}: {value}");
        }
        assert!(defined("x = 1 / (energy_j - 4)").unwrap().values(&measured).is_none());
    }

    #[test]
    fn definitions_are_read_as_they_are_written() {
        for text in ["edp [J s] = latency_s * energy_j", "x = 1 if energy_j == 2 else 3"] {
            assert_eq!(text.parse::<Definition>().unwrap().to_string(), text);
        }
        for text in ["edp", "= 3", "a b = 3", "x == 3", "x =", "x [J = 3"] {
            assert!(text.parse::<Definition>().is_err(), "{text}");
        }
        let error = |text: &str| defined(text).unwrap_err().to_string();
        assert_eq!(error("x = energy_k + 1"), "`x`: unknown metric `energy_k`; did you mean `energy_j`?");
        assert_eq!(error("energy_j = 1"), "`energy_j`: there is a metric of this name");
        let of_weights = |weights: &str| {
            let text = error(&format!("x = 2 * latency_s.mean({weights})"));
            text.strip_prefix(&format!("`x`: `latency_s.mean({weights})`: ")).expect("the name").to_owned()
        };
        assert_eq!(of_weights("unit=3"), "unknown network `unit`; did you mean `unet`?");
        assert_eq!(of_weights("unet"), "`unet` is not `NETWORK=WEIGHT`");
        assert_eq!(of_weights("unet=-1"), "the weight of `unet` is `-1`, expected a number above 0");
        assert_eq!(of_weights("unet=1, unet=2"), "`unet` has two weights");
        assert!(
            error("x = latency_s.max(unet=1)")
                .ends_with("`max` has no weights, `mean` and `geometric_mean` have")
        );
    }
}

//! Part of a design space: parameters that are fixed, or have fewer levels than they could.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::breakdown::Breakdown;
use crate::constraint::Constraint;
use crate::env::{ContextFeature, Env, EvalError};
use crate::outcome::{Metric, Outcome};
use crate::parameter::{Parameter, Value};
use crate::space::{Design, DesignSpace, SpaceError};

/// Levels that a parameter keeps: `"16..64"`, both ends included, or a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeptLevels {
    /// Those from the first number to the second.
    Span(Span),
    /// These.
    These(Vec<Value>),
}

/// From a number to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    /// The least level.
    pub low: f64,
    /// The largest level.
    pub high: f64,
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{text}` is not of the form `16..64`, both ends included");
        let (low, high) = text.split_once("..").ok_or_else(refused)?;
        let number = |text: &str| {
            text.trim().parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(refused)
        };
        Ok(Self { low: number(low)?, high: number(high.trim_start_matches('='))? })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}..{}", self.low, self.high)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

/// Which part of a space is searched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Narrowing<'a> {
    /// Parameters with one level, by name.
    pub fix: Option<&'a BTreeMap<String, Value>>,
    /// Parameters with some of their levels, by name.
    pub levels: Option<&'a BTreeMap<String, KeptLevels>>,
}

/// A part that there is not, by the parameter that says so.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct NarrowingError {
    /// `fix.pes_x` or `levels.lanes`; empty if it is the whole.
    pub field: String,
    /// What is wrong.
    #[source]
    pub source: SpaceError,
}

impl Narrowing<'_> {
    /// Whether all of the space is searched.
    pub fn is_whole(&self) -> bool {
        self.fix.is_none_or(BTreeMap::is_empty) && self.levels.is_none_or(BTreeMap::is_empty)
    }

    /// The levels of each parameter of `space` that are left, in increasing order.
    fn kept(&self, space: &DesignSpace) -> Result<Vec<Vec<u32>>, NarrowingError> {
        let mut kept: Vec<Vec<u32>> =
            space.parameters().iter().map(|parameter| (0..parameter.n_levels()).collect()).collect();
        for (name, value) in self.fix.into_iter().flatten() {
            let at = |source| NarrowingError { field: format!("fix.{name}"), source };
            let index = space.index_of(name).map_err(at)?;
            kept[index] = vec![level(&space.parameters()[index], value).map_err(at)?];
        }
        for (name, levels) in self.levels.into_iter().flatten() {
            let at = |source| NarrowingError { field: format!("levels.{name}"), source };
            let index = space.index_of(name).map_err(at)?;
            let chosen = chosen(&space.parameters()[index], levels).map_err(at)?;
            kept[index].retain(|level| chosen.contains(level));
            if kept[index].is_empty() {
                return Err(at(SpaceError::NoneLeft { parameter: name.clone() }));
            }
        }
        Ok(kept)
    }
}

fn level(parameter: &Parameter, value: &Value) -> Result<u32, SpaceError> {
    parameter.level_of(value).ok_or_else(|| SpaceError::NotALevel {
        parameter: parameter.name().to_owned(),
        got: value.to_string(),
        levels: parameter.levels_text(),
    })
}

fn chosen(parameter: &Parameter, levels: &KeptLevels) -> Result<Vec<u32>, SpaceError> {
    match levels {
        KeptLevels::These(values) => values.iter().map(|value| level(parameter, value)).collect(),
        KeptLevels::Span(span) => {
            let is_within =
                |&level: &u32| parameter.number(level).is_some_and(|it| span.low <= it && it <= span.high);
            let within: Vec<u32> = (0..parameter.n_levels()).filter(is_within).collect();
            if within.is_empty() {
                return Err(SpaceError::NotALevel {
                    parameter: parameter.name().to_owned(),
                    got: span.to_string(),
                    levels: parameter.levels_text(),
                });
            }
            Ok(within)
        }
    }
}

/// An environment of which a part is searched: its space has that part, and what designs are worth is what they were.
pub struct NarrowedEnv {
    env: Arc<dyn Env>,
    space: DesignSpace,
    /// For each parameter, its levels in the whole space.
    kept: Vec<Vec<u32>>,
}

impl NarrowedEnv {
    /// The part of `env` that `narrowing` leaves.
    ///
    /// # Errors
    /// [`NarrowingError`] if a parameter or level is unknown, or nothing is left.
    pub fn new(env: Arc<dyn Env>, narrowing: &Narrowing<'_>) -> Result<Self, NarrowingError> {
        let kept = narrowing.kept(env.space())?;
        let space =
            env.space().narrowed(&kept).map_err(|source| NarrowingError { field: String::new(), source })?;
        Ok(Self { env, space, kept })
    }

    /// The design in the space of the whole environment.
    fn whole(&self, design: &Design) -> Design {
        let levels = design.levels().iter().zip(&self.kept).map(|(&level, kept)| kept[level as usize]);
        let design = self.env.space().design(&levels.collect::<Vec<_>>());
        design.expect("invariant: the rules of a part are those of the whole")
    }
}

impl Env for NarrowedEnv {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        self.env.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.env.evaluate(&self.whole(design))
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.env.precheck(&self.whole(design))
    }

    fn evaluate_batch(&self, designs: &[Design]) -> Vec<Result<Outcome, EvalError>> {
        self.env.evaluate_batch(&designs.iter().map(|design| self.whole(design)).collect::<Vec<_>>())
    }

    fn is_noisy(&self) -> bool {
        self.env.is_noisy()
    }

    fn is_parallel(&self) -> bool {
        self.env.is_parallel()
    }

    fn missing(&self) -> Option<String> {
        self.env.missing()
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        self.env.workload_settings()
    }

    fn context(&self) -> Vec<ContextFeature> {
        self.env.context()
    }

    fn breakdown(&self, design: &Design) -> Result<Option<Breakdown>, EvalError> {
        self.env.breakdown(&self.whole(design))
    }

    fn enforced(&self) -> Vec<Constraint> {
        self.env.enforced()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::toy::Toy;
    use crate::rule::Rule;

    fn space() -> DesignSpace {
        let rule = Rule::new("sum", "a + b <= 6", &["a", "b"], |v| v.int("a") + v.int("b") <= 6);
        let parameters = vec![
            Parameter::ordinal("a", [1, 2, 4]),
            Parameter::integer("b", 1, 5),
            Parameter::categorical("c", &["x", "y", "z"]),
        ];
        DesignSpace::new(parameters, vec![rule]).unwrap()
    }

    fn fix(values: &[(&str, Value)]) -> BTreeMap<String, Value> {
        values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn levels(values: &[(&str, &str)]) -> BTreeMap<String, KeptLevels> {
        let kept = |text: &str| KeptLevels::Span(text.parse().unwrap());
        values.iter().map(|(name, text)| ((*name).to_owned(), kept(text))).collect()
    }

    // By hand: with a = 4, b may be 1 or 2; of 2..4 only 2.
    #[test]
    fn what_is_left_obeys_the_rules() {
        let (fix, levels) = (fix(&[("a", Value::Integer(4))]), levels(&[("b", "2..4")]));
        let narrowing = Narrowing { fix: Some(&fix), levels: Some(&levels) };
        let part = space().narrowed(&narrowing.kept(&space()).unwrap()).unwrap();
        assert_eq!(part.cardinality(), 3);
        let shown: Vec<String> =
            part.iter().map(|it| part.values(&it).map(|(_, value)| value.to_string()).collect()).collect();
        assert_eq!(shown, ["42x", "42y", "42z"]);
    }

    // By hand: of the rows (0,0), (1,1), (2,1) those whose second is 1.
    #[test]
    fn a_list_is_narrowed_to_the_rows_that_are_left() {
        let parameters = vec![Parameter::integer("p", 0, 2), Parameter::integer("q", 0, 1)];
        let list = DesignSpace::of_rows(parameters, vec![vec![0, 0], vec![1, 1], vec![2, 1]]).unwrap();
        let part = list.narrowed(&[vec![0, 1, 2], vec![1]]).unwrap();
        assert_eq!(part.cardinality(), 2);
        assert_eq!(part.iter().next().unwrap().levels(), [1, 0]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = |fix: &[(&str, Value)], levels: &BTreeMap<String, KeptLevels>| {
            let fix = self::fix(fix);
            let narrowing = Narrowing { fix: Some(&fix), levels: Some(levels) };
            let error = narrowing.kept(&space()).unwrap_err();
            (error.field.clone(), error.to_string())
        };
        let none = levels(&[]);
        assert_eq!(
            error(&[("a", Value::Integer(3))], &none),
            ("fix.a".to_owned(), "parameter `a`: 3 is not a level; levels are 1, 2, 4".to_owned())
        );
        assert_eq!(error(&[("d", Value::Integer(3))], &none).0, "fix.d");
        assert_eq!(
            error(&[("a", Value::Integer(1))], &levels(&[("a", "2..4")])),
            ("levels.a".to_owned(), "parameter `a` has no level left".to_owned())
        );
        assert!("2-4".parse::<Span>().is_err() && "a..b".parse::<Span>().is_err());
    }

    // Claim: designs of the part are worth what they are worth in the whole.
    #[test]
    fn a_part_of_an_environment_keeps_its_numbers() {
        let whole = Toy::tradeoff();
        let name = whole.space().parameters()[0].name().to_owned();
        let value = whole.space().parameters()[0].value(1);
        let fix = fix(&[(&name, value)]);
        let narrowing = Narrowing { fix: Some(&fix), levels: None };
        let part = NarrowedEnv::new(Arc::new(Toy::tradeoff()), &narrowing).unwrap();
        for design in part.space().iter() {
            let values = part.space().values(&design).map(|(parameter, value)| (parameter.name(), value));
            let same = whole.space().design_of(values).unwrap();
            assert_eq!(part.evaluate(&design).unwrap(), whole.evaluate(&same).unwrap());
        }
    }
}

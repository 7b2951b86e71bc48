//! Levels that make no difference: designs that are known to be equal, whatever they are asked for.
//!
//! Source: Hutter, Hoos, Leyton-Brown & Stützle (2009), doi:10.1613/jair.2861, for parameters that matter only where another has
//! certain values; such a parameter is given one value there, so that a model sees no difference where there is none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Design, DesignSpace, SpaceError};
use crate::parameter::{Parameter, Value};

/// Levels of a parameter that are equal, always or where another parameter has certain levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EqualLevels {
    parameter: usize,
    /// At least two, increasing; the last stands for all.
    levels: Vec<u32>,
    /// Another parameter, and its levels where this holds, increasing.
    given: Option<(usize, Vec<u32>)>,
}

/// Equal levels as files state them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EqualLevelsText {
    /// Whose levels.
    pub parameter: String,
    /// Which of them are equal; all if none is named.
    #[serde(default)]
    pub levels: Vec<Value>,
    /// Where; everywhere if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
}

/// A parameter at one of some levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which parameter.
    pub parameter: String,
    /// At least one of its levels.
    pub levels: Vec<Value>,
}

impl EqualLevelsText {
    /// All levels of `parameter`, where `other` has one of the categories `levels`: it has no effect there.
    pub fn without_effect(parameter: &str, other: &str, levels: &[&str]) -> Self {
        let levels = levels.iter().map(|&level| Value::Text(level.to_owned())).collect();
        let given = Some(Given { parameter: other.to_owned(), levels });
        Self { parameter: parameter.to_owned(), levels: Vec::new(), given }
    }

    /// Some categories of `parameter`.
    pub fn always(parameter: &str, levels: &[&str]) -> Self {
        let levels = levels.iter().map(|&level| Value::Text(level.to_owned())).collect();
        Self { parameter: parameter.to_owned(), levels, given: None }
    }
}

impl EqualLevels {
    /// Moves a design's levels to the ones that stand for them.
    fn settle(&self, levels: &mut [u32]) {
        let is_given =
            self.given.as_ref().is_none_or(|(other, at)| at.binary_search(&levels[*other]).is_ok());
        let level = &mut levels[self.parameter];
        if is_given && self.levels.binary_search(level).is_ok() {
            *level = *self.levels.last().expect("invariant: there are two at least");
        }
    }

    /// The same over the levels of `kept` alone, shape `[parameters][levels]`; none if nothing is left to be equal.
    pub(super) fn narrowed(&self, kept: &[Vec<u32>]) -> Option<Self> {
        let left = |parameter: usize, levels: &[u32]| -> Vec<u32> {
            let places = levels.iter().filter_map(|level| kept[parameter].binary_search(level).ok());
            places.map(|place| place as u32).collect()
        };
        let levels = left(self.parameter, &self.levels);
        let given = self.given.as_ref().map(|(other, at)| (*other, left(*other, at)));
        let is_never = given.as_ref().is_some_and(|(_, at)| at.is_empty());
        (levels.len() > 1 && !is_never).then_some(Self { parameter: self.parameter, levels, given })
    }

    fn text(&self, parameters: &[Parameter]) -> EqualLevelsText {
        let values = |parameter: &Parameter, levels: &[u32]| -> Vec<Value> {
            levels.iter().map(|&level| parameter.value(level)).collect()
        };
        let parameter = &parameters[self.parameter];
        let is_all = self.levels.len() == parameter.n_levels() as usize;
        let given = self.given.as_ref().map(|(other, at)| Given {
            parameter: parameters[*other].name().to_owned(),
            levels: values(&parameters[*other], at),
        });
        EqualLevelsText {
            parameter: parameter.name().to_owned(),
            levels: if is_all { Vec::new() } else { values(parameter, &self.levels) },
            given,
        }
    }
}

impl DesignSpace {
    /// This space with these statements of equal levels, and no other. Which designs there are does not change. They hold one after the other, so
    /// what one makes equal is so for those behind it.
    ///
    /// # Errors
    /// [`SpaceError`] if a parameter or level is unknown, fewer than two levels are equal, or none or the parameter itself is given.
    pub fn with_equal_levels(&self, stated: &[EqualLevelsText]) -> Result<Self, SpaceError> {
        let equal_levels: Arc<[EqualLevels]> =
            stated.iter().map(|text| self.equal_levels_of(text)).collect::<Result<_, _>>()?;
        Ok(Self { equal_levels, ..self.clone() })
    }

    /// The statements of equal levels of this space, as files have them.
    pub fn equal_level_texts(&self) -> Vec<EqualLevelsText> {
        self.equal_levels.iter().map(|it| it.text(self.parameters())).collect()
    }

    /// The design that stands for all that are stated to be equal to this one; the design itself where that one breaks a rule.
    pub fn representative(&self, design: &Design) -> Design {
        let mut levels: Box<[u32]> = design.levels().into();
        self.equal_levels.iter().for_each(|it| it.settle(&mut levels));
        if *levels != *design.levels() && self.is_legal(&levels) { Design(levels) } else { design.clone() }
    }

    /// Whether designs are stated to be equal.
    pub fn has_equal_levels(&self) -> bool {
        !self.equal_levels.is_empty()
    }

    fn equal_levels_of(&self, text: &EqualLevelsText) -> Result<EqualLevels, SpaceError> {
        let bad = |fault: String| SpaceError::BadEqualLevels { parameter: text.parameter.clone(), fault };
        let parameter = self.index_of(&text.parameter)?;
        let levels_of = |index: usize, values: &[Value]| -> Result<Vec<u32>, SpaceError> {
            let parameter = &self.parameters()[index];
            let level = |value: &Value| {
                parameter.level_of(value).ok_or_else(|| SpaceError::NotALevel {
                    parameter: parameter.name().to_owned(),
                    got: value.to_string(),
                    levels: parameter.levels_text(),
                })
            };
            let mut levels = values.iter().map(level).collect::<Result<Vec<u32>, _>>()?;
            levels.sort_unstable();
            levels.dedup();
            Ok(levels)
        };
        let mut levels = levels_of(parameter, &text.levels)?;
        if text.levels.is_empty() {
            levels = (0..self.parameters()[parameter].n_levels()).collect();
        }
        if levels.len() < 2 {
            return Err(bad("need two levels at least".to_owned()));
        }
        let given = text.given.as_ref().map(|Given { parameter: other, levels }| {
            let index = self.index_of(other)?;
            match (index == parameter, levels.is_empty()) {
                (true, _) => Err(bad("are given by their own parameter; name another".to_owned())),
                (_, true) => Err(bad(format!("name no level of `{other}`; name one at least"))),
                _ => Ok((index, levels_of(index, levels)?)),
            }
        });
        Ok(EqualLevels { parameter, levels, given: given.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> DesignSpace {
        let parameters = vec![
            Parameter::categorical("arbiter", &["simple", "fifo", "plain"]),
            Parameter::power_of_two("limit", 1, 8),
        ];
        DesignSpace::new(parameters, Vec::new()).unwrap()
    }

    fn stated() -> [EqualLevelsText; 2] {
        [
            EqualLevelsText::always("arbiter", &["simple", "plain"]),
            EqualLevelsText::without_effect("limit", "arbiter", &["plain"]),
        ]
    }

    /// `simple` is as `plain`, where the limit has no effect: of twelve designs five differ. The order of statements matters.
    #[test]
    fn equal_designs_have_one_representative() {
        let space = space().with_equal_levels(&stated()).unwrap();
        let of = |levels: [u32; 2]| space.representative(&space.design(&levels).unwrap()).levels().to_vec();
        assert_eq!([of([0, 1]), of([2, 0]), of([1, 2])], [vec![2, 3], vec![2, 3], vec![1, 2]]);
        let mut all: Vec<Design> = space.iter().map(|design| space.representative(&design)).collect();
        assert!(all.iter().all(|design| space.representative(design) == *design));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5);
        assert_eq!(space.equal_level_texts(), stated());
        assert_eq!(space.fingerprint(), self::space().fingerprint());
    }

    /// What stands for others may be narrowed away; then another of the equal levels does. Where nothing is left to be equal, nothing is stated.
    #[test]
    fn a_narrowed_space_keeps_what_is_left_to_be_equal() {
        let space = space().with_equal_levels(&stated()).unwrap();
        let part = space.narrowed(&[vec![1, 2], vec![0, 1]]).unwrap();
        assert_eq!(part.representative(&part.design(&[1, 0]).unwrap()).levels(), [1, 1]);
        assert_eq!(part.equal_level_texts().len(), 1);
        assert!(!space.narrowed(&[vec![1], vec![0, 1]]).unwrap().has_equal_levels());
    }

    /// A representative that breaks a rule stands for nothing.
    #[test]
    fn a_representative_is_legal() {
        let rule = crate::Rule::new("few", "limit <= 4", &["limit"], |values| values.int("limit") <= 4);
        let space = DesignSpace::new(space().parameters().to_vec(), vec![rule]).unwrap();
        let space = space.with_equal_levels(&stated()).unwrap();
        let design = space.design(&[2, 0]).unwrap();
        assert_eq!(space.representative(&design), design);
    }

    #[test]
    fn statements_that_say_nothing_are_refused() {
        let refusal = |text: EqualLevelsText| space().with_equal_levels(&[text]).unwrap_err().to_string();
        assert_eq!(
            refusal(EqualLevelsText::always("arbiter", &["simple", "simple"])),
            "equal levels of `arbiter` need two levels at least"
        );
        assert!(
            refusal(EqualLevelsText::always("arbiter", &["simple", "none"]))
                .contains("`arbiter`: none is not a level")
        );
        assert!(refusal(EqualLevelsText::always("arbitr", &["simple"])).contains("arbiter"));
        let own = refusal(EqualLevelsText::without_effect("arbiter", "arbiter", &["simple"]));
        assert_eq!(own, "equal levels of `arbiter` are given by their own parameter; name another");
        let never = refusal(EqualLevelsText::without_effect("limit", "arbiter", &[]));
        assert_eq!(never, "equal levels of `limit` name no level of `arbiter`; name one at least");
    }
}

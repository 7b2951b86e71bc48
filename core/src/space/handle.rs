//! Parameters of a space by name: looked up and checked once, read from designs without a search.

use std::sync::Arc;

use super::{Design, DesignSpace, SpaceError};
use crate::parameter::Domain;

/// A parameter whose levels are numbers.
#[derive(Debug, Clone)]
pub struct NumberParameter {
    space: DesignSpace,
    index: usize,
}

impl NumberParameter {
    /// What `design` sets it to, in the parameter's unit.
    ///
    /// # Panics
    /// If the design is of another space and has no such level.
    pub fn of(&self, design: &Design) -> f64 {
        let number = self.space.parameters()[self.index].number(design.levels()[self.index]);
        number.expect("the levels of the parameter were seen to be numbers")
    }
}

/// A parameter whose levels are whole numbers from 0 on.
#[derive(Debug, Clone)]
pub struct CountParameter(NumberParameter);

impl CountParameter {
    /// What `design` sets it to, in the parameter's unit.
    ///
    /// # Panics
    /// As [`NumberParameter::of`].
    pub fn of(&self, design: &Design) -> u64 {
        self.0.of(design) as u64
    }
}

/// A parameter whose levels are names, each of which stands for a `T`.
#[derive(Debug, Clone)]
pub struct CategoryParameter<T> {
    index: usize,
    /// By level.
    meanings: Arc<[T]>,
}

impl<T> CategoryParameter<T> {
    /// What the name that `design` sets it to stands for.
    ///
    /// # Panics
    /// As [`NumberParameter::of`].
    pub fn of(&self, design: &Design) -> &T {
        &self.meanings[design.levels()[self.index] as usize]
    }
}

impl DesignSpace {
    /// The parameter called `name`, whose levels are numbers.
    ///
    /// # Errors
    /// [`SpaceError`] if there is none of this name, or its levels are names.
    ///
    /// ```
    /// use tapeout_core::{DesignSpace, Parameter};
    ///
    /// let space = DesignSpace::new(vec![Parameter::ordinal("clock", [0.8, 1.2]).unit("GHz")], Vec::new())?;
    /// let clock = space.number("clock")?;
    /// assert_eq!(clock.of(&space.design(&[1])?), 1.2);
    /// # Ok::<(), tapeout_core::SpaceError>(())
    /// ```
    pub fn number(&self, name: &str) -> Result<NumberParameter, SpaceError> {
        let index = self.index_of(name)?;
        if self.parameters()[index].is_categorical() {
            return Err(self.misread(index, "numbers"));
        }
        Ok(NumberParameter { space: self.clone(), index })
    }

    /// The parameter called `name`, whose levels are whole numbers from 0 on.
    ///
    /// # Errors
    /// [`SpaceError`] if there is none of this name, or a level is no such number.
    ///
    /// ```
    /// use tapeout_core::{DesignSpace, Parameter};
    ///
    /// let space = DesignSpace::new(vec![Parameter::power_of_two("rows", 1, 16)], Vec::new())?;
    /// let rows = space.count("rows")?;
    /// assert_eq!(rows.of(&space.design(&[3])?), 8);
    /// assert_eq!(space.count("row").unwrap_err().to_string(), "unknown parameter `row`; did you mean `rows`?");
    /// # Ok::<(), tapeout_core::SpaceError>(())
    /// ```
    pub fn count(&self, name: &str) -> Result<CountParameter, SpaceError> {
        let number = self.number(name)?;
        let are_counts = match self.parameters()[number.index].domain() {
            Domain::Ordinal(levels) => levels.iter().all(|level| *level >= 0.0 && level.fract() == 0.0),
            Domain::Integer { low, .. } => *low >= 0,
            Domain::Categorical(_) => false,
        };
        if are_counts {
            Ok(CountParameter(number))
        } else {
            Err(self.misread(number.index, "whole numbers from 0 on"))
        }
    }

    /// The parameter called `name`, whose levels are names; `meanings` says what each stands for, in any order.
    ///
    /// # Errors
    /// [`SpaceError`] if there is none of this name, or a level is none of the names.
    ///
    /// ```
    /// use tapeout_core::{DesignSpace, Parameter};
    ///
    /// let space = DesignSpace::new(vec![Parameter::categorical("bus", &["narrow", "wide"])], Vec::new())?;
    /// let bus_bits = space.category("bus", [("narrow", 64), ("wide", 256)])?;
    /// assert_eq!(*bus_bits.of(&space.design(&[1])?), 256);
    /// # Ok::<(), tapeout_core::SpaceError>(())
    /// ```
    pub fn category<'a, T: Clone>(
        &self,
        name: &str,
        meanings: impl IntoIterator<Item = (&'a str, T)>,
    ) -> Result<CategoryParameter<T>, SpaceError> {
        let index = self.index_of(name)?;
        let meanings: Vec<(&str, T)> = meanings.into_iter().collect();
        let meaning = |level: &String| {
            let found = meanings.iter().find(|(known, _)| known == level);
            found.map(|(_, meaning)| meaning.clone())
        };
        let by_level = match self.parameters()[index].domain() {
            Domain::Categorical(levels) => levels.iter().map(meaning).collect::<Option<Arc<[T]>>>(),
            Domain::Ordinal(_) | Domain::Integer { .. } => None,
        };
        let expected = || meanings.iter().map(|&(name, _)| name).collect::<Vec<_>>().join(", ");
        by_level.map_or_else(
            || Err(self.misread(index, &expected())),
            |meanings| Ok(CategoryParameter { index, meanings }),
        )
    }

    fn misread(&self, index: usize, expected: &str) -> SpaceError {
        let parameter = &self.parameters()[index];
        SpaceError::Misread {
            parameter: parameter.name().to_owned(),
            levels: parameter.levels_text(),
            expected: expected.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Parameter;

    fn space() -> DesignSpace {
        let parameters = vec![
            Parameter::ordinal("clock", [0.8, 1.2]),
            Parameter::integer("offset", -2, 2),
            Parameter::integer_step("depth", 4, 12, 4),
            Parameter::categorical("order", &["row", "column"]),
        ];
        DesignSpace::new(parameters, Vec::new()).unwrap()
    }

    #[test]
    fn each_parameter_is_read_at_its_own_place() {
        let space = space();
        let design = space.design(&[1, 0, 2, 1]).unwrap();
        assert_eq!(space.number("clock").unwrap().of(&design), 1.2);
        assert_eq!(space.number("offset").unwrap().of(&design), -2.0);
        assert_eq!(space.count("depth").unwrap().of(&design), 12);
        // The order of the meanings is not that of the levels.
        assert_eq!(*space.category("order", [("column", 'c'), ("row", 'r')]).unwrap().of(&design), 'c');
    }

    #[test]
    fn a_parameter_of_another_kind_or_name_is_refused() {
        let space = space();
        assert_eq!(
            space.number("order").unwrap_err().to_string(),
            "parameter `order`: got the levels row, column, expected numbers"
        );
        for name in ["clock", "offset"] {
            let error = space.count(name).unwrap_err().to_string();
            assert!(error.ends_with("expected whole numbers from 0 on"), "{error}");
        }
        for name in ["order", "depth"] {
            let error = space.category(name, [("row", 0)]).unwrap_err().to_string();
            assert!(error.ends_with("expected row"), "{error}");
        }
        assert!(matches!(space.number("clok"), Err(SpaceError::UnknownParameter { .. })));
    }
}

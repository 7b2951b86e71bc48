//! A space with fewer levels.

use super::block::Block;
use super::{DesignSpace, SpaceError};
use crate::parameter::{Domain, Parameter};

impl DesignSpace {
    /// The part of this space in which each parameter has the levels of `kept` alone, in increasing order; shape `[parameters][levels]`.
    /// Its rules are those of this space.
    ///
    /// # Errors
    /// [`SpaceError`] if a parameter is left without a level, or no design is legal.
    ///
    /// # Panics
    /// If there is not one list for each parameter, or a level does not exist.
    pub fn narrowed(&self, kept: &[Vec<u32>]) -> Result<Self, SpaceError> {
        assert_eq!(kept.len(), self.n_parameters(), "one list of levels for each parameter");
        let parameters: Vec<Parameter> =
            self.parameters().iter().zip(kept).map(|(parameter, levels)| fewer(parameter, levels)).collect();
        let is_listed =
            self.rules().is_empty() && self.inner.blocks.iter().any(|block| matches!(block, Block::Tied(_)));
        if !is_listed {
            return self.with_the_known(&Self::new(parameters, self.rules().to_vec())?, kept);
        }
        let row = |levels: &[u32]| -> Option<Vec<u32>> {
            let place =
                |(level, kept): (&u32, &Vec<u32>)| kept.binary_search(level).ok().map(|place| place as u32);
            levels.iter().zip(kept).map(place).collect()
        };
        let part = self.iter().filter_map(|design| row(design.levels())).collect();
        self.with_the_known(&Self::of_rows(parameters, part)?, kept)
    }

    /// `part`, with what is known of this space.
    fn with_the_known(&self, part: &Self, kept: &[Vec<u32>]) -> Result<Self, SpaceError> {
        let equal_levels = self.equal_levels.iter().filter_map(|it| it.narrowed(kept)).collect();
        Ok(Self { equal_levels, ..part.with_products(&self.product_texts())? })
    }
}

/// `parameter` with these levels; as it was if they are all.
fn fewer(parameter: &Parameter, levels: &[u32]) -> Parameter {
    if levels.len() == parameter.n_levels() as usize {
        return parameter.clone();
    }
    let number =
        |&level: &u32| parameter.number(level).expect("invariant: a category has no number, and this has");
    let domain = match parameter.domain() {
        Domain::Categorical(names) => {
            Domain::Categorical(levels.iter().map(|&level| names[level as usize].clone()).collect())
        }
        Domain::Ordinal(_) | Domain::Integer { .. } => Domain::Ordinal(levels.iter().map(number).collect()),
    };
    Parameter::new(parameter.name(), domain).unit(parameter.unit_name()).about(parameter.summary())
}

//! Named spaces.

use std::collections::BTreeMap;
use std::fmt;

use rand::Rng;

use super::{Mask, Space, SpaceElement};

/// One element of each of several named spaces. Names are kept in alphabetical order, as in Gymnasium.
///
/// ```
/// use tapeout::gymnasium::spaces::{Dict, Discrete};
/// let space = Dict::new([("rows", Discrete::new(4).into())]);
/// assert!(space.get("rows").is_some() && space.get("columns").is_none());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dict {
    spaces: BTreeMap<String, Space>,
}

impl Dict {
    /// These spaces by name; the last of two under one name stays.
    pub fn new<'a>(spaces: impl IntoIterator<Item = (&'a str, Space)>) -> Self {
        Self { spaces: spaces.into_iter().map(|(name, space)| (name.to_owned(), space)).collect() }
    }

    /// The space called `name`.
    pub fn get(&self, name: &str) -> Option<&Space> {
        self.spaces.get(name)
    }

    /// The spaces by name.
    pub fn spaces(&self) -> &BTreeMap<String, Space> {
        &self.spaces
    }

    /// Whether there is one element for each space, and it belongs there.
    pub fn contains(&self, elements: &BTreeMap<String, SpaceElement>) -> bool {
        elements.len() == self.spaces.len()
            && elements
                .iter()
                .all(|(name, element)| self.get(name).is_some_and(|space| space.contains(element)))
    }

    /// Draws an element of each space, in alphabetical order, under its mask if it has one.
    pub fn sample(
        &self,
        rng: &mut impl Rng,
        masks: Option<&BTreeMap<String, Mask>>,
    ) -> BTreeMap<String, SpaceElement> {
        let mask = |name: &String| masks.and_then(|masks| masks.get(name));
        self.spaces.iter().map(|(name, space)| (name.clone(), space.sample(rng, mask(name)))).collect()
    }
}

impl fmt::Display for Dict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<String> =
            self.spaces.iter().map(|(name, space)| format!("'{name}': {space}")).collect();
        write!(formatter, "Dict({})", entries.join(", "))
    }
}

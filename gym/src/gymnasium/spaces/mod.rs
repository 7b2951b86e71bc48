//! Spaces: what an action or an observation can be.
//!
//! A [`Space`] says what belongs to it ([`Space::contains`]) and draws from it ([`Space::sample`]), if wished under a
//! [`Mask`]. What belongs to a space is an [`SpaceElement`].

mod box_space;
mod dict;
mod discrete;
mod multi_discrete;

use std::collections::BTreeMap;
use std::fmt;

use rand::Rng;

pub use box_space::Box;
pub use dict::Dict;
pub use discrete::Discrete;
pub use multi_discrete::MultiDiscrete;

/// Any of the spaces.
#[derive(Debug, Clone, PartialEq)]
pub enum Space {
    /// Whole numbers, one at a time.
    Discrete(Discrete),
    /// Several whole numbers at once.
    MultiDiscrete(MultiDiscrete),
    /// An array of real numbers.
    Box(Box),
    /// Named spaces.
    Dict(Dict),
}

/// A member of a space.
#[derive(Debug, Clone, PartialEq)]
pub enum SpaceElement {
    /// Of a [`Discrete`] space.
    Discrete(i64),
    /// Of a [`MultiDiscrete`] space, shape `[d]`.
    MultiDiscrete(Vec<i64>),
    /// Of a [`Box`] space: its numbers in row-major order.
    Box(Vec<f32>),
    /// Of a [`Dict`] space.
    Dict(BTreeMap<String, SpaceElement>),
}

/// Which elements may be drawn: `true` for those that may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mask {
    /// One entry for each number of a [`Discrete`] space, shape `[n]`.
    Discrete(Vec<bool>),
    /// One mask for each number of a [`MultiDiscrete`] space, shapes `[nvec[i]]`.
    MultiDiscrete(Vec<Vec<bool>>),
    /// Masks for some of the spaces of a [`Dict`].
    Dict(BTreeMap<String, Mask>),
}

impl Space {
    /// Whether `element` belongs to the space.
    pub fn contains(&self, element: &SpaceElement) -> bool {
        match (self, element) {
            (Self::Discrete(space), SpaceElement::Discrete(number)) => space.contains(*number),
            (Self::MultiDiscrete(space), SpaceElement::MultiDiscrete(numbers)) => space.contains(numbers),
            (Self::Box(space), SpaceElement::Box(values)) => space.contains(values),
            (Self::Dict(space), SpaceElement::Dict(elements)) => space.contains(elements),
            _ => false,
        }
    }

    /// Draws an element: uniformly from what is finite, and see [`Box::sample`] for what is not.
    ///
    /// Under a mask only what it allows is drawn. A mask that allows nothing gives the least element, as in Gymnasium.
    ///
    /// # Panics
    /// If the mask is not of the [space's shape](Space::fits).
    pub fn sample(&self, rng: &mut impl Rng, mask: Option<&Mask>) -> SpaceElement {
        if let Some(mask) = mask {
            assert!(self.fits(mask), "the mask {mask:?} is not of the shape of {self}");
        }
        match (self, mask) {
            (Self::Discrete(space), Some(Mask::Discrete(allowed))) => {
                SpaceElement::Discrete(space.sample(rng, Some(allowed)))
            }
            (Self::Discrete(space), _) => SpaceElement::Discrete(space.sample(rng, None)),
            (Self::MultiDiscrete(space), Some(Mask::MultiDiscrete(allowed))) => {
                SpaceElement::MultiDiscrete(space.sample(rng, Some(allowed)))
            }
            (Self::MultiDiscrete(space), _) => SpaceElement::MultiDiscrete(space.sample(rng, None)),
            (Self::Box(space), _) => SpaceElement::Box(space.sample(rng)),
            (Self::Dict(space), Some(Mask::Dict(masks))) => {
                SpaceElement::Dict(space.sample(rng, Some(masks)))
            }
            (Self::Dict(space), _) => SpaceElement::Dict(space.sample(rng, None)),
        }
    }

    /// Whether a mask is of the space's kind and shape.
    pub fn fits(&self, mask: &Mask) -> bool {
        match (self, mask) {
            (Self::Discrete(space), Mask::Discrete(allowed)) => allowed.len() as u64 == space.n(),
            (Self::MultiDiscrete(space), Mask::MultiDiscrete(allowed)) => {
                allowed.len() == space.nvec().len()
                    && allowed.iter().zip(space.nvec()).all(|(mask, &n)| mask.len() as u64 == n)
            }
            (Self::Dict(space), Mask::Dict(masks)) => {
                masks.iter().all(|(key, mask)| space.get(key).is_some_and(|inner| inner.fits(mask)))
            }
            _ => false,
        }
    }
}

impl Mask {
    /// Whether the mask allows an element.
    pub fn allows_any(&self) -> bool {
        match self {
            Self::Discrete(allowed) => allowed.contains(&true),
            Self::MultiDiscrete(allowed) => allowed.iter().all(|mask| mask.contains(&true)),
            Self::Dict(masks) => masks.values().all(Self::allows_any),
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discrete(space) => space.fmt(formatter),
            Self::MultiDiscrete(space) => space.fmt(formatter),
            Self::Box(space) => space.fmt(formatter),
            Self::Dict(space) => space.fmt(formatter),
        }
    }
}

impl From<Discrete> for Space {
    fn from(space: Discrete) -> Self {
        Self::Discrete(space)
    }
}

impl From<MultiDiscrete> for Space {
    fn from(space: MultiDiscrete) -> Self {
        Self::MultiDiscrete(space)
    }
}

impl From<Box> for Space {
    fn from(space: Box) -> Self {
        Self::Box(space)
    }
}

impl From<Dict> for Space {
    fn from(space: Dict) -> Self {
        Self::Dict(space)
    }
}

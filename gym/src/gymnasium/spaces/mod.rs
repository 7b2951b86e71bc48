//! Spaces: what an action or an observation can be.
//!
//! A [`Space`] says what belongs to it ([`Space::contains`]) and draws from it ([`Space::sample`]), if wished under a
//! [`Mask`]. What belongs to a space is an [`Element`].

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
pub enum Element {
    /// Of a [`Discrete`] space.
    Discrete(i64),
    /// Of a [`MultiDiscrete`] space, shape `[d]`.
    MultiDiscrete(Vec<i64>),
    /// Of a [`Box`] space: its numbers in row-major order.
    Box(Vec<f32>),
    /// Of a [`Dict`] space.
    Dict(BTreeMap<String, Element>),
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
    pub fn contains(&self, element: &Element) -> bool {
        match (self, element) {
            (Self::Discrete(space), Element::Discrete(number)) => space.contains(*number),
            (Self::MultiDiscrete(space), Element::MultiDiscrete(numbers)) => space.contains(numbers),
            (Self::Box(space), Element::Box(values)) => space.contains(values),
            (Self::Dict(space), Element::Dict(elements)) => space.contains(elements),
            _ => false,
        }
    }

    /// Draws an element: uniformly from what is finite, and see [`Box::sample`] for what is not.
    ///
    /// Under a mask only what it allows is drawn. A mask that allows nothing gives the least element, as in Gymnasium.
    ///
    /// # Panics
    /// If the mask is not of the [space's shape](Space::fits).
    pub fn sample(&self, rng: &mut impl Rng, mask: Option<&Mask>) -> Element {
        if let Some(mask) = mask {
            assert!(self.fits(mask), "the mask {mask:?} is not of the shape of {self}");
        }
        match (self, mask) {
            (Self::Discrete(space), Some(Mask::Discrete(allowed))) => {
                Element::Discrete(space.sample(rng, Some(allowed)))
            }
            (Self::Discrete(space), _) => Element::Discrete(space.sample(rng, None)),
            (Self::MultiDiscrete(space), Some(Mask::MultiDiscrete(allowed))) => {
                Element::MultiDiscrete(space.sample(rng, Some(allowed)))
            }
            (Self::MultiDiscrete(space), _) => Element::MultiDiscrete(space.sample(rng, None)),
            (Self::Box(space), _) => Element::Box(space.sample(rng)),
            (Self::Dict(space), Some(Mask::Dict(masks))) => Element::Dict(space.sample(rng, Some(masks))),
            (Self::Dict(space), _) => Element::Dict(space.sample(rng, None)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;

    fn nested() -> Space {
        let inner = Dict::new([("bits", Space::from(MultiDiscrete::new(vec![2, 3])))]);
        let box_space = Box::new(vec![-1.0; 4], vec![1.0; 4], vec![2, 2]);
        Dict::new([
            ("level", Discrete::starting_at(3, -1).into()),
            ("seen", box_space.into()),
            ("in", inner.into()),
        ])
        .into()
    }

    /// Law: a space contains whatever it draws.
    #[test]
    fn every_sample_is_contained() {
        let mut rng = Seed::new(0).stream("test");
        let space = nested();
        for _ in 0..500 {
            let element = space.sample(&mut rng, None);
            assert!(space.contains(&element), "{element:?}");
        }
    }

    #[test]
    fn a_dict_hands_each_mask_to_its_own_space() {
        let mut rng = Seed::new(0).stream("test");
        let bits = Mask::MultiDiscrete(vec![vec![false, true], vec![true, false, false]]);
        let masks = BTreeMap::from([
            ("level".to_owned(), Mask::Discrete(vec![false, false, true])),
            ("in".to_owned(), Mask::Dict(BTreeMap::from([("bits".to_owned(), bits)]))),
        ]);
        for _ in 0..50 {
            let Element::Dict(drawn) = nested().sample(&mut rng, Some(&Mask::Dict(masks.clone()))) else {
                panic!("a dict draws a dict")
            };
            assert_eq!(drawn["level"], Element::Discrete(1));
            assert_eq!(
                drawn["in"],
                Element::Dict(BTreeMap::from([("bits".to_owned(), Element::MultiDiscrete(vec![1, 0]))]))
            );
        }
    }

    #[test]
    fn elements_of_another_kind_or_with_other_keys_do_not_belong() {
        let space = nested();
        assert!(!space.contains(&Element::Discrete(0)));
        let Element::Dict(mut element) = space.sample(&mut Seed::new(0).stream("test"), None) else {
            panic!("a dict draws a dict")
        };
        element.insert("more".to_owned(), Element::Discrete(0));
        assert!(!space.contains(&Element::Dict(element.clone())));
        element.remove("more");
        element.remove("level");
        assert!(!space.contains(&Element::Dict(element)));
    }

    #[test]
    #[should_panic(expected = "is not of the shape of Discrete(3, start=-1)")]
    fn a_mask_of_another_shape_is_a_bug() {
        let space = Space::from(Discrete::starting_at(3, -1));
        space.sample(&mut Seed::new(0).stream("test"), Some(&Mask::Discrete(vec![true; 2])));
    }

    /// The texts Python prints for the same spaces.
    #[test]
    fn spaces_are_written_as_in_python() {
        let text = "Dict('in': Dict('bits': MultiDiscrete([2 3])), 'level': Discrete(3, start=-1), 'seen': Box(-1.0, 1.0, (2, 2), float32))";
        assert_eq!(nested().to_string(), text);
        assert_eq!(Space::from(Discrete::new(4)).to_string(), "Discrete(4)");
        let line = Box::bounded(0.0, 1.0, 3);
        assert_eq!(Space::from(line).to_string(), "Box(0.0, 1.0, (3,), float32)");
        let uneven = Box::new(vec![0.0, -1.0], vec![1.0, 2.0], vec![2]);
        assert_eq!(Space::from(uneven).to_string(), "Box([0.0 -1.0], [1.0 2.0], (2,), float32)");
    }
}

//! Designs by the million: packed into a few words each, in the order in which they came, and found again.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Design, DesignSpace};

/// Designs of one space, in the order in which they were added, in a word or a few each.
#[derive(Clone)]
pub struct PackedDesigns {
    /// For each parameter the word that its level is in, how much it counts there, and how many levels there are.
    digits: Vec<Digit>,
    /// Words of a design.
    n_words: usize,
    /// Shape `[n][n_words]`.
    words: Vec<u64>,
}

/// Where the level of a parameter is.
#[derive(Clone, Copy)]
struct Digit {
    word: usize,
    weight: u64,
    n_levels: u64,
}

impl PackedDesigns {
    /// None of `space` yet.
    pub fn new(space: &DesignSpace) -> Self {
        let (mut word, mut weight) = (0, 1_u64);
        let mut digit = |n_levels: u32| {
            let n_levels = u64::from(n_levels);
            // What follows would not fit beside it.
            if weight.checked_mul(n_levels).is_none() {
                (word, weight) = (word + 1, 1);
            }
            let digit = Digit { word, weight, n_levels };
            weight *= n_levels;
            digit
        };
        let digits = space.parameters().iter().map(|parameter| digit(parameter.n_levels())).collect();
        Self { digits, n_words: word + 1, words: Vec::new() }
    }

    /// Adds a design of the space.
    pub fn push(&mut self, design: &Design) {
        let start = self.words.len();
        self.words.resize(start + self.n_words, 0);
        pack(&self.digits, design, &mut self.words[start..]);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.words.len() / self.n_words
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The design that was added at this place, from 0.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, index: usize) -> Design {
        let words = self.words_of(index);
        let level = |digit: &Digit| (words[digit.word] / digit.weight % digit.n_levels) as u32;
        Design(self.digits.iter().map(level).collect())
    }

    fn words_of(&self, index: usize) -> &[u64] {
        &self.words[index * self.n_words..(index + 1) * self.n_words]
    }
}

impl fmt::Debug for PackedDesigns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries((0..self.len()).map(|index| self.get(index))).finish()
    }
}

fn pack(digits: &[Digit], design: &Design, words: &mut [u64]) {
    for (digit, &level) in digits.iter().zip(design.levels()) {
        words[digit.word] += digit.weight * u64::from(level);
    }
}

/// Different designs of one space, numbered in the order in which they were added: a map from designs to numbers in some twenty bytes for
/// each.
#[derive(Debug, Clone)]
pub struct DesignIndex {
    designs: PackedDesigns,
    /// A table with open addressing: 0 where it is free, otherwise the number of a design and 1. Its length is a power of two.
    slots: Vec<u32>,
    /// The words of the design that is looked for.
    sought: Vec<u64>,
}

impl DesignIndex {
    /// None of `space` yet.
    pub fn new(space: &DesignSpace) -> Self {
        let designs = PackedDesigns::new(space);
        Self { sought: vec![0; designs.n_words], designs, slots: vec![0; 16] }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.designs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.designs.is_empty()
    }

    /// The number of a design, from 0; none if it was not added.
    pub fn find(&self, design: &Design) -> Option<usize> {
        let mut sought = vec![0; self.designs.n_words];
        pack(&self.designs.digits, design, &mut sought);
        let slot = self.slot_of(&sought);
        (self.slots[slot] as usize).checked_sub(1)
    }

    /// Adds a design, unless it is there: whether it is new.
    ///
    /// # Panics
    /// If there are 2^32 - 1.
    pub fn insert(&mut self, design: &Design) -> bool {
        // Of four slots at most three are taken, so that what is sought is near.
        if self.slots.len() / 4 * 3 <= self.len() {
            self.grow();
        }
        self.sought.fill(0);
        pack(&self.designs.digits, design, &mut self.sought);
        let slot = self.slot_of(&self.sought);
        if self.slots[slot] != 0 {
            return false;
        }
        self.designs.words.extend_from_slice(&self.sought);
        self.slots[slot] = number(self.len());
        true
    }

    /// The slot of the design of these words, or the free one that it would have.
    fn slot_of(&self, words: &[u64]) -> usize {
        let is_its = |taken: u32| taken == 0 || self.designs.words_of(taken as usize - 1) == words;
        let mut slot = first_slot(words, self.slots.len());
        while !is_its(self.slots[slot]) {
            slot = (slot + 1) % self.slots.len();
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![0; 2 * self.slots.len()];
        for index in 0..self.len() {
            let slot = self.slot_of(self.designs.words_of(index));
            self.slots[slot] = number(index + 1);
        }
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).expect("no machine evaluates 2^32 designs")
}

/// Where to look first. The hash has the same keys in every process.
fn first_slot(words: &[u64], n_slots: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    (hasher.finish() % n_slots as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::toy::Toy;
    use crate::env::Env;
    use crate::{Parameter, Seed};

    /// Law: what was added comes back as it was, in its place, where a design takes one word and where it takes several.
    #[test]
    fn packed_designs_come_back_as_they_were() {
        let wide = (0..6).map(|index| Parameter::integer(&format!("p{index}"), 0, 1_000_003)).collect();
        let spaces = [Toy::tied().space().clone(), DesignSpace::new(wide, Vec::new()).unwrap()];
        // By hand: 2^64 is between 1,000,004^3 and its fourth power, so six levels take two words.
        assert_eq!(spaces.each_ref().map(|space| PackedDesigns::new(space).n_words), [1, 2]);
        for space in spaces {
            let mut rng = Seed::new(0).stream("designs");
            let designs: Vec<Design> = (0..300).map(|_| space.sample(&mut rng)).collect();
            let mut packed = PackedDesigns::new(&space);
            designs.iter().for_each(|design| packed.push(design));
            assert_eq!(packed.len(), 300);
            assert!(designs.iter().enumerate().all(|(index, design)| packed.get(index) == *design));
        }
    }

    /// Law: an index answers as a list that is looked through, whatever was added in which order and how often.
    #[test]
    fn an_index_numbers_designs_in_the_order_in_which_they_were_new() {
        // 196 designs, of which 400 draws leave out one in eight.
        let sides = ["a", "b"].map(|name| Parameter::integer(name, 1, 14));
        let space = DesignSpace::new(sides.into(), Vec::new()).unwrap();
        let (mut index, mut listed) = (DesignIndex::new(&space), Vec::new());
        let mut rng = Seed::new(0).stream("designs");
        for _ in 0..400 {
            let design = space.sample(&mut rng);
            let place = listed.iter().position(|known| *known == design);
            assert_eq!(index.find(&design), place);
            assert_eq!(index.insert(&design), place.is_none());
            if place.is_none() {
                listed.push(design);
            }
        }
        assert!((150..196).contains(&index.len()) && index.len() == listed.len(), "{}", index.len());
    }
}

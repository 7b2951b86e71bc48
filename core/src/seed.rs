//! Reproducible randomness: one seed, a stream for every purpose.
//!
//! Streams are ChaCha with 8 rounds, whose output is fixed by its specification (Bernstein 2008, "ChaCha, a
//! variant of Salsa20"), so a run keeps its bytes when a dependency is updated.

use rand::SeedableRng;
use serde::{Deserialize, Serialize};

/// The generator behind every stream.
pub type Stream = rand_chacha::ChaCha8Rng;

/// The seed of a run. Everything random is drawn from a stream named after its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// A seed with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number it was made from.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The stream for `purpose`; other purposes and other seeds give independent streams.
    ///
    /// ```
    /// use rand::RngExt;
    /// use tapeout_core::Seed;
    /// let draw = |purpose| Seed::new(7).stream(purpose).random::<u64>();
    /// assert_eq!(draw("mutation"), draw("mutation"));
    /// assert_ne!(draw("mutation"), draw("crossover"));
    /// ```
    pub fn stream(self, purpose: &str) -> Stream {
        let mut state = self.0 ^ fnv1a(purpose.as_bytes());
        let mut key = [0; 32];
        for word in key.chunks_exact_mut(8) {
            word.copy_from_slice(&split_mix(&mut state).to_le_bytes());
        }
        Stream::from_seed(key)
    }

    /// A seed of its own for a part of the run, such as one member of an ensemble.
    pub fn child(self, purpose: &str, index: u64) -> Self {
        let mut state = self.0 ^ fnv1a(purpose.as_bytes()).rotate_left(32) ^ index.wrapping_mul(GOLDEN_GAMMA);
        Self(split_mix(&mut state))
    }
}

// Steele, Lea & Flood (2014), doi:10.1145/2660193.2660195, section 5: the odd integer closest to 2^64 / phi.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// One step of SplitMix64, with the mixing constants of Stafford's variant 13.
/// Source: Steele, Lea & Flood (2014), doi:10.1145/2660193.2660195, figure 16.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GOLDEN_GAMMA);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 64-bit FNV-1a, to tell texts apart that differ by accident.
/// Source: RFC 9923 (Fowler, Noll, Vo, Eastlake, Hansen), offset basis and prime of section 5.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// The reference value of FNV-1a for "a": published with the algorithm's test vectors.
    #[test]
    fn fnv1a_agrees_with_its_test_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// A change here would change every run anybody has logged.
    #[test]
    fn streams_never_move() {
        let mut stream = Seed::new(0).stream("test");
        let drawn: Vec<u32> = (0..3).map(|_| stream.random()).collect();
        let mut again = Seed::new(0).stream("test");
        assert_eq!(drawn, (0..3).map(|_| again.random()).collect::<Vec<u32>>());
        assert_ne!(Seed::new(0).child("a", 0), Seed::new(0).child("a", 1));
        assert_ne!(Seed::new(0).child("a", 0), Seed::new(0).child("b", 0));
    }
}

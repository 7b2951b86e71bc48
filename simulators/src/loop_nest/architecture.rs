//! The machine: an array of multiply-accumulate units below a hierarchy of storage levels.

use serde::{Deserialize, Serialize};
use tapeout_core::UnknownName;

use crate::names::index_of;

/// Most storage levels of one architecture; fixed so that an evaluation allocates nothing.
pub const MAX_LEVELS: usize = 8;

/// The multiply-accumulate units at the bottom of the hierarchy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mac {
    /// How many there are on the chip.
    pub instances: u64,
    /// How many of them side by side in x; the rest is y.
    pub mesh_x: u64,
    /// Width of an operand, bits.
    pub word_bits: u32,
    /// Energy of one multiply-accumulate.
    pub energy_j: f64,
    /// Area of one unit, if it is to be reported.
    #[serde(default)]
    pub area_m2: Option<f64>,
}

/// Energy of one vector access (one block), and leakage.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessEnergy {
    /// Reading a block.
    pub read_j: f64,
    /// Writing a block that comes from the parent.
    pub fill_j: f64,
    /// Writing a block of results that comes from below.
    pub update_j: f64,
    /// Leakage of one instance per cycle.
    #[serde(default)]
    pub leak_j_per_cycle: f64,
}

/// Words that one instance can move per cycle; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bandwidth {
    /// Words read.
    pub read_words_per_cycle: Option<f64>,
    /// Words written: fills and updates.
    pub write_words_per_cycle: Option<f64>,
    /// Words read and written together.
    pub shared_words_per_cycle: Option<f64>,
}

/// How words reach the instances below a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// A bus or tree: every instance has its word in the same cycle.
    #[default]
    Multicast,
    /// Words are handed from neighbour to neighbour, one cycle each, so that the array fills and drains.
    Systolic,
}

/// The network between a level and the instances below it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Energy of one word over one hop.
    pub hop_j: f64,
    /// Energy of one word through one router.
    pub router_j: f64,
    /// Whether an instance can hand a word to its neighbour in x or y.
    pub neighbour_links: bool,
    /// How words reach the array.
    pub delivery: Delivery,
}

/// One kind of storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Name, unique in the architecture.
    pub name: String,
    /// How many there are on the chip.
    pub instances: u64,
    /// How many of them side by side in x; the rest is y.
    pub mesh_x: u64,
    /// Width of a word, bits.
    pub word_bits: u32,
    /// Words of one vector access.
    #[serde(default = "one")]
    pub block_words: u64,
    /// Instances that are banks of one physical memory: one access, and its energy, serves them all.
    #[serde(default = "one")]
    pub cluster_size: u64,
    /// Capacity of one instance in words; `None` is unbounded.
    #[serde(default)]
    pub entries: Option<u64>,
    /// Tiles held at once: 2 overlaps the next tile's arrival with the work on this one.
    #[serde(default = "single")]
    pub multiple_buffering: f64,
    /// Whether words of the next tile arrive while this one is in use. By default they do if two tiles fit; a memory that
    /// gives words free one by one can do so in the room of a single tile.
    #[serde(default)]
    pub overlaps_fills: Option<bool>,
    /// Words per cycle.
    #[serde(default)]
    pub bandwidth: Bandwidth,
    /// Energy per access.
    pub energy: AccessEnergy,
    /// The network to the level below.
    #[serde(default)]
    pub network: Network,
    /// Whether a partial sum can be added to in place; DRAM cannot, so that sums travel both ways.
    #[serde(default = "yes")]
    pub reduces_in_place: bool,
    /// Area of one instance, if it is to be reported.
    #[serde(default)]
    pub area_m2: Option<f64>,
}

impl Level {
    /// Whether the next tile arrives while this one is in use; if not, all work below waits for it.
    pub fn fills_overlap(&self) -> bool {
        self.overlaps_fills.unwrap_or(self.multiple_buffering >= 2.0)
    }
}

fn one() -> u64 {
    1
}

fn single() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

/// A machine, checked: storage levels from the innermost to the outermost, over an array of MAC units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ArchitectureText", into = "ArchitectureText")]
pub struct Architecture {
    mac: Mac,
    levels: Vec<Level>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchitectureText {
    mac: Mac,
    levels: Vec<Level>,
}

/// Why an [`Architecture`] was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArchitectureError {
    /// None, or too many levels.
    #[error("{got} storage levels, expected 1 to {MAX_LEVELS}")]
    LevelCount {
        /// Number of levels.
        got: usize,
    },
    /// A level has no name.
    #[error("level {place} from the inside has no name, expected one")]
    Unnamed {
        /// Its place, from 1.
        place: usize,
    },
    /// Two levels have one name.
    #[error("level `{level}` is declared twice")]
    Duplicate {
        /// The name.
        level: String,
    },
    /// A number is out of its range.
    #[error("level `{level}`: `{field}` is {got}, expected {expected}")]
    Range {
        /// The level, or `MAC`.
        level: String,
        /// The field.
        field: &'static str,
        /// Value of the field.
        got: f64,
        /// Values that the field may have.
        expected: &'static str,
    },
    /// The instances of a level cannot be shared out evenly among those of the level above it.
    #[error(
        "level `{level}`: {x} x {y} instances do not divide evenly among {parent_x} x {parent_y} of `{parent}`"
    )]
    Mesh {
        /// The inner level, or `MAC`.
        level: String,
        /// Instances of the inner level in x.
        x: u64,
        /// Instances of the inner level in y.
        y: u64,
        /// The level above it.
        parent: String,
        /// Instances of the level above in x.
        parent_x: u64,
        /// Instances of the level above in y.
        parent_y: u64,
    },
}

impl Architecture {
    /// A machine of `mac` units below `levels`, the innermost level first.
    ///
    /// # Errors
    /// [`ArchitectureError`] naming the level and field.
    pub fn new(mac: Mac, levels: Vec<Level>) -> Result<Self, ArchitectureError> {
        if levels.is_empty() || levels.len() > MAX_LEVELS {
            return Err(ArchitectureError::LevelCount { got: levels.len() });
        }
        check_mac(&mac)?;
        for (index, level) in levels.iter().enumerate() {
            if level.name.trim().is_empty() {
                return Err(ArchitectureError::Unnamed { place: index + 1 });
            }
            if levels[..index].iter().any(|other| other.name == level.name) {
                return Err(ArchitectureError::Duplicate { level: level.name.clone() });
            }
            check_level(level)?;
        }
        let architecture = Self { mac, levels };
        (0..architecture.levels.len()).try_for_each(|level| architecture.check_mesh(level))?;
        Ok(architecture)
    }

    /// The multiply-accumulate units.
    pub fn mac(&self) -> &Mac {
        &self.mac
    }

    /// Storage levels, the innermost first.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Whether no mapping costs any energy: accesses, leakage, networks and arithmetic all cost nothing.
    pub(crate) fn is_free_of_energy(&self) -> bool {
        let levels = self.levels.iter().flat_map(|level| {
            let (energy, network) = (&level.energy, &level.network);
            let accesses = [energy.read_j, energy.fill_j, energy.update_j, energy.leak_j_per_cycle];
            accesses.into_iter().chain([network.hop_j, network.router_j])
        });
        levels.chain([self.mac.energy_j]).all(|energy_j| energy_j == 0.0)
    }

    /// Index of the level called `name`.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest known name.
    pub fn level_index(&self, name: &str) -> Result<usize, UnknownName> {
        index_of("level", name, self.levels.iter().map(|level| level.name.as_str()))
    }

    /// Instances in x and y that one instance of `level` feeds: of the level below, or of the MAC array.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn fanout(&self, level: usize) -> (u64, u64) {
        let (child_x, child_y) = self.mesh_below(level);
        let parent = &self.levels[level];
        (child_x / parent.mesh_x, child_y / (parent.instances / parent.mesh_x))
    }

    /// Area of all instances of everything whose area is known.
    pub fn area_m2(&self) -> f64 {
        let levels: f64 =
            self.levels.iter().map(|level| level.area_m2.unwrap_or(0.0) * level.instances as f64).sum();
        levels + self.mac.area_m2.unwrap_or(0.0) * self.mac.instances as f64
    }

    fn mesh_below(&self, level: usize) -> (u64, u64) {
        let (instances, mesh_x) = match level.checked_sub(1) {
            Some(child) => (self.levels[child].instances, self.levels[child].mesh_x),
            None => (self.mac.instances, self.mac.mesh_x),
        };
        (mesh_x, instances / mesh_x)
    }

    fn check_mesh(&self, level: usize) -> Result<(), ArchitectureError> {
        let (x, y) = self.mesh_below(level);
        let parent = &self.levels[level];
        let (parent_x, parent_y) = (parent.mesh_x, parent.instances / parent.mesh_x);
        if x % parent_x == 0 && y % parent_y == 0 {
            return Ok(());
        }
        let child = level.checked_sub(1).map_or("MAC", |child| &self.levels[child].name);
        let (level, parent) = (child.to_owned(), parent.name.clone());
        Err(ArchitectureError::Mesh { level, x, y, parent, parent_x, parent_y })
    }
}

impl TryFrom<ArchitectureText> for Architecture {
    type Error = ArchitectureError;

    /// A level without room is no machine that anybody writes down. Timeloop's have some, which all tensors pass by to keep a spatial axis
    /// apart: those are made by [`Architecture::new`].
    fn try_from(text: ArchitectureText) -> Result<Self, ArchitectureError> {
        if let Some(level) = text.levels.iter().find(|level| level.entries == Some(0)) {
            let (level, expected) = (level.name.clone(), "at least 1");
            return Err(ArchitectureError::Range { level, field: "entries", got: 0.0, expected });
        }
        Self::new(text.mac, text.levels)
    }
}

impl From<Architecture> for ArchitectureText {
    fn from(architecture: Architecture) -> Self {
        Self { mac: architecture.mac, levels: architecture.levels }
    }
}

fn check_mac(mac: &Mac) -> Result<(), ArchitectureError> {
    check_instances("MAC", mac.instances, mac.mesh_x)?;
    if mac.word_bits == 0 {
        let (level, expected) = ("MAC".to_owned(), "at least 1");
        return Err(ArchitectureError::Range { level, field: "word_bits", got: 0.0, expected });
    }
    not_negative("MAC", "energy_j", mac.energy_j)
}

fn check_level(level: &Level) -> Result<(), ArchitectureError> {
    let name = level.name.as_str();
    let range =
        |field, got, expected| Err(ArchitectureError::Range { level: name.to_owned(), field, got, expected });
    check_instances(name, level.instances, level.mesh_x)?;
    for (field, count) in [
        ("word_bits", u64::from(level.word_bits)),
        ("block_words", level.block_words),
        ("cluster_size", level.cluster_size),
    ] {
        if count == 0 {
            return range(field, 0.0, "at least 1");
        }
    }
    if !(level.multiple_buffering >= 1.0 && level.multiple_buffering.is_finite()) {
        return range("multiple_buffering", level.multiple_buffering, "at least 1");
    }
    for (field, limit) in [
        ("read_words_per_cycle", level.bandwidth.read_words_per_cycle),
        ("write_words_per_cycle", level.bandwidth.write_words_per_cycle),
        ("shared_words_per_cycle", level.bandwidth.shared_words_per_cycle),
    ] {
        if let Some(got) = limit.filter(|limit| !(*limit > 0.0 && limit.is_finite())) {
            return range(field, got, "more than 0");
        }
    }
    not_negative(name, "energy.read_j", level.energy.read_j)?;
    not_negative(name, "energy.fill_j", level.energy.fill_j)?;
    not_negative(name, "energy.update_j", level.energy.update_j)?;
    not_negative(name, "energy.leak_j_per_cycle", level.energy.leak_j_per_cycle)?;
    not_negative(name, "network.hop_j", level.network.hop_j)?;
    not_negative(name, "network.router_j", level.network.router_j)
}

fn check_instances(name: &str, instances: u64, mesh_x: u64) -> Result<(), ArchitectureError> {
    let level = name.to_owned();
    if instances == 0 {
        return Err(ArchitectureError::Range { level, field: "instances", got: 0.0, expected: "at least 1" });
    }
    if mesh_x == 0 || !instances.is_multiple_of(mesh_x) {
        let expected = "a divisor of the number of instances";
        return Err(ArchitectureError::Range { level, field: "mesh_x", got: mesh_x as f64, expected });
    }
    Ok(())
}

fn not_negative(level: &str, field: &'static str, got: f64) -> Result<(), ArchitectureError> {
    if got >= 0.0 && got.is_finite() {
        return Ok(());
    }
    Err(ArchitectureError::Range {
        level: level.to_owned(),
        field,
        got,
        expected: "a finite number of at least 0",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in machine like Eyeriss, of three levels, the innermost `Scratchpad`, after one edit.
    fn edited(from: &str, to: &str) -> String {
        let text = include_str!("../../../data/architectures/eyeriss-like.toml");
        assert!(text.contains(from), "{from}");
        toml::from_str::<Architecture>(&text.replacen(from, to, 1)).unwrap_err().message().to_owned()
    }

    #[test]
    fn words_and_rooms_of_nothing_and_levels_without_a_name_are_refused() {
        let least = "is 0, expected at least 1";
        assert_eq!(edited("entries = 260", "entries = 0"), format!("level `Scratchpad`: `entries` {least}"));
        assert_eq!(edited("word_bits = 16", "word_bits = 0"), format!("level `MAC`: `word_bits` {least}"));
        let level = "instances = 168\nmesh_x = 14\nword_bits = 16\n# 12";
        let without = level.replace("word_bits = 16", "word_bits = 0");
        assert_eq!(edited(level, &without), format!("level `Scratchpad`: `word_bits` {least}"));
        let message = edited("name = \"GlobalBuffer\"", "name = \" \"");
        assert_eq!(message, "level 2 from the inside has no name, expected one");
    }
}

//! A mapping: which tensors each level keeps, and which loops run there, in time and in space.

use serde::{Deserialize, Serialize};
use tapeout_core::UnknownName;

use super::architecture::Architecture;
use super::einsum::Einsum;

/// One loop. `residual` is its bound in the last iteration of all enclosing loops of its dimension; it equals
/// `bound` for a perfect factor (imperfect ones are those of Ruby, Horeni et al. 2022, doi:10.1109/ISPASS55109.2022.00030).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loop {
    /// Index into [`Einsum::dims`].
    pub dim: usize,
    /// Iterations of the loop.
    pub bound: u64,
    /// Iterations of the loop the last time.
    pub residual: u64,
}

impl Loop {
    /// A loop of a perfect factor.
    pub fn new(dim: usize, bound: u64) -> Self {
        Self { dim, bound, residual: bound }
    }
}

/// A set of tensors, by index into [`Einsum::tensors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TensorSet(u8);

impl TensorSet {
    /// No tensor.
    pub const EMPTY: Self = Self(0);

    /// The first `n_tensors` tensors.
    pub fn all(n_tensors: usize) -> Self {
        Self(((1u16 << n_tensors) - 1) as u8)
    }

    /// This set and `tensor`.
    #[must_use]
    pub fn with(self, tensor: usize) -> Self {
        Self(self.0 | 1 << tensor)
    }

    /// This set less `tensor`.
    #[must_use]
    pub fn without(self, tensor: usize) -> Self {
        Self(self.0 & !(1 << tensor))
    }

    /// Whether `tensor` is in the set.
    pub fn contains(self, tensor: usize) -> bool {
        self.0 >> tensor & 1 == 1
    }
}

/// What one level does. Loops are listed from the outer to the inner one; the spatial ones run below the temporal
/// ones, y outside x, over the instances of the next-inner level.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LevelMapping {
    /// Tensors stored here; the others pass by.
    pub keep: TensorSet,
    /// Tensors that the instances below may not hand to each other.
    pub no_link_transfer: TensorSet,
    /// Loops in time.
    pub temporal: Vec<Loop>,
    /// Loops over instances in x.
    pub spatial_x: Vec<Loop>,
    /// Loops over instances in y.
    pub spatial_y: Vec<Loop>,
}

/// A mapping of one Einsum onto one architecture: one entry per storage level, the innermost first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// One entry per storage level, the innermost first.
    pub levels: Vec<LevelMapping>,
}

/// A factor in a file: `4`, or `[4, 2]` for a bound of 4 and a residual of 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a factor such as 4, or [4, 2] for a bound and a residual")]
pub enum Factor {
    /// A loop with the same bound every time.
    Perfect(u64),
    /// A loop with a bound and a residual.
    Imperfect(u64, u64),
}

/// A level's mapping in a file, by names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LevelText {
    /// Name of the level.
    pub level: String,
    /// Tensors stored here.
    pub keep: Vec<String>,
    /// Tensors that the instances below may not hand to each other.
    pub no_link_transfer: Vec<String>,
    /// Loops in time, outer to inner.
    pub temporal: Vec<(String, Factor)>,
    /// Loops over instances in x, outer to inner.
    pub spatial_x: Vec<(String, Factor)>,
    /// Loops over instances in y, outer to inner.
    pub spatial_y: Vec<(String, Factor)>,
}

/// A mapping in a file: `[[levels]]` entries by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingText {
    /// One entry per storage level, in any order.
    pub levels: Vec<LevelText>,
}

/// Why a [`MappingText`] is not a mapping of the architecture and the Einsum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A level that the architecture does not have.
    #[error("mapping: {0}")]
    UnknownLevel(#[source] UnknownName),
    /// A dimension or tensor that the Einsum does not have.
    #[error("mapping of level `{level}`, `{field}`: {source}")]
    UnknownName {
        /// The level.
        level: String,
        /// The field.
        field: &'static str,
        /// The name and the nearest known one.
        source: Box<UnknownName>,
    },
    /// A level is mapped twice.
    #[error("mapping: level `{level}` is mapped twice")]
    Duplicate {
        /// The level.
        level: String,
    },
}

impl Mapping {
    /// The mapping that `text` describes by names. A level that is not mentioned keeps nothing and has no loops.
    ///
    /// # Errors
    /// [`MappingError`] naming the level and the field.
    pub fn from_text(
        text: &MappingText,
        architecture: &Architecture,
        einsum: &Einsum,
    ) -> Result<Self, MappingError> {
        let mut levels = vec![LevelMapping::default(); architecture.levels().len()];
        let mut seen = vec![false; levels.len()];
        for entry in &text.levels {
            let index = architecture.level_index(&entry.level).map_err(MappingError::UnknownLevel)?;
            if std::mem::replace(&mut seen[index], true) {
                return Err(MappingError::Duplicate { level: entry.level.clone() });
            }
            levels[index] = LevelMapping {
                keep: tensors(entry, "keep", &entry.keep, einsum)?,
                no_link_transfer: tensors(entry, "no_link_transfer", &entry.no_link_transfer, einsum)?,
                temporal: loops(entry, "temporal", &entry.temporal, einsum)?,
                spatial_x: loops(entry, "spatial_x", &entry.spatial_x, einsum)?,
                spatial_y: loops(entry, "spatial_y", &entry.spatial_y, einsum)?,
            };
        }
        Ok(Self { levels })
    }

    /// This mapping by names, as [`Mapping::from_text`] reads it.
    ///
    /// # Panics
    /// If the mapping is not of this architecture and Einsum.
    pub fn to_text(&self, architecture: &Architecture, einsum: &Einsum) -> MappingText {
        let named = |set: TensorSet| {
            let kept = einsum.tensors().iter().enumerate().filter(move |(index, _)| set.contains(*index));
            kept.map(|(_, tensor)| tensor.name().to_owned()).collect()
        };
        let texts = |loops: &[Loop]| {
            let factor = |l: &Loop| match l.bound == l.residual {
                true => Factor::Perfect(l.bound),
                false => Factor::Imperfect(l.bound, l.residual),
            };
            loops.iter().map(|l| (einsum.dims()[l.dim].name.clone(), factor(l))).collect()
        };
        let levels = self.levels.iter().zip(architecture.levels()).map(|(mapping, level)| LevelText {
            level: level.name.clone(),
            keep: named(mapping.keep),
            no_link_transfer: named(mapping.no_link_transfer),
            temporal: texts(&mapping.temporal),
            spatial_x: texts(&mapping.spatial_x),
            spatial_y: texts(&mapping.spatial_y),
        });
        MappingText { levels: levels.collect() }
    }
}

fn tensors(
    entry: &LevelText,
    field: &'static str,
    names: &[String],
    einsum: &Einsum,
) -> Result<TensorSet, MappingError> {
    names.iter().try_fold(TensorSet::EMPTY, |set, name| {
        let index = einsum.tensor_index(name);
        index.map(|index| set.with(index)).map_err(|source| unknown(entry, field, source))
    })
}

fn loops(
    entry: &LevelText,
    field: &'static str,
    texts: &[(String, Factor)],
    einsum: &Einsum,
) -> Result<Vec<Loop>, MappingError> {
    let read = |(name, factor): &(String, Factor)| {
        let dim = einsum.dim_index(name).map_err(|source| unknown(entry, field, source))?;
        Ok(match *factor {
            Factor::Perfect(bound) => Loop::new(dim, bound),
            Factor::Imperfect(bound, residual) => Loop { dim, bound, residual },
        })
    };
    texts.iter().map(read).collect()
}

fn unknown(entry: &LevelText, field: &'static str, source: UnknownName) -> MappingError {
    MappingError::UnknownName { level: entry.level.clone(), field, source: Box::new(source) }
}

//! A layer as an Einsum: named dimensions, and tensors addressed by linear combinations of them.
//!
//! Every loop nest that the model can cost is of this kind: convolutions (stride and dilation are coefficients,
//! padding is part of the input's extent), grouped and depthwise ones, matrix products, attention.
//! Source: Parashar et al. (2019), "Timeloop", doi:10.1109/ISPASS.2019.00042, section V-A (problem shapes).

use serde::{Deserialize, Serialize};
use tapeout_core::UnknownName;

use crate::names::index_of;

/// Most dimensions of one Einsum; fixed so that an evaluation allocates nothing.
pub const MAX_DIMS: usize = 12;
/// Most tensors of one Einsum.
pub const MAX_TENSORS: usize = 6;
/// Most ranks of one tensor.
pub const MAX_RANKS: usize = 6;

/// One rank of a tensor: its index is the sum of `coefficient * dimension` over the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rank {
    /// `(dimension index, coefficient)`, each dimension at most once.
    terms: Vec<(usize, u64)>,
}

impl Rank {
    /// `(dimension index, coefficient)`, each dimension at most once.
    pub fn terms(&self) -> &[(usize, u64)] {
        &self.terms
    }
}

/// Whether the computation only reads a tensor or accumulates into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read only: weights, activations.
    Input,
    /// Read, added to and written back: partial sums.
    Output,
}

/// One tensor of an [`Einsum`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    name: String,
    role: Role,
    ranks: Vec<Rank>,
    stored: Option<(u64, u64)>,
}

impl Tensor {
    /// Its name, unique in the Einsum.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is read or accumulated into.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its ranks, outermost first.
    pub fn ranks(&self) -> &[Rank] {
        &self.ranks
    }

    /// Words in memory and words of the box, if some of these are made where they are needed. Of a layer of other sizes, the
    /// share is the same.
    pub fn stored(&self) -> Option<(u64, u64)> {
        self.stored
    }

    /// Whether `dim` (an index into [`Einsum::dims`]) moves this tensor's index.
    pub fn uses(&self, dim: usize) -> bool {
        self.ranks.iter().any(|rank| rank.terms.iter().any(|&(d, _)| d == dim))
    }
}

/// A tensor as text: what [`Einsum::new`] takes, and what a file holds under `[[tensors]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// Name, unique in the Einsum.
    pub name: String,
    /// Whether it is read or accumulated into.
    pub role: Role,
    /// Per rank the `(dimension, coefficient)` terms whose sum is the index.
    pub ranks: Vec<Vec<(String, u64)>>,
    /// Words in memory, if some are made where they are needed: the zeros around an image. At least 1, at most the words of
    /// the box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_words: Option<u64>,
}

impl TensorSpec {
    /// A tensor that is only read.
    pub fn input(name: &str, ranks: &[&[(&str, u64)]]) -> Self {
        Self::of(name, Role::Input, ranks)
    }

    /// A tensor that is accumulated into.
    pub fn output(name: &str, ranks: &[&[(&str, u64)]]) -> Self {
        Self::of(name, Role::Output, ranks)
    }

    fn of(name: &str, role: Role, ranks: &[&[(&str, u64)]]) -> Self {
        let rank = |terms: &&[(&str, u64)]| terms.iter().map(|&(dim, c)| (dim.to_owned(), c)).collect();
        Self { name: name.to_owned(), role, ranks: ranks.iter().map(rank).collect(), stored_words: None }
    }

    /// The same, of which so many words are in memory.
    #[must_use]
    pub fn stored(self, words: u64) -> Self {
        Self { stored_words: Some(words), ..self }
    }
}

/// A named dimension and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dim {
    /// Name, unique in the Einsum, such as `K`.
    pub name: String,
    /// Number of points, at least 1.
    pub size: u64,
}

/// A loop nest without an order: dimensions with sizes, and the tensors that each point touches.
///
/// One multiply-accumulate is done per point of the iteration space, and it touches one word of every tensor.
///
/// ```
/// # use tapeout_simulators::loop_nest::{Einsum, TensorSpec};
/// // A 1-D convolution of stride 2: input index = 2 P + R.
/// let conv = Einsum::new(
///     &[("R", 3), ("P", 16)],
///     &[
///         TensorSpec::input("Weights", &[&[("R", 1)]]),
///         TensorSpec::input("Inputs", &[&[("R", 1), ("P", 2)]]),
///         TensorSpec::output("Outputs", &[&[("P", 1)]]),
///     ],
/// )?;
/// assert_eq!(conv.macs()?, 48);
/// assert_eq!(conv.words(1)?, 33); // 1 + 2 * 15 + 1 * 2
/// # Ok::<(), tapeout_simulators::loop_nest::EinsumError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EinsumText", into = "EinsumText")]
pub struct Einsum {
    dims: Vec<Dim>,
    tensors: Vec<Tensor>,
}

/// The file form of an [`Einsum`]: `dims = [["M", 64], ["K", 64]]` and `[[tensors]]`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EinsumText {
    dims: Vec<(String, u64)>,
    tensors: Vec<TensorSpec>,
}

/// Why an [`Einsum`] was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EinsumError {
    /// A tensor is indexed by a dimension that does not exist.
    #[error("tensor `{tensor}`: {source}")]
    UnknownDim {
        /// The tensor.
        tensor: String,
        /// The unknown name and the nearest known one.
        source: UnknownName,
    },
    /// Two dimensions or two tensors have one name.
    #[error("{kind} `{name}` is declared twice")]
    Duplicate {
        /// `dimension` or `tensor`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A dimension has no points.
    #[error("dimension `{dim}`: size is 0, expected at least 1")]
    EmptyDim {
        /// The dimension.
        dim: String,
    },
    /// A coefficient of zero, or a dimension twice in one rank.
    #[error("tensor `{tensor}`: rank {rank} must name each dimension once, with a coefficient of at least 1")]
    BadRank {
        /// The tensor.
        tensor: String,
        /// Rank index.
        rank: usize,
    },
    /// More words in memory than a tensor has, or none.
    #[error("tensor `{tensor}`: {got} words in memory, expected 1 to {all}")]
    Stored {
        /// The tensor.
        tensor: String,
        /// Words in memory.
        got: u64,
        /// Words of the tensor.
        all: u64,
    },
    /// Nothing is computed.
    #[error("an Einsum needs at least one dimension and one output tensor")]
    NoOutput,
    /// More of something than the model has room for.
    #[error("{got} {kind}, at most {most} are supported")]
    TooMany {
        /// `dimensions`, `tensors` or `ranks`.
        kind: &'static str,
        /// Number of them.
        got: usize,
        /// Largest number that is supported.
        most: usize,
    },
    /// The number of points or words does not fit 64 bits.
    #[error("the size of {what} exceeds 64 bits")]
    Overflow {
        /// `the iteration space`, or a tensor's name.
        what: String,
    },
}

impl Einsum {
    /// An Einsum from named dimensions with sizes, and tensors.
    ///
    /// # Errors
    /// [`EinsumError`] naming the first dimension, tensor or rank that is not well formed.
    pub fn new(dims: &[(&str, u64)], tensors: &[TensorSpec]) -> Result<Self, EinsumError> {
        at_most("dimensions", dims.len(), MAX_DIMS)?;
        at_most("tensors", tensors.len(), MAX_TENSORS)?;
        unique("dimension", dims.iter().map(|&(name, _)| name))?;
        unique("tensor", tensors.iter().map(|tensor| tensor.name.as_str()))?;
        if let Some(&(dim, _)) = dims.iter().find(|&&(_, size)| size == 0) {
            return Err(EinsumError::EmptyDim { dim: dim.to_owned() });
        }
        if dims.is_empty() || !tensors.iter().any(|tensor| tensor.role == Role::Output) {
            return Err(EinsumError::NoOutput);
        }
        let names: Vec<&str> = dims.iter().map(|&(name, _)| name).collect();
        let mut einsum = Self {
            dims: dims.iter().map(|&(name, size)| Dim { name: name.to_owned(), size }).collect(),
            tensors: tensors.iter().map(|spec| tensor_of(spec, &names)).collect::<Result<_, _>>()?,
        };
        einsum.macs()?;
        for (tensor, spec) in tensors.iter().enumerate() {
            let all = einsum.words(tensor)?;
            if let Some(got) = spec.stored_words.filter(|words| !(1..=all).contains(words)) {
                return Err(EinsumError::Stored { tensor: spec.name.clone(), got, all });
            }
            let stored = spec.stored_words.filter(|&words| words < all && spec.role == Role::Input);
            einsum.tensors[tensor].stored = stored.map(|words| (words, all));
        }
        Ok(einsum)
    }

    /// The same computation over dimensions of other sizes, one per dimension: a layer padded to an array, say.
    ///
    /// # Errors
    /// [`EinsumError::EmptyDim`] for a size of 0, [`EinsumError::Overflow`] past 64 bits.
    ///
    /// # Panics
    /// If there are fewer sizes than dimensions.
    pub fn with_sizes(&self, sizes: &[u64]) -> Result<Self, EinsumError> {
        let mut einsum = self.clone();
        for (dim, &size) in einsum.dims.iter_mut().zip(&sizes[..self.dims.len()]) {
            if size == 0 {
                return Err(EinsumError::EmptyDim { dim: dim.name.clone() });
            }
            dim.size = size;
        }
        einsum.macs()?;
        for tensor in 0..einsum.tensors.len() {
            einsum.words(tensor)?;
        }
        Ok(einsum)
    }

    /// Its dimensions, in the order given.
    pub fn dims(&self) -> &[Dim] {
        &self.dims
    }

    /// Its tensors, in the order given.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Index of the dimension called `name`.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest known name.
    pub fn dim_index(&self, name: &str) -> Result<usize, UnknownName> {
        index_of("dimension", name, self.dims.iter().map(|dim| dim.name.as_str()))
    }

    /// Index of the tensor called `name`.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest known name.
    pub fn tensor_index(&self, name: &str) -> Result<usize, UnknownName> {
        index_of("tensor", name, self.tensors.iter().map(|tensor| tensor.name.as_str()))
    }

    /// Multiply-accumulates: points of the iteration space.
    ///
    /// # Errors
    /// [`EinsumError::Overflow`] past 64 bits.
    pub fn macs(&self) -> Result<u64, EinsumError> {
        let product = self.dims.iter().try_fold(1u64, |product, dim| product.checked_mul(dim.size));
        product.ok_or_else(|| EinsumError::Overflow { what: "the iteration space".to_owned() })
    }

    /// Words of tensor `tensor`: the box of all its indices, holes of a strided access included.
    ///
    /// # Errors
    /// [`EinsumError::Overflow`] past 64 bits.
    ///
    /// # Panics
    /// If there is no tensor of that index.
    pub fn words(&self, tensor: usize) -> Result<u64, EinsumError> {
        let tensor = &self.tensors[tensor];
        let length = |rank: &Rank| {
            rank.terms.iter().try_fold(1u64, |length, &(dim, coefficient)| {
                (self.dims[dim].size - 1).checked_mul(coefficient).and_then(|step| length.checked_add(step))
            })
        };
        let words = tensor.ranks.iter().try_fold(1u64, |words, rank| words.checked_mul(length(rank)?));
        words.ok_or_else(|| EinsumError::Overflow { what: format!("tensor `{}`", tensor.name) })
    }
}

impl TryFrom<EinsumText> for Einsum {
    type Error = EinsumError;

    fn try_from(text: EinsumText) -> Result<Self, EinsumError> {
        let dims: Vec<(&str, u64)> = text.dims.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        Self::new(&dims, &text.tensors)
    }
}

impl From<Einsum> for EinsumText {
    fn from(einsum: Einsum) -> Self {
        let term = |&(dim, coefficient): &(usize, u64)| (einsum.dims[dim].name.clone(), coefficient);
        let tensors = einsum.tensors.iter().map(|tensor| TensorSpec {
            name: tensor.name.clone(),
            role: tensor.role,
            ranks: tensor.ranks.iter().map(|rank| rank.terms.iter().map(term).collect()).collect(),
            stored_words: tensor.stored.map(|(words, _)| words),
        });
        let tensors = tensors.collect();
        Self { dims: einsum.dims.into_iter().map(|dim| (dim.name, dim.size)).collect(), tensors }
    }
}

fn tensor_of(spec: &TensorSpec, dims: &[&str]) -> Result<Tensor, EinsumError> {
    at_most("ranks", spec.ranks.len(), MAX_RANKS)?;
    let mut ranks = Vec::with_capacity(spec.ranks.len());
    for (rank_index, text) in spec.ranks.iter().enumerate() {
        let mut terms: Vec<(usize, u64)> = Vec::with_capacity(text.len());
        for (name, coefficient) in text {
            let dim = index_of("dimension", name, dims.iter().copied())
                .map_err(|source| EinsumError::UnknownDim { tensor: spec.name.clone(), source })?;
            if *coefficient == 0 || terms.iter().any(|&(known, _)| known == dim) {
                return Err(EinsumError::BadRank { tensor: spec.name.clone(), rank: rank_index });
            }
            terms.push((dim, *coefficient));
        }
        ranks.push(Rank { terms });
    }
    Ok(Tensor { name: spec.name.clone(), role: spec.role, ranks, stored: None })
}

fn at_most(kind: &'static str, got: usize, most: usize) -> Result<(), EinsumError> {
    if got > most { Err(EinsumError::TooMany { kind, got, most }) } else { Ok(()) }
}

fn unique<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), EinsumError> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Err(EinsumError::Duplicate { kind, name: name.to_owned() });
        }
        seen.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_dimension_suggests_the_nearest() {
        let error = Einsum::new(&[("Kout", 4)], &[TensorSpec::output("Z", &[&[("Kou", 1)]])]).unwrap_err();
        assert_eq!(error.to_string(), "tensor `Z`: unknown dimension `Kou`; did you mean `Kout`?");
    }

    #[test]
    fn an_iteration_space_beyond_64_bits_is_an_error() {
        let output = [TensorSpec::output("Z", &[&[("M", 1)]])];
        let error = Einsum::new(&[("M", 1 << 40), ("K", 1 << 40)], &output).unwrap_err();
        assert_eq!(error, EinsumError::Overflow { what: "the iteration space".to_owned() });
    }

    #[test]
    fn toml_text_and_constructor_agree() {
        let text = "dims = [['M', 4], ['K', 2]]\n[[tensors]]\nname = 'A'\nrole = 'input'\nranks = [[['M', 1]], [['K', 1]]]\n\
                    [[tensors]]\nname = 'Z'\nrole = 'output'\nranks = [[['M', 1]]]\n";
        let read: Einsum = toml::from_str(text).unwrap();
        let a = TensorSpec::input("A", &[&[("M", 1)], &[("K", 1)]]);
        let z = TensorSpec::output("Z", &[&[("M", 1)]]);
        assert_eq!(read, Einsum::new(&[("M", 4), ("K", 2)], &[a, z]).unwrap());
        assert_eq!(toml::from_str::<Einsum>(&toml::to_string(&read).unwrap()).unwrap(), read);
    }
}

//! Finding things by name: dimensions, tensors, levels, networks, kinds of kernels.

use tapeout_core::UnknownName;

/// Index of `name` among `known`; `kind` is what an error calls it, such as `dimension`.
pub(crate) fn index_of<'a>(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, UnknownName> {
    known.clone().position(|candidate| candidate == name).ok_or_else(|| UnknownName::among(kind, name, known))
}

/// The value that goes with `name` in a table of names and values.
pub(crate) fn value_of<T: Copy, const N: usize>(
    kind: &'static str,
    name: &str,
    known: [(&'static str, T); N],
) -> Result<T, UnknownName> {
    index_of(kind, name, known.iter().map(|&(known, _)| known)).map(|index| known[index].1)
}

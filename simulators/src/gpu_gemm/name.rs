//! Finding a variant by its name.

use crate::loop_nest::NameError;
use crate::loop_nest::names::index_of;

/// A name that is not known, and the nearest that is.
pub type UnknownName = NameError;

/// The value that goes with `name`.
pub(super) fn find<T: Copy, const N: usize>(
    kind: &'static str,
    name: &str,
    known: [(&'static str, T); N],
) -> Result<T, UnknownName> {
    index_of(kind, name, known.iter().map(|&(known, _)| known)).map(|index| known[index].1)
}

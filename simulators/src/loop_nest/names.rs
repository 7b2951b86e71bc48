//! Finding dimensions, tensors and levels by name, with a suggestion when there is none.

use tapeout_core::names::nearest_name;

/// A name that is not known, and the nearest that is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {kind} is called `{name}`{}", nearest.as_ref().map_or(String::new(), |known| format!("; did you mean `{known}`?")))]
pub struct NameError {
    /// `dimension`, `tensor` or `level`.
    pub kind: &'static str,
    /// The unknown name.
    pub name: String,
    /// The known name nearest to it, if one is near.
    pub nearest: Option<String>,
}

/// Index of `name` among `known`.
pub(crate) fn index_of<'a>(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, NameError> {
    known.clone().position(|candidate| candidate == name).ok_or_else(|| NameError {
        kind,
        name: name.to_owned(),
        nearest: nearest_name(name, known),
    })
}

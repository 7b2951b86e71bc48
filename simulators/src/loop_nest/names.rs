//! Finding dimensions, tensors and levels by name, with a suggestion when there is none.

/// A name that is not known, and the nearest that is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no {kind} is called `{name}`{}", nearest.as_ref().map_or(String::new(), |known| format!("; did you mean `{known}`?")))]
pub struct NameError {
    /// `dimension`, `tensor` or `level`.
    pub kind: &'static str,
    /// The unknown name.
    pub name: String,
    /// The known name with the fewest edits to it, if there is any name at all.
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
        nearest: known.min_by_key(|candidate| edits(name, candidate)).map(str::to_owned),
    })
}

/// Levenshtein distance, ignoring case.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &other) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

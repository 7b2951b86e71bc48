//! What a precision costs in accuracy, as somebody measured it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Losses of layers at numbers of bits: a file of `[[entry]]` with `layer`, `bits` and `loss`, in whatever unit they were measured.
///
/// ```
/// use tapeout_simulators::precision::AccuracyTable;
/// let text = "[[entry]]\nlayer = \"attention\"\nbits = 4\nloss = 0.2\n\n[[entry]]\nlayer = \"mlp\"\nbits = 4\nloss = 0.5\n";
/// let table = AccuracyTable::from_toml(text)?;
/// assert_eq!(table.loss(4), Some(0.7));
/// assert_eq!(table.loss(8), None);
/// # Ok::<(), tapeout_simulators::precision::AccuracyError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AccuracyTable {
    /// Loss by layer and bits.
    losses: BTreeMap<String, BTreeMap<u32, f64>>,
}

/// A table of accuracy that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AccuracyError {
    /// Not a table of entries.
    #[error("{0}")]
    Syntax(String),
    /// A layer that is there twice at the same bits.
    #[error("layer `{layer}` stands twice at {bits} bits")]
    Twice {
        /// The layer.
        layer: String,
        /// Its bits.
        bits: u32,
    },
    /// A loss that is no finite number.
    #[error("layer `{layer}` at {bits} bits: got a loss of {loss}, expected a finite number")]
    NotFinite {
        /// The layer.
        layer: String,
        /// Its bits.
        bits: u32,
        /// What its loss is.
        loss: f64,
    },
    /// No entries.
    #[error("no entries, expected at least one")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    layer: String,
    bits: u32,
    loss: f64,
}

impl AccuracyTable {
    /// Reads a table.
    ///
    /// # Errors
    /// [`AccuracyError`] if it is none.
    pub fn from_toml(text: &str) -> Result<Self, AccuracyError> {
        let file: File =
            toml::from_str(text).map_err(|error| AccuracyError::Syntax(error.message().to_owned()))?;
        let mut losses: BTreeMap<String, BTreeMap<u32, f64>> = BTreeMap::new();
        for Entry { layer, bits, loss } in file.entry {
            if !loss.is_finite() {
                return Err(AccuracyError::NotFinite { layer, bits, loss });
            }
            if losses.entry(layer.clone()).or_default().insert(bits, loss).is_some() {
                return Err(AccuracyError::Twice { layer, bits });
            }
        }
        if losses.is_empty() { Err(AccuracyError::Empty) } else { Ok(Self { losses }) }
    }

    /// The sum over all layers of what they lose with weights of `bits`; none if a layer was not measured so.
    pub fn loss(&self, bits: u32) -> Option<f64> {
        self.losses.values().map(|by_bits| by_bits.get(&bits)).sum::<Option<f64>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_contradicts_itself_is_refused() {
        let entry = "[[entry]]\nlayer = \"mlp\"\nbits = 4\nloss = 0.5\n";
        let twice = AccuracyTable::from_toml(&entry.repeat(2)).unwrap_err().to_string();
        assert_eq!(twice, "layer `mlp` stands twice at 4 bits");
        let infinite = AccuracyTable::from_toml(&entry.replace("0.5", "inf")).unwrap_err().to_string();
        assert_eq!(infinite, "layer `mlp` at 4 bits: got a loss of inf, expected a finite number");
        assert_eq!(AccuracyTable::from_toml("entry = []").unwrap_err(), AccuracyError::Empty);
        assert!(matches!(AccuracyTable::from_toml("layer = 3"), Err(AccuracyError::Syntax(_))));
    }

    #[test]
    fn bits_that_one_layer_lacks_have_no_loss() {
        let text =
            "[[entry]]\nlayer = \"a\"\nbits = 4\nloss = 1\n[[entry]]\nlayer = \"b\"\nbits = 8\nloss = 1\n";
        let table = AccuracyTable::from_toml(text).unwrap();
        assert_eq!((table.loss(4), table.loss(8)), (None, None));
    }
}

//! The built-in architectures, by name: files of `data/architectures`.

use tapeout_core::UnknownName;

use crate::loop_nest::Architecture;
use crate::names::index_of;

/// A built-in architecture, not read yet.
#[derive(Debug, Clone, Copy)]
pub struct ArchitectureRow {
    /// Its name on the command line and in specs.
    pub id: &'static str,
    text: &'static str,
}

impl ArchitectureRow {
    /// The architecture that the file describes.
    pub fn architecture(&self) -> Architecture {
        from_toml(self.text, self.id)
            .expect("invariant: built-in architectures are well formed; a test reads each of them")
    }
}

macro_rules! row {
    ($id:literal) => {
        ArchitectureRow { id: $id, text: include_str!(concat!("../../data/architectures/", $id, ".toml")) }
    };
}

/// A built-in file of an accelerator whose numbers depend on parameters; read by [`crate::accelerator_file`].
#[derive(Debug, Clone, Copy)]
pub struct AcceleratorRow {
    /// Its name in specs.
    pub id: &'static str,
    /// What the file says.
    pub text: &'static str,
}

macro_rules! accelerator_row {
    ($id:literal) => {
        AcceleratorRow { id: $id, text: include_str!(concat!("../../data/architectures/", $id, ".toml")) }
    };
}

/// The built-in architectures, by name.
pub static ARCHITECTURES: &[ArchitectureRow] = &[row!("edge-like"), row!("eyeriss"), row!("eyeriss-like")];

/// The built-in architecture called `id`.
///
/// # Errors
/// [`UnknownName`] with the nearest known name.
///
/// ```
/// use tapeout_simulators::architectures::architecture;
/// assert_eq!(architecture("edge-like")?.mac().instances, 256);
/// let error = architecture("edge").unwrap_err().to_string();
/// assert_eq!(error, "unknown architecture `edge`; did you mean `edge-like`?");
/// # Ok::<(), tapeout_core::UnknownName>(())
/// ```
pub fn architecture(id: &str) -> Result<Architecture, UnknownName> {
    let ids = ARCHITECTURES.iter().map(|row| row.id);
    index_of("architecture", id, ids).map(|index| ARCHITECTURES[index].architecture())
}

/// The built-in files of accelerators with parameters, by name.
pub static ACCELERATORS: &[AcceleratorRow] = &[
    accelerator_row!("edge-accelerator"),
    accelerator_row!("eyeriss-accelerator"),
    accelerator_row!("gemmini-accelerator"),
];

/// The text of the built-in file called `id`.
///
/// # Errors
/// [`UnknownName`] with the nearest known name.
pub fn accelerator(id: &str) -> Result<&'static str, UnknownName> {
    let ids = ACCELERATORS.iter().map(|row| row.id);
    index_of("accelerator", id, ids).map(|index| ACCELERATORS[index].text)
}

/// Reads an architecture from the text of a TOML file; `path` is what errors call it.
///
/// # Errors
/// [`ArchitectureFileError`] naming line and field.
pub fn from_toml(text: &str, path: &str) -> Result<Architecture, ArchitectureFileError> {
    toml::from_str(text).map_err(|error| ArchitectureFileError {
        path: path.to_owned(),
        problem: error.to_string().trim_end().to_owned(),
    })
}

/// A file that is not an architecture, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ArchitectureFileError {
    /// The file, as the caller named it.
    pub path: String,
    /// What the parser found, and where.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_architecture_is_well_formed() {
        for row in ARCHITECTURES {
            assert!(row.architecture().levels().len() > 1, "{}", row.id);
        }
    }
}

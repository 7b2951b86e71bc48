//! Finding out what a file is, and a network by a name that may be a file's.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use tapeout_core::UnknownName;

use super::super::{NetworkError, NetworkProblem, NeuralNetwork, network};
use super::draft::ImportedNetwork;
use super::sheet::Sheet;
use super::{gamma, maestro, onnx, scale_sim, timeloop};

/// What a file of a network can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkForm {
    /// Ours.
    Toml,
    /// A topology of SCALE-Sim.
    ScaleSim,
    /// A table of GAMMA.
    Gamma,
    /// A network of MAESTRO.
    Maestro,
    /// An ONNX model.
    Onnx,
    /// A problem of Timeloop.
    Timeloop,
}

impl fmt::Display for NetworkForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Toml => "TOML",
            Self::ScaleSim => "SCALE-Sim",
            Self::Gamma => "GAMMA",
            Self::Maestro => "MAESTRO",
            Self::Onnx => "ONNX",
            Self::Timeloop => "Timeloop",
        })
    }
}

/// Sizes that a file leaves open, by name.
pub type Dimensions = BTreeMap<String, u64>;

/// Why there is no network of a name.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OpenNetworkError {
    /// No built-in network, and no file's name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A file that is no network.
    #[error(transparent)]
    File(#[from] NetworkError),
}

/// The built-in network called `name`, or the network of the file `name`: a name with an extension or a separator of folders
/// is a file's.
///
/// # Errors
/// [`OpenNetworkError`] if there is no such network, or its file cannot be read.
///
/// ```
/// # use tapeout_simulators::networks::open_network;
/// assert_eq!(open_network("resnet50").unwrap().layers().len(), 24);
/// assert!(open_network("resnet5").unwrap_err().to_string().starts_with("unknown network `resnet5`"));
/// assert!(open_network("mine.toml").unwrap_err().to_string().starts_with("mine.toml: cannot be read"));
/// ```
pub fn open_network(name: &str) -> Result<NeuralNetwork, OpenNetworkError> {
    let path = Path::new(name);
    if path.extension().is_some() || path.components().count() > 1 {
        return Ok(read_network(path)?);
    }
    Ok(network(name)?)
}

/// The network of a file that stands for itself, in any form that is read here.
///
/// # Errors
/// [`NetworkError`] naming file, line and what was expected; also for a template that reads other files: who keeps a checksum of the network's
/// file would not notice that one of these was edited.
pub fn read_network(path: &Path) -> Result<NeuralNetwork, NetworkError> {
    let imported = import_network(path, &Dimensions::new())?;
    if imported.reads_others {
        let path = path.display().to_string();
        return Err(NetworkError { path, line: None, problem: NetworkProblem::ReadsOthers });
    }
    Ok(imported.network)
}

/// The network of a file and of those that it includes, with what of it is no layer. `dimensions`: what the sizes are that the file leaves open.
///
/// # Errors
/// [`NetworkError`] naming file, line and what was expected.
pub fn import_network(path: &Path, dimensions: &Dimensions) -> Result<ImportedNetwork, NetworkError> {
    let name = path.display().to_string();
    let error = |problem| NetworkError { path: name.clone(), line: None, problem };
    let bytes =
        tapeout_input::read(path).map_err(|cause| error(NetworkProblem::Unreadable(cause.to_string())))?;
    let text = || {
        let text = str::from_utf8(&bytes).map_err(|_| {
            let message = "is not text in UTF-8".to_owned();
            error(NetworkProblem::Unreadable(message))
        });
        // Spreadsheets mark UTF-8 by U+FEFF (Unicode 16.0, section 23.8).
        text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text))
    };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => {
            let network = NeuralNetwork::from_toml(text()?, &name)?;
            let form = NetworkForm::Toml;
            Ok(ImportedNetwork { network, form, left_out: Vec::new(), reads_others: false })
        }
        Some("csv") => {
            let sheet = Sheet::new(text()?, &name);
            if gamma::is_table(&sheet) { gamma::read(&sheet) } else { scale_sim::read(&sheet) }
        }
        Some("m") => maestro::read(text()?, &name),
        Some("yaml" | "yml" | "jinja" | "jinja2") => timeloop::read(text()?, &name),
        Some("onnx") => onnx::read(bytes, &name, dimensions),
        _ => Err(error(NetworkProblem::UnknownForm)),
    }
}

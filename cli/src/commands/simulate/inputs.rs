//! What is named on the command line: architectures, workloads, mappings.

use std::path::Path;

use serde::de::DeserializeOwned;
use tapeout::core::UnknownName;
use tapeout::simulators::architectures::architecture as built_in_architecture;
use tapeout::simulators::loop_nest::{Architecture, MappingText};
use tapeout::simulators::networks::{Layer, open_network};

use crate::failure::Failure;

/// An architecture and what it is called.
pub(super) struct Machine {
    /// As it was named on the command line.
    pub(super) name: String,
    /// What it is.
    pub(super) architecture: Architecture,
}

impl Machine {
    /// The built-in architecture `name`, or that of the file `name` if it ends in `.toml`.
    pub(super) fn open(name: &str) -> Result<Self, Failure> {
        let architecture = if is_file(name) {
            toml(Path::new(name))?
        } else {
            built_in_architecture(name).map_err(|unknown| {
                let hint = format!("built in are {}; a file ends in `.toml`", unknown.known.join(", "));
                Failure::from(unknown).hint(hint)
            })?
        };
        Ok(Self { name: name.to_owned(), architecture })
    }
}

/// The layers that are to be run.
pub(super) struct Workload {
    /// As it was named on the command line.
    pub(super) name: String,
    layers: Vec<Layer>,
}

impl Workload {
    /// A network or, behind a colon, one run of one layer of it.
    pub(super) fn open(name: &str) -> Result<Self, Failure> {
        let (network_name, layer_name) =
            name.split_once(':').map_or((name, None), |(network, layer)| (network, Some(layer)));
        let network = open_network(network_name)?;
        let layers = match layer_name {
            None => network.layers().to_vec(),
            Some(wanted) => {
                let Some(layer) = network.layers().iter().find(|layer| layer.name() == wanted) else {
                    let known = network.layers().iter().map(Layer::name);
                    let unknown = UnknownName::among("layer", wanted, known);
                    let hint = format!("its layers are {}", unknown.known.join(", "));
                    return Err(Failure::from(unknown).hint(hint));
                };
                let once = Layer::new(layer.name(), layer.op().clone());
                vec![once.expect("invariant: a layer of a network is in range")]
            }
        };
        Ok(Self { name: name.to_owned(), layers })
    }

    /// The layers, at least one.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }
}

/// The mapping of a file.
pub(super) fn mapping(path: &Path) -> Result<MappingText, Failure> {
    toml(path)
}

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let unread = |error| Failure::bad_input(error).context(format!("{}: cannot read", path.display()));
    std::fs::read_to_string(path).map_err(unread)
}

fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

fn toml<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    toml::from_str(&text(path)?).map_err(|error| {
        Failure::bad_input(anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim_end()))
    })
}

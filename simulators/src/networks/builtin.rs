//! The table of built-in networks.

use tapeout_core::UnknownName;

use super::NeuralNetwork;
use crate::names::index_of;

/// A built-in network, not read yet.
#[derive(Debug, Clone, Copy)]
pub struct NetworkRow {
    /// Its name on the command line and in specs.
    pub id: &'static str,
    text: &'static str,
}

impl NetworkRow {
    /// The network that the table describes.
    pub fn network(&self) -> NeuralNetwork {
        NeuralNetwork::from_toml(self.text, &format!("data/networks/{}.toml", self.id))
            .expect("invariant: built-in tables are well formed; a test reads each of them")
    }
}

macro_rules! row {
    ($id:literal) => {
        NetworkRow { id: $id, text: include_str!(concat!("../../../data/networks/", $id, ".toml")) }
    };
}

/// The built-in networks, by name.
pub static NETWORKS: &[NetworkRow] = &[
    row!("alexnet"),
    row!("bert-base"),
    row!("dlrm"),
    row!("gpt2"),
    row!("llama-3-8b-decode"),
    row!("llama-3-8b-prefill"),
    row!("mobilenet-edgetpu"),
    row!("mobilenet-v2"),
    row!("mobilenet-v3-large"),
    row!("resnet18"),
    row!("resnet50"),
    row!("rnnt-decoder"),
    row!("rnnt-encoder"),
    row!("ssd-mobilenet-v1"),
    row!("ssdlite-mobilenet-v2"),
    row!("ssdlite-mobilenet-v3"),
    row!("unet"),
    row!("vgg16"),
];

/// The built-in network called `id`.
///
/// # Errors
/// [`UnknownName`] with the nearest known name.
pub fn network(id: &str) -> Result<NeuralNetwork, UnknownName> {
    index_of("network", id, NETWORKS.iter().map(|row| row.id)).map(|index| NETWORKS[index].network())
}

//! Networks from files that other programs write and people have.
//!
//! | form | extension | what it is |
//! |---|---|---|
//! | TOML | `.toml` | ours: [`NeuralNetwork::from_toml`](super::NeuralNetwork::from_toml) |
//! | SCALE-Sim | `.csv` | a topology: convolutions, or matrix products |
//! | GAMMA | `.csv` | a table of sizes with a type in the last column |
//! | ONNX | `.onnx` | a model, with inferred shapes |
//! | Timeloop | `.yaml`, `.jinja2` | the problem of a design in v4: one layer |
//! | MAESTRO | `.m` | a network, with or without the dataflows of a mapping |
//!
//! A table says what its own program computes, and is read as that: where a program pads nothing, nothing is padded here,
//! even if the network that the table is named after would. What no layer stands for is listed in
//! [`ImportedNetwork::left_out`], never dropped in silence.

mod draft;
mod gamma;
mod maestro;
mod onnx;
mod open;
mod scale_sim;
mod sheet;
mod timeloop;

pub use draft::{ImportedNetwork, LeftOut};
pub use open::{Dimensions, NetworkForm, OpenNetworkError, import_network, open_network, read_network};
pub use timeloop::problem_network;

#[cfg(test)]
mod tests;

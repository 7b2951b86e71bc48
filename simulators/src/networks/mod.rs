//! Neural networks as tables of layers: the workloads of every accelerator model.
//!
//! A [`NeuralNetwork`] is a list of distinct [`Layer`]s with counts. A layer is a 2-D convolution, a matrix
//! product or another [`Contraction`] of two tensors, in exact shapes; its [`Layer::einsum`] is what a cost model evaluates. Precision is not a
//! network's matter: everything is counted in words. A [`Workload`] is several networks with weights.
//!
//! What is counted: multiply-accumulates of convolutions and matrix products, which is what published totals
//! count. Pooling, activations, softmax, normalization at run time and embedding lookups multiply next to
//! nothing and are left out; *parameters* that belong to them (norms, biases, embedding tables) are counted,
//! so that [`NeuralNetwork::parameters`] can be compared with the published number to the last digit.
//!
//! ```
//! use tapeout_simulators::networks::network;
//! let resnet = network("resnet50")?;
//! assert_eq!(resnet.macs(), 4_089_184_256);
//! assert_eq!(resnet.parameters(), 25_557_032);
//! assert_eq!(network("resnet5").unwrap_err().to_string(), "unknown network `resnet5`; did you mean `resnet50`?");
//! # Ok::<(), tapeout_core::UnknownName>(())
//! ```
//!
//! # Adding a network
//!
//! For yourself: write a file like those under `data/networks/` and read it with [`NeuralNetwork::from_toml`]:
//!
//! ```
//! use tapeout_simulators::networks::NeuralNetwork;
//! let text = r#"
//! schema = 1
//! id = "tiny"
//! title = "Two layers, 8x8, batch 1"
//! source = "made up for this page"
//! layers = [
//!   { name = "conv", conv2d = { in_channels = 3, out_channels = 4, output = [8, 8], kernel = [3, 3], padding = [2, 2] } },
//!   { name = "fc", matmul = { m = 1, n = 10, k = 256, second = "weight" }, bias = true },
//! ]"#;
//! let tiny = NeuralNetwork::from_toml(text, "tiny.toml")?;
//! assert_eq!(tiny.macs(), 8 * 8 * 4 * 3 * 3 * 3 + 256 * 10);
//! assert_eq!(tiny.parameters(), 4 * 3 * 3 * 3 + 256 * 10 + 10);
//! # Ok::<(), tapeout_simulators::networks::NetworkError>(())
//! ```
//!
//! For everybody: add a function to `scripts/make_networks.py`, run it, and add a row to [`NETWORKS`]. Give
//! the published totals with their source; a test compares them. Say in `notes` what is an assumption or a
//! substitute.
//!
//! # The fields of a table
//!
//! | field | meaning |
//! |---|---|
//! | `schema` | 1 |
//! | `id`, `title`, `source` | name, what it is, and where the shapes are published |
//! | `licence`, `notes` | optional; assumptions belong into `notes` |
//! | `published.macs`, `published.parameters` | optional `{ value, within, source }`; `within` is half a unit of the last printed digit, 0 if printed exactly |
//! | `outside` | optional `{ name, parameters, why }`: parameters that no layer multiplies by (embeddings, layer norms) |
//! | `layers` | rows `{ name, conv2d, matmul or contraction, norm, bias, count, weight_copies }` |
//! | `conv2d` | `in_channels`, `out_channels`, `output`, `kernel`, and with defaults `stride`, `dilation`, `padding`, `groups`, `batch`; pairs are height, width, `padding` is the sum over both edges |
//! | `matmul` | `m`, `n`, `k`, `second` (`"weight"` or `"activation"`), `batch` (default 1): `batch` products of `m` x `k` by `k` x `n` |
//! | `contraction` | `dims`, a list of `[name, size]`; `weights`, `inputs` and `outputs`, each a list of ranks, each a list of `[dimension, coefficient]` whose sum is the index |
//! | `norm`, `bias` | default false: two, or one, more parameters per output channel |
//! | `count` | how often the layer runs (default 1) |
//! | `weight_copies` | how many sets of weights these runs use (default `count`; 1 for the steps of a recurrent layer) |

mod builtin;
mod file;
mod import;
mod layer;
mod layer_error;
mod network;
mod op;
mod toml_text;
mod workload;

pub use builtin::{NETWORKS, NetworkRow, network};
pub use import::{
    Dimensions, ImportedNetwork, LeftOut, NetworkForm, OpenNetworkError, import_network, open_network,
    problem_network, read_network,
};
pub use layer::{Extras, Layer};
pub use layer_error::LayerError;
pub use network::{NetworkError, NetworkProblem, NeuralNetwork, Outside, Published};
pub(crate) use op::{CONV2D_DIMS, MATMUL_DIMS, is_convolution};
pub use op::{Contraction, Conv2d, MatMul, Op, SecondOperand};
pub use workload::{Workload, WorkloadEntry, WorkloadError};

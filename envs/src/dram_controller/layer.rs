//! The accesses of a mapped layer as a workload.

use tapeout_core::ConfigError;
use tapeout_simulators::dram::{DramDevice, MAX_REQUESTS, Trace, TraceError};
use tapeout_simulators::edge::{Chip, EdgeDataflow, EdgeSetting, EdgeTemplate, PreparedLayer};
use tapeout_simulators::networks::open_network;
use tapeout_simulators::technology::{DramKind, Node};

/// Source: Seshadri et al. (2022), arXiv 2102.10423, table 2 (recalled): the first class, 16,384 multiply-accumulate units at 800 MHz. Its
/// memories are those of the page of `edge-accelerator`.
const CLASS: EdgeTemplate = EdgeTemplate {
    pes_x: 4,
    pes_y: 4,
    cores: 4,
    lanes: 64,
    pe_memory_bytes: 2 << 20,
    core_memory_bytes: 32 << 10,
    activation_memory_bytes: 1024,
    parameter_memory_bytes: 16_384,
    instruction_entries: 16_384,
    dram_bandwidth_byte_per_s: 17e9,
};

/// The first `n` accesses to DRAM of the layer called `network:layer`, or of the first layer of `network`; zeros around images are
/// asked for like any word.
///
/// # Errors
/// [`ConfigError`] of `layer` if there is no such network or layer, of `requests` if `n` is 0 or more than a trace may hold.
pub(super) fn trace(name: &str, n: usize, device: &DramDevice) -> Result<Trace, ConfigError> {
    let refused = |error: TraceError| ConfigError::new("requests", error.to_string());
    if n > MAX_REQUESTS {
        return Err(refused(TraceError::Long { got: n }));
    }
    let (network_name, layer_name) =
        name.split_once(':').map_or((name, None), |(net, layer)| (net, Some(layer)));
    let unknown = |message: String| ConfigError::new("layer", message);
    let network = open_network(network_name).map_err(|error| unknown(error.to_string()))?;
    let found = network.layers().iter().find(|layer| layer_name.is_none_or(|name| layer.name() == name));
    let Some(layer) = found else {
        let names: Vec<&str> = network.layers().iter().map(|layer| layer.name()).collect();
        return Err(unknown(format!(
            "network `{network_name}` has no layer `{}`; there are {}",
            layer_name.unwrap_or_default(),
            names.join(", ")
        )));
    };
    let setting = EdgeSetting {
        node: Node::new(16).expect("invariant: the default node is tabulated"),
        clock_hz: 800e6,
        dram: DramKind::Lpddr4,
        dram_latency_s: 110e-9,
        dataflow: EdgeDataflow::OutputStationary,
    };
    let chip = Chip::new(CLASS, setting).expect("invariant: a published class can be built");
    let requests = chip.trace(&PreparedLayer::new(layer, 1.0), device).take(n).collect();
    Trace::new(requests).map_err(refused)
}

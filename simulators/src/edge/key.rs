//! What tells apart the chips whose mappings of a layer may differ.

use super::chip::Chip;
use super::template::EdgeDataflow;

/// What a mapping depends on, beside the layer: all of a chip but its instruction memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MappingKey {
    /// Columns, rows, cores, lanes; bytes of PE, core, activation and parameter memory.
    counts: [u64; 8],
    /// Bits of the bandwidth and latency of the DRAM, and of the clock.
    rates: [u64; 3],
    node_nm: u32,
    dram: &'static str,
    dataflow: EdgeDataflow,
}

impl MappingKey {
    pub(super) fn new(chip: &Chip) -> Self {
        let (template, setting) = (chip.template(), chip.setting());
        Self {
            counts: [
                template.pes_x,
                template.pes_y,
                template.cores,
                template.lanes,
                template.pe_memory_bytes,
                template.core_memory_bytes,
                template.activation_memory_bytes,
                template.parameter_memory_bytes,
            ],
            rates: [template.dram_bandwidth_byte_per_s, setting.dram_latency_s, setting.clock_hz]
                .map(f64::to_bits),
            node_nm: setting.node.nm(),
            dram: setting.dram.name(),
            dataflow: setting.dataflow,
        }
    }
}

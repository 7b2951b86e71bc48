//! What the parts of every design cost, found once.

use tapeout_core::ConfigError;
use tapeout_simulators::memory::{Memory, StorageClass};
use tapeout_simulators::precision::{ElementDemand, PeStyle, Precision, PrecisionError, ProcessingElement};
use tapeout_simulators::technology::StorageCost;
use tapeout_simulators::transformer::TransformerWorkload;

use super::AttentionAcceleratorConfig;
use super::space::{ACTIVATION_BITS, ARRAYS, AttentionDesign, BUFFERS_KIB, CACHE_BITS, WEIGHT_BITS};

/// Why a part cannot be had, and by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Missing {
    pub(super) rule: &'static str,
    pub(super) violation: f64,
}

/// Parts and workloads by what decides them.
#[derive(Debug)]
pub(super) struct Prices {
    /// By style, bits of weights, bits of activations.
    elements: Vec<Result<ProcessingElement, Missing>>,
    /// By side of the array and size.
    buffers: Vec<Result<StorageCost, Missing>>,
    /// By bits of weights, activations and cache.
    workloads: Vec<TransformerWorkload>,
}

impl Prices {
    pub(super) fn new(config: &AttentionAcceleratorConfig) -> Result<Self, ConfigError> {
        let mut elements = Vec::new();
        for (_, style) in PeStyle::ALL {
            for weight_bits in WEIGHT_BITS {
                for activation_bits in ACTIVATION_BITS {
                    elements.push(element(config, style, precision(config, weight_bits, activation_bits))?);
                }
            }
        }
        let buffer = |array: u32, kib: u32| buffer(config, array, kib);
        let buffers = ARRAYS.iter().flat_map(|&array| BUFFERS_KIB.iter().map(move |&kib| buffer(array, kib)));
        let model = config.model()?;
        let mut workloads = Vec::new();
        for weight_bits in WEIGHT_BITS {
            for activation_bits in ACTIVATION_BITS {
                let precision = precision(config, weight_bits, activation_bits);
                for cache_bits in CACHE_BITS {
                    let (step, residency) = (config.step(), config.residency());
                    let workload = TransformerWorkload::new(
                        &model,
                        step,
                        config.batch,
                        &precision,
                        cache_bits,
                        residency,
                    );
                    workloads.push(workload.map_err(|error| ConfigError::new("", error.to_string()))?);
                }
            }
        }
        Ok(Self { elements, buffers: buffers.collect(), workloads })
    }

    pub(super) fn element(&self, design: &AttentionDesign) -> Result<ProcessingElement, Missing> {
        let style = place(&PeStyle::ALL.map(|(_, style)| style), design.pe_style);
        let (weights, activations) = widths(design);
        self.elements[(style * WEIGHT_BITS.len() + weights) * ACTIVATION_BITS.len() + activations]
    }

    pub(super) fn buffer(&self, design: &AttentionDesign) -> Result<StorageCost, Missing> {
        let array = place(&ARRAYS.map(u64::from), design.array);
        let size = place(&BUFFERS_KIB.map(|kib| u64::from(kib) << 10), design.buffer_byte);
        self.buffers[array * BUFFERS_KIB.len() + size]
    }

    pub(super) fn workload(&self, design: &AttentionDesign) -> &TransformerWorkload {
        let (weights, activations) = widths(design);
        let cache = place(&CACHE_BITS, design.cache_bits);
        &self.workloads[(weights * ACTIVATION_BITS.len() + activations) * CACHE_BITS.len() + cache]
    }
}

fn widths(design: &AttentionDesign) -> (usize, usize) {
    (place(&WEIGHT_BITS, design.weight_bits), place(&ACTIVATION_BITS, design.activation_bits))
}

fn place<T: Copy + PartialEq>(levels: &[T], level: T) -> usize {
    levels.iter().position(|known| *known == level).expect("invariant: designs have levels of the space")
}

fn precision(config: &AttentionAcceleratorConfig, weight_bits: u32, activation_bits: u32) -> Precision {
    Precision {
        weight_bits,
        activation_bits,
        accumulator_bits: config.accumulator_bits,
        group: (config.group > 0).then_some(config.group),
        scale_bits: config.scale_bits,
    }
}

/// What is no price of a design but a fault of a setting is an error.
fn element(
    config: &AttentionAcceleratorConfig,
    style: PeStyle,
    precision: Precision,
) -> Result<Result<ProcessingElement, Missing>, ConfigError> {
    let demand = ElementDemand {
        style,
        precision,
        node: config.node_nm,
        clock_hz: config.clock_hz,
        spread: config.spread,
    };
    match ProcessingElement::new(&demand) {
        Ok(element) => Ok(Ok(element)),
        Err(PrecisionError::Clock { got_hz, fastest_hz }) => {
            Ok(Err(Missing { rule: "clock", violation: got_hz / fastest_hz - 1.0 }))
        }
        // Wide weights are for other styles; the rules of the space leave them out.
        Err(PrecisionError::Bits { .. }) => Ok(Err(Missing { rule: "weight_bits", violation: 1.0 })),
        Err(error @ PrecisionError::Node(_)) => Err(ConfigError::new("node_nm", error.to_string())),
        Err(error @ PrecisionError::Spread(_)) => Err(ConfigError::new("spread", error.to_string())),
        Err(error @ PrecisionError::Group) => Err(ConfigError::new("group", error.to_string())),
    }
}

/// A row for as many 16-bit words as the array has columns.
fn buffer(config: &AttentionAcceleratorConfig, array: u32, kib: u32) -> Result<StorageCost, Missing> {
    let width_bits = 16 * array;
    let rows = u64::from(kib) * 8192 / u64::from(width_bits);
    let memory = Memory { class: StorageClass::Sram, rows, width_bits, banks: 1 };
    memory
        .cost(config.node_nm, config.clock_hz)
        .map_err(|slow| Missing { rule: "buffer_clock", violation: slow.cycle_s / slow.available_s - 1.0 })
}

//! The file as it is written: fields and their types, nothing of what they mean.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::loop_nest::Delivery;

/// A number, or an expression that is one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum NumberText {
    Number(f64),
    Expression(String),
}

/// A constant: a number or a text, which the user may set otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum ConstantText {
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileText {
    #[serde(default)]
    pub(super) title: String,
    /// Work spent on the mapping of each layer.
    pub(super) mapping_effort: Option<u64>,
    #[serde(default)]
    pub(super) constants: BTreeMap<String, ConstantText>,
    /// In the order of the file, each a [`ParameterText`].
    #[serde(default)]
    pub(super) parameters: toml::Table,
    #[serde(default)]
    pub(super) values: BTreeMap<String, NumberText>,
    /// In the order of the file, each an expression.
    #[serde(default)]
    pub(super) rules: toml::Table,
    /// In the order of the file, each a [`PartText`].
    #[serde(default)]
    pub(super) parts: toml::Table,
    #[serde(default)]
    pub(super) limits: LimitsText,
    #[serde(default)]
    pub(super) outside: Vec<OutsideText>,
    pub(super) program: Option<ProgramText>,
    pub(super) mac: MacText,
    pub(super) levels: Vec<LevelText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterText {
    /// Numbers, or names of categories.
    pub(super) levels: Option<LevelsText>,
    /// Both ends, which are powers of two.
    pub(super) powers_of_two: Option<[u32; 2]>,
    /// Both ends, whole numbers.
    pub(super) range: Option<[i64; 2]>,
    /// Distance of neighbours in `range`.
    pub(super) step: Option<i64>,
    #[serde(default)]
    pub(super) unit: String,
    #[serde(default)]
    pub(super) about: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum LevelsText {
    Numbers(Vec<f64>),
    Names(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(super) enum PartText {
    Mac(MacPartText),
    RegisterFile(RegisterFileText),
    Memory(MemoryText),
    Macros(MacrosText),
    Dram(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MacPartText {
    pub(super) bits: NumberText,
    pub(super) accumulator_bits: Option<NumberText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterFileText {
    pub(super) bytes: NumberText,
    pub(super) width_bits: NumberText,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemoryText {
    pub(super) class: String,
    pub(super) rows: NumberText,
    pub(super) width_bits: NumberText,
    pub(super) banks: Option<NumberText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MacrosText {
    pub(super) bytes: NumberText,
    pub(super) width_bits: NumberText,
    pub(super) ports: Option<NumberText>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsText {
    pub(super) area_m2: Option<NumberText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutsideText {
    pub(super) name: String,
    pub(super) area_m2: NumberText,
    pub(super) leakage_w: Option<NumberText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramText {
    pub(super) entries: NumberText,
    pub(super) instruction_j: NumberText,
    pub(super) transfers: Vec<TransferText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferText {
    pub(super) level: String,
    pub(super) tensor: String,
    pub(super) count: CountText,
    pub(super) at: Option<String>,
}

/// Which words of a level are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CountText {
    Reads,
    Fills,
    Updates,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MacText {
    pub(super) instances: NumberText,
    pub(super) mesh_x: Option<NumberText>,
    pub(super) word_bits: NumberText,
    pub(super) cost: Option<String>,
    pub(super) energy_j: Option<NumberText>,
    pub(super) area_m2: Option<NumberText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelText {
    pub(super) name: String,
    pub(super) instances: Option<NumberText>,
    pub(super) mesh_x: Option<NumberText>,
    pub(super) word_bits: NumberText,
    pub(super) block_words: Option<NumberText>,
    pub(super) cluster_size: Option<NumberText>,
    pub(super) entries: Option<NumberText>,
    pub(super) multiple_buffering: Option<NumberText>,
    pub(super) overlaps_fills: Option<bool>,
    #[serde(default)]
    pub(super) bandwidth: BandwidthText,
    pub(super) cost: Option<String>,
    #[serde(default)]
    pub(super) energy: EnergyText,
    #[serde(default)]
    pub(super) network: NetworkText,
    pub(super) reduces_in_place: Option<bool>,
    pub(super) area_m2: Option<NumberText>,
    pub(super) mapping: Option<MappingText>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BandwidthText {
    pub(super) read_words_per_cycle: Option<NumberText>,
    pub(super) write_words_per_cycle: Option<NumberText>,
    pub(super) shared_words_per_cycle: Option<NumberText>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnergyText {
    pub(super) read_j: Option<NumberText>,
    pub(super) fill_j: Option<NumberText>,
    pub(super) update_j: Option<NumberText>,
    pub(super) leak_j_per_cycle: Option<NumberText>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworkText {
    pub(super) hop_j: Option<NumberText>,
    pub(super) router_j: Option<NumberText>,
    pub(super) neighbour_links: bool,
    pub(super) delivery: Delivery,
}

/// What levels fix, by name, where it is a file of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataflowText {
    pub(super) levels: BTreeMap<String, MappingText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingText {
    pub(super) keep: Option<Vec<String>>,
    pub(super) may_keep: Option<Vec<String>>,
    pub(super) temporal: Option<DimsText>,
    pub(super) spatial_x: Option<DimsText>,
    pub(super) spatial_y: Option<DimsText>,
}

/// Dimensions of every layer, or those of convolutions and of matrix products.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum DimsText {
    Any(Vec<String>),
    ByKind(DimsByKindText),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DimsByKindText {
    pub(super) conv2d: Vec<String>,
    pub(super) matmul: Vec<String>,
}

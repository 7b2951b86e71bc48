//! The file: cases of Timeloop runs in JSON, inputs in full, read into a layer, a machine and a mapping.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::loop_nest::{
    AccessEnergy, Architecture, ArchitectureError, Bandwidth, Einsum, EinsumError, Level, LevelText, Mac,
    Mapping, MappingError, MappingText, Network, Quirks, Role, TensorSpec,
};

/// Timeloop's unit of energy.
pub(super) const JOULE_PER_PJ: f64 = 1e-12;

/// One run of Timeloop: its inputs, and what it said.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeloopCase {
    /// Name of the case, by which a difference is reported.
    pub id: String,
    /// The layer.
    pub einsum: Einsum,
    /// The machine; energies in J, where the file has pJ.
    pub architecture: Architecture,
    /// Where the loops of the layer run.
    pub mapping: Mapping,
    /// As which version of Timeloop counts.
    pub quirks: Quirks,
    /// Cycles, counts and energies by Timeloop's names; or `error`, and the message of a rejection.
    pub expected: Value,
}

/// Reads all cases of a file, in its order.
///
/// # Errors
/// [`TimeloopFileError`] if the text is not of the format, naming the case and the field.
pub fn read(json: &str) -> Result<Vec<TimeloopCase>, TimeloopFileError> {
    let file: FileText = serde_json::from_str(json)?;
    let quirks = if file.older { Quirks::older_timeloop() } else { Quirks::timeloop_compat() };
    let case = |(index, value): (usize, Value)| {
        let id = value.get("id").and_then(Value::as_str);
        let case = id.ok_or(TimeloopFileError::NoId { index })?.to_owned();
        read_case(case.clone(), value, quirks).map_err(|source| TimeloopFileError::Case {
            case,
            index,
            source: Box::new(source),
        })
    };
    file.cases.into_iter().enumerate().map(case).collect()
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TimeloopFileError {
    /// Not JSON, or not a list of cases.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A case without a name to report it by.
    #[error("`cases[{index}].id` is missing, expected a string")]
    NoId {
        /// Place in the list, from 0.
        index: usize,
    },
    /// A case that cannot be read.
    #[error("case `{case}` (`cases[{index}]`): {source}")]
    Case {
        /// Name of the case.
        case: String,
        /// Place in the list, from 0.
        index: usize,
        /// Why the case cannot be read.
        #[source]
        source: Box<TimeloopCaseError>,
    },
}

/// Why a case could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TimeloopCaseError {
    /// A field is missing, unknown or of another type.
    #[error("`{path}`: {source}")]
    Field {
        /// Path of the field in the case.
        path: String,
        /// What the parser found there.
        source: serde_json::Error,
    },
    /// The layer is not an Einsum.
    #[error("`workload`: {0}")]
    Einsum(#[from] EinsumError),
    /// The machine is not an architecture.
    #[error("`arch`: {0}")]
    Architecture(#[from] ArchitectureError),
    /// The mapping is not of the machine and the layer.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A dimension without a size.
    #[error("`workload.dims.{dim}` is missing or no whole number, expected the size of dimension `{dim}`")]
    NoSize {
        /// The dimension.
        dim: String,
    },
}

#[derive(Deserialize)]
struct FileText {
    #[serde(default)]
    older: bool,
    cases: Vec<Value>,
}

#[derive(Deserialize)]
struct CaseText {
    workload: WorkloadText,
    arch: ArchitectureText,
    mapping: Vec<LevelText>,
    expected: Value,
}

#[derive(Deserialize)]
struct WorkloadText {
    shape: ShapeText,
    dims: Map<String, Value>,
}

#[derive(Deserialize)]
struct ShapeText {
    dims_order: Vec<String>,
    tensors: Map<String, Value>,
}

#[derive(Deserialize)]
struct TensorText {
    rw: bool,
    proj: Vec<Vec<(String, u64)>>,
}

#[derive(Deserialize)]
struct ArchitectureText {
    mac: MacText,
    levels: Vec<HardwareText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MacText {
    instances: u64,
    #[serde(rename = "meshX")]
    mesh_x: u64,
    word_bits: u32,
    #[serde(rename = "energy_pJ")]
    energy_pj: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HardwareText {
    name: String,
    instances: u64,
    #[serde(rename = "meshX")]
    mesh_x: u64,
    word_bits: u32,
    #[serde(default)]
    entries: Option<u64>,
    #[serde(default)]
    block_size: Option<u64>,
    #[serde(default)]
    cluster_size: Option<u64>,
    #[serde(default)]
    multiple_buffering: Option<f64>,
    #[serde(default)]
    read_bandwidth: Option<f64>,
    #[serde(default)]
    write_bandwidth: Option<f64>,
    #[serde(default)]
    shared_bandwidth: Option<f64>,
    #[serde(default, rename = "access_energy_pJ")]
    access_energy_pj: Option<f64>,
    #[serde(default, rename = "action_energy_pJ")]
    action_energy_pj: Option<ActionText>,
    #[serde(default)]
    technology: Option<String>,
    #[serde(default)]
    network: NetworkText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionText {
    read: f64,
    write: f64,
    update: f64,
    #[serde(default)]
    leak: f64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct NetworkText {
    energy_per_hop: f64,
    router_energy: f64,
}

fn read_case(id: String, value: Value, quirks: Quirks) -> Result<TimeloopCase, TimeloopCaseError> {
    let CaseText { workload, arch, mapping, expected } =
        serde_path_to_error::deserialize(value).map_err(|error| TimeloopCaseError::Field {
            path: error.path().to_string(),
            source: error.into_inner(),
        })?;
    let einsum = read_einsum(&workload)?;
    let architecture = read_architecture(arch)?;
    let mapping = Mapping::from_text(&MappingText { levels: mapping }, &architecture, &einsum)?;
    Ok(TimeloopCase { id, einsum, architecture, mapping, quirks, expected })
}

fn read_einsum(workload: &WorkloadText) -> Result<Einsum, TimeloopCaseError> {
    let mut dims = Vec::new();
    for name in &workload.shape.dims_order {
        let size = workload.dims.get(name).and_then(Value::as_u64);
        dims.push((name.as_str(), size.ok_or_else(|| TimeloopCaseError::NoSize { dim: name.clone() })?));
    }
    let mut tensors = Vec::new();
    // In the order of the problem, in which Timeloop adds up what tensors ask of a port.
    for (name, text) in &workload.shape.tensors {
        let text: TensorText = serde_path_to_error::deserialize(text).map_err(|error| {
            let path = format!("workload.shape.tensors.{name}.{}", error.path());
            TimeloopCaseError::Field { path, source: error.into_inner() }
        })?;
        let role = if text.rw { Role::Output } else { Role::Input };
        tensors.push(TensorSpec { name: name.clone(), role, ranks: text.proj, stored_words: None });
    }
    Ok(Einsum::new(&dims, &tensors)?)
}

fn read_architecture(arch: ArchitectureText) -> Result<Architecture, TimeloopCaseError> {
    let mac = Mac {
        instances: arch.mac.instances,
        mesh_x: arch.mac.mesh_x,
        word_bits: arch.mac.word_bits,
        energy_j: arch.mac.energy_pj * JOULE_PER_PJ,
        area_m2: None,
    };
    Ok(Architecture::new(mac, arch.levels.into_iter().map(read_level).collect())?)
}

fn read_level(spec: HardwareText) -> Level {
    let access = spec.access_energy_pj.unwrap_or(0.0);
    let action = spec.action_energy_pj.unwrap_or(ActionText {
        read: access,
        write: access,
        update: access,
        leak: 0.0,
    });
    Level {
        name: spec.name,
        instances: spec.instances,
        mesh_x: spec.mesh_x,
        word_bits: spec.word_bits,
        block_words: spec.block_size.unwrap_or(1),
        cluster_size: spec.cluster_size.unwrap_or(1),
        entries: spec.entries,
        multiple_buffering: spec.multiple_buffering.unwrap_or(1.0),
        overlaps_fills: None,
        bandwidth: Bandwidth {
            read_words_per_cycle: spec.read_bandwidth,
            write_words_per_cycle: spec.write_bandwidth,
            shared_words_per_cycle: spec.shared_bandwidth,
        },
        energy: AccessEnergy {
            read_j: action.read * JOULE_PER_PJ,
            fill_j: action.write * JOULE_PER_PJ,
            update_j: action.update * JOULE_PER_PJ,
            leak_j_per_cycle: action.leak * JOULE_PER_PJ,
        },
        network: Network {
            hop_j: spec.network.energy_per_hop * JOULE_PER_PJ,
            router_j: spec.network.router_energy * JOULE_PER_PJ,
            ..Network::default()
        },
        // Timeloop takes every memory but DRAM to add in place.
        reduces_in_place: spec.technology.as_deref() != Some("DRAM"),
        area_m2: None,
    }
}

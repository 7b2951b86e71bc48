//! Checks the model against files of Timeloop runs: inputs in full, and what Timeloop said.
//!
//! Compared are cycles, counts (equal) and energies (to 1e-6 relative); of a rejected mapping, the reason. Not
//! compared: `achieved_*_bw`, which Timeloop rounds to two decimals, and energy per hop and instance, which are inputs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::architecture::{AccessEnergy, Architecture, ArchitectureError, Bandwidth, Level, Mac, Network};
use super::einsum::{Einsum, EinsumError, TensorSpec};
use super::evaluator::{Evaluator, Hops, Workspace};
use super::mapping::{LevelMapping, LevelText, Loop, Mapping, MappingError, MappingText};
use super::quirks::Quirks;
use super::report::{Illegal, NetworkTraffic, Report};

/// Energies agree if they differ by less than this, relatively: both sides add the same terms in another order.
const ENERGY_TOLERANCE: f64 = 1e-6;
const JOULE_PER_PJ: f64 = 1e-12;

/// Why a file could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// Not JSON, or not a list of cases.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A case without a name to report it by.
    #[error("`cases[{index}].id` is missing, expected a string")]
    NoId {
        /// Place in the list, from 0.
        index: usize,
    },
    /// A case that the model cannot take in.
    #[error("case `{case}` (`cases[{index}]`): {source}")]
    Case {
        /// Its id.
        case: String,
        /// Place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<CaseError>,
    },
}

/// Why a case could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A field is missing, unknown or of another type.
    #[error("`{path}`: {source}")]
    Field {
        /// Where it is in the case.
        path: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Its layer.
    #[error("`workload`: {0}")]
    Einsum(#[from] EinsumError),
    /// Its machine.
    #[error("`arch`: {0}")]
    Architecture(#[from] ArchitectureError),
    /// Its mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A dimension without a size.
    #[error("`workload.dims.{dim}` is missing or no whole number, expected the size of dimension `{dim}`")]
    NoSize {
        /// The dimension.
        dim: String,
    },
}

/// One value that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Case id.
    pub case: String,
    /// Path of the value, such as `levels.GLB.Inputs.reads`.
    pub field: String,
    /// What the model says.
    pub got: String,
    /// What the file says.
    pub expected: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { case, field, got, expected } = self;
        write!(f, "case `{case}`: {field}: got {got}, expected {expected}")
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckReport {
    /// Cases in the file.
    pub n_cases: usize,
    /// Cases with at least one difference.
    pub n_failed: usize,
    /// Values compared.
    pub n_values: usize,
    /// All differences, in the order of the file.
    pub differences: Vec<Difference>,
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Value>,
}

#[derive(Deserialize)]
struct Case {
    workload: Workload,
    arch: Arch,
    mapping: Vec<LevelText>,
    expected: Value,
}

#[derive(Deserialize)]
struct Workload {
    shape: Shape,
    dims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Shape {
    dims_order: Vec<String>,
    tensors: BTreeMap<String, TensorText>,
}

#[derive(Deserialize)]
struct TensorText {
    rw: bool,
    proj: Vec<Vec<(String, u64)>>,
}

#[derive(Deserialize)]
struct Arch {
    mac: MacText,
    levels: Vec<LevelSpec>,
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
struct LevelSpec {
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
    action_energy_pj: Option<ActionEnergy>,
    #[serde(default)]
    technology: Option<String>,
    #[serde(default)]
    network: NetworkSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionEnergy {
    read: f64,
    write: f64,
    update: f64,
    #[serde(default)]
    leak: f64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct NetworkSpec {
    energy_per_hop: f64,
    router_energy: f64,
}

/// Runs every case of a file with [`Quirks::timeloop_compat`] and lists all differences.
///
/// # Errors
/// [`GoldenError`] if the text is not of the format, or a case cannot be taken in.
pub fn check(json: &str) -> Result<CheckReport, GoldenError> {
    let file: File = serde_json::from_str(json)?;
    let mut report = CheckReport::default();
    for (index, value) in file.cases.into_iter().enumerate() {
        let id = value.get("id").and_then(Value::as_str).ok_or(GoldenError::NoId { index })?.to_owned();
        let mut comparison = Comparison::new(&id);
        let result = serde_path_to_error::deserialize(value)
            .map_err(|error| CaseError::Field { path: error.path().to_string(), source: error.into_inner() })
            .and_then(|case| check_case(case, &mut comparison));
        result.map_err(|source| GoldenError::Case { case: id, index, source: Box::new(source) })?;
        report.n_cases += 1;
        report.n_failed += usize::from(!comparison.differences.is_empty());
        report.n_values += comparison.n_values;
        report.differences.append(&mut comparison.differences);
    }
    Ok(report)
}

fn check_case(case: Case, comparison: &mut Comparison) -> Result<(), CaseError> {
    let Case { workload, arch, mapping, expected } = case;
    let einsum = read_einsum(&workload)?;
    let architecture = read_architecture(arch)?;
    let mapping = Mapping::from_text(&MappingText { levels: mapping }, &architecture, &einsum)?;
    let mut report = Report::new();
    let result = Evaluator::new(&architecture, &einsum, Quirks::timeloop_compat())
        .map(|evaluator| evaluator.with_hops(Hops::Everywhere))
        .and_then(|evaluator| evaluator.evaluate(&mapping, &mut Workspace::new(), &mut report));
    let is_rejected = expected.get("error").and_then(Value::as_bool).unwrap_or(false);
    match (result, is_rejected) {
        (Ok(()), false) => comparison.report(&report, &architecture, &einsum, &expected),
        (Ok(()), true) => comparison.push("error", "accepted".to_owned(), "rejected".to_owned()),
        (Err(illegal), false) => {
            comparison.push("error", illegal.describe(&architecture, &einsum), "accepted".to_owned());
        }
        (Err(illegal), true) => {
            let message = expected.get("timeloop_message").and_then(Value::as_str).unwrap_or("");
            comparison.reason(&illegal, &architecture, &einsum, &mapping, message);
        }
    }
    Ok(())
}

fn read_einsum(workload: &Workload) -> Result<Einsum, CaseError> {
    let mut dims = Vec::new();
    for name in &workload.shape.dims_order {
        let size = workload.dims.get(name).and_then(Value::as_u64);
        dims.push((name.as_str(), size.ok_or_else(|| CaseError::NoSize { dim: name.clone() })?));
    }
    let mut tensors = Vec::new();
    for (name, text) in &workload.shape.tensors {
        let role = if text.rw { super::Role::Output } else { super::Role::Input };
        tensors.push(TensorSpec { name: name.clone(), role, ranks: text.proj.clone() });
    }
    Ok(Einsum::new(&dims, &tensors)?)
}

fn read_architecture(arch: Arch) -> Result<Architecture, CaseError> {
    let mac = Mac {
        instances: arch.mac.instances,
        mesh_x: arch.mac.mesh_x,
        word_bits: arch.mac.word_bits,
        energy_j: arch.mac.energy_pj * JOULE_PER_PJ,
        area_m2: None,
    };
    Ok(Architecture::new(mac, arch.levels.into_iter().map(read_level).collect())?)
}

fn read_level(spec: LevelSpec) -> Level {
    let access = spec.access_energy_pj.unwrap_or(0.0);
    let action = spec.action_energy_pj.unwrap_or(ActionEnergy {
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

/// Arithmetic units that a mapping asks for, and how many there are, in the order in which Timeloop finds too many: of
/// the chip, in x, in y. Source: Timeloop, `model/arithmetic.hpp`.
fn excess_units(mapping: &Mapping, architecture: &Architecture) -> Option<(u64, u64)> {
    let product = |loops: fn(&LevelMapping) -> &[Loop]| {
        let bounds = mapping.levels.iter().flat_map(loops).map(|item| item.bound);
        bounds.fold(1u64, u64::saturating_mul)
    };
    let (x, y) = (product(|level| &level.spatial_x), product(|level| &level.spatial_y));
    let mac = architecture.mac();
    let limits = [(x.saturating_mul(y), mac.instances), (x, mac.mesh_x), (y, mac.instances / mac.mesh_x)];
    limits.into_iter().find(|(need, have)| need > have)
}

struct Comparison {
    case: String,
    n_values: usize,
    differences: Vec<Difference>,
}

impl Comparison {
    fn new(case: &str) -> Self {
        Self { case: case.to_owned(), n_values: 0, differences: Vec::new() }
    }

    fn push(&mut self, field: &str, got: String, expected: String) {
        let case = self.case.clone();
        self.differences.push(Difference { case, field: field.to_owned(), got, expected });
    }

    /// Compares a count with `object[key]`, if it is there.
    fn count(&mut self, path: &str, object: &Value, key: &str, got: u64) {
        let Some(expected) = object.get(key) else { return };
        self.n_values += 1;
        if expected.as_f64() != Some(got as f64) {
            self.push(&format!("{path}{key}"), got.to_string(), expected.to_string());
        }
    }

    /// Compares a real number with `object[key]`, if it is there; `slack` is absolute.
    fn real(&mut self, path: &str, object: &Value, key: &str, got: f64, slack: f64) {
        let Some(expected) = object.get(key) else { return };
        self.n_values += 1;
        let close = |value: f64| (got - value).abs() <= ENERGY_TOLERANCE * value.abs() + slack;
        if !expected.as_f64().is_some_and(close) {
            self.push(&format!("{path}{key}"), got.to_string(), expected.to_string());
        }
    }

    /// The reason of a rejection: its kind and the numbers of Timeloop's message.
    fn reason(
        &mut self,
        illegal: &Illegal,
        architecture: &Architecture,
        einsum: &Einsum,
        mapping: &Mapping,
        message: &str,
    ) {
        let number = |word: &str| word.trim_end_matches(['.', ',', ':', ';']).parse().ok();
        let numbers: Vec<u64> = message.split_whitespace().filter_map(number).collect();
        self.n_values += 1;
        let agrees = match *illegal {
            Illegal::Capacity { level, need, have, .. } => {
                let name = &architecture.levels()[level].name;
                message.contains(&format!("level {name}:"))
                    && message.contains("capacity")
                    && numbers == [need, have]
            }
            Illegal::Fanout { need, have, .. } => {
                let units = excess_units(mapping, architecture).unwrap_or((need, have));
                message.contains("instances") && [(need, have), units].iter().any(|&(a, b)| numbers == [a, b])
            }
            Illegal::Factors { got, expected, .. } => {
                message.contains("factor") && numbers.iter().all(|number| [got, expected].contains(number))
            }
            _ => message.is_empty(),
        };
        if !agrees {
            self.push("error", illegal.describe(architecture, einsum), message.to_owned());
        }
    }

    fn report(&mut self, report: &Report, architecture: &Architecture, einsum: &Einsum, expected: &Value) {
        self.count("", expected, "cycles", report.cycles);
        self.count("", expected, "computes", report.macs);
        self.real("", expected, "utilization", report.utilization, 0.0);
        self.real("", expected, "energy_total_pJ", report.energy_j / JOULE_PER_PJ, 0.0);
        if let Some(mac) = expected.pointer("/levels/MAC") {
            self.count("levels.MAC.", mac, "utilized_instances", report.used_macs);
            self.count("levels.MAC.", mac, "computes", report.macs);
            self.count("levels.MAC.", mac, "cycles", report.latency.compute_cycles);
            self.real("levels.MAC.", mac, "energy_total_pJ", report.mac_energy_j / JOULE_PER_PJ, 0.0);
        }
        for (index, level) in architecture.levels().iter().enumerate() {
            let child = index.checked_sub(1).map_or("MAC", |child| &architecture.levels()[child].name);
            let network = format!("{} <==> {child}", level.name);
            let network_values = expected.get("networks").and_then(|networks| networks.get(&network));
            if let Some(values) = expected.get("levels").and_then(|levels| levels.get(&level.name)) {
                self.level(&level.name, index, report, einsum, values);
            }
            for (tensor_index, tensor) in einsum.tensors().iter().enumerate() {
                let path = format!("networks.{network}.{}.", tensor.name());
                if let Some(values) = network_values.and_then(|values| values.get(tensor.name())) {
                    self.network(&path, &report.tensor(index, tensor_index).network, values);
                }
            }
        }
    }

    fn level(&mut self, name: &str, index: usize, report: &Report, einsum: &Einsum, values: &Value) {
        let path = format!("levels.{name}.");
        let level = &report.levels[index];
        self.count(&path, values, "cycles", level.cycles);
        // Timeloop prints the throttling with two decimals.
        self.real(&path, values, "bandwidth_throttling", level.slowdown, 0.005 + 1e-9);
        // It prints leakage likewise.
        self.real(&path, values, "leakage_energy_pJ", level.leakage_j / JOULE_PER_PJ, 0.005 + 1e-9);
        let slack = if level.leakage_j > 0.0 { 0.005 + 1e-9 } else { 0.0 };
        self.real(&path, values, "energy_total_pJ", level.energy_j / JOULE_PER_PJ, slack);
        for (tensor_index, tensor) in einsum.tensors().iter().enumerate() {
            let entry = report.tensor(index, tensor_index);
            let path = format!("{path}{}.", tensor.name());
            let Some(values) = values.get(tensor.name()) else {
                if entry.kept && entry.tile_words > 0 {
                    self.push(&path, "kept".to_owned(), "bypassed".to_owned());
                }
                continue;
            };
            self.count(&path, values, "partition_size", entry.partition_words);
            self.count(&path, values, "tile_size", entry.tile_words);
            self.count(&path, values, "utilized_instances", level.used_instances);
            self.count(&path, values, "utilized_clusters", level.used_clusters);
            self.count(&path, values, "reads", entry.reads);
            self.count(&path, values, "fills", entry.fills);
            self.count(&path, values, "updates", entry.updates);
            self.count(&path, values, "temporal_reductions", entry.temporal_reductions);
            let first = if tensor.role() == super::Role::Output { entry.updates } else { entry.reads };
            self.count(&path, values, "address_generations", first + entry.fills);
            self.real(&path, values, "energy_total_pJ", entry.energy_j / JOULE_PER_PJ, 0.0);
        }
    }

    fn network(&mut self, path: &str, traffic: &NetworkTraffic, values: &Value) {
        self.count(path, values, "ingresses", traffic.ingresses);
        self.count(path, values, "link_transfers", traffic.link_transfers);
        self.count(path, values, "spatial_reductions", traffic.spatial_reductions);
        self.real(path, values, "avg_hops", traffic.average_hops(), 1e-9);
        self.real(path, values, "energy_total_pJ", traffic.energy_j / JOULE_PER_PJ, 1e-9);
        let rows = traffic.delivered.iter().filter(|row| row.words > 0);
        // Timeloop lists what enters the network, partial sums both ways.
        let read: u64 = rows.clone().map(|row| row.words).sum();
        let entering =
            |words: u64| (u128::from(words) * u128::from(traffic.ingresses) / u128::from(read)) as u64;
        let mut got: Vec<_> = rows.map(|row| (row.multicast, row.scatter, entering(row.words))).collect();
        let field =
            |row: &Value, key: &str| row.get(key).and_then(Value::as_f64).unwrap_or(0.0).round() as u64;
        let row = |row: &Value| (field(row, "multicast"), field(row, "scatter"), field(row, "accesses"));
        let Some(listed) = values.get("signature").and_then(Value::as_array) else { return };
        let mut expected: Vec<_> = listed.iter().map(row).filter(|row| row.2 > 0).collect();
        got.sort_unstable();
        expected.sort_unstable();
        self.n_values += 1;
        if got != expected {
            self.push(&format!("{path}signature"), format!("{got:?}"), format!("{expected:?}"));
        }
    }
}

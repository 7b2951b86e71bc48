//! The comparison: each value that the file holds against what the model says.

use serde_json::Value;

use super::file::{JOULE_PER_PJ, TimeloopCase, TimeloopFileError, read};
use crate::loop_nest::{
    Architecture, Einsum, Evaluator, Hops, Illegal, LevelMapping, Loop, Mapping, NetworkTraffic, Report,
    Role, Workspace,
};

/// Energies agree if they differ by less than this, relatively: both sides add the same terms in another order.
const ENERGY_TOLERANCE: f64 = 1e-6;

/// One value that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeloopDifference {
    /// Case id.
    pub case: String,
    /// Path of the value, such as `levels.GLB.Inputs.reads`.
    pub field: String,
    /// The model's value.
    pub got: String,
    /// The file's value.
    pub expected: String,
}

impl std::fmt::Display for TimeloopDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { case, field, got, expected } = self;
        write!(f, "case `{case}`: {field}: got {got}, expected {expected}")
    }
}

/// How much of a file was compared, and what differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TimeloopComparison {
    /// Cases in the file.
    pub n_cases: usize,
    /// Cases with at least one difference.
    pub n_failed: usize,
    /// Values compared.
    pub n_values: usize,
    /// All differences, in the order of the file.
    pub differences: Vec<TimeloopDifference>,
}

/// Runs every case of a file as Timeloop counts and lists all differences.
///
/// # Errors
/// [`TimeloopFileError`] if the file cannot be read.
pub fn check(json: &str) -> Result<TimeloopComparison, TimeloopFileError> {
    let mut report = TimeloopComparison::default();
    for case in read(json)? {
        let mut comparison = Comparison::new(&case.id);
        comparison.run(&case);
        report.n_cases += 1;
        report.n_failed += usize::from(!comparison.differences.is_empty());
        report.n_values += comparison.n_values;
        report.differences.append(&mut comparison.differences);
    }
    Ok(report)
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
    differences: Vec<TimeloopDifference>,
}

impl Comparison {
    fn new(case: &str) -> Self {
        Self { case: case.to_owned(), n_values: 0, differences: Vec::new() }
    }

    /// Runs the model on the inputs of `case` and compares what it says with what Timeloop said.
    fn run(&mut self, case: &TimeloopCase) {
        let TimeloopCase { einsum, architecture, mapping, quirks, expected, .. } = case;
        let mut report = Report::new();
        let result = Evaluator::new(architecture, einsum, *quirks)
            .map(|evaluator| evaluator.with_hops(Hops::Everywhere))
            .and_then(|evaluator| evaluator.evaluate(mapping, &mut Workspace::new(), &mut report));
        let is_rejected = expected.get("error").and_then(Value::as_bool).unwrap_or(false);
        match (result, is_rejected) {
            (Ok(()), false) => self.report(&report, architecture, einsum, expected),
            (Ok(()), true) => self.push("error", "accepted".to_owned(), "rejected".to_owned()),
            (Err(illegal), false) => {
                self.push("error", illegal.describe(architecture, einsum), "accepted".to_owned());
            }
            (Err(illegal), true) => {
                let message = expected.get("timeloop_message").and_then(Value::as_str).unwrap_or("");
                self.reason(&illegal, architecture, einsum, mapping, message);
            }
        }
    }

    fn push(&mut self, field: &str, got: String, expected: String) {
        let case = self.case.clone();
        self.differences.push(TimeloopDifference { case, field: field.to_owned(), got, expected });
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
                let says = |words: &str| message.contains(&format!("level {name}{words}"));
                (says(":") && message.contains("capacity") || says(" needs")) && numbers == [need, have]
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
            self.count(&path, values, "utilized_instances", level.counted_instances.round() as u64);
            self.count(&path, values, "utilized_clusters", level.used_clusters);
            self.count(&path, values, "reads", entry.reads);
            self.count(&path, values, "fills", entry.fills);
            self.count(&path, values, "updates", entry.updates);
            self.count(&path, values, "temporal_reductions", entry.temporal_reductions);
            let first = if tensor.role() == Role::Output { entry.updates } else { entry.reads };
            self.count(&path, values, "address_generations", first + entry.fills);
            self.real(&path, values, "energy_total_pJ", entry.energy_j / JOULE_PER_PJ, 0.0);
        }
    }

    fn network(&mut self, path: &str, traffic: &NetworkTraffic, values: &Value) {
        self.count(path, values, "ingresses", traffic.ingresses);
        self.count(path, values, "link_transfers", traffic.link_transfers);
        self.count(path, values, "spatial_reductions", traffic.spatial_reductions);
        let rows = traffic.delivered.iter().filter(|row| row.words > 0);
        // Timeloop lists what enters the network, partial sums both ways, and hops of one way over that.
        let read: u64 = rows.clone().map(|row| row.words).sum();
        let one_way = if read > 0 { (traffic.ingresses as f64 / read as f64).max(1.0) } else { 1.0 };
        self.real(path, values, "avg_hops", traffic.average_hops() / one_way, 1e-9);
        // Links have a field of their own.
        let words_j = traffic.energy_j - traffic.link_energy_j;
        self.real(path, values, "energy_total_pJ", words_j / JOULE_PER_PJ, 1e-9);
        let links_j = traffic.link_energy_j;
        self.real(path, values, "link_transfer_energy_total_pJ", links_j / JOULE_PER_PJ, 1e-9);
        let entering =
            |words: u64| (u128::from(words) * u128::from(traffic.ingresses) / u128::from(read)) as u64;
        let mut got: Vec<_> = rows.map(|row| (row.multicast, row.scatter, entering(row.words))).collect();
        let field = |row: &Value, key: &str| row.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        let row = |row: &Value| {
            let [multicast, scatter] = ["multicast", "scatter"].map(|key| field(row, key) as u64);
            (multicast, scatter, field(row, "accesses"))
        };
        let Some(listed) = values.get("signature").and_then(Value::as_array) else { return };
        let mut expected: Vec<_> = listed.iter().map(row).filter(|row| row.2 > 0.0).collect();
        got.sort_unstable();
        expected.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        self.n_values += 1;
        // Parts of words are what bypass leaves of averages; here they are rounded so that rows add up.
        let is_same = |(got, expected): (&(u64, u64, u64), &(u64, u64, f64))| {
            (got.0, got.1) == (expected.0, expected.1) && (got.2 as f64 - expected.2).abs() < 1.0
        };
        if got.len() != expected.len() || !got.iter().zip(&expected).all(is_same) {
            self.push(&format!("{path}signature"), format!("{got:?}"), format!("{expected:?}"));
        }
    }
}

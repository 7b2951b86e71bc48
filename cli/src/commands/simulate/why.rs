//! Why a simulation came out as it did: what bounds each layer, what costs most in it, and what a step up of each part would give.

use serde_json::{Value, json};
use tapeout::experiment::plot::quantity;
use tapeout::simulators::network_cost::{LayerCost, NetworkCost};

use super::breakdown::{percent, whole};
use crate::table::{Column, Table};

/// One layer.
struct Layer {
    name: String,
    /// What its cycles are spent on most.
    bound: String,
    /// Where most of its energy goes, and how much of it.
    dearest: String,
    dearest_share: Option<f64>,
}

/// The machine with one part larger.
struct Step {
    change: String,
    /// Cycles and energy, or why there are none.
    found: Result<(f64, f64), String>,
}

/// All of that.
pub(super) struct Why {
    bounds: Vec<(String, f64)>,
    layers: Vec<Layer>,
    steps: Vec<Step>,
    cycles: f64,
    energy_j: f64,
}

impl Why {
    /// What `cost` says by itself.
    pub(super) fn new(cost: &NetworkCost) -> Self {
        let layer = |layer: &LayerCost| {
            let (dearest, energy_j) = dearest(cost, layer);
            Layer {
                name: layer.name.clone(),
                bound: layer.bound(cost.architecture()),
                dearest,
                dearest_share: (layer.total_energy_j() > 0.0).then(|| energy_j / layer.total_energy_j()),
            }
        };
        Self {
            bounds: cost.bounds(),
            layers: cost.layers().iter().map(layer).collect(),
            steps: Vec::new(),
            cycles: cost.cycles(),
            energy_j: cost.energy_j(),
        }
    }

    /// Adds what `change` gives: cycles and energy, or why it gives nothing.
    pub(super) fn add(&mut self, change: String, found: Result<(f64, f64), String>) {
        self.steps.push(Step { change, found });
    }

    pub(super) fn text(&self) -> String {
        use Column::{Numbers, Words};
        let bounds = self
            .bounds
            .iter()
            .map(|(name, share)| format!("{name} (layers that take {} of the time)", percent(*share)));
        let mut layers = Table::new(&[
            ("layer", Words),
            ("bound by", Words),
            ("most energy in", Words),
            ("share", Numbers),
        ]);
        for layer in &self.layers {
            let share = layer.dearest_share.map_or("-".to_owned(), percent);
            layers.row([layer.name.clone(), layer.bound.clone(), layer.dearest.clone(), share]);
        }
        let mut steps = Table::new(&[
            ("with (at least, by a short search)", Words),
            ("cycles", Numbers),
            ("", Numbers),
            ("energy", Numbers),
            (" ", Numbers),
        ]);
        for Step { change, found } in &self.steps {
            match found {
                Ok((cycles, energy_j)) => steps.row([
                    change.clone(),
                    whole(*cycles),
                    change_of(*cycles, self.cycles),
                    quantity(*energy_j, "J"),
                    change_of(*energy_j, self.energy_j),
                ]),
                Err(reason) => {
                    steps.row([
                        format!("{change}: {reason}"),
                        String::new(),
                        String::new(),
                        String::new(),
                        String::new(),
                    ]);
                }
            }
        }
        format!(
            "bound by     {}\n\n{}\n{}",
            bounds.collect::<Vec<_>>().join(", "),
            layers.text(),
            steps.text()
        )
    }

    pub(super) fn json(&self) -> Value {
        let bounds = self.bounds.iter().map(|(by, share)| json!({ "by": by, "time_share": share }));
        let layers = self.layers.iter().map(|layer| {
            json!({
                "name": layer.name,
                "bound_by": layer.bound,
                "most_energy_in": layer.dearest,
                "energy_share": layer.dearest_share,
            })
        });
        let steps = self.steps.iter().map(|Step { change, found }| match found {
            Ok((cycles, energy_j)) => {
                json!({ "with": change, "cycles": *cycles as u64, "energy_j": energy_j })
            }
            Err(reason) => json!({ "with": change, "impossible": reason }),
        });
        json!({
            "bounds": bounds.collect::<Vec<_>>(),
            "layers": layers.collect::<Vec<_>>(),
            "steps": steps.collect::<Vec<_>>(),
        })
    }
}

/// Where most energy of a layer goes: a tensor at a level, a network, leakage, or arithmetic.
fn dearest(cost: &NetworkCost, layer: &LayerCost) -> (String, f64) {
    let report = &layer.best.report;
    let mut parts = vec![("arithmetic".to_owned(), layer.runs * report.mac_energy_j)];
    for (index, level) in cost.architecture().levels().iter().enumerate() {
        for (tensor, entry) in layer.best.einsum.tensors().iter().enumerate() {
            parts.push((format!("{} of {}", entry.name(), level.name), layer.access_energy_j(index, tensor)));
        }
        parts.push((format!("network below {}", level.name), layer.network_energy_j(index)));
        parts.push((format!("leakage of {}", level.name), layer.runs * report.levels[index].leakage_j));
    }
    let known: f64 = parts.iter().map(|(_, energy_j)| energy_j).sum();
    parts.push(("program and what leaks beside the levels".to_owned(), layer.total_energy_j() - known));
    let largest = parts.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    largest.unwrap_or_default()
}

/// `-12.3 %`.
fn change_of(now: f64, before: f64) -> String {
    if before > 0.0 { format!("{:+.1} %", 100.0 * (now / before - 1.0)) } else { "-".to_owned() }
}

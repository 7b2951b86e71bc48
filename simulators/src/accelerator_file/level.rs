//! Multiply-accumulate units and storage levels of the file, and what becomes of them in a design.

use tapeout_core::Value;

use super::dataflow::LevelDataflow;
use super::number::{Names, Number};
use super::part::Part;
use super::text::{LevelText, MacText, NetworkText, NumberText};
use super::{FileFault, Unbuildable};
use crate::loop_nest::{AccessEnergy, Bandwidth, Delivery, Level, Mac, Network};

/// Instances, and words of an access, that a file may arrive at. Ours: twice the units of the largest built-in template; mappings for so many
/// are found in a fraction of a second a layer.
const MOST_INSTANCES: u64 = 1 << 26;

/// Where the figures of a level's part are, if the level names one.
#[derive(Debug, Clone, Copy)]
enum Cost {
    None,
    /// The place of the first figure of a memory or register file.
    Storage(usize),
    /// The place of the energy of a bit.
    Dram(usize),
}

/// Counts that a level has, by their place in [`LevelFields::counts`], with the least they may be.
const COUNTS: [(&str, u64); 5] =
    [("instances", 1), ("mesh_x", 1), ("word_bits", 1), ("block_words", 1), ("cluster_size", 1)];

/// A storage level whose numbers may depend on the design.
#[derive(Debug, Clone)]
pub(super) struct LevelFields {
    pub(super) name: String,
    /// In the order of [`COUNTS`].
    counts: [Number; 5],
    entries: Option<Number>,
    multiple_buffering: Number,
    overlaps_fills: Option<bool>,
    /// Read, write, shared.
    bandwidth: [Option<Number>; 3],
    cost: Cost,
    /// Read, fill, update, leakage in a cycle.
    energy: [Option<Number>; 4],
    /// Of a hop, of a router.
    network_j: [Number; 2],
    neighbour_links: bool,
    delivery: Delivery,
    reduces_in_place: bool,
    area_m2: Option<Number>,
    pub(super) dataflow: LevelDataflow,
}

impl LevelFields {
    /// Reads the level, which may name one of `parts` as what it costs.
    pub(super) fn read(text: &LevelText, names: &Names, parts: &[Part]) -> Result<Self, FileFault> {
        let level = &text.name;
        let number = |text: &NumberText, what: &str| {
            Number::read(text, &format!("levels.{level}.{what}"), &rule(level, what), names)
        };
        let optional =
            |text: &Option<NumberText>, what: &str| text.as_ref().map(|text| number(text, what)).transpose();
        let or = |text: &Option<NumberText>, what: &str, default: f64| {
            text.as_ref().map_or(Ok(Number::Given(default)), |text| number(text, what))
        };
        let NetworkText { hop_j, router_j, neighbour_links, delivery } = &text.network;
        let fields = Self {
            name: level.clone(),
            counts: [
                or(&text.instances, "instances", 1.0)?,
                or(&text.mesh_x, "mesh_x", 1.0)?,
                number(&text.word_bits, "word_bits")?,
                or(&text.block_words, "block_words", 1.0)?,
                or(&text.cluster_size, "cluster_size", 1.0)?,
            ],
            entries: optional(&text.entries, "entries")?,
            multiple_buffering: or(&text.multiple_buffering, "multiple_buffering", 1.0)?,
            overlaps_fills: text.overlaps_fills,
            bandwidth: [
                optional(&text.bandwidth.read_words_per_cycle, "bandwidth.read_words_per_cycle")?,
                optional(&text.bandwidth.write_words_per_cycle, "bandwidth.write_words_per_cycle")?,
                optional(&text.bandwidth.shared_words_per_cycle, "bandwidth.shared_words_per_cycle")?,
            ],
            cost: cost(text.cost.as_deref(), &format!("levels.{level}.cost"), parts)?,
            energy: [
                optional(&text.energy.read_j, "energy.read_j")?,
                optional(&text.energy.fill_j, "energy.fill_j")?,
                optional(&text.energy.update_j, "energy.update_j")?,
                optional(&text.energy.leak_j_per_cycle, "energy.leak_j_per_cycle")?,
            ],
            network_j: [or(hop_j, "network.hop_j", 0.0)?, or(router_j, "network.router_j", 0.0)?],
            neighbour_links: *neighbour_links,
            delivery: *delivery,
            reduces_in_place: text.reduces_in_place.unwrap_or(true),
            area_m2: optional(&text.area_m2, "area_m2")?,
            dataflow: match &text.mapping {
                Some(mapping) => LevelDataflow::read(mapping, &format!("levels.{level}.mapping"), None)?,
                None => LevelDataflow::FREE,
            },
        };
        let has_energy = fields.energy[..3].iter().all(Option::is_some);
        if matches!(fields.cost, Cost::None) && !has_energy {
            let problem = "has no `cost`, which names a part, and not all of `energy.read_j`, `energy.fill_j`, `energy.update_j`";
            return Err(FileFault::new(&format!("levels.{level}"), problem));
        }
        Ok(fields)
    }

    /// The level of a design with these values.
    pub(super) fn level(&self, values: &[Value], clock_hz: f64) -> Result<Level, Unbuildable> {
        let mut counts = [0; COUNTS.len()];
        for ((count, number), (what, least)) in counts.iter_mut().zip(&self.counts).zip(COUNTS) {
            *count = within(number.count(values, least, &rule(&self.name, what))?, &self.name, what)?;
        }
        let [instances, mesh_x, word_bits, block_words, cluster_size] = counts;
        let entries = self.entries.as_ref().map(|entries| match entries.at(values)? {
            f64::INFINITY => Ok(None),
            _ => entries.count(values, 1, &rule(&self.name, "entries")).map(Some),
        });
        let [read_words_per_cycle, write_words_per_cycle, shared_words_per_cycle] =
            self.bandwidth.each_ref().map(|limit| limit.as_ref().map(|limit| limit.at(values)));
        let limit = |words: Option<Result<f64, Unbuildable>>| -> Result<Option<f64>, Unbuildable> {
            Ok(words.transpose()?.filter(|words| words.is_finite()))
        };
        let figure = |place: usize| values[place].as_f64().unwrap_or(0.0);
        let bits = word_bits as f64;
        let (tabulated, area_m2) = match self.cost {
            Cost::None => ([0.0; 4], None),
            Cost::Dram(place) => {
                ([bits * figure(place), bits * figure(place), bits * figure(place), 0.0], None)
            }
            Cost::Storage(place) => {
                let [read_j, write_j, area_m2, leakage_w] = [0, 1, 2, 3].map(|offset| figure(place + offset));
                ([read_j, write_j, write_j, leakage_w / clock_hz], Some(area_m2))
            }
        };
        let mut energy = tabulated;
        for (figure, given) in energy.iter_mut().zip(&self.energy) {
            if let Some(given) = given {
                *figure = given.amount(values, &rule(&self.name, "energy"))?;
            }
        }
        let [read_j, fill_j, update_j, leak_j_per_cycle] = energy;
        let given_area = self.area_m2.as_ref().map(|area| area.amount(values, &rule(&self.name, "area_m2")));
        Ok(Level {
            name: self.name.clone(),
            instances,
            mesh_x,
            word_bits: word_bits as u32,
            block_words,
            cluster_size,
            entries: entries.transpose()?.flatten(),
            multiple_buffering: self.multiple_buffering.at(values)?,
            overlaps_fills: self.overlaps_fills,
            bandwidth: Bandwidth {
                read_words_per_cycle: limit(read_words_per_cycle)?,
                write_words_per_cycle: limit(write_words_per_cycle)?,
                shared_words_per_cycle: limit(shared_words_per_cycle)?,
            },
            energy: AccessEnergy { read_j, fill_j, update_j, leak_j_per_cycle },
            network: Network {
                hop_j: self.network_j[0].amount(values, &rule(&self.name, "network"))?,
                router_j: self.network_j[1].amount(values, &rule(&self.name, "network"))?,
                neighbour_links: self.neighbour_links,
                delivery: self.delivery,
            },
            reduces_in_place: self.reduces_in_place,
            area_m2: given_area.transpose()?.or(area_m2),
        })
    }
}

/// Multiply-accumulate units whose numbers may depend on the design.
#[derive(Debug, Clone)]
pub(super) struct MacFields {
    instances: Number,
    mesh_x: Number,
    word_bits: Number,
    /// The place of the energy of the part that it names; its area is next.
    cost: Option<usize>,
    energy_j: Option<Number>,
    area_m2: Option<Number>,
}

impl MacFields {
    /// Reads the units, which may name one of `parts` as what they cost.
    pub(super) fn read(text: &MacText, names: &Names, parts: &[Part]) -> Result<Self, FileFault> {
        let number = |text: &NumberText, what: &str| {
            Number::read(text, &format!("mac.{what}"), &rule("mac", what), names)
        };
        let optional =
            |text: &Option<NumberText>, what: &str| text.as_ref().map(|text| number(text, what)).transpose();
        let cost = match &text.cost {
            None => None,
            Some(name) => match parts.iter().find(|part| part.name == *name) {
                Some(part) if part.is_mac() => Some(part.first),
                _ => return Err(FileFault::new("mac.cost", format!("`{name}` is no part of kind `mac`"))),
            },
        };
        if cost.is_none() && text.energy_j.is_none() {
            return Err(FileFault::new("mac", "has neither `cost`, which names a part, nor `energy_j`"));
        }
        Ok(Self {
            instances: number(&text.instances, "instances")?,
            mesh_x: optional(&text.mesh_x, "mesh_x")?.unwrap_or(Number::Given(1.0)),
            word_bits: number(&text.word_bits, "word_bits")?,
            cost,
            energy_j: optional(&text.energy_j, "energy_j")?,
            area_m2: optional(&text.area_m2, "area_m2")?,
        })
    }

    /// The units of a design with these values.
    pub(super) fn mac(&self, values: &[Value]) -> Result<Mac, Unbuildable> {
        let count =
            |number: &Number, what: &str| within(number.count(values, 1, &rule("mac", what))?, "mac", what);
        let figure = |offset: usize| self.cost.and_then(|place| values[place + offset].as_f64());
        let given = |number: &Option<Number>, what: &str| {
            number.as_ref().map(|number| number.amount(values, &rule("mac", what))).transpose()
        };
        Ok(Mac {
            instances: count(&self.instances, "instances")?,
            mesh_x: count(&self.mesh_x, "mesh_x")?,
            word_bits: count(&self.word_bits, "word_bits")? as u32,
            energy_j: given(&self.energy_j, "energy_j")?.or(figure(0)).unwrap_or(0.0),
            area_m2: given(&self.area_m2, "area_m2")?.or(figure(1)),
        })
    }
}

fn cost(name: Option<&str>, field: &str, parts: &[Part]) -> Result<Cost, FileFault> {
    let Some(name) = name else { return Ok(Cost::None) };
    match parts.iter().find(|part| part.name == name) {
        Some(part) if part.is_storage() => Ok(Cost::Storage(part.first)),
        Some(part) if part.is_dram() => Ok(Cost::Dram(part.first)),
        _ => Err(FileFault::new(field, format!("`{name}` is no part that stores"))),
    }
}

/// The rule that a design breaks whose `what` of `level` is no number: `shared_glb_entries`.
fn rule(level: &str, what: &str) -> String {
    let ending = what.rsplit('.').next().unwrap_or(what);
    format!("{}_{ending}", level.replace(' ', "_"))
}

fn within(count: u64, level: &str, what: &str) -> Result<u64, Unbuildable> {
    if count <= MOST_INSTANCES {
        return Ok(count);
    }
    let violation = count as f64 / MOST_INSTANCES as f64 - 1.0;
    Err(Unbuildable::new(
        &rule(level, what),
        violation,
        format!("{count}, expected at most {MOST_INSTANCES}"),
    ))
}

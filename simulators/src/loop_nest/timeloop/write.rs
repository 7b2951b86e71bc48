//! A design as one file that `timeloop-model` of Timeloop v4 runs: architecture, energies, problem and mapping.
//!
//! Source: Timeloop 4cf6d4c, `src/model/{topology,buffer,arithmetic,network-legacy}.cpp`, `src/workload` and `src/mapping/parser.cpp`, which say
//! what keys there are. The problem is written with its own shape, so that every loop nest can be said. Checked against: that program, which
//! gives the cycles and energies of the model (`simulators/tests/golden/timeloop_designs`).

use std::collections::BTreeSet;
use std::fmt::Write;

use super::file::JOULE_PER_PJ;
use crate::loop_nest::{Architecture, Einsum, Factor, Level, LevelText, Mapping, Role, Tensor};

/// What Timeloop cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnwritableDesign {
    /// Timeloop has one loop for each dimension at a level.
    #[error(
        "level `{level}` has two loops of dimension `{dimension}` in one list: Timeloop has one for each dimension"
    )]
    Twice {
        /// The level.
        level: String,
        /// The dimension.
        dimension: String,
    },
    /// Timeloop reads a permutation letter by letter.
    #[error(
        "dimension `{dimension}` has a name of several letters: Timeloop's permutations have one for each dimension"
    )]
    LongName {
        /// The dimension.
        dimension: String,
    },
    /// Components are told apart by name, in which Timeloop allows letters, digits and underscores.
    #[error("two components would be called `{name}` in Timeloop")]
    SameName {
        /// The name as it would be written.
        name: String,
    },
}

/// A design in YAML, and what Timeloop counts otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenDesign {
    /// The file.
    pub yaml: String,
    /// Levels below which a dimension runs over both axes, with the dimension. Timeloop has one loop for each dimension at a level, so that
    /// those over x stand at a level without storage: cycles and accesses are the same unless neighbours hand words on, which
    /// they do along each axis by itself then; hops are those of two networks.
    pub over_both: Vec<(String, String)>,
}

/// Writes a design in YAML.
///
/// Energies are those of the architecture, in pJ. Not written, since Timeloop has no word for them: areas, how words are delivered
/// to an array, links between neighbours other than its own, whether a level overlaps its fills, and how many words of a tensor are stored.
///
/// # Errors
/// [`UnwritableDesign`] naming the level, dimension or component.
///
/// # Panics
/// If the mapping is not of this architecture and Einsum.
pub fn write_design(
    architecture: &Architecture,
    einsum: &Einsum,
    mapping: &Mapping,
) -> Result<WrittenDesign, UnwritableDesign> {
    if let Some(dim) = einsum.dims().iter().find(|dim| dim.name.chars().count() > 1) {
        return Err(UnwritableDesign::LongName { dimension: dim.name.clone() });
    }
    let text = mapping.to_text(architecture, einsum);
    let mut levels: Vec<WrittenLevel<'_>> = Vec::new();
    for (index, (level, entry)) in architecture.levels().iter().zip(&text.levels).enumerate() {
        levels.push(WrittenLevel::new(architecture, index, level, entry)?);
    }
    check_names(&levels)?;
    levels.reverse();
    let mut yaml = String::from("# A design by Tapeout: `timeloop-model` of Timeloop v4 reads this file.\n");
    write_machine(&mut yaml, architecture, &levels);
    write_energies(&mut yaml, architecture, &levels);
    write_problem(&mut yaml, einsum);
    write_mapping(&mut yaml, einsum, &levels);
    let over_both =
        levels.iter().filter_map(|written| Some((written.level.name.clone(), written.over_both.clone()?)));
    Ok(WrittenDesign { yaml, over_both: over_both.collect() })
}

/// A level, its name in Timeloop, and what it maps.
struct WrittenLevel<'a> {
    level: &'a Level,
    entry: &'a LevelText,
    name: String,
    /// Instances in x and y of what stands below one instance.
    fanout: (u64, u64),
    /// Instances in x and y.
    mesh: (u64, u64),
    /// A dimension that runs over both axes, so that loops over x need a place of their own.
    over_both: Option<String>,
}

impl<'a> WrittenLevel<'a> {
    fn new(
        architecture: &Architecture,
        index: usize,
        level: &'a Level,
        entry: &'a LevelText,
    ) -> Result<Self, UnwritableDesign> {
        for list in [&entry.temporal, &entry.spatial_x, &entry.spatial_y] {
            let mut seen = BTreeSet::new();
            if let Some((dimension, _)) = list.iter().find(|(dimension, _)| !seen.insert(dimension)) {
                let (level, dimension) = (level.name.clone(), dimension.clone());
                return Err(UnwritableDesign::Twice { level, dimension });
            }
        }
        let runs = |list: &[(String, Factor)], name: &str| {
            list.iter().any(|(dimension, factor)| dimension == name && is_loop(factor))
        };
        let names = entry.spatial_x.iter().map(|(dimension, _)| dimension);
        let mut both =
            names.filter(|name| runs(&entry.spatial_x, name) && runs(&entry.spatial_y, name)).cloned();
        let over_both = both.next();
        Ok(Self {
            level,
            entry,
            name: name_of(&level.name),
            fanout: architecture.fanout(index),
            mesh: (level.mesh_x, level.instances / level.mesh_x),
            over_both,
        })
    }

    /// The name of the place where loops over x run if they need one.
    fn columns(&self) -> String {
        format!("{}_columns", self.name)
    }
}

/// Letters, digits and underscores: brackets and dots have a meaning in Timeloop's names.
fn name_of(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// The units of arithmetic.
const MAC: &str = "mac";

fn check_names(levels: &[WrittenLevel<'_>]) -> Result<(), UnwritableDesign> {
    let mut seen = BTreeSet::from([MAC.to_owned()]);
    let columns = levels.iter().filter(|written| written.over_both.is_some()).map(WrittenLevel::columns);
    let mut names = levels.iter().map(|written| written.name.clone()).chain(columns);
    match names.find(|name| !seen.insert(name.clone())) {
        Some(name) => Err(UnwritableDesign::SameName { name }),
        None => Ok(()),
    }
}

fn is_loop(factor: &Factor) -> bool {
    !matches!(factor, Factor::Perfect(1))
}

fn write_machine(yaml: &mut String, architecture: &Architecture, levels: &[WrittenLevel<'_>]) {
    yaml.push_str("architecture:\n  version: 0.4\n  subtree:\n    - name: system\n      local:\n");
    for written in levels {
        let level = written.level;
        // Timeloop adds in place wherever the technology is not DRAM.
        let class = if level.reduces_in_place { "storage" } else { "DRAM" };
        let width = level.block_words * level.cluster_size * u64::from(level.word_bits);
        let mut attributes = vec![
            ("width", width.to_string()),
            ("datawidth", level.word_bits.to_string()),
            ("block_size", level.block_words.to_string()),
            ("cluster_size", level.cluster_size.to_string()),
            ("multiple_buffering", level.multiple_buffering.to_string()),
            ("energy_per_hop", picojoules(level.network.hop_j)),
            ("router_energy", picojoules(level.network.router_j)),
        ];
        let bandwidth = &level.bandwidth;
        let optional = [
            ("entries", level.entries.map(|entries| entries.to_string())),
            ("read_bandwidth", bandwidth.read_words_per_cycle.map(|words| words.to_string())),
            ("write_bandwidth", bandwidth.write_words_per_cycle.map(|words| words.to_string())),
            ("shared_bandwidth", bandwidth.shared_words_per_cycle.map(|words| words.to_string())),
        ];
        attributes.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
        component(yaml, &written.name, class, written.mesh, &attributes);
        if written.over_both.is_some() {
            let mesh = (written.mesh.0, written.mesh.1 * written.fanout.1);
            let attributes = ["width", "depth", "datawidth"].map(|key| (key, "1".to_owned()));
            component(yaml, &written.columns(), "dummy_storage", mesh, &attributes);
        }
    }
    let mac = architecture.mac();
    let mesh = (mac.mesh_x, mac.instances / mac.mesh_x);
    component(yaml, MAC, "intmac", mesh, &[("datawidth", mac.word_bits.to_string())]);
}

fn component(yaml: &mut String, name: &str, class: &str, mesh: (u64, u64), attributes: &[(&str, String)]) {
    let _ = write!(yaml, "        - name: {name}[1..{}]\n          class: {class}\n", mesh.0 * mesh.1);
    let _ =
        write!(yaml, "          attributes:\n            meshX: {}\n            meshY: {}\n", mesh.0, mesh.1);
    for (key, value) in attributes {
        let _ = writeln!(yaml, "            {key}: {value}");
    }
}

fn write_energies(yaml: &mut String, architecture: &Architecture, levels: &[WrittenLevel<'_>]) {
    yaml.push_str("ERT:\n  version: 0.4\n  tables:\n");
    for WrittenLevel { level, name, .. } in levels {
        let energy = &level.energy;
        let actions = [
            ("read", energy.read_j),
            ("write", energy.fill_j),
            ("update", energy.update_j),
            ("leak", energy.leak_j_per_cycle),
        ];
        table(yaml, name, level.instances, &actions);
    }
    let mac = architecture.mac();
    table(yaml, MAC, mac.instances, &[("compute", mac.energy_j), ("leak", 0.0)]);
}

fn table(yaml: &mut String, name: &str, instances: u64, actions: &[(&str, f64)]) {
    let _ = write!(yaml, "    - name: system.{name}[1..{instances}]\n      actions:\n");
    for (action, energy_j) in actions {
        let _ = writeln!(
            yaml,
            "        - {{ name: {action}, arguments: {{}}, energy: {} }}",
            picojoules(*energy_j)
        );
    }
}

fn picojoules(energy_j: f64) -> String {
    (energy_j / JOULE_PER_PJ).to_string()
}

fn write_problem(yaml: &mut String, einsum: &Einsum) {
    let names: Vec<&str> = einsum.dims().iter().map(|dim| dim.name.as_str()).collect();
    let _ = write!(
        yaml,
        "problem:\n  version: 0.4\n  shape:\n    name: layer\n    dimensions: [{}]\n",
        names.join(", ")
    );
    // Coefficients have names in Timeloop, and none here.
    let mut coefficients: Vec<(String, u64)> = Vec::new();
    let mut spaces = String::new();
    for tensor in einsum.tensors() {
        let ranks = tensor.ranks().iter().map(|rank| {
            let terms = rank.terms().iter().map(|&(dim, coefficient)| match coefficient {
                1 => format!("[{}]", names[dim]),
                _ => {
                    let name = format!("step_{}_{coefficient}", names[dim]);
                    if !coefficients.iter().any(|(known, _)| *known == name) {
                        coefficients.push((name.clone(), coefficient));
                    }
                    format!("[{}, {name}]", names[dim])
                }
            });
            format!("[{}]", terms.collect::<Vec<_>>().join(", "))
        });
        let ranks = ranks.collect::<Vec<_>>().join(", ");
        let _ = write!(spaces, "      - name: {}\n        projection: [{ranks}]\n", tensor.name());
        let _ = writeln!(spaces, "        read_write: {}", is_output(tensor));
    }
    if !coefficients.is_empty() {
        yaml.push_str("    coefficients:\n");
        for (name, value) in &coefficients {
            let _ = writeln!(yaml, "      - {{ name: {name}, default: {value} }}");
        }
    }
    let _ = write!(yaml, "    data_spaces:\n{spaces}  instance:\n");
    for dim in einsum.dims() {
        let _ = writeln!(yaml, "    {}: {}", dim.name, dim.size);
    }
}

fn is_output(tensor: &Tensor) -> bool {
    tensor.role() == Role::Output
}

fn write_mapping(yaml: &mut String, einsum: &Einsum, levels: &[WrittenLevel<'_>]) {
    yaml.push_str("mapping:\n");
    for written in levels {
        let WrittenLevel { entry, name, fanout, .. } = written;
        let tensors = einsum.tensors().iter().map(Tensor::name);
        let (keep, bypass): (Vec<&str>, Vec<&str>) =
            tensors.partition(|tensor| entry.keep.iter().any(|kept| kept == tensor));
        directive(yaml, name, "bypass", &[("keep", list(&keep)), ("bypass", list(&bypass))]);
        loops(yaml, einsum, name, "temporal", &entry.temporal, None);
        if fanout.0 * fanout.1 == 1 {
            continue;
        }
        // The first loops of a permutation, up to the split, run along x, and x runs inside y.
        let forbidden = match entry.no_link_transfer.is_empty() {
            true => String::new(),
            false => list(&entry.no_link_transfer.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        if written.over_both.is_some() {
            spatial(yaml, einsum, name, (&[], &entry.spatial_y), &forbidden);
            directive(
                yaml,
                &written.columns(),
                "bypass",
                &[("keep", list(&[])), ("bypass", list(&[&keep[..], &bypass].concat()))],
            );
            loops(yaml, einsum, &written.columns(), "temporal", &[], None);
            spatial(yaml, einsum, &written.columns(), (&entry.spatial_x, &[]), &forbidden);
        } else {
            spatial(yaml, einsum, name, (&entry.spatial_x, &entry.spatial_y), &forbidden);
        }
    }
}

type Loops = [(String, Factor)];

fn spatial(yaml: &mut String, einsum: &Einsum, name: &str, (x, y): (&Loops, &Loops), forbidden: &str) {
    let all: Vec<(String, Factor)> =
        y.iter().chain(x).filter(|(_, factor)| is_loop(factor)).cloned().collect();
    let split = x.iter().filter(|(_, factor)| is_loop(factor)).count();
    loops(yaml, einsum, name, "spatial", &all, Some((split, forbidden)));
}

/// Loops from the outer to the inner one; every dimension that has none stands outside of them with a factor of 1.
fn loops(
    yaml: &mut String,
    einsum: &Einsum,
    name: &str,
    kind: &str,
    list: &Loops,
    spatial: Option<(usize, &str)>,
) {
    let mut permutation: String = list.iter().rev().map(|(dimension, _)| dimension.as_str()).collect();
    let mut factors: Vec<String> = list
        .iter()
        .map(|(dimension, factor)| match factor {
            Factor::Perfect(bound) => format!("{dimension}={bound}"),
            Factor::Imperfect(bound, residual) => format!("{dimension}={bound},{residual}"),
        })
        .collect();
    for dim in einsum.dims().iter().filter(|dim| !list.iter().any(|(name, _)| *name == dim.name)) {
        permutation.push_str(&dim.name);
        factors.push(format!("{}=1", dim.name));
    }
    let mut fields = vec![("factors", factors.join(" ")), ("permutation", permutation)];
    if let Some((split, forbidden)) = spatial {
        fields.push(("split", split.to_string()));
        if !forbidden.is_empty() {
            fields.push(("no_link_transfer", forbidden.to_owned()));
        }
    }
    directive(yaml, name, kind, &fields);
}

fn directive(yaml: &mut String, target: &str, kind: &str, fields: &[(&str, String)]) {
    let _ = write!(yaml, "  - target: {target}\n    type: {kind}\n");
    for (key, value) in fields {
        let _ = writeln!(yaml, "    {key}: {value}");
    }
}

fn list(names: &[&str]) -> String {
    format!("[{}]", names.join(", "))
}

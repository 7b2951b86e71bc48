//! Designs in YAML of Timeloop v4: architecture, energies, problem and mapping, in one file or in several.
//!
//! Source: the documentation of Timeloop v4 (version 0.4 of its input), and the reference outputs of its exercises. Read are
//! `architecture` (as `nodes` with containers and components, or as the `subtree` that the front end writes out), `problem`, `mapping`,
//! and the energies of Accelergy (`ERT_summary`, or else `ERT`). A component of the class `dummy_storage`, or a container, only says over which
//! instances loops run; it is no level here. Storage of class `DRAM` cannot add.
//! Checked against: the statistics of four of the exercises' reference designs (`simulators/tests/models/timeloop_designs.rs`).

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tapeout_core::expression::{Expression, Operand};

use super::constraints::{FixedLevel, dataflow};
use super::file::JOULE_PER_PJ;
use super::mapping::mapping;
use super::problem::{TimeloopProblem, problem};
use super::template::load;
use super::yaml::{Node, YamlError};
use crate::loop_nest::{AccessEnergy, Architecture, Bandwidth, Level, Mac, MappingText, Network};

/// What files of Timeloop say.
#[derive(Debug, Clone, Default)]
pub struct TimeloopDesign {
    /// The machine, energies in J.
    pub architecture: Option<Architecture>,
    /// The layer.
    pub problem: Option<TimeloopProblem>,
    /// What the levels fix of a mapping, by name; those that fix nothing are not in it.
    pub dataflow: BTreeMap<String, FixedLevel>,
    /// Where its loops run.
    pub mapping: Option<MappingText>,
    /// Keys that are not read, with their file and line.
    pub unread: Vec<YamlError>,
    /// Whether it depends on files beside those that were given: a template includes some, or asks whether they are there.
    pub reads_others: bool,
}

/// Attributes of components that the model has no use for.
const OF_NO_USE: &[&str] = &[
    "adder_width",
    "allow_overbooking",
    "global_cycle_seconds",
    "has_power_gating",
    "min_utilization",
    "multiplier_width",
    "n_banks",
    "nports",
    "num_ports",
    "power_gated_at",
    "technology",
    "type",
    "update_fifo_depth",
    "version",
];

/// Components of an architecture, containers counted. Ours: each knows the attributes of all around it; the exercises' have a dozen.
const MOST_PARTS: usize = 1000;

/// A component on its way: where it stands, and over how many instances.
pub(super) struct Part<'a> {
    pub(super) node: &'a Node,
    pub(super) name: String,
    class: String,
    pub(super) instances: u64,
    pub(super) mesh_x: u64,
    scope: Scope<'a>,
    /// The branches of the `Parallel` that it is in, and which of them it is in.
    parallel: Option<(&'a Node, usize)>,
}

/// Reads files: each a path and a text. A text may be a template of Jinja: `definitions` are what its names stand for, and what it includes is
/// read from the disk, below the folder above that of the file.
///
/// # Errors
/// [`YamlError`] with file and line if something is missing, or is not what Timeloop writes.
pub fn read_design(
    files: &[(&str, &str)],
    definitions: &[(String, String)],
) -> Result<TimeloopDesign, YamlError> {
    let mut design = TimeloopDesign::default();
    let mut documents = Vec::new();
    for (path, text) in files {
        let (document, reads_others) = load(path, text, definitions)?;
        documents.push(document);
        design.reads_others |= reads_others;
    }
    // Timeloop's front end writes `mapping: []` where there is none: what says something goes first.
    let find = |key: &str| {
        let found = || documents.iter().filter_map(|node| node.get(key));
        found().find(|node| !node.is_empty()).or_else(|| found().next())
    };
    let energies = match (find("ERT_summary"), find("ERT")) {
        (Some(node), _) => read_energies(node, "table_summary")?,
        (None, Some(node)) => read_energies(node, "tables")?,
        (None, None) => Energies::new(),
    };
    let variables = Scope { layers: find("variables").into_iter().collect(), n_evaluated: Rc::default() };
    let parts = match find("architecture") {
        Some(node) => parts_of(node, &variables, &mut design.unread)?,
        None => Vec::new(),
    };
    if !parts.is_empty() {
        design.architecture = Some(architecture(&parts, &energies, &mut design.unread)?);
    }
    if let Some(node) = find("problem") {
        let problem = problem(node)?;
        design.unread.extend(problem.unread.iter().map(|size| size.note.clone()));
        design.problem = Some(problem);
    }
    design.dataflow = dataflow(&documents, &parts, design.problem.as_ref(), &mut design.unread)?;
    if let Some(node) = find("mapping").filter(|node| !node.is_empty()) {
        let unit = TimeloopProblem::unit();
        design.mapping = Some(mapping(node, &parts, design.problem.as_ref().unwrap_or(&unit))?);
    }
    Ok(design)
}

pub(super) fn number(node: &Node, key: &str) -> Result<f64, YamlError> {
    node.text().parse().map_err(|_| node.error(format!("`{key}` is `{}`, expected a number", node.text())))
}

pub(super) fn whole(node: &Node, key: &str) -> Result<u64, YamlError> {
    whole_number(node, key, number(node, key)?)
}

fn whole_number(node: &Node, key: &str, number: f64) -> Result<u64, YamlError> {
    if number >= 1.0 && number.fract() == 0.0 {
        return Ok(number as u64);
    }
    Err(node.error(format!("`{key}` is {number}, expected a whole number of at least 1")))
}

/// What names stand for: attributes of a component, of the containers around it, and variables, the nearest first.
#[derive(Clone, Default)]
struct Scope<'a> {
    layers: Vec<&'a Node>,
    /// Expressions of the design so far.
    n_evaluated: Rc<Cell<usize>>,
}

impl<'a> Scope<'a> {
    /// Names of names within each other. Ours.
    const MOST_DEEP: usize = 16;
    /// Expressions of a design, each time counted that a name stands for one. Ours: the exercises' designs have a few dozen.
    const MOST_EVALUATED: usize = 10_000;

    fn within(&self, attributes: Option<&'a Node>) -> Self {
        let layers = attributes.into_iter().chain(self.layers.iter().copied()).collect();
        Self { layers, n_evaluated: Rc::clone(&self.n_evaluated) }
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    /// The number of a scalar, which may be an expression over names.
    fn number(&self, node: &Node, key: &str) -> Result<f64, YamlError> {
        self.at_depth(node, key, 0)
    }

    fn whole(&self, node: &Node, key: &str) -> Result<u64, YamlError> {
        whole_number(node, key, self.number(node, key)?)
    }

    fn at_depth(&self, node: &Node, key: &str, depth: usize) -> Result<f64, YamlError> {
        if let Ok(number) = node.text().parse() {
            return Ok(number);
        }
        let refused = |problem: &str| {
            node.error(format!("`{key}` is `{}`, expected a number or an expression: {problem}", node.text()))
        };
        if node.text().trim().is_empty() {
            return Err(refused("there is none"));
        }
        if depth == Self::MOST_DEEP {
            return Err(refused("its names stand for each other"));
        }
        self.n_evaluated.set(self.n_evaluated.get() + 1);
        if self.n_evaluated.get() > Self::MOST_EVALUATED {
            let message = format!(
                "the design has more than {} expressions, the most that are read",
                Self::MOST_EVALUATED
            );
            return Err(node.error(message));
        }
        let expression = Expression::parse(node.text()).map_err(|error| refused(&error.problem))?;
        let mut numbers = Vec::new();
        for name in expression.names() {
            let named = self.get(name).ok_or_else(|| refused(&format!("`{name}` stands for nothing")))?;
            numbers.push(Operand::Number(self.at_depth(named, name, depth + 1)?));
        }
        expression.evaluate(&numbers).map_err(|error| refused(&error.problem))
    }
}

/// Energies in pJ by component, without its instances, and action.
fn read_energies(node: &Node, tables: &str) -> Result<Energies, YamlError> {
    let mut energies = Energies::new();
    for row in node.get(tables).map(Node::items).unwrap_or_default() {
        let name = row.get("name").map(Node::text).unwrap_or_default();
        // `system.buffer[1..168]`: the dots of the instances are none of the path.
        let name = name.split('[').next().unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default().to_owned();
        let mut actions = BTreeMap::new();
        for action in row.get("actions").map(Node::items).unwrap_or_default() {
            if let (Some(name), Some(energy)) = (action.get("name"), action.get("energy")) {
                // Source: Timeloop's `topology.cpp`: of several energies of an action, by arguments, the largest.
                let largest: &mut f64 = actions.entry(name.text().to_owned()).or_default();
                *largest = largest.max(number(energy, "energy")?);
            }
        }
        energies.insert(name, actions);
    }
    Ok(energies)
}

/// The components of a machine, from the outermost on.
fn parts_of<'a>(
    node: &'a Node,
    variables: &Scope<'a>,
    unread: &mut Vec<YamlError>,
) -> Result<Vec<Part<'a>>, YamlError> {
    let mut parts = Vec::new();
    if let Some(nodes) = node.get("nodes") {
        let around = Around { x: 1, y: 1, scope: variables.clone(), parallel: None };
        gather(nodes, false, around, &mut parts, unread)?;
    }
    for branch in node.get("subtree").map(Node::items).unwrap_or_default() {
        for local in branch.get("local").map(Node::items).unwrap_or_default() {
            let scope = variables.within(local.get("attributes"));
            let mesh = |key: &str| scope.get(key).map_or(Ok(1), |node| scope.whole(node, key));
            let (mesh_x, mesh_y) = (mesh("meshX")?, mesh("meshY")?);
            add(&mut parts, part(local, instances(local, mesh_x, mesh_y)?, mesh_x, scope))?;
        }
    }
    if parts.is_empty() {
        return Err(node.error("`architecture` has neither `nodes` nor a `subtree` with `local` components"));
    }
    Ok(parts)
}

/// What a component stands in: instances in x and y, and attributes.
#[derive(Clone)]
struct Around<'a> {
    x: u64,
    y: u64,
    scope: Scope<'a>,
    parallel: Option<(&'a Node, usize)>,
}

fn instances(node: &Node, x: u64, y: u64) -> Result<u64, YamlError> {
    x.checked_mul(y).ok_or_else(|| node.error("the number of instances exceeds 64 bits"))
}

/// Adds a component.
fn add<'a>(parts: &mut Vec<Part<'a>>, part: Part<'a>) -> Result<(), YamlError> {
    if parts.len() == MOST_PARTS {
        let message =
            format!("the architecture has more than {MOST_PARTS} components, the most that are read");
        return Err(part.node.error(message));
    }
    parts.push(part);
    Ok(())
}

/// Follows nodes of v4: a container, or a component, multiplies what stands behind it, and hands on its attributes.
fn gather<'a>(
    nodes: &'a Node,
    is_parallel: bool,
    mut around: Around<'a>,
    parts: &mut Vec<Part<'a>>,
    unread: &mut Vec<YamlError>,
) -> Result<(), YamlError> {
    for (branch, node) in nodes.items().iter().enumerate() {
        if is_parallel {
            around.parallel = Some((nodes, branch));
        }
        if let Some(nodes) = node.get("nodes") {
            gather(nodes, node.tag == "Parallel", around.clone(), parts, unread)?;
            continue;
        }
        // Says that some tensors pass the others by.
        if node.tag == "Nothing" {
            continue;
        }
        let is_container = node.tag == "Container";
        let scope = around.scope.within(node.get("attributes"));
        if is_container {
            // Loops over the instances of a container run where it stands, so over what is outside of it.
            let outside = part(node, instances(node, around.x, around.y)?, around.x, scope.clone());
            add(parts, Part { parallel: around.parallel, ..outside })?;
            around.scope = scope.clone();
        }
        let mesh = |key: &str| {
            let size = node.get("spatial").and_then(|spatial| spatial.get(key));
            size.map_or(Ok(1), |node| scope.whole(node, key))
        };
        around.x = instances(node, around.x, mesh("meshX")?)?;
        around.y = instances(node, around.y, mesh("meshY")?)?;
        if !is_container {
            let component = part(node, instances(node, around.x, around.y)?, around.x, scope);
            add(parts, Part { parallel: around.parallel, ..component })?;
        }
        const READ: [&str; 9] = [
            "attributes",
            "class",
            "constraints",
            "enabled",
            "name",
            "nodes",
            "required_actions",
            "spatial",
            "subclass",
        ];
        let name = node.get("name").map(Node::text).unwrap_or_default();
        for (key, value) in node.entries() {
            if READ.contains(&key.as_str()) || value.is_empty() {
                continue;
            }
            unread.push(value.error(format!("`{key}` of `{name}` is not read")));
        }
    }
    Ok(())
}

fn part<'a>(node: &'a Node, instances: u64, mesh_x: u64, scope: Scope<'a>) -> Part<'a> {
    let name = node.get("name").map(Node::text).unwrap_or_default();
    let class = node.get("class").map_or("", Node::text).to_owned();
    Part {
        node,
        name: name.split('[').next().unwrap_or_default().to_owned(),
        class,
        instances,
        mesh_x,
        scope,
        parallel: None,
    }
}

impl<'a> Part<'a> {
    /// The other branches of the `Parallel` that it is in.
    pub(super) fn siblings(&self) -> impl Iterator<Item = &'a Node> {
        let (nodes, own) = self.parallel.map_or((&[][..], 0), |(nodes, own)| (nodes.items(), own));
        nodes.iter().enumerate().filter(move |(branch, _)| *branch != own).map(|(_, node)| node)
    }

    /// Whether it is in another branch of the same `Parallel`.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        match (self.parallel, other.parallel) {
            (Some((nodes, own)), Some((others, branch))) => std::ptr::eq(nodes, others) && own != branch,
            _ => false,
        }
    }

    /// Whether it is a level.
    pub(super) fn is_storage(&self) -> bool {
        !self.is_dummy() && !self.is_arithmetic()
    }

    /// Whether it only says over which instances loops run.
    pub(super) fn is_dummy(&self) -> bool {
        self.class == "dummy_storage" || self.node.tag == "Container"
    }

    pub(super) fn is_arithmetic(&self) -> bool {
        self.class.contains("mac") || self.class == "compute"
    }

    fn size(&self, key: &str) -> Result<Option<u64>, YamlError> {
        self.scope.get(key).map(|node| self.scope.whole(node, key)).transpose()
    }

    fn real(&self, key: &str) -> Result<Option<f64>, YamlError> {
        self.scope.get(key).map(|node| self.scope.number(node, key)).transpose()
    }
}

/// Energies in pJ by component and action.
type Energies = BTreeMap<String, BTreeMap<String, f64>>;

/// The energy of an action in J; none is 0.
fn energy_j(part: &Part<'_>, energies: &Energies, action: &str) -> f64 {
    energies.get(&part.name).and_then(|actions| actions.get(action)).map_or(0.0, |pj| pj * JOULE_PER_PJ)
}

fn architecture(
    parts: &[Part<'_>],
    energies: &Energies,
    unread: &mut Vec<YamlError>,
) -> Result<Architecture, YamlError> {
    let (mut mac, mut levels) = (None, Vec::new());
    for part in parts.iter().filter(|part| !part.is_dummy()) {
        if part.is_arithmetic() {
            let word_bits = part.size("datawidth")?.or(part.size("multiplier_width")?).unwrap_or(16) as u32;
            let (instances, mesh_x) = (part.instances, part.mesh_x);
            let energy_j = energy_j(part, energies, "compute");
            mac = Some(Mac { instances, mesh_x, word_bits, energy_j, area_m2: None });
        } else {
            levels.push(level(part, energies)?);
            note_unread(part, unread);
        }
    }
    let first = &parts[0];
    let mac = mac.ok_or_else(|| {
        first.node.error("the architecture has no component of a class `...mac` or `compute`")
    })?;
    levels.reverse();
    Architecture::new(mac, levels).map_err(|fault| first.node.error(fault.to_string()))
}

fn level(part: &Part<'_>, energies: &Energies) -> Result<Level, YamlError> {
    let word_bits = part.size("datawidth")?.or(part.size("word_bits")?).ok_or_else(|| {
        let message = format!("`{}` has no `datawidth`, which is the width of its words", part.name);
        part.node.error(message)
    })?;
    let cluster_size = part.size("cluster_size")?.unwrap_or(1);
    // Source: Timeloop's buffer model: a physical word of `width` bits is a block for each instance of a cluster.
    let width = part.size("width")?.unwrap_or(word_bits);
    let block_words =
        part.size("block_size")?.unwrap_or(width / word_bits.saturating_mul(cluster_size)).max(1);
    let entries = match part.size("entries")? {
        None => part.size("depth")?.map(|depth| depth.saturating_mul(block_words)),
        entries => entries,
    };
    Ok(Level {
        name: part.name.clone(),
        instances: part.instances,
        mesh_x: part.mesh_x,
        word_bits: word_bits as u32,
        block_words,
        cluster_size,
        entries,
        multiple_buffering: part.real("multiple_buffering")?.unwrap_or(1.0),
        overlaps_fills: None,
        bandwidth: Bandwidth {
            read_words_per_cycle: part.real("read_bandwidth")?,
            write_words_per_cycle: part.real("write_bandwidth")?,
            shared_words_per_cycle: part.real("shared_bandwidth")?,
        },
        energy: AccessEnergy {
            read_j: energy_j(part, energies, "read"),
            fill_j: energy_j(part, energies, "write"),
            update_j: energy_j(part, energies, "update"),
            leak_j_per_cycle: energy_j(part, energies, "leak"),
        },
        network: Network {
            hop_j: part.real("energy_per_hop")?.unwrap_or(0.0) * JOULE_PER_PJ,
            router_j: part.real("router_energy")?.unwrap_or(0.0) * JOULE_PER_PJ,
            ..Network::default()
        },
        reduces_in_place: part.class != "DRAM",
        area_m2: None,
    })
}

fn note_unread(part: &Part<'_>, unread: &mut Vec<YamlError>) {
    const READ: &[&str] = &[
        "block_size",
        "cluster_size",
        "datawidth",
        "depth",
        "energy_per_hop",
        "entries",
        "meshX",
        "meshY",
        "multiple_buffering",
        "read_bandwidth",
        "reduction_supported",
        "router_energy",
        "shared_bandwidth",
        "width",
        "word_bits",
        "write_bandwidth",
    ];
    for (key, value) in part.node.get("attributes").map(Node::entries).unwrap_or_default() {
        if !READ.contains(&key.as_str()) && !OF_NO_USE.contains(&key.as_str()) {
            unread.push(value.error(format!("`{key}` of `{}` is not read", part.name)));
        }
    }
}

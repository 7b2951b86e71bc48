//! Designs in YAML of Timeloop v4: architecture, energies, problem and mapping, in one file or in several.
//!
//! Source: the documentation of Timeloop v4 (version 0.4 of its input), and the reference outputs of its exercises. Read are
//! `architecture` (as `nodes` with containers and components, or as the `subtree` that the front end writes out), `problem`, `mapping`,
//! and the energies of Accelergy (`ERT_summary`, or else `ERT`). A component of the class `dummy_storage`, or a container, only says over which
//! instances loops run; it is no level here. Storage of class `DRAM` cannot add.
//! Checked against: the statistics of four of the exercises' reference designs (`simulators/tests/models/timeloop_designs.rs`).

use std::collections::BTreeMap;

use tapeout_core::expression::{Expression, Operand};

use super::file::JOULE_PER_PJ;
use super::problem::{TimeloopProblem, problem};
use super::template::load;
use super::yaml::{Data, Node, YamlError};
use crate::loop_nest::{
    AccessEnergy, Architecture, Bandwidth, Factor, Level, LevelText, Mac, MappingText, Network,
};

/// What files of Timeloop say.
#[derive(Debug, Clone, Default)]
pub struct TimeloopDesign {
    /// The machine, energies in J.
    pub architecture: Option<Architecture>,
    /// The layer.
    pub problem: Option<TimeloopProblem>,
    /// Where its loops run.
    pub mapping: Option<MappingText>,
    /// Keys that are not read, with their file and line.
    pub unread: Vec<YamlError>,
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

/// A component on its way: where it stands, and over how many instances.
struct Part<'a> {
    node: &'a Node,
    name: String,
    class: String,
    instances: u64,
    mesh_x: u64,
    scope: Scope<'a>,
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
    let documents: Vec<Node> =
        files.iter().map(|(path, text)| load(path, text, definitions)).collect::<Result<_, YamlError>>()?;
    let find = |key: &str| documents.iter().find_map(|node| node.get(key));
    let energies = match (find("ERT_summary"), find("ERT")) {
        (Some(node), _) => read_energies(node, "table_summary")?,
        (None, Some(node)) => read_energies(node, "tables")?,
        (None, None) => Energies::new(),
    };
    let variables = Scope { layers: find("variables").into_iter().collect() };
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
    if let Some(node) = find("mapping") {
        let unit = TimeloopProblem::unit();
        design.mapping = Some(mapping(node, &parts, design.problem.as_ref().unwrap_or(&unit))?);
    }
    Ok(design)
}

fn number(node: &Node, key: &str) -> Result<f64, YamlError> {
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
}

impl<'a> Scope<'a> {
    /// Names of names within each other. Ours.
    const MOST_DEEP: usize = 16;

    fn within(&self, attributes: Option<&'a Node>) -> Self {
        Self { layers: attributes.into_iter().chain(self.layers.iter().copied()).collect() }
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
        let around = Around { x: 1, y: 1, scope: variables.clone() };
        gather(nodes, around, &mut parts, unread)?;
    }
    for branch in node.get("subtree").map(Node::items).unwrap_or_default() {
        for local in branch.get("local").map(Node::items).unwrap_or_default() {
            let scope = variables.within(local.get("attributes"));
            let mesh = |key: &str| scope.get(key).map_or(Ok(1), |node| scope.whole(node, key));
            let (mesh_x, mesh_y) = (mesh("meshX")?, mesh("meshY")?);
            parts.push(part(local, instances(local, mesh_x, mesh_y)?, mesh_x, scope));
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
}

fn instances(node: &Node, x: u64, y: u64) -> Result<u64, YamlError> {
    x.checked_mul(y).ok_or_else(|| node.error("the number of instances exceeds 64 bits"))
}

/// Follows nodes of v4: a container, or a component, multiplies what stands behind it, and hands on its attributes.
fn gather<'a>(
    nodes: &'a Node,
    mut around: Around<'a>,
    parts: &mut Vec<Part<'a>>,
    unread: &mut Vec<YamlError>,
) -> Result<(), YamlError> {
    for node in nodes.items() {
        if let Some(nodes) = node.get("nodes") {
            gather(nodes, around.clone(), parts, unread)?;
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
            parts.push(part(node, instances(node, around.x, around.y)?, around.x, scope.clone()));
            around.scope = scope.clone();
        }
        let mesh = |key: &str| {
            let size = node.get("spatial").and_then(|spatial| spatial.get(key));
            size.map_or(Ok(1), |node| scope.whole(node, key))
        };
        around.x = instances(node, around.x, mesh("meshX")?)?;
        around.y = instances(node, around.y, mesh("meshY")?)?;
        if !is_container {
            parts.push(part(node, instances(node, around.x, around.y)?, around.x, scope));
        }
        const READ: [&str; 8] =
            ["attributes", "class", "enabled", "name", "nodes", "required_actions", "spatial", "subclass"];
        let name = node.get("name").map(Node::text).unwrap_or_default();
        for (key, value) in node.entries() {
            let is_empty = value.entries().is_empty() && value.items().is_empty() && value.text().is_empty();
            if READ.contains(&key.as_str()) || is_empty {
                continue;
            }
            let free = if key == "constraints" { ": mappings are free of them" } else { "" };
            unread.push(value.error(format!("`{key}` of `{name}` is not read{free}")));
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
    }
}

impl Part<'_> {
    /// Whether it only says over which instances loops run.
    fn is_dummy(&self) -> bool {
        self.class == "dummy_storage" || self.node.tag == "Container"
    }

    fn is_arithmetic(&self) -> bool {
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

/// The mapping, on the storage levels alone: loops over the instances of a dummy belong to the level outside of it.
fn mapping(node: &Node, parts: &[Part<'_>], problem: &TimeloopProblem) -> Result<MappingText, YamlError> {
    if parts.is_empty() {
        return Err(node.error("a mapping is read beside its `architecture`"));
    }
    let mut levels: Vec<LevelText> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_arithmetic()) {
        let entries = |kind: &'static str| {
            node.items().iter().filter(move |entry| {
                let target = entry.get("target").map(Node::text).unwrap_or_default();
                let kinds: &[&str] =
                    if kind == "datatype" { &["datatype", "dataspace", "bypass"] } else { &[kind] };
                target.split('[').next() == Some(&part.name)
                    && kinds.contains(&entry.get("type").map_or("", Node::text))
            })
        };
        if !part.is_dummy() {
            let bypassed: Vec<&str> =
                entries("datatype").filter_map(|entry| entry.get("bypass")).flat_map(Node::words).collect();
            let kept = problem.tensors.iter().filter(|(tensor, _)| !bypassed.contains(&tensor.as_str()));
            let keep = kept.map(|(_, here)| (*here).to_owned());
            levels.push(LevelText { level: part.name.clone(), keep: keep.collect(), ..LevelText::default() });
        }
        let Some(level) = levels.last_mut() else { continue };
        for entry in entries("temporal") {
            let loops = loops(entry, problem)?;
            if part.is_dummy() && !loops.is_empty() {
                let message = format!("`{}` is no storage, but has loops in time", part.name);
                return Err(entry.error(message));
            }
            level.temporal.extend(loops.into_iter().map(|(_, dimension, factor)| (dimension, factor)));
        }
        for entry in entries("spatial") {
            let split = entry.get("split").map_or(Ok(0.0), |node| number(node, "split"))?;
            for (place, dimension, factor) in loops(entry, problem)? {
                // Source: Timeloop's mapping parser: the first `split` of the permutation run along X, the others along Y.
                let axis = if (place as f64) < split { &mut level.spatial_x } else { &mut level.spatial_y };
                axis.push((dimension, factor));
            }
        }
    }
    levels.reverse();
    Ok(MappingText { levels })
}

/// Loops of more than one turn from the outer to the inner one, each with its place in the permutation, which begins inside.
fn loops(entry: &Node, problem: &TimeloopProblem) -> Result<Vec<(usize, String, Factor)>, YamlError> {
    let mut factors: BTreeMap<&str, Factor> = BTreeMap::new();
    for word in entry.get("factors").map(factor_words).unwrap_or_default() {
        let end = word.find(|c: char| c == '=' || c.is_ascii_digit()).unwrap_or(word.len());
        let factor = factor(word[end..].trim_start_matches('=')).ok_or_else(|| {
            let message =
                format!("`{word}` is no factor such as `C=4`, `C4` or, with a last turn of 2, `C=4,2`");
            entry.error(message)
        })?;
        factors.insert(&word[..end], factor);
    }
    let order: Vec<String> = match entry.get("permutation") {
        Some(Node { data: Data::List(items), .. }) => {
            items.iter().map(|item| item.text().to_owned()).collect()
        }
        Some(node) if node.text().contains([' ', ',']) => {
            node.words().into_iter().map(str::to_owned).collect()
        }
        Some(node) => node.text().chars().map(String::from).collect(),
        None => Vec::new(),
    };
    if let Some(missing) =
        factors.iter().find(|(name, factor)| turns(factor) > 1 && !order.iter().any(|it| it == *name))
    {
        return Err(entry.error(format!("`{}` is not in the permutation", missing.0)));
    }
    let mut loops = Vec::new();
    for (place, dimension) in order.iter().enumerate().rev() {
        if let Some(&factor) = factors.get(dimension.as_str()).filter(|factor| turns(factor) > 1) {
            loops.push((place, problem.dimension(dimension), factor));
        }
    }
    Ok(loops)
}

/// The factors of a list, or of a text: a comma between digits belongs to its factor.
fn factor_words(node: &Node) -> Vec<&str> {
    if !matches!(node.data, Data::Scalar(_)) {
        return node.words();
    }
    let (text, mut words, mut start) = (node.text(), Vec::new(), 0);
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    for (index, &(at, letter)) in letters.iter().enumerate() {
        let next_is_digit = letters.get(index + 1).is_some_and(|(_, next)| next.is_ascii_digit());
        if letter == ' ' || (letter == ',' && !next_is_digit) {
            words.push(&text[start..at]);
            start = at + letter.len_utf8();
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

/// `4`, or `4,2`: four turns, of which the last time there are two.
fn factor(text: &str) -> Option<Factor> {
    let positive = |text: &str| text.parse().ok().filter(|number| *number > 0);
    match text.split_once(',') {
        None => positive(text).map(Factor::Perfect),
        Some((bound, residual)) => Some(Factor::Imperfect(positive(bound)?, positive(residual)?)),
    }
}

fn turns(factor: &Factor) -> u64 {
    match *factor {
        Factor::Perfect(bound) | Factor::Imperfect(bound, _) => bound,
    }
}

//! Designs in YAML of Timeloop v4: architecture, energies, problem and mapping, in one file or in several.
//!
//! Source: the documentation of Timeloop v4 (version 0.4 of its input), and the reference outputs of its exercises. Read are
//! `architecture` (as `nodes` with containers and components, or as the `subtree` that the front end writes out), `problem`, `mapping`,
//! and the energies of Accelergy (`ERT_summary`, or else `ERT`). A component of the class `dummy_storage`, or a container, only says over which
//! instances loops run; it is no level here. Storage of class `DRAM` cannot add.
//! Checked against: the statistics of four of the exercises' reference designs (`simulators/tests/models/timeloop_designs.rs`).

use std::collections::BTreeMap;

use super::file::JOULE_PER_PJ;
use super::problem::{TimeloopProblem, problem};
use super::yaml::{Data, Node, YamlError, parse};
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
    path: &'a str,
    name: String,
    class: String,
    instances: u64,
    mesh_x: u64,
}

/// Reads files: each a path for messages, and a text.
///
/// # Errors
/// [`YamlError`] with file and line if something is missing, or is not what Timeloop writes.
pub fn read_design(files: &[(&str, &str)]) -> Result<TimeloopDesign, YamlError> {
    let mut design = TimeloopDesign::default();
    let documents: Vec<(&str, Node)> =
        files.iter().map(|(path, text)| Ok((*path, parse(text, path)?))).collect::<Result<_, YamlError>>()?;
    let find = |key: &str| documents.iter().find_map(|(path, node)| Some((*path, node.get(key)?)));
    let energies = match (find("ERT_summary"), find("ERT")) {
        (Some((path, node)), _) => read_energies(node, path, "table_summary")?,
        (None, Some((path, node))) => read_energies(node, path, "tables")?,
        (None, None) => Energies::new(),
    };
    let parts = match find("architecture") {
        Some((path, node)) => parts_of(node, path)?,
        None => Vec::new(),
    };
    if !parts.is_empty() {
        design.architecture = Some(architecture(&parts, &energies, &mut design.unread)?);
    }
    if let Some((path, node)) = find("problem") {
        design.problem = Some(problem(node, path)?);
    }
    if let Some((path, node)) = find("mapping") {
        let unit = TimeloopProblem::unit();
        design.mapping = Some(mapping(node, path, &parts, design.problem.as_ref().unwrap_or(&unit))?);
    }
    Ok(design)
}

pub(super) fn error(path: &str, node: &Node, message: impl Into<String>) -> YamlError {
    YamlError { path: path.to_owned(), line: node.line, message: message.into() }
}

fn number(path: &str, node: &Node, key: &str) -> Result<f64, YamlError> {
    node.text()
        .parse()
        .map_err(|_| error(path, node, format!("`{key}` is `{}`, expected a number", node.text())))
}

pub(super) fn whole(path: &str, node: &Node, key: &str) -> Result<u64, YamlError> {
    let number = number(path, node, key)?;
    if number >= 1.0 && number.fract() == 0.0 {
        return Ok(number as u64);
    }
    Err(error(path, node, format!("`{key}` is {number}, expected a whole number of at least 1")))
}

/// Energies in pJ by component, without its instances, and action.
fn read_energies(node: &Node, path: &str, tables: &str) -> Result<Energies, YamlError> {
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
                *largest = largest.max(number(path, energy, "energy")?);
            }
        }
        energies.insert(name, actions);
    }
    Ok(energies)
}

/// The components of a machine, from the outermost on.
fn parts_of<'a>(node: &'a Node, path: &'a str) -> Result<Vec<Part<'a>>, YamlError> {
    let mut parts = Vec::new();
    if let Some(nodes) = node.get("nodes") {
        gather(nodes, path, (1, 1), &mut parts)?;
    }
    for branch in node.get("subtree").map(Node::items).unwrap_or_default() {
        for local in branch.get("local").map(Node::items).unwrap_or_default() {
            let name = local.get("name").map(Node::text).unwrap_or_default();
            let attribute = |key: &str| local.get("attributes").and_then(|attributes| attributes.get(key));
            let mesh = |key: &str| attribute(key).map_or(Ok(1), |node| whole(path, node, key));
            let (mesh_x, mesh_y) = (mesh("meshX")?, mesh("meshY")?);
            parts.push(part(local, path, name, mesh_x * mesh_y, mesh_x));
        }
    }
    if parts.is_empty() {
        return Err(error(
            path,
            node,
            "`architecture` has neither `nodes` nor a `subtree` with `local` components",
        ));
    }
    Ok(parts)
}

/// Follows nodes of v4: a container, or a component, multiplies what stands behind it.
fn gather<'a>(
    nodes: &'a Node,
    path: &'a str,
    (mut x, mut y): (u64, u64),
    parts: &mut Vec<Part<'a>>,
) -> Result<(), YamlError> {
    for node in nodes.items() {
        if let Some(nodes) = node.get("nodes") {
            gather(nodes, path, (x, y), parts)?;
            continue;
        }
        let name = node.get("name").map(Node::text).unwrap_or_default();
        if node.tag == "Container" {
            // Loops over the instances of a container run where it stands, so over what is outside of it.
            parts.push(part(node, path, name, x * y, x));
        }
        let mesh = |key: &str| {
            let size = node.get("spatial").and_then(|spatial| spatial.get(key));
            size.map_or(Ok(1), |node| whole(path, node, key))
        };
        (x, y) = (x * mesh("meshX")?, y * mesh("meshY")?);
        if node.tag != "Container" {
            parts.push(part(node, path, name, x * y, x));
        }
    }
    Ok(())
}

fn part<'a>(node: &'a Node, path: &'a str, name: &str, instances: u64, mesh_x: u64) -> Part<'a> {
    let class = node.get("class").map_or("", Node::text).to_owned();
    Part { node, path, name: name.split('[').next().unwrap_or_default().to_owned(), class, instances, mesh_x }
}

impl Part<'_> {
    /// Whether it only says over which instances loops run.
    fn is_dummy(&self) -> bool {
        self.class == "dummy_storage" || self.node.tag == "Container"
    }

    fn is_arithmetic(&self) -> bool {
        self.class.contains("mac") || self.class == "compute"
    }

    fn attribute(&self, key: &str) -> Option<&Node> {
        self.node.get("attributes").and_then(|attributes| attributes.get(key))
    }

    fn size(&self, key: &str) -> Result<Option<u64>, YamlError> {
        self.attribute(key).map(|node| whole(self.path, node, key)).transpose()
    }

    fn real(&self, key: &str) -> Result<Option<f64>, YamlError> {
        self.attribute(key).map(|node| number(self.path, node, key)).transpose()
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
        error(first.path, first.node, "the architecture has no component of a class `...mac` or `compute`")
    })?;
    levels.reverse();
    Architecture::new(mac, levels).map_err(|fault| error(first.path, first.node, fault.to_string()))
}

fn level(part: &Part<'_>, energies: &Energies) -> Result<Level, YamlError> {
    let word_bits = part.size("datawidth")?.or(part.size("word_bits")?).ok_or_else(|| {
        let message = format!("`{}` has no `datawidth`, which is the width of its words", part.name);
        error(part.path, part.node, message)
    })?;
    let cluster_size = part.size("cluster_size")?.unwrap_or(1);
    // Source: Timeloop's buffer model: a physical word of `width` bits is a block for each instance of a cluster.
    let width = part.size("width")?.unwrap_or(word_bits);
    let block_words = part.size("block_size")?.unwrap_or(width / (word_bits * cluster_size)).max(1);
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
            unread.push(error(part.path, value, format!("`{key}` of `{}` is not read", part.name)));
        }
    }
}

/// The mapping, on the storage levels alone: loops over the instances of a dummy belong to the level outside of it.
fn mapping(
    node: &Node,
    path: &str,
    parts: &[Part<'_>],
    problem: &TimeloopProblem,
) -> Result<MappingText, YamlError> {
    if parts.is_empty() {
        return Err(error(path, node, "a mapping is read beside its `architecture`"));
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
            let loops = loops(entry, path, problem)?;
            if part.is_dummy() && !loops.is_empty() {
                let message = format!("`{}` is no storage, but has loops in time", part.name);
                return Err(error(path, entry, message));
            }
            level.temporal.extend(loops.into_iter().map(|(_, dimension, factor)| (dimension, factor)));
        }
        for entry in entries("spatial") {
            let split = entry.get("split").map_or(Ok(0.0), |node| number(path, node, "split"))?;
            for (place, dimension, factor) in loops(entry, path, problem)? {
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
fn loops(
    entry: &Node,
    path: &str,
    problem: &TimeloopProblem,
) -> Result<Vec<(usize, String, Factor)>, YamlError> {
    let mut factors: BTreeMap<&str, Factor> = BTreeMap::new();
    for word in entry.get("factors").map(factor_words).unwrap_or_default() {
        let end = word.find(|c: char| c == '=' || c.is_ascii_digit()).unwrap_or(word.len());
        let factor = factor(word[end..].trim_start_matches('=')).ok_or_else(|| {
            let message =
                format!("`{word}` is no factor such as `C=4`, `C4` or, with a last turn of 2, `C=4,2`");
            error(path, entry, message)
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
        return Err(error(path, entry, format!("`{}` is not in the permutation", missing.0)));
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

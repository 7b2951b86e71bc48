//! What a design of Timeloop v4 fixes of its mappings: `constraints` of components, and lists of `targets`.
//!
//! Source: the documentation of Timeloop v4, "Constraints", and what its front end writes: what one branch of a `Parallel` keeps passes the
//! others by; `no_iteration_over_dataspaces` and `must_iterate_over_dataspaces` stand for factors of 1; dimensions that run once stand before a
//! permutation, where `split` counts them. Stated here is which data spaces a level keeps, and which dimensions may run at it, in time and along
//! each axis. How often they run, and in which order, is not: such keys are named.
//! Checked against: the constraints that the front end wrote of four reference designs of the exercises.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::design::{Part, number};
use super::mapping::{factor_words, permutation};
use super::problem::TimeloopProblem;
use super::yaml::{Node, YamlError};
use crate::loop_nest::Einsum;
use crate::networks::{Layer, Op};

/// What a level fixes, in the words of accelerator files; what is `None` is free.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FixedLevel {
    /// Tensors that it keeps, and no others but those of `may_keep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Vec<String>>,
    /// Tensors that it may keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_keep: Option<Vec<String>>,
    /// Dimensions that may run in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal: Option<Vec<String>>,
    /// Dimensions that may run over instances in x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial_x: Option<Vec<String>>,
    /// Dimensions that may run over instances in y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial_y: Option<Vec<String>>,
}

/// Where lists of targets stand.
const LISTS: [&str; 5] =
    ["architecture_constraints", "constraints", "mapspace", "mapspace_constraints", "arch_constraints"];

/// Dimensions of the layer, by index.
type Dims = BTreeSet<usize>;

/// What the levels of a design fix, by name; keys that cannot be stated go to `unread`.
pub(super) fn dataflow(
    documents: &[Node],
    parts: &[Part<'_>],
    problem: Option<&TimeloopProblem>,
    unread: &mut Vec<YamlError>,
) -> Result<BTreeMap<String, FixedLevel>, YamlError> {
    let unit = TimeloopProblem::unit();
    let known = problem.unwrap_or(&unit);
    // A problem out of range is refused where it becomes a network.
    let Ok(layer) = Layer::new("problem", Op::from(known)) else { return Ok(BTreeMap::new()) };
    let einsum = layer.einsum();
    let mut reader = Reader {
        parts,
        problem: known,
        einsum,
        sizes_are_known: problem.is_some(),
        levels: parts.iter().map(|_| Held::default()).collect(),
        fanouts: parts.iter().map(|_| [all(einsum), all(einsum)]).collect(),
        unread,
    };
    for (index, part) in parts.iter().enumerate() {
        for sibling in part.siblings() {
            reader.keep_in_sibling(index, sibling);
        }
        for (kind, node) in part.node.get("constraints").map(Node::entries).unwrap_or_default() {
            reader.read(kind, index, Stands::AtComponent, node)?;
        }
    }
    let lists = documents.iter().flat_map(|document| LISTS.iter().filter_map(|key| document.get(key)));
    for target in lists.flat_map(|list| list.get("targets").map(Node::items).unwrap_or_default()) {
        let name = target.get("target").map(Node::text).unwrap_or_default();
        match parts.iter().position(|part| part.name == name) {
            Some(index) => {
                let kind = target.get("type").map(Node::text).unwrap_or_default();
                reader.read(kind, index, Stands::AtTarget, target)?;
            }
            None => reader.unread.push(
                target.error(format!("constraints of `{name}` are not held: no component is called so")),
            ),
        }
    }
    Ok(reader.finish())
}

fn all(einsum: &Einsum) -> Dims {
    (0..einsum.dims().len()).collect()
}

/// Where a constraint is written: spatial ones of a component are about its own instances, those of a target about the instances below.
#[derive(Clone, Copy, PartialEq)]
enum Stands {
    AtComponent,
    AtTarget,
}

/// What was read of a part.
#[derive(Default)]
struct Held {
    keep: BTreeSet<&'static str>,
    bypass: BTreeSet<&'static str>,
    /// Passed by since a part beside it keeps them, unless it keeps them itself.
    kept_beside: BTreeSet<&'static str>,
    never_in_time: Dims,
}

struct Reader<'a> {
    parts: &'a [Part<'a>],
    problem: &'a TimeloopProblem,
    einsum: &'a Einsum,
    sizes_are_known: bool,
    /// By part.
    levels: Vec<Held>,
    /// What may run in x and y over the instances between a part and the next.
    fanouts: Vec<[Dims; 2]>,
    unread: &'a mut Vec<YamlError>,
}

impl Reader<'_> {
    fn read(&mut self, kind: &str, index: usize, stands: Stands, node: &Node) -> Result<(), YamlError> {
        let part = &self.parts[index];
        match kind {
            "dataspace" | "datatype" | "bypass" | "bypassing" => self.read_spaces(index, node),
            "temporal" => {
                let (allowed, order) = self.read_loops(index, node);
                // No loop in time runs where nothing is stored.
                if part.is_storage() {
                    self.note_order(index, node, &order, &allowed);
                    let never = all(self.einsum).difference(&allowed).copied().collect::<Dims>();
                    self.levels[index].never_in_time.extend(never);
                }
            }
            "spatial" => {
                let between = if stands == Stands::AtComponent && !part.is_dummy() {
                    index.checked_sub(1)
                } else {
                    Some(index)
                };
                match between {
                    Some(between) => self.read_spatial(index, between, node),
                    None => self.note(node, "spatial", index),
                }
            }
            other => {
                if !node.is_empty() {
                    self.note(node, other, index);
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, node: &Node, key: &str, index: usize) {
        let name = &self.parts[index].name;
        self.unread.push(node.error(format!("the constraint `{key}` of `{name}` is not held")));
    }

    fn keep_in_sibling(&mut self, index: usize, sibling: &Node) {
        let spaces = sibling.get("constraints").and_then(|constraints| constraints.get("dataspace"));
        for key in ["keep", "keep_only"] {
            for name in spaces.and_then(|spaces| spaces.get(key)).map(Node::words).unwrap_or_default() {
                let tensor = self.tensor(name);
                self.levels[index].kept_beside.extend(tensor);
            }
        }
        for nested in sibling.get("nodes").map(Node::items).unwrap_or_default() {
            self.keep_in_sibling(index, nested);
        }
    }

    /// Which data spaces a part keeps.
    fn read_spaces(&mut self, index: usize, node: &Node) {
        for (key, value) in node.entries() {
            if matches!(key.as_str(), "target" | "type") || value.is_empty() && key != "keep_only" {
                continue;
            }
            let named: Vec<Option<&'static str>> =
                value.words().into_iter().map(|name| self.tensor(name)).collect();
            for (name, _) in value.words().iter().zip(&named).filter(|(_, tensor)| tensor.is_none()) {
                self.note_unknown(value, "data space", name, index);
            }
            // Nothing follows for the others from a list of some that are not there.
            if key == "keep_only" && named.contains(&None) {
                continue;
            }
            let tensors: BTreeSet<&'static str> = named.into_iter().flatten().collect();
            let part = &self.parts[index];
            let is_outermost = self.parts[..index].iter().all(|part| !part.is_storage());
            let is_held = match key.as_str() {
                "keep" | "keep_only" => part.is_storage(),
                "bypass" => !(part.is_storage() && is_outermost),
                _ => false,
            };
            if !is_held {
                self.note(value, key, index);
                continue;
            }
            let every = self.problem.tensors.iter().map(|(_, here)| *here);
            let held = &mut self.levels[index];
            match key.as_str() {
                "bypass" => held.bypass.extend(tensors),
                _ => {
                    if key == "keep_only" {
                        held.bypass.extend(every.filter(|tensor| !tensors.contains(tensor)));
                    }
                    held.keep.extend(tensors);
                }
            }
        }
    }

    fn note_unknown(&mut self, node: &Node, kind: &str, name: &str, index: usize) {
        let part = &self.parts[index].name;
        let message = format!("`{name}` in the constraints of `{part}` is not held: no {kind} is called so");
        self.unread.push(node.error(message));
    }

    /// What may run of the loops of a part, and the order that is written down.
    fn read_loops(&mut self, index: usize, node: &Node) -> (Dims, Vec<String>) {
        let mut allowed = all(self.einsum);
        let mut order = Vec::new();
        for (key, value) in node.entries() {
            match key.as_str() {
                "target" | "type" | "split" => {}
                "permutation" => order = permutation(value),
                "factors" => self.read_factors(index, value, &mut allowed),
                "factors_only" => {
                    let listed: Vec<&str> =
                        factor_words(value).into_iter().map(|word| bound(word).0).collect();
                    let file = self.problem.dimensions.iter();
                    let never = file.filter(|(name, _)| !listed.contains(&name.as_str()));
                    for dim in never.filter_map(|(name, _)| self.dim(name)).collect::<Vec<_>>() {
                        allowed.remove(&dim);
                    }
                    self.read_factors(index, value, &mut allowed);
                }
                "no_iteration_over_dataspaces" | "must_iterate_over_dataspaces" => {
                    let must_use = key.starts_with("must");
                    for name in value.words() {
                        let Some(tensor) = self.tensor(name) else {
                            self.note_unknown(value, "data space", name, index);
                            continue;
                        };
                        let tensor = self.einsum.tensor_index(tensor);
                        let tensor = &self.einsum.tensors()
                            [tensor.expect("invariant: layers have weights, inputs and outputs")];
                        allowed.retain(|dim| tensor.uses(*dim) == must_use);
                    }
                }
                other => {
                    if !value.is_empty() {
                        self.note(value, other, index);
                    }
                }
            }
        }
        (allowed, order)
    }

    /// Takes dimensions that run once out of `allowed`.
    fn read_factors(&mut self, index: usize, node: &Node, allowed: &mut Dims) {
        for word in factor_words(node) {
            let (name, limit) = bound(word);
            if !self.is_dimension(name) {
                self.note_unknown(node, "dimension of the problem", name, index);
            } else if runs_once(limit) {
                if let Some(dim) = self.dim(name) {
                    allowed.remove(&dim);
                }
            } else if self.dim(name).is_some() {
                let part = &self.parts[index].name;
                let message = format!(
                    "the factor `{word}` of `{part}` is not held: a dimension that may run is free to run any number of times"
                );
                self.unread.push(node.error(message));
            }
        }
    }

    fn read_spatial(&mut self, index: usize, between: usize, node: &Node) {
        let (allowed, order) = self.read_loops(index, node);
        let mut axes = [allowed.clone(), allowed.clone()];
        if let Some(split_node) = node.get("split") {
            let order = self.whole_order(&order, &allowed);
            let n_dims = self.problem.dimensions.len() + self.problem.idle.len();
            match number(split_node, "split") {
                // What is not listed stands behind what is; how many of those come before the split is open.
                Ok(split) if split as usize >= n_dims || split as usize <= order.len() => {
                    for (name, _) in &self.problem.dimensions {
                        let place = order.iter().position(|other| other == name).unwrap_or(n_dims - 1);
                        let forbidden = usize::from((place as f64) < split);
                        if let Some(dim) = self.dim(name) {
                            axes[forbidden].remove(&dim);
                        }
                    }
                }
                _ => self.note(split_node, "split", index),
            }
        }
        for (axis, dims) in axes.iter().enumerate() {
            if self.mesh(between)[axis] > 1 {
                self.note_order(index, node, &order, dims);
            }
            self.fanouts[between][axis].retain(|dim| dims.contains(dim));
        }
    }

    /// A permutation as Timeloop's front end hands it on: dimensions that run once stand before those that are listed, and count for `split`.
    fn whole_order(&self, listed: &[String], allowed: &Dims) -> Vec<String> {
        let is_single = |dim: usize| self.sizes_are_known && self.einsum.dims()[dim].size == 1;
        let own = self.problem.dimensions.iter().map(|(name, _)| name);
        let single = own.clone().filter(|name| self.dim(name).is_none_or(is_single));
        let held =
            own.filter(|name| self.dim(name).is_some_and(|dim| !is_single(dim) && !allowed.contains(&dim)));
        let before = self.problem.idle.iter().chain(single).chain(held);
        let before = before.filter(|name| !listed.contains(name));
        before.chain(listed).cloned().collect()
    }

    /// Says that an order is not held, if it orders anything: two dimensions that may run, one of them listed.
    fn note_order(&mut self, index: usize, node: &Node, order: &[String], allowed: &Dims) {
        let Some(place) = node.get("permutation") else { return };
        let runs = |dim: usize| {
            allowed.contains(&dim) && !(self.sizes_are_known && self.einsum.dims()[dim].size == 1)
        };
        let named = |name: &str| self.dim(name).is_some_and(runs);
        let free: Vec<&str> = self
            .problem
            .dimensions
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| named(name))
            .collect();
        if free.len() > 1 && order.iter().any(|name| named(name)) {
            let part = &self.parts[index].name;
            let message = format!(
                "`permutation` of `{part}` is not held: {} are free to run in any order",
                free.join(", ")
            );
            self.unread.push(place.error(message));
        }
    }

    /// How many instances of the next part one of this part has in x and y.
    fn mesh(&self, between: usize) -> [u64; 2] {
        let Some(below) = self.parts.get(between + 1) else { return [1, 1] };
        let here = &self.parts[between];
        let y = |part: &Part<'_>| part.instances / part.mesh_x.max(1);
        [below.mesh_x / here.mesh_x.max(1), y(below) / y(here).max(1)]
    }

    fn is_dimension(&self, name: &str) -> bool {
        self.problem.idle.iter().any(|idle| idle == name) || self.dim(name).is_some()
    }

    fn dim(&self, name: &str) -> Option<usize> {
        let (_, here) = self.problem.dimensions.iter().find(|(known, _)| known == name)?;
        self.einsum.dims().iter().position(|dim| dim.name == *here)
    }

    fn tensor(&self, name: &str) -> Option<&'static str> {
        let found = self.problem.tensors.iter().find(|(known, _)| known == name);
        found.map(|(_, here)| *here)
    }

    /// What the storage levels fix; instances between two of them belong to the outer one.
    fn finish(self) -> BTreeMap<String, FixedLevel> {
        let names = |dims: &Dims| -> Option<Vec<String>> {
            let is_free = dims.len() == self.einsum.dims().len();
            (!is_free).then(|| dims.iter().map(|&dim| self.einsum.dims()[dim].name.to_string()).collect())
        };
        let (mut levels, mut merged) = (BTreeMap::new(), Vec::new());
        for (index, part) in self.parts.iter().enumerate().filter(|(_, part)| part.is_storage()) {
            let held = &self.levels[index];
            let inner = self.parts[index + 1..].iter().position(Part::is_storage);
            let end = inner.map_or(self.parts.len(), |inner| index + 1 + inner);
            let mut axis = |axis: usize| {
                let over = (index..end).filter(|&between| self.mesh(between)[axis] > 1);
                let sets: Vec<&Dims> = over.map(|between| &self.fanouts[between][axis]).collect();
                if sets.windows(2).any(|pair| pair[0] != pair[1]) {
                    let name = ["x", "y"][axis];
                    merged.push(part.node.error(format!(
                        "what may run in {name} at each of the components below `{}` is not held: all that may run at any of them may run",
                        part.name
                    )));
                }
                let union: Dims = sets.iter().flat_map(|dims| dims.iter().copied()).collect();
                if sets.is_empty() { None } else { names(&union) }
            };
            // Lists of targets say of branches what their components do.
            let is_beside =
                |other: &usize| self.parts[*other].is_storage() && self.parts[*other].is_beside(part);
            let beside: Vec<&Held> =
                (0..self.parts.len()).filter(is_beside).map(|other| &self.levels[other]).collect();
            let passes = |tensor: &&'static str| {
                let is_beside = held.kept_beside.contains(tensor)
                    || beside.iter().any(|other| other.keep.contains(tensor));
                held.bypass.contains(tensor) || is_beside && !held.keep.contains(tensor)
            };
            let tensors = self.problem.tensors.iter().map(|(_, here)| *here);
            let may_keep: Vec<String> = tensors
                .clone()
                .filter(|tensor| !held.keep.contains(tensor) && !passes(tensor))
                .map(str::to_owned)
                .collect();
            let keep = tensors.filter(|tensor| held.keep.contains(tensor)).map(str::to_owned);
            let is_free = may_keep.len() == self.problem.tensors.len();
            let temporal = all(self.einsum).difference(&held.never_in_time).copied().collect();
            let fixed = FixedLevel {
                keep: (!is_free).then(|| keep.collect()),
                may_keep: (!is_free && !may_keep.is_empty()).then_some(may_keep),
                temporal: names(&temporal),
                spatial_x: axis(0),
                spatial_y: axis(1),
            };
            if fixed != FixedLevel::default() {
                levels.insert(part.name.clone(), fixed);
            }
        }
        self.unread.append(&mut merged);
        levels
    }
}

/// The dimension of a factor, and what it is held to: `C<=4` is `C` and `<=4`.
fn bound(word: &str) -> (&str, &str) {
    let end = word.find(|c: char| "=<>".contains(c) || c.is_ascii_digit()).unwrap_or(word.len());
    (word[..end].trim(), word[end..].trim())
}

fn runs_once(limit: &str) -> bool {
    let words: String = limit.chars().filter(|letter| !letter.is_whitespace()).collect();
    matches!(words.as_str(), "1" | "=1" | "==1" | "<=1" | "<2")
}

//! A decision diagram of the legal assignments to a few parameters that rules tie together.
//!
//! The diagram has a layer for each parameter; a path from the root to the end is a legal assignment, and there are
//! no dead ends. Two prefixes share a node when they agree on all that the rules still to come will ask for, so the
//! diagram stays small where the list of assignments would not, and counting, ranking and uniform sampling take one
//! walk. Source: Andersen, Hadzic, Hooker & Tiedemann (2007), "A constraint store based on multivalued decision
//! diagrams", doi:10.1007/978-3-540-74970-7_11 (reduced multivalued decision diagrams).

use std::collections::HashMap;

use crate::parameter::{Parameter, Value};
use crate::rule::Rule;

/// More edges than this (about 0.3 GB) and the rules are refused as too entangled.
const MAX_EDGES: usize = 1 << 24;

/// The diagram would be too large.
#[derive(Debug)]
pub(super) struct TooEntangled;

/// Legal assignments to `order`, each a path.
#[derive(Debug)]
pub(super) struct Diagram {
    order: Vec<usize>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    root: u32,
    count: u64,
}

#[derive(Debug)]
struct Node {
    first: u32,
    n_edges: u32,
}

/// One level of a parameter, and where it leads.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) level: u32,
    pub(super) child: u32,
    /// Assignments through the edges of the same node that stand before this one.
    before: u64,
}

/// What grows from the root down: for each layer and state, the levels that can be taken and the states they lead to.
type Layers = Vec<Vec<Vec<(u32, u32)>>>;

impl Diagram {
    /// All assignments to the `members` (indices into `parameters`) that satisfy `rules`, whose scopes lie within.
    pub(super) fn of_rules(
        parameters: &[Parameter],
        members: &[usize],
        rules: &[&Rule],
    ) -> Result<Self, TooEntangled> {
        let index_of = |name: &String| members.iter().position(|&p| parameters[p].name() == name);
        let scopes: Vec<Vec<usize>> = rules
            .iter()
            .map(|rule| {
                rule.scope()
                    .iter()
                    .map(|name| index_of(name).expect("a scope lies within its block"))
                    .collect()
            })
            .collect();
        let sizes: Vec<u32> = members.iter().map(|&p| parameters[p].n_levels()).collect();
        let order = decision_order(&sizes, &scopes);
        let values: Vec<Vec<Value>> = members
            .iter()
            .map(|&p| (0..parameters[p].n_levels()).map(|level| parameters[p].value(level)).collect())
            .collect();
        let layers = grow(&order, &sizes, &scopes, rules, &values)?;
        Ok(Self::reduce(order.iter().map(|&i| members[i]).collect(), &layers))
    }

    /// Exactly the assignments in `rows`, each the levels of all parameters.
    pub(super) fn of_rows(n_parameters: usize, mut rows: Vec<Vec<u32>>) -> Self {
        rows.sort_unstable();
        rows.dedup();
        let mut layers: Layers = Vec::with_capacity(n_parameters);
        let mut groups = Vec::from([(0, rows.len())]); // rows that share a prefix lie side by side
        for column in 0..n_parameters {
            let (mut layer, mut next) = (Vec::with_capacity(groups.len()), Vec::new());
            for (first, end) in groups {
                let mut edges: Vec<(u32, u32)> = Vec::new();
                for (offset, row) in rows[first..end].iter().enumerate() {
                    let level = row[column];
                    if edges.last().is_none_or(|&(last, _)| last != level) {
                        edges.push((level, next.len() as u32));
                        next.push((first + offset, first + offset));
                    }
                    next.last_mut().expect("a group was just opened").1 = first + offset + 1;
                }
                layer.push(edges);
            }
            layers.push(layer);
            groups = next;
        }
        Self::reduce((0..n_parameters).collect(), &layers)
    }

    /// Drops dead ends and merges equal nodes, from the last layer up.
    fn reduce(order: Vec<usize>, layers: &Layers) -> Self {
        // Node 0 is the end: one assignment, nothing left to decide.
        let (mut nodes, mut edges) = (vec![Node { first: 0, n_edges: 0 }], Vec::new());
        let mut counts: Vec<u64> = vec![1];
        let mut below: Vec<Option<u32>> = Vec::new();
        for (depth, layer) in layers.iter().enumerate().rev() {
            let is_last = depth + 1 == layers.len();
            let mut merged: HashMap<Vec<(u32, u32)>, u32> = HashMap::new();
            let here = layer.iter().map(|state| {
                let child = |next: u32| if is_last { Some(0) } else { below[next as usize] };
                let kept: Vec<(u32, u32)> = state
                    .iter()
                    .filter_map(|&(level, next)| child(next).map(|child| (level, child)))
                    .collect();
                if kept.is_empty() {
                    return None;
                }
                Some(*merged.entry(kept).or_insert_with_key(|kept| {
                    nodes.push(Node { first: edges.len() as u32, n_edges: kept.len() as u32 });
                    let mut before = 0;
                    for &(level, child) in kept {
                        edges.push(Edge { level, child, before });
                        before += counts[child as usize];
                    }
                    counts.push(before);
                    nodes.len() as u32 - 1
                }))
            });
            below = here.collect();
        }
        let root = below.first().copied().flatten();
        Self {
            order,
            nodes,
            edges,
            root: root.unwrap_or(0),
            count: root.map_or(0, |root| counts[root as usize]),
        }
    }

    /// The parameters in the order in which they are decided.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// How many assignments there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Where every walk begins.
    pub(super) fn root(&self) -> u32 {
        self.root
    }

    /// The levels that can be taken at a node, increasing.
    pub(super) fn edges(&self, node: u32) -> &[Edge] {
        let node = &self.nodes[node as usize];
        &self.edges[node.first as usize..(node.first + node.n_edges) as usize]
    }

    /// The edge of `node` for `level`, if it is legal there.
    pub(super) fn edge(&self, node: u32, level: u32) -> Option<&Edge> {
        let edges = self.edges(node);
        edges.binary_search_by_key(&level, |edge| edge.level).ok().map(|at| &edges[at])
    }

    /// How many assignments pass on from a node: those before its last edge, and those that pass on through that.
    pub(super) fn count_below(&self, mut node: u32) -> u64 {
        let mut count = 1; // the end's own
        while let Some(last) = self.edges(node).last() {
            count += last.before;
            node = last.child;
        }
        count
    }

    /// The number of the assignment in `levels` (of all parameters of the space); none if it is not legal.
    pub(super) fn rank(&self, levels: &[u32]) -> Option<u64> {
        let (mut node, mut rank) = (self.root, 0);
        for &parameter in &self.order {
            let edge = self.edge(node, levels[parameter])?;
            rank += edge.before;
            node = edge.child;
        }
        Some(rank)
    }

    /// Writes the assignment with number `rank` into `levels`.
    pub(super) fn unrank(&self, mut rank: u64, levels: &mut [u32]) {
        assert!(rank < self.count, "rank {rank} is below the count {}", self.count);
        let mut node = self.root;
        for &parameter in &self.order {
            let edges = self.edges(node);
            let edge = &edges[edges.partition_point(|edge| edge.before <= rank) - 1];
            rank -= edge.before;
            levels[parameter] = edge.level;
            node = edge.child;
        }
    }

    /// Changes `levels` into a legal assignment, deciding in order and moving each parameter as little as it can.
    pub(super) fn repair(&self, parameters: &[Parameter], levels: &mut [u32]) {
        let mut node = self.root;
        for &parameter in &self.order {
            let wanted = levels[parameter];
            let is_categorical = parameters[parameter].is_categorical();
            let distance = |edge: &&Edge| match edge.level.abs_diff(wanted) {
                0 => 0,
                _ if is_categorical => 1,
                steps => steps,
            };
            let edge = self.edges(node).iter().min_by_key(distance).expect("a diagram has no dead ends");
            levels[parameter] = edge.level;
            node = edge.child;
        }
    }
}

/// An order of `0..sizes.len()` that keeps few parameters open: decided, and still asked for by a rule to come.
fn decision_order(sizes: &[u32], scopes: &[Vec<usize>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(sizes.len());
    while order.len() < sizes.len() {
        let width_after = |&candidate: &usize| {
            let decided = |p: usize| p == candidate || order.contains(&p);
            let is_open = |p: usize| {
                scopes.iter().any(|scope| scope.contains(&p) && !scope.iter().all(|&q| decided(q)))
            };
            let open = (0..sizes.len()).filter(|&p| decided(p) && is_open(p));
            open.fold(1u128, |width, p| width.saturating_mul(u128::from(sizes[p])))
        };
        let next = (0..sizes.len()).filter(|p| !order.contains(p)).min_by_key(width_after);
        order.push(next.expect("some parameter is left"));
    }
    order
}

/// Decides one parameter after another; a state is what the rules still to come need to know.
fn grow(
    order: &[usize],
    sizes: &[u32],
    scopes: &[Vec<usize>],
    rules: &[&Rule],
    values: &[Vec<Value>],
) -> Result<Layers, TooEntangled> {
    let mut layers: Layers = Vec::with_capacity(order.len());
    let mut open: Vec<usize> = Vec::new();
    let mut states: Vec<Vec<u32>> = vec![Vec::new()];
    let mut n_edges = 0;
    for (depth, &parameter) in order.iter().enumerate() {
        let decided = &order[..=depth];
        let is_complete = |scope: &[usize]| scope.iter().all(|p| decided.contains(p));
        let due: Vec<usize> =
            (0..rules.len()).filter(|&r| scopes[r].contains(&parameter) && is_complete(&scopes[r])).collect();
        let is_open = |p: &usize| scopes.iter().any(|scope| scope.contains(p) && !is_complete(scope));
        let open_next: Vec<usize> = decided.iter().copied().filter(is_open).collect();
        let mut assignment = vec![0u32; sizes.len()];
        let (mut layer, mut next) = (Vec::with_capacity(states.len()), HashMap::<Vec<u32>, u32>::new());
        let mut next_states = Vec::new();
        for state in &states {
            for (&p, &level) in open.iter().zip(state) {
                assignment[p] = level;
            }
            let mut edges = Vec::new();
            for level in 0..sizes[parameter] {
                assignment[parameter] = level;
                let holds = |&r: &usize| {
                    let scope: Vec<&Value> =
                        scopes[r].iter().map(|&p| &values[p][assignment[p] as usize]).collect();
                    rules[r].violation(&scope) <= 0.0
                };
                if !due.iter().all(holds) {
                    continue;
                }
                let key: Vec<u32> = open_next.iter().map(|&p| assignment[p]).collect();
                let id = *next.entry(key).or_insert_with_key(|key| {
                    next_states.push(key.clone());
                    next_states.len() as u32 - 1
                });
                edges.push((level, id));
            }
            n_edges += edges.len();
            layer.push(edges);
        }
        if n_edges > MAX_EDGES {
            return Err(TooEntangled);
        }
        layers.push(layer);
        (open, states) = (open_next, next_states);
    }
    Ok(layers)
}

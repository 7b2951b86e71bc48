//! Decision trees, however they are grown: forests and boosted machines put other values at a split and at a leaf.
//!
//! Source: Breiman, Friedman, Olshen & Stone (1984), "Classification and Regression Trees", chapter 2.
//! Departs from it: a category is split from all others, one at a time.

use serde::{Deserialize, Serialize};

use super::gaussian_process::embedding::CoordinateKind;

/// Points that all trees are asked about before the next ones. Ours: a few hundred bytes each, which stay in the cache beside a tree.
pub const BLOCK: usize = 64;

/// Which side of a branch a point is on, by one of its coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NodeSplit<T> {
    /// Which coordinate.
    pub coordinate: u32,
    /// Whether near are all values up to `at`, or that category alone.
    pub kind: CoordinateKind,
    /// The last value that is near, or the category.
    pub at: T,
}

impl<T: PartialOrd> NodeSplit<T> {
    /// Whether a point with this value of the coordinate goes to the near side.
    pub fn is_near(&self, value: &T) -> bool {
        match self.kind {
            CoordinateKind::Ordered => *value <= self.at,
            CoordinateKind::Categorical => *value == self.at,
        }
    }
}

/// Nodes, the root first and every child behind its parent, over coordinates of type `T` with leaves of type `L`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tree<T, L> {
    nodes: Vec<Node<T, L>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Node<T, L> {
    Leaf(L),
    Branch { split: NodeSplit<T>, near: u32, far: u32 },
}

impl<T: PartialOrd, L: Default> Tree<T, L> {
    /// A single leaf, the node 0, whose value is still to be [set](Tree::set_leaf).
    pub fn new() -> Self {
        Self { nodes: vec![Node::Leaf(L::default())] }
    }

    /// Splits the leaf at `node`; returns the nodes of its near and its far side, leaves whose values are to be set.
    pub fn split(&mut self, node: usize, split: NodeSplit<T>) -> [usize; 2] {
        let near = self.nodes.len();
        self.nodes[node] = Node::Branch { split, near: near as u32, far: near as u32 + 1 };
        self.nodes.extend([Node::Leaf(L::default()), Node::Leaf(L::default())]);
        [near, near + 1]
    }

    /// Sets the value of the leaf at `node`.
    pub fn set_leaf(&mut self, node: usize, value: L) {
        self.nodes[node] = Node::Leaf(value);
    }

    /// The leaf into which a point falls whose coordinates are `value`.
    pub fn leaf(&self, value: impl Fn(usize) -> T) -> &L {
        let mut node = 0;
        loop {
            match &self.nodes[node] {
                Node::Leaf(leaf) => return leaf,
                Node::Branch { split, near, far } => {
                    let is_near = split.is_near(&value(split.coordinate as usize));
                    node = *(if is_near { near } else { far }) as usize;
                }
            }
        }
    }

    /// Whether it is one leaf.
    pub fn is_leaf(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Whether it can be asked about points of `d` coordinates, which what was read from a file may not: it has a root, and its
    /// branches lead on to nodes that are there.
    pub fn fits(&self, d: usize) -> bool {
        let n = self.nodes.len();
        let is_whole = |(place, node): (usize, &Node<T, L>)| match node {
            Node::Leaf(_) => true,
            Node::Branch { split, near, far } => {
                let children = [*near as usize, *far as usize];
                (split.coordinate as usize) < d && children.iter().all(|&child| child > place && child < n)
            }
        };
        n > 0 && self.nodes.iter().enumerate().all(is_whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Up to 3 on the near side, and there category 1 from the others.
    #[test]
    fn points_fall_where_the_splits_say() {
        let mut tree: Tree<u8, &str> = Tree::new();
        let ordered = NodeSplit { coordinate: 0, kind: CoordinateKind::Ordered, at: 3 };
        let [near, far] = tree.split(0, ordered);
        let [one, other] =
            tree.split(near, NodeSplit { coordinate: 1, kind: CoordinateKind::Categorical, at: 1 });
        for (node, value) in [(far, "above"), (one, "one"), (other, "other")] {
            tree.set_leaf(node, value);
        }
        let leaf = |point: [u8; 2]| *tree.leaf(|coordinate| point[coordinate]);
        assert_eq!(
            [leaf([4, 1]), leaf([3, 1]), leaf([3, 0]), leaf([0, 2])],
            ["above", "one", "other", "other"]
        );
        assert!(tree.fits(2) && !tree.fits(1) && !tree.is_leaf());
    }

    /// A branch that leads back to itself would never end.
    #[test]
    fn a_tree_that_leads_nowhere_does_not_fit() {
        let split = NodeSplit { coordinate: 0, kind: CoordinateKind::Ordered, at: 0.5 };
        for (near, far) in [(0, 1), (1, 2), (1, 1)] {
            let nodes = vec![Node::Branch { split, near, far }, Node::Leaf(0.0)];
            assert_eq!(Tree { nodes }.fits(1), (near, far) == (1, 1), "{near} {far}");
        }
        assert!(!Tree::<f64, f64> { nodes: Vec::new() }.fits(1));
    }
}

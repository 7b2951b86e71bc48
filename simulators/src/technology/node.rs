//! Process nodes that the cost tables answer for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A CMOS process node, named by its length in nanometres; one of [`Node::SUPPORTED_NM`].
///
/// Serialized as the number: `node_nm = 45`.
///
/// ```
/// # use tapeout_simulators::technology::Node;
/// assert_eq!(Node::new(45)?.nm(), 45);
/// let error = Node::new(50).unwrap_err();
/// assert!(error.to_string().ends_with("the nearest is 45 nm"));
/// # Ok::<(), tapeout_simulators::technology::UnknownNode>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Node {
    /// Position in `SUPPORTED_NM`.
    index: u8,
}

/// No table covers the process node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {got_nm} nm is not tabulated; nodes are {} nm; the nearest is {nearest_nm} nm", list(&Node::SUPPORTED_NM))]
pub struct UnknownNode {
    /// The node asked for.
    pub got_nm: u32,
    /// The supported node closest to it.
    pub nearest_nm: u32,
}

impl Node {
    /// The nodes, largest first, in nm. 65, 45, 32 and 22 nm are tabulated for SRAM; what the others
    /// rest on is in the [module documentation](super).
    pub const SUPPORTED_NM: [u32; 11] = [65, 45, 40, 32, 28, 22, 16, 14, 12, 10, 7];

    /// The node of `nm` nanometres.
    ///
    /// # Errors
    /// [`UnknownNode`] if it is not one of [`Node::SUPPORTED_NM`].
    pub fn new(nm: u32) -> Result<Self, UnknownNode> {
        match Self::SUPPORTED_NM.iter().position(|&known| known == nm) {
            Some(index) => Ok(Node { index: index as u8 }),
            None => Err(UnknownNode { got_nm: nm, nearest_nm: nearest_nm(nm) }),
        }
    }

    /// Every node, largest first.
    pub fn all() -> impl Iterator<Item = Node> {
        (0..Self::SUPPORTED_NM.len()).map(|index| Node { index: index as u8 })
    }

    /// The node's length in nanometres.
    pub fn nm(self) -> u32 {
        Self::SUPPORTED_NM[self.index()]
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.index)
    }
}

fn nearest_nm(nm: u32) -> u32 {
    let distance = |known: &&u32| known.abs_diff(nm);
    *Node::SUPPORTED_NM.iter().min_by_key(distance).expect("invariant: there are supported nodes")
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

impl TryFrom<u32> for Node {
    type Error = UnknownNode;

    fn try_from(nm: u32) -> Result<Self, UnknownNode> {
        Node::new(nm)
    }
}

impl From<Node> for u32 {
    fn from(node: Node) -> u32 {
        node.nm()
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} nm", self.nm())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} nm)", self.nm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_and_written_as_its_number_of_nanometres() {
        for node in Node::all() {
            let text = serde_json::to_string(&node).unwrap();
            assert_eq!(text, node.nm().to_string());
            assert_eq!(serde_json::from_str::<Node>(&text).unwrap(), node);
        }
    }

    #[test]
    fn an_unknown_node_is_refused_with_the_list_and_the_nearest() {
        let error = serde_json::from_str::<Node>("90").unwrap_err().to_string();
        assert!(error.contains("node 90 nm"), "{error}");
        assert!(error.contains("65, 45, 40, 32, 28, 22, 16, 14, 12, 10, 7"), "{error}");
        assert!(error.contains("the nearest is 65 nm"), "{error}");
        assert!(Node::new(5).unwrap_err().to_string().contains("the nearest is 7 nm"));
    }
}

//! `If`: two graphs of which one runs.
//!
//! Source: ONNX 1.17, `docs/Operators.md`, If-19: a branch has no inputs and sees what stands before it; its outputs are those of the operator. Where the
//! condition follows from the file and the numbers that are given, that branch is read and nothing is said of the other. Where it does not, both
//! are read: if they have the same layers, and as much that cannot be counted, these are the operator's; else it is listed, with what of its branches would be layers.

use super::super::super::{Layer, NetworkError};
use super::super::draft::Draft;
use super::Reader;
use super::layers::{NEXT_TO_NOTHING, Reason, multiplies};
use super::schema::{GraphProto, NodeProto};
use super::value::Tensor;

/// Branches of unknown conditions within each other. Ours: each is read twice, so that it takes three times as long as its parts.
const MOST_DEEP: usize = 4;

const UNDECIDED: Reason = "which of its branches runs is not known, and they differ; a whole number that its condition asks for is given \
                           by name: `--dimension NAME=NUMBER`";
const MAY_NOT_RUN: Reason = "it is in a branch of an `If` that may not run";

impl<'a> Reader<'a> {
    /// Reads an `If`.
    pub(super) fn choice(&mut self, node: &'a NodeProto) -> Result<(), NetworkError> {
        let (Some(then), Some(otherwise)) = (node.graph("then_branch"), node.graph("else_branch")) else {
            self.draft.leave_out(&node.op_type, "it has not two branches");
            self.outputs(node, &[]);
            return Ok(());
        };
        let condition = node.input.first().and_then(|name| self.tensors.get(name.as_str()));
        let outputs = match condition.and_then(Tensor::number) {
            Some(holds) => self.branch(if holds == 0.0 { otherwise } else { then })?,
            None if self.depth == MOST_DEEP => {
                self.draft.leave_out(&node.op_type, "it is in too many branches of other conditions");
                Vec::new()
            }
            None => self.either(node, then, otherwise)?,
        };
        self.name_outputs(node, outputs);
        Ok(())
    }

    /// Both branches: their layers and what cannot be counted, if these are the same.
    fn either(
        &mut self,
        node: &NodeProto,
        then: &'a GraphProto,
        otherwise: &'a GraphProto,
    ) -> Result<Vec<Tensor>, NetworkError> {
        let (mut first, mut second) = (self.trial(), self.trial());
        let (first_outputs, second_outputs) = (first.branch(then)?, second.branch(otherwise)?);
        let is_same = same_layers(first.draft.layers(), second.draft.layers())
            && uncounted(&first.draft).eq(uncounted(&second.draft));
        if is_same {
            self.depth += 1;
            self.branch(then)?;
            self.depth -= 1;
        } else {
            self.draft.leave_out(&node.op_type, UNDECIDED);
            for branch in [then, otherwise] {
                self.list(branch);
            }
        }
        // What both say of an output holds.
        let both = first_outputs.into_iter().zip(second_outputs);
        Ok(both.map(|(one, other)| one.or(&other)).collect())
    }

    /// A reader that has seen what this one has, and keeps to itself what it finds.
    fn trial(&self) -> Self {
        Self { draft: Draft::new(self.draft.path()), depth: self.depth + 1, ..self.clone() }
    }

    /// Reads a branch: its outputs.
    fn branch(&mut self, graph: &'a GraphProto) -> Result<Vec<Tensor>, NetworkError> {
        self.begin(graph);
        for node in &graph.node {
            self.node(node)?;
        }
        let output = |name: &str| self.tensors.get(name).cloned().unwrap_or_default();
        Ok(graph.output.iter().map(|info| output(&info.name)).collect())
    }

    /// Lists what of a branch would be a layer, or would not and says why.
    fn list(&mut self, graph: &GraphProto) {
        for node in &graph.node {
            if multiplies(node) {
                self.draft.leave_out(&node.op_type, MAY_NOT_RUN);
            }
            for branch in ["then_branch", "else_branch"] {
                if let Some(graph) = node.graph(branch) {
                    self.list(graph);
                }
            }
        }
    }
}

/// What is no layer though it multiplies, and how much of it there is.
fn uncounted<'a>(draft: &'a Draft<'_>) -> impl Iterator<Item = (&'a (String, Reason), &'a u64)> {
    draft.left_out().iter().filter(|((_, why), _)| *why != NEXT_TO_NOTHING)
}

/// Whether two branches compute the same, whatever their layers are called.
fn same_layers(one: &[Layer], other: &[Layer]) -> bool {
    let work = |layer: &Layer| (layer.op().clone(), layer.count(), layer.weight_copies());
    let sorted = |layers: &[Layer]| {
        let mut layers: Vec<_> = layers.iter().map(work).collect();
        layers.sort();
        layers
    };
    sorted(one) == sorted(other)
}

//! The problem of a design of Timeloop v4 as a network of one layer.

use super::super::{Contraction, Conv2d, Extras, MatMul, NetworkError, NetworkProblem, Op, SecondOperand};
use super::draft::{Draft, ImportedNetwork};
use super::open::NetworkForm;
use crate::loop_nest::timeloop::{TimeloopLayer, TimeloopProblem, YamlError, read_design};

/// What stands in the notes of the network.
const NOTES: &str = "Nothing is padded: the sizes of the input follow from those of the output.";

pub(super) fn read(text: &str, path: &str) -> Result<ImportedNetwork, NetworkError> {
    // What is wrong may be wrong in an included file.
    let fault = |error: YamlError| {
        let problem = NetworkProblem::Syntax(error.message);
        NetworkError { path: error.path, line: Some(error.line), problem }
    };
    let design = read_design(&[(path, text)], &[]).map_err(fault)?;
    let problem = design.problem.ok_or_else(|| Draft::new(path).error(None, NetworkProblem::UnknownForm))?;
    let imported = problem_network(&problem, path)?;
    Ok(ImportedNetwork { reads_others: design.reads_others, ..imported })
}

/// A problem of Timeloop as a network of one layer, named after the file at `path`.
///
/// # Errors
/// [`NetworkError`] if its sizes are out of range.
pub fn problem_network(problem: &TimeloopProblem, path: &str) -> Result<ImportedNetwork, NetworkError> {
    let mut draft = Draft::new(path);
    draft.layer(None, "problem", Op::from(problem), Extras::default())?;
    for size in &problem.unread {
        draft.leave_out(&size.name, "a size that the shape of the problem has no name for");
    }
    draft.finish(NetworkForm::Timeloop, NOTES)
}

/// Nothing is padded: what a problem cannot say.
impl From<&TimeloopProblem> for Op {
    fn from(problem: &TimeloopProblem) -> Self {
        match problem.layer.clone() {
            TimeloopLayer::Convolution {
                batch,
                groups,
                in_channels,
                out_channels,
                output,
                kernel,
                stride,
                dilation,
            } => Self::Conv2d(Conv2d {
                batch,
                in_channels: in_channels.saturating_mul(groups),
                out_channels: out_channels.saturating_mul(groups),
                output,
                kernel,
                stride,
                dilation,
                padding: [0, 0],
                groups,
            }),
            TimeloopLayer::Product { batch, m, n, k } => {
                Self::MatMul(MatMul { batch, m, n, k, second: SecondOperand::Weight })
            }
            TimeloopLayer::Contraction { dims, weights, inputs, outputs } => {
                Self::Contraction(Contraction { dims, weights, inputs, outputs })
            }
        }
    }
}

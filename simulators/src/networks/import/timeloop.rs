//! The problem of a design of Timeloop v4 as a network of one layer.

use super::super::{Conv2d, Extras, MatMul, NetworkError, NetworkProblem, Op, SecondOperand};
use super::draft::{Draft, ImportedNetwork};
use super::open::NetworkForm;
use crate::loop_nest::timeloop::{TimeloopLayer, TimeloopProblem, read_design};

/// What stands in the notes of the network.
const NOTES: &str = "Nothing is padded: the sizes of the input follow from those of the output.";

pub(super) fn read(text: &str, path: &str) -> Result<ImportedNetwork, NetworkError> {
    let mut draft = Draft::new(path);
    let design =
        read_design(&[(path, text)]).map_err(|error| draft.fault(Some(error.line), error.message))?;
    let problem = design.problem.ok_or_else(|| draft.error(None, NetworkProblem::UnknownForm))?;
    draft.layer(None, "problem", Op::from(&problem), Extras::default())?;
    draft.finish(NetworkForm::Timeloop, NOTES)
}

/// Nothing is padded: what a problem cannot say.
impl From<&TimeloopProblem> for Op {
    fn from(problem: &TimeloopProblem) -> Self {
        match problem.layer {
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
        }
    }
}

//! The problem of a design of Timeloop v4 as a network of one layer.

use super::super::{Conv2d, Extras, NetworkError, NetworkProblem, Op};
use super::draft::{Draft, ImportedNetwork};
use super::open::NetworkForm;
use crate::loop_nest::timeloop::{TimeloopProblem, read_design};

/// What stands in the notes of the network.
const NOTES: &str = "Nothing is padded: the sizes of the input follow from those of the output.";

pub(super) fn read(text: &str, path: &str) -> Result<ImportedNetwork, NetworkError> {
    let mut draft = Draft::new(path);
    let design =
        read_design(&[(path, text)]).map_err(|error| draft.fault(Some(error.line), error.message))?;
    let problem = design.problem.ok_or_else(|| draft.error(None, NetworkProblem::UnknownForm))?;
    draft.layer(None, "problem", Op::Conv2d(Conv2d::from(&problem)), Extras::default())?;
    draft.finish(NetworkForm::Timeloop, NOTES)
}

/// Nothing is padded, and there is one group: what a problem of seven dimensions cannot say.
impl From<&TimeloopProblem> for Conv2d {
    fn from(problem: &TimeloopProblem) -> Self {
        Self {
            batch: problem.batch,
            in_channels: problem.in_channels,
            out_channels: problem.out_channels,
            output: problem.output,
            kernel: problem.kernel,
            stride: problem.stride,
            dilation: problem.dilation,
            padding: [0, 0],
            groups: 1,
        }
    }
}

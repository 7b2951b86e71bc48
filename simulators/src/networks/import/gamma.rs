//! Tables of GAMMA: six sizes and a type in each row.
//!
//! Source: Kao & Krishna (2020), "GAMMA", doi:10.1145/3400302.3415639; `src/GAMMA/gamma.py` of its repository:
//! `CONVtype_dicts` (0 fully connected, 1 convolution, 2 depthwise, 3 matrix product), `get_CONVtypeShape`, `write_maestro`.
//! A convolution K, C, Y, X, R, S is handed to MAESTRO without a stride, and MAESTRO pads nothing: the output has Y - R + 1
//! rows. That is what is read, though the tables are named after networks with strides and padding.

use super::super::{Conv2d, Extras, MatMul, NetworkError, Op, SecondOperand};
use super::draft::{Draft, ImportedNetwork};
use super::open::NetworkForm;
use super::sheet::Sheet;

/// What stands in the notes of the network.
const NOTES: &str = "As GAMMA evaluates its tables: stride 1, and nothing padded.";

/// Whether the columns are those of GAMMA: seven, the last the type.
pub(super) fn is_table(sheet: &Sheet<'_>) -> bool {
    sheet.header.len() == 7 && sheet.header[6] == "t"
}

pub(super) fn read(sheet: &Sheet<'_>) -> Result<ImportedNetwork, NetworkError> {
    let mut draft = Draft::new(sheet.path);
    for (index, (line, cells)) in sheet.rows.iter().enumerate() {
        let mut sizes = [0; 7];
        for (column, size) in sizes.iter_mut().enumerate() {
            *size = sheet.number(&draft, *line, cells, column)?;
        }
        let op = operation(sizes).map_err(|message| draft.fault(Some(*line), message))?;
        draft.layer(Some(*line), &format!("layer{}", index + 1), op, Extras::default())?;
    }
    draft.finish(NetworkForm::Gamma, NOTES)
}

fn operation([a, b, c, x, r, s, kind]: [u64; 7]) -> Result<Op, String> {
    let product = |m, n, k| Op::MatMul(MatMul { batch: 1, m, n, k, second: SecondOperand::Weight });
    match kind {
        0 => Ok(product(1, a, b)),
        3 => Ok(product(a, b, c)),
        1 | 2 => {
            if c < r || x < s {
                return Err(format!("a filter of {r} x {s} points over an input of {c} x {x}"));
            }
            let is_depthwise = kind == 2;
            Ok(Op::Conv2d(Conv2d {
                batch: 1,
                in_channels: b,
                out_channels: if is_depthwise { b } else { a },
                output: [c - r + 1, x - s + 1],
                kernel: [r, s],
                stride: [1; 2],
                dilation: [1; 2],
                padding: [0; 2],
                groups: if is_depthwise { b } else { 1 },
            }))
        }
        other => Err(format!(
            "`t` is {other}, expected 0 (fully connected), 1 (convolution), 2 (depthwise) or 3 (product)"
        )),
    }
}

//! Topologies of SCALE-Sim: a convolution or a matrix product in each row.
//!
//! Source: SCALE-Sim 3.0.0, `scalesim/topology_utils.py`: `load_arrays_conv`, `load_arrays_gemm`, `topo_calc_hyperparams`.
//! Nothing is padded: the sizes of the input are those with padding. The output has `ceil((input - filter + stride) / stride)`
//! points along an axis, so its last window may lie in part beyond the input, which is padding here. A row whose name has `DP`
//! in it is a filter for each channel.

use super::super::{Conv2d, Extras, MatMul, NetworkError, Op, SecondOperand};
use super::draft::{Draft, ImportedNetwork};
use super::open::NetworkForm;
use super::sheet::Sheet;

/// What stands in the notes of the network.
const NOTES: &str = "Nothing is padded beyond the sizes of the inputs as given.";

pub(super) fn read(sheet: &Sheet<'_>) -> Result<ImportedNetwork, NetworkError> {
    let mut draft = Draft::new(sheet.path);
    let is_products = sheet.header.get(1).is_some_and(|name| name == "m");
    if !is_products && sheet.header.len() < 8 {
        let message = "the first row names the columns of neither a topology of SCALE-Sim (layer, IFMAP height and width, filter \
                       height and width, channels, num filter, strides; or layer, M, N, K) nor a table of GAMMA (K, C, Y, X, R, S, T)";
        return Err(draft.fault(Some(1), message));
    }
    for (line, cells) in &sheet.rows {
        let op = if is_products {
            Op::MatMul(product(sheet, &draft, *line, cells)?)
        } else {
            Op::Conv2d(convolution(sheet, &draft, *line, cells)?)
        };
        if let Some(sparsity) = sparsity(sheet, cells) {
            return Err(draft.fault(
                Some(*line),
                format!("layer `{}` is sparse, {sparsity}: only dense layers are read", cells[0]),
            ));
        }
        draft.layer(Some(*line), cells[0], op, Extras::default())?;
    }
    draft.finish(NetworkForm::ScaleSim, NOTES)
}

/// The share of weights that are kept, if a row says so and it is not all of them.
fn sparsity<'a>(sheet: &Sheet<'_>, cells: &[&'a str]) -> Option<&'a str> {
    let column = sheet.header.iter().position(|name| name.starts_with("spars"))?;
    let (kept, of) = cells.get(column)?.split_once(':')?;
    (kept.trim() != of.trim()).then_some(cells[column])
}

fn product(
    sheet: &Sheet<'_>,
    draft: &Draft<'_>,
    line: usize,
    cells: &[&str],
) -> Result<MatMul, NetworkError> {
    let number = |index| sheet.number(draft, line, cells, index);
    Ok(MatMul { batch: 1, m: number(1)?, n: number(2)?, k: number(3)?, second: SecondOperand::Weight })
}

fn convolution(
    sheet: &Sheet<'_>,
    draft: &Draft<'_>,
    line: usize,
    cells: &[&str],
) -> Result<Conv2d, NetworkError> {
    let number = |index| sheet.number(draft, line, cells, index);
    let (input, kernel) = ([number(1)?, number(2)?], [number(3)?, number(4)?]);
    let (channels, filters, stride) = (number(5)?, number(6)?, number(7)?);
    let batch = match sheet.header.iter().position(|name| name == "batch size") {
        Some(column) => number(column)?,
        None => 1,
    };
    if stride == 0 {
        return Err(draft.fault(Some(line), "`strides` is 0, expected at least 1"));
    }
    let (mut output, mut padding) = ([0; 2], [0; 2]);
    for axis in 0..2 {
        if kernel[axis] == 0 || input[axis] < kernel[axis] {
            let message = format!(
                "a filter of {} points over an input of {}, expected 1 to {}",
                kernel[axis], input[axis], input[axis]
            );
            return Err(draft.fault(Some(line), message));
        }
        output[axis] = (input[axis] - kernel[axis]).div_ceil(stride) + 1;
        padding[axis] = (output[axis] - 1).saturating_mul(stride).saturating_add(kernel[axis]) - input[axis];
    }
    let is_depthwise = cells[0].contains("DP");
    Ok(Conv2d {
        batch,
        in_channels: channels,
        out_channels: if is_depthwise { channels.saturating_mul(filters) } else { filters },
        output,
        kernel,
        stride: [stride; 2],
        dilation: [1; 2],
        padding,
        groups: if is_depthwise { channels } else { 1 },
    })
}

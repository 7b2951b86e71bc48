//! Operators whose windows move over an image: convolutions, pools; and those that make images larger.

use super::schema::NodeProto;
use super::value::Tensor;

/// A window along one axis, and how far it moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) outputs: u64,
    pub(super) kernel: u64,
    pub(super) stride: u64,
    pub(super) dilation: u64,
    /// Points of the input that are zeros added at its edges, of those that some window covers.
    pub(super) padding: u64,
}

/// What comes of an operator of this kind; none if it is of another.
pub(super) fn infer(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
    let first = inputs.first()?;
    let shape = match node.op_type.as_str() {
        "Conv" | "ConvInteger" | "FusedConv" => convolution(node, first, inputs.get(1)),
        "QLinearConv" => convolution(node, first, inputs.get(3)),
        "ConvTranspose" => transposed(node, first, inputs.get(1)),
        "MaxPool" | "AveragePool" | "LpPool" => pool(node, first),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => first.shape.as_ref().map(|shape| {
            shape.iter().enumerate().map(|(axis, &size)| if axis < 2 { size } else { 1 }).collect()
        }),
        "Resize" | "Upsample" => resized(node, inputs),
        _ => return None,
    };
    Some(vec![Tensor::maybe(shape)])
}

/// The windows of a convolution whose weights have this shape, over an input of this shape.
pub(super) fn convolved(node: &NodeProto, input: &[u64], weights: &[u64]) -> Option<Vec<Axis>> {
    windows(node, input, weights.get(2..)?)
}

fn convolution(node: &NodeProto, input: &Tensor, weights: Option<&Tensor>) -> Option<Vec<u64>> {
    let (input, weights) = (input.shape.as_ref()?, weights?.shape.as_ref()?);
    let axes = convolved(node, input, weights)?;
    let head = [*input.first()?, *weights.first()?];
    Some(head.into_iter().chain(axes.iter().map(|axis| axis.outputs)).collect())
}

fn pool(node: &NodeProto, input: &Tensor) -> Option<Vec<u64>> {
    let input = input.shape.as_ref()?;
    let kernel: Vec<u64> = node.ints("kernel_shape")?.iter().map(|&size| size as u64).collect();
    let axes = windows(node, input, &kernel)?;
    Some(input.get(..2)?.iter().copied().chain(axes.iter().map(|axis| axis.outputs)).collect())
}

/// Source: ONNX, Conv-11 and MaxPool-12: explicit padding, or by `auto_pad`.
fn windows(node: &NodeProto, input: &[u64], kernel: &[u64]) -> Option<Vec<Axis>> {
    let spatial = input.get(2..).filter(|spatial| spatial.len() == kernel.len())?;
    let rank = spatial.len();
    let list = |name: &str| node.ints(name).map_or_else(|| vec![1; rank], <[i64]>::to_vec);
    let (strides, dilations) = (list("strides"), list("dilations"));
    let pads = node.ints("pads").map_or_else(|| vec![0; 2 * rank], <[i64]>::to_vec);
    let auto = node.text("auto_pad").unwrap_or("NOTSET");
    let rounds_up = node.int("ceil_mode") == Some(1);
    let axes = (0..rank).map(|axis| {
        let (size, kernel) = (i64::try_from(spatial[axis]).ok()?, i64::try_from(kernel[axis]).ok()?);
        let (stride, dilation) = (*strides.get(axis)?, *dilations.get(axis)?);
        if stride < 1 || dilation < 1 || kernel < 1 {
            return None;
        }
        let window = dilation.checked_mul(kernel - 1)?.checked_add(1)?;
        let (before, after) = match auto {
            "SAME_UPPER" | "SAME_LOWER" => {
                let outputs = size.checked_add(stride - 1)? / stride;
                let both = ((outputs - 1) * stride).checked_add(window)?.checked_sub(size)?.max(0);
                if auto == "SAME_UPPER" { (both / 2, both - both / 2) } else { (both - both / 2, both / 2) }
            }
            "VALID" => (0, 0),
            _ => (*pads.get(axis)?, *pads.get(axis + rank)?),
        };
        let room = size.checked_add(before)?.checked_add(after)?.checked_sub(window)?;
        if room < 0 {
            return None;
        }
        let steps = if rounds_up { room.checked_add(stride - 1)? / stride } else { room / stride };
        let swept = steps.checked_mul(stride)?.checked_add(window)?;
        let real = swept.checked_sub(before)?.clamp(0, size);
        Some(Axis {
            outputs: steps as u64 + 1,
            kernel: kernel as u64,
            stride: stride as u64,
            dilation: dilation as u64,
            padding: (swept - real) as u64,
        })
    });
    axes.collect()
}

/// Source: ONNX, ConvTranspose-11.
fn transposed(node: &NodeProto, input: &Tensor, weights: Option<&Tensor>) -> Option<Vec<u64>> {
    let (input, weights) = (input.shape.as_ref()?, weights?.shape.as_ref()?);
    let (spatial, kernel) = (input.get(2..)?, weights.get(2..)?);
    let rank = spatial.len();
    let list =
        |name: &str, default: i64| node.ints(name).map_or_else(|| vec![default; 2 * rank], <[i64]>::to_vec);
    let (strides, dilations, pads) = (list("strides", 1), list("dilations", 1), list("pads", 0));
    let extra = list("output_padding", 0);
    let groups = u64::try_from(node.int("group").unwrap_or(1)).ok()?;
    let outputs = (0..rank).map(|axis| {
        let (size, kernel) = (i64::try_from(spatial[axis]).ok()?, i64::try_from(*kernel.get(axis)?).ok()?);
        let swept = strides.get(axis)?.checked_mul(size - 1)?.checked_add(*extra.get(axis)?)?;
        let window = (kernel - 1).checked_mul(*dilations.get(axis)?)?.checked_add(1)?;
        let pads = pads.get(axis)?.checked_add(*pads.get(axis + rank)?)?;
        u64::try_from(swept.checked_add(window)?.checked_sub(pads)?).ok()
    });
    let outputs = outputs.collect::<Option<Vec<u64>>>()?;
    let head = [*input.first()?, weights.get(1)?.checked_mul(groups)?];
    Some(head.into_iter().chain(outputs).collect())
}

/// Source: ONNX, Resize-13: by sizes, or by scales, rounded down.
fn resized(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<u64>> {
    let shape = inputs.first()?.shape.as_ref()?;
    if let Some(sizes) = inputs.get(3).and_then(Tensor::ints) {
        return sizes.into_iter().map(|size| u64::try_from(size).ok()).collect();
    }
    // Upsample, and Resize before opset 11, have the scales where Resize has its region of interest.
    let scales = [inputs.get(2), inputs.get(1)]
        .into_iter()
        .flatten()
        .find_map(|input| input.numbers.clone().filter(|scales| scales.len() == shape.len()));
    let scales = scales.or_else(|| node.floats("scales"))?;
    Some(shape.iter().zip(scales).map(|(&size, scale)| (size as f64 * scale).floor() as u64).collect())
}

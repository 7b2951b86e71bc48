//! Operators that are layers: what they compute as convolutions and matrix products.

use super::super::super::{Conv2d, Extras, MatMul, Op, SecondOperand};
use super::schema::NodeProto;
use super::value::{Tensor, count};
use super::windows::{Axis, convolved};

/// A layer out of an operator.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Found {
    /// What stands behind the operator's name, if it is more than one layer.
    pub(super) part: &'static str,
    pub(in super::super) op: Op,
    pub(in super::super) extras: Extras,
    /// How often it runs.
    pub(in super::super) count: u64,
    /// How many sets of weights these runs use.
    pub(super) copies: u64,
    /// The inputs of the operator that its weights and biases are.
    pub(super) parameters: Vec<usize>,
}

/// Why an operator that computes is no layer.
pub(super) type Reason = &'static str;

const UNKNOWN: Reason = "the shape of an input is not known";

/// Of an operator without multiply-accumulates worth the name: shapes, copies, sums, activations.
pub(super) const NEXT_TO_NOTHING: Reason = "it multiplies next to nothing";

/// Operators that multiply and are no layers here.
const NO_LAYERS: &[(&str, Reason)] = &[
    ("Attention", "it is several products in one, which are not taken apart here"),
    ("DeformConv", "its windows move by what is computed"),
    (
        "DynamicQuantizeLSTM",
        "its weights are quantized within the operator, which is no part of the standard",
    ),
    ("Einsum", "its products are not taken apart here"),
    ("Loop", "how often it runs is not known before it runs"),
    ("MultiHeadAttention", "it is several products in one, which are not taken apart here"),
    ("Scan", "what it repeats is not taken apart here"),
];

/// The layers of an operator; none if it is no layer. An operator that should be one and is not says why.
pub(super) fn find(node: &NodeProto, inputs: &[Tensor]) -> Result<Vec<Found>, Reason> {
    let operator = node.op_type.as_str();
    let found = match operator {
        "Conv" | "FusedConv" => convolution(node, inputs, 0, 1, Some(2)),
        "ConvInteger" => convolution(node, inputs, 0, 1, None),
        "QLinearConv" => convolution(node, inputs, 0, 3, Some(8)),
        "ConvTranspose" => transposed(node, inputs),
        "MatMul" | "MatMulInteger" | "FusedMatMul" => product(inputs, 0, 1).map(|found| vec![found]),
        "QLinearMatMul" => product(inputs, 0, 3).map(|found| vec![found]),
        "Gemm" => gemm(node, inputs).map(|found| vec![found]),
        "LSTM" => recurrent(node, inputs, 4),
        "GRU" => recurrent(node, inputs, 3),
        "RNN" => recurrent(node, inputs, 1),
        _ => match NO_LAYERS.iter().find(|(name, _)| *name == operator) {
            Some((_, reason)) => Err(*reason),
            None => Ok(Vec::new()),
        },
    }?;
    Ok(found)
}

/// Whether an operator is a layer, or multiplies and is none.
pub(super) fn multiplies(node: &NodeProto) -> bool {
    // What needs no shape of an input is no layer and needs no reason.
    find(node, &[]).is_err()
}

fn shape(inputs: &[Tensor], index: usize) -> Result<&[u64], Reason> {
    inputs.get(index).and_then(|input| input.shape.as_deref()).ok_or(UNKNOWN)
}

fn convolution(
    node: &NodeProto,
    inputs: &[Tensor],
    data: usize,
    weights: usize,
    bias: Option<usize>,
) -> Result<Vec<Found>, Reason> {
    let (input, filters) = (shape(inputs, data)?, shape(inputs, weights)?);
    let axes = convolved(node, input, filters).ok_or("its windows do not fit its input")?;
    let one = Axis { outputs: 1, kernel: 1, stride: 1, dilation: 1, padding: 0 };
    let [height, width] = match *axes.as_slice() {
        [width] => [one, width],
        [height, width] => [height, width],
        _ => return Err("it has three or more dimensions, and layers have two"),
    };
    let pair = |field: fn(&Axis) -> u64| [field(&height), field(&width)];
    let groups = node.int("group").unwrap_or(1).max(1) as u64;
    let op = Op::Conv2d(Conv2d {
        batch: input[0],
        in_channels: input[1],
        out_channels: filters[0],
        output: pair(|axis| axis.outputs),
        kernel: pair(|axis| axis.kernel),
        stride: pair(|axis| axis.stride),
        dilation: pair(|axis| axis.dilation),
        padding: pair(|axis| axis.padding),
        groups,
    });
    let bias = bias.filter(|&index| inputs.get(index).is_some_and(|bias| bias.origin.is_some()));
    Ok(vec![once(op, inputs, weights, bias)])
}

/// A transposed convolution multiplies each point of its input by all weights of its channel, and then adds where the windows meet:
/// a product, whose multiply-accumulates are those of the operator.
fn transposed(node: &NodeProto, inputs: &[Tensor]) -> Result<Vec<Found>, Reason> {
    let (input, filters) = (shape(inputs, 0)?, shape(inputs, 1)?);
    if node.int("group").unwrap_or(1) != 1 {
        return Err("a transposed convolution in groups is no single product");
    }
    if input.len() < 3 || filters.len() != input.len() {
        return Err("its windows do not fit its input");
    }
    let points = input[0].saturating_mul(count(&input[2..]));
    let op = weighted(points, count(&filters[1..]), input[1]);
    let mut found = once(op, inputs, 1, None);
    // A bias is one for each channel, not one for each column of the product: it counts beside the layer.
    found.parameters.truncate(1);
    Ok(vec![found])
}

fn weighted(m: u64, n: u64, k: u64) -> Op {
    Op::MatMul(MatMul { batch: 1, m, n, k, second: SecondOperand::Weight })
}

/// A layer that runs once, on the weights in input `weights`.
fn once(op: Op, inputs: &[Tensor], weights: usize, bias: Option<usize>) -> Found {
    let is_weight = inputs[weights].origin.is_some() && op.has_weights();
    Found {
        part: "",
        op,
        extras: Extras { bias: bias.is_some(), norm: false },
        count: 1,
        copies: u64::from(is_weight),
        parameters: std::iter::once(weights).filter(|_| is_weight).chain(bias).collect(),
    }
}

/// Source: ONNX, MatMul-13, which is numpy.matmul.
fn product(inputs: &[Tensor], first: usize, second: usize) -> Result<Found, Reason> {
    let (a, b) = (shape(inputs, first)?, shape(inputs, second)?);
    let rows = |shape: &[u64]| if shape.len() < 2 { 1 } else { shape[shape.len() - 2] };
    let (m, k) = (rows(a), *a.last().ok_or(UNKNOWN)?);
    let n = if b.len() < 2 { 1 } else { b[b.len() - 1] };
    let outer = |shape: &[u64]| count(&shape[..shape.len().saturating_sub(2)]);
    let (is_a, is_b) = (inputs[first].origin.is_some(), inputs[second].origin.is_some());
    if is_b && outer(b) == 1 {
        return Ok(once(weighted(outer(a).saturating_mul(m), n, k), inputs, second, None));
    }
    if is_a && !is_b && outer(a) == 1 {
        // The same sums, turned: the columns of the second operand are the rows of the product.
        return Ok(once(weighted(outer(b).saturating_mul(n), m, k), inputs, first, None));
    }
    let batch = outer(a).max(outer(b));
    let second_operand =
        if is_b && outer(b) == batch { SecondOperand::Weight } else { SecondOperand::Activation };
    let op = Op::MatMul(MatMul { batch, m, n, k, second: second_operand });
    Ok(once(op, inputs, second, None))
}

/// Source: ONNX, Gemm-13.
fn gemm(node: &NodeProto, inputs: &[Tensor]) -> Result<Found, Reason> {
    let pair = |index: usize, turned: &str| -> Result<(u64, u64), Reason> {
        let &[rows, columns] = shape(inputs, index)? else { return Err("its inputs are no matrices") };
        Ok(if node.int(turned) == Some(1) { (columns, rows) } else { (rows, columns) })
    };
    let ((m, k), (_, n)) = (pair(0, "transA")?, pair(1, "transB")?);
    let is_weight = inputs[1].origin.is_some();
    let second = if is_weight { SecondOperand::Weight } else { SecondOperand::Activation };
    let op = Op::MatMul(MatMul { batch: 1, m, n, k, second });
    let is_bias =
        |bias: &Tensor| bias.origin.is_some() && bias.shape.as_ref().map(|shape| count(shape)) == Some(n);
    let bias = inputs.get(2).filter(|bias| is_weight && is_bias(bias)).map(|_| 2);
    Ok(once(op, inputs, 1, bias))
}

/// A product with the input, which a step does not wait for, and one with the state, at each step.
///
/// Source: ONNX, LSTM-14: inputs X `[steps][batch][k]`, W `[directions][gates * h][k]`, R `[directions][gates * h][h]`.
fn recurrent(node: &NodeProto, inputs: &[Tensor], gates: u64) -> Result<Vec<Found>, Reason> {
    let (x, w, r) = (shape(inputs, 0)?, shape(inputs, 1)?, shape(inputs, 2)?);
    let (&[first, second, k], &[directions, columns, _], &[_, _, state]) = (x, w, r) else {
        return Err("its inputs do not have the shapes of the standard");
    };
    let is_batch_first = node.int("layout") == Some(1);
    let (steps, batch) = if is_batch_first { (second, first) } else { (first, second) };
    if columns != gates.saturating_mul(state) {
        return Err("its inputs do not have the shapes of the standard");
    }
    let copies = |index: usize| if inputs[index].origin.is_some() { directions } else { 0 };
    let run = |part, k, index| Found {
        part,
        op: weighted(batch, columns, k),
        extras: Extras::default(),
        count: steps.saturating_mul(directions),
        copies: copies(index),
        parameters: vec![index],
    };
    Ok(vec![run(".input", k, 1), run(".state", state, 2)])
}

//! Operators that compute element by element: shapes are those of the inputs, repeated where they are 1.

use super::schema::{NodeProto, is_real};
use super::value::{Tensor, broadcast};

/// Operators whose output has the shape of their first input.
const SAME_SHAPE: &[&str] = &[
    "Abs",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "CumSum",
    "DequantizeLinear",
    "Dropout",
    "DynamicQuantizeLinear",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "IsNaN",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "MeanVarianceNormalization",
    "Mish",
    "Neg",
    "Not",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "RMSNormalization",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
    "Trilu",
];

/// Operators whose inputs are brought to one shape.
const BROADCAST: &[&str] = &[
    "Add",
    "And",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "PRelu",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
];

/// What comes of an operator of this kind; none if it is of another.
pub(super) fn infer(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
    let operator = node.op_type.as_str();
    let first = inputs.first()?;
    if SAME_SHAPE.contains(&operator) {
        let mut output = Tensor { numbers: one_by_one(operator, first), ..first.clone() };
        if let Some(element) = node.int("to") {
            output.is_real = is_real(element);
        }
        if !keeps_origin(operator) {
            output.origin = None;
        }
        let scale = Tensor::of(Vec::new());
        let is_dynamic = operator == "DynamicQuantizeLinear";
        return Some(if is_dynamic { vec![output, scale.clone(), scale] } else { vec![output] });
    }
    if BROADCAST.contains(&operator) {
        let shapes: Option<Vec<&[u64]>> = inputs.iter().map(|input| input.shape.as_deref()).collect();
        let shape = shapes.and_then(|shapes| broadcast(&shapes));
        let is_real = inputs.iter().any(|input| input.is_real);
        return Some(vec![Tensor { numbers: together(operator, inputs), shape, is_real, origin: None }]);
    }
    None
}

/// Whether parameters are still parameters behind it: other types of the same numbers.
fn keeps_origin(operator: &str) -> bool {
    ["Cast", "CastLike", "DequantizeLinear", "Identity", "QuantizeLinear"].contains(&operator)
}

/// The numbers behind an operator of one input, where shapes are computed with it.
fn one_by_one(operator: &str, input: &Tensor) -> Option<Vec<f64>> {
    let function: fn(f64) -> f64 = match operator {
        // Shapes are cast between types of whole and real numbers, none of which they leave.
        "Cast" | "CastLike" | "Identity" => |number| number,
        "Floor" => f64::floor,
        "Ceil" => f64::ceil,
        "Neg" => |number| -number,
        "Not" => |number| f64::from(u8::from(number == 0.0)),
        "Sqrt" => f64::sqrt,
        _ => return None,
    };
    Some(input.numbers.as_ref()?.iter().map(|&number| function(number)).collect())
}

/// The numbers behind an operator of several inputs: lists of one length, and single numbers.
fn together(operator: &str, inputs: &[Tensor]) -> Option<Vec<f64>> {
    let lists: Vec<&[f64]> = inputs.iter().map(|input| input.numbers.as_deref()).collect::<Option<_>>()?;
    let length = lists.iter().map(|list| list.len()).max()?;
    if lists.iter().any(|list| list.len() != 1 && list.len() != length) {
        return None;
    }
    let at = |list: &[f64], index: usize| if list.len() == 1 { list[0] } else { list[index] };
    if operator == "Where" {
        let [condition, yes, no] = lists.as_slice() else { return None };
        return Some(
            (0..length)
                .map(|index| if at(condition, index) != 0.0 { at(yes, index) } else { at(no, index) })
                .collect(),
        );
    }
    let is = |holds: bool| f64::from(u8::from(holds));
    let function: &dyn Fn(f64, f64) -> f64 = match operator {
        "Add" | "Sum" => &|a, b| a + b,
        "Sub" => &|a, b| a - b,
        "Mul" => &|a, b| a * b,
        "Div" if inputs.iter().any(|input| input.is_real) => &|a, b| a / b,
        // Whole numbers are rounded towards zero.
        "Div" => &|a, b| (a / b).trunc(),
        "Mod" => &|a, b| a.rem_euclid(b),
        "Max" => &f64::max,
        "Min" => &f64::min,
        "Pow" => &f64::powf,
        "Equal" => &|a, b| is(a == b),
        "Greater" => &|a, b| is(a > b),
        "GreaterOrEqual" => &|a, b| is(a >= b),
        "Less" => &|a, b| is(a < b),
        "LessOrEqual" => &|a, b| is(a <= b),
        "And" => &|a, b| is(a != 0.0 && b != 0.0),
        "Or" => &|a, b| is(a != 0.0 || b != 0.0),
        _ => return None,
    };
    let (first, rest) = lists.split_first()?;
    let fold = |index| rest.iter().fold(at(first, index), |sum, list| function(sum, at(list, index)));
    Some((0..length).map(fold).collect())
}

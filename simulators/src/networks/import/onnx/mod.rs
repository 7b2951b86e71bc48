//! ONNX models: shapes are inferred, and the operators that multiply become layers.
//!
//! The file is decoded by prost over the messages of the published schema (`schema.rs`). Sizes that a model leaves open are given by name;
//! an open first size, which is the batch, is 1 if nobody says otherwise. Numbers are followed as far as shapes are made of them.
//!
//! *Parameters* are the real numbers that a model carries: weights and biases of layers, and beside the layers whatever else has more than
//! one of them, by the operator that reads it. The running means and variances of a batch normalization are no parameters.
//!
//! Source: ONNX 1.17, `docs/Operators.md`, for the shapes of each operator. Checked against: what onnxruntime sees when it runs real
//! models, by `scripts/onnx_counts.py`.

mod branches;
mod elementwise;
mod layers;
mod layout;
mod schema;
mod value;
mod windows;

use std::collections::{BTreeMap, HashMap, HashSet};

use prost::Message as _;
use prost::bytes::Bytes;

use super::super::{Extras, NetworkError, NetworkProblem, Outside};
use super::draft::{Draft, ImportedNetwork};
use super::open::{Dimensions, NetworkForm};
pub(super) use layers::Found;
use layers::NEXT_TO_NOTHING;
use schema::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use value::Tensor;

/// What stands in the notes of the network.
const NOTES: &str = "Batch normalizations, embeddings and other parameters that no layer multiplies by are listed under `outside`.";

/// Reads a model. `dimensions`: what its open sizes are.
pub(super) fn read(
    bytes: Vec<u8>,
    path: &str,
    dimensions: &Dimensions,
) -> Result<ImportedNetwork, NetworkError> {
    let draft = Draft::new(path);
    let model = ModelProto::decode(Bytes::from(bytes))
        .map_err(|error| draft.fault(None, format!("is no ONNX model: {error}")))?;
    let graph = model.graph.ok_or_else(|| draft.fault(None, "is no ONNX model: it has no graph"))?;
    let mut reader = Reader::new(draft);
    reader.begin(&graph);
    for input in &graph.input {
        if !reader.tensors.contains_key(input.name.as_str()) {
            let shape = opened(input, dimensions).map_err(|problem| reader.draft.error(None, problem))?;
            let mut tensor = Tensor::maybe(shape);
            // A number that decides what runs, such as a rate of samples, may be given like a size.
            if let Some(&number) = dimensions.get(&input.name).filter(|_| tensor.holds_one()) {
                tensor.numbers = Some(vec![number as f64]);
            }
            reader.tensors.insert(&input.name, tensor);
        }
    }
    for node in &graph.node {
        reader.node(node)?;
    }
    for outside in reader.outside() {
        reader.draft.outside(outside);
    }
    reader.draft.finish(NetworkForm::Onnx, NOTES)
}

/// The shape of an input, with its open sizes filled in; none for what is no tensor.
fn opened(input: &ValueInfoProto, dimensions: &Dimensions) -> Result<Option<Vec<u64>>, NetworkProblem> {
    let shape = input.r#type.as_ref().and_then(|it| it.tensor_type.as_ref()).and_then(|it| it.shape.as_ref());
    let Some(shape) = shape else { return Ok(None) };
    let sizes = shape.dim.iter().enumerate().map(|(axis, dimension)| {
        let place = format!("{}.{axis}", input.name);
        let name = dimension.dim_param.as_ref().filter(|name| !name.is_empty());
        let given = name.and_then(|name| dimensions.get(name)).or_else(|| dimensions.get(&place));
        match (dimension.dim_value.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0), given)
        {
            (Some(size), _) => Ok(size),
            (None, Some(&size)) => Ok(size),
            (None, None) if axis == 0 => Ok(1),
            (None, None) => Err(NetworkProblem::OpenSize {
                input: input.name.clone(),
                axis,
                name: name.cloned().unwrap_or(place),
            }),
        }
    });
    sizes.collect::<Result<_, _>>().map(Some)
}

/// A graph, read operator by operator.
#[derive(Clone)]
struct Reader<'a> {
    draft: Draft<'a>,
    tensors: HashMap<&'a str, Tensor>,
    /// Shapes that the file itself states.
    stated: HashMap<&'a str, &'a ValueInfoProto>,
    /// Tensors of real numbers that the file carries, by name.
    carried: BTreeMap<&'a str, u64>,
    /// Those that are weights or biases of a layer.
    used: HashSet<String>,
    /// Who reads the others first.
    readers: BTreeMap<&'a str, &'a str>,
    /// Running statistics.
    statistics: HashSet<&'a str>,
    /// In how many branches of unknown conditions this is.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(draft: Draft<'a>) -> Self {
        Self {
            draft,
            tensors: HashMap::new(),
            stated: HashMap::new(),
            carried: BTreeMap::new(),
            used: HashSet::new(),
            readers: BTreeMap::new(),
            statistics: HashSet::new(),
            depth: 0,
        }
    }

    /// Notes what a graph carries and states.
    fn begin(&mut self, graph: &'a GraphProto) {
        let stated = graph.value_info.iter().chain(&graph.output);
        self.stated.extend(stated.map(|info| (info.name.as_str(), info)));
        for tensor in &graph.initializer {
            self.carry(&tensor.name, tensor);
            self.tensors.insert(&tensor.name, Tensor::parameter(&tensor.name, tensor));
        }
    }

    /// Notes real numbers that the file carries; single ones are constants of a formula.
    fn carry(&mut self, name: &'a str, tensor: &TensorProto) {
        if tensor.is_real() && tensor.len() > 1 {
            self.carried.insert(name, tensor.len());
        }
    }

    fn node(&mut self, node: &'a NodeProto) -> Result<(), NetworkError> {
        if node.op_type == "If" {
            return self.choice(node);
        }
        let inputs: Vec<Tensor> = node
            .input
            .iter()
            .map(|name| self.tensors.get(name.as_str()).cloned().unwrap_or_default())
            .collect();
        if let (Some(tensor), Some(name)) = (node.tensor("value"), node.output.first())
            && node.op_type == "Constant"
        {
            self.carry(name, tensor);
        }
        for (index, name) in node.input.iter().enumerate() {
            let origin =
                inputs[index].origin.as_deref().and_then(|origin| self.carried.get_key_value(origin));
            if let Some((&origin, _)) = origin {
                self.readers.entry(origin).or_insert(&node.op_type);
                if node.op_type == "BatchNormalization" && index >= 3 {
                    self.statistics
                        .insert(self.carried.get_key_value(name.as_str()).map_or(origin, |(name, _)| name));
                }
            }
        }
        match layers::find(node, &inputs) {
            Ok(found) if found.is_empty() => {
                self.draft.leave_out(&node.op_type, NEXT_TO_NOTHING);
            }
            Ok(found) => {
                for layer in found {
                    self.layer(node, &layer, &inputs)?;
                }
            }
            Err(why) => self.draft.leave_out(&node.op_type, why),
        }
        self.outputs(node, &inputs);
        Ok(())
    }

    fn layer(&mut self, node: &NodeProto, found: &Found, inputs: &[Tensor]) -> Result<(), NetworkError> {
        let name =
            if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name };
        let weights = found.parameters.first().and_then(|&index| inputs[index].origin.clone());
        let is_shared = weights.as_ref().is_some_and(|weights| self.used.contains(weights));
        // Equal biases are often one tensor.
        let bias = found.parameters.get(1).and_then(|&index| inputs[index].origin.as_ref());
        let has_own_bias = bias.is_some_and(|bias| !self.used.contains(bias));
        let extras = Extras { bias: has_own_bias && !is_shared, norm: false };
        let copies = if is_shared { 0 } else { found.copies };
        self.draft.repeated(&format!("{name}{}", found.part), &Found { extras, ..found.clone() }, copies)?;
        let origins = found.parameters.iter().filter_map(|&index| inputs[index].origin.clone());
        self.used.extend(origins);
        Ok(())
    }

    /// What the operator's outputs are known to be, by the rules of the operator or by what the file states.
    fn outputs(&mut self, node: &'a NodeProto, inputs: &[Tensor]) {
        let found = elementwise::infer(node, inputs)
            .or_else(|| layout::infer(node, inputs))
            .or_else(|| windows::infer(node, inputs))
            .or_else(|| products(node, inputs));
        self.name_outputs(node, found.unwrap_or_default());
    }

    fn name_outputs(&mut self, node: &'a NodeProto, found: Vec<Tensor>) {
        let mut found = found.into_iter();
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            let mut tensor = found.next().unwrap_or_default();
            if tensor.shape.is_none() {
                tensor.shape = self.stated.get(name.as_str()).and_then(|info| stated_shape(info));
            }
            self.tensors.insert(name, tensor.consistent());
        }
    }

    /// Parameters that no layer multiplies by, by the operator that reads them.
    fn outside(&self) -> Vec<Outside> {
        let mut by_reader: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in &self.carried {
            if let Some(reader) = self.readers.get(name).filter(|_| !self.used.contains(*name))
                && !self.statistics.contains(name)
            {
                let parameters: &mut u64 = by_reader.entry(reader).or_default();
                *parameters = parameters.saturating_add(*count);
            }
        }
        let outside = by_reader.into_iter().map(|(reader, parameters)| Outside {
            name: reader.to_owned(),
            parameters,
            why: format!("read by {reader}, which is no layer"),
        });
        outside.collect()
    }
}

/// A shape that the file states, if it has no open sizes.
fn stated_shape(info: &ValueInfoProto) -> Option<Vec<u64>> {
    let shape = info.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    shape.dim.iter().map(|size| u64::try_from(size.dim_value?).ok().filter(|size| *size > 0)).collect()
}

/// The outputs of matrix products and recurrent layers.
fn products(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
    let shape = |index: usize| inputs.get(index)?.shape.as_deref();
    match node.op_type.as_str() {
        "MatMul" | "MatMulInteger" | "FusedMatMul" => {
            Some(vec![Tensor::maybe(multiplied(shape(0)?, shape(1)?))])
        }
        "QLinearMatMul" => Some(vec![Tensor::maybe(multiplied(shape(0)?, shape(3)?))]),
        "Gemm" => {
            let turned = |name: &str| node.int(name) == Some(1);
            let (&[a, b], &[c, d]) = (shape(0)?, shape(1)?) else { return None };
            let (m, n) = (if turned("transA") { b } else { a }, if turned("transB") { c } else { d });
            Some(vec![Tensor::of(vec![m, n])])
        }
        "LSTM" | "GRU" | "RNN" | "DynamicQuantizeLSTM" => {
            // The state is as long as the weights of the state are wide or, quantized, high.
            let (&[first, second, _], &[directions, ..]) = (shape(0)?, shape(1)?) else { return None };
            let weights = shape(2)?;
            let state = *weights.get(if node.op_type.starts_with("Dynamic") { 1 } else { 2 })?;
            if node.int("layout") == Some(1) {
                let last = Tensor::of(vec![first, directions, state]);
                return Some(vec![Tensor::of(vec![first, second, directions, state]), last.clone(), last]);
            }
            let last = Tensor::of(vec![directions, second, state]);
            Some(vec![Tensor::of(vec![first, directions, second, state]), last.clone(), last])
        }
        _ => None,
    }
}

/// Source: numpy.matmul.
fn multiplied(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let (outer_a, outer_b) = (&a[..a.len().saturating_sub(2)], &b[..b.len().saturating_sub(2)]);
    let mut shape = value::broadcast(&[outer_a, outer_b])?;
    if a.len() > 1 {
        shape.push(a[a.len() - 2]);
    }
    if b.len() > 1 {
        shape.push(b[b.len() - 1]);
    }
    Some(shape)
}

#[cfg(test)]
mod tests;

//! The messages of an ONNX file, as far as a network needs them.
//!
//! Source: `onnx/onnx.proto` of ONNX 1.17 (IR version 10): names and numbers of the fields are those of the schema. Fields that are not
//! here, such as documentation and the tensors of trained sequences, are passed over by the decoder.

use prost::Message;
use prost::bytes::Bytes;

use super::value::count;

/// A file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ModelProto {
    #[prost(string, tag = "2")]
    pub(super) producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "25")]
    pub(super) functions: Vec<FunctionProto>,
}

/// Operators in the order in which they can run.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "13")]
    pub(super) value_info: Vec<ValueInfoProto>,
}

/// An operator made of others.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FunctionProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// An operator at work.
#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<AttributeProto>,
}

/// A setting of an operator.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttributeProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(float, tag = "2")]
    pub(super) f: f32,
    #[prost(int64, tag = "3")]
    pub(super) i: i64,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) s: Bytes,
    #[prost(message, optional, tag = "5")]
    pub(super) t: Option<TensorProto>,
    #[prost(message, optional, boxed, tag = "6")]
    pub(super) g: Option<Box<GraphProto>>,
    #[prost(float, repeated, tag = "7")]
    pub(super) floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub(super) ints: Vec<i64>,
}

/// A value with a name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfoProto {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) r#type: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TypeProto {
    #[prost(message, optional, tag = "1")]
    pub(super) tensor_type: Option<TensorTypeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorTypeProto {
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<TensorShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    pub(super) dim: Vec<DimensionProto>,
}

/// A size, or the name of one that is not known.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DimensionProto {
    #[prost(int64, optional, tag = "1")]
    pub(super) dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(super) dim_param: Option<String>,
}

/// Numbers.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(super) data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub(super) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(super) int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub(super) int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    #[prost(bytes = "bytes", tag = "9")]
    pub(super) raw_data: Bytes,
    #[prost(double, repeated, tag = "10")]
    pub(super) double_data: Vec<f64>,
}

/// Element types. Source: `TensorProto.DataType`.
mod element {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const INT32: i32 = 6;
    pub(super) const INT64: i32 = 7;
    pub(super) const BOOL: i32 = 9;
    pub(super) const FLOAT16: i32 = 10;
    pub(super) const DOUBLE: i32 = 11;
    pub(super) const BFLOAT16: i32 = 16;
}

/// Whether an element type is one of real numbers.
pub(super) fn is_real(element: i64) -> bool {
    [element::FLOAT, element::FLOAT16, element::DOUBLE, element::BFLOAT16]
        .iter()
        .any(|&real| i64::from(real) == element)
}

impl TensorProto {
    /// The sizes.
    pub(super) fn shape(&self) -> Vec<u64> {
        self.dims.iter().map(|&size| size.max(0) as u64).collect()
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> u64 {
        count(&self.shape())
    }

    /// Whether the numbers are real, as those of a network are until it is quantized.
    pub(super) fn is_real(&self) -> bool {
        is_real(self.data_type.into())
    }

    /// The numbers, if they are few and of a type that shapes and scales are made of.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        /// Ours: more than any shape has, and far fewer than weights.
        const FEW: u64 = 1024;
        if self.len() > FEW {
            return None;
        }
        let raw = &self.raw_data;
        Some(match self.data_type {
            element::INT64 if raw.is_empty() => self.int64_data.iter().map(|&number| number as f64).collect(),
            element::INT64 => words(raw, |word| i64::from_le_bytes(word) as f64),
            element::INT32 if raw.is_empty() => self.int32_data.iter().map(|&number| number.into()).collect(),
            element::INT32 => words(raw, |word| i32::from_le_bytes(word).into()),
            element::FLOAT if raw.is_empty() => self.float_data.iter().map(|&number| number.into()).collect(),
            element::FLOAT => words(raw, |word| f32::from_le_bytes(word).into()),
            element::DOUBLE if raw.is_empty() => self.double_data.clone(),
            element::DOUBLE => words(raw, f64::from_le_bytes),
            element::BOOL if raw.is_empty() => self.int32_data.iter().map(|&number| number.into()).collect(),
            element::BOOL => words(raw, |[byte]: [u8; 1]| byte.into()),
            _ => return None,
        })
    }
}

fn words<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (words, _) = raw.as_chunks::<N>();
    words.iter().map(|&word| number(word)).collect()
}

impl NodeProto {
    fn find(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// A whole number.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.find(name).map(|attribute| attribute.i)
    }

    /// A list of whole numbers.
    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.find(name).map(|attribute| attribute.ints.as_slice())
    }

    /// A list of real numbers.
    pub(super) fn floats(&self, name: &str) -> Option<Vec<f64>> {
        self.find(name).map(|attribute| attribute.floats.iter().map(|&number| number.into()).collect())
    }

    /// A real number.
    pub(super) fn float(&self, name: &str) -> Option<f64> {
        self.find(name).map(|attribute| attribute.f.into())
    }

    /// A word.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        str::from_utf8(&self.find(name)?.s).ok()
    }

    /// A graph.
    pub(super) fn graph(&self, name: &str) -> Option<&GraphProto> {
        self.find(name)?.g.as_deref()
    }

    /// A tensor.
    pub(super) fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.find(name)?.t.as_ref()
    }
}

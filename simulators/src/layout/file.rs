//! Graphs in TOML.

use serde::Deserialize;

use super::graph::{
    LaidOutTensor, LayoutGraph, LayoutGraphError, LayoutKernel, LayoutOperator, MAX_KERNELS, MAX_LAYOUTS,
    MAX_OPERANDS, MAX_OPERATORS, MAX_TENSORS, count,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphText {
    byte_per_s: f64,
    tensor: Vec<TensorText>,
    operator: Vec<OperatorText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorText {
    name: String,
    layouts: Vec<String>,
    byte: Vec<f64>,
    fixed: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorText {
    name: String,
    tensors: Vec<String>,
    kernels: Vec<KernelText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KernelText {
    layouts: Vec<String>,
    time_s: f64,
}

impl LayoutGraph {
    /// The graph in a file of `byte_per_s`; `[[tensor]]` with `name`, `layouts`, `byte` in each, and `fixed` if its layout is given; and
    /// `[[operator]]` with `name`, `tensors` and `kernels = [{ layouts, time_s }]`.
    ///
    /// # Errors
    /// [`LayoutGraphError`], as for [`LayoutGraph::new`] or of the TOML.
    pub fn from_toml(text: &str) -> Result<Self, LayoutGraphError> {
        let read: GraphText = toml::from_str(text)
            .map_err(|error| LayoutGraphError::Toml(error.to_string().trim_end().to_owned()))?;
        // Counts first: looking names up takes time.
        count("the graph", "tensors", read.tensor.len(), MAX_TENSORS)?;
        count("the graph", "operators", read.operator.len(), MAX_OPERATORS)?;
        let tensors = read.tensor.into_iter().map(TensorText::tensor).collect::<Result<Vec<_>, _>>()?;
        let operator = |row| operator(row, &tensors);
        let operators = read.operator.into_iter().map(operator).collect::<Result<_, _>>()?;
        Self::new(tensors, operators, read.byte_per_s)
    }
}

impl TensorText {
    fn tensor(self) -> Result<LaidOutTensor, LayoutGraphError> {
        let owner = format!("tensor `{}`", self.name);
        count(&owner, "layouts", self.layouts.len(), MAX_LAYOUTS)?;
        let fixed = self.fixed.map(|got| layout(&owner, got, &self.layouts)).transpose()?;
        Ok(LaidOutTensor { name: self.name, layouts: self.layouts, byte: self.byte, fixed })
    }
}

fn operator(row: OperatorText, tensors: &[LaidOutTensor]) -> Result<LayoutOperator, LayoutGraphError> {
    let owner = format!("operator `{}`", row.name);
    count(&owner, "tensors", row.tensors.len(), MAX_OPERANDS)?;
    count(&owner, "kernels", row.kernels.len(), MAX_KERNELS)?;
    let index = |got: String| {
        let found = tensors.iter().position(|tensor| tensor.name == got);
        found.ok_or(LayoutGraphError::Unknown { owner: owner.clone(), what: "tensor", got })
    };
    let indices = row.tensors.into_iter().map(index).collect::<Result<Vec<_>, _>>()?;
    let kernel = |kernel: KernelText| {
        let (got, expected) = (kernel.layouts.len(), indices.len());
        if got != expected {
            let (owner, what) = (owner.clone(), "layouts of a kernel");
            return Err(LayoutGraphError::Length { owner, what, got, expected });
        }
        let pairs = kernel.layouts.into_iter().zip(&indices);
        let layouts = pairs.map(|(got, &tensor)| layout(&owner, got, &tensors[tensor].layouts));
        Ok(LayoutKernel { layouts: layouts.collect::<Result<_, _>>()?, time_s: kernel.time_s })
    };
    let kernels = row.kernels.into_iter().map(kernel).collect::<Result<_, _>>()?;
    Ok(LayoutOperator { name: row.name, tensors: indices, kernels })
}

fn layout(owner: &str, got: String, layouts: &[String]) -> Result<usize, LayoutGraphError> {
    let found = layouts.iter().position(|known| *known == got);
    found.ok_or(LayoutGraphError::Unknown { owner: owner.to_owned(), what: "layout", got })
}

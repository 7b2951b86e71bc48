//! Graphs of our own transformers on a matrix unit whose memory is tiled.
//!
//! A matrix is kept by rows or by columns, in tiles of 8 by 128 with padding. A product streams its first operand past the second, or the transposed
//! second past the first: what is streamed and the result are in the layout of that form, what stays in the unit may be in either. Both forms fill
//! tiles of the unit. A tensor is kept in the shape in which it is first made or read: heads are parts of it, which are taken from it at no cost.

use super::graph::{LaidOutTensor, LayoutGraph, LayoutGraphError, LayoutKernel, LayoutOperator};
use crate::fusion::{Cascade, CascadeStage};

// Source: Jouppi et al. (ISCA 2023), arXiv 2304.01433, table 4: TPU v4, 275 Tflop/s in bf16, 1,200 GB/s, units of 128 by 128.
const MAC_PER_S: f64 = 137.5e12;
const BYTE_PER_S: f64 = 1.2e12;
const UNIT: u64 = 128;
// Source: OpenXLA, "Tiled layout": arrays of TPU are padded to tiles of 8 sublanes and 128 lanes.
const SUBLANES: u64 = 8;
const LANES: u64 = 128;

/// Layouts, in the order of their indices: rows lie together, or columns do.
const LAYOUTS: [&str; 2] = ["rows", "columns"];
const ROWS: usize = 0;
const COLUMNS: usize = 1;

/// Repetitions of a matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Matrix {
    repeat: u64,
    rows: u64,
    columns: u64,
}

impl Matrix {
    /// Bytes in both layouts, words of `byte`.
    fn stored(self, byte: f64) -> Vec<f64> {
        let padded =
            |outer: u64, lanes: u64| outer.next_multiple_of(SUBLANES) * lanes.next_multiple_of(LANES);
        let words = [padded(self.rows, self.columns), padded(self.columns, self.rows)];
        words.map(|words| (self.repeat * words) as f64 * byte).to_vec()
    }
}

impl LayoutGraph {
    /// The graph of a cascade of products and rows, words of `byte`; what no stage makes and no product reads as its second operand, and what none
    /// reads, is kept by rows.
    ///
    /// # Errors
    /// [`LayoutGraphError`] if it is too large.
    pub fn of_cascade(cascade: &Cascade, byte: f64) -> Result<Self, LayoutGraphError> {
        let mut builder = Builder { byte, tensors: Vec::new(), operators: Vec::new() };
        for stage in cascade.stages() {
            builder.add(stage);
        }
        let read = |name: &str| {
            cascade.stages().iter().any(|stage| {
                stage.input == name || stage.operand.as_ref().is_some_and(|operand| operand.name == name)
            })
        };
        let first = &cascade.stages()[0].input;
        for (tensor, stage_name) in &mut builder.tensors {
            if stage_name == first || !read(stage_name) {
                tensor.fixed = Some(ROWS);
            }
        }
        let tensors = builder.tensors.into_iter().map(|(tensor, _)| tensor).collect();
        Self::new(tensors, builder.operators, BYTE_PER_S)
    }
}

/// Tensors with the names that stages have for them.
struct Builder {
    byte: f64,
    tensors: Vec<(LaidOutTensor, String)>,
    operators: Vec<LayoutOperator>,
}

impl Builder {
    fn tensor(&mut self, name: &str, matrix: Matrix) -> usize {
        if let Some(index) = self.tensors.iter().position(|(_, known)| known == name) {
            return index;
        }
        let tensor = LaidOutTensor {
            name: format!("layer_{}", name.replace('.', "_")),
            layouts: LAYOUTS.map(str::to_owned).to_vec(),
            byte: matrix.stored(self.byte),
            fixed: None,
        };
        self.tensors.push((tensor, name.to_owned()));
        self.tensors.len() - 1
    }

    fn add(&mut self, stage: &CascadeStage) {
        let words = |row_byte: f64| (row_byte / self.byte).round() as u64;
        let (inner, columns) = (words(stage.input_row_byte), words(stage.output_row_byte));
        let input = Matrix { repeat: stage.repeat, rows: stage.input_rows, columns: inner };
        let output = Matrix { repeat: stage.repeat, rows: stage.rows, columns };
        let (first, made) = (self.tensor(&stage.input, input), self.tensor(&stage.output, output));
        let (tensors, kernels) = match &stage.operand {
            Some(operand) => {
                let (rows, columns) = if operand.is_transposed { (columns, inner) } else { (inner, columns) };
                let second = self.tensor(&operand.name, Matrix { repeat: stage.repeat, rows, columns });
                let tensors = vec![first, second, made];
                let kernels = self.product(&tensors, input, output, operand.is_transposed);
                (tensors, kernels)
            }
            None => {
                let tensors = vec![first, made];
                let kernels = [ROWS, COLUMNS].map(|layout| self.kernel(&tensors, vec![layout; 2], 0.0));
                (tensors, kernels.to_vec())
            }
        };
        self.operators.push(LayoutOperator { name: stage.name.clone(), tensors, kernels });
    }

    /// A kernel that computes for `compute_s` and moves its tensors in these layouts.
    fn kernel(&self, tensors: &[usize], layouts: Vec<usize>, compute_s: f64) -> LayoutKernel {
        let moved =
            tensors.iter().zip(&layouts).map(|(&tensor, &layout)| self.tensors[tensor].0.byte[layout]);
        LayoutKernel { time_s: compute_s.max(moved.sum::<f64>() / BYTE_PER_S), layouts }
    }

    /// Kernels of a product that reads `first` and makes `made`; `is_transposed`: the rows of its second operand are columns of the product.
    fn product(
        &self,
        tensors: &[usize],
        first: Matrix,
        made: Matrix,
        is_transposed: bool,
    ) -> Vec<LayoutKernel> {
        let inner = first.columns.next_multiple_of(UNIT);
        let compute_s = |streamed: u64, wide: u64| {
            (first.repeat * streamed * inner * wide.next_multiple_of(UNIT)) as f64 / MAC_PER_S
        };
        // The product's rows or columns lie together in an operand whose own columns or rows do.
        let of_second = |layout: usize| if is_transposed { ROWS + COLUMNS - layout } else { layout };
        let (rows_s, columns_s) = (compute_s(made.rows, made.columns), compute_s(made.columns, made.rows));
        let forms = [ROWS, COLUMNS].map(|stays| {
            [
                self.kernel(tensors, vec![ROWS, of_second(stays), ROWS], rows_s),
                self.kernel(tensors, vec![stays, of_second(COLUMNS), COLUMNS], columns_s),
            ]
        });
        forms.into_iter().flatten().collect()
    }
}

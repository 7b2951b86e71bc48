//! Losses of single outputs, gathered into the gradient by all outputs.

use std::ops::Range;

/// The outputs of a pass, and the gradient of a loss by them.
pub(crate) struct OutputGradient<'a> {
    /// Shape `[n][width]`.
    outputs: &'a [f32],
    width: usize,
    /// Shape `[n][width]`.
    by_outputs: Vec<f32>,
}

impl<'a> OutputGradient<'a> {
    /// No loss yet, over `outputs` of shape `[n][width]`.
    pub fn new(outputs: &'a [f32], width: usize) -> Self {
        Self { outputs, width, by_outputs: vec![0.0; outputs.len()] }
    }

    /// What output `index` is for a range of rows, times `sign`.
    pub fn column(&self, rows: Range<usize>, index: usize, sign: f32) -> Vec<f32> {
        let rows = self.outputs[rows.start * self.width..rows.end * self.width].chunks_exact(self.width);
        rows.map(|row| sign * row[index]).collect()
    }

    /// Adds a loss whose gradient by that column is `gradient`, from row `from` on.
    pub fn add(&mut self, gradient: &[f32], from: usize, index: usize, sign: f32) {
        let rows = self.by_outputs[from * self.width..].chunks_exact_mut(self.width);
        rows.zip(gradient).for_each(|(row, slope)| row[index] += sign * slope);
    }

    /// The gradient, shape `[n][width]`.
    pub fn finish(self) -> Vec<f32> {
        self.by_outputs
    }
}

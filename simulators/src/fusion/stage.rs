//! One einsum of a cascade, as rows of a tensor that are made of rows of another.

use crate::networks::{Conv2d, MatMul};

/// What a stage needs beside its input: weights, or keys and values.
#[derive(Debug, Clone, PartialEq)]
pub struct StageOperand {
    /// Its name.
    pub name: String,
    /// Bytes of one repetition.
    pub byte: f64,
    /// Whether every repetition has one of its own; all share one otherwise.
    pub is_own: bool,
    /// Whether it was made with a row for each column of the product, as keys are for scores.
    pub is_transposed: bool,
}

/// A stage of a cascade.
#[derive(Debug, Clone, PartialEq)]
pub struct CascadeStage {
    /// Its name.
    pub name: String,
    /// Name of the tensor whose rows it reads.
    pub input: String,
    /// Name of the tensor whose rows it makes.
    pub output: String,
    /// What else it reads.
    pub operand: Option<StageOperand>,
    /// Equal stages on different data: images, heads.
    pub repeat: u64,
    /// Rows of the input of a repetition.
    pub input_rows: u64,
    /// Rows of the output of a repetition.
    pub rows: u64,
    /// Rows of the input that a row of the output is made of.
    pub window: u64,
    /// Rows of the input from a row of the output to the next.
    pub stride: u64,
    /// Bytes of a row of the input.
    pub input_row_byte: f64,
    /// Bytes of a row of the output.
    pub output_row_byte: f64,
    /// Multiply-accumulates of a row of the output.
    pub row_macs: f64,
}

impl CascadeStage {
    /// A convolution, depthwise ones too, by rows of the image; words of `byte`.
    pub fn convolution(name: &str, input: &str, output: &str, conv: &Conv2d, byte: f64) -> Self {
        let window = (conv.kernel[0] - 1) * conv.dilation[0] + 1;
        let width = (conv.kernel[1] - 1) * conv.dilation[1] + 1;
        let needed = |output: u64, stride: u64, window: u64, padding: u64| {
            ((output - 1) * stride + window).saturating_sub(padding)
        };
        let columns = needed(conv.output[1], conv.stride[1], width, conv.padding[1]);
        let taps = conv.in_channels / conv.groups * conv.kernel[0] * conv.kernel[1];
        let weights = conv.out_channels * taps;
        Self {
            name: name.to_owned(),
            input: input.to_owned(),
            output: output.to_owned(),
            operand: Some(StageOperand {
                name: format!("{name}.weights"),
                byte: weights as f64 * byte,
                is_own: false,
                is_transposed: false,
            }),
            repeat: conv.batch,
            input_rows: needed(conv.output[0], conv.stride[0], window, conv.padding[0]),
            rows: conv.output[0],
            window,
            stride: conv.stride[0],
            input_row_byte: (columns * conv.in_channels) as f64 * byte,
            output_row_byte: (conv.output[1] * conv.out_channels) as f64 * byte,
            row_macs: (conv.output[1] * weights) as f64,
        }
    }

    /// A matrix product by rows of its first operand; words of `byte`. `operand` names the second, which each repetition has of its own.
    pub fn product(name: &str, [input, operand, output]: [&str; 3], product: &MatMul, byte: f64) -> Self {
        let MatMul { batch, m, n, k, .. } = *product;
        Self {
            operand: Some(StageOperand {
                name: operand.to_owned(),
                byte: (k * n) as f64 * byte,
                is_own: true,
                is_transposed: false,
            }),
            row_macs: (n * k) as f64,
            output_row_byte: n as f64 * byte,
            ..Self::of_rows(name, input, output, [batch, m, k], byte)
        }
    }

    /// What makes each row of its row alone, without multiply-accumulates: a softmax, a normalization, an activation. `[repetitions, rows,
    /// words of a row]`.
    pub fn of_rows(
        name: &str,
        input: &str,
        output: &str,
        [repeat, rows, words]: [u64; 3],
        byte: f64,
    ) -> Self {
        Self {
            name: name.to_owned(),
            input: input.to_owned(),
            output: output.to_owned(),
            operand: None,
            repeat,
            input_rows: rows,
            rows,
            window: 1,
            stride: 1,
            input_row_byte: words as f64 * byte,
            output_row_byte: words as f64 * byte,
            row_macs: 0.0,
        }
    }

    /// Bytes of its input, all repetitions.
    pub fn input_byte(&self) -> f64 {
        self.repeat as f64 * self.input_rows as f64 * self.input_row_byte
    }

    /// Bytes of its output, all repetitions.
    pub fn output_byte(&self) -> f64 {
        self.repeat as f64 * self.rows as f64 * self.output_row_byte
    }

    /// Multiply-accumulates, all repetitions.
    pub fn macs(&self) -> f64 {
        self.repeat as f64 * self.rows as f64 * self.row_macs
    }
}

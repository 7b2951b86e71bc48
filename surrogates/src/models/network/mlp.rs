//! The multilayer perceptron: dense layers with an activation between them, and none after the last.
//!
//! Sources: Rumelhart, Hinton & Williams (1986), doi:10.1038/323533a0, for the gradients; weights start as in PyTorch 2
//! (`torch.nn.Linear`: weights and biases uniform within 1 / sqrt(inputs of the layer)).
//! Checked against: finite differences, in the tests below.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::Stream;

use super::activation::Activation;
use super::product::{Matrix, add_product};

/// Dense layers. Its weights are one vector: for each layer the matrix of shape `[outputs][inputs]`, then the biases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Mlp {
    /// Inputs, hidden layers, outputs.
    widths: Vec<usize>,
    activation: Activation,
    weights: Vec<f32>,
}

/// A network as it is read, before its weights are counted.
#[derive(Deserialize)]
struct Parts {
    widths: Vec<usize>,
    activation: Activation,
    weights: Vec<f32>,
}

impl TryFrom<Parts> for Mlp {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let Parts { widths, activation, weights } = parts;
        let is_network = widths.len() >= 2 && widths.iter().all(|&width| (1..=MOST_WIDTH).contains(&width));
        let expected: usize = if is_network { n_weights(&widths) } else { 0 };
        if !is_network || weights.len() != expected {
            return Err(format!("a network of widths {widths:?} does not have {} weights", weights.len()));
        }
        Ok(Self { widths, activation, weights })
    }
}

/// Wider layers are no network of ours: the bound keeps the number of weights of one that is read within 64 bits.
const MOST_WIDTH: usize = 1 << 24;

/// How many weights there are in the layers of these widths, biases included.
fn n_weights(widths: &[usize]) -> usize {
    widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
}

/// What a forward pass leaves for the backward pass: the input of each layer, shape `[n][width]`.
#[derive(Debug, Clone, Default)]
pub struct ForwardPass {
    n: usize,
    inputs: Vec<Vec<f32>>,
}

impl Mlp {
    /// A network with these widths (inputs, hidden layers, outputs) and random weights.
    ///
    /// # Panics
    /// If there are fewer than two widths, or one is 0.
    pub fn new(widths: &[usize], activation: Activation, rng: &mut Stream) -> Self {
        assert!(widths.len() >= 2, "a network has inputs and outputs; got widths {widths:?}");
        assert!(widths.iter().all(|&width| width > 0), "no layer is empty; got widths {widths:?}");
        let mut weights = Vec::new();
        for pair in widths.windows(2) {
            let bound = 1.0 / (pair[0] as f32).sqrt();
            let n_weights = (pair[0] + 1) * pair[1];
            weights.extend((0..n_weights).map(|_| bound * (2.0 * rng.random::<f32>() - 1.0)));
        }
        Self { widths: widths.to_vec(), activation, weights }
    }

    /// The same network with the last layer's weights and biases multiplied by `factor`.
    #[must_use]
    pub fn with_last_layer_scaled(mut self, factor: f32) -> Self {
        let last = self.n_layers() - 1;
        let start = self.layer_start(last);
        self.weights[start..].iter_mut().for_each(|weight| *weight *= factor);
        self
    }

    /// How many inputs there are.
    pub fn n_inputs(&self) -> usize {
        self.widths[0]
    }

    /// How many outputs there are.
    pub fn n_outputs(&self) -> usize {
        self.widths[self.n_layers()]
    }

    /// How many weights there are, biases included.
    pub fn n_weights(&self) -> usize {
        self.weights.len()
    }

    /// The weights, layer by layer.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The weights, to be changed.
    pub fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    /// The outputs for `n` inputs; from shape `[n][inputs]` to `[n][outputs]`.
    ///
    /// # Panics
    /// If the inputs are not whole rows.
    pub fn predict(&self, inputs: &[f32]) -> Vec<f32> {
        let n = self.n_rows(inputs);
        let mut values = self.layer(0, inputs, n);
        for layer in 1..self.n_layers() {
            self.activation.apply(&mut values);
            values = self.layer(layer, &values, n);
        }
        values
    }

    /// As [`predict`](Mlp::predict), leaving in `trace` what [`backward`](Mlp::backward) needs.
    ///
    /// # Panics
    /// If the inputs are not whole rows.
    pub fn forward(&self, inputs: &[f32], trace: &mut ForwardPass) -> Vec<f32> {
        trace.n = self.n_rows(inputs);
        trace.inputs.clear();
        trace.inputs.push(inputs.to_vec());
        for layer in 0..self.n_layers() - 1 {
            let mut values = self.layer(layer, &trace.inputs[layer], trace.n);
            self.activation.apply(&mut values);
            trace.inputs.push(values);
        }
        let last = self.n_layers() - 1;
        self.layer(last, &trace.inputs[last], trace.n)
    }

    /// Adds to `gradient`, shape `[weights]`, that of a loss whose gradient by the outputs is `by_outputs`, shape
    /// `[n][outputs]`.
    ///
    /// # Panics
    /// If a shape does not fit the network or the pass in `trace`.
    pub fn backward(&self, trace: &ForwardPass, by_outputs: &[f32], gradient: &mut [f32]) {
        self.backward_to_first_layer(trace, by_outputs, Some(gradient));
    }

    /// The gradient by the inputs, shape `[n][inputs]`, of a loss whose gradient by the outputs is `by_outputs`, shape
    /// `[n][outputs]`.
    ///
    /// # Panics
    /// If a shape does not fit the network or the pass in `trace`.
    pub fn input_gradient(&self, trace: &ForwardPass, by_outputs: &[f32]) -> Vec<f32> {
        let by_first = self.backward_to_first_layer(trace, by_outputs, None);
        self.by_layer_inputs(0, &by_first, trace.n)
    }

    /// Goes back as far as the outputs of the first layer, before its activation; returns the gradient by these.
    fn backward_to_first_layer(
        &self,
        trace: &ForwardPass,
        by_outputs: &[f32],
        mut gradient: Option<&mut [f32]>,
    ) -> Vec<f32> {
        assert_eq!(trace.inputs.len(), self.n_layers(), "a trace holds the inputs of each layer");
        let mut by_layer = by_outputs.to_vec();
        for layer in (0..self.n_layers()).rev() {
            if let Some(gradient) = gradient.as_deref_mut() {
                self.add_layer_gradient(layer, &trace.inputs[layer], &by_layer, gradient);
            }
            if layer > 0 {
                by_layer = self.by_layer_inputs(layer, &by_layer, trace.n);
                self.activation.scale_by_derivative(&trace.inputs[layer], &mut by_layer);
            }
        }
        by_layer
    }

    /// x W^T + b, shape `[n][outputs of the layer]`.
    fn layer(&self, layer: usize, inputs: &[f32], n: usize) -> Vec<f32> {
        let (n_inputs, n_outputs) = (self.widths[layer], self.widths[layer + 1]);
        let (matrix, biases) = self.layer_weights(layer);
        let mut outputs = biases.repeat(n);
        let matrix = Matrix::new(matrix, n_outputs, n_inputs);
        add_product(Matrix::new(inputs, n, n_inputs), matrix.transposed(), &mut outputs);
        outputs
    }

    /// dL/dx = dL/dy W, shape `[n][inputs of the layer]`.
    fn by_layer_inputs(&self, layer: usize, by_outputs: &[f32], n: usize) -> Vec<f32> {
        let (n_inputs, n_outputs) = (self.widths[layer], self.widths[layer + 1]);
        let mut by_inputs = vec![0.0; n * n_inputs];
        let matrix = Matrix::new(self.layer_weights(layer).0, n_outputs, n_inputs);
        add_product(Matrix::new(by_outputs, n, n_outputs), matrix, &mut by_inputs);
        by_inputs
    }

    /// dL/dW = (dL/dy)^T x and dL/db = dL/dy, summed over the rows.
    fn add_layer_gradient(&self, layer: usize, inputs: &[f32], by_outputs: &[f32], gradient: &mut [f32]) {
        assert_eq!(gradient.len(), self.n_weights(), "there is a gradient for each weight");
        let (n_inputs, n_outputs) = (self.widths[layer], self.widths[layer + 1]);
        let n = inputs.len() / n_inputs;
        let start = self.layer_start(layer);
        let (by_matrix, rest) = gradient[start..].split_at_mut(n_inputs * n_outputs);
        let by_outputs_matrix = Matrix::new(by_outputs, n, n_outputs);
        add_product(by_outputs_matrix.transposed(), Matrix::new(inputs, n, n_inputs), by_matrix);
        for row in by_outputs.chunks_exact(n_outputs) {
            rest.iter_mut().zip(row).for_each(|(by_bias, &by_output)| *by_bias += by_output);
        }
    }

    fn n_layers(&self) -> usize {
        self.widths.len() - 1
    }

    fn n_rows(&self, inputs: &[f32]) -> usize {
        let n = inputs.len() / self.n_inputs();
        assert_eq!(inputs.len(), n * self.n_inputs(), "inputs are rows of {} numbers", self.n_inputs());
        n
    }

    /// Where the weights of a layer begin.
    fn layer_start(&self, layer: usize) -> usize {
        n_weights(&self.widths[..=layer])
    }

    /// The matrix and the biases of a layer.
    fn layer_weights(&self, layer: usize) -> (&[f32], &[f32]) {
        let (n_inputs, n_outputs) = (self.widths[layer], self.widths[layer + 1]);
        let start = self.layer_start(layer);
        self.weights[start..start + (n_inputs + 1) * n_outputs].split_at(n_inputs * n_outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;

    fn rows(n: usize, width: usize) -> Vec<f32> {
        let mut rng = Seed::new(1).stream("rows");
        (0..n * width).map(|_| 2.0 * rng.random::<f32>() - 1.0).collect()
    }

    /// Hidden units 1*1 + 2*2 + 0 = 5 and -1*1 + 1*2 - 3 = -2, of which ReLU leaves 5 and 0; the output is 3*5 + 10*0 + 1.
    #[test]
    fn a_forward_pass_by_hand() {
        let mut network = Mlp::new(&[2, 2, 1], Activation::Relu, &mut Seed::new(0).stream("test"));
        network.weights_mut().copy_from_slice(&[1.0, 2.0, -1.0, 1.0, 0.0, -3.0, 3.0, 10.0, 1.0]);
        assert_eq!(network.predict(&[1.0, 2.0]), [16.0]);
        assert_eq!(network.forward(&[1.0, 2.0], &mut ForwardPass::default()), [16.0]);
    }

    /// Sum of the outputs, each times a coefficient of its own: a loss whose gradient by the outputs is known.
    fn loss(network: &Mlp, inputs: &[f32], coefficients: &[f32]) -> f64 {
        let outputs = network.predict(inputs);
        outputs.iter().zip(coefficients).map(|(&y, &c)| f64::from(y) * f64::from(c)).sum()
    }

    /// Central differences with h = 1e-2, in single precision: rounding leaves about 1e-7 / 1e-2 = 1e-5 per output, the third
    /// derivative about h^2 = 1e-4, the approximate tangent about 1e-3; a wrong gradient is off by its own size.
    #[test]
    fn gradients_agree_with_finite_differences() {
        const H: f32 = 1e-2;
        let inputs = rows(5, 4);
        let coefficients = rows(5, 3);
        for activation in [Activation::Tanh, Activation::Relu] {
            let mut network = Mlp::new(&[4, 7, 6, 3], activation, &mut Seed::new(0).stream("test"));
            let mut trace = ForwardPass::default();
            network.forward(&inputs, &mut trace);
            let mut gradient = vec![0.0; network.n_weights()];
            network.backward(&trace, &coefficients, &mut gradient);
            let by_inputs = network.input_gradient(&trace, &coefficients);

            let mut n_off = 0;
            for (index, &by_weight) in gradient.iter().enumerate() {
                let weight = network.weights()[index];
                let mut at = |weight| {
                    network.weights_mut()[index] = weight;
                    loss(&network, &inputs, &coefficients)
                };
                let slope = (at(weight + H) - at(weight - H)) / (2.0 * f64::from(H));
                at(weight);
                n_off += usize::from((slope - f64::from(by_weight)).abs() > 2e-3);
            }
            for index in 0..inputs.len() {
                let at = |step: f32| {
                    let mut moved = inputs.clone();
                    moved[index] += step;
                    loss(&network, &moved, &coefficients)
                };
                let slope = (at(H) - at(-H)) / (2.0 * f64::from(H));
                n_off += usize::from((slope - f64::from(by_inputs[index])).abs() > 2e-3);
            }
            // ReLU has a kink, and a few differences straddle it.
            let n_kinks = if activation == Activation::Relu { 12 } else { 0 };
            assert!(n_off <= n_kinks, "{activation:?}: {n_off} of {}", network.n_weights() + inputs.len());
        }
    }

    #[test]
    fn gradients_are_added_up() {
        let network = Mlp::new(&[3, 5, 2], Activation::Tanh, &mut Seed::new(0).stream("test"));
        let (inputs, by_outputs) = (rows(4, 3), rows(4, 2));
        let mut trace = ForwardPass::default();
        let mut whole = vec![0.0; network.n_weights()];
        network.forward(&inputs, &mut trace);
        network.backward(&trace, &by_outputs, &mut whole);
        let mut parts = vec![0.0; network.n_weights()];
        for (row, by_output) in inputs.chunks(3).zip(by_outputs.chunks(2)) {
            network.forward(row, &mut trace);
            network.backward(&trace, by_output, &mut parts);
        }
        assert!(whole.iter().zip(&parts).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    /// Law: no row's output depends on the rows beside it, to the last bit.
    #[test]
    fn a_row_is_predicted_alike_alone_and_among_others() {
        let network = Mlp::new(&[9, 64, 33, 3], Activation::Tanh, &mut Seed::new(0).stream("test"));
        let inputs = rows(101, 9);
        let together = network.predict(&inputs);
        for (row, output) in inputs.chunks(9).zip(together.chunks(3)) {
            assert_eq!(network.predict(row), output);
        }
    }

    /// Uniform within 1/sqrt(100) = 0.1: mean 0, standard deviation 0.1/sqrt(3) = 0.0577. Over 101 * 200 = 20,200 weights the
    /// mean is within 5 * 0.0577 / sqrt(20200) = 0.002 of 0.
    #[test]
    fn weights_start_as_in_pytorch() {
        let network = Mlp::new(&[100, 200, 1], Activation::Tanh, &mut Seed::new(0).stream("test"));
        let first = &network.weights()[..101 * 200];
        let mean = first.iter().sum::<f32>() / first.len() as f32;
        let variance = first.iter().map(|weight| weight * weight).sum::<f32>() / first.len() as f32;
        assert!(mean.abs() < 0.002, "{mean}");
        assert!((variance.sqrt() - 0.0577).abs() < 0.001, "{variance}");
        assert!(first.iter().all(|weight| weight.abs() <= 0.1));
        let shrunk = network.clone().with_last_layer_scaled(0.5);
        assert_eq!(shrunk.weights()[..101 * 200], network.weights()[..101 * 200]);
        assert_eq!(shrunk.weights()[101 * 200], 0.5 * network.weights()[101 * 200]);
    }
}

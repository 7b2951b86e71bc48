//! Rows that a network likes, found down its gradient.

use crate::models::network::{ForwardPass, Mlp};

/// `rows` after `steps` steps of `size` down the gradient of the outputs weighted by `weights`, shape `[outputs]`; the last
/// `n_fixed` columns of a row, its context, stay. Each row goes down a gradient of its own.
///
/// Source: Trabucco et al. (2021), arXiv:2107.06882, eq. 4; PRIME (Kumar et al. 2022, arXiv:2110.11346) falls back on it.
pub(crate) fn descend(
    network: &Mlp,
    mut rows: Vec<f32>,
    weights: &[f32],
    (steps, size): (usize, f32),
    n_fixed: usize,
) -> Vec<f32> {
    let width = network.n_inputs();
    let by_outputs = weights.repeat(rows.len() / width);
    let mut trace = ForwardPass::default();
    for _ in 0..steps {
        network.forward(&rows, &mut trace);
        let by_inputs = network.input_gradient(&trace, &by_outputs);
        for (row, slope) in rows.chunks_exact_mut(width).zip(by_inputs.chunks_exact(width)) {
            let free = row.iter_mut().zip(slope).take(width - n_fixed);
            free.for_each(|(value, slope)| *value -= size * slope);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::network::Activation;
    use tapeout_core::Seed;

    /// A network of one layer, y = 2 a - 3 b + c with c fixed: two steps of 0.1 take a down by 0.4 and b up by 0.6.
    #[test]
    fn every_row_goes_down_its_own_gradient_and_keeps_its_context() {
        let mut network = Mlp::new(&[3, 1], Activation::Relu, &mut Seed::new(0).stream("test"));
        network.weights_mut().copy_from_slice(&[2.0, -3.0, 1.0, 0.0]);
        let rows = descend(&network, vec![1.0, 1.0, 5.0, 0.0, 0.0, 6.0], &[1.0], (2, 0.1), 1);
        let expected = [0.6, 1.6, 5.0, -0.4, 0.6, 6.0];
        assert!(rows.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{rows:?}");
    }

    /// Two rows on the two sides of a kink: y = relu(a). The one above zero goes down, the other has no slope.
    #[test]
    fn rows_with_different_slopes_move_differently() {
        let mut network = Mlp::new(&[1, 1, 1], Activation::Relu, &mut Seed::new(0).stream("test"));
        network.weights_mut().copy_from_slice(&[1.0, 0.0, 1.0, 0.0]);
        let rows = descend(&network, vec![1.0, -1.0], &[1.0], (1, 0.25), 0);
        assert_eq!(rows, [0.75, -1.0]);
    }
}

//! Losses, each with its gradient by the outputs.

/// Beyond this a logistic function is 0 or 1 to single precision, whose smallest step at 1 is 2^-24 = exp(-16.6).
const SATURATION: f32 = 17.0;

/// The mean squared error over `n` outputs, and its gradient by each; `targets` and the gradient have shape `[n]`.
///
/// # Panics
/// If there are not as many targets as outputs.
///
/// ```
/// # use tapeout_surrogates::models::network::losses::squared_error;
/// assert_eq!(squared_error(&[1.0, 2.0], &[1.0, 4.0]), (2.0, vec![0.0, -2.0]));
/// ```
pub fn squared_error(outputs: &[f32], targets: &[f32]) -> (f64, Vec<f32>) {
    assert_eq!(outputs.len(), targets.len(), "there is a target for each output");
    let n = outputs.len() as f32;
    let errors = || outputs.iter().zip(targets).map(|(output, target)| output - target);
    let loss = errors().map(|error| f64::from(error * error)).sum::<f64>() / f64::from(n);
    (loss, errors().map(|error| 2.0 * error / n).collect())
}

/// The mean binary cross-entropy over `n` outputs that are log-odds, and its gradient by each; `labels`, 0 or 1 or between, and
/// the gradient have shape `[n]`.
///
/// # Panics
/// If there are not as many labels as outputs.
///
/// ```
/// # use tapeout_surrogates::models::network::losses::cross_entropy;
/// let (loss, gradient) = cross_entropy(&[0.0], &[1.0]);
/// assert!((loss - 2f64.ln()).abs() < 1e-6);
/// assert_eq!(gradient, [-0.5]);
/// ```
pub fn cross_entropy(outputs: &[f32], labels: &[f32]) -> (f64, Vec<f32>) {
    assert_eq!(outputs.len(), labels.len(), "there is a label for each output");
    let n = outputs.len() as f32;
    // ln(1 + e^z) - y z, in the form that cannot overflow.
    let entropy = |(&z, &y): (&f32, &f32)| f64::from(z.max(0.0) - y * z + (-z.abs()).exp().ln_1p());
    let loss = outputs.iter().zip(labels).map(entropy).sum::<f64>() / f64::from(n);
    let gradient = outputs.iter().zip(labels).map(|(&z, y)| (logistic(z) - y) / n).collect();
    (loss, gradient)
}

/// 1 / (1 + e^-z): the probability of log-odds `z`.
pub fn logistic(z: f32) -> f32 {
    // Clamped, so that no gradient is a subnormal number, which arithmetic is many times slower on.
    1.0 / (1.0 + (-z.clamp(-SATURATION, SATURATION)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln(1 + e^2) = 2.126928 for a label of 0; 2.126928 - 2 for a label of 1. The gradients are (0.880797 - y) / 2.
    #[test]
    fn cross_entropy_by_hand() {
        let (loss, gradient) = cross_entropy(&[2.0, 2.0], &[0.0, 1.0]);
        assert!((loss - (2.126_928 + 0.126_928) / 2.0).abs() < 1e-6, "{loss}");
        assert!((gradient[0] - 0.440_399).abs() < 1e-6 && (gradient[1] + 0.059_601).abs() < 1e-6);
        let (loss, gradient) = cross_entropy(&[-1e30, 1e30], &[0.0, 1.0]);
        assert!(loss == 0.0 && gradient.iter().all(|slope| slope.abs() < 1e-7));
    }
}

//! Members of an ensemble, taken together.

/// The mean of what the members say, and the standard deviation around it.
pub(crate) fn mean_and_spread(outputs: &[f64]) -> (f64, f64) {
    let n = outputs.len().max(1) as f64;
    let mean = outputs.iter().sum::<f64>() / n;
    let variance = outputs.iter().map(|output| (output - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

//! Errors relative to the size of what is predicted.

/// The mean absolute percentage error on the logarithmic scale, as a fraction: exp of the mean of |ln(predicted / truth)|, less 1.
///
/// 0.1 says that predictions are off by 10 % up or down. Unlike the plain mean of |predicted - truth| / truth it does not
/// prefer predictions that are too low. Both slices have shape `[n]` and positive numbers.
///
/// # Panics
/// If the lengths differ, there is nothing to compare, or a number is not positive.
///
/// ```
/// # use tapeout_surrogates::errors::log_scale_error;
/// assert!((log_scale_error(&[2.0, 0.5], &[1.0, 1.0]) - 1.0).abs() < 1e-12); // off by a factor of 2
/// ```
pub fn log_scale_error(predicted: &[f64], truth: &[f64]) -> f64 {
    assert_pairs(predicted.len(), truth.len());
    let logs = predicted.iter().zip(truth).map(|(&predicted, &truth)| {
        assert!(
            predicted > 0.0 && truth > 0.0,
            "logarithms are of positive numbers; got {predicted} and {truth}"
        );
        (predicted / truth).ln().abs()
    });
    (logs.sum::<f64>() / truth.len() as f64).exp_m1()
}

/// The root mean square of the errors over the mean size of the truth, as a fraction.
///
/// Both slices have shape `[n]`.
///
/// # Panics
/// If the lengths differ, or there is nothing to compare, or the truth is 0 throughout.
///
/// ```
/// # use tapeout_surrogates::errors::relative_rmse;
/// assert_eq!(relative_rmse(&[1.0, 5.0], &[4.0, 1.0]), 12.5f64.sqrt() / 2.5); // errors -3 and 4
/// ```
pub fn relative_rmse(predicted: &[f64], truth: &[f64]) -> f64 {
    assert_pairs(predicted.len(), truth.len());
    let n = truth.len() as f64;
    let size = truth.iter().map(|truth| truth.abs()).sum::<f64>() / n;
    assert!(size > 0.0, "an error is relative to a truth that is not 0 throughout");
    let squares = predicted.iter().zip(truth).map(|(predicted, truth)| (predicted - truth).powi(2));
    (squares.sum::<f64>() / n).sqrt() / size
}

/// Holds a caller to one prediction for each truth.
pub(super) fn assert_pairs(n_predicted: usize, n_truth: usize) {
    assert!(n_predicted == n_truth, "a prediction for each truth; got {n_predicted} for {n_truth}");
    assert!(n_truth > 0, "there is nothing to compare");
}

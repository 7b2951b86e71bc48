//! Losses of several objectives, each along its range.

/// Each objective's range as 0 to 1. `losses`: shape `[n][m]`, not empty.
pub fn normalised(losses: &[&[f64]]) -> Vec<Vec<f64>> {
    let ranges = ranges(losses);
    losses.iter().map(|losses| along(&ranges, losses)).collect()
}

/// The least and the largest loss of each objective, shape `[m]`. `losses`: shape `[n][m]`, not empty.
pub fn ranges(losses: &[&[f64]]) -> Vec<(f64, f64)> {
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); losses[0].len()];
    for losses in losses {
        for ((low, high), &loss) in ranges.iter_mut().zip(*losses) {
            (*low, *high) = (low.min(loss), high.max(loss));
        }
    }
    ranges
}

/// Losses, shape `[m]`, with each range as 0 to 1; at 1 where all are equal.
pub fn along(ranges: &[(f64, f64)], losses: &[f64]) -> Vec<f64> {
    let scaled = |(&loss, &(low, high)): (&f64, &(f64, f64))| {
        if high > low { (loss - low) / (high - low) } else { 1.0 }
    };
    losses.iter().zip(ranges).map(scaled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges 1 to 3, 10 to 30, and none: an objective in which all are equal is at its worst for all.
    #[test]
    fn normalised_losses_span_the_unit_cube() {
        let rows = normalised(&[&[1.0, 10.0, 7.0], &[3.0, 30.0, 7.0], &[2.0, 15.0, 7.0]]);
        assert_eq!(rows, [[0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.5, 0.25, 1.0]]);
    }
}

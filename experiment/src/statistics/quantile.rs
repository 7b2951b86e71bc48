//! Means and quantiles.

/// The mean of `sample`, which has at least one value.
pub fn mean(sample: &[f64]) -> f64 {
    sample.iter().sum::<f64>() / sample.len() as f64
}

/// The value below which a share `p` of `sample` lies, on a straight line between the two nearest values.
///
/// `sample`: in any order, at least one value; infinite ones are allowed and ordered as numbers are. `p`: 0 to 1.
/// Source: Hyndman & Fan (1996), doi:10.2307/2684934, definition 7, which is NumPy's and R's default.
///
/// ```
/// # use tapeout_experiment::statistics::quantile;
/// assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
/// ```
pub fn quantile(sample: &[f64], p: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    between(&sorted, p)
}

/// Lower quartile, median and upper quartile of `sample`, as [`quantile`] defines them.
pub fn quartiles(sample: &[f64]) -> [f64; 3] {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|p| between(&sorted, p))
}

pub(super) fn between(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (low, share) = (place.floor(), place.fract());
    let below = sorted[low as usize];
    // Between two equal infinities the difference below would be no number.
    match sorted.get(low as usize + 1) {
        Some(&above) if share > 0.0 && above > below => below + share * (above - below),
        _ => below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand: five values stand at 0, 1/4, 1/2, 3/4 and 1; of four, the lower quartile is 3/4 of the way from the
    // first to the second.
    #[test]
    fn quantiles_lie_on_a_line_between_neighbours() {
        assert_eq!(quartiles(&[5.0, 1.0, 4.0, 2.0, 3.0]), [2.0, 3.0, 4.0]);
        assert_eq!(quartiles(&[10.0, 20.0, 30.0, 40.0]), [17.5, 25.0, 32.5]);
        assert_eq!(quartiles(&[7.0]), [7.0; 3]);
        assert_eq!(quantile(&[1.0, 3.0], 0.0), 1.0);
        assert_eq!(quantile(&[1.0, 3.0], 1.0), 3.0);
    }

    // Claim: a run without any result, which counts as infinite, leaves the quantiles below it as they are.
    #[test]
    fn infinite_values_stand_at_the_end() {
        let never = f64::INFINITY;
        assert_eq!(quartiles(&[1.0, 2.0, 3.0, never, never]), [2.0, 3.0, never]);
        assert_eq!(quantile(&[1.0, never], 0.5), never);
    }
}
